//! The few polls that held a worker for long.
//!
//! They are kept by lane and start, so that two binary searches say which of them overlap a stretch of time.

use std::ops::Range;

use taskscope_format::Nanos;

use super::seen::Seen;
use crate::PollEnd;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx};

/// From here on a poll is long. Tokio advises 10 to 100 µs between two awaits; a hundred times
/// that is not reached by chance, but by a thread that waits for a processor: see
/// [`HELD`](super::rules::held::HELD).
pub(super) const LONG: Nanos = 10_000_000;

/// A poll that held its worker for [`LONG`] or longer.
#[derive(Clone, Copy, Debug)]
pub(super) struct LongPoll {
    pub(super) lane: LaneIx,
    pub(super) start: Nanos,
    /// When it stopped holding the worker: with `block_in_place` that is not its end.
    pub(super) end: Nanos,
    pub(super) poll: PollIx,
    pub(super) task: TaskIx,
}

impl LongPoll {
    /// What was seen, if it is one.
    ///
    /// What blocks on the blocking pool, and the future of a `block_on`, may take as long as it likes.
    #[inline]
    pub(super) fn of(seen: &Seen<'_>) -> Option<Self> {
        if seen.duration() < LONG {
            return None;
        }
        let (lane, start) = (seen.chunk.lane, seen.start());
        let held = seen.chunk.occupied(seen.slot);
        let is_held =
            held >= LONG && seen.trace.is_worker(lane) && seen.trace.task(seen.task()).is_async();
        let end = start.saturating_add(held);
        is_held.then(|| Self { lane, start, end, poll: seen.poll, task: seen.task() })
    }

    pub(super) fn duration(&self) -> Nanos {
        self.end - self.start
    }

    /// Whether it goes on when the recording ends.
    pub(super) fn is_open(&self, trace: &Trace) -> bool {
        trace.poll(self.poll).how == PollEnd::Open && self.end >= trace.span().end
    }
}

/// All long polls.
#[derive(Debug, Default)]
pub(super) struct LongPolls {
    /// By lane, then by start; no two of a lane overlap.
    polls: Vec<LongPoll>,
    /// How long those before each one took together, and all of them.
    sums: Vec<u128>,
    /// Stretches of time in which there are some on any lane.
    anywhere: Vec<Range<Nanos>>,
}

impl LongPolls {
    pub(super) fn new(mut polls: Vec<LongPoll>) -> Self {
        // The outer one of two holds the worker.
        polls.sort_unstable_by_key(|of| (of.lane, of.start, std::cmp::Reverse(of.end), of.poll));
        polls.dedup_by(|next, before| next.lane == before.lane && next.start < before.end);
        let mut all: Vec<_> = polls.iter().map(|of| of.start..of.end).collect();
        all.sort_unstable_by_key(|times| times.start);
        all.dedup_by(|next, before| {
            let touches = next.start <= before.end;
            if touches {
                before.end = before.end.max(next.end);
            }
            touches
        });
        let mut sums = vec![0];
        sums.extend(polls.iter().scan(0_u128, |sum, of| {
            *sum += u128::from(of.duration());
            Some(*sum)
        }));
        Self { polls, sums, anywhere: all }
    }

    pub(super) fn all(&self) -> &[LongPoll] {
        &self.polls
    }

    /// Whether a worker is held in a stretch of time.
    #[inline]
    pub(super) fn touches(&self, times: &Range<Nanos>) -> bool {
        let first = self.anywhere.partition_point(|of| of.end <= times.start);
        self.anywhere.get(first).is_some_and(|of| of.start < times.end)
    }

    /// The positions of those on a lane that overlap a stretch of time.
    pub(super) fn overlapping(&self, lane: LaneIx, times: &Range<Nanos>) -> Range<usize> {
        let first = self.polls.partition_point(|of| (of.lane, of.end) <= (lane, times.start));
        let last = self.polls.partition_point(|of| (of.lane, of.start) < (lane, times.end));
        first..last.max(first)
    }

    /// For how much of a stretch of time the worker of a lane was held.
    pub(super) fn held(&self, lane: LaneIx, times: &Range<Nanos>) -> Nanos {
        let within = self.overlapping(lane, times);
        let (Some(first), Some(last)) =
            (self.polls[within.clone()].first(), self.polls[within.clone()].last())
        else {
            return 0;
        };
        let before = u128::from(times.start.saturating_sub(first.start));
        let outside = before + u128::from(last.end.saturating_sub(times.end));
        // (What one lane holds together can be more than 64 bits say, but not what it holds of some time.)
        let whole = self.sums[within.end] - self.sums[within.start];
        whole.saturating_sub(outside).try_into().unwrap_or(Nanos::MAX)
    }
}
