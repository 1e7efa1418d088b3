//! What Tokio reports through `tracing`. The ids of the spans come from a
//! `Registry` with the [layer](crate::sources::tracing::layer) on it, or the
//! [subscriber](crate::sources::tracing::subscriber) of the recorder's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use taskscope_format::{ResourceId, SpanId, TaskId};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata};

use crate::sources::tracing::interest::{CallsiteFilter, CallsiteKind};
use crate::sources::tracing::user_spans::Text;
use crate::sources::tracing::visitors::{
    OperationFields, PollOpFields, ResourceFields, SpawnFields, WakerFields, WakerOp, WakerSpan,
};
use crate::sources::tracing::waker_callsites::WakerCallsites;
use crate::tracker::slot::Slot;
use crate::tracker::span_index::SpanIndex;
use crate::tracker::spans::Spans;
use crate::tracker::task::{SpanData, SpanKind, Task};
use crate::tracker::thread::record;
use crate::tracker::user_spans::Parent;

/// Records the spans and events that `tracing` passes to it.
#[derive(Debug)]
pub(crate) struct SpanCollector {
    slot: Arc<Slot>,
    filter: CallsiteFilter,
    wakers: WakerCallsites,
    /// What is behind all open spans, and in front of them those that can be found
    /// without a lock.
    spans: Spans,
    index: SpanIndex,
}

/// Whether a callsite is asked for events. The answer changes only when a recorder is paused or
/// resumed, which has `tracing` ask again.
pub(crate) fn interest(slot: &Slot, filter: &CallsiteFilter, metadata: &Metadata<'_>) -> Interest {
    if slot.wants_spans() { filter.interest(metadata) } else { Interest::never() }
}

pub(crate) fn max_level(slot: &Slot) -> LevelFilter {
    if slot.wants_spans() { LevelFilter::TRACE } else { LevelFilter::OFF }
}

