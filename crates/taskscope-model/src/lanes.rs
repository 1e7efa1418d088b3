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
//! The gathering jumps from step to step by binary search and adds up whole groups and chunks of polls
//! at a time: see [`crate::store::level`]. Where a step has hundreds of polls, it ends with a group of them,
//! less than a quarter of a step later than it should.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::store::level::LevelView;
use crate::trace::Trace;
use crate::types::{LaneIx, Park, PollIx, TaskIx};

/// Something to draw on a lane: one poll, or several that are too short to tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LodSpan {
    /// Start of the first poll.
    pub start: Nanos,
    /// When the last poll stopped occupying the lane.
    pub end: Nanos,
    /// The poll, or the longest of them.
    pub poll: PollIx,
    /// Its task.
    pub task: TaskIx,
    /// How many polls.
    pub count: u32,
    /// Time for which these polls occupied the lane, in nanoseconds, with what lies within them.
    pub busy: Nanos,
    /// Nesting level.
    pub depth: u8,
}

impl Trace {
    /// When a poll stopped occupying its lane: its end, or the time at which its thread gave its
    /// worker away (`block_in_place`). The task went on running there.
    pub fn lane_end(&self, poll: PollIx) -> Nanos {
        let chunk = self.polls.chunk(poll.chunk());
        chunk.start(poll.slot()).saturating_add(chunk.occupied(poll.slot()))
    }

    /// What `lane` shows of `window`, with polls shorter than `step` nanoseconds gathered. They
    /// come sorted by start, and those that begin at the same time by depth.
    pub fn lod_spans(&self, lane: LaneIx, window: Range<Nanos>, step: Nanos) -> Vec<LodSpan> {
        let mut spans = Vec::new();
        for (depth, level) in self.levels(lane).enumerate() {
            level_spans(&level, depth as u8, window.clone(), step.max(1), &mut spans);
        }
        // Already so where nothing nests.
        spans.sort_by_key(|span| (span.start, span.depth));
        spans
    }

    /// When `lane` was parked in `window`, with parks shorter than `step` nanoseconds gathered.
    pub fn lod_parks(&self, lane: LaneIx, window: Range<Nanos>, step: Nanos) -> Vec<Park> {
        let parks = &self.lanes[lane.get()].parks;
        let mut gathered = Vec::new();
        let mut next = parks.partition_point(|park| park.end <= window.start);
        while let Some(&Park { start, mut end }) = parks.get(next).filter(|p| p.start < window.end)
        {
            next += 1;
            if end - start < step {
                let until = start.saturating_add(step);
                next = parks.partition_from(next, |park| park.start < until);
                end = parks.get(next - 1).map_or(end, |last| last.end);
            }
            gathered.push(Park { start, end });
        }
        gathered
    }

    /// Whether the thread of a lane was parked at `time`.
    pub fn is_parked(&self, lane: LaneIx, time: Nanos) -> bool {
        let parks = &self.lanes[lane.get()].parks;
        let next = parks.partition_point(|park| park.end <= time);
        parks.get(next).is_some_and(|park| park.start <= time)
    }

    /// What occupies `lane` at `time`: the innermost poll there.
    pub fn poll_at(&self, lane: LaneIx, time: Nanos) -> Option<PollIx> {
        self.levels(lane).rev().find_map(|level| Some(level.ix(level.at(time)?)))
    }

    /// Offers the beginnings and ends of polls on a lane of which one is the nearest to `time`.
    pub(crate) fn lane_events_around(
        &self,
        lane: LaneIx,
        time: Nanos,
        mut offer: impl FnMut(Nanos),
    ) {
        for level in self.levels(lane) {
            let mut look = |at| {
                let (chunk, slot) = level.get(at)?;
                let start = chunk.start(slot);
                // (Some brackets were no polls.)
                let is_poll = !chunk.is_gone(slot);
                if is_poll {
                    offer(start);
                    offer(start.saturating_add(chunk.occupied(slot)));
                }
                Some((start, is_poll))
            };
            let mut at = level.begun_after(time);
            let mut next = at;
            while look(next).is_some_and(|(_, is_poll)| !is_poll) {
                next = level.next(next);
            }
            while let Some(before) = level.before(at) {
                at = before;
                if look(at).is_none_or(|(start, is_poll)| is_poll && start < time) {
                    break;
                }
            }
        }
    }
}

fn level_spans(
    level: &LevelView<'_>,
    depth: u8,
    window: Range<Nanos>,
    step: Nanos,
    spans: &mut Vec<LodSpan>,
) {
    let end_of_window = level.begun_at(window.end);
    let mut next = level.first_after(window.start);
    while next < end_of_window {
        if let Some(many) = level.many(next, step).filter(|many| many.longest.length < step) {
            spans.push(LodSpan {
                start: many.begins,
                end: many.ends,
                poll: many.longest.poll,
                task: TaskIx(many.longest.task),
                count: many.count as u32,
                busy: many.busy,
                depth,
            });
            next = many.next;
            continue;
        }
        let Some((chunk, slot)) = level.get(next) else { return };
        if chunk.is_gone(slot) {
            next = level.next(next);
            continue;
        }
        let (start, busy) = (chunk.start(slot), chunk.occupied(slot));
        if busy >= step {
            let (end, poll) = (start.saturating_add(busy), level.ix(next));
            let task = TaskIx(chunk.rows[slot].task);
            spans.push(LodSpan { start, end, poll, task, count: 1, busy, depth });
            next = level.next(next);
            continue;
        }
        let until = (start / step + 1).saturating_mul(step);
        let mut end = level.roughly_begun_at(next, until).max(level.next(next));
        let mut sum = level.sum(next..end);
        if sum.longest.is_some_and(|longest| longest.length >= step) {
            end = level.first_long(next..end, step).unwrap_or(end);
            sum = level.sum(next..end);
        }
        let (longest, task) = match sum.longest {
            Some(longest) => (longest.poll, longest.task),
            None => (level.ix(next), chunk.rows[slot].task),
        };
        let mut last = level.before(end).and_then(|last| level.get(last));
        if last.is_some_and(|(chunk, slot)| chunk.is_gone(slot)) {
            last = Some((level.polls.chunk(longest.chunk()), longest.slot()));
        }
        let last = last
            .map_or(start, |(chunk, slot)| chunk.start(slot).saturating_add(chunk.occupied(slot)));
        spans.push(LodSpan {
            start,
            end: last,
            poll: longest,
            task: TaskIx(task),
            count: sum.count as u32,
            busy: sum.busy,
            depth,
        });
        next = end;
    }
}
