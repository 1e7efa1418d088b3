//! A task that calls its own waker in poll after poll: it asks again and again instead of being told.
//!
//! No false alarm: a future that does a share of its work in each poll and then lets others run does the same, but its polls
//! take as long as its work. So only polls that are too short for that count. `yield_now` does not call the waker within the
//! poll, and is not meant; in a `LocalSet` it does, so tasks of these are left out. A future that wakes itself now and
//! then (as `FuturesUnordered` does) is mostly woken by others.

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::Rule;
use crate::findings::seen::Seen;
use crate::findings::{Finding, Kind, Known};
use crate::store::polls::Flags;
use crate::types::TaskIx;
use crate::units::{count, duration, plural};

/// So many polls make a loop.
const LEAST: u32 = 500;
/// Such a part of the task's polls must have ended so, in percent.
const SHARE: u64 = 90;
/// Longer polls do work.
const SHORT: Nanos = 20_000;

/// What a task's polls that ended with a self-wake add up to.
#[derive(Clone, Copy, Default)]
struct Wakes {
    polls: u32,
    /// So many of them were short. (Not the mean: a single poll whose thread waits for a processor would be enough to
    /// raise that.)
    short: u32,
    busy: Nanos,
}

impl Wakes {
    fn add(&mut self, other: Self) {
        self.polls += other.polls;
        self.short += other.short;
        self.busy = self.busy.saturating_add(other.busy);
    }
}

/// By task.
#[derive(Default)]
pub(super) struct SelfWakes(HashMap<TaskIx, Wakes>);

impl Rule for SelfWakes {
    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        let flags = seen.row().flags;
        if flags.has(Flags::SELF_WOKEN) && !flags.has(Flags::BUDGET) {
            let busy = seen.duration();
            let wakes = Wakes { polls: 1, short: u32::from(busy <= SHORT), busy };
            self.0.entry(seen.task()).or_default().add(wakes);
        }
    }

    fn join(&mut self, other: Self) {
        for (task, wakes) in other.0 {
            self.0.entry(task).or_default().add(wakes);
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let is_loop = |&(task, of): &(TaskIx, Wakes)| {
            let all = u64::from(trace.task(task).poll_count());
            of.polls >= LEAST
                && u64::from(of.short) * 100 >= all * SHARE
                && trace.task(task).is_queued()
        };
        let loops = self.0.into_iter().filter(is_loop);
        let loops = loops.map(|(task, of)| (task, of.polls.into(), of.busy));
        let groups = super::by_place(trace, loops);
        let findings = groups.map(|(place, group)| {
            let (task, polls, _) = group.worst;
            let of = trace.task(task);
            let mut evidence = format!(
                "{} woke itself in {} of its {}, which took {} on average",
                trace.quoted(task),
                count(polls),
                plural(of.poll_count().into(), "poll"),
                duration(of.busy() as f64 / f64::from(of.poll_count().max(1))),
            );
            if group.tasks > 1 {
                evidence +=
                    &format!("; so did {} from this place", plural(group.tasks - 1, "other task"));
            }
            let first = trace.task_polls(task).first();
            let times = trace.life(task);
            Finding {
                certain: trace.is_whole(&times),
                task: Some(task),
                poll: first,
                place,
                worker: first.map(|poll| trace.poll(poll).lane).filter(|&l| trace.is_worker(l)),
                start: times.start,
                end: times.end,
                count: group.tasks,
                cost: group.cost,
                ..Finding::new(Kind::SelfWakeLoop, evidence)
            }
        });
        findings.collect()
    }
}
