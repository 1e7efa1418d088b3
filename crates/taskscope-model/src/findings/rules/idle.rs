//! A worker that slept while a task stood in a queue of its runtime.
//!
//! Tokio wakes a sleeping worker when a task is scheduled, so this should not be: either the thread that was woken got no processor,
//! or the task stood where others cannot take it.
//!
//! No false alarm: what stands behind a poll that holds its worker waits for that ([`Stay::is_held`]). The worker must have been
//! parked from when the task was scheduled until it was polled, without a break. A busy machine can keep a worker that was woken
//! waiting for some ten milliseconds: so less than [`ALARM`] is a note.

use std::collections::BTreeMap;

use taskscope_format::Nanos;

use super::Rule;
use super::starved::Waits;
use crate::findings::stay::{LEAST, Stay};
use crate::findings::{Finding, Kind, Known, Severity};
use crate::trace::Trace;
use crate::types::LaneIx;
use crate::units::{duration, plural};

/// No machine that has anything left for this program keeps it waiting for so long.
const ALARM: Nanos = 100_000_000;

/// By runtime.
#[derive(Default)]
pub(super) struct Idle(BTreeMap<u32, Waits>);

/// A worker that was parked all the time.
fn idle_worker(trace: &Trace, stay: &Stay) -> Option<LaneIx> {
    let mut workers = trace.runtimes()[stay.runtime as usize].workers.iter().copied();
    workers.find(|&lane| {
        let parks = &trace.lane(lane).parks;
        let park = parks.get(parks.partition_point(|park| park.end < stay.times.end));
        park.is_some_and(|park| park.start <= stay.times.start && park.end > park.start)
    })
}

impl Rule for Idle {
    fn stay(&mut self, known: &Known<'_>, stay: &Stay) {
        let is_long = stay.length() >= LEAST && stay.poll.is_some();
        if is_long && idle_worker(known.trace, stay).is_some() && !stay.is_held(known) {
            Waits::of(stay).add_to(&mut self.0);
        }
    }

    fn join(&mut self, other: Self) {
        other.0.into_values().for_each(|waits| waits.add_to(&mut self.0));
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let findings = self.0.into_values().filter_map(|waits| {
            let stay = &waits.longest;
            let idle = idle_worker(trace, stay)?;
            let mut evidence = format!(
                "{} was scheduled for {} while {} was parked",
                trace.quoted(stay.task),
                duration(stay.length() as f64),
                trace.worker_name(idle),
            );
            if waits.count > 1 {
                evidence += &format!(
                    "; {} of {} or longer",
                    plural(waits.count, "such wait"),
                    duration(LEAST as f64)
                );
            }
            let severity = match stay.length() {
                ALARM.. => Kind::IdleWorker.severity(),
                _ => Severity::Note,
            };
            Some(Finding {
                severity,
                // From whose queue it was taken is inferred.
                certain: false,
                task: Some(stay.task),
                poll: stay.poll,
                place: trace.task(stay.task).place,
                worker: Some(idle),
                start: stay.times.start,
                end: stay.times.end,
                count: waits.count,
                cost: waits.sum,
                ..Finding::new(Kind::IdleWorker, evidence)
            })
        });
        findings.collect()
    }
}
