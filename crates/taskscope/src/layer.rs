//! The `tracing_subscriber` layer: hears what Tokio tells through `tracing`,
//! beside the layers of others.

use std::sync::Arc;

use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{Filtered, LevelFilter};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::listener::{Listener, Spans, interest, is_wanted};
use crate::shared::Shared;
use crate::task::{SpanTask, SpanTasks};

/// The layer behind a filter of its own, so that it sees what it needs whatever
/// the layers beside it want, and they see what they would without it.
pub(crate) fn layer<S>(shared: Arc<Shared>) -> Filtered<TaskLayer, TaskFilter, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    TaskLayer { listener: Listener::new(shared) }.with_filter(TaskFilter)
}

/// Lets through the spans of tasks and the events of wakers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskFilter;

impl<S> Filter<S> for TaskFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_wanted(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

#[derive(Debug)]
pub(crate) struct TaskLayer {
    listener: Listener,
}

/// The spans of the registry below, with the task in each one's extensions.
struct InRegistry<'a, S> {
    context: &'a Context<'a, S>,
    recording: u64,
}

impl<S> Spans for InRegistry<'_, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn find(&self, span: &Id) -> Option<SpanTask> {
        let span = self.context.span(span)?;
        let extensions = span.extensions();
        extensions.get::<SpanTasks>()?.of(self.recording).cloned()
    }
}

impl TaskLayer {
    fn spans<'a, S>(&self, context: &'a Context<'a, S>) -> InRegistry<'a, S> {
        InRegistry { context, recording: self.listener.recording() }
    }
}

impl<S> Layer<S> for TaskLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let Some(of) = self.listener.spawned(attributes, id) else { return };
        let recording = self.listener.recording();
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanTasks>() {
            Some(tasks) => tasks.add(recording, of),
            None => extensions.insert(SpanTasks::new(recording, of)),
        }
    }

    fn on_enter(&self, span: &Id, context: Context<'_, S>) {
        self.listener.entered(span, &self.spans(&context));
    }

    fn on_exit(&self, span: &Id, _: Context<'_, S>) {
        self.listener.exited(span);
    }

    fn on_close(&self, span: Id, context: Context<'_, S>) {
        let of = self.spans(&context).find(&span);
        self.listener.closed(&span, of.as_ref());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.listener.event(event, &self.spans(&context));
    }
}
