//! What is added up of polls whose rows are let go before the end: see `builder/let_go.rs`.
//!
//! Two things are known only at the end. Whether a poll before a wake in a tail was a yield depends on
//! the habits of its task and its place: these polls are counted by task. And what a task is: one of which
//! no spawn was read, or late, may turn out to be a `block_on`. Its polls are added as what it seems to be
//! by then. Where that was wrong for any, the file is read once more, with what is known from the first
//! time. So it is exact, and what nearly never happens costs nothing else.

use std::sync::Arc;

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::latencies::Latencies;
use crate::store::flags::EndSoFar;
use crate::store::polls::{Chunk, Flags};
use crate::store::shelf::Shelf;
use crate::trace::Trace;
use crate::types::{LaneIx, MORE_KINDS, PollEnd, Task};

/// What a poll with the wake of a yield behind it can have said of that wake: see `yields.rs`.
const TAILS: [u32; 3] = [Flags::TAIL, Flags::TAIL | Flags::TAIL_AT_ONCE, TAIL_PARKS];
const TAIL_PARKS: u32 = Flags::TAIL | Flags::TAIL_PARKS;

/// See [the module](self).
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    /// Which tasks are tasks, from a time before.
    known: Option<Arc<[bool]>>,
    /// What the polls of each task were added as; `None` where there were none.
    is_async: Vec<Option<bool>>,
    pub(crate) lanes: Vec<LaneSums>,
    /// How polls ended, by [`PollEnd::position`].
    pub(crate) ends: [u64; PollEnd::ALL.len()],
    pub(crate) longest: Nanos,
    /// By task and by [`TAILS`]: polls that yielded or were left pending.
    tails: Vec<[u32; TAILS.len()]>,
    /// Likewise, that yielded or were cancelled. (Those are the last ones of their tasks, so that only
    /// a broken file has any here.)
    cancelled: HashMap<(u32, usize), u64>,
    /// Operations that were pending, by what waits call them: by resource, and others.
    waits: [Vec<u64>; 2],
    pub(crate) latencies: Latencies,
}

/// What is added up of a lane.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LaneSums {
    /// Of tasks.
    pub(crate) polls: u64,
    /// Time for which any polls occupied it.
    pub(crate) busy: Nanos,
}

/// The element at a place of a list that is made as long as need be.
fn entry<T: Clone + Default>(list: &mut Vec<T>, at: usize) -> &mut T {
    if list.len() <= at {
        list.resize(at + 1, T::default());
    }
    &mut list[at]
}

impl Sums {
    /// As they were before the first poll.
    pub(crate) fn afresh(&self) -> Self {
        Self { known: self.known.clone(), ..Self::default() }
    }

    /// Adds the rows of a chunk that are not kept.
    pub(crate) fn add(
        &mut self,
        chunk: &Chunk,
        tasks: &Shelf<Task>,
        is_kept: &dyn Fn(usize) -> bool,
    ) {
        let mut lane = LaneSums::default();
        for (slot, row) in chunk.rows.iter().enumerate() {
            if is_kept(slot) || row.flags.has(Flags::GONE) {
                continue;
            }
            if chunk.depth == 0 {
                // What lies within a poll is part of it.
                lane.busy = lane.busy.saturating_add(chunk.occupied(slot));
            }
            if !self.is_async(row.task, tasks) {
                continue;
            }
            lane.polls += 1;
            self.longest = self.longest.max(chunk.duration(slot));
            let end = match row.flags.has(Flags::LAST) {
                true => tasks[row.task as usize].end.map(|end| end.kind),
                false => None,
            };
            match row.flags.poll_end(end) {
                EndSoFar::Known(how) => self.ends[how.position()] += 1,
                EndSoFar::UnlessYielded(PollEnd::Cancelled) => {
                    *self.cancelled.entry((row.task, tail(row.flags))).or_default() += 1;
                }
                EndSoFar::UnlessYielded(_) => {
                    entry(&mut self.tails, row.task as usize)[tail(row.flags)] += 1;
                }
            }
        }
        let sum = entry(&mut self.lanes, chunk.lane.get());
        sum.polls += lane.polls;
        sum.busy = sum.busy.saturating_add(lane.busy);
        for wait in chunk.waits.iter().filter(|wait| !is_kept(wait.slot.into())) {
            let row = &chunk.rows[usize::from(wait.slot)];
            if !row.flags.has(Flags::GONE) && self.is_async(row.task, tasks) {
                let (list, at) = (wait.kind & MORE_KINDS, wait.kind & !MORE_KINDS);
                *entry(&mut self.waits[usize::from(list != 0)], at as usize) += 1;
            }
        }
        for &(slot, since) in chunk.all_scheduled() {
            let slot = usize::from(slot);
            let row = &chunk.rows[slot];
            if !is_kept(slot) && !row.flags.has(Flags::GONE) && self.is_async(row.task, tasks) {
                self.latencies.add(chunk.start(slot).saturating_sub(since));
            }
        }
    }

