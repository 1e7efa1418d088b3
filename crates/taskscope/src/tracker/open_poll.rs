//! A poll or a visit while it lasts, and what is kept of it afterwards.
//!
//! `polls.rs` explains what these are and why they differ.

use taskscope_format::{CancelledBy, EndKind, Nanos, PollResult, TaskId, TaskKind};

use crate::tracker::task::Task;

/// A poll (or a visit) that has begun on this thread and not ended.
#[derive(Debug)]
pub(crate) struct OpenPoll {
    pub(crate) task: TaskId,
    /// The id of the task's span, 0 while it has not been entered.
    pub(crate) span: u64,
    pub(crate) source: PollSource,
    pub(crate) begun: Nanos,
    /// Visits so far.
    pub(crate) visits: u32,
    /// The thread was unwinding when this began, so that it still is says
    /// nothing about this task.
    pub(crate) unwinding_before: bool,
    pub(crate) panicked: bool,
    pub(crate) kept_waker: bool,
    /// The task has been woken within this poll, by itself.
    pub(crate) woke_itself: bool,
    /// A wrapper around the whole task has seen its future return.
    pub(crate) returned: bool,
    /// How the task ended within this poll, if it has.
    pub(crate) end: Option<EndKind>,
}

/// Who opened it.
#[derive(Debug)]
pub(crate) enum PollSource {
    /// The hooks.
    Hook,
    /// The layer, for a task without hooks. `follows_own`: the last thing on this
    /// thread was a visit to the same task. `again`: the task had been visited
    /// before, on any thread.
    Span { task: Task, follows_own: bool, again: bool },
    /// A wrapper around the future.
    Wrapper,
    /// The layer, for a hooked task whose runtime is shutting down. Not written.
    Shutdown,
}

/// The last visit on this thread that the layer alone knows of.
#[derive(Debug)]
pub(crate) struct LastVisit {
    pub(crate) task: TaskId,
    /// `ThreadState::calls` at its end.
    pub(crate) calls: u64,
    pub(crate) at: Nanos,
    pub(crate) kept_waker: bool,
    /// How the task ended, if this visit was its last.
    pub(crate) end: EndKind,
    /// `None` where that was seen at shutdown.
    pub(crate) of: Option<Task>,
}

/// How a task ended, as it is written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    pub(crate) end: EndKind,
    pub(crate) inferred: bool,
    pub(crate) cancelled_by: CancelledBy,
}

impl Ending {
    /// The runtime dropped what was left.
    pub(crate) const SHUTDOWN: Self =
        Self { end: EndKind::Cancelled, inferred: false, cancelled_by: CancelledBy::Shutdown };

    pub(crate) fn new(end: EndKind, inferred: bool) -> Self {
        Self { end, inferred, cancelled_by: CancelledBy::Unknown }
    }
}

/// Where a returned future is dropped, that happens right after the poll. A
/// future that waited (its waker was kept) and is dropped later than this was
/// aborted.
pub(crate) const AT_ONCE: Nanos = 1_000_000;

/// A call of `abort` from another thread may hit any poll, and the end of that task looks like a
/// return. A poll shorter than this is hit so rarely that its return counts as recorded.
pub(crate) const SELDOM_ABORTED: Nanos = 20_000;

impl OpenPoll {
    pub(crate) fn new(task: TaskId, source: PollSource, begun: Nanos) -> Self {
        Self {
            task,
            span: 0,
            source,
            begun,
            visits: 0,
            unwinding_before: std::thread::panicking(),
            panicked: false,
            kept_waker: false,
            woke_itself: false,
            returned: false,
            end: None,
        }
    }

    pub(crate) fn note_panic(&mut self) {
        self.panicked |= !self.unwinding_before && std::thread::panicking();
    }

    /// How a task ends that ends inside this bracket of the hooks, at `time`.
    pub(crate) fn end_in_bracket(&self, time: Nanos) -> Ending {
        match self.visits {
            _ if self.panicked => Ending::new(EndKind::Panicked, false),
            _ if self.returned => Ending::new(EndKind::Returned, false),
            // The task has no span: it was spawned before there was a layer.
            0 => Ending::new(EndKind::Unknown, false),
            // A runtime that shuts down doesn't take tasks up.
            1 => Ending {
                cancelled_by: CancelledBy::Abort,
                ..Ending::new(EndKind::Cancelled, false)
            },
            _ => Ending::new(EndKind::Returned, self.may_be_aborted(time)),
        }
    }

    /// Whether what looks like a return may be an abort in the middle of this poll. See the head
    /// of `polls.rs`.
    fn may_be_aborted(&self, time: Nanos) -> bool {
        let is_short = time.saturating_sub(self.begun) < SELDOM_ABORTED;
        self.kept_waker || self.woke_itself || !is_short
    }

    /// `all_have_spans`: there are no tasks that are polled without being visited.
    pub(crate) fn result(&self, all_have_spans: impl FnOnce() -> bool) -> PollResult {
        match (&self.source, self.end) {
            // Another thread had ended it: its runtime shuts down.
            (PollSource::Hook, None) if self.visits == 0 && all_have_spans() => {
                PollResult::OnlyDropped
            }
            (PollSource::Hook, None) => PollResult::Pending,
            (PollSource::Hook, _) if self.visits == 1 => PollResult::OnlyDropped,
            (_, Some(EndKind::Panicked)) => PollResult::Panicked,
            (PollSource::Hook, Some(_)) => PollResult::Ready,
            _ if self.panicked => PollResult::Panicked,
            _ => PollResult::Pending,
        }
    }
}

impl LastVisit {
    /// How the task ended, if this visit was its last.
    pub(crate) fn ending(&self) -> Ending {
        match self.of {
            None => Ending::SHUTDOWN,
            Some(_) => Ending::new(self.end, self.is_inferred()),
        }
    }

    /// Whether [`LastVisit::end`] is an inference. Where a task can only be
    /// polled once, or not be dropped half-way, or where its runtime shut down
    /// around it, there is nothing to infer; nor about a panic.
    fn is_inferred(&self) -> bool {
        let may_be_aborted = |task: &Task| {
            matches!(task.kind, TaskKind::Task | TaskKind::Local) && !task.has_returned()
        };
        self.end != EndKind::Panicked && self.of.as_ref().is_some_and(may_be_aborted)
    }
}
