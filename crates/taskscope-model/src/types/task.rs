//! Tasks, and what each poll and each wake of one looks at.

use std::fmt;
use std::ops::Deref;

use bytemuck::{Pod, Zeroable};
use taskscope_format::{CancelledBy, EndKind, Nanos, TaskId, TaskKind};

use super::{LaneIx, PlaceIx, TaskIx, TextIx};
use crate::store::marks::Marks;
use crate::store::polls::{Flags, NONE};
use crate::trace::Trace;

/// How and when a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time: Nanos,
    /// How.
    pub kind: EndKind,
    /// Whether `kind` was concluded by the recorder rather than seen.
    pub inferred: bool,
    /// What dropped a task that was cancelled.
    pub cancelled_by: CancelledBy,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Tokio's id, or that of a wrapped future.
    pub id: TaskId,
    /// What sort of task it is.
    pub kind: TaskKind,
    /// It is a wrapped future inside the task [`parent`](Self::parent), an arm of a `select!`,
    /// say, and not a task of its own.
    pub is_part: bool,
    /// The name the user gave it.
    pub(crate) name: Option<TextIx>,
    /// For a blocking task, the type name of its closure.
    pub(crate) function: Option<TextIx>,
    /// Where it was spawned.
    pub place: Option<PlaceIx>,
    /// The runtime it lives on, as position in
    /// [`Trace::runtimes`](crate::Trace::runtimes).
    pub runtime: Option<u32>,
    /// The task that spawned it.
    pub parent: Option<TaskIx>,
    /// Size of its future in bytes.
    pub size: Option<u64>,
    /// Size of its future before Tokio moved it to the heap.
    pub original_size: Option<u64>,
    /// When it was spawned; `None` where that was before the recording, or before the part of it
    /// that a flight recorder kept.
    pub spawned: Option<Nanos>,
    /// The worker on which it was spawned, if it was one.
    pub spawned_on: Option<LaneIx>,
    /// Its end; `None` where it was alive when the recording ended.
    pub end: Option<End>,
    /// Every 64th of its polls, from the 64th on.
    pub(crate) marks: Marks,
    /// The last of its wakes before its first poll that did not lead to that, in `Trace::more_wakes`.
    pub(crate) last_early: u32,
}

impl Task {
    /// Whether it stands in a queue of its runtime when it is scheduled: not so a task of a `LocalSet`, which
    /// has its own, what runs on the blocking pool, the future of a `block_on`, and a part of a task.
    pub fn is_queued(&self) -> bool {
        self.kind == TaskKind::Task && !self.is_part
    }
}

/// What each poll and each wake of a task looks at and changes: one line of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C, align(64))]
pub(crate) struct Hot {
    /// Its last poll, from which the rows lead to those before; `NONE` where it has none.
    pub(crate) last: u32,
    pub(crate) polls: u32,
    pub(crate) wakes: u32,
    /// Where its habits stand: see `yields.rs`. 0 where it has none.
    pub(crate) habit: u32,
    /// When the last poll began.
    pub(crate) last_start: Nanos,
    /// How long it lasted, and how long the longest did; [`Hot::LONG`] for longer ones.
    pub(crate) last_duration: u32,
    pub(crate) longest: u32,
    /// In all polls.
    pub(crate) busy: Nanos,
    /// The wake that will lead to its next poll: the first since the start of its last.
    woken: Nanos,
    waker: u32,
    wake: u8,
    pub(crate) bits: u8,
    pub(crate) last_lane: LaneIx,
    /// The moment at which its last poll ended.
    pub(crate) moment: Moment,
}

impl Hot {
    /// Longer than 32 bits can say: the rows have it.
    pub(crate) const LONG: u32 = u32::MAX;
    /// The last poll was left pending with its waker kept.
    pub(crate) const WAITING: u8 = 1 << 3;
    /// The task has ended.
    pub(crate) const ENDED: u8 = 1 << 4;
    /// A bracket was taken for its drop: see `builder/drops.rs`.
    pub(crate) const DROPPED: u8 = 1 << 5;
    /// It is a task of its own that workers may take from one another.
    pub(crate) const HOPS: u8 = 1 << 6;
    /// It is the future of a `block_on`.
    pub(crate) const BLOCK_ON: u8 = 1 << 7;
    /// What its habits say of its yields: see `yields.rs`.
    const HABIT: u8 = 0b111;

    pub(crate) const NEW: Self = Self {
        last: NONE,
        polls: 0,
        wakes: 0,
        habit: 0,
        last_start: 0,
        last_duration: 0,
        longest: 0,
        busy: 0,
        woken: 0,
        waker: 0,
        wake: 0,
        bits: Self::HOPS,
        last_lane: LaneIx(0),
        moment: Moment { thread: 0, silence: 0, batch: 0 },
    };

    #[inline]
    pub(crate) fn has(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, bit: u8, holds: bool) {
        self.bits = if holds { self.bits | bit } else { self.bits & !bit };
    }

    /// See [`Hot::HABIT`].
    pub(crate) fn habits(&self) -> u8 {
        self.bits & Self::HABIT
    }

    pub(crate) fn set_habits(&mut self, habits: u8) {
        self.bits = self.bits & !Self::HABIT | habits;
    }

