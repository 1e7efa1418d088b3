//! Figures as people read them, the same in lessons, in the window and in the terminal.

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

/// A time in the unit that suits it: a number, and `ns`, `µs`, `ms` or `s`.
pub fn split(ns: f64) -> (f64, &'static str) {
    match ns.abs() {
        // One below the unit's size, so that rounding cannot give "1000 µs".
        v if v < 999.5 => (ns, "ns"),
        v if v < 999_500.0 => (ns / 1e3, "µs"),
        v if v < 999_500_000.0 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    }
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

/// How many of something there are: `1 task`, `2,410 tasks`.
pub fn plural(number: u64, noun: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{} {noun}{s}", count(number))
}

/// Reads a duration with its unit, such as `12.5ms`, `3us` or `1.2 s`, as nanoseconds.
///
/// `0` needs no unit. `None` for what is no duration, negative, or not finite.
pub fn parse(text: &str) -> Option<u64> {
    const UNITS: [(&str, f64); 5] =
        [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9)];
    let (number, size) = UNITS
        .into_iter()
        .find_map(|(unit, size)| Some((text.strip_suffix(unit)?.trim_end(), size)))
        .or_else(|| (text == "0").then_some((text, 1.0)))?;
    let nanos = number.parse::<f64>().ok()? * size;
    (nanos.is_finite() && nanos >= 0.0).then(|| nanos.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_a_unit() {
        let read = parse;
        assert_eq!(read("12.5ms"), Some(12_500_000));
        assert_eq!((read("3us"), read("3µs"), read("7 ns")), (Some(3_000), Some(3_000), Some(7)));
        assert_eq!((read("1.2s"), read("0")), (Some(1_200_000_000), Some(0)));
        for wrong in ["", "5", "ms", "-1s", "1h", "1 s s", "infs", "nans"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
