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
