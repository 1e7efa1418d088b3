//! What a comparison says in words, the same in the terminal and in the window.

use taskscope_format::Nanos;

use super::change::{Change, Measure};
use super::figures::Figures;
use super::{Comparison, Row, TraceFigures};
use crate::questions::Histogram;
use crate::units::{count, duration};

/// How many times as much something is: `2.10 ×`; `–` where it was nothing before.
pub fn factor(ratio: Option<f64>) -> String {
    let decimals = match ratio {
        Some(of) if of >= 99.5 => 0,
        Some(of) if of >= 9.95 => 1,
        _ => 2,
    };
    ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.decimals$} ×"))
}

/// A time as people read it; `–` where there is none.
pub fn time(time: Option<Nanos>) -> String {
    time.map_or("–".to_owned(), |time| duration(time as f64))
}

/// The average of some times as people read it; `–` where there are none.
pub fn average(of: &Histogram) -> String {
    of.mean().map_or("–".to_owned(), duration)
}

/// A figure of both traces as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Overall {
    /// What it is.
    pub name: &'static str,
    /// What that means, in a sentence.
    pub about: &'static str,
    /// In A, and in B.
    pub values: [String; 2],
    /// How many times as much it is in B, if it is anything in A.
    pub ratio: Option<f64>,
    /// Whether more of it is worse.
    pub is_cost: bool,
}

impl Comparison {
    /// What got slower most, or that nothing did, in a sentence.
    pub fn sentence(&self) -> String {
        let Some(row) = self.rows.first() else {
            return "There are no tasks in either.".to_owned();
        };
        match self.says(row).filter(|_| row.change.is_worse()) {
            Some(says) => says + ".",
            None if self.rows.iter().all(|row| row.a.is_none() || row.b.is_none()) => {
                "The two have no spawn place in common.".to_owned()
            }
            None => "No spawn place got slower by more than chance would explain.".to_owned(),
        }
    }

    /// How many times as long it takes in B by what the row says: a task from its spawn to its end, a task that is ready
    /// until its poll, and else a poll. `None` for a place that is not in both.
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let (a, b) = (&self.in_a(row)?.sums, &self.in_b(row)?.sums);
        let times = match row.change {
            Change::Slower(Measure::Task) | Change::Faster(Measure::Task) => [&a.lives, &b.lives],
            Change::Late => [&a.delays, &b.delays],
            _ => [&a.times, &b.times],
        };
        ratio_of(times)
    }

    /// How many times as long a poll takes in B, on average, and how many times as long a task that is ready waits for one.
    pub fn ratios(&self, row: &Row) -> [Option<f64>; 2] {
        let both = || Some((&self.in_a(row)?.sums, &self.in_b(row)?.sums));
        let Some((a, b)) = both() else { return [None; 2] };
        [ratio_of([&a.times, &b.times]), ratio_of([&a.delays, &b.delays])]
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
                let quantiles = [a.poll_quantile(0.99), b.poll_quantile(0.99)];
                how("a poll takes", [&a.times, &b.times], quantiles)?
            }
            Change::Slower(Measure::Task) | Change::Faster(Measure::Task) => of_task(both()?)?,
            Change::Late => {
                let (a, b) = both()?;
                let quantiles = [a.delay_quantile(0.99), b.delay_quantile(0.99)];
                how("a task that is ready waits for its poll", [&a.delays, &b.delays], quantiles)?
            }
            Change::Same | Change::Few => return None,
        };
        Some(format!("{title}: {says}"))
    }

    /// The figures of both as a whole.
    pub fn overall(&self) -> Vec<Overall> {
        let times = |name, about, of: fn(&TraceFigures) -> Option<Nanos>, is_cost| {
            let [a, b] = [of(&self.a), of(&self.b)];
            let ratio = quotient(a.map(|a| a as f64), b.map(|b| b as f64));
            Overall { name, about, values: [time(a), time(b)], ratio, is_cost }
        };
        let counts = |name, about, of: fn(&Figures) -> u64| {
            let [a, b] = [of(&self.a.all), of(&self.b.all)];
            let ratio = quotient(Some(a as f64), Some(b as f64));
            Overall { name, about, values: [count(a), count(b)], ratio, is_cost: false }
        };
        let mean = [self.a.overlap.mean(), self.b.overlap.mean()];
        vec![
            times("wall", "From the first event to the last.", |of| Some(of.wall), true),
            times("busy", "Time in all polls together.", |of| Some(of.all.busy), true),
            times(
                "overlap",
                "For how long two workers or more polled at once: that is what parallel work is.",
                |of| Some(of.overlap.several()),
                false,
            ),
            Overall {
                name: "at once",
                about: "How many workers polled on average, while any did.",
                values: mean.map(|mean| format!("{mean:.2}")),
                ratio: quotient(Some(mean[0]), Some(mean[1])),
                is_cost: false,
            },
            counts("tasks", "Tasks, and what runs on the blocking pool.", |of| of.tasks),
            counts("polls", "Polls of all of them.", |of| of.polls),
            counts("hops", "Polls on another worker than the task's poll before.", |of| of.hops),
            times(
                "poll 99 %",
                "So long 99 of 100 polls took at most.",
                |of| of.all.poll_quantile(0.99),
                true,
            ),
            times(
                "scheduled 99 %",
                "So long 99 of 100 polls came after their task was ready, at most.",
                |of| of.all.delay_quantile(0.99),
                true,
            ),
        ]
    }
}

impl Change {
    /// Whether people would call it worse.
    pub fn is_worse(self) -> bool {
        matches!(self, Self::Slower(_) | Self::Late)
    }
}

fn quotient(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    let ratio = b? / a?;
    ratio.is_finite().then_some(ratio)
}

fn ratio_of([a, b]: [&Histogram; 2]) -> Option<f64> {
    quotient(a.mean(), b.mean())
}

/// "a poll takes 2.10 × as long (99 %: 31 ms instead of 1.2 ms)". Where that part of the times went the other way, the
/// averages are named.
fn how(what: &str, times: [&Histogram; 2], quantiles: [Option<Nanos>; 2]) -> Option<String> {
    let ratio = ratio_of(times)?;
    let [was, is] = match quantiles {
        [Some(was), Some(is)] if is != was && (is > was) == (ratio > 1.0) => [was, is],
        _ => {
            let [was, is] = [times[0].mean()?, times[1].mean()?].map(duration);
            return Some(format!(
                "{what} {} as long (on average: {is} instead of {was})",
                factor(Some(ratio))
            ));
        }
    };
    let [was, is] = [was, is].map(|quantile| duration(quantile as f64));
    Some(format!("{what} {} as long (99 %: {is} instead of {was})", factor(Some(ratio))))
}

fn of_task((a, b): (&Figures, &Figures)) -> Option<String> {
    let ratio = ratio_of([&a.lives, &b.lives])?;
    let polls = |of: &Figures| format!("{:.1}", of.polls as f64 / of.tasks.max(1) as f64);
    let [was, is] = [a.lives.mean()?, b.lives.mean()?].map(duration);
    Some(format!(
        "a task spends {} as long in polls ({is} instead of {was}, in {} polls instead of {})",
        factor(Some(ratio)),
        polls(b),
        polls(a)
    ))
}
