//! The one clock of a recording.

use std::time::{SystemTime, UNIX_EPOCH};

use taskscope_format::Nanos;

/// Counts nanoseconds from the start of a recording.
///
/// It reads the processor's time stamp counter where that is steady, which
/// costs less than half of asking the operating system.
#[derive(Debug)]
pub(crate) struct Clock {
    clock: quanta::Clock,
    start: u64,
    /// The start, in nanoseconds since 1970-01-01 UTC.
    pub(crate) started_unix_ns: u64,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let clock = quanta::Clock::new();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_unix_ns = u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX);
        Self { start: clock.raw(), clock, started_unix_ns }
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.clock.delta_as_nanos(self.start, self.clock.raw())
    }
}
