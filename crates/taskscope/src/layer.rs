//! The `tracing_subscriber` layer: hears what Tokio tells through `tracing`.

use std::sync::Arc;

use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::filter::{Filtered, LevelFilter};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::fields::{SpawnFields, WakerFields, WakerOp};
use crate::shared::Shared;
use crate::task::{SpanTask, SpanTasks, Task};
use crate::thread::record;

/// The layer behind a filter of its own, so that it sees what it needs whatever
/// the layers beside it want, and they see what they would without it.
pub(crate) fn beside_others<S>(shared: Arc<Shared>) -> Filtered<TaskLayer, TaskFilter, S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    TaskLayer { shared }.with_filter(TaskFilter)
}

/// The layer for a subscriber that holds nothing else. It decides for all what
/// is enabled, which spares asking at each event whether it is for this layer.
pub(crate) fn alone(shared: Arc<Shared>) -> TaskLayer {
    TaskLayer { shared }
}

/// Lets through the spans of tasks and the events of wakers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TaskFilter;

fn is_wanted(metadata: &Metadata<'_>) -> bool {
    match metadata.target() {
        "tokio::task" | "tokio::task::blocking" => metadata.name() == "runtime.spawn",
        "tokio::task::waker" => metadata.is_event(),
        _ => false,
    }
}

impl<S> Filter<S> for TaskFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        is_wanted(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }
}

#[derive(Debug)]
pub(crate) struct TaskLayer {
    shared: Arc<Shared>,
}

impl TaskLayer {
    /// Hands over what is known of the task behind a span; nothing for a span
    /// made before this recording, and for one that has closed.
    fn with_task<S>(&self, context: &Context<'_, S>, span: &Id, then: impl FnOnce(&SpanTask))
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = context.span(span) else { return };
        let extensions = span.extensions();
        let tasks = extensions.get::<SpanTasks>();
        if let Some(task) = tasks.and_then(|tasks| tasks.of(self.shared.recording)) {
            then(task);
        }
    }
}

impl<S> Layer<S> for TaskLayer
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // These two are for the layer alone. Behind the filter they agree with it.
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_wanted(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_wanted(metadata)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, context: Context<'_, S>) {
        let mut fields = SpawnFields::default();
        attributes.record(&mut fields);
        let Some(span) = context.span(span) else { return };
        let Some(task) = fields.task else { return };
        let of = if fields.is_worker_thread() {
            record(&self.shared, |thread, _, now| {
                thread.worker_thread_spawned(now, fields.is_block_in_place());
            });
            SpanTask::WorkerThread
        } else {
            let task = Task::new(task, fields.kind());
            record(&self.shared, |thread, shared, now| {
                thread.span_spawn(shared, now, &task, fields.spawn(task.id));
            });
            SpanTask::Task(task)
        };
        let recording = self.shared.recording;
        let mut extensions = span.extensions_mut();
        match extensions.get_mut::<SpanTasks>() {
            Some(tasks) => tasks.add(recording, of),
            None => extensions.insert(SpanTasks::new(recording, of)),
        }
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        record(&self.shared, |thread, shared, now| {
            let span = id.into_u64();
            if thread.enter_again(span) {
                return;
            }
            self.with_task(&context, id, |of| thread.enter(shared, now, span, of));
        });
    }

    fn on_exit(&self, id: &Id, _: Context<'_, S>) {
        record(&self.shared, |thread, shared, now| thread.exit(shared, now, id.into_u64()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        self.with_task(&context, &id, |of| {
            record(&self.shared, |thread, shared, now| thread.close(shared, now, of));
        });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = WakerFields::default();
        event.record(&mut fields);
        let (Some(op), Some(id)) = (fields.op, fields.span) else { return };
        record(&self.shared, |thread, shared, now| match op {
            WakerOp::Clone => thread.waker_cloned(id.into_u64()),
            WakerOp::Drop => thread.waker_dropped(),
            WakerOp::Wake(op) => match thread.running_with_span(id.into_u64()) {
                Some(task) => thread.wake(shared, now, task, op),
                None => self.with_task(&context, &id, |of| {
                    if let SpanTask::Task(task) = of {
                        thread.wake(shared, now, task.id, op);
                    }
                }),
            },
        });
    }
}
