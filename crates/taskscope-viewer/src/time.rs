//! Times and durations as people read them, and the ticks of a time axis.

use taskscope_model::units::split;
pub use taskscope_model::units::{count, duration, parse, plural};

/// The moments of a list, in nanoseconds, as one column: all in the unit that suits the
/// largest, with three significant figures of it and as many more as distinguish each from
/// its neighbours. Decimals stand in groups of three: `1.150 123 s`.
///
/// Moments that are equal to the nanosecond have equal texts.
pub fn column(moments: &[u64]) -> Vec<String> {
    let largest = moments.iter().copied().max().unwrap_or(0) as f64;
    let (unit_size, unit, most) = match split(largest).1 {
        "ns" => (1.0, "ns", 0),
        "µs" => (1e3, "µs", 3),
        "ms" => (1e6, "ms", 6),
        _ => (1e9, "s", 9),
    };
    let figures = match largest / unit_size {
        value if value >= 99.95 => 0,
        value if value >= 9.995 => 1,
        _ => 2,
    };
    let distances = moments.windows(2).map(|pair| pair[0].abs_diff(pair[1]));
    let least = distances.filter(|&distance| distance > 0).min();
    // What lies at least a step apart is never rounded to one text.
    let apart =
        least.map_or(0, |least| (unit_size / least as f64).log10().ceil().max(0.0) as usize);
    let decimals = match apart.max(figures) {
        decimals @ 0..=3 => decimals.min(most),
        decimals => decimals.next_multiple_of(3).min(most),
    };
    let text = |&ns: &u64| {
        let number = format!("{:.decimals$}", ns as f64 / unit_size);
        let (whole, decimals) = number.split_once('.').unwrap_or((&number, ""));
        let mut text = whole.to_owned();
        for (position, digit) in decimals.chars().enumerate() {
            match position {
                0 => text.push('.'),
                position if position % 3 == 0 => text.push(' '),
                _ => {}
            }
            text.push(digit);
        }
        format!("{text} {unit}")
    };
    moments.iter().map(text).collect()
}

/// What part of `whole` `part` is: `12 %`. A part that is there but small is `<1 %`, and one
/// that is nearly the whole `>99 %`: neither nothing nor all.
pub fn share(part: u64, whole: u64) -> String {
    let percent = 100.0 * part as f64 / whole.max(1) as f64;
    match percent.round() {
        _ if part == 0 => "0 %".to_owned(),
        rounded if rounded < 1.0 => "<1 %".to_owned(),
        rounded if rounded > 99.0 && part < whole => ">99 %".to_owned(),
        rounded => format!("{rounded:.0} %"),
    }
}

/// A moment, exact to the nanosecond, in groups of three: `3.118 074 210 s`.
pub fn exact(ns: u64) -> String {
    let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
    let (milli, micro, nano) = (rest / 1_000_000, rest / 1000 % 1000, rest % 1000);
    format!("{seconds}.{milli:03} {micro:03} {nano:03} s")
}

/// The distance between ticks, in nanoseconds: 1, 2 or 5 times a power of ten,
/// and at least `least`.
pub(crate) fn tick_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= least);
    step.unwrap_or(power * 10.0)
}

/// A tick's label: a time with as many decimals as distinguish it from its neighbour.
pub(crate) fn tick_label(ns: f64, step: f64) -> String {
    let (unit_size, unit) = match ns.abs() {
        v if v < 1e3 => (1.0, "ns"),
        v if v < 1e6 => (1e3, "µs"),
        v if v < 1e9 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let decimals = (unit_size / step).log10().ceil().max(0.0) as usize;
    if ns == 0.0 { "0".to_owned() } else { format!("{:.decimals$} {unit}", ns / unit_size) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_figures() {
        let texts = [0.0, 7.0, 999.0, 1_000.0, 12_345.0, 999_499.0, 999_600.0, 2.5e9].map(duration);
        let expected =
            ["0 ns", "7 ns", "999 ns", "1.00 µs", "12.3 µs", "999 µs", "1.00 ms", "2.50 s"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn a_column_keeps_the_digits_that_tell_neighbours_apart() {
        assert_eq!(
            column(&[1_150_100_000, 1_150_123_000, 1_152_000_000]),
            ["1.150 100 s", "1.150 123 s", "1.152 000 s"]
        );
        assert_eq!(column(&[5, 12_345, 12_345]), ["0.0 µs", "12.3 µs", "12.3 µs"]);
        assert_eq!(column(&[3, 4, 900]), ["3 ns", "4 ns", "900 ns"]);
        assert_eq!(column(&[2_500_000_000]), ["2.50 s"]);
        assert_eq!(column(&[]), [""; 0]);
        assert_eq!(column(&[u64::MAX - 1, u64::MAX]).len(), 2);
    }

    #[test]
    fn different_neighbours_have_different_texts() {
        for distance in [1, 7, 40, 999, 1_000, 31_415, 1_000_000] {
            for from in [0, 8, 999_990, 1_149_999_999, 59_999_999_950] {
                let moments: Vec<u64> = (0..50).map(|n| from + n * distance).collect();
                let texts = column(&moments);
                let same = texts.windows(2).find(|pair| pair[0] == pair[1]);
                assert_eq!(same, None, "from {from}, {distance} apart");
            }
        }
    }

    #[test]
    fn a_small_share_is_not_none_and_a_large_one_not_all() {
        let shares = [(0, 5), (145, 1_000_000), (1, 3), (999_999, 1_000_000), (7, 7), (0, 0)];
        let texts = shares.map(|(part, whole)| share(part, whole));
        assert_eq!(texts, ["0 %", "<1 %", "33 %", ">99 %", "100 %", "0 %"]);
    }

    #[test]
    fn moments_are_exact() {
        assert_eq!(exact(3_118_074_210), "3.118 074 210 s");
    }

    #[test]
    fn counts_have_thousands() {
        assert_eq!([0, 999, 1000, 2_410_312].map(count), ["0", "999", "1,000", "2,410,312"]);
        assert_eq!([plural(1, "hop"), plural(2, "hop")], ["1 hop", "2 hops"]);
    }

    #[test]
    fn ticks_are_round_and_far_enough_apart() {
        for least in [1.0, 3.0, 7.0, 9.9, 1234.0, 5e6, 8e9] {
            let step = tick_step(least);
            assert!(step >= least && step < least * 10.0, "{least} gave {step}");
        }
        assert_eq!(tick_step(3.0), 5.0);
    }

    #[test]
    fn neighbouring_ticks_have_different_labels() {
        for step in [1.0, 20.0, 500.0, 2e3, 5e5, 1e6, 2e9] {
            for n in 0..2000 {
                let at = f64::from(n) * step;
                assert_ne!(tick_label(at, step), tick_label(at + step, step), "step {step}");
            }
        }
    }
}
