//! The longest waits that ended in a range of time.

use std::ops::Range;

use taskscope_format::Nanos;

use super::activity::Activity;
use super::blocks::Blocks;
use super::each;
use super::facts::Facts;
use super::range::pieces;
use super::steps::{Before, Next, between};
use super::sums::Longest;
use crate::State;
use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::PollIx;

/// The longest times in which a task waited ([`State::Waiting`]) until it was woken and polled in a range of time: each by the
/// poll that came after it, the longest first; [`MOST_LISTED`](super::MOST_LISTED) at most. What still waits at the end of the
/// range is not among them: see [`instant`](super::instant()).
///
/// All polls of the range are read, and with each the one before. Without an [`Activity`] of this very trace more is looked
/// up first.
pub async fn longest_waits(
    trace: &Trace,
    activity: Option<&Activity>,
    range: Range<Nanos>,
) -> Vec<(PollIx, Nanos)> {
    let made;
    let (facts, blocks) = match activity.filter(|activity| activity.is_of(trace)) {
        Some(activity) => (&activity.facts, &activity.blocks),
        None => {
            made = (Facts::new(trace).await, Blocks::new(trace));
            (&made.0, &made.1)
        }
    };
    let parts = blocks.parts(range).into_iter().flat_map(|(_, part, _)| pieces(part));
    let parts: Vec<Range<Nanos>> = parts.collect();
    let of_part = |times: &Range<Nanos>| {
        let mut longest = Longest::default();
        for (number, chunk, slots) in trace.rows_in(times.clone()) {
            for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
                let (start, before) = (chunk.start(slot), chunk.rows[slot].before);
                if before == NONE {
                    continue;
                }
                let before = Before::new(trace, facts, PollIx(before));
                if before.end >= start {
                    continue;
                }
                let gap = between(trace, before, start, Next::poll(chunk, slot));
                if gap.first == State::Waiting {
                    longest.add(gap.turn - before.end, PollIx::new(number, slot));
                }
            }
        }
        longest
    };
    let mut longest = Longest::default();
    each(&parts, of_part, |of_part| longest.add_all(&of_part)).await;
    longest.list()
}
