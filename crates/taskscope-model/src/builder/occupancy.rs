//! Which poll occupies a lane, and for how long.
//!
//! A thread's polls nest, and so do those of a lane; the two are not the same. A poll that gives
//! its worker away (`block_in_place`) goes on around everything that its thread does, also as the
//! worker of another runtime, while another thread polls the next task on its lane. So the nesting
//! on a lane is made anew from the times for which polls occupied it. See [`crate::lanes`].

use std::ops::Range;

use taskscope_format::Nanos;

use super::raw::RawPoll;
use crate::types::{LaneIx, PollIx};

/// Puts polls into the order by lane, depth and start, where depth is now that on the lane.
/// Returns the time for which each lane was occupied.
///
/// Where another thread polls on a lane, that thread is the worker now, and what the thread before
/// it still polls has left the lane, even if nothing says so (hooks alone do not record that a poll
/// calls `block_in_place`).
pub(super) fn settle(polls: &mut [RawPoll], lanes: usize) -> Vec<Nanos> {
    // As many levels of nesting as a depth can tell apart.
    const LEVELS: usize = u8::MAX as usize + 1;

    polls.sort_by_key(|poll| (poll.lane, poll.start, poll.depth));
    let mut busy = vec![0; lanes];
    for lane in polls.chunk_by_mut(|a, b| a.lane == b.lane) {
        // What goes on, outermost first: all by one thread. Those that have ended are at the back:
        // a poll lies within all that go on.
        let mut open: Vec<usize> = Vec::new();
        for at in 0..lane.len() {
            let RawPoll { start, moment, .. } = lane[at];
            while let Some(&last) = open.last() {
                if lane[last].moment.thread != moment.thread && lane_end(&lane[last]) > start {
                    lane[last].left_lane = Some(start);
                }
                if lane_end(&lane[last]) > start {
                    break;
                }
                open.pop();
            }
            let depth = open.len().min(LEVELS - 1);
            lane[at].depth = depth as u8;
            open.truncate(depth);
            open.push(at);
        }
        let LaneIx(number) = lane[0].lane;
        if let Some(busy) = busy.get_mut(usize::from(number)) {
            *busy = union(lane.iter().map(|poll| poll.start..lane_end(poll)));
        }
    }
    if polls.iter().any(|poll| poll.depth > 0) {
        polls.sort_by_key(|poll| (poll.lane, poll.depth, poll.start));
    }
    busy
}

/// The polls that left their lane before they ended, with that time; and when they ended, sorted.
pub(super) fn left_lane(polls: &[RawPoll]) -> (Vec<(PollIx, Nanos)>, Vec<Nanos>) {
    let positions = (0..).map(PollIx).zip(polls);
    let (left, mut ends): (Vec<_>, Vec<_>) = positions
        .filter(|(_, poll)| poll.left_lane.is_some())
        .map(|(ix, poll)| ((ix, lane_end(poll)), poll.end))
        .unzip();
    ends.sort_unstable();
    (left, ends)
}

fn lane_end(poll: &RawPoll) -> Nanos {
    poll.left_lane.map_or(poll.end, |left| left.clamp(poll.start, poll.end))
}

/// The time that ranges cover together, which come in the order of their starts.
pub(super) fn union(ranges: impl Iterator<Item = Range<Nanos>>) -> Nanos {
    let mut covered_to = 0;
    ranges.fold(0, |sum: Nanos, range| {
        let start = range.start.max(covered_to);
        covered_to = covered_to.max(range.end);
        // Only a broken file has times that add up to more.
        sum.saturating_add(range.end.saturating_sub(start))
    })
}
