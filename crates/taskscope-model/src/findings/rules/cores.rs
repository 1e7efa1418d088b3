//! Polls that take far longer than most of their kind, where there are more workers than processors.
//!
//! A worker without a processor stands still in the middle of a poll, and the trace cannot show that. But it strikes
//! any poll, so that among many short polls of one place some are very long. How many processors there were is recorded
//! ([`PROCESSORS`](crate::meta::PROCESSORS)); without that, and where there are enough, long polls have other reasons and this rule keeps silent.
//!
//! It is a note, and never certain: that there are more workers than processors is, but not that it is the reason.

use taskscope_format::Nanos;

use super::Rule;
use crate::findings::seen::Seen;
use crate::findings::{Finding, Kind, Known};
use crate::trace::Trace;
use crate::types::PollIx;
use crate::units::{duration, plural};

/// A time slice is about so long; nothing that waits for one waits for less.
const SLICE: Nanos = 2_000_000;
/// A power of two: so many times the median is far longer.
const FAR: usize = 4;
/// So many polls at least.
const LEAST: u64 = 20;

/// By place, of which the first is for none. (Every poll counts, so this must not look anything up.)
#[derive(Default)]
pub(super) struct Cores(Vec<Option<Box<Times>>>);

struct Times {
    /// By how many bits the time has.
    bits: [u64; 65],
    longest: (Nanos, PollIx),
}

impl Times {
    fn new(poll: PollIx) -> Self {
        Self { bits: [0; 65], longest: (0, poll) }
    }

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
        let place = seen.facts.place(seen.row().task);
        if place >= self.0.len() {
            self.0.resize_with(place + 1, || None);
        }
        let time = seen.duration();
        let of = self.0[place].get_or_insert_with(|| Box::new(Times::new(seen.poll)));
        of.bits[bits(time)] += 1;
        of.longest = of.longest.max((time, seen.poll));
    }

    fn join(&mut self, other: Self) {
        if self.0.len() < other.0.len() {
            self.0.resize_with(other.0.len(), || None);
        }
        for (sum, other) in self.0.iter_mut().zip(other.0) {
            let Some(other) = other else { continue };
            let of = sum.get_or_insert_with(|| Box::new(Times::new(other.longest.1)));
            of.bits.iter_mut().zip(other.bits).for_each(|(sum, count)| *sum += count);
            of.longest = of.longest.max(other.longest);
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        finding(known.trace, &self.0).into_iter().collect()
    }
}

fn finding(trace: &Trace, places: &[Option<Box<Times>>]) -> Option<Finding> {
    let (processors, workers) = (trace.processors()?, trace.workers());
    let far: u64 = places.iter().flatten().map(|of| of.far()).sum();
    if workers <= processors || far < LEAST {
        return None;
    }
    let struck = places.iter().flatten().filter(|of| of.far() > 0);
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
