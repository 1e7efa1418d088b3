//! Counts of times by their length.

use std::ops::Range;

use taskscope_format::Nanos;

/// Each doubling of the length is cut into so many bars.
const PARTS_BITS: u32 = 4;
const PARTS: usize = 1 << PARTS_BITS;

/// How many of some times were how long: exact below 16 ns, and above in bars whose width is a
/// sixteenth of their beginning or less.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// Up to the last that is not 0.
    counts: Vec<u64>,
    count: u64,
    sum: u128,
}

impl Histogram {
    /// Adds a time, in nanoseconds.
    #[inline]
    pub fn add(&mut self, time: Nanos) {
        let bar = Self::bar(time);
        if bar >= self.counts.len() {
            self.counts.resize(bar + 1, 0);
        }
        self.counts[bar] += 1;
        self.count += 1;
        self.sum += u128::from(time);
    }

    /// Adds the times of another.
    pub fn add_all(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        self.counts.iter_mut().zip(&other.counts).for_each(|(sum, count)| *sum += count);
        self.count += other.count;
        self.sum += other.sum;
    }

    /// How many times.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// All of them together, in nanoseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Their average, in nanoseconds. `None` where there are no times.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The bars that are not empty, from short to long: the times in nanoseconds that fall into
    /// one, and how many did.
    pub fn bars(&self) -> impl DoubleEndedIterator<Item = (Range<u128>, u64)> {
        let bars = self.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        bars.map(|(bar, &count)| (Self::begin(bar)..Self::begin(bar + 1), count))
    }

    /// The longest time, in nanoseconds, of the bar in which this part of the times ends (0.5: the median), from
    /// 0 to 1. `None` where there are no times.
    pub fn quantile(&self, part: f64) -> Option<Nanos> {
        let rank = ((self.count as f64 * part).ceil() as u64).clamp(1, self.count.max(1));
        let mut count = 0;
        let found = self.bars().find(|(_, of_bar)| {
            count += of_bar;
            count >= rank
        });
        found.map(|(times, _)| (times.end - 1) as Nanos)
    }

    #[inline]
    fn bar(time: Nanos) -> usize {
        if time < PARTS as Nanos {
            return time as usize;
        }
        let octave = time.ilog2();
        let part = (time >> (octave - PARTS_BITS)) as usize % PARTS;
        (octave - PARTS_BITS + 1) as usize * PARTS + part
    }

    fn begin(bar: usize) -> u128 {
        match bar / PARTS {
            0 => bar as u128,
            doublings => ((PARTS + bar % PARTS) as u128) << (doublings - 1),
        }
    }

    /// Gives back memory that was taken in reserve.
    pub(crate) fn shrink(&mut self) {
        self.counts.shrink_to_fit();
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_a_bar_around_it() {
        let times = (0..64).flat_map(|bit| [0, 1, 2].map(|more| (1u64 << bit).wrapping_add(more)));
        for time in times.chain([0, 15, 16, 17, 1000, u64::MAX - 1, u64::MAX]) {
            let mut histogram = Histogram::default();
            histogram.add(time);
            let bars: Vec<_> = histogram.bars().collect();
            let [(range, 1)] = &bars[..] else { panic!("{time}: {bars:?}") };
            assert!(range.contains(&u128::from(time)), "{time} is not in {range:?}");
            assert!(range.end - range.start <= 1.max(range.start / 16), "{range:?}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_times() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=10).for_each(|time| histogram.add(time));
        assert_eq!(histogram.quantile(0.0), Some(1));
        assert_eq!(histogram.quantile(0.5), Some(5));
        assert_eq!(histogram.quantile(1.0), Some(10));
        assert_eq!((histogram.count(), histogram.sum(), histogram.mean()), (10, 55, Some(5.5)));
    }
}
