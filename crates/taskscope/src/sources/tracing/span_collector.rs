//! What Tokio tells through `tracing`, whoever gives the spans their ids: a
//! `Registry` with the [layer](crate::sources::tracing::layer) on it, or the
//! [subscriber](crate::sources::tracing::subscriber) of the recorder's own.

use std::sync::Arc;

use taskscope_format::{SpanId, TaskId};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata};

use crate::sources::tracing::interest::{Sort, Wanted};
use crate::sources::tracing::user_spans::{Parent, Text};
use crate::sources::tracing::visitors::{
    OperationFields, PollOpFields, ResourceFields, SpawnFields, WakerFields, WakerOp, WakerSpan,
};
use crate::sources::tracing::waker_callsites::WakerCallsites;
use crate::tracker::shared::Shared;
use crate::tracker::span_index::SpanIndex;
use crate::tracker::spans::Spans;
use crate::tracker::task::{Mark, Spanned, Task};
use crate::tracker::thread::record;

/// Records what it hears.
#[derive(Debug)]
pub(crate) struct Listener {
    shared: Arc<Shared>,
    wanted: Wanted,
    wakers: WakerCallsites,
    /// What is behind all open spans, and in front of them those that can be found
    /// without a lock.
    spans: Spans,
    index: SpanIndex,
}

impl Listener {
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn new(shared: Arc<Shared>, wanted: Wanted) -> Self {
        Self {
            shared,
            wanted,
            wakers: WakerCallsites::default(),
            spans: Spans::default(),
            index: SpanIndex::new(),
        }
    }

    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    /// A span was made.
    pub(crate) fn made(&self, attributes: &Attributes<'_>, span: &Id) {
        match self.wanted.sort(attributes.metadata()) {
            Some(Sort::Spawn) => self.spawned(attributes, span),
            Some(Sort::Resource) => self.resource_made(attributes, span),
            Some(Sort::Operation) => self.operation_made(attributes, span),
            Some(Sort::Span) => self.span_made(attributes, span),
            Some(Sort::Waker | Sort::PollOp | Sort::Message) | None => {}
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

    fn span_made(&self, attributes: &Attributes<'_>, span: &Id) {
        let mut text = Text::default();
        attributes.record(&mut text);
        let id = self.shared.next_span();
        self.insert(span, Spanned::Span(id, attributes.metadata()));
        let parent = match attributes.parent() {
            Some(parent) => Parent::Explicit(self.own_span(parent)),
            None if attributes.is_contextual() => Parent::Contextual,
            None => Parent::Explicit(None),
        };
        record(&self.shared, |thread, shared| {
            thread.span_made(shared, attributes.metadata(), id, parent, &text.finish());
        });
    }

    /// Fields of a span were given their values.
    pub(crate) fn recorded(&self, span: &Id, values: &Record<'_>) {
        if let Some(id) = self.own_span(span) {
            let mut text = Text::default();
            values.record(&mut text);
            record(&self.shared, |thread, shared| thread.span_fields(shared, id, &text.finish()));
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
                    return thread.inside.enter(id, mark);
                }
                Some(Mark::Span(own)) => return thread.enter_span(shared, id, own),
                Some(Mark::Task(_)) | None => {}
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
        match of {
            Spanned::Task(task) => {
                record(&self.shared, |thread, shared| thread.close(shared, &task));
            }
            Spanned::Span(id, _) => {
                record(&self.shared, |thread, shared| thread.span_closed(shared, id));
            }
            Spanned::WorkerThread | Spanned::Resource(_) | Spanned::Operation(_) => {}
        }
        true
    }

    #[inline]
    pub(crate) fn event(&self, event: &Event<'_>) {
        if let Some(op) = self.wakers.op(event.metadata()) {
            let mut span = WakerSpan::default();
            event.record(&mut span);
            return self.waker_used(op, span);
        }
        match self.wanted.sort(event.metadata()) {
            Some(Sort::Waker) => {
                let mut fields = WakerFields::default();
                event.record(&mut fields);
                let Some(op) = fields.op else { return };
                self.wakers.learn(event.metadata(), op);
                self.waker_used(op, fields.span);
            }
            Some(Sort::PollOp) => self.polled(event),
            Some(Sort::Message) => self.said(event),
            Some(Sort::Spawn | Sort::Resource | Sort::Operation | Sort::Span) | None => {}
        }
    }

    fn said(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        record(&self.shared, |thread, shared| {
            thread.say(shared, event.metadata(), &text.finish());
        });
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
    fn waker_used(&self, op: WakerOp, WakerSpan(span): WakerSpan) {
        let Some(span) = span else { return };
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
        match self.mark(span)? {
            Mark::Task(id) => Some(id),
            Mark::Resource(_) | Mark::Operation(_) | Mark::Span(_) => None,
        }
    }

    /// What is behind a span, without a lock where that is possible.
    #[inline]
    fn mark(&self, span: &Id) -> Option<Mark> {
        self.index.find(span.into_u64()).or_else(|| self.spans.find(span)?.mark())
    }

    /// The innermost span of the program's own that the thread is in.
    pub(crate) fn current(&self) -> Option<(Id, &'static Metadata<'static>)> {
        let mut current = None;
        if self.wanted.has_targets() {
            record(&self.shared, |thread, _| current = thread.inside.current_span());
        }
        let span = Id::from_u64(current?);
        match self.spans.find(&span)? {
            Spanned::Span(_, metadata) => Some((span, metadata)),
            _ => None,
        }
    }

    /// The span of the program's own behind a span.
    fn own_span(&self, span: &Id) -> Option<SpanId> {
        match self.mark(span)? {
            Mark::Span(id) => Some(id),
            Mark::Task(_) | Mark::Resource(_) | Mark::Operation(_) => None,
        }
    }
}
