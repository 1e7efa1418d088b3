//! Polls, wakes and hops.

use taskscope_format::{Nanos, ThreadId, WakeOp};

use super::{LaneIx, PollIx, TaskIx};

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollEnd {
    /// The task waits for something.
    Pending,
    /// The task had itself scheduled again before it had anything to wait for.
    Yielded {
        /// `false` where the task woke itself during the poll. `true` where
        /// the worker did it right afterwards, as for `yield_now`: nothing in
        /// the recording sets such a wake apart from one by a timer or socket
        /// that happened to be ready at once.
        inferred: bool,
    },
    /// The task had used up its budget, so that Tokio made it yield.
    BudgetSpent,
    /// The future returned.
    Ready,
    /// The future panicked.
    Panicked,
    /// The task waited, and was cancelled before it was polled again.
    Cancelled,
    /// The recording ended, or lost events, before the poll did.
    Open,
}

impl PollEnd {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Yielded { inferred: false },
        Self::Yielded { inferred: true },
        Self::BudgetSpent,
        Self::Ready,
        Self::Panicked,
        Self::Cancelled,
        Self::Open,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub fn position(self) -> usize {
        match self {
            Self::Pending => 0,
            Self::Yielded { inferred: false } => 1,
            Self::Yielded { inferred: true } => 2,
            Self::BudgetSpent => 3,
            Self::Ready => 4,
            Self::Panicked => 5,
            Self::Cancelled => 6,
            Self::Open => 7,
        }
    }

    /// Whether the task waited afterwards.
    pub fn is_wait(self) -> bool {
        matches!(self, Self::Pending | Self::Cancelled)
    }

    /// Whether this was concluded rather than recorded.
    pub fn is_inferred(self) -> bool {
        matches!(self, Self::Yielded { inferred: true })
    }

    /// Whether the task is to be polled again at once, for any reason.
    pub fn is_yield(self) -> bool {
        matches!(self, Self::Yielded { .. } | Self::BudgetSpent)
    }
}

/// A poll: a task ran on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// When it began.
    pub start: Nanos,
    /// When it ended; the end of the trace for one that hadn't.
    pub end: Nanos,
    /// The task.
    pub task: TaskIx,
    /// Where it ran.
    pub lane: LaneIx,
    /// How it ended.
    pub how: PollEnd,
    /// How many polls on the same lane it lies within (a `LocalSet` is
    /// polled inside another poll).
    pub depth: u8,
    /// Whether its thread gave its worker away meanwhile: `block_in_place`. From then on it does
    /// not occupy its lane: see [`Trace::lane_end`](crate::Trace::lane_end).
    pub gave_worker_away: bool,
}

impl Poll {
    /// How long it took, in nanoseconds.
    pub fn duration(&self) -> Nanos {
        self.end - self.start
    }
}

/// Who called a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waker {
    /// A task, in one of its polls, or by ending while another awaited it.
    Task(TaskIx),
    /// A worker that was polling no task: it was running the timer or I/O
    /// driver. (On a runtime [without hooks](crate::Trace::records_parks) perhaps
    /// it was completing a task that another awaited.)
    Driver(LaneIx),
    /// The worker that had polled the task, right after the poll, because the
    /// task yielded. Inferred: see [`PollEnd::Yielded`].
    Deferred(LaneIx),
    /// A thread that is no worker and ran no task.
    Thread(ThreadId),
}

/// A task was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub time: Nanos,
    /// The task that was woken.
    pub task: TaskIx,
    /// Who woke it.
    pub by: Waker,
    /// How the waker was called.
    pub op: WakeOp,
    /// The lane of the thread that called the waker, if it has one.
    pub lane: Option<LaneIx>,
    /// The worker that the thread was. It can differ from `lane` after a
    /// `block_in_place`.
    pub worker: Option<LaneIx>,
}

/// A task was polled on another worker than the time before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The last poll on the worker it left.
    pub from: PollIx,
    /// The first poll on the worker it came to.
    pub to: PollIx,
}
