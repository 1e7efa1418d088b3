//! What recording costs, measured beside its neighbours.
//!
//! ```text
//! cargo run --release --manifest-path crates/taskscope-bench/Cargo.toml -- --rounds 7
//! ```
//!
//! Each workload runs once per round in each variant (a recorder, or none), and
//! every run is a process of its own: a global subscriber cannot be taken out
//! again, and a peak of memory is never forgotten. Variants alternate within a
//! round, so that a noisy minute hits all alike; what is shown are medians.
//!
//! `--soak 3` is another thing: three minutes of a flight recorder, for its memory.
//!
//! Trust ratios of CPU time. Wall time says little on a busy machine, and
//! nanoseconds say little about another one.

mod child;
mod floor;
mod load;
mod report;
mod soak;
mod variant;
mod workload;

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use clap::{Parser, ValueEnum};

use crate::child::Figures;
use crate::report::Results;
use crate::variant::Variant;
use crate::workload::Workload;

#[cfg(not(tokio_unstable))]
compile_error!(
    "build from the project's root, whose .cargo/config.toml sets `--cfg tokio_unstable` \
     (or add that to RUSTFLAGS)"
);

/// Measures what recording costs.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// How often each variant runs.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// A tenth of the size.
    #[arg(long)]
    quick: bool,
    /// Print the figures of every run as JSON, and no table.
    #[arg(long)]
    json: bool,
    /// Only these workloads.
    #[arg(long, value_enum, value_delimiter = ',')]
    workloads: Vec<Workload>,
    /// Only these variants. Ratios need `bare` among them.
    #[arg(long, value_enum, value_delimiter = ',')]
    variants: Vec<Variant>,
    /// Instead of all that, run a flight recorder for so many minutes and see that its memory
    /// stays within its limits.
    #[arg(long, value_name = "MINUTES")]
    soak: Option<f64>,
    /// Be the measured process.
    #[arg(long, hide = true)]
    child: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = Options::parse();
    if let Some(minutes) = options.soak {
        return soak::run(minutes);
    }
    if options.workloads.is_empty() {
        options.workloads = Workload::value_variants().to_vec();
    }
    if options.variants.is_empty() {
        options.variants = Variant::value_variants().to_vec();
    }
    if options.child {
        return child::run(options.workloads[0], options.variants[0], options.quick);
    }
    for &workload in &options.workloads {
        let mut results = Results::new(workload, &options.variants);
        for round in 1..=options.rounds {
            for &variant in &options.variants {
                eprint!("\r\x1b[K{workload:?} {round}/{}: {variant:?}", options.rounds);
                results.add(variant, measure(workload, variant, options.quick)?);
            }
        }
        eprint!("\r\x1b[K");
        if options.json {
            serde_json::to_writer(std::io::stdout().lock(), &results)?;
            println!();
        } else {
            println!("{results}");
        }
    }
    Ok(())
}

/// Runs one process, and the load on it where it is a server.
fn measure(workload: Workload, variant: Variant, quick: bool) -> Result<Figures, Box<dyn Error>> {
    let name = |value: &dyn Fn() -> Option<clap::builder::PossibleValue>| {
        value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    };
    let directory = tempfile::tempdir()?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("--child")
        .args(["--workloads", &name(&|| workload.to_possible_value())])
        .args(["--variants", &name(&|| variant.to_possible_value())])
        .args(quick.then_some("--quick"))
        .env(child::DIRECTORY, directory.path())
        .env("TASKSCOPE_FILE", directory.path().join("full.tscope"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut process = command.spawn()?;
    let (Some(mut input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
        return Err("the measured process has no pipes".into());
    };
    let mut output = BufReader::new(output);
    let mut line = String::new();
    let load = match workload {
        Workload::Server => {
            output.read_line(&mut line)?;
            let load = load::run(line.trim().parse()?, workload.operations(quick))?;
            line.clear();
            input.write_all(b"stop\n")?;
            Some(load)
        }
        _ => None,
    };
    output.read_line(&mut line)?;
    let status = process.wait()?;
    if !status.success() {
        return Err(format!("{variant:?} under {workload:?}: {status}").into());
    }
    let mut figures: Figures = serde_json::from_str(&line)?;
    figures.load = load;
    Ok(figures)
}
