//! Times and durations as people read them, and the ticks of a time axis.

/// A duration of `ns` nanoseconds with three significant figures: `12.5 µs`.
pub fn duration(ns: f64) -> String {
    let (value, unit) = split(ns);
    let decimals = match value.abs() {
        _ if unit == "ns" => 0,
        // By what would be shown: 9.999 is 10.0, and not 10.00.
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$} {unit}")
}

fn split(ns: f64) -> (f64, &'static str) {
    match ns.abs() {
        // One below the unit's size, so that rounding cannot give "1000 µs".
        v if v < 999.5 => (ns, "ns"),
        v if v < 999_500.0 => (ns / 1e3, "µs"),
        v if v < 999_500_000.0 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    }
}

/// A moment, exact to the nanosecond, in groups of three: `3.118 074 210 s`.
pub fn exact(ns: u64) -> String {
    let (seconds, rest) = (ns / 1_000_000_000, ns % 1_000_000_000);
    let (milli, micro, nano) = (rest / 1_000_000, rest / 1000 % 1000, rest % 1000);
    format!("{seconds}.{milli:03} {micro:03} {nano:03} s")
}

/// A large count with its thousands set apart: `2,410,312`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 poll`, `2 polls`.
pub fn plural(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// The distance between ticks, in nanoseconds: 1, 2 or 5 times a power of ten,
/// and at least `least`.
pub(crate) fn tick_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|&s| s >= least);
    step.unwrap_or(power * 10.0)
}

/// A tick's label: a time with as many decimals as tell it from its neighbour.
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
