//! Times and sizes as people write them in environment variables: `30s`, `64MB`.

use std::time::Duration;

/// A number and its unit.
fn split(text: &str) -> Option<(f64, &str)> {
    let unit = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(unit);
    Some((number.parse().ok()?, unit.trim_start()))
}

pub(crate) fn parse_time(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let second = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "min" => 60.0,
        _ => return None,
    };
    Duration::try_from_secs_f64(number * second).ok().filter(|time| !time.is_zero())
}

pub(crate) fn parse_bytes(text: &str) -> Option<usize> {
    let (number, unit) = split(text)?;
    let one = match unit.to_ascii_lowercase().as_str() {
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        _ => return None,
    };
    let bytes = number * one;
    (1.0..usize::MAX as f64).contains(&bytes).then_some(bytes as usize)
}
