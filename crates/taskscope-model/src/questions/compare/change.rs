//! What became of a place: the rule by which what got slower stands on top.
//!
//! # The problem
//! Two runs have different numbers of requests, so a place's time in polls says nothing by itself: it is compared *per poll*
//! and *per task*. A ratio says nothing either: the worst belong to places with three polls, or to some that take a thousandth of
//! the time. And tasks that are ready for longer are most often not to blame, but whoever holds their worker is.
//!
//! # The rule
//! A place got **slower** if its polls take longer on average, or if its tasks spend longer in polls. The second is
//! asked only of tasks that were spawned in the recording and ended in it, if most of the place's are such: what a task that
//! lives as long as the server does took depends on how long one recorded. By task it is also found if a task is polled more
//! often than before: the words say by which of the two it is. (Where requests per connection differ, that is what it may show.)
//!
//! It must be more than chance: of [`FEW`] polls or tasks in each trace at least, by [`LEAST_RATIO`] at least, and the difference
//! of the averages [`SURE`] times as large as its standard error (Welch's test; so large it is by chance once in a thousand
//! times). That is the chance *within* a run. That the whole machine was slower, only a further run shows.
//!
//! What it *weighs* is the time that B would have saved at A's pace: the difference of the averages, times how many there are
//! in B. What weighs less than [`LEAST_SHARE`] of the time in polls of all is no change. The weightiest comes first.
//!
//! A place whose polls take no longer, but come later after their wakes, is **late**: it stands behind all that got slower, since
//! these may be the cause. It is that only if they take [`LEAST_LATE`] times as long: how long tasks wait for a worker varies
//! from run to run. Then come places that are new, then what got faster, and the rest by its time in polls. Places with few
//! polls stand behind these, and those that are gone are last.

use super::figures::{PlaceFigures, TraceFigures};
use crate::questions::Histogram;

/// Of fewer polls or tasks nothing is said.
const FEW: u64 = 20;
/// What waits for its worker longer by less is not late: that varies from run to run.
const LEAST_LATE: f64 = 1.5;
/// What differs by less is the same.
const LEAST_RATIO: f64 = 1.1;
/// So many standard errors lie between two averages that differ.
const SURE: f64 = 3.3;
/// What weighs less than that share of the time in all polls is no change.
const LEAST_SHARE: f64 = 0.002;

/// By what a place got slower or faster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Its polls take longer, or shorter, on average.
    Poll,
    /// Its tasks spend longer in polls, or shorter, from their spawn to their end.
    Task,
}

/// What became of a place from A to B. The order is that of [`Comparison::rows`](super::Comparison::rows).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It takes longer than before: more than chance would explain.
    Slower(Measure),
    /// Its tasks are scheduled for longer before they are polled.
    Late,
    /// It is in B alone.
    New,
    /// It takes less time than before, likewise.
    Faster(Measure),
    /// Nothing that is more than chance.
    Same,
    /// Too few polls in one of the two.
    Few,
    /// It is in A alone.
    Gone,
}

impl Change {
    /// Its place in the order in which rows stand.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Slower(_) => 0,
            Self::Late => 1,
            Self::New => 2,
            Self::Faster(_) => 3,
            Self::Same => 4,
            Self::Few => 5,
            Self::Gone => 6,
        }
    }

    /// The word for it, as it stands in a table and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Slower(_) => "slower",
            Self::Late => "late",
            Self::New => "new",
            Self::Faster(_) => "faster",
            Self::Same => "same",
            Self::Few => "few polls",
            Self::Gone => "gone",
        }
    }
}

type Side<'a> = (&'a TraceFigures, Option<&'a PlaceFigures>);

