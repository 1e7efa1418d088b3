//! From the figures of all runs to a table.

use std::fmt;

use serde::Serialize;

use crate::child::Figures;
use crate::variant::Variant;
use crate::workload::Workload;

/// All runs of one workload.
#[derive(Debug, Serialize)]
pub struct Results {
    workload: String,
    operation: &'static str,
    operations_in_full: u64,
    variants: Vec<Runs>,
    #[serde(skip)]
    of: Vec<Variant>,
}

#[derive(Debug, Serialize)]
struct Runs {
    variant: String,
    runs: Vec<Figures>,
}

impl Results {
    /// No run yet.
    pub fn new(workload: Workload, variants: &[Variant]) -> Self {
        Self {
            workload: format!("{workload:?}").to_lowercase(),
            operation: workload.operation(),
            operations_in_full: workload.operations(false),
            variants: variants
                .iter()
                .map(|variant| Runs {
                    variant: format!("{variant:?}").to_lowercase(),
                    runs: Vec::new(),
                })
                .collect(),
            of: variants.to_vec(),
        }
    }

    /// Adds a run.
    pub fn add(&mut self, variant: Variant, figures: Figures) {
        let position = self.of.iter().position(|of| *of == variant);
        if let Some(runs) = position.and_then(|position| self.variants.get_mut(position)) {
            runs.runs.push(figures);
        }
    }

    fn of(&self, variant: Variant) -> Option<&Runs> {
        self.of.iter().position(|of| *of == variant).map(|position| &self.variants[position])
    }
}

impl Runs {
    fn median(&self, figure: impl Fn(&Figures) -> f64) -> f64 {
        let mut values: Vec<_> = self.runs.iter().map(figure).collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.of(Variant::Bare);
        let head = ["cpu ms", "ratio", "of floor", "wall ms", "peak MB", "above", "trace MB", "dropped"];
        write!(f, "{:<12}", self.workload)?;
        for column in head {
            write!(f, "{column:>10}")?;
        }
        let is_server = self.of(Variant::Bare).or(self.variants.first());
        let is_server =
            is_server.is_some_and(|runs| runs.runs.iter().any(|run| run.load.is_some()));
        if is_server {
            write!(f, "{:>12}{:>10}", "requests/s", "p99 µs")?;
        }
        writeln!(f)?;
        for (variant, runs) in self.of.iter().zip(&self.variants) {
            let cpu = runs.median(|run| run.cpu_ns as f64);
            let peak = runs.median(|run| run.peak_bytes as f64);
            let bare_cpu = bare.map_or(f64::NAN, |bare| bare.median(|run| run.cpu_ns as f64));
            let bare_peak = bare.map_or(f64::NAN, |bare| bare.median(|run| run.peak_bytes as f64));
            let floor = variant.floor().and_then(|floor| self.of(floor));
            let of_floor = floor.map(|floor| cpu / floor.median(|run| run.cpu_ns as f64));
            let dropped: Option<u64> = runs.runs.iter().map(|run| run.dropped).sum();
            write!(
                f,
                "{:<12}{:>10.1}{:>10.2}{:>10}{:>10.1}{:>10.1}{:>10.1}{:>10.1}{:>10}",
                runs.variant,
                cpu / 1e6,
                cpu / bare_cpu,
                of_floor.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}")),
                runs.median(|run| run.wall_ns as f64) / 1e6,
                peak / 1e6,
                (peak - bare_peak) / 1e6,
                runs.median(|run| run.trace_bytes as f64) / 1e6,
                dropped.map_or_else(|| "-".to_owned(), |dropped| dropped.to_string()),
            )?;
            if is_server {
                let load = |figure: fn(&crate::load::Load) -> f64| {
                    runs.median(|run| run.load.as_ref().map_or(f64::NAN, figure))
                };
                let (rate, p99) = (load(|l| l.requests_per_second), load(|l| l.p99_ns as f64));
                write!(f, "{rate:>12.0}{:>10.0}", p99 / 1e3)?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
