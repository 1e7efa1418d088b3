//! What is kept with the span of a task.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use taskscope_format::{EndKind, TaskId, TaskKind};

/// What is behind a `runtime.spawn` span.
#[derive(Clone, Debug)]
pub(crate) enum SpanTask {
    /// A task.
    Task(Task),
    /// One of Tokio's own worker threads, which to `tracing` looks like a
    /// blocking task.
    WorkerThread,
}

/// A task that has a span.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) kind: TaskKind,
    marks: Arc<Marks>,
}

/// What is learned of a task later, on any thread.
///
/// Relaxed access is enough: the hand-over of the task itself between threads
/// orders it.
#[derive(Debug, Default)]
struct Marks {
    hooked: AtomicBool,
    entered: AtomicBool,
    ended: AtomicBool,
    /// [`EndKind`] if the last visit was the last of all.
    outcome: AtomicU8,
}

impl Task {
    pub(crate) fn new(id: TaskId, kind: TaskKind) -> Self {
        let task = Self { id, kind, marks: Arc::default() };
        task.set_outcome(EndKind::Unknown);
        task
    }

    /// Whether our hooks are on the task's runtime, and so tell of its polls
    /// and its end.
    pub(crate) fn is_hooked(&self) -> bool {
        self.marks.hooked.load(Ordering::Relaxed)
    }

    pub(crate) fn set_hooked(&self) {
        self.marks.hooked.store(true, Ordering::Relaxed);
    }

    /// Marks that the task has been visited; says whether it had been before.
    pub(crate) fn set_entered(&self) -> bool {
        self.marks.entered.swap(true, Ordering::Relaxed)
    }

    /// How the task ended, if its last visit so far was its last of all.
    pub(crate) fn outcome(&self) -> EndKind {
        let code = self.marks.outcome.load(Ordering::Relaxed);
        EndKind::from_code(code).unwrap_or(EndKind::Unknown)
    }

    pub(crate) fn set_outcome(&self, end: EndKind) {
        self.marks.outcome.store(end.code(), Ordering::Relaxed);
    }

    /// Marks that the task's end has been written; says whether it had been.
    pub(crate) fn set_ended(&self) -> bool {
        self.marks.ended.swap(true, Ordering::Relaxed)
    }
}
