//! Events that the recorder dropped, and where they are missing.
//!
//! A thread whose buffer is full drops its events, and says so with its next record: how many
//! they were, from when to when. Counts over such a stretch of time are too low, and what the
//! thread did in it is unknown, so every view of that stretch must show that events are missing.

use std::ops::Range;

use serde::Serialize;
use taskscope_format::{Nanos, ThreadId};

use crate::trace::Trace;
use crate::types::LaneIx;

/// Events of one thread that the recorder dropped in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DroppedEvents {
    /// The thread that dropped them. `None` for events that no buffer of a thread could take:
    /// they came while their thread was recording another, or was ending.
    pub thread: Option<ThreadId>,
    /// The lane that the thread was on before events were dropped, if it had one.
    pub lane: Option<LaneIx>,
    /// When the first of them happened; for events without a thread, not before this.
    pub from: Nanos,
    /// When the last of them happened, at the latest.
    pub until: Nanos,
    /// How many.
    pub count: u64,
}

/// [`DroppedEvents`] as `taskscope summary` prints them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DropSummary {
    /// The number that the recorder gave the thread; `null` for events that no
    /// thread's buffer could take.
    pub thread: Option<u32>,
    /// The thread's name, `null` where it has none.
    pub name: Option<String>,
    /// The lane it was on, as the window shows it; `null` where it had none.
    pub lane: Option<String>,
    /// When the first was dropped, in nanoseconds from the first event of the recording.
    pub from_ns: Nanos,
    /// When the last was dropped, at the latest; likewise.
    pub until_ns: Nanos,
    /// How many.
    pub events: u64,
}

impl Trace {
    /// Where events are missing because the recorder dropped them, by their start.
    pub fn drops(&self) -> &[DroppedEvents] {
        &self.drops
    }

    /// The drops of a lane's threads that touch `window`, by their start.
    pub fn lane_drops(
        &self,
        lane: LaneIx,
        window: Range<Nanos>,
    ) -> impl Iterator<Item = &DroppedEvents> {
        let after = self.drops.partition_point(|drop| drop.from < window.end);
        self.drops[..after]
            .iter()
            .filter(move |drop| drop.lane == Some(lane) && drop.until >= window.start)
    }

    /// Whose events were dropped, in words: `thread main`, or why there is no thread.
    pub fn dropper_name(&self, drop: &DroppedEvents) -> String {
        match drop.thread {
            Some(thread) => self.thread_name(thread),
            None => "threads that were ending or recording already".to_owned(),
        }
    }

    pub(crate) fn drop_summaries(&self) -> Vec<DropSummary> {
        let begin = self.span().start;
        let summary = |drop: &DroppedEvents| {
            let named = drop.thread.and_then(|thread| self.thread(thread));
            DropSummary {
                thread: drop.thread.map(|thread| thread.0),
                name: named.and_then(|thread| thread.name.as_deref()).map(str::to_owned),
                lane: drop.lane.map(|lane| self.lane_name(lane)),
                from_ns: drop.from.saturating_sub(begin),
                until_ns: drop.until.saturating_sub(begin),
                events: drop.count,
            }
        };
        self.drops().iter().map(summary).collect()
    }
}
