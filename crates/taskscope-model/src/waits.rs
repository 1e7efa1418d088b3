//! What a task waited for between two polls.
//!
//! Tokio reports which operation on which resource was pending in a poll, for those
//! of its resources that have a `tracing` span. For the others it is only known who
//! called the waker in the end. A task that wakes another right after its own end
//! wakes the one that joins it; a worker that polls nothing wakes the tasks that its
//! timer or I/O driver names. That much is inferred here, and marked so.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{PollIx, Resource, ResourceIx, TaskIx, Wait, Waker};

/// What a task waited for after a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitedFor<'a> {
    /// Operations that were pending in the poll, for any of which the task may
    /// have waited. Recorded.
    Operations(&'a [Wait]),
    /// The end of another task. Inferred: that one woke it right after its end.
    Join(TaskIx),
    /// A socket, a pipe, a process, a signal. Inferred: the driver of a worker woke
    /// the task, and no timer is known that it waited for.
    Io,
    /// Something else, or nothing: a channel or a `Notify`, a future that isn't
    /// Tokio's.
    Unknown,
}

impl WaitedFor<'_> {
    /// Whether this was concluded rather than recorded.
    pub fn is_inferred(&self) -> bool {
        matches!(self, Self::Join(_) | Self::Io)
    }
}

impl Trace {
    /// The things that tasks waited for, in the order in which they first
    /// appear in the file.
    pub fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// A resource.
    pub fn resource(&self, resource: ResourceIx) -> &Resource {
        &self.resources[resource.get()]
    }

    /// The operations that were pending in a task's polls, in the order of time.
    pub fn task_waits(&self, task: TaskIx) -> &[Wait] {
        self.waits_in(task, 0..Nanos::MAX)
    }

    /// The operations that were pending in this poll.
    pub fn poll_waits(&self, poll: PollIx) -> &[Wait] {
        let poll = self.poll(poll);
        self.waits_in(poll.task, poll.start..poll.end.saturating_add(1))
    }

    /// What the task waited for after this poll; `None` where it did not wait: it
    /// had ended, or yielded.
    pub fn waited_for(&self, poll: PollIx) -> Option<WaitedFor<'_>> {
        if !self.poll(poll).how.is_wait() {
            return None;
        }
        let waits = self.poll_waits(poll);
        if !waits.is_empty() {
            return Some(WaitedFor::Operations(waits));
        }
        let task = self.poll(poll).task;
        let wakes = self.task_wakes(task);
        let after = wakes.partition_point(|&wake| self.wake(wake).time <= self.poll(poll).start);
        let Some(wake) = wakes.get(after).map(|&wake| self.wake(wake)) else {
            return Some(WaitedFor::Unknown);
        };
        let had_ended = |by: &TaskIx| self.task(*by).end.is_some_and(|end| end.time <= wake.time);
        Some(match wake.by {
            Waker::Task(by) if by != task && had_ended(&by) => WaitedFor::Join(by),
            // A recording without resources has no timers either.
            Waker::Driver(_) if !self.resources.is_empty() => WaitedFor::Io,
            _ => WaitedFor::Unknown,
        })
    }

    fn waits_in(&self, task: TaskIx, times: Range<Nanos>) -> &[Wait] {
        let before =
            |time| self.waits.partition_point(|wait| (wait.task, wait.time) < (task, time));
        &self.waits[before(times.start)..before(times.end)]
    }
}

impl Resource {
    /// What people call it, as in "waits for …": the operation, with the words of
    /// Tokio's API.
    pub fn operation<'a>(&self, operation: &'a str) -> &'a str {
        match (&*self.concrete_type, operation) {
            // Parts of a lock or semaphore never wait by themselves.
            ("Semaphore", _) if self.is_internal => "mpsc::Sender::send",
            ("Sleep", _) => "sleep",
            ("Sender|Receiver", "Receiver::await") => "oneshot::Receiver",
            ("Sender|Receiver", "Sender::closed") => "oneshot::Sender::closed",
            _ => operation,
        }
    }
}
