//! Chance that is the same on every machine.
//!
//! The generator is xoshiro256++ (Blackman, Vigna 2019), seeded by splitmix64. It is written out
//! here because a trace must have the same bytes for ever: `rand` promises the same numbers for its
//! named generators, but not for what it makes of them (ranges, distributions), and that would be
//! most of the code below anyway. Everything is in whole numbers, since `exp` and `ln` may differ
//! in their last bit from one machine to the next.

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    state: [u64; 4],
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut state = seed;
        let mut splitmix = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ z >> 31
        };
        Self { state: [splitmix(), splitmix(), splitmix(), splitmix()] }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number below `end`; 0 for an `end` of 0.
    #[inline]
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    #[inline]
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    /// True once in `times`.
    #[inline]
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// About log-normal: `median` times a power of two whose exponent is about normal, with a
    /// standard deviation of `spread` in 256ths, and never beyond 3.46 of them.
    #[inline]
    pub(crate) fn spread(&mut self, median: u64, spread: u64) -> u64 {
        // The sum of four uniform numbers of 16 bits: mean 131,070, standard deviation 37,837.
        let bits = self.next();
        let sum: u64 = (0..4).map(|part| bits >> (16 * part) & 0xffff).sum();
        let exponent = (sum as i64 - 131_070) * spread as i64 / 37_837;
        times_power(median, exponent)
    }
}

/// `value` times two to the power of `exponent` 256ths.
fn times_power(value: u64, exponent: i64) -> u64 {
    /// Two to the power of each sixteenth, times 2¹⁶.
    const POWERS: [u64; 17] = [
        65536, 68438, 71468, 74632, 77936, 81386, 84990, 88752, 92682, 96785, 101_070, 105_545,
        110_218, 115_098, 120_194, 125_515, 131_072,
    ];
    let fraction = exponent.rem_euclid(256) as u64;
    let (sixteenth, rest) = ((fraction / 16) as usize, fraction % 16);
    let (low, high) = (POWERS[sixteenth], POWERS[sixteenth + 1]);
    let scaled = u128::from(value) * u128::from(low + (high - low) * rest / 16);
    let whole = exponent.div_euclid(256);
    (if whole >= 0 { scaled << whole.min(40) >> 16 } else { scaled >> (16 - whole).min(127) })
        as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_is_the_published_one() {
        // The first numbers of the reference implementation for the state 1, 2, 3, 4.
        let mut random = Random { state: [1, 2, 3, 4] };
        let expected = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!([(); 4].map(|()| random.next()), expected);
    }

    #[test]
    fn powers_of_two_are_powers_of_two() {
        assert_eq!(times_power(1000, 0), 1000);
        assert_eq!(times_power(1000, 256), 2000);
        assert_eq!(times_power(1000, -256), 500);
        assert_eq!(times_power(1000, 128), 1414);
        assert_eq!(times_power(1000, -128), 707);
    }

    #[test]
    fn half_of_the_spread_numbers_lie_below_the_median() {
        let mut random = Random::new(1);
        let numbers: Vec<u64> = (0..10_000).map(|_| random.spread(3_000, 400)).collect();
        let below = numbers.iter().filter(|&&number| number < 3_000).count();
        assert!((4_800..5_200).contains(&below), "{below}");
        assert!(numbers.iter().all(|number| (60..150_000).contains(number)));
    }
}
