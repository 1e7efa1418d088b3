//! What a lane shows at a given zoom.
//!
//! # What occupies a lane
//! A lane is a worker, and a worker runs one thing at a time: the innermost poll on *that worker*,
//! as long as the poll's thread *is* that worker. `block_in_place` gives the worker to another
//! thread in the middle of a poll. The poll goes on, but it no longer occupies the lane; see
//! [`Trace::lane_end`]. So the busy time of a lane never exceeds the time that has passed.
//!
//! Polls nest (a `LocalSet` is polled within a `block_on`), and one that encloses a million others
//! must not make a question walk all of them. So the polls of a lane lie in *levels*: those that
//! lie within no other, those that lie within one of these, and so on. Within a level no two
//! overlap, so that a binary search finds what runs at a time. In [`Trace::polls`] the polls of a
//! level stand side by side.
//!
//! # What a pixel shows
//! A lane of a long run has millions of polls and a few thousand pixels. Drawing them all is slow,
//! and drawing the longest of each pixel, as others do, hides that a pixel holds a thousand short
//! polls. So a query names a `step` (the time of a pixel or two): polls that are longer come back
//! one by one, and those that are shorter are gathered into one [`LodSpan`] a step, which carries
//! how many they were, how long they ran in all, and which was the longest.
//!
//! The gathering jumps from step to step by binary search and adds up whole groups of 64 polls at
//! a time.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{LaneIx, Poll, PollIx};

const GROUP: usize = 64;

/// Something to draw on a lane: one poll, or several that are too short to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LodSpan {
    /// Start of the first poll.
    pub start: Nanos,
    /// When the last poll stopped occupying the lane.
    pub end: Nanos,
    /// The poll, or the longest of them.
    pub poll: PollIx,
    /// How many polls.
    pub count: u32,
    /// Time for which these polls occupied the lane, in nanoseconds, with what lies within them.
    pub busy: Nanos,
    /// Nesting level.
    pub depth: u8,
}

/// Sums over each group of 64 polls of a level.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LevelIndex {
    polls: Range<u32>,
    groups: Vec<Group>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    busy: Nanos,
    /// Position in the level.
    longest: u32,
}

/// The polls of one level of one lane.
#[derive(Clone, Copy)]
struct Level<'a> {
    polls: &'a [Poll],
    /// Position of the first of them in [`Trace::polls`].
    base: u32,
    left_lane: &'a [(PollIx, Nanos)],
}

impl Level<'_> {
    fn ix(&self, position: usize) -> PollIx {
        PollIx(self.base + position as u32)
    }

    fn end(&self, position: usize) -> Nanos {
        lane_end(&self.polls[position], self.ix(position), self.left_lane)
    }

    fn duration(&self, position: usize) -> Nanos {
        self.end(position).saturating_sub(self.polls[position].start)
    }

    /// The first poll that has not ended at `time`.
    fn first_after(&self, time: Nanos) -> usize {
        let begun = self.polls.partition_point(|poll| poll.start <= time);
        match begun.checked_sub(1) {
            Some(last) if self.end(last) > time => last,
            _ => begun,
        }
    }
}

/// See [`Trace::lane_end`]. Few polls give their worker away, so the times stand apart.
pub(crate) fn lane_end(poll: &Poll, ix: PollIx, left_lane: &[(PollIx, Nanos)]) -> Nanos {
    if !poll.gave_worker_away {
        return poll.end;
    }
    let found = left_lane.binary_search_by_key(&ix, |&(poll, _)| poll);
    found.ok().and_then(|at| left_lane.get(at)).map_or(poll.end, |&(_, time)| time)
}

impl LevelIndex {
    fn new(range: Range<u32>, polls: &[Poll], left_lane: &[(PollIx, Nanos)]) -> Self {
        let level = Level { polls, base: range.start, left_lane };
        let group = |first: usize| {
            let mut sum = Gather { longest: first, ..Gather::default() };
            (first..polls.len().min(first + GROUP)).for_each(|at| sum.add(&level, at));
            Group { busy: sum.busy, longest: sum.longest as u32 }
        };
        Self { polls: range, groups: (0..polls.len()).step_by(GROUP).map(group).collect() }
    }
}

/// The levels of a lane. `polls` are all polls of the trace, `range` those of the lane.
pub(crate) fn levels(
    polls: &[Poll],
    range: Range<u32>,
    left_lane: &[(PollIx, Nanos)],
) -> Vec<LevelIndex> {
    let mut start = range.start as usize;
    polls[start..range.end as usize]
        .chunk_by(|a, b| a.depth == b.depth)
        .map(|level| {
            let range = start as u32..(start + level.len()) as u32;
            start += level.len();
            LevelIndex::new(range, level, left_lane)
        })
        .collect()
}

/// A sum over some polls.
#[derive(Default)]
struct Gather {
    busy: Nanos,
    longest: usize,
    longest_time: Nanos,
    end: Nanos,
}

impl Gather {
    fn add(&mut self, level: &Level<'_>, position: usize) {
        self.busy = self.busy.saturating_add(level.duration(position));
        self.consider(level, position);
    }

