//! What a task waited for between two polls.
//!
//! Tokio reports which operation on which resource was pending in a poll, for those
//! of its resources that have a `tracing` span. For the others it is only known who
//! called the waker in the end. A task that wakes another right after its own end
//! wakes the one that joins it; a worker that polls nothing wakes the tasks that its
//! timer or I/O driver names. That much is inferred here, and marked so.

use crate::trace::Trace;
use crate::types::{MORE_KINDS, PollIx, Resource, ResourceIx, TaskIx, TextIx, Wait, WakeIx, Waker};

/// What a task waited for after a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaitedFor<'a> {
    /// Operations that were pending in the poll, for any of which the task may
    /// have waited. Recorded.
    Operations(Vec<Wait<'a>>),
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
    /// How many things there are that tasks waited for.
    pub fn resource_count(&self) -> usize {
        self.resources.len()
    }

    /// The things that tasks waited for, in the order in which the recording first names them.
    pub fn resources(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter().map(|row| &self.resource_kinds[row.kind as usize])
    }

    /// A resource.
    pub fn resource(&self, resource: ResourceIx) -> &Resource {
        &self.resource_kinds[self.resources[resource.get()].kind as usize]
    }

    /// The operations that were pending in a task's polls, in the order of time, with the polls.
    pub fn task_waits(&self, task: TaskIx) -> impl Iterator<Item = (PollIx, Wait<'_>)> {
        let polls = self.task_polls(task).iter();
        polls.flat_map(|poll| self.poll_waits(poll).map(move |wait| (poll, wait)))
    }

    /// The operations that were pending in this poll.
    pub fn poll_waits(&self, poll: PollIx) -> impl ExactSizeIterator<Item = Wait<'_>> {
        let waits = self.polls.chunk(poll.chunk()).waits_of(poll.slot());
        waits.iter().map(|wait| {
            let (resource, operation) = self.wait_kind(wait.kind);
            Wait { resource, operation: operation.map_or("", |operation| self.text(operation)) }
        })
    }

    /// What a wait's row calls an operation.
    pub(crate) fn wait_kind(&self, kind: u32) -> (ResourceIx, Option<TextIx>) {
        match kind & MORE_KINDS {
            0 => (ResourceIx(kind), self.resources[kind as usize].operation),
            _ => {
                let (resource, operation) = self.wait_kinds[(kind & !MORE_KINDS) as usize];
                (resource, Some(operation))
            }
        }
    }

    /// What the task waited for after this poll; `None` where it did not wait: it
    /// had ended, or yielded.
    pub fn waited_for(&self, poll: PollIx) -> Option<WaitedFor<'_>> {
        if !self.poll(poll).how.is_wait() {
            return None;
        }
        let waits: Vec<_> = self.poll_waits(poll).collect();
        if !waits.is_empty() {
            return Some(WaitedFor::Operations(waits));
        }
        Some(self.woken_from(poll, self.wake_after(poll)))
    }

    /// What a task waited for after a poll in which no operation was pending, by the wake that came.
    pub(crate) fn woken_from(&self, poll: PollIx, wake: Option<WakeIx>) -> WaitedFor<'static> {
        let task = TaskIx(self.polls.row(poll).task);
        let Some(wake) = wake.map(|wake| self.wake(wake)) else {
            return WaitedFor::Unknown;
        };
        let had_ended = |by: &TaskIx| self.task(*by).end.is_some_and(|end| end.time <= wake.time);
        match wake.by {
            Waker::Task(by) if by != task && had_ended(&by) => WaitedFor::Join(by),
            // A recording without resources has no timers either.
            Waker::Driver(_) if !self.resources.is_empty() => WaitedFor::Io,
            _ => WaitedFor::Unknown,
        }
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
