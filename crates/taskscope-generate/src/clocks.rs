//! Who acts next: a tournament of the clocks of all threads.
//!
//! Each step of the simulation is made by the thread whose clock is the earliest, so that all
//! events come in the order of time and each thread finds the others as they are at that moment. A
//! change of one clock costs as many comparisons as the number of threads has binary digits.

use taskscope_format::Nanos;

/// Clocks below this many, so that the number of one fits below its time.
pub(crate) const MOST_CLOCKS: usize = 1 << BITS;
const BITS: u32 = 12;

/// The time of a clock that is stopped. (The latest time that a clock can show is 52 days.)
pub(crate) const NEVER: Nanos = u64::MAX >> BITS;

#[derive(Debug)]
pub(crate) struct Clocks {
    leaves: usize,
    /// A binary tree, its root at 1: each node is the smaller of its two children, and a leaf is a
    /// time with the number of its clock in the lowest bits.
    nodes: Vec<u64>,
}

impl Clocks {
    pub(crate) fn new(count: usize) -> Self {
        let leaves = count.next_power_of_two().max(2);
        Self { leaves, nodes: vec![u64::MAX; 2 * leaves] }
    }

    #[inline]
    pub(crate) fn set(&mut self, clock: usize, time: Nanos) {
        let mut at = self.leaves + clock;
        let mut smallest = time.min(NEVER) << BITS | clock as u64;
        self.nodes[at] = smallest;
        while at > 1 {
            smallest = smallest.min(self.nodes[at ^ 1]);
            at /= 2;
            if self.nodes[at] == smallest {
                break;
            }
            self.nodes[at] = smallest;
        }
    }

    #[inline]
    pub(crate) fn time(&self, clock: usize) -> Nanos {
        self.nodes[self.leaves + clock] >> BITS
    }

    /// The clock that shows the earliest time, and that time; `None` where all are stopped.
    #[inline]
    pub(crate) fn earliest(&self) -> Option<(usize, Nanos)> {
        let (clock, time) = (self.nodes[1] as usize & (MOST_CLOCKS - 1), self.nodes[1] >> BITS);
        (time < NEVER).then_some((clock, time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    #[test]
    fn the_earliest_is_found_as_by_looking_at_all() {
        for count in [1, 2, 3, 7, 30] {
            let mut random = Random::new(count as u64);
            let (mut clocks, mut plain) = (Clocks::new(count), vec![NEVER; count]);
            assert_eq!(clocks.earliest(), None);
            for _ in 0..1_000 {
                let clock = random.below(count as u64) as usize;
                let time = if random.one_in(4) { NEVER } else { random.below(50) };
                clocks.set(clock, time);
                plain[clock] = time;
                let expected = (0..count).min_by_key(|&clock| plain[clock]);
                let expected = expected.map(|clock| (clock, plain[clock]));
                assert_eq!(clocks.earliest(), expected.filter(|(_, time)| *time < NEVER));
                assert_eq!(clocks.time(clock), time);
            }
        }
    }
}
