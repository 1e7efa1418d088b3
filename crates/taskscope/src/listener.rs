//! What Tokio tells through `tracing`, whoever keeps the spans: a `Registry`
//! with the [layer](crate::layer) on it, or the [subscriber](crate::subscriber)
//! of the recorder's own.

use std::sync::Arc;

use taskscope_format::TaskId;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};

use crate::fields::{SpawnFields, WakerFields, WakerOp};
use crate::shared::Shared;
use crate::span_index::SpanIndex;
use crate::task::{SpanTask, Task};
use crate::thread::record;

/// Whether the recorder has a use for a span or an event.
pub(crate) fn is_wanted(metadata: &Metadata<'_>) -> bool {
    match metadata.target() {
        "tokio::task" | "tokio::task::blocking" => metadata.name() == "runtime.spawn",
        "tokio::task::waker" => metadata.is_event(),
        _ => false,
    }
}

/// [`is_wanted`], for a callsite: the answer never changes.
pub(crate) fn interest(metadata: &Metadata<'_>) -> Interest {
    if is_wanted(metadata) { Interest::always() } else { Interest::never() }
}

/// Who keeps the spans, and the task with each.
pub(crate) trait Spans {
    /// The task of a span; nothing for one that was made before this recording,
    /// and for one that has closed.
    fn find(&self, span: &Id) -> Option<SpanTask>;
}

/// Records what it hears.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    index: SpanIndex,
}

impl Listener {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, index: SpanIndex::new() }
    }

    /// Tells the recordings of a process apart.
    pub(crate) fn recording(&self) -> u64 {
        self.shared.recording
    }

    /// A span was made. Returns what is to be kept with it.
    pub(crate) fn spawned(&self, attributes: &Attributes<'_>, span: &Id) -> Option<SpanTask> {
        let mut fields = SpawnFields::default();
        attributes.record(&mut fields);
        let task = fields.task?;
        if fields.is_worker_thread() {
            record(&self.shared, |thread, shared| {
                thread.worker_thread_spawned(shared, fields.is_block_in_place());
            });
            return Some(SpanTask::WorkerThread);
        }
        let task = Task::new(task, fields.kind());
        self.index.insert(span.into_u64(), task.id);
        record(&self.shared, |thread, shared| {
            thread.span_spawn(shared, &task, fields.spawn(task.id));
        });
        Some(SpanTask::Task(task))
    }

    #[inline]
    pub(crate) fn entered(&self, span: &Id, spans: &impl Spans) {
        record(&self.shared, |thread, shared| {
            let id = span.into_u64();
            if thread.enter_again(id) {
                return;
            }
            let task = self.index.task(id);
            if task.is_some_and(|task| thread.enter_first(id, task)) {
                return;
            }
            if let Some(of) = spans.find(span) {
                thread.enter(shared, id, of);
            }
        });
    }

    #[inline]
    pub(crate) fn exited(&self, span: &Id, spans: &impl Spans) {
        record(&self.shared, |thread, shared| {
            // A span of others may have been left, too.
            if !thread.exit(shared, span.into_u64()) && spans.find(span).is_some() {
                thread.exit_unknown(shared);
            }
        });
    }

    pub(crate) fn closed(&self, span: &Id, of: Option<&SpanTask>) {
        self.index.remove(span.into_u64());
        if let Some(of) = of {
            record(&self.shared, |thread, shared| thread.close(shared, of));
        }
    }

    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>, spans: &impl Spans) {
        let mut fields = WakerFields::default();
        event.record(&mut fields);
        let (Some(op), Some(span)) = (fields.op, fields.span) else { return };
        record(&self.shared, |thread, shared| match op {
            WakerOp::Clone => thread.waker_cloned(span.into_u64()),
            WakerOp::Drop => thread.waker_dropped(),
            WakerOp::Wake(op) => {
                let task = thread.running_with_span(span.into_u64());
                if let Some(task) = task.or_else(|| self.task(&span, spans)) {
                    thread.wake(shared, task, op);
                }
            }
        });
    }

    #[inline]
    fn task(&self, span: &Id, spans: &impl Spans) -> Option<TaskId> {
        let found = self.index.task(span.into_u64());
        found.or_else(|| match spans.find(span)? {
            SpanTask::Task(task) => Some(task.id),
            SpanTask::WorkerThread => None,
        })
    }
}
