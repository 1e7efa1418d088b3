//! What Tokio tells through `tracing`, whoever gives the spans their ids: a
//! `Registry` with the [layer](crate::layer) on it, or the
//! [subscriber](crate::subscriber) of the recorder's own.

use std::sync::Arc;

use taskscope_format::TaskId;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};

use crate::fields::{SpawnFields, WakerFields, WakerOp};
use crate::shared::Shared;
use crate::span_index::SpanIndex;
use crate::spans::Spans;
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

/// Records what it hears.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    /// The tasks of all open spans, and in front of them those that can be found
    /// without a lock.
    spans: Spans,
    index: SpanIndex,
}

impl Listener {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, spans: Spans::default(), index: SpanIndex::new() }
    }

    /// A span was made.
    pub(crate) fn spawned(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = SpawnFields::default();
        attributes.record(&mut fields);
        let Some(task) = fields.task else { return };
        if fields.is_worker_thread() {
            self.spans.insert(span, SpanTask::WorkerThread);
            record(&self.shared, |thread, shared| {
                thread.worker_thread_spawned(shared, fields.is_block_in_place());
            });
        } else {
            let task = Task::new(task, fields.kind());
            self.spans.insert(span, SpanTask::Task(task.clone()));
            self.index.insert(span.into_u64(), task.id);
            record(&self.shared, |thread, shared| {
                thread.span_spawn(shared, task.clone(), fields.spawn(task.id));
            });
        }
    }

    #[inline]
    pub(crate) fn entered(&self, span: &Id) {
        record(&self.shared, |thread, shared| {
            let id = span.into_u64();
            if thread.enter_again(id) {
                return;
            }
            let task = self.index.task(id);
            if task.is_some_and(|task| thread.enter_first(id, task)) {
                return;
            }
            if let Some(of) = self.spans.find(span) {
                thread.enter(shared, id, of);
            }
        });
    }

    #[inline]
    pub(crate) fn exited(&self, span: &Id) {
        record(&self.shared, |thread, shared| {
            // A span of others may have been left, too.
            if !thread.exit(shared, span.into_u64()) && self.spans.find(span).is_some() {
                thread.exit_unknown(shared);
            }
        });
    }

    /// There is one handle more of a span.
    pub(crate) fn cloned(&self, span: &Id) {
        self.spans.add_handle(span);
    }

    /// A handle of a span was dropped. Says whether that was the last.
    pub(crate) fn closed(&self, span: &Id) -> bool {
        let Some(of) = self.spans.drop_handle(span) else { return false };
        self.index.remove(span.into_u64());
        record(&self.shared, |thread, shared| thread.close(shared, &of));
        true
    }

    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>) {
        let mut fields = WakerFields::default();
        event.record(&mut fields);
        let (Some(op), Some(span)) = (fields.op, fields.span) else { return };
        record(&self.shared, |thread, shared| match op {
            WakerOp::Clone => thread.waker_cloned(span.into_u64()),
            WakerOp::Drop => thread.waker_dropped(),
            WakerOp::Wake(op) => {
                let task = thread.wakes_itself(span.into_u64());
                if let Some(task) = task.or_else(|| self.task(&span)) {
                    thread.wake(shared, task, op);
                }
            }
        });
    }

    #[inline]
    fn task(&self, span: &Id) -> Option<TaskId> {
        let found = self.index.task(span.into_u64());
        found.or_else(|| match self.spans.find(span)? {
            SpanTask::Task(task) => Some(task.id),
            SpanTask::WorkerThread => None,
        })
    }
}
