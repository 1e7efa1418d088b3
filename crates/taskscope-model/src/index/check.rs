//! Whether what was read makes sense: see [`super`].

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use super::directory::Arrays;
use crate::parallel;
use crate::prefetch::prefetch;
use crate::store::polls::{CHUNK, Chunk, Flags, NONE, WakerKind};
use crate::trace::Trace;
use crate::types::{Hot, MORE_KINDS, PollIx};

/// How many there are of each thing.
#[derive(Debug)]
pub(super) struct Counts {
    pub(super) tasks: usize,
    pub(super) lanes: usize,
    pub(super) runtimes: usize,
    pub(super) places: usize,
    pub(super) texts: usize,
    pub(super) spans: usize,
    pub(super) resources: usize,
    pub(super) resource_kinds: usize,
    pub(super) wait_kinds: usize,
    pub(super) more_wakes: usize,
}

impl Counts {
    /// Whether lists are as long as those that they belong to, and numbers reach.
    pub(super) fn hold(&self, arrays: &Arrays) -> bool {
        arrays.hot.count() == self.tasks
            && arrays.hops_of.count() == self.tasks
            && arrays.parks.len() == self.lanes
            && arrays.visits.len() <= self.lanes
            && self.lanes <= 1 << 16
            && self.tasks < NONE as usize
    }
}

/// What numbers may name.
#[derive(Clone, Copy)]
pub(super) struct Bounds<'a> {
    pub(super) counts: &'a Counts,
    /// How many polls each chunk has.
    pub(super) rows_of: &'a [u16],
}

impl Bounds<'_> {
    #[inline]
    pub(super) fn has_poll(&self, poll: u32) -> bool {
        let poll = PollIx(poll);
        self.rows_of.get(poll.chunk()).is_some_and(|&rows| poll.slot() < usize::from(rows))
    }

    /// Whether there is what called a waker.
    #[inline]
    pub(super) fn waker_holds(&self, flags: Flags, waker: u32) -> bool {
        match flags.waker() {
            WakerKind::Poll => self.has_poll(waker),
            WakerKind::Driver => usize::from(waker as u16) < self.counts.lanes,
            WakerKind::None | WakerKind::Thread => true,
        }
    }

    pub(super) fn hot_holds(&self, hot: &Hot) -> bool {
        let wake = hot.pending();
        hot.last_lane.get() < self.counts.lanes.max(1)
            && (hot.last == NONE || self.has_poll(hot.last))
            && wake.is_none_or(|wake| self.waker_holds(wake.flags, wake.waker))
    }

    /// Whether polls name what is there, stand in order, and have times that can be added.
    pub(super) fn holds(&self, chunk: &Chunk) -> bool {
        let lists = [&chunk.long, &chunk.late, &chunk.left, &chunk.scheduled];
        let length = chunk.rows.len();
        let in_order = |list: &[(u16, u64)]| {
            list.is_sorted_by(|a, b| a.0 < b.0) && list.iter().all(|of| usize::from(of.0) < length)
        };
        let wakes = chunk.more_wakes.iter();
        let kind_holds = |kind: u32| match kind & MORE_KINDS {
            0 => (kind as usize) < self.counts.resources,
            _ => ((kind & !MORE_KINDS) as usize) < self.counts.wait_kinds,
        };
        // What stands in a row is 32 bits: two of them, and what stands beside is looked at below.
        let base = chunk.base.checked_add(2 * u64::from(u32::MAX));
        let beside = lists.into_iter().all(|list| in_order(list))
            && chunk.more_wakes.is_sorted_by(|a, b| a.0 < b.0)
            && { wakes }.all(|&(_, wake)| (wake as usize) < self.counts.more_wakes)
            && chunk.waits.is_sorted_by(|a, b| a.slot <= b.slot)
            && chunk
                .waits
                .iter()
                .all(|wait| usize::from(wait.slot) < length && kind_holds(wait.kind));
        if base.is_none() || !beside {
            return false;
        }
        let at = |&(slot, time): &(u16, u64)| (chunk.start(slot.into()), time);
        let long = chunk.long.iter().map(at).all(|(start, time)| start.checked_add(time).is_some());
        let late = chunk.late.iter().map(at).all(|(start, time)| time <= start);
        let mut last = 0;
        let rows = chunk.rows.iter().all(|row| {
            let is_ordered = row.start >= last;
            last = row.start;
            let is_late = row.flags.has(Flags::LATE) || row.flags.waker() == WakerKind::None;
            is_ordered
                & ((row.task as usize) < self.counts.tasks)
                & (is_late || u64::from(row.delay) <= chunk.base + u64::from(row.start))
                & match row.before {
                    NONE => !row.flags.has(Flags::HOP),
                    before => self.has_poll(before),
                }
                & self.waker_holds(row.flags, row.waker)
        });
        long && late && rows
    }
}

