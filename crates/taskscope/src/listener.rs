//! What Tokio tells through `tracing`, whoever gives the spans their ids: a
//! `Registry` with the [layer](crate::layer) on it, or the
//! [subscriber](crate::subscriber) of the recorder's own.

use std::sync::Arc;

use taskscope_format::TaskId;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};

use crate::fields::{
    OperationFields, PollOpFields, ResourceFields, SpawnFields, WakerFields, WakerOp,
};
use crate::shared::Shared;
use crate::span_index::SpanIndex;
use crate::spans::Spans;
use crate::task::{Mark, Spanned, Task};
use crate::thread::record;

/// A span or an event that the recorder has a use for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Spawn,
    Resource,
    Operation,
    Waker,
    PollOp,
}

impl Sort {
    fn of(metadata: &Metadata<'_>) -> Option<Self> {
        if metadata.is_event() {
            return match metadata.target() {
                "tokio::task::waker" => Some(Self::Waker),
                "runtime::resource::poll_op" => Some(Self::PollOp),
                _ => None,
            };
        }
        match metadata.name() {
            "runtime.spawn" => Some(Self::Spawn),
            "runtime.resource" => Some(Self::Resource),
            "runtime.resource.async_op" => Some(Self::Operation),
            _ => None,
        }
        .filter(|_| metadata.target().starts_with("tokio::"))
    }
}

/// Whether the recorder has a use for a span or an event.
pub(crate) fn is_wanted(metadata: &Metadata<'_>) -> bool {
    Sort::of(metadata).is_some()
}

/// [`is_wanted`], for a callsite: the answer never changes.
pub(crate) fn interest(metadata: &Metadata<'_>) -> Interest {
    if is_wanted(metadata) { Interest::always() } else { Interest::never() }
}

/// Records what it hears.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    /// What is behind all open spans, and in front of them those that can be found
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
    pub(crate) fn made(&self, attributes: &Attributes<'_>, span: &Id) {
        match Sort::of(attributes.metadata()) {
            Some(Sort::Spawn) => self.spawned(attributes, span),
            Some(Sort::Resource) => self.resource_made(attributes, span),
            Some(Sort::Operation) => self.operation_made(attributes, span),
            Some(Sort::Waker | Sort::PollOp) | None => {}
        }
    }

    fn insert(&self, span: &Id, what: Spanned) {
        if let Some(mark) = what.mark() {
            self.index.insert(span.into_u64(), mark);
        }
        self.spans.insert(span, what);
    }

    fn resource_made(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = ResourceFields::default();
        attributes.record(&mut fields);
        let id = self.shared.next_resource();
        self.insert(span, Spanned::Resource(id));
        record(&self.shared, |thread, shared| thread.resource_made(shared, fields.resource(id)));
    }

    fn operation_made(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = OperationFields::default();
        attributes.record(&mut fields);
        if let Some(word) = fields.0 {
            self.insert(span, Spanned::Operation(word));
        }
    }

    fn spawned(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = SpawnFields::default();
        attributes.record(&mut fields);
        let Some(task) = fields.task else { return };
        if fields.is_worker_thread() {
            self.insert(span, Spanned::WorkerThread);
            record(&self.shared, |thread, shared| {
                thread.worker_thread_spawned(shared, fields.is_block_in_place());
            });
        } else {
            let task = Task::new(task, fields.kind());
            self.insert(span, Spanned::Task(task.clone()));
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
            match self.index.find(id) {
                Some(Mark::Task(task)) if thread.enter_first(id, task) => return,
                Some(mark @ (Mark::Resource(_) | Mark::Operation(_))) => {
                    return thread.enter_resource(id, mark);
                }
                _ => {}
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
        if let Spanned::Task(task) = &of {
            record(&self.shared, |thread, shared| thread.close(shared, task));
        }
        true
    }

    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>) {
        if Sort::of(event.metadata()) == Some(Sort::PollOp) {
            self.polled(event);
        } else {
            self.waker_used(event);
        }
    }

    /// An operation on a resource was polled.
    fn polled(&self, event: &Event<'_>) {
        let mut fields = PollOpFields::default();
        event.record(&mut fields);
        if let Some(name) = fields.pending() {
            record(&self.shared, |thread, shared| thread.operation_pends(shared, name));
        }
    }

    #[inline]
    fn waker_used(&self, event: &Event<'_>) {
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
        let found = self.index.find(span.into_u64());
        match found.or_else(|| self.spans.find(span)?.mark())? {
            Mark::Task(id) => Some(id),
            Mark::Resource(_) | Mark::Operation(_) => None,
        }
    }
}
