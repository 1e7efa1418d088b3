//! A task's stay in a queue: from when it is scheduled until a worker polls it.
//!
//! There are as many as polls, and nearly all are of no interest: those are told by two comparisons. A stay is
//! shown to the rules if it is [`LEAST`] long, or if somewhere a worker was held meanwhile.
//!
//! Which queue it was is inferred as for a [hop](crate::Arrival): from who scheduled the task.

use std::ops::Range;

use taskscope_format::Nanos;

use super::Known;
use super::seen::Seen;
use crate::Cause;
use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx, WakeAt, WakeIx};

/// Shorter ones are of no interest by themselves.
pub(super) const LEAST: Nanos = 20_000_000;

/// See [the module](self).
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) task: TaskIx,
    /// From when it was scheduled until it was polled; to the end of the trace where it was not.
    pub(super) times: Range<Nanos>,
    /// The poll that it led to.
    pub(super) poll: Option<PollIx>,
    /// The runtime, as position in [`Trace::runtimes`].
    pub(super) runtime: u32,
    /// The worker in whose queue it stood; `None` for the injection queue, and where that is not known.
    pub(super) worker: Option<LaneIx>,
}

impl Stay {
    pub(super) fn length(&self) -> Nanos {
        self.times.end - self.times.start
    }

    /// The worker that it waited for: that of its queue, or the only one that there is.
    pub(super) fn waited_for(&self, trace: &Trace) -> Option<LaneIx> {
        let workers = &trace.runtimes()[self.runtime as usize].workers;
        self.worker.or(match workers[..] {
            [only] => Some(only),
            _ => None,
        })
    }

    /// Whether it waited mostly because a long poll held the worker of its queue: of which
    /// another rule speaks.
    pub(super) fn is_held(&self, known: &Known<'_>) -> bool {
        let worker = self.waited_for(known.trace);
        worker.is_some_and(|lane| known.long.held(lane, &self.times) >= self.length() / 2)
    }
}

/// The stay that led to a poll, if it may be of interest.
#[inline]
pub(super) fn before(known: &Known<'_>, seen: &Seen<'_>) -> Option<Stay> {
    let trace = known.trace;
    let until = seen.start();
    // (A wake between its spawn and its first poll changes nothing.)
    let spawned = match seen.row().before {
        NONE => trace.task(seen.task()).spawned,
        _ => None,
    };
    let woken = || Some(until - seen.chunk.delay(seen.slot)?);
    let since = spawned.or_else(woken).or_else(|| seen.chunk.scheduled(seen.slot))?;
    let is_of_interest = |times: &Range<Nanos>| {
        times.start < times.end && (times.end - times.start >= LEAST || known.long.touches(times))
    };
    if !is_of_interest(&(since..until)) {
        return None;
    }
    // A wake that comes during a poll schedules the task when that ends.
    let before = seen.before();
    let times = since.max(before.map_or(0, |before| trace.polls.end(before)))..until;
    if !is_of_interest(&times) || !trace.task(seen.task()).is_queued() {
        return None;
    }
    let runtime = trace.worker_runtime(seen.chunk.lane)?;
    let on = trace.scheduled_on(trace.cause(seen.poll), seen.task(), before).flatten();
    let worker = on.filter(|&on| trace.worker_runtime(on) == Some(runtime));
    Some(Stay { task: seen.task(), times, poll: Some(seen.poll), runtime, worker })
}

/// That of a task that is scheduled when the trace ends, or was when it was dropped.
pub(super) fn unended(trace: &Trace, task: TaskIx) -> Option<Stay> {
    let of = trace.task(task);
    let last = (of.hot.last != NONE).then_some(PollIx(of.hot.last));
    let cause = match (of.spawned, last) {
        (Some(time), None) => Cause::Spawned { time, by: of.parent },
        _ => Cause::Woken(of.hot.pending().map(|_| WakeIx(WakeAt::Pending(task)))?),
    };
    let since = match cause {
        Cause::Spawned { time, .. } => time,
        _ => of.hot.pending()?.time.max(last.map_or(0, |last| trace.polls.end(last))),
    };
    let until = of.end.map_or(trace.span().end, |end| end.time);
    if since >= until || !of.is_queued() {
        return None;
    }
    let lane = last.map(|last| trace.polls.chunk(last.chunk()).lane).or(of.spawned_on);
    let runtime = of.runtime.or_else(|| trace.worker_runtime(lane?))?;
    let on = trace.scheduled_on(cause, task, last).flatten();
    let worker = on.filter(|&on| trace.worker_runtime(on) == Some(runtime));
    Some(Stay { task, times: since..until, poll: None, runtime, worker })
}
