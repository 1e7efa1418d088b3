//! What a comparison says in a sentence, the same in the terminal and in the window.

use super::change::{Change, Measure, mean};
use super::figures::Figures;
use super::{Comparison, Row};
use crate::questions::Histogram;
use crate::units::duration;
use taskscope_format::Nanos;

/// How many times as much B is: `2.1 ×`; `None` where A is nothing.
pub fn ratio(a: f64, b: f64) -> Option<String> {
    let ratio = b / a;
    let decimals = match ratio {
        of if !of.is_finite() => return None,
        of if of >= 99.5 => 0,
        of if of >= 9.95 => 1,
        _ => 2,
    };
    Some(format!("{ratio:.decimals$} ×"))
}

impl Comparison {
    /// What got slower most, or that nothing did, in a sentence.
    pub fn sentence(&self) -> String {
        let Some(row) = self.rows.first() else {
            return "There are no tasks in either.".to_owned();
        };
        match self.says(row).filter(|_| matches!(row.change, Change::Slower(_) | Change::Late)) {
            Some(says) => says + ".",
            None if self.rows.iter().all(|row| row.a.is_none() || row.b.is_none()) => {
                "The two have no spawn place in common.".to_owned()
            }
            None => "No spawn place got slower by more than chance would explain.".to_owned(),
        }
    }

    /// What became of a place, with its name; `None` where there is nothing to say.
    pub fn says(&self, row: &Row) -> Option<String> {
        let title = self.newest(row)?.title();
        let (a, b) = (self.in_a(row), self.in_b(row));
        let both = || Some((&a?.sums, &b?.sums));
        let says = match row.change {
            Change::New => "there is no such place in A".to_owned(),
            Change::Gone => "there is no such place in B".to_owned(),
            Change::Slower(Measure::Poll) | Change::Faster(Measure::Poll) => {
                let (a, b) = both()?;
                let times = [&a.times, &b.times];
                how("a poll takes", times, [a.poll_quantile(0.99), b.poll_quantile(0.99)])?
            }
            Change::Slower(Measure::Task) | Change::Faster(Measure::Task) => of_task(both()?)?,
            Change::Late => {
                let (a, b) = both()?;
                let times = [&a.delays, &b.delays];
                let quantiles = [a.delay_quantile(0.99), b.delay_quantile(0.99)];
                how("a task that is ready waits for its poll", times, quantiles)?
            }
            Change::Same | Change::Few => return None,
        };
        Some(format!("{title}: {says}"))
    }
}

/// "a poll takes 2.1 × as long (99 %: 31 ms instead of 1.2 ms)". Where that part of the times went the other way, the averages are named.
fn how(what: &str, times: [&Histogram; 2], quantiles: [Option<Nanos>; 2]) -> Option<String> {
    let [a, b] = times.map(mean);
    let ratio = ratio(a, b)?;
    let (which, [was, is]) = match quantiles {
        [Some(was), Some(is)] if (is > was) == (b > a) && is != was => {
            ("99 %", [was as f64, is as f64])
        }
        _ => ("on average", [a, b]),
    };
    Some(format!("{what} {ratio} as long ({which}: {} instead of {})", duration(is), duration(was)))
}

fn of_task((a, b): (&Figures, &Figures)) -> Option<String> {
    let [was, is] = [&a.lives, &b.lives].map(mean);
    let ratio = ratio(was, is)?;
    let polls = |of: &Figures| format!("{:.1}", of.polls as f64 / of.tasks.max(1) as f64);
    let (was, is) = (duration(was), duration(is));
    Some(format!(
        "a task spends {ratio} as long in polls ({is} instead of {was}, in {} polls instead of {})",
        polls(b),
        polls(a)
    ))
}
