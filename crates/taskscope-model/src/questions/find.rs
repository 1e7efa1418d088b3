//! The next or previous poll or wake that satisfies a filter.
//!
//! A filter that many satisfy is answered after a few polls. For one that few satisfy an [`Activity`]
//! names the blocks that cannot have any: no panic, none as long. Blocks that may have one are read, several at a
//! time. One task's polls and wakes are asked of the task.
//!
//! Polls have the order of their starts, and those that begin at one time that of their numbers. Likewise
//! wakes. So whoever goes on from what was found last (its time and itself) comes to each once.

use taskscope_format::Nanos;

use super::activity::Activity;
use super::blocks::Blocks;
use super::each;
use super::sums::Sums;
use crate::store::polls::{Chunk, Flags, NONE};
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx, TaskIx};
use crate::{Direction, PollEnd};

/// Which polls are wanted: those that satisfy all that is set. The default is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollFilter {
    /// Of this task.
    pub task: Option<TaskIx>,
    /// Of tasks that were spawned at this place.
    pub place: Option<PlaceIx>,
    /// On this lane.
    pub lane: Option<LaneIx>,
    /// That ended so. (A panic: [`PollEnd::Panicked`].)
    pub end: Option<PollEnd>,
    /// On another worker than the task's poll before.
    pub is_hop: bool,
    /// That took so long, in nanoseconds, or longer.
    pub at_least: Nanos,
    /// That came so long after the wake that scheduled them, or longer; 0 for those without a wake, too.
    pub delay_at_least: Nanos,
}

impl PollFilter {
    /// Whether a poll is wanted.
    pub fn holds(&self, trace: &Trace, poll: PollIx) -> bool {
        self.holds_for(trace, trace.polls.chunk(poll.chunk()), poll.slot())
    }

    #[inline]
    fn holds_for(&self, trace: &Trace, chunk: &Chunk, slot: usize) -> bool {
        let row = &chunk.rows[slot];
        !row.flags.has(Flags::GONE)
            && (!self.is_hop || row.is_hop())
            && (self.at_least == 0 || chunk.duration(slot) >= self.at_least)
            && (self.delay_at_least == 0
                || chunk.delay(slot).is_some_and(|delay| delay >= self.delay_at_least))
            && self.lane.is_none_or(|lane| chunk.lane == lane)
            && self.task.is_none_or(|task| row.task == task.0)
            && self.end.is_none_or(|end| trace.poll_end(row.task, row.flags) == end)
            && self.place.is_none_or(|place| trace.tasks[row.task as usize].place == Some(place))
    }

    /// Whether there may be one among some polls.
    fn may_be_in(&self, sums: &Sums) -> bool {
        let place = self.place.map(|place| sums.places.get(place.get() + 1));
        let of_place = place.map(|sum| sum.copied().unwrap_or_default());
        let (longest, latest, hops) = match of_place {
            Some(sum) => (sum.longest, sum.longest_delay, sum.hops),
            None => (sums.longest.most(), sums.latest.most(), sums.hops.len() as u64),
        };
        of_place.is_none_or(|sum| sum.polls > 0)
            && longest >= self.at_least
            && latest >= self.delay_at_least
            && (!self.is_hop || hops > 0)
            && self.end.is_none_or(|end| sums.ends[end.position()] > 0)
    }
}

/// The nearest in one direction.
#[derive(Clone, Copy)]
pub(super) struct Nearest<K> {
    pub(super) direction: Direction,
    /// Only what lies beyond this.
    pub(super) from: (Nanos, Option<K>),
    pub(super) best: Option<(Nanos, K)>,
}

impl<K: Ord + Copy> Nearest<K> {
    pub(super) fn new(direction: Direction, from: (Nanos, Option<K>)) -> Self {
        Self { direction, from, best: None }
    }

    pub(super) fn wants(&self, key: (Nanos, K)) -> bool {
        let (time, from) = self.from;
        match self.direction {
            Direction::Forward => {
                let is_beyond = key.0 > time || key.0 == time && from.is_some_and(|k| key.1 > k);
                is_beyond && self.best.is_none_or(|best| key < best)
            }
            Direction::Back => {
                let is_beyond = key.0 < time || key.0 == time && from.is_some_and(|k| key.1 < k);
                is_beyond && self.best.is_none_or(|best| key > best)
            }
        }
    }

    /// Takes it if it is nearer.
    pub(super) fn offer(&mut self, key: (Nanos, K)) {
        if self.wants(key) {
            self.best = Some(key);
        }
    }

    /// Whether all at this time and beyond lie behind the best.
    pub(super) fn is_past(&self, time: Nanos) -> bool {
        self.best.is_some_and(|(best, _)| match self.direction {
            Direction::Forward => time > best,
            Direction::Back => time < best,
        })
    }
}