    /// Whether the polls of a task are those of a task.
    #[inline]
    fn is_async(&mut self, task: u32, tasks: &Shelf<Task>) -> bool {
        let at = task as usize;
        if let Some(&Some(known)) = self.is_async.get(at) {
            return known;
        }
        let known = self.known.as_ref().and_then(|known| known.get(at).copied());
        let is_async = known.unwrap_or_else(|| tasks[at].is_async());
        *entry(&mut self.is_async, at) = Some(is_async);
        is_async
    }

    /// Where a task turned out to be something else than what its polls were added as: how to add
    /// them the next time.
    pub(crate) fn correction(&self, trace: &Trace) -> Option<Self> {
        let mut tasks = trace.tasks().zip(&self.is_async);
        let is_wrong = tasks.any(|(task, added)| added.is_some_and(|as_| as_ != task.is_async()));
        let known = || trace.tasks().map(|task| task.is_async()).collect();
        is_wrong.then(|| Self { known: Some(known()), ..Self::default() })
    }

    /// How polls ended of which the habits of their tasks say it.
    pub(crate) fn ends_by_habit(&self, trace: &Trace) -> impl Iterator<Item = (PollEnd, u64)> {
        let pending = (0..).zip(&self.tails).flat_map(|(task, tails)| {
            let tails = tails.iter().enumerate();
            tails.map(move |(tail, &count)| ((task, tail), PollEnd::Pending, u64::from(count)))
        });
        let cancelled = self.cancelled.iter();
        let cancelled = cancelled.map(|(&at, &count)| (at, PollEnd::Cancelled, count));
        let counted = pending.chain(cancelled).filter(|(_, _, count)| *count > 0);
        counted.map(|((task, tail), otherwise, count)| {
            let mut flags = Flags::default();
            flags.set(TAILS[tail]);
            let yielded = trace.yielded(task, flags);
            (if yielded { PollEnd::Yielded { inferred: true } } else { otherwise }, count)
        })
    }

    /// What was waited for, by what waits call it, and how often.
    pub(crate) fn waits(&self) -> impl Iterator<Item = (u32, u64)> {
        let [by_resource, others] = &self.waits;
        let by_resource = (0..).zip(by_resource);
        let others = (MORE_KINDS..).zip(others);
        let all = by_resource.chain(others).map(|(kind, &count)| (kind, count));
        all.filter(|(_, count)| *count > 0)
    }

    /// What is added up of a lane.
    pub(crate) fn lane(&self, lane: LaneIx) -> LaneSums {
        self.lanes.get(lane.get()).copied().unwrap_or_default()
    }
}

/// Which of [`TAILS`] a row says.
fn tail(flags: Flags) -> usize {
    match () {
        () if flags.has(Flags::TAIL_PARKS) => 2,
        () if flags.has(Flags::TAIL_AT_ONCE) => 1,
        () => 0,
    }
}
