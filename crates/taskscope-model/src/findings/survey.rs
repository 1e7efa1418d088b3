//! One look at each poll, for all rules.

use foldhash::{HashMap, HashMapExt};
use taskscope_format::Nanos;

use crate::causality::Cause;
use crate::questions::pause;
use crate::trace::Trace;
use crate::types::{PlaceIx, Poll, PollEnd, PollIx, ResourceIx, TaskIx};

/// A poll of this length is looked at. Tokio's own advice is 10 to 100 µs between two `.await`s; a thousand times that
/// is felt by people who wait for an answer.
pub(super) const LONG: Nanos = 10_000_000;
/// A task that was ready for so long before it was polled is looked at.
pub(super) const LATE: Nanos = 10_000_000;
/// Of long and late polls so many are kept at each place; the worst are among them.
const MOST_KEPT: usize = 256;
/// Of the waits for one lock so many are kept.
const MOST_WAITS: usize = 1 << 16;

/// Polls with a time each, of which the longest are kept.
#[derive(Debug, Default)]
pub(super) struct Worst {
    /// How many there were.
    pub(super) count: u64,
    kept: Vec<(Nanos, PollIx)>,
}

impl Worst {
    fn add(&mut self, time: Nanos, poll: PollIx) {
        self.count += 1;
        self.kept.push((time, poll));
        if self.kept.len() >= 2 * MOST_KEPT {
            self.sort();
            self.kept.truncate(MOST_KEPT);
        }
    }

    fn sort(&mut self) {
        self.kept.sort_unstable_by_key(|&(time, poll)| (std::cmp::Reverse(time), poll));
    }

    /// The worst first.
    pub(super) fn list(&self) -> &[(Nanos, PollIx)] {
        &self.kept
    }
}

/// The polls of the tasks that were spawned at one place.
#[derive(Debug, Default)]
pub(super) struct OfPlace {
    pub(super) polls: u64,
    /// Those on workers that took [`LONG`] or longer.
    pub(super) long: Worst,
    /// Those that came [`LATE`] or later after their task was scheduled.
    pub(super) late: Worst,
    pub(super) budget_spent: u64,
    /// The last of those.
    pub(super) last_spent: Option<PollIx>,
}

/// The waits for one lock, or for all that were made at one place.
#[derive(Debug, Default)]
pub(super) struct OfLock {
    pub(super) count: u64,
    /// All waits together.
    pub(super) time: Nanos,
    /// From when until when, and the poll after which the task waited.
    pub(super) waits: Vec<(Nanos, Nanos, PollIx)>,
}

/// What rules lean on.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) places: HashMap<Option<PlaceIx>, OfPlace>,
    pub(super) locks: HashMap<ResourceIx, OfLock>,
    /// How many polls of a task woke it.
    pub(super) self_woken: HashMap<TaskIx, u64>,
}

impl Survey {
    pub(super) async fn new(trace: &Trace) -> Self {
        let mut survey = Self { places: HashMap::new(), ..Self::default() };
        for (turn, (ix, poll)) in trace.polls().enumerate() {
            survey.look(trace, ix, &poll);
            if turn % 8_192 == 8_191 {
                pause().await;
            }
        }
        for of in survey.places.values_mut() {
            of.long.sort();
            of.late.sort();
        }
        survey
    }

    fn look(&mut self, trace: &Trace, ix: PollIx, poll: &Poll) {
        let task = trace.task(poll.task);
        // A closure on the blocking pool and the future of a `block_on` hold nobody's worker.
        if !task.is_queued() || !trace.is_worker(poll.lane) {
            return;
        }
        let of = self.places.entry(task.place).or_default();
        of.polls += 1;
        if poll.duration() >= LONG && poll.depth == 0 && !poll.gave_worker_away {
            of.long.add(poll.duration(), ix);
        }
        if let Some(since) = scheduled_since(trace, ix)
            && poll.start.saturating_sub(since) >= LATE
        {
            of.late.add(poll.start - since, ix);
        }
        match poll.how {
            PollEnd::BudgetSpent => {
                of.budget_spent += 1;
                of.last_spent = Some(ix);
            }
            PollEnd::Yielded { inferred: false } => {
                *self.self_woken.entry(poll.task).or_default() += 1;
            }
            PollEnd::Pending => self.look_at_waits(trace, ix, poll),
            _ => {}
        }
    }

    fn look_at_waits(&mut self, trace: &Trace, ix: PollIx, poll: &Poll) {
        let Some(wait) = trace.poll_waits(ix).next() else { return };
        let resource = trace.resource(wait.resource);
        let is_lock = matches!(&*resource.concrete_type, "Mutex" | "RwLock" | "Semaphore");
        if !is_lock || resource.is_internal {
            return;
        }
        let Some(woken) = trace.wake_after(ix).map(|wake| trace.wake(wake).time) else { return };
        let of = self.locks.entry(wait.resource).or_default();
        of.count += 1;
        of.time += woken.saturating_sub(poll.end);
        if of.waits.len() < MOST_WAITS {
            of.waits.push((poll.end, woken.max(poll.end), ix));
        }
    }
}

/// Since when the task of a poll was scheduled for it: since its spawn or its wake, and since the end of the poll
/// before, if it was woken in that.
pub(super) fn scheduled_since(trace: &Trace, poll: PollIx) -> Option<Nanos> {
    let since = match trace.cause(poll) {
        Cause::Spawned { time, .. } => time,
        Cause::Woken(wake) => trace.wake(wake).time,
        Cause::Unknown => return None,
    };
    let before = trace.poll_before(poll).map_or(0, |before| trace.poll(before).end);
    Some(since.max(before))
}