    /// When the last poll ended, as far as is known here.
    #[inline]
    pub(crate) fn last_end(&self) -> Nanos {
        self.last_start + Nanos::from(self.last_duration)
    }

    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.wake != 0
    }

    #[inline]
    pub(crate) fn pending(&self) -> Option<PendingWake> {
        let Self { woken: time, waker, wake, .. } = *self;
        (wake != 0).then(|| PendingWake { time, waker, flags: Flags::of_packed_wake(wake) })
    }

    #[inline]
    pub(crate) fn set_pending(&mut self, wake: Option<PendingWake>) {
        match wake {
            None => self.wake = 0,
            Some(PendingWake { time, waker, flags }) => {
                (self.woken, self.waker, self.wake) = (time, waker, flags.packed_wake());
            }
        }
    }

    /// Adds a poll that has ended.
    #[inline]
    pub(crate) fn add_time(&mut self, duration: Nanos) {
        self.busy = self.busy.saturating_add(duration);
        self.longest = self.longest.max(u32::try_from(duration).unwrap_or(Self::LONG));
    }
}

/// A thread between two of its polls: two things have the same moment if the
/// thread neither parked nor called wakers and then polled between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Moment {
    /// The thread's number, or the end of it.
    pub(crate) thread: u16,
    /// Counts times without an event, and begins again.
    pub(crate) silence: u16,
    /// Counts parks, and polls behind wakes. The wakers that a thread calls between two polls and
    /// parks are one batch.
    pub(crate) batch: u32,
}

impl Moment {
    /// Whether two things have the same moment. Where parks are not recorded (its
    /// runtime has no hooks), a worker that was silent for a while is taken to
    /// have parked.
    pub(crate) fn is_same(self, other: Self, records_parks: bool) -> bool {
        self.thread == other.thread
            && self.batch == other.batch
            && (records_parks || self.silence == other.silence)
    }
}

/// A wake that has not yet led to a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingWake {
    pub(crate) time: Nanos,
    pub(crate) waker: u32,
    /// As in a row.
    pub(crate) flags: Flags,
}

/// A wake of a task that was going to be polled anyway.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct MoreWake {
    pub(crate) time: Nanos,
    /// That, or the latest before it in the list: a few are found to be such only later.
    pub(crate) order: Nanos,
    pub(crate) task: u32,
    /// The further wake before, after the same poll.
    pub(crate) before: u32,
    pub(crate) waker: u32,
    pub(crate) flags: Flags,
}

impl Task {
    pub(crate) fn new(id: TaskId) -> Self {
        Self {
            id,
            kind: TaskKind::Task,
            is_part: false,
            name: None,
            function: None,
            place: None,
            runtime: None,
            parent: None,
            size: None,
            original_size: None,
            spawned: None,
            spawned_on: None,
            end: None,
            marks: Marks::default(),
            last_early: NONE,
        }
    }

    /// Whether any worker of the runtime, or the thread of a `LocalSet`, polls
    /// it: what people mean by a task. The others are closures on the blocking
    /// pool, the futures of `block_on`, and parts of tasks.
    pub fn is_async(&self) -> bool {
        !self.is_part && matches!(self.kind, TaskKind::Task | TaskKind::Local)
    }
}

/// A task with its figures.
#[derive(Clone, Copy)]
pub struct TaskView<'a> {
    pub(crate) ix: TaskIx,
    pub(crate) facts: &'a Task,
    pub(crate) hot: &'a Hot,
    pub(crate) trace: &'a Trace,
}

impl fmt::Debug for TaskView<'_> {
    /// Without the trace.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskView")
            .field("name", &self.name())
            .field("facts", &self.facts)
            .field("figures", &self.hot)
            .finish()
    }
}

impl Deref for TaskView<'_> {
    type Target = Task;

    fn deref(&self) -> &Task {
        self.facts
    }
}

impl<'a> TaskView<'a> {
    /// The name the user gave it.
    pub fn name(&self) -> Option<&'a str> {
        self.facts.name.map(|name| self.trace.text(name))
    }

    /// For a blocking task, the type name of its closure.
    pub fn function(&self) -> Option<&'a str> {
        self.facts.function.map(|function| self.trace.text(function))
    }

    /// How many times it was polled.
    pub fn poll_count(&self) -> u32 {
        self.hot.polls
    }

    /// How many times it was woken.
    pub fn wake_count(&self) -> u32 {
        self.hot.wakes
    }

    /// How often it was polled on another worker than the poll before.
    pub fn hop_count(&self) -> u32 {
        self.trace.hops_of.get(self.ix.get()).copied().unwrap_or(0)
    }

    /// Time spent in polls, in nanoseconds.
    pub fn busy(&self) -> Nanos {
        self.hot.busy
    }

    /// Its longest poll, in nanoseconds.
    pub fn longest(&self) -> Nanos {
        match self.hot.longest {
            // Polls of more than four seconds are few, and so are the polls of their tasks.
            Hot::LONG => {
                let polls = &self.trace.polls;
                polls.back_from(self.hot.last).map(|poll| polls.duration(poll)).max().unwrap_or(0)
            }
            short => short.into(),
        }
    }
}