/// What became of a place, and how much that weighs.
pub(super) fn change((all_a, a): Side<'_>, (all_b, b): Side<'_>) -> (Change, f64) {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (&a.sums, &b.sums),
        (None, Some(b)) => return (Change::New, b.sums.busy as f64),
        (Some(a), None) => return (Change::Gone, a.sums.busy as f64),
        (None, None) => return (Change::Same, 0.0),
    };
    let live = |of: &super::Figures| 2 * of.lives.count() >= of.tasks;
    let of_task = live(a) && live(b);
    let excess = |a: &super::Figures, b: &super::Figures| {
        let by_poll = excess(&a.times, &b.times).map(|more| (more, Measure::Poll));
        let by_task = excess(&a.lives, &b.lives).filter(|_| of_task);
        let by_task = by_task.map(|more| (more, Measure::Task));
        // Of two that weigh the same, polls are what people look at.
        by_poll.into_iter().chain(by_task).reduce(|one, other| match other.0 > one.0 {
            true => other,
            false => one,
        })
    };
    let least = |all: &TraceFigures| LEAST_SHARE * all.all.busy as f64;
    if let Some((more, by)) = excess(a, b).filter(|(more, _)| *more >= least(all_b)) {
        return (Change::Slower(by), more);
    }
    let later = self::excess(&a.delays, &b.delays);
    let is_late = || b.delays.mean() >= a.delays.mean().map(|mean| LEAST_LATE * mean);
    if let Some(more) = later.filter(|more| *more >= least(all_b) && is_late()) {
        return (Change::Late, more);
    }
    if let Some((less, by)) = excess(b, a).filter(|(less, _)| *less >= least(all_a)) {
        return (Change::Faster(by), less);
    }
    match a.polls < FEW || b.polls < FEW {
        true => (Change::Few, b.busy as f64),
        false => (Change::Same, b.busy as f64),
    }
}

/// How much longer the times of `b` take than as many of `a` would, in nanoseconds; `None` if that may be chance.
fn excess(a: &Histogram, b: &Histogram) -> Option<f64> {
    if a.count() < FEW || b.count() < FEW {
        return None;
    }
    let (of_a, of_b) = (a.mean()?, b.mean()?);
    let error = (variance(a) / a.count() as f64 + variance(b) / b.count() as f64).sqrt();
    let is_sure = of_b >= LEAST_RATIO * of_a && of_b - of_a > SURE * error;
    is_sure.then_some((of_b - of_a) * b.count() as f64)
}

/// The variance of some times, as if each stood in the middle of its bar.
fn variance(of: &Histogram) -> f64 {
    let mean = of.mean().unwrap_or(0.0);
    let squares = of.bars().map(|(times, count)| {
        let middle = 0.5 * (times.start as f64 + (times.end - 1) as f64);
        count as f64 * (middle - mean).powi(2)
    });
    squares.sum::<f64>() / (of.count().max(2) - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(all: impl IntoIterator<Item = u64>) -> Histogram {
        let mut times = Histogram::default();
        all.into_iter().for_each(|time| times.add(time));
        times
    }

    #[test]
    fn what_is_twice_as_long_is_more_than_chance_unless_there_are_few() {
        let of = |count: u64, factor: u64| times((0..count).map(|n| factor * (1_000 + n % 7)));
        let more = excess(&of(500, 1), &of(900, 2)).expect("it is longer");
        assert!((0.99..1.01).contains(&(more / (900.0 * 1_003.0))), "{more}");
        assert_eq!(excess(&of(500, 2), &of(900, 1)), None);
        assert_eq!(excess(&of(19, 1), &of(900, 2)), None);
        assert_eq!(excess(&of(500, 1), &of(500, 1)), None);
    }

    #[test]
    fn one_long_poll_among_many_is_chance() {
        let usual = || (0..1_000).map(|n| 1_000 + n % 7);
        // It makes the average 31 times as long.
        assert_eq!(excess(&times(usual()), &times(usual().chain([30_000_000]))), None);
        let often = usual().chain((0..50).map(|n| 30_000 + n));
        assert!(excess(&times(usual()), &times(often)).is_some());
    }
}
