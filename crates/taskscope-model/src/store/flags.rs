//! What a row of a poll knows beside times and numbers, in bits.

use bytemuck::{Pod, Zeroable};
use taskscope_format::EndKind;

use crate::types::PollEnd;

/// What is known of a poll beside its times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[repr(transparent)]
pub(crate) struct Flags(u32);

/// How a poll ended, as its thread recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum RawEnd {
    Pending = 0,
    Ready = 1,
    Panicked = 2,
    Open = 3,
}

/// Who called the waker, as far as a row holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum WakerKind {
    /// The poll was not woken, or it is not known.
    None = 0,
    /// The task of a poll: its number.
    Poll = 1,
    /// A worker that polled nothing: the number of its lane.
    Driver = 2,
    /// Another thread: its number.
    Thread = 3,
}

/// How a poll ended, as far as its row and the end of its task say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndSoFar {
    Known(PollEnd),
    /// The task yielded, if its habits say so; else it ended so.
    UnlessYielded(PollEnd),
}

impl Flags {
    /// The task's budget was used up.
    pub(crate) const BUDGET: u32 = 1 << 2;
    /// The task woke itself, before anyone else did.
    pub(crate) const SELF_WOKEN: u32 = 1 << 3;
    /// The wake behind it looks like that of a yield: see `builder/yields.rs`.
    pub(crate) const TAIL: u32 = 1 << 4;
    /// That wake was made by a worker whose parks are recorded.
    pub(crate) const TAIL_PARKS: u32 = 1 << 5;
    /// That wake came at once.
    pub(crate) const TAIL_AT_ONCE: u32 = 1 << 6;
    /// It is the last poll of a task that has ended.
    pub(crate) const LAST: u32 = 1 << 7;
    /// It is no poll: its bracket held a future being dropped.
    pub(crate) const GONE: u32 = 1 << 8;
    /// Its thread gave its worker away meanwhile.
    pub(crate) const GAVE_AWAY: u32 = 1 << 9;
    /// The poll before was on another worker.
    pub(crate) const HOP: u32 = 1 << 10;
    const WAKER: u32 = 11;
    /// The waker was called by reference.
    pub(crate) const BY_REF: u32 = 1 << 13;
    /// The thread that called it was not the worker of its lane: it was none.
    pub(crate) const WAKER_NO_WORKER: u32 = 1 << 14;
    /// The thread that called it was another worker: see `Trace::odd_wakers`.
    pub(crate) const WAKER_ODD: u32 = 1 << 15;
    pub(super) const LONG: u32 = 1 << 16;
    pub(crate) const LATE: u32 = 1 << 17;
    /// Operations were pending in it.
    pub(crate) const WAITS: u32 = 1 << 18;
    /// The task was woken again while it was going to be polled anyway: see `Trace::more_wakes`.
    pub(crate) const MORE_WAKES: u32 = 1 << 19;
    /// It had begun before the window of a flight recorder.
    pub(crate) const BEFORE: u32 = 1 << 20;
    /// A span reported it, and no hook.
    pub(crate) const FROM_SPAN: u32 = 1 << 21;
    /// It goes on as far as has been read.
    pub(crate) const GOES_ON: u32 = 1 << 22;
    /// The task's waker was cloned.
    pub(crate) const KEPT_WAKER: u32 = 1 << 23;

    #[inline]
    pub(crate) fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, flag: u32) {
        self.0 |= flag;
    }

    #[inline]
    pub(crate) fn set_if(&mut self, holds: bool, flag: u32) {
        self.0 |= if holds { flag } else { 0 };
    }

    #[inline]
    pub(crate) fn clear(&mut self, flag: u32) {
        self.0 &= !flag;
    }

    #[inline]
    pub(crate) fn end(self) -> RawEnd {
        match self.0 & 0b11 {
            0 => RawEnd::Pending,
            1 => RawEnd::Ready,
            2 => RawEnd::Panicked,
            _ => RawEnd::Open,
        }
    }

    #[inline]
    pub(crate) fn set_end(&mut self, end: RawEnd) {
        self.0 = self.0 & !0b11 | end as u32;
    }

    /// How the poll ended. `end` is how its task did, where it was the last poll of the task.
    pub(crate) fn poll_end(self, end: Option<EndKind>) -> EndSoFar {
        EndSoFar::Known(match (end, self.end()) {
            (Some(EndKind::Returned), _) | (_, RawEnd::Ready) => PollEnd::Ready,
            (Some(EndKind::Panicked), _) | (_, RawEnd::Panicked) => PollEnd::Panicked,
            (_, RawEnd::Open) => PollEnd::Open,
            _ if self.has(Self::SELF_WOKEN) => match self.has(Self::BUDGET) {
                true => PollEnd::BudgetSpent,
                false => PollEnd::Yielded { inferred: false },
            },
            // What spends its budget yields, whatever its habits.
            _ if self.has(Self::TAIL) && self.has(Self::BUDGET) => PollEnd::BudgetSpent,
            (Some(EndKind::Cancelled), _) if self.has(Self::TAIL) => {
                return EndSoFar::UnlessYielded(PollEnd::Cancelled);
            }
            _ if self.has(Self::TAIL) => return EndSoFar::UnlessYielded(PollEnd::Pending),
            (Some(EndKind::Cancelled), _) => PollEnd::Cancelled,
            _ if self.has(Self::BUDGET) => PollEnd::BudgetSpent,
            (_, RawEnd::Pending) => PollEnd::Pending,
        })
    }

    #[inline]
    pub(crate) fn waker(self) -> WakerKind {
        match self.0 >> Self::WAKER & 0b11 {
            0 => WakerKind::None,
            1 => WakerKind::Poll,
            2 => WakerKind::Driver,
            _ => WakerKind::Thread,
        }
    }

    #[inline]
    pub(crate) fn set_waker(&mut self, kind: WakerKind) {
        self.0 = self.0 & !(0b11 << Self::WAKER) | (kind as u32) << Self::WAKER;
    }

    /// The flags of a wake in five bits; never 0 where something called a waker.
    #[inline]
    pub(crate) fn packed_wake(self) -> u8 {
        (self.of_wake() >> Self::WAKER) as u8
    }

    #[inline]
    pub(crate) fn of_packed_wake(packed: u8) -> Self {
        Self(u32::from(packed) << Self::WAKER)
    }

    /// The flags of a wake alone.
    #[inline]
    pub(crate) fn of_wake(self) -> u32 {
        self.0 & (0b11 << Self::WAKER | Self::BY_REF | Self::WAKER_NO_WORKER | Self::WAKER_ODD)
    }
}
