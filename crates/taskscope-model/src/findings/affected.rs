//! Who had to wait because of what was found.
//!
//! Rules count those that waited; to name them is to look at each poll that began meanwhile and at each task at the end,
//! and is done for the few findings that are alarms.

use std::cmp::Reverse;

use foldhash::{HashMap, HashMapExt};
use taskscope_format::Nanos;

use super::late::woken_late;
use super::{Finding, Kind};
use crate::questions::{Activity, TaskState, instant};
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx};
use crate::{Cause, State};

/// At most so many are named.
const MOST: usize = 100;

/// The tasks that had to wait because of what was found, those that waited longest first; 100 at most. They are those
/// that stood in the queue of a held worker meanwhile (inferred: see [`Arrival`](crate::Arrival)), those whose timer or socket no worker
/// looked after (inferred), and those that waited for the lock of a convoy at the end. Empty for other kinds.
///
/// With an [`Activity`] of this very trace, what tasks did at a moment is found faster.
pub async fn affected(
    trace: &Trace,
    activity: Option<&Activity>,
    finding: &Finding,
) -> Vec<TaskIx> {
    let mut waited: HashMap<TaskIx, Nanos> = HashMap::new();
    let mut wait = |task: TaskIx, since: Nanos, until: Nanos| {
        let time = until.min(finding.end).saturating_sub(since.max(finding.start));
        if time > 0 && Some(task) != finding.task {
            let most = waited.entry(task).or_default();
            *most = time.max(*most);
        }
    };
    let at_end = instant(trace, activity, finding.end.saturating_sub(1));
    match (finding.kind, finding.worker) {
        (Kind::HeldWorker, Some(lane)) => {
            // Those that were polled before it ended: another worker had taken them.
            for (number, chunk, slots) in trace.rows_in(finding.start..finding.end) {
                for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
                    let poll = PollIx::new(number, slot);
                    if let Some((task, since)) = stood_at(trace, poll, lane) {
                        wait(task, since, trace.poll(poll).start);
                    }
                }
            }
            if let Some(task) = finding.task {
                // Since when they could have gone on is not known.
                let times = finding.start..finding.end;
                for task in woken_late(trace, lane, task, &times) {
                    wait(task, finding.start, finding.end);
                }
            }
            for of in at_end.await.tasks.iter().filter(|of| of.span.state == State::Scheduled) {
                if let Some((task, since)) = of.next.and_then(|next| stood_at(trace, next, lane)) {
                    wait(task, since, finding.end);
                }
            }
        }
        (Kind::LockConvoy, _) => {
            for of in at_end.await.tasks.iter().filter(|of| waits_for_lock(trace, of, finding)) {
                wait(of.task, of.span.start, finding.end);
            }
        }
        _ => {}
    }
    let mut waited: Vec<(TaskIx, Nanos)> = waited.into_iter().collect();
    waited.sort_unstable_by_key(|&(task, time)| (Reverse(time), task));
    waited.into_iter().map(|(task, _)| task).take(MOST).collect()
}

/// The task of a poll, and since when it had stood in the queue of a worker before: in its own, or, where there is no other
/// worker, in that of all. `None` where it stood in another one.
fn stood_at(trace: &Trace, poll: PollIx, lane: LaneIx) -> Option<(TaskIx, Nanos)> {
    let task = trace.poll(poll).task;
    let (runtime, before) = (trace.worker_runtime(lane)?, trace.poll_before(poll));
    let (cause, is_of_runtime) = (trace.cause(poll), trace.task(task).runtime == Some(runtime));
    let is_there = match trace.scheduled_on(cause, task, before).flatten() {
        Some(on) => on == lane,
        None => is_of_runtime && trace.runtimes()[runtime as usize].workers[..] == [lane],
    };
    let since = match cause {
        Cause::Spawned { time, .. } => time,
        Cause::Woken(wake) => trace.wake(wake).time,
        Cause::Unknown => return None,
    };
    let since = since.max(before.map_or(0, |before| trace.poll(before).end));
    (is_there && trace.task(task).is_queued()).then_some((task, since))
}

/// Whether a task waits for something that was made where the lock was.
fn waits_for_lock(trace: &Trace, of: &TaskState, finding: &Finding) -> bool {
    let Some(before) = of.before.filter(|_| of.span.state == State::Waiting) else { return false };
    let mut waits = trace.poll_waits(before);
    waits.any(|wait| trace.resource(wait.resource).place == finding.place)
}
