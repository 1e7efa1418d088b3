//! A poll that goes on when the recording ends, and has for long.
//!
//! No false alarm: a poll that was cut by the end of the recording has mostly just begun. One
//! whose end is lost in a damaged part is none of these, for it ends where that begins.

use taskscope_format::Nanos;

use super::Rule;
use crate::findings::{Finding, Kind, Known};
use crate::units::duration;

/// For so long it must have gone on: no one who awaits at all polls for a second.
pub(super) const ENDLESS: Nanos = 1_000_000_000;

#[derive(Default)]
pub(super) struct NeverYields;

impl Rule for NeverYields {
    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let endless = known.long.all().iter().filter(|of| of.duration() >= ENDLESS);
        let endless = endless.filter(|of| of.is_open(trace));
        // As many as there are workers, at most.
        let findings = endless.map(|of| {
            let evidence = format!(
                "{} has held {} for {} and still did when the recording ended",
                trace.quoted(of.task),
                trace.worker_name(of.lane),
                duration(of.duration() as f64),
            );
            Finding {
                certain: trace.is_whole(&(of.start..of.end)),
                task: Some(of.task),
                poll: Some(of.poll),
                place: trace.task(of.task).place,
                worker: Some(of.lane),
                start: of.start,
                end: of.end,
                cost: of.duration(),
                ..Finding::new(Kind::NeverYields, evidence)
            }
        });
        findings.collect()
    }
}