/// Polls of one task that begin at one moment are followed so far. (Clocks of 100 ns have two or three.)
const MOST_AT_ONCE: usize = 1024;

/// So many polls ahead, what they name is fetched: it lies anywhere.
const LATER: usize = 24;

/// Whether the polls of each task are one chain from its last to its first, of the length that the task
/// says; all numbers must name what is there.
///
/// Each poll names one of the same task that begins earlier: so there is no loop. No two name the same
/// one, and one of each task names none: so there is one chain. And as many polls are in it as
/// there are.
pub(super) fn links_hold(trace: &Trace) -> bool {
    let chunks = trace.polls.chunks();
    // A bit for each poll: whether one names it.
    let named: Vec<AtomicU64> = bytemuck::zeroed_vec(chunks.len() * (CHUNK / u64::BITS as usize));
    let bit = |poll: u32| (&named[poll as usize / 64], 1u64 << (poll % 64));
    let is_named = |poll: u32| bit(poll).0.load(Ordering::Relaxed) & bit(poll).1 != 0;
    let polls_of: Vec<AtomicU32> = bytemuck::zeroed_vec(trace.hot.len());
    let firsts_of: Vec<AtomicU32> = bytemuck::zeroed_vec(trace.hot.len());
    let (polls, holds) = (AtomicU64::new(0), AtomicBool::new(true));
    parallel::for_each(0..chunks.len(), |number| {
        let chunk = &chunks[number];
        let mut count = 0;
        let linked = |(slot, row): (usize, &crate::store::polls::Row)| {
            let later = chunk.rows.get(slot + LATER).map(|row| row.before);
            if let Some(before) = later.filter(|before| *before != NONE) {
                prefetch(Some(trace.polls.row(PollIx(before))));
                prefetch(Some(bit(before).0));
            }
            if row.flags.has(Flags::GONE) {
                return true;
            }
            count += 1;
            polls_of[row.task as usize].fetch_add(1, Ordering::Relaxed);
            if row.before == NONE {
                return firsts_of[row.task as usize].fetch_add(1, Ordering::Relaxed) == 0;
            }
            let (word, bit) = bit(row.before);
            let before = PollIx(row.before);
            trace.polls.row(before).task == row.task
                && !trace.polls.row(before).flags.has(Flags::GONE)
                && word.fetch_or(bit, Ordering::Relaxed) & bit == 0
                && begins_before(trace, before, chunk.start(slot))
        };
        if !chunk.rows.iter().enumerate().all(linked) {
            holds.store(false, Ordering::Relaxed);
        }
        polls.fetch_add(count, Ordering::Relaxed);
    });
    let all = trace.hot.iter().enumerate().all(|(task, hot)| {
        let count = polls_of[task].load(Ordering::Relaxed);
        let last = hot.last;
        let is_last = || {
            let row = trace.polls.row(PollIx(last));
            row.task as usize == task && !row.flags.has(Flags::GONE) && !is_named(last)
        };
        count == hot.polls && if count == 0 { last == NONE } else { last != NONE && is_last() }
    });
    let marks = trace.tasks.iter().enumerate().all(|(task, of)| {
        let mut marks = of.marks.iter();
        marks.all(|&mark| trace.polls.row(PollIx(mark)).task as usize == task)
    });
    holds.into_inner() && all && marks && polls.into_inner() == trace.poll_count
}

/// Whether a poll, and those of its task that begin with it, lead to one that begins before `time`.
fn begins_before(trace: &Trace, poll: PollIx, time: u64) -> bool {
    let mut at = poll;
    for _ in 0..MOST_AT_ONCE {
        match trace.polls.start(at) {
            start if start < time => return true,
            start if start > time => return false,
            _ => {}
        }
        match trace.polls.row(at).before {
            NONE => return true,
            before => at = PollIx(before),
        }
    }
    false
}
