//! Rows that can change no more are added up and let go: the figures of a trace in memory that does not
//! grow with its polls.
//!
//! # The problem
//! The figures of a trace are sums over its polls, and the sweep knows all of a poll when it comes. But not
//! for good: later a poll turns out to have ended, to have given its worker away, to be the last of its
//! task, to be no poll at all. The rules for that look at rows that stand already, and there should be
//! one set of rules.
//!
//! # The plan
//! So the sweep is the same, rows and all, and what differs is how long these stand. Now and then, when
//! as many have come as were kept the time before, the rows that a rule can still reach are marked, as in a
//! collection of garbage; all others are added up ([`Sums`]), and those that are marked move together
//! ([`crate::store::lean`]). What is left at the end is added up like any other trace.
//!
//! # What can still be reached
//! - A poll that is open, occupies its lane, has been taken for the drop of its task, or whose wake is a
//!   candidate of a batch that has not ended.
//! - The last poll of a task, and what can become the last when others are taken off its task. A poll
//!   can be taken off while it is open. Of those that have ended, one can be when its task ends, once,
//!   and one more as the bracket of the drop; that one comes back before the next poll begins. So
//!   whatever comes, the third that has ended, from the end or from an open poll on, stays where it is, and can
//!   become the last; what is before that cannot. Where these have been taken off, it is the first.
//! - The poll behind an open one: it may become the first of its task.
//!
//! What a task was, and how it yields, is known only at the end. [`Sums`] says what becomes of that.
//!
//! # Why not otherwise
//! Letting go of each row by itself, when its last reference goes, has a hook in every rule, and each a
//! place to forget. Giving each task its last rows has two ways to find a row.

#[cfg(test)]
mod tests;

use foldhash::{HashMap, HashSet};

use super::replay::Replay;
use crate::store::lean::{GHOST, Marks};
use crate::store::polls::{CHUNK, NONE, Polls};
use crate::store::shelf::Shelf;
use crate::summary::sums::Sums;
use crate::trace::Trace;
use crate::types::{Hot, LaneThread, PollIx};

/// Rows are let go when at least so many bytes of them have come.
const ROOM: usize = 64 << 20;
/// About what marking costs for each task, as bytes of rows.
const BYTES_A_TASK: usize = 64;

/// How rows are let go, and what of them is left.
#[derive(Clone, Debug)]
pub(crate) struct LetGo {
    pub(crate) sums: Sums,
    /// At least so many bytes of rows come first.
    room: usize,
    /// So many bytes of rows come until it is done again.
    due: usize,
    /// So many rows fill a chunk.
    rows_a_chunk: usize,
}

impl LetGo {
    pub(crate) fn new(sums: Sums) -> Self {
        Self { sums, room: ROOM, due: ROOM, rows_a_chunk: CHUNK }
    }

    /// As often as it can be.
    #[cfg(test)]
    pub(crate) fn always(sums: Sums, rows_a_chunk: usize) -> Self {
        Self { sums, room: 0, due: 0, rows_a_chunk }
    }

    /// As it was before anything was swept.
    pub(crate) fn afresh(&self) -> Self {
        Self { sums: self.sums.afresh(), due: self.room, ..*self }
    }
}

/// So many polls of a task that have ended can be its last, now or when others are taken off.
fn reach(hot: &Hot) -> usize {
    3 - usize::from(hot.has(Hot::ENDED)) - usize::from(hot.has(Hot::DROPPED))
}

impl Replay {
    /// One that lets rows go.
    pub(crate) fn letting_go(of: LetGo) -> Self {
        let trace = Trace { polls: Polls::lean(of.rows_a_chunk), ..Trace::default() };
        Self { trace, lets_go: Some(Box::new(of)), ..Self::default() }
    }

    /// Lets rows go, if many have come.
    pub(super) fn let_go_if_due(&mut self) {
        let Some(mut of) = self.lets_go.take() else { return };
        if self.trace.polls.closed() >= of.due {
            self.let_go(&mut of.sums);
            let least = self.trace.polls.size() + self.hot.len() * BYTES_A_TASK;
            of.due = if of.room == 0 { 0 } else { least.max(of.room) };
        }
        self.lets_go = Some(of);
    }