/// The next poll that satisfies `filter` after a time, or before it.
///
/// `from` is a time, and the poll that was found last and begins then: others that begin at the same time
/// come before or after it by their numbers. Without a poll, those that begin just then are passed over.
pub async fn find_poll(
    trace: &Trace,
    activity: Option<&Activity>,
    filter: PollFilter,
    from: (Nanos, Option<PollIx>),
    direction: Direction,
) -> Option<PollIx> {
    let mut nearest = Nearest::new(direction, from);
    if let Some(task) = filter.task {
        if task.get() >= trace.task_count() {
            return None;
        }
        of_task(trace, task, filter, &mut nearest).await;
        return nearest.best.map(|(_, poll)| poll);
    }
    let activity = activity.filter(|activity| activity.is_of(trace));
    let blocks = Blocks::of(trace, activity);
    let at = blocks.at(from.0);
    let order: Vec<usize> = match direction {
        Direction::Forward => (at..blocks.len()).collect(),
        Direction::Back => (0..=at.min(blocks.len() - 1)).rev().collect(),
    };
    let may_be_in =
        |block: &usize| activity.is_none_or(|activity| filter.may_be_in(&activity.sums[*block]));
    let order: Vec<usize> = order.into_iter().filter(may_be_in).collect();
    let mut rest = &order[..];
    // The nearest is likely to be near.
    let mut size = 1;
    while !rest.is_empty() && nearest.best.is_none() {
        let (batch, behind) = rest.split_at(size.min(rest.len()));
        (rest, size) = (behind, (size * 2).min(32));
        let empty = nearest;
        let search = |block: &usize| {
            let mut nearest = empty;
            in_block(trace, &blocks, *block, filter, &mut nearest);
            nearest.best
        };
        each(batch, search, |best| best.into_iter().for_each(|best| nearest.offer(best))).await;
    }
    nearest.best.map(|(_, poll)| poll)
}

fn in_block(
    trace: &Trace,
    blocks: &Blocks,
    block: usize,
    filter: PollFilter,
    nearest: &mut Nearest<PollIx>,
) {
    let times = blocks.times(block);
    let lanes = 0..trace.lanes.len();
    let lanes = lanes.map(|lane| LaneIx(lane as u16));
    for lane in lanes.filter(|&lane| filter.lane.is_none_or(|only| only == lane)) {
        for level in trace.levels(lane) {
            let (first, last) = (level.begun_at(times.start), level.begun_at(times.end));
            match nearest.direction {
                Direction::Forward => {
                    let first = first.max(level.begun_at(nearest.from.0));
                    'level: for (number, chunk, slots) in level.slices(first..last.max(first)) {
                        for slot in slots {
                            if nearest.is_past(chunk.start(slot)) {
                                break 'level;
                            }
                            if filter.holds_for(trace, chunk, slot) {
                                nearest.offer((chunk.start(slot), PollIx::new(number, slot)));
                            }
                        }
                    }
                }
                Direction::Back => {
                    let last = last.min(level.begun_after(nearest.from.0)).max(first);
                    let slices: Vec<_> = level.slices(first..last).collect();
                    'back: for (number, chunk, slots) in slices.into_iter().rev() {
                        for slot in slots.rev() {
                            if nearest.is_past(chunk.start(slot)) {
                                break 'back;
                            }
                            if filter.holds_for(trace, chunk, slot) {
                                nearest.offer((chunk.start(slot), PollIx::new(number, slot)));
                            }
                        }
                    }
                }
            }
        }
    }
}

async fn of_task(trace: &Trace, task: TaskIx, filter: PollFilter, nearest: &mut Nearest<PollIx>) {
    let polls = trace.task_polls(task);
    let (begun_before, begun) =
        (polls.begun_before(nearest.from.0), polls.begun_at(nearest.from.0));
    let last = begun.checked_sub(1).and_then(|last| polls.get(last));
    let back = trace.polls.back_from(last.map_or(NONE, |last| last.0));
    let (forward, back) = match nearest.direction {
        Direction::Forward => (Some(polls.iter_from(begun_before)), None),
        Direction::Back => (None, Some(back)),
    };
    let forward = forward.into_iter().flatten();
    for (turn, poll) in forward.chain(back.into_iter().flatten()).enumerate() {
        let start = trace.polls.start(poll);
        if nearest.is_past(start) {
            break;
        }
        if filter.holds(trace, poll) {
            nearest.offer((start, poll));
        }
        if turn % 4096 == 4095 {
            super::pause().await;
        }
    }
}
