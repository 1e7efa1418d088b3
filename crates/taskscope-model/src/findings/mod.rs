//! What is wrong in a recorded program, each with its evidence.
//!
//! # The problem
//! Somebody whose service stalls has a trace of a hundred million polls, and does not know what to look for. What goes
//! wrong in programs on Tokio is well known, though, and most of it can be seen in polls, wakes and waits: a poll that
//! computes for 30 ms while others stand in line, a lock that hands a crowd from one to the next, a task that wakes itself
//! in a circle.
//!
//! # The plan
//! One look at each poll collects what the rules need ([`Survey`](survey::Survey)): sums by task, place and lock, and the
//! few polls that are out of the ordinary. Then each rule concludes, in a file of its own, and looks closer only at the
//! few polls it names.
//! A rule says one thing once: a poll of 30 ms that happens a thousand times at one place is one finding, with
//! the worst of them as its evidence.
//!
//! # No false alarms
//! A tool that cries wolf is not read. So each rule wants a harm that was recorded (tasks that stood in line meanwhile)
//! besides a figure above a threshold, and wants it more than once: a thread that the operating system took the processor
//! from for 20 ms looks just like a poll that computes. What is only likely is a [`Note`](Severity::Note), and what is
//! concluded rather than recorded says so ([`Finding::certain`]). `demos` has a healthy program and a sick one for each
//! rule, and tests hold the rules against recordings of all of them.

mod convoy;
mod crowd;
mod growth;
mod held;
mod kind;
mod late;
mod spin;
mod survey;

use std::cmp::Reverse;
use std::ops::Range;

use taskscope_format::Nanos;

pub use kind::{Kind, Severity};

use crate::questions::Activity;
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx, TaskIx};
use survey::Survey;

/// At most so many of the tasks that had to wait are named.
pub const MOST_AFFECTED: usize = 100;

/// Something that is wrong in the recorded program.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// How bad it is.
    pub severity: Severity,
    /// Whether all of it was recorded; `false` where a part is inferred, or events are missing.
    pub certain: bool,
    /// The task it is about; of several the one with the worst.
    pub task: Option<TaskIx>,
    /// The poll, where it is about one.
    pub poll: Option<PollIx>,
    /// Where the task was spawned, or the lock made.
    pub place: Option<PlaceIx>,
    /// The worker that it happened on, where it is about one.
    pub lane: Option<LaneIx>,
    /// When: the worst of it. Nanoseconds since the start of the recording.
    pub times: Range<Nanos>,
    /// What was seen, in a sentence or two with figures.
    pub evidence: String,
    /// Tasks that had to wait because of it, those that waited longest first; [`MOST_AFFECTED`] at most.
    pub affected: Vec<TaskIx>,
    /// How much time it cost, in nanoseconds, as far as that can be said: what is sorted by.
    pub cost: Nanos,
}

/// How many rules look at a trace.
pub const RULES: usize = Kind::ALL.len();

/// What is wrong in the recorded program, the worst first.
///
/// It takes a look at each poll: some ten seconds for a hundred million. With an [`Activity`] of this very trace what was
/// scheduled at an instant is found faster.
pub async fn findings(trace: &Trace, activity: Option<&Activity>) -> Vec<Finding> {
    let survey = Survey::new(trace).await;
    let mut findings = held::find(trace, activity, &survey).await;
    late::find(trace, &survey, &mut findings);
    convoy::find(trace, &survey, &mut findings);
    spin::find(trace, &survey, &mut findings);
    growth::find(trace, &mut findings).await;
    // What is missing may be what would explain it.
    let is_whole = trace.drops().is_empty() && trace.gaps().is_empty();
    findings.iter_mut().for_each(|finding| finding.certain &= is_whole);
    findings.sort_by_key(|of| (Reverse(of.severity), Reverse(of.cost), of.kind, of.times.start));
    findings
}

/// A place as people write it, after the words for what happened there.
fn at_place(trace: &Trace, place: Option<PlaceIx>) -> String {
    place.map_or(String::new(), |place| format!(" (spawned at {})", trace.place(place).short()))
}

/// A count with its noun.
fn plural(count: u64, noun: &str) -> String {
    let number = crate::units::count(count);
    match count {
        1 => format!("{number} {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// A duration as people read it.
fn duration(ns: Nanos) -> String {
    crate::units::duration(ns as f64)
}