    fn let_go(&mut self, sums: &mut Sums) {
        let kept = self.reachable();
        self.skip(&kept);
        let Trace { polls, lanes, tasks, .. } = &mut self.trace;
        let mut moved = polls.keep(kept);
        for lane in &mut *lanes {
            for level in &mut lane.levels {
                polls.compact(&mut level.chunks, &mut moved, |chunk, is_kept| {
                    sums.add(chunk, tasks, is_kept);
                });
            }
        }
        polls.relink(|before| if before == NONE { NONE } else { moved.number(before) });
        let renumber = |poll: &mut PollIx| poll.0 = moved.number(poll.0);
        self.hot.for_each_mut(|hot| {
            if hot.last != NONE {
                hot.last = moved.number(hot.last);
            }
        });
        for stream in &mut self.streams {
            stream.open.iter_mut().for_each(|open| renumber(&mut open.poll));
            stream.batch.polls_mut().for_each(renumber);
        }
        self.occupants.iter_mut().flatten().for_each(|one| renumber(&mut one.poll));
        self.drop_brackets.values_mut().for_each(renumber);
        self.forget_lists();
    }

    /// The open polls, by task.
    fn open_polls(&self) -> HashMap<u32, HashSet<u32>> {
        let mut polls: HashMap<u32, HashSet<u32>> = HashMap::default();
        for open in self.streams.iter().flat_map(|stream| &stream.open) {
            polls.entry(open.task.0).or_default().insert(open.poll.0);
        }
        polls
    }

    /// Marks what can still change: see [the module](self).
    fn reachable(&self) -> Marks {
        let polls = &self.trace.polls;
        let mut marks = polls.marks();
        self.occupants.iter().flatten().for_each(|one| marks.set(one.poll.0));
        self.drop_brackets.values().for_each(|poll| marks.set(poll.0));
        let candidates = self.streams.iter().flat_map(|stream| stream.batch.polls());
        candidates.for_each(|poll| marks.set(poll.0));
        for hot in self.hot.iter() {
            polls.back_from(hot.last).take(reach(hot)).for_each(|poll| marks.set(poll.0));
        }
        for (task, open) in self.open_polls() {
            open.iter().for_each(|&poll| marks.set(poll));
            let hot = &self.hot[task as usize];
            let (mut left, mut behind) = (reach(hot), None);
            for PollIx(poll) in polls.back_from(hot.last) {
                if open.contains(&poll) {
                    left = reach(hot);
                    marks.set(behind.unwrap_or(poll));
                } else if left > 0 {
                    left -= 1;
                    marks.set(poll);
                }
                behind = Some(poll);
            }
        }
        marks
    }

    /// Takes what will be let go from between the polls of tasks that have open ones: what stands behind
    /// such a poll is found from the last one on.
    fn skip(&mut self, kept: &Marks) {
        let tasks = self.open_polls().into_keys();
        let lasts: Vec<u32> = tasks.map(|task| self.hot[task as usize].last).collect();
        let polls = &mut self.trace.polls;
        for mut last in lasts.into_iter().filter(|last| *last != NONE) {
            while last != GHOST {
                let next = polls.row(PollIx(last)).before;
                let next_kept = polls.back_from(next).find(|poll| kept.has(poll.0));
                // That something came before stays, even if it is let go.
                let next = if next == NONE { NONE } else { next_kept.map_or(GHOST, |kept| kept.0) };
                polls.change(PollIx(last)).rows[PollIx(last).slot()].before = next;
                last = if next == NONE { GHOST } else { next };
            }
        }
    }

    /// Lists that grow with polls, wakes and parks, and of which figures have nothing.
    fn forget_lists(&mut self) {
        let trace = &mut self.trace;
        trace.hops = Shelf::default();
        trace.more_wakes = Shelf::default();
        trace.odd_wakers = Default::default();
        trace.before.clear();
        trace.late_times.clear();
        trace.polls.forget_changes();
        for lane in &mut trace.lanes {
            lane.parks.forget();
            // The first stays, by its place and by its time, and the last, to which the next is added.
            let threads = &mut lane.threads;
            if let ([first, .., last], Some(&earliest)) = (&threads[..], threads.iter().min()) {
                let few: Vec<LaneThread> = vec![*first, earliest, *last];
                *threads = few;
            }
        }
    }
}
