//! What each thread recorded, before it is put in order: see [`super::replay`].

use taskscope_format::{Nanos, Source, WakeOp};

use crate::types::{LaneIx, LaneKind, LaneThread, Park, PollEnd, TaskIx, Waker};

/// A poll as its thread recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawPoll {
    pub(crate) start: Nanos,
    pub(crate) end: Nanos,
    pub(crate) task: TaskIx,
    pub(crate) lane: LaneIx,
    pub(crate) how: PollEnd,
    pub(crate) depth: u8,
    pub(crate) source: Source,
    /// The task's budget was used up in it.
    pub(crate) budget_spent: bool,
    /// When its thread stopped being the worker on whose lane it lies, if that was before `end`.
    pub(crate) left_lane: Option<Nanos>,
    /// The task's waker was cloned, so something could wake it later.
    pub(crate) kept_waker: bool,
    /// The moment in its thread's life at which it ended.
    pub(crate) moment: Moment,
}

/// A lane before its polls are known.
#[derive(Debug)]
pub(crate) struct RawLane {
    pub(crate) kind: LaneKind,
    pub(crate) parks: Vec<Park>,
    pub(crate) threads: Vec<LaneThread>,
}

/// A wake as its thread recorded it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawWake {
    pub(crate) time: Nanos,
    pub(crate) task: TaskIx,
    pub(crate) by: Waker,
    pub(crate) op: WakeOp,
    pub(crate) lane: Option<LaneIx>,
    pub(crate) worker: Option<LaneIx>,
    pub(crate) moment: Moment,
}

/// A thread between two of its polls: two things have the same moment if the
/// thread neither parked nor called wakers and then polled between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) thread: u32,
    pub(crate) parks: u32,
    pub(crate) batches: u32,
    pub(crate) silences: u32,
}

impl Moment {
    /// The wakers that a thread calls between two polls and parks are one batch.
    pub(crate) fn batch(self) -> (u32, u32, u32) {
        (self.thread, self.batches, self.parks)
    }

    /// Whether two things have the same moment. Where parks are not recorded (its
    /// runtime has no hooks), a worker that was silent for a while is taken to
    /// have parked.
    pub(crate) fn is_same(self, other: Self, records_parks: bool) -> bool {
        let silences = if records_parks { other.silences } else { self.silences };
        Self { silences, ..self } == other
    }
}

/// A worker that does nothing for so long has nothing to do. The waker of a task
/// that has yielded it calls at once.
const SILENCE: Nanos = 100_000;

/// A poll that has begun on a thread and not ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenPoll {
    pub(crate) task: TaskIx,
    pub(crate) start: Nanos,
    pub(crate) lane: LaneIx,
    pub(crate) source: Source,
    pub(crate) on_worker: bool,
    pub(crate) budget_spent: bool,
    pub(crate) left_lane: Option<Nanos>,
}

/// What is known of a thread while its stream is replayed.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) worker: Option<LaneIx>,
    pub(crate) open: Vec<OpenPoll>,
    pub(crate) parked_since: Option<(LaneIx, Nanos)>,
    pub(crate) moment: Moment,
    /// Wakers were called since the last poll, outside any poll.
    pub(crate) woke: bool,
    /// Since when the task of the next poll has been scheduled.
    pub(crate) scheduled: Option<Nanos>,
    /// A gap of which the lane is not known yet, as a position in the builder's gaps.
    pub(crate) gap_without_lane: Option<usize>,
    /// When it last ended a poll or called a waker.
    pub(crate) active: Nanos,
}

impl Stream {
    /// The thread polls or calls a waker.
    pub(crate) fn acts(&mut self, time: Nanos) {
        if self.open.is_empty() && time.saturating_sub(self.active) > SILENCE {
            self.moment.silences += 1;
        }
        self.active = time;
    }
}
