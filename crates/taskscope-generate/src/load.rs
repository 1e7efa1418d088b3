//! How busy the workers are.
//!
//! How long tasks wait for their sockets decides how busy the workers of the main runtime are. It is
//! adapted every few milliseconds to come near to a target, which changes between quiet stretches, usual ones
//! and bursts.

use taskscope_format::Nanos;

use crate::random::Random;

/// How often it is adapted.
const EVERY: Nanos = 2_000_000;

/// A poll and what a worker does around it, on average, nanoseconds: a guess to begin with.
const POLL: u64 = 6_000;

#[derive(Debug)]
pub(crate) struct Load {
    /// The time for which workers of the main runtime have polled since the last look.
    pub(crate) busy: Nanos,
    pub(crate) next_look: Nanos,
    /// The median wait for a socket, nanoseconds.
    pub(crate) wait: Nanos,
    last_look: Nanos,
    workers: u64,
    /// In percent.
    target: u64,
    target_until: Nanos,
}

impl Load {
    pub(crate) fn new(live: usize, workers: u32, random: &mut Random) -> Self {
        let workers = u64::from(workers);
        Self {
            busy: 0,
            next_look: EVERY,
            wait: (live as u64 * POLL / workers).clamp(10_000, 400_000_000),
            last_look: 0,
            workers,
            target: 60,
            target_until: random.between(20_000_000, 60_000_000),
        }
    }

    pub(crate) fn look(&mut self, now: Nanos, random: &mut Random) {
        let elapsed = (now - self.last_look).max(1) * self.workers;
        let percent = (100 * self.busy / elapsed).min(200);
        // What long polls have been busy in the time before has been seen already.
        self.busy = 0;
        self.last_look = now;
        self.next_look = now + EVERY;
        let step = match percent {
            _ if percent > self.target + 20 => self.wait / 8,
            _ if percent > self.target => self.wait / 32,
            _ if percent + 20 < self.target => (self.wait / 8).wrapping_neg(),
            _ => (self.wait / 32).wrapping_neg(),
        };
        self.wait = self.wait.wrapping_add(step).clamp(8_000, 400_000_000);
        if now >= self.target_until {
            let (target, lasts) = match random.below(10) {
                0..2 => (25, random.between(20_000_000, 150_000_000)),
                2..5 => (88, random.between(20_000_000, 200_000_000)),
                _ => (62, random.between(50_000_000, 400_000_000)),
            };
            self.target = target;
            self.target_until = now + lasts;
        }
    }
}
