//! A time since 1970 as a date, for names of files and lists of them.

use std::fmt;

/// A time in UTC, to the second: `2026-01-31 23:59:59 UTC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utc {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
}

impl Utc {
    /// The time so many nanoseconds after 1970-01-01.
    pub fn from_unix_ns(unix_ns: u64) -> Self {
        let seconds = unix_ns / 1_000_000_000;
        let (days, of_day) = (seconds / 86_400, seconds % 86_400);
        // Howard Hinnant's `civil_from_days`: years begin in March, so that the day that only some
        // have comes last.
        let days = days + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        Self {
            year: year + era * 400 + u64::from(month <= 2),
            month,
            day,
            hour: of_day / 3600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// As it stands in the name of a file: `20260131T235959Z`.
    pub fn compact(self) -> String {
        let Self { year, month, day, hour, minute, second } = self;
        format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
    }
}

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute, second } = self;
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_dates() {
        let at = |seconds: u64| Utc::from_unix_ns(seconds * 1_000_000_000);
        assert_eq!(at(0).compact(), "19700101T000000Z");
        assert_eq!(at(951_782_400).compact(), "20000229T000000Z");
        assert_eq!(at(1_769_903_999).compact(), "20260131T235959Z");
        assert_eq!(at(4_107_542_400).compact(), "21000301T000000Z");
        assert_eq!(at(1_769_903_999).to_string(), "2026-01-31 23:59:59 UTC");
    }
}
