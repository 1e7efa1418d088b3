//! How a task came to the worker that polls it.
//!
//! Tokio does not report from which queue a worker takes a task. But its rules are
//! known. What is scheduled on a worker goes into that worker's own queue, and
//! what is scheduled elsewhere into the injection queue of the runtime, from which
//! any worker takes it. A task that is woken while it runs, or that yields, goes
//! into the queue of the worker that runs it. A worker with nothing to do steals
//! from the queues of others. (A queue that overflows gives half of its tasks to
//! the injection queue; that isn't seen.)

use crate::causality::Cause;
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, Poll, PollIx, TaskIx};

/// The queue from which a worker took a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// The worker's own.
    Own,
    /// That of another worker: the task was stolen.
    Stolen {
        /// From this worker.
        from: LaneIx,
    },
    /// The one that all workers of the runtime share.
    Injection,
}

/// How a task came to the worker that polls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The queue.
    pub queue: Queue,
    /// Whether that is inferred and not recorded: always so far, since Tokio 1.54 does
    /// not report it.
    pub inferred: bool,
}

impl Trace {
    /// How the task of this poll came to its worker. `None` where no worker polled
    /// it, where it isn't known what scheduled it, and for what stands in no worker's queue: the tasks of a
    /// `LocalSet`, and the future of a `block_on`.
    pub fn arrival(&self, poll: PollIx) -> Option<Arrival> {
        let Poll { lane, task, .. } = self.poll(poll);
        let runtime = self.worker_runtime(lane)?;
        if !self.task(task).is_queued() {
            return None;
        }
        let scheduled_on = self.scheduled_on(self.cause(poll), task, self.poll_before(poll))?;
        let queue = match scheduled_on.filter(|&on| self.worker_runtime(on) == Some(runtime)) {
            Some(on) if on == lane => Queue::Own,
            Some(from) => Queue::Stolen { from },
            None => Queue::Injection,
        };
        Some(Arrival { queue, inferred: true })
    }

    /// The worker on which a task was scheduled after the poll `before` by this cause, or that none did; `None`
    /// where that is not known.
    pub(crate) fn scheduled_on(
        &self,
        cause: Cause,
        task: TaskIx,
        before: Option<PollIx>,
    ) -> Option<Option<LaneIx>> {
        match cause {
            Cause::Spawned { .. } => Some(self.task(task).spawned_on),
            Cause::Woken(wake) => {
                let wake = self.wake(wake);
                let while_running = before.map(|before| self.poll(before));
                Some(match while_running.filter(|before| wake.time < before.end) {
                    Some(before) if before.gave_worker_away => None,
                    Some(before) => Some(before.lane),
                    None => wake.worker,
                })
            }
            Cause::Unknown => None,
        }
    }

    /// The runtime of a worker's lane, as position in
    /// [`Trace::runtimes`](crate::Trace::runtimes).
    pub(crate) fn worker_runtime(&self, lane: LaneIx) -> Option<u32> {
        match self.lane(lane).kind {
            LaneKind::Worker { runtime, .. } => Some(runtime),
            LaneKind::Thread(_) => None,
        }
    }
}
