//! Who had to wait because of what was found.
//!
//! Rules count those that waited; to name them is to look at each task at one moment, and is done for the few findings that
//! are alarms.

use std::cmp::Reverse;

use super::{Finding, Kind};
use crate::State;
use crate::questions::{Activity, TaskState, instant};
use crate::trace::Trace;
use crate::types::{LaneIx, TaskIx};

/// At most so many are named.
const MOST: usize = 100;

/// The tasks that had to wait at the end of what was found, those that waited longest first; 100 at most. They are
/// those that stood in the queue of a held worker (inferred: see [`Arrival`](crate::Arrival)), and those that waited
/// for the lock of a convoy. Empty for other kinds.
///
/// With an [`Activity`] of this very trace, what tasks did at a moment is found faster.
pub async fn affected(
    trace: &Trace,
    activity: Option<&Activity>,
    finding: &Finding,
) -> Vec<TaskIx> {
    let waits = |of: &&TaskState| match finding.kind {
        Kind::HeldWorker => finding.worker.is_some_and(|lane| stands_at(trace, of, lane)),
        Kind::LockConvoy => waits_for_lock(trace, of, finding),
        _ => false,
    };
    if !matches!(finding.kind, Kind::HeldWorker | Kind::LockConvoy) {
        return Vec::new();
    }
    let at = instant(trace, activity, finding.end.saturating_sub(1)).await;
    let mut waiting: Vec<&TaskState> =
        at.tasks.iter().filter(|of| Some(of.task) != finding.task).filter(waits).collect();
    waiting.sort_by_key(|of| (of.span.start.max(finding.start), Reverse(of.span.end), of.task));
    waiting.into_iter().map(|of| of.task).take(MOST).collect()
}

/// Whether a task stands in the queue of a worker, or waits for it since there is no other.
fn stands_at(trace: &Trace, of: &TaskState, lane: LaneIx) -> bool {
    if of.span.state != State::Scheduled || !trace.task(of.task).is_queued() {
        return false;
    }
    let runtime = trace.worker_runtime(lane);
    let Some(next) = of.next.filter(|_| runtime.is_some()) else { return false };
    let on = trace.scheduled_on(trace.cause(next), of.task, of.before).flatten();
    match on {
        Some(on) => on == lane,
        None => {
            let workers = runtime.map(|runtime| &trace.runtimes()[runtime as usize].workers);
            workers.is_some_and(|workers| workers[..] == [lane])
        }
    }
}

/// Whether a task waits for something that was made where the lock was.
fn waits_for_lock(trace: &Trace, of: &TaskState, finding: &Finding) -> bool {
    let Some(before) = of.before.filter(|_| of.span.state == State::Waiting) else { return false };
    let mut waits = trace.poll_waits(before);
    waits.any(|wait| trace.resource(wait.resource).place == finding.place)
}
