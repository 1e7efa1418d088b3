//! The data attached to a span of Tokio's: of which task or resource it is, and how far that is.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use taskscope_format::{EndKind, ResourceId, SpanId, TaskId, TaskKind};

use tracing::Metadata;

use crate::tracker::op_names::OpName;

/// What is behind a span.
#[derive(Clone, Debug)]
pub(crate) enum SpanData {
    /// A task.
    Task(Task),
    /// One of Tokio's own worker threads, which to `tracing` looks like a
    /// blocking task.
    WorkerThread,
    /// A resource that tasks wait for.
    Resource(ResourceId),
    /// An operation on a resource.
    Operation(OpName),
    /// A span of the program's own.
    Span(SpanId, &'static Metadata<'static>),
}

impl SpanData {
    /// The same in brief.
    pub(crate) fn kind(&self) -> Option<SpanKind> {
        Some(match self {
            Self::Task(task) => SpanKind::Task(task.id),
            Self::WorkerThread => return None,
            Self::Resource(id) => SpanKind::Resource(*id),
            Self::Operation(word) => SpanKind::Operation(*word),
            Self::Span(id, _) => SpanKind::Span(*id),
        })
    }
}

/// What is behind a span, if all that is asked is which of its kind it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpanKind {
    Task(TaskId),
    Resource(ResourceId),
    Operation(OpName),
    Span(SpanId),
}

/// The two highest bits of a mark as a number are its kind. No count of things
/// gets that far.
const KIND_SHIFT: u32 = 62;

impl SpanKind {
    #[inline]
    pub(crate) fn to_bits(self) -> u64 {
        let (kind, number) = match self {
            Self::Task(TaskId(id)) => (0, id),
            Self::Resource(ResourceId(id)) => (1, id),
            Self::Operation(word) => (2, word.number()),
            Self::Span(SpanId(id)) => (3, id),
        };
        kind << KIND_SHIFT | number
    }

    #[inline]
    pub(crate) fn from_bits(bits: u64) -> Self {
        let number = bits & ((1 << KIND_SHIFT) - 1);
        match bits >> KIND_SHIFT {
            0 => Self::Task(TaskId(number)),
            1 => Self::Resource(ResourceId(number)),
            2 => Self::Operation(OpName::with_number(number)),
            _ => Self::Span(SpanId(number)),
        }
    }
}

/// A task that has a span.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: TaskId,
    pub(crate) kind: TaskKind,
    flags: Arc<TaskFlags>,
}

/// What is learned of a task later, on any thread.
///
/// Relaxed access is enough: the hand-over of the task itself between threads
/// orders it.
#[derive(Debug, Default)]
struct TaskFlags {
    hooked: AtomicBool,
    entered: AtomicBool,
    ended: AtomicBool,
    returned: AtomicBool,
    /// [`EndKind`] if the last visit was the last of all.
    outcome: AtomicU8,
}

impl Task {
    pub(crate) fn new(id: TaskId, kind: TaskKind) -> Self {
        let task = Self { id, kind, flags: Arc::default() };
        task.set_outcome(EndKind::Unknown);
        task
    }

    /// Whether our hooks are on the task's runtime, and so report its polls
    /// and its end.
    pub(crate) fn is_hooked(&self) -> bool {
        self.flags.hooked.load(Ordering::Relaxed)
    }

    pub(crate) fn set_hooked(&self) {
        self.flags.hooked.store(true, Ordering::Relaxed);
    }

    /// Notes that the task has been visited; says whether it had been before.
    pub(crate) fn set_entered(&self) -> bool {
        self.flags.entered.swap(true, Ordering::Relaxed)
    }

    /// Whether a wrapper around the whole task has seen its future return.
    pub(crate) fn has_returned(&self) -> bool {
        self.flags.returned.load(Ordering::Relaxed)
    }

    pub(crate) fn set_returned(&self) {
        self.flags.returned.store(true, Ordering::Relaxed);
    }

    /// How the task ended, if its last visit so far was its last of all.
    pub(crate) fn outcome(&self) -> EndKind {
        let code = self.flags.outcome.load(Ordering::Relaxed);
        EndKind::from_code(code).unwrap_or(EndKind::Unknown)
    }

    pub(crate) fn set_outcome(&self, end: EndKind) {
        self.flags.outcome.store(end.code(), Ordering::Relaxed);
    }

    /// Notes that the task's end has been written; says whether it had been.
    pub(crate) fn set_ended(&self) -> bool {
        self.flags.ended.swap(true, Ordering::Relaxed)
    }
}
