//! The one clock of a recording.
//!
//! Every event reads it, so what a reading costs is most of what a recording
//! costs. Asking the operating system takes 22 ns on the machine where this was
//! measured, reading the processor's time stamp counter 9 ns: for the two
//! readings that a poll needs, a third of the poll itself.
//!
//! A processor runs ahead: it may read the counter before what stands before the
//! reading is done, such as taking a task that another thread has queued. Then a
//! poll would seem to begin before the wake that led to it (in four million
//! handings-over between threads, up to a hundred thousand times, by up to 0.7 µs).
//! It cannot read *late* in that sense: nothing that stands behind a reading is
//! seen by others before it. So where a thread takes something over (a poll
//! begins, a worker unparks, a waker is called outside of any poll) the reading
//! waits for all before it ([`Clock::now_in_order`], 6 ns more), and what follows
//! on that thread need not. Where no wakes are recorded there is nothing to compare
//! with: the end of a task's poll on one worker is recorded late, often after the next
//! has begun on another.
//!
//! The counter is used under Linux: on x86-64 where the kernel itself uses it, since
//! it has then found that it counts steadily on all cores, and on AArch64, whose
//! counter does by definition. Everywhere else the operating system is asked.
//! On x86-64, how fast it counts is measured once in a process, against the operating
//! system's clock, by sleeping a few milliseconds between two readings: to about
//! ten millionths. (The crate `quanta` reads the same counter, but spins for 10
//! to 200 ms at the start to know it to a few more digits than any use here.)

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use taskscope_format::Nanos;

/// Counts nanoseconds from the start of a recording.
#[derive(Debug)]
pub(crate) struct Clock {
    start: Instant,
    ticks: Option<Ticks>,
    /// The start, in nanoseconds since 1970-01-01 UTC.
    pub(crate) started_unix_ns: u64,
}

/// The processor's counter.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    start: u64,
    /// Nanoseconds in 2³² ticks.
    scale: u64,
}

/// How long the speed of the counter is measured.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
const MEASURED: Duration = Duration::from_millis(4);

