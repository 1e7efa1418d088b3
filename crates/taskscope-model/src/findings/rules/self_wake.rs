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

/// By task: how many polls ended with a self-wake, and how long they took.
#[derive(Default)]
pub(super) struct SelfWakes(HashMap<TaskIx, (u32, Nanos)>);

impl Rule for SelfWakes {
    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        let flags = seen.row().flags;
        if flags.has(Flags::SELF_WOKEN) && !flags.has(Flags::BUDGET) {
            let of = self.0.entry(seen.task()).or_default();
            *of = (of.0 + 1, of.1.saturating_add(seen.duration()));
        }
    }

    fn join(&mut self, other: Self) {
        for (task, (polls, busy)) in other.0 {
            let of = self.0.entry(task).or_default();
            *of = (of.0 + polls, of.1.saturating_add(busy));
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let is_loop = |&(task, (polls, busy)): &(TaskIx, (u32, Nanos))| {
            let of = trace.task(task);
            polls >= LEAST
                && u64::from(polls) * 100 >= u64::from(of.poll_count()) * SHARE
                && busy / Nanos::from(polls) <= SHORT
                && of.is_queued()
        };
        let loops = self.0.into_iter().filter(is_loop);
        let loops = loops.map(|(task, (polls, busy))| (task, polls.into(), busy));
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
