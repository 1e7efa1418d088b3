//! Asking for findings.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use taskscope_format::{LocationOf, Source, Spawn, TaskId, TaskKind};
use taskscope_model::findings::{Finding, Kind, findings};
use taskscope_model::{Nanos, Trace, questions};

/// A millisecond.
pub const MS: Nanos = 1_000_000;

/// All findings.
pub fn found(trace: &Trace) -> Vec<Finding> {
    questions::now(findings(trace))
}

/// The only thing that is found.
pub fn only(trace: &Trace) -> Finding {
    let [of] = &found(trace)[..] else { panic!("not one: {:#?}", found(trace)) };
    of.clone()
}

/// The kinds of those that are more than a note.
pub fn alarms(trace: &Trace) -> Vec<Kind> {
    found(trace).iter().filter(|of| of.is_alarm()).map(|of| of.kind).collect()
}

/// A spawn at a line of `src/main.rs`.
pub fn spawn_at(task: u64, line: u32) -> Spawn<'static> {
    let location = Some(LocationOf { file: "src/main.rs", line, column: 5 });
    Spawn { location, ..Spawn::new(TaskId(task), TaskKind::Task, Source::Span) }
}
