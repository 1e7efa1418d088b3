//! Polls that take far longer than most of their kind, where there are more workers than processors.
//!
//! A worker without a processor stands still in the middle of a poll, and the trace cannot show that. But it strikes
//! any poll, so that among many short polls of one place some are very long. How many processors there were is recorded
//! ([`PROCESSORS`](crate::meta::PROCESSORS)); without that, and where there are enough, long polls have other reasons and this rule keeps silent.
//!
//! It is a note, and never certain: that there are more workers than processors is, but not that it is the reason.

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::Rule;
use crate::findings::seen::Seen;
use crate::findings::{Finding, Kind, Known};
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx};
use crate::units::{duration, plural};

/// A time slice is about so long; nothing that waits for one waits for less.
const SLICE: Nanos = 2_000_000;
/// A power of two: so many times the median is far longer.
const FAR: usize = 4;
/// So many polls at least.
const LEAST: u64 = 20;

/// By place.
#[derive(Default)]
pub(super) struct Cores(HashMap<Option<PlaceIx>, Times>);

struct Times {
    /// By how many bits the time has.
    bits: [u64; 65],
    longest: (Nanos, PollIx),
}

impl Times {
    /// How many took far longer than half of them.
    fn far(&self) -> u64 {
        let (all, mut below) = (self.bits.iter().sum::<u64>(), 0);
        let median = self.bits.iter().position(|count| {
            below += count;
            below * 2 >= all
        });
        let first = (median.unwrap_or(0) + FAR).max(bits(SLICE) + 1);
        self.bits.iter().skip(first).sum()
    }
}

fn bits(time: Nanos) -> usize {
    (Nanos::BITS - time.leading_zeros()) as usize
}

impl Rule for Cores {
    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        let (time, poll) = (seen.duration(), seen.poll);
        let new = || Times { bits: [0; 65], longest: (0, poll) };
        let of = self.0.entry(seen.place()).or_insert_with(new);
        of.bits[bits(time)] += 1;
        of.longest = of.longest.max((time, poll));
    }

    fn join(&mut self, other: Self) {
        for (place, times) in other.0 {
            let new = || Times { bits: [0; 65], longest: times.longest };
            let of = self.0.entry(place).or_insert_with(new);
            of.bits.iter_mut().zip(times.bits).for_each(|(sum, count)| *sum += count);
            of.longest = of.longest.max(times.longest);
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        finding(known.trace, &self.0).into_iter().collect()
    }
}

fn finding(trace: &Trace, places: &HashMap<Option<PlaceIx>, Times>) -> Option<Finding> {
    let (processors, workers) = (trace.processors()?, trace.workers());
    let far: u64 = places.values().map(Times::far).sum();
    if workers <= processors || far < LEAST {
        return None;
    }
    let struck = places.values().filter(|of| of.far() > 0);
    let (time, ix) = struck.map(|of| of.longest).max()?;
    let poll = trace.poll(ix);
    let evidence = format!(
        "{} on {}, and {} took more than {} times as long as most from their place; {} took longest, {}",
        plural(workers, "worker"),
        plural(processors, "processor"),
        plural(far, "poll"),
        1 << (FAR - 1),
        trace.quoted(poll.task),
        duration(time as f64),
    );
    Some(Finding {
        certain: false,
        task: Some(poll.task),
        poll: Some(ix),
        place: trace.task(poll.task).place,
        worker: Some(poll.lane).filter(|&lane| trace.is_worker(lane)),
        start: poll.start,
        end: poll.end,
        count: far,
        cost: time,
        ..Finding::new(Kind::TooFewCores, evidence)
    })
}
