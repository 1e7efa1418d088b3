//! How many workers poll at once.
//!
//! A worker polls while a poll occupies its lane (see `lanes.rs`): one within another counts once, and one that gave its worker
//! away counts until then. *Overlap* is the time in which two workers or more poll: that is what parallel work is.
//! A program with one worker has none, however many tasks it has. How many poll on average is asked of the time in which
//! any does, so that a program that waits for its clients is not taken for one that cannot use its workers.
//!
//! Only polls that lie within no other are looked at. Those of a lane come in the order of time; those of all lanes
//! are merged block by block, by a sort that makes use of that.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::LaneIx;

/// How many workers polled at once, for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlap {
    /// By the number of workers, from one on: for how long exactly so many polled, in nanoseconds.
    pub at_once: Vec<Nanos>,
}

impl Overlap {
    /// For how long any worker polled, in nanoseconds.
    pub fn any(&self) -> Nanos {
        self.at_once.iter().sum()
    }

    /// For how long two workers or more polled, in nanoseconds.
    pub fn several(&self) -> Nanos {
        self.at_once.iter().skip(1).sum()
    }

    /// How many workers polled on average while any did; 0 if none ever did.
    pub fn mean(&self) -> f64 {
        let times = (1u32..).zip(&self.at_once);
        let sum: f64 = times.map(|(workers, &time)| f64::from(workers) * time as f64).sum();
        sum / (self.any() as f64).max(1.0)
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        if self.at_once.len() < other.at_once.len() {
            self.at_once.resize(other.at_once.len(), 0);
        }
        self.at_once.iter_mut().zip(&other.at_once).for_each(|(sum, time)| *sum += time);
    }

    fn add(&mut self, workers: usize, time: Nanos) {
        let Some(at) = workers.checked_sub(1).filter(|_| time > 0) else { return };
        if at >= self.at_once.len() {
            self.at_once.resize(at + 1, 0);
        }
        self.at_once[at] += time;
    }
}

/// That of a stretch of time.
pub(super) fn within(trace: &Trace, workers: &[LaneIx], times: Range<Nanos>) -> Overlap {
    let mut steps: Vec<(Nanos, bool)> = Vec::new();
    for level in workers.iter().filter_map(|&lane| trace.levels(lane).next()) {
        let range = level.first_after(times.start)..level.begun_at(times.end);
        for (_, chunk, slots) in level.slices(range) {
            for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
                let start = chunk.start(slot);
                let end = start.saturating_add(chunk.occupied(slot)).min(times.end);
                let start = start.max(times.start);
                if start < end {
                    steps.extend([(start, true), (end, false)]);
                }
            }
        }
    }
    // The stable sort, which merges what is in order already.
    steps.sort_by_key(|&(time, _)| time);
    let mut overlap = Overlap::default();
    let (mut since, mut polling) = (times.start, 0usize);
    for (time, begins) in steps {
        overlap.add(polling, time - since);
        since = time;
        // (Each lane gives a begin before its end.)
        polling = if begins { polling + 1 } else { polling.saturating_sub(1) };
    }
    overlap
}
