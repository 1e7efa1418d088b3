//! Tasks that stood in a queue for long, since the workers were busy with others.
//!
//! It is one finding for each runtime: whoever stands in the queue waits, whatever place it is from.
//!
//! No false alarm: a wait behind a poll that held the worker is that poll's ([`Stay::is_held`]). A wait in which the workers were
//! not busy for most of the time is not a lack of workers: the process was stopped, or did not get a processor. What they spent
//! in long polls is not counted as busy, for the same reason, and since another rule speaks of these.

use std::collections::BTreeMap;

use taskscope_format::Nanos;

use super::Rule;
use crate::findings::stay::Stay;
use crate::findings::{Finding, Kind, Known};
use crate::units::{duration, plural};

/// From here on a wait is one that people notice.
const STARVED: Nanos = 100_000_000;
/// For such a part of the wait, in percent, the workers must have polled.
const BUSY: u64 = 50;

/// By runtime.
#[derive(Default)]
pub(super) struct Starved(BTreeMap<u32, Waits>);

/// Waits of one sort: how many, how long in all, and the longest.
#[derive(Clone, Debug)]
pub(super) struct Waits {
    pub(super) count: u64,
    pub(super) sum: Nanos,
    pub(super) longest: Stay,
}

impl Waits {
    pub(super) fn of(stay: &Stay) -> Self {
        Self { count: 1, sum: stay.length(), longest: stay.clone() }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.saturating_add(other.sum);
        if other.longest.length() > self.longest.length() {
            self.longest = other.longest;
        }
    }

    /// Adds to the waits of a runtime.
    pub(super) fn add_to(self, all: &mut BTreeMap<u32, Self>) {
        match all.entry(self.longest.runtime) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(self)),
            std::collections::btree_map::Entry::Occupied(mut entry) => entry.get_mut().add(self),
        }
    }
}

impl Rule for Starved {
    fn stay(&mut self, known: &Known<'_>, stay: &Stay) {
        if stay.length() >= STARVED && !stay.is_held(known) {
            Waits::of(stay).add_to(&mut self.0);
        }
    }

    fn join(&mut self, other: Self) {
        other.0.into_values().for_each(|waits| waits.add_to(&mut self.0));
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let findings = self.0.into_values().filter_map(|waits| finding(known, &waits));
        findings.collect()
    }
}

fn finding(known: &Known<'_>, waits: &Waits) -> Option<Finding> {
    let trace = known.trace;
    let Stay { task, times, poll, runtime, .. } = &waits.longest;
    let workers = &trace.runtimes()[*runtime as usize].workers;
    let (polls, busy) = trace.polled(workers, times);
    let held = workers.iter().map(|&lane| known.long.held(lane, times));
    let held = held.fold(0, Nanos::saturating_add);
    let busy = busy.saturating_sub(held);
    let all = (times.end - times.start).saturating_mul(workers.len() as u64);
    let percent = u128::from(busy) * 100 / u128::from(all.max(1));
    if percent < BUSY.into() {
        return None;
    }
    let until = match poll {
        Some(poll) => {
            format!("before {} polled it", trace.worker_name(trace.poll(*poll).lane))
        }
        None if trace.task(*task).end.is_some() => {
            "and dropped before a worker polled it".to_owned()
        }
        None => "and no worker had polled it when the recording ended".to_owned(),
    };
    let mut evidence = format!(
        "{} was scheduled for {} {until}; meanwhile {} polled others {} times and were busy {percent} % of the time",
        trace.quoted(*task),
        duration(waits.longest.length() as f64),
        plural(workers.len() as u64, "worker"),
        crate::units::count(polls),
    );
    if workers.len() == 1 {
        evidence = evidence.replace(" and were busy ", " and was busy ");
    }
    if waits.count > 1 {
        evidence += &format!(
            "; {} of {} or longer",
            plural(waits.count, "such wait"),
            duration(STARVED as f64)
        );
    }
    Some(Finding {
        certain: trace.records_wakes() && trace.is_whole(times),
        task: Some(*task),
        poll: *poll,
        place: trace.task(*task).place,
        worker: poll.map(|poll| trace.poll(poll).lane),
        start: times.start,
        end: times.end,
        count: waits.count,
        cost: waits.sum,
        ..Finding::new(Kind::Starved, evidence)
    })
}
