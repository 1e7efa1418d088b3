//! Parts of a thread's recording that the file has lost.
//!
//! A damaged or missing block takes a stretch of one thread's events with it. What was open then
//! (polls, parks, spans) ended at an unknown time, so the trace ends it where the gap begins, as
//! [`PollEnd::Open`](crate::PollEnd::Open), and what the thread did in the gap is not known. Events
//! that the *recorder* dropped are another thing: see [`DroppedEvents`](crate::DroppedEvents).

use std::ops::Range;

use serde::Serialize;
use taskscope_format::{Nanos, ThreadId};

use crate::trace::Trace;
use crate::types::LaneIx;

/// A stretch of time in which a thread's events are missing from the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The thread.
    pub thread: ThreadId,
    /// The lane that the thread was on before, if it was on one.
    pub lane: Option<LaneIx>,
    /// When the last event before the gap happened.
    pub from: Nanos,
    /// When the first event after it happened; the end of the trace where there is none.
    pub until: Nanos,
}

/// A [`Gap`] as `taskscope summary` prints it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GapSummary {
    /// The number that the recorder gave the thread.
    pub thread: u32,
    /// The thread's name, `null` where it has none.
    pub name: Option<String>,
    /// The lane it was on, as the window shows it; `null` where it had none.
    pub lane: Option<String>,
    /// When the last event before the gap happened, in nanoseconds from the first event of the
    /// recording.
    pub from_ns: Nanos,
    /// When the first event after it happened, likewise.
    pub until_ns: Nanos,
}

impl Trace {
    /// Where events are missing because a part of the file is damaged or lost, by their start.
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// The gaps of a lane's threads that touch `window`, by their start.
    pub fn lane_gaps(&self, lane: LaneIx, window: Range<Nanos>) -> impl Iterator<Item = &Gap> {
        let after = self.gaps.partition_point(|gap| gap.from < window.end);
        self.gaps[..after]
            .iter()
            .filter(move |gap| gap.lane == Some(lane) && gap.until >= window.start)
    }

    pub(crate) fn gap_summaries(&self) -> Vec<GapSummary> {
        let begin = self.span().start;
        let summary = |gap: &Gap| GapSummary {
            thread: gap.thread.0,
            name: self.thread(gap.thread).and_then(|t| t.name.as_deref()).map(str::to_owned),
            lane: gap.lane.map(|lane| self.lane_name(lane)),
            from_ns: gap.from.saturating_sub(begin),
            until_ns: gap.until.saturating_sub(begin),
        };
        self.gaps().iter().map(summary).collect()
    }
}