    fn consider(&mut self, level: &Level<'_>, position: usize) {
        let duration = level.duration(position);
        if duration >= self.longest_time {
            self.longest_time = duration;
            self.longest = position;
        }
        self.end = self.end.max(level.end(position));
    }
}

impl Trace {
    /// When a poll stopped occupying its lane: its end, or the time at which its thread gave its
    /// worker away (`block_in_place`). The task went on running there.
    pub fn lane_end(&self, poll: PollIx) -> Nanos {
        lane_end(self.poll(poll), poll, &self.left_lane)
    }

    fn levels(&self, lane: LaneIx) -> impl DoubleEndedIterator<Item = (Level<'_>, &LevelIndex)> {
        self.lane_levels[lane.get()].iter().map(|index| {
            let Range { start, end } = index.polls;
            let polls = &self.polls[start as usize..end as usize];
            (Level { polls, base: start, left_lane: &self.left_lane }, index)
        })
    }

    /// What `lane` shows of `window`, with polls shorter than `step` nanoseconds gathered. They
    /// come sorted by start, and those that begin at the same time by depth.
    pub fn lod_spans(&self, lane: LaneIx, window: Range<Nanos>, step: Nanos) -> Vec<LodSpan> {
        let mut spans = Vec::new();
        for (level, index) in self.levels(lane) {
            level_spans(&level, index, window.clone(), step.max(1), &mut spans);
        }
        // Already so where nothing nests.
        spans.sort_by_key(|span| (span.start, span.depth));
        spans
    }

    /// What occupies `lane` at `time`: the innermost poll there.
    pub fn poll_at(&self, lane: LaneIx, time: Nanos) -> Option<PollIx> {
        self.levels(lane).rev().find_map(|(level, _)| {
            let first = level.first_after(time);
            let begun = level.polls.get(first).is_some_and(|poll| poll.start <= time);
            begun.then(|| level.ix(first))
        })
    }

    /// Offers the beginnings and ends of polls on a lane of which one is the nearest to `time`.
    pub(crate) fn lane_events_around(
        &self,
        lane: LaneIx,
        time: Nanos,
        mut offer: impl FnMut(Nanos),
    ) {
        for (level, _) in self.levels(lane) {
            let before = level.polls.partition_point(|poll| poll.start < time);
            let after = level.polls.partition_point(|poll| poll.start <= time);
            // Those that begin and end at `time` itself are of no use.
            let near = [before.checked_sub(2), before.checked_sub(1), after.checked_sub(1)];
            for at in near.into_iter().flatten().chain([after]) {
                if let Some(poll) = level.polls.get(at) {
                    offer(poll.start);
                    offer(level.end(at));
                }
            }
        }
    }
}

fn level_spans(
    level: &Level<'_>,
    index: &LevelIndex,
    window: Range<Nanos>,
    step: Nanos,
    spans: &mut Vec<LodSpan>,
) {
    let mut next = level.first_after(window.start);
    while let Some(poll) = level.polls.get(next).filter(|poll| poll.start < window.end) {
        let (start, depth) = (poll.start, poll.depth);
        let (busy, poll) = (level.duration(next), level.ix(next));
        if busy >= step {
            spans.push(LodSpan { start, end: level.end(next), poll, count: 1, busy, depth });
            next += 1;
            continue;
        }
        let until = (start / step + 1).saturating_mul(step);
        let end = next + short_run(level, index, next, step, until).max(1);
        let sum = gather(level, index, next..end);
        spans.push(LodSpan {
            start,
            end: sum.end,
            poll: level.ix(sum.longest),
            count: (end - next) as u32,
            busy: sum.busy,
            depth,
        });
        next = end;
    }
}

/// How many polls from `first` on are shorter than `step` and begin before `until`.
fn short_run(
    level: &Level<'_>,
    index: &LevelIndex,
    first: usize,
    step: Nanos,
    until: Nanos,
) -> usize {
    let end = first + level.polls[first..].partition_point(|poll| poll.start < until);
    let mut at = first;
    while at < end {
        let whole = at.is_multiple_of(GROUP) && at + GROUP <= end;
        // A group whose longest poll is short has none that is long.
        if whole && level.duration(index.groups[at / GROUP].longest as usize) < step {
            at += GROUP;
        } else if level.duration(at) < step {
            at += 1;
        } else {
            break;
        }
    }
    at - first
}

fn gather(level: &Level<'_>, index: &LevelIndex, range: Range<usize>) -> Gather {
    let mut sum = Gather { longest: range.start, ..Gather::default() };
    let mut at = range.start;
    while at < range.end {
        if at.is_multiple_of(GROUP) && at + GROUP <= range.end {
            let group = &index.groups[at / GROUP];
            sum.busy = sum.busy.saturating_add(group.busy);
            sum.consider(level, group.longest as usize);
            sum.end = sum.end.max(level.end(at + GROUP - 1));
            at += GROUP;
        } else {
            sum.add(level, at);
            at += 1;
        }
    }
    sum
}
