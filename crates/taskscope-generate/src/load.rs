//! How busy the workers are.
//!
//! How long tasks wait for their sockets decides how busy the workers of their runtime are: if each
//! of `n` tasks is polled for a time `p` and then waits for a time `w`, they keep `n·p / (p + w)`
//! workers busy. So `w` follows from the tasks that live, the mean length of a poll and a target,
//! which changes between quiet stretches, usual ones and bursts. Not all waits are for sockets and
//! not all polls are followed by one, so there is a factor besides, which is corrected by
//! what is seen: slowly where waits are long, since it is that long before it shows.
//!
//! Each runtime has its own, as has the thread of the `LocalSet`.

use taskscope_format::Nanos;

use crate::random::Random;

/// How often the waits are adapted.
pub(crate) const EVERY: Nanos = 2_000_000;

/// A poll, on average, in nanoseconds: a guess to begin with.
const POLL: u64 = 5_000;

/// The factor, in 4096ths.
const ONE: u64 = 4_096;

/// Of one runtime.
#[derive(Debug)]
pub(crate) struct Load {
    /// The time for which its workers have polled since the last look.
    pub(crate) busy: Nanos,
    /// The polls that have ended since then.
    pub(crate) polls: u64,
    /// The median wait for a socket, nanoseconds.
    pub(crate) wait: Nanos,
    last_look: Nanos,
    workers: u64,
    mean_poll: Nanos,
    factor: u64,
    /// In percent.
    target: u64,
    target_until: Nanos,
}

impl Load {
    /// `live` is how many of its tasks are expected to live.
    pub(crate) fn new(live: u64, workers: u32, random: &mut Random) -> Self {
        let mut load = Self {
            busy: 0,
            polls: 0,
            wait: 0,
            last_look: 0,
            workers: workers.into(),
            mean_poll: POLL,
            factor: ONE,
            target: 60,
            target_until: random.between(20_000_000, 60_000_000),
        };
        load.set_wait(live);
        load
    }

    fn set_wait(&mut self, live: u64) {
        let cycle = live * self.mean_poll * 100 / (self.workers * self.target);
        self.wait = (cycle * self.factor / ONE).clamp(8_000, 400_000_000);
    }

    pub(crate) fn look(&mut self, now: Nanos, live: u64, random: &mut Random) {
        let elapsed = (now - self.last_look).max(1) * self.workers;
        let percent = 100 * self.busy / elapsed;
        if let Some(mean) = self.busy.checked_div(self.polls) {
            // One poll can last longer than a thousand others.
            self.mean_poll = (15 * self.mean_poll + mean.min(4 * self.mean_poll)) / 16;
        }
        (self.busy, self.polls, self.last_look) = (0, 0, now);
        let step = self.factor / (16 * (1 + self.wait / EVERY)) + 1;
        if percent > self.target + 4 {
            self.factor = (self.factor + step).min(16 * ONE);
        } else if percent + 4 < self.target {
            self.factor = (self.factor - step.min(self.factor)).max(ONE / 16);
        }
        if now >= self.target_until {
            let (target, lasts) = match random.below(10) {
                0..2 => (25, random.between(20_000_000, 150_000_000)),
                2..5 => (88, random.between(20_000_000, 200_000_000)),
                _ => (62, random.between(50_000_000, 400_000_000)),
            };
            self.target = target;
            self.target_until = now + lasts;
        }
        self.set_wait(live);
    }
}
