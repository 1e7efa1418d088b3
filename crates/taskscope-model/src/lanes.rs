//! What a lane shows at a given zoom.
//!
//! A lane of a long run has millions of polls and a few thousand pixels. Drawing
//! them all is slow, and drawing the longest of each pixel, as others do, hides
//! that a pixel holds a thousand short polls. So a query names a `step` (the
//! time of a pixel or two): polls that are longer come back one by one, and
//! those that are shorter are gathered into one [`LodSpan`] a step, which carries
//! how many they were, how long they ran in all, and which was the longest.
//!
//! The gathering jumps from step to step by binary search and adds up whole
//! groups of 64 polls at a time, so that its cost follows the number of steps
//! and not that of the polls.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{LaneIx, Poll, PollIx};

const GROUP: usize = 64;

/// Something to draw on a lane: one poll, or several that are too short to tell
/// apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LodSpan {
    /// Start of the first poll.
    pub start: Nanos,
    /// End of the last poll.
    pub end: Nanos,
    /// The poll, or the longest of them.
    pub poll: PollIx,
    /// How many polls.
    pub count: u32,
    /// Time in these polls, in nanoseconds.
    pub busy: Nanos,
    /// Nesting depth; of the longest poll where there are several.
    pub depth: u8,
}

/// Sums over each group of 64 polls of a lane, and the ends of its polls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LaneIndex {
    groups: Vec<Group>,
    /// When the lane's polls ended, sorted; empty where the polls themselves
    /// are in that order, as they are where none nest.
    pub(crate) ends: Vec<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Group {
    busy: Nanos,
    longest: u32,
    /// The latest end of this group and all before it.
    latest_end: Nanos,
}

impl LaneIndex {
    pub(crate) fn new(polls: &[Poll]) -> Self {
        let mut latest_end = 0;
        let groups = polls
            .chunks(GROUP)
            .enumerate()
            .map(|(number, group)| {
                let mut sum = Gather::default();
                for (offset, poll) in group.iter().enumerate() {
                    sum.add(number * GROUP + offset, poll);
                    latest_end = latest_end.max(poll.end);
                }
                Group { busy: sum.busy, longest: sum.longest as u32, latest_end }
            })
            .collect();
        let mut ends = Vec::new();
        if !polls.is_sorted_by_key(|poll| poll.end) {
            ends.extend(polls.iter().map(|poll| poll.end));
            ends.sort_unstable();
        }
        Self { groups, ends }
    }
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
    fn add(&mut self, position: usize, poll: &Poll) {
        // A nested poll's time is already in the one around it.
        if poll.depth == 0 {
            self.busy = self.busy.saturating_add(poll.duration());
        }
        self.consider(position, poll);
    }

    fn consider(&mut self, position: usize, poll: &Poll) {
        if poll.duration() >= self.longest_time {
            self.longest_time = poll.duration();
            self.longest = position;
        }
        self.end = self.end.max(poll.end);
    }
}

impl Trace {
    /// What `lane` shows of `window`, with polls shorter than `step`
    /// nanoseconds gathered. They come sorted by start.
    pub fn lod_spans(&self, lane: LaneIx, window: Range<Nanos>, step: Nanos) -> Vec<LodSpan> {
        let polls = self.lane_polls(lane);
        let index = &self.lane_index[lane.get()];
        let base = self.lane(lane).polls.start;
        let step = step.max(1);
        let mut marks = Vec::new();

        let mut next = first_visible(polls, index, window.start);
        while let Some(poll) = polls.get(next).filter(|poll| poll.start < window.end) {
            if poll.duration() >= step {
                marks.push(LodSpan {
                    start: poll.start,
                    end: poll.end,
                    poll: PollIx(base + next as u32),
                    count: 1,
                    busy: poll.duration(),
                    depth: poll.depth,
                });
                next += 1;
                continue;
            }
            let until = (poll.start / step + 1).saturating_mul(step);
            let end = next + short_run(&polls[next..], index, next, step, until);
            let sum = gather(polls, index, next..end);
            marks.push(LodSpan {
                start: poll.start,
                end: sum.end,
                poll: PollIx(base + sum.longest as u32),
                count: (end - next) as u32,
                busy: sum.busy,
                depth: polls[sum.longest].depth,
            });
            next = end;
        }
        marks
    }

    /// The poll of `lane` that is running at `time`, the innermost where they
    /// nest.
    pub fn poll_at(&self, lane: LaneIx, time: Nanos) -> Option<PollIx> {
        let polls = self.lane_polls(lane);
        let index = &self.lane_index[lane.get()];
        let first = first_visible(polls, index, time);
        let after = polls.partition_point(|poll| poll.start <= time);
        let position = (first..after).rev().find(|&at| polls[at].end > time)?;
        Some(PollIx(self.lane(lane).polls.start + position as u32))
    }
}

/// The first poll that may still run at `time`. All before it have ended.
fn first_visible(polls: &[Poll], index: &LaneIndex, time: Nanos) -> usize {
    let group = index.groups.partition_point(|group| group.latest_end <= time);
    let start = (group * GROUP).min(polls.len());
    let inside = polls[start..].iter().position(|poll| poll.end > time);
    inside.map_or(polls.len(), |offset| start + offset)
}

/// How many polls from the front of `rest` are shorter than `step` and begin
/// before `until`. `at` is the position of `rest` in its lane.
fn short_run(rest: &[Poll], index: &LaneIndex, at: usize, step: Nanos, until: Nanos) -> usize {
    let inside = rest.partition_point(|poll| poll.start < until);
    let mut length = 0;
    while length < inside {
        let position = at + length;
        let group = &index.groups[position / GROUP];
        let whole = position.is_multiple_of(GROUP) && length + GROUP <= inside;
        // A group whose longest poll is short has none that is long.
        let longest = rest.get((group.longest as usize).wrapping_sub(at));
        if whole && longest.is_some_and(|poll| poll.duration() < step) {
            length += GROUP;
        } else if rest[length].duration() < step {
            length += 1;
        } else {
            break;
        }
    }
    length
}

fn gather(polls: &[Poll], index: &LaneIndex, range: Range<usize>) -> Gather {
    let mut sum = Gather { longest: range.start, ..Gather::default() };
    let mut at = range.start;
    while at < range.end {
        if at.is_multiple_of(GROUP) && at + GROUP <= range.end {
            let group = &index.groups[at / GROUP];
            sum.busy = sum.busy.saturating_add(group.busy);
            sum.consider(group.longest as usize, &polls[group.longest as usize]);
            sum.end = sum.end.max(polls[at + GROUP - 1].end);
            at += GROUP;
        } else {
            sum.add(at, &polls[at]);
            at += 1;
        }
    }
    sum
}