impl Clock {
    pub(crate) fn start() -> Self {
        static SCALE: OnceLock<Option<u64>> = OnceLock::new();
        let scale = *SCALE.get_or_init(|| counter::is_steady().then(counter::scale).flatten());
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            start: Instant::now(),
            ticks: scale.map(|scale| Ticks { start: counter::read(), scale }),
            started_unix_ns: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    #[inline(always)]
    pub(crate) fn now(&self) -> Nanos {
        match self.ticks {
            Some(Ticks { start, scale }) => {
                let ticks = counter::read().saturating_sub(start);
                ((u128::from(ticks) * u128::from(scale)) >> 32) as u64
            }
            None => self.ask(),
        }
    }

    /// The time after all that stands before: later than any reading whose
    /// consequences this thread has seen.
    #[inline(always)]
    pub(crate) fn now_in_order(&self) -> Nanos {
        if self.ticks.is_some() {
            counter::wait_for_all_before();
        }
        self.now()
    }

    #[cold]
    fn ask(&self) -> Nanos {
        u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// Nanoseconds in 2³² ticks; `None` if that is nothing like a processor's.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn measure_scale() -> Option<u64> {
    let (start, ticks_at_start) = both_clocks();
    std::thread::sleep(MEASURED);
    let (end, ticks_at_end) = both_clocks();
    let nanos = end.duration_since(start).as_nanos();
    let ticks = u128::from(ticks_at_end.checked_sub(ticks_at_start)?);
    // Between 100 MHz and 10 GHz.
    let plausible = nanos / 10 <= ticks && ticks <= nanos * 10;
    plausible.then(|| u64::try_from((nanos << 32).checked_div(ticks)?).ok()).flatten()
}

/// Both clocks at the same moment: of a few tries the one in which the counter
/// ran the least meanwhile.
#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
fn both_clocks() -> (Instant, u64) {
    let read = || {
        let before = counter::read();
        let now = Instant::now();
        let took = counter::read().saturating_sub(before);
        (took, now, before + took / 2)
    };
    let best = (0..9).map(|_| read()).fold(read(), |a, b| if b.0 < a.0 { b } else { a });
    (best.1, best.2)
}

#[cfg(all(target_arch = "x86_64", target_os = "linux", not(miri)))]
mod counter {
    /// Whether the counter runs at one speed, in all states of the processor,
    /// and alike on all cores. The kernel watches that, and takes another clock
    /// where it does not hold.
    pub(super) fn is_steady() -> bool {
        const VERDICT: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        match std::fs::read_to_string(VERDICT) {
            Ok(source) => source.trim() == "tsc",
            // Some containers hide it.
            Err(_) => is_said_to_be_steady(),
        }
    }

    fn is_said_to_be_steady() -> bool {
        let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = info.lines().find(|line| line.starts_with("flags"));
        let has = |flag| flags.is_some_and(|flags| flags.split_whitespace().any(|f| f == flag));
        has("constant_tsc") && has("nonstop_tsc")
    }

    /// No register has the rate at which it counts.
    pub(super) fn scale() -> Option<u64> {
        super::measure_scale()
    }

    /// Nothing behind this begins before everything in front of it is done.
    #[inline(always)]
    pub(super) fn wait_for_all_before() {
        #[allow(unsafe_code, unused_unsafe, reason = "older compilers call the intrinsic unsafe")]
        // SAFETY: `lfence` is there on every x86-64 and touches no memory.
        unsafe {
            std::arch::x86_64::_mm_lfence();
        }
    }

    #[inline(always)]
    pub(super) fn read() -> u64 {
        #[expect(unsafe_code, reason = "the standard library has no safe way to read the counter")]
        // SAFETY: `rdtsc` is there on every x86-64 and touches no memory.
        unsafe {
            std::arch::x86_64::_rdtsc()
        }
    }
}

/// The generic timer, which is part of the architecture: one speed, and one count for all cores.
#[cfg(all(target_arch = "aarch64", target_os = "linux", not(miri)))]
#[expect(unsafe_code, reason = "the standard library has no way to read the counter")]
mod counter {
    use std::arch::asm;

    pub(super) fn is_steady() -> bool {
        true
    }

    /// Nanoseconds in 2³² ticks. The counter says how fast it counts.
    pub(super) fn scale() -> Option<u64> {
        let frequency: u64;
        // SAFETY: Linux lets programs read this register. Nothing else is touched.
        unsafe {
            asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack));
        }
        // Firmware that leaves it at 0 is known.
        u64::try_from((1_000_000_000_u128 << 32).checked_div(frequency.into())?).ok()
    }

    /// Nothing behind this begins before everything in front of it is done.
    #[inline(always)]
    pub(super) fn wait_for_all_before() {
        // SAFETY: a barrier, which touches no memory of the program.
        unsafe {
            asm!("isb", options(nostack));
        }
    }

    #[inline(always)]
    pub(super) fn read() -> u64 {
        let ticks: u64;
        // SAFETY: Linux lets programs read this register. Nothing else is touched.
        unsafe {
            asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack));
        }
        ticks
    }
}

#[cfg(not(all(
    any(target_arch = "x86_64", target_arch = "aarch64"),
    target_os = "linux",
    not(miri)
)))]
mod counter {
    pub(super) fn is_steady() -> bool {
        false
    }

    pub(super) fn scale() -> Option<u64> {
        None
    }

    pub(super) fn read() -> u64 {
        0
    }

    pub(super) fn wait_for_all_before() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_as_the_operating_systems_clock_does() {
        let clock = Clock::start();
        // Between two readings that belong together, another program may run.
        let ratio = || {
            let (begun, from) = (Instant::now(), clock.now());
            std::thread::sleep(Duration::from_millis(20));
            let (to, passed) = (clock.now(), begun.elapsed().as_nanos() as f64);
            (to - from) as f64 / passed
        };
        assert!((0..50).any(|_| (0.999..1.001).contains(&ratio())));
    }

    #[test]
    fn it_never_runs_backwards_from_thread_to_thread() {
        let clock = Clock::start();
        let last = std::sync::Mutex::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100_000 {
                        let Ok(mut last) = last.lock() else { return };
                        // What another thread wrote is taken over, what it reads
                        // next is not: as with a wake and the poll it leads to.
                        let taken = clock.now_in_order();
                        assert!(*last <= taken);
                        *last = clock.now();
                    }
                });
            }
        });
    }
}
