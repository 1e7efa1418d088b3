//! How long tasks had been scheduled when they were polled, exactly, without a list of all.
//!
//! Quantiles want all values. But these are nanoseconds, most of them few, so that it takes less to count
//! how often each occurs: values that share all but their lowest twelve bits stand together, as a list of
//! these bits while they are few, and as a counter for each when that takes no more.

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::ScheduleLatency;

const BITS: u32 = 12;
const VALUES: usize = 1 << BITS;

/// See [the module](self).
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    /// By the upper bits.
    parts: HashMap<u64, Part>,
    count: u64,
    total: Nanos,
    longest: Nanos,
}

#[derive(Clone, Debug)]
enum Part {
    Few(Vec<u16>),
    Many(Box<[u32]>),
}

impl Latencies {
    pub(crate) fn add(&mut self, latency: Nanos) {
        self.count += 1;
        self.total = self.total.saturating_add(latency);
        self.longest = self.longest.max(latency);
        let part = self.parts.entry(latency >> BITS).or_insert_with(|| Part::Few(Vec::new()));
        part.add((latency % VALUES as u64) as u16);
    }

    /// The value with this number in their order, from 0.
    fn at(&self, number: u64) -> Nanos {
        let mut uppers: Vec<u64> = self.parts.keys().copied().collect();
        uppers.sort_unstable();
        let mut left = number;
        for upper in uppers {
            let part = &self.parts[&upper];
            match left.checked_sub(part.count()) {
                Some(less) => left = less,
                None => return (upper << BITS) + part.at(left),
            }
        }
        self.longest
    }

    /// The figures; `None` where there are none.
    pub(crate) fn summary(&self) -> Option<ScheduleLatency> {
        let last = self.count.checked_sub(1)?;
        let at = |share: u64| self.at(last * share / 100);
        Some(ScheduleLatency {
            polls: self.count,
            longest_ns: self.longest,
            total_ns: self.total,
            p50_ns: at(50),
            p99_ns: at(99),
        })
    }
}

impl Part {
    fn add(&mut self, lower: u16) {
        match self {
            Self::Many(counts) => counts[usize::from(lower)] += 1,
            // As long as these take less.
            Self::Few(few) if few.len() < 2 * VALUES => few.push(lower),
            Self::Few(_) => {
                *self = Self::Many(self.counts().into());
                self.add(lower);
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Self::Many(counts) => counts.iter().map(|&count| u64::from(count)).sum(),
            Self::Few(few) => few.len() as u64,
        }
    }

    /// The value with this number in their order, from 0.
    fn at(&self, number: u64) -> u64 {
        let mut left = number;
        let found = self.counts().into_iter().position(|count| {
            let less = left.checked_sub(count.into());
            left = less.unwrap_or(left);
            less.is_none()
        });
        found.unwrap_or(VALUES - 1) as u64
    }

    fn counts(&self) -> Vec<u32> {
        match self {
            Self::Many(counts) => counts.to_vec(),
            Self::Few(few) => {
                let mut counts = vec![0; VALUES];
                few.iter().for_each(|&lower| counts[usize::from(lower)] += 1);
                counts
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_all_values_in_their_order() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.summary(), None);
        let mut all = Vec::new();
        let mut value: u64 = 1;
        for number in 0..50_000u64 {
            // Many short ones, which make parts with a counter for each, and some of any length.
            value = value.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let one = if number % 50 == 0 { value } else { value % 10_000 };
            all.push(one);
            latencies.add(one);
            if number % 9_999 == 0 {
                all.sort_unstable();
                let at = |share| all[(all.len() - 1) * share / 100];
                let expected = ScheduleLatency {
                    polls: all.len() as u64,
                    total_ns: all.iter().fold(0, |sum: u64, one| sum.saturating_add(*one)),
                    p50_ns: at(50),
                    p99_ns: at(99),
                    longest_ns: all[all.len() - 1],
                };
                assert_eq!(latencies.summary(), Some(expected));
            }
        }
        assert!(latencies.parts.values().any(|part| matches!(part, Part::Many(_))));
    }
}