/// A number that no other resource of the process has: it outlives a recording.
fn next_resource() -> ResourceId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    ResourceId(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The same for a span of the program's own.
fn next_span() -> SpanId {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    SpanId(NEXT.fetch_add(1, Ordering::Relaxed))
}

impl SpanCollector {
    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    pub(crate) fn new(slot: Arc<Slot>, filter: CallsiteFilter) -> Self {
        Self {
            slot,
            filter,
            wakers: WakerCallsites::default(),
            spans: Spans::default(),
            index: SpanIndex::new(),
        }
    }

    pub(crate) fn interest(&self, metadata: &Metadata<'_>) -> Interest {
        interest(&self.slot, &self.filter, metadata)
    }

    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.slot.wants_spans() && self.filter.kind(metadata).is_some()
    }

    pub(crate) fn max_level(&self) -> LevelFilter {
        max_level(&self.slot)
    }

    /// A span was made.
    pub(crate) fn new_span(&self, attributes: &Attributes<'_>, span: &Id) {
        match self.filter.kind(attributes.metadata()) {
            Some(CallsiteKind::Spawn) => self.new_task(attributes, span),
            Some(CallsiteKind::Resource) => self.new_resource(attributes, span),
            Some(CallsiteKind::Operation) => self.new_operation(attributes, span),
            Some(CallsiteKind::Span) => self.new_user_span(attributes, span),
            Some(CallsiteKind::Waker | CallsiteKind::PollOp | CallsiteKind::Message) | None => {}
        }
    }

    fn insert(&self, span: &Id, what: SpanData) {
        if let Some(mark) = what.kind() {
            self.index.insert(span.into_u64(), mark);
        }
        self.spans.insert(span, what);
    }

    fn new_resource(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = ResourceFields::default();
        attributes.record(&mut fields);
        let id = next_resource();
        self.insert(span, SpanData::Resource(id));
        record(&self.slot, |thread, shared| thread.new_resource(shared, fields.resource(id)));
    }

    fn new_operation(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = OperationFields::default();
        attributes.record(&mut fields);
        if let Some(word) = fields.0 {
            self.insert(span, SpanData::Operation(word));
        }
    }

    fn new_user_span(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut text = Text::default();
        attributes.record(&mut text);
        let id = next_span();
        self.insert(span, SpanData::Span(id, attributes.metadata()));
        let parent = match attributes.parent() {
            Some(parent) => Parent::Explicit(self.user_span(parent)),
            None if attributes.is_contextual() => Parent::Contextual,
            None => Parent::Explicit(None),
        };
        record(&self.slot, |thread, shared| {
            thread.new_user_span(shared, attributes.metadata(), id, parent, &text.finish());
        });
    }

    /// Fields of a span were given their values.
    pub(crate) fn record_values(&self, span: &Id, values: &Record<'_>) {
        if let Some(id) = self.user_span(span) {
            let mut text = Text::default();
            values.record(&mut text);
            record(&self.slot, |thread, shared| thread.span_fields(shared, id, &text.finish()));
        }
    }

    fn new_task(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut fields = SpawnFields::default();
        attributes.record(&mut fields);
        let Some(task) = fields.task else { return };
        if fields.is_worker_thread() {
            self.insert(span, SpanData::WorkerThread);
            record(&self.slot, |thread, shared| {
                thread.worker_thread_spawned(shared, fields.is_block_in_place());
            });
        } else {
            let task = Task::new(task, fields.kind());
            self.insert(span, SpanData::Task(task.clone()));
            record(&self.slot, |thread, shared| {
                thread.span_spawn(shared, task.clone(), fields.spawn(task.id));
            });
        }
    }

    #[inline]
    pub(crate) fn enter(&self, span: &Id) {
        record(&self.slot, |thread, shared| {
            let id = span.into_u64();
            if thread.enter_again(id) {
                return;
            }
            match self.index.find(id) {
                Some(SpanKind::Task(task)) if thread.enter_first(id, task) => return,
                Some(mark @ (SpanKind::Resource(_) | SpanKind::Operation(_))) => {
                    return thread.span_stack.enter(id, mark, &thread.open);
                }
                Some(SpanKind::Span(own)) => return thread.enter_user_span(shared, id, own),
                Some(SpanKind::Task(_)) | None => {}
            }
            if let Some(of) = self.spans.find(span) {
                thread.enter(shared, id, of);
            }
        });
    }

    #[inline]
    pub(crate) fn exit(&self, span: &Id) {
        record(&self.slot, |thread, shared| {
            // A span of others may have been left, too.
            if !thread.exit(shared, span.into_u64()) && self.spans.find(span).is_some() {
                thread.exit_unknown(shared);
            }
        });
    }

    /// There is one handle more of a span.
    pub(crate) fn clone_handle(&self, span: &Id) {
        self.spans.add_handle(span);
    }

    /// A handle of a span was dropped. Says whether that was the last.
    pub(crate) fn drop_handle(&self, span: &Id) -> bool {
        let Some(of) = self.spans.drop_handle(span) else { return false };
        self.index.remove(span.into_u64());
        match of {
            SpanData::Task(task) => {
                record(&self.slot, |thread, shared| thread.close(shared, &task));
            }
            SpanData::Span(id, _) => {
                record(&self.slot, |thread, shared| thread.close_user_span(shared, id));
            }
            SpanData::WorkerThread | SpanData::Resource(_) | SpanData::Operation(_) => {}
        }
        true
    }

    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>) {
        if let Some(op) = self.wakers.op(event.metadata()) {
            let mut span = WakerSpan::default();
            event.record(&mut span);
            return self.waker_op(op, span);
        }
        match self.filter.kind(event.metadata()) {
            Some(CallsiteKind::Waker) => {
                let mut fields = WakerFields::default();
                event.record(&mut fields);
                let Some(op) = fields.op else { return };
                self.wakers.learn(event.metadata(), op);
                self.waker_op(op, fields.span);
            }
            Some(CallsiteKind::PollOp) => self.poll_op(event),
            Some(CallsiteKind::Message) => self.message(event),
            Some(
                CallsiteKind::Spawn
                | CallsiteKind::Resource
                | CallsiteKind::Operation
                | CallsiteKind::Span,
            )
            | None => {}
        }
    }

    fn message(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        record(&self.slot, |thread, shared| {
            thread.message(shared, event.metadata(), &text.finish());
        });
    }

    /// An operation on a resource was polled.
    fn poll_op(&self, event: &Event<'_>) {
        let mut fields = PollOpFields::default();
        event.record(&mut fields);
        if let Some(name) = fields.pending() {
            record(&self.slot, |thread, shared| thread.operation_pending(shared, name));
        }
    }

    #[inline]
    fn waker_op(&self, op: WakerOp, WakerSpan(span): WakerSpan) {
        let Some(span) = span else { return };
        record(&self.slot, |thread, shared| match op {
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
        match self.mark(span)? {
            SpanKind::Task(id) => Some(id),
            SpanKind::Resource(_) | SpanKind::Operation(_) | SpanKind::Span(_) => None,
        }
    }

    /// What is behind a span, without a lock where that is possible.
    #[inline]
    fn mark(&self, span: &Id) -> Option<SpanKind> {
        self.index.find(span.into_u64()).or_else(|| self.spans.find(span)?.kind())
    }

    /// The innermost span of the program's own that the thread is in.
    pub(crate) fn current(&self) -> Option<(Id, &'static Metadata<'static>)> {
        let mut current = None;
        if self.filter.has_targets() {
            record(&self.slot, |thread, _| current = thread.span_stack.current_span(&thread.open));
        }
        let span = Id::from_u64(current?);
        match self.spans.find(&span)? {
            SpanData::Span(_, metadata) => Some((span, metadata)),
            _ => None,
        }
    }

    /// The span of the program's own behind a span.
    fn user_span(&self, span: &Id) -> Option<SpanId> {
        match self.mark(span)? {
            SpanKind::Span(id) => Some(id),
            SpanKind::Task(_) | SpanKind::Resource(_) | SpanKind::Operation(_) => None,
        }
    }
}
