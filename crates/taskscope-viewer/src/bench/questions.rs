//! What the questions take that panels ask of a trace: `taskscope_model::questions`.

use std::hint::black_box;
use std::time::Instant;

use serde::Serialize;
use taskscope_model::questions::{
    Activity, Group, PollFilter, Stage, WakeFilter, WokenBy, curves, find_poll, find_wake, instant,
    links, now, range, scene,
};
use taskscope_model::{Direction, PollEnd, TaskIx, Trace};

use super::{Quantiles, millis};

/// The times of questions, on the clock. All of them lean on an [`Activity`], which is made once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Questions {
    /// To make the [`Activity`].
    pub activity_ms: f64,
    /// What that holds.
    pub activity_bytes: u64,
    /// Where each task is at an instant.
    pub scene_ms: Quantiles,
    /// The state of each task at an instant, and counts by state, place and what is waited for.
    pub instant_ms: Quantiles,
    /// The share of states of all tasks and of one place, in 1,600 columns over windows of all widths.
    pub curves_ms: Quantiles,
    /// All figures of the whole trace, by task too.
    pub range_ms: Quantiles,
    /// The same of a hundredth of it.
    pub hundredth_ms: Quantiles,
    /// The next or the previous poll, hop, panic, long poll or wake of a task.
    pub find_ms: Quantiles,
    /// A step back in the chain of wakes that led to a poll; the mean of each of many chains.
    pub link_ms: Quantiles,
}

/// Asks all of them.
pub(super) fn ask(trace: &Trace) -> Questions {
    let begun = Instant::now();
    let activity = now(Activity::new(trace));
    let activity_ms = millis(begun.elapsed());
    let some = Some(&activity);
    let span = trace.span();
    let length = (span.end - span.start).max(1);
    // Spread over the trace, and the same each time.
    let at =
        |turn: u64| span.start + (u128::from(length) * u128::from(turn * 619 % 1009) / 1009) as u64;
    let part = |turn: u64, part: u64| {
        let width = (length / part).max(1);
        let begin = at(turn).min(span.end.saturating_sub(width)).max(span.start);
        begin..begin + width
    };

    let stage = now(Stage::new(trace));
    let scenes = (0..20).map(|turn| time(|| now(scene(trace, some, &stage, at(turn), at(turn)))));
    let scene_ms = Quantiles::of(scenes.collect());
    let instants = (0..20).map(|turn| time(|| now(instant(trace, some, at(turn)))));
    let instant_ms = Quantiles::of(instants.collect());

    let place = activity.places().first().map(|&place| Group::Place(place));
    let mut times = Vec::new();
    for group in [Some(Group::All), place].into_iter().flatten() {
        for parts in [1, 10, 100, 300, 1_000, 10_000, 1_000_000] {
            times.extend((0..4).map(|turn| {
                time(|| now(curves(trace, some, group, part(turn + parts, parts), 1600)))
            }));
        }
    }
    let curves_ms = Quantiles::of(times);

    let ranges = (0..3).map(|_| time(|| now(range(trace, some, 0..u64::MAX, true))));
    let range_ms = Quantiles::of(ranges.collect());
    let hundredths = (0..10).map(|turn| time(|| now(range(trace, some, part(turn, 100), true))));
    let hundredth_ms = Quantiles::of(hundredths.collect());

    let all = PollFilter::default();
    let rare = now(range(trace, some, 0..u64::MAX, false)).longest;
    let rare = rare.get(3).map_or(1, |(_, time)| *time);
    let task = TaskIx(trace.task_count() as u32 / 2);
    let polls = [
        all,
        PollFilter { is_hop: true, ..all },
        PollFilter { end: Some(PollEnd::Panicked), ..all },
        PollFilter { at_least: rare, ..all },
    ];
    let wakes = WakeFilter::default();
    let wakes = [
        WakeFilter { by: Some(WokenBy::Thread), ..wakes },
        WakeFilter { task: (trace.task_count() > 0).then_some(task), ..wakes },
    ];
    let mut times = Vec::new();
    for direction in [Direction::Forward, Direction::Back] {
        for turn in 0..8 {
            let from = (at(turn), None);
            times.extend(
                polls.map(|filter| time(|| now(find_poll(trace, some, filter, from, direction)))),
            );
            let from = (at(turn), None);
            times.extend(
                wakes.map(|filter| time(|| now(find_wake(trace, some, filter, from, direction)))),
            );
        }
    }
    let find_ms = Quantiles::of(times);

    let woken = PollFilter { delay_at_least: 1, ..all };
    let mut times = Vec::new();
    for turn in 0..200 {
        let from = (at(turn), None);
        if let Some(poll) = now(find_poll(trace, some, woken, from, Direction::Forward)) {
            let begun = Instant::now();
            let count = links(trace, poll).take(10_000).count().max(1);
            times.push(begun.elapsed() / count as u32);
        }
    }
    let link_ms = Quantiles::of(times);

    Questions {
        activity_ms,
        activity_bytes: activity.bytes() as u64,
        scene_ms,
        instant_ms,
        curves_ms,
        range_ms,
        hundredth_ms,
        find_ms,
        link_ms,
    }
}

fn time<A>(question: impl FnOnce() -> A) -> std::time::Duration {
    let begun = Instant::now();
    black_box(question());
    begun.elapsed()
}
