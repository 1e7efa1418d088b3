//! The `tracing_subscriber` layer: hears what Tokio tells through `tracing`,
//! beside the layers of others.

use std::any::TypeId;
use std::sync::Arc;

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::filter::{Filtered, LevelFilter};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::sources::tracing::filter_check;
use crate::sources::tracing::interest::CallsiteFilter;
use crate::sources::tracing::span_collector::SpanCollector;
use crate::tracker::shared::Shared;

/// The layer behind a filter of its own, so that it sees what it needs whatever
/// the layers beside it want, and they see what they would without it.
///
/// Without a recording it wants nothing. (`Option` is a layer, too, but one that
/// isn't told when its subscriber is ready.)
pub(crate) fn layer<S>(recording: Option<(Arc<Shared>, CallsiteFilter)>) -> Beside<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let callsites = recording.as_ref().map(|(_, callsites)| callsites.clone());
    let collector = recording.map(|(shared, callsites)| SpanCollector::new(shared, callsites));
    let filter = TaskFilter { callsites };
    Beside(TaskLayer { collector }.with_filter(filter))
}

/// Lets through what the recorder has a use for.
#[derive(Clone, Debug)]
pub(crate) struct TaskFilter {
    callsites: Option<CallsiteFilter>,
}

impl<S> Filter<S> for TaskFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.callsites.as_ref().is_some_and(|callsites| callsites.kind(metadata).is_some())
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.callsites
            .as_ref()
            .map_or_else(Interest::never, |callsites| callsites.interest(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(if self.callsites.is_some() { LevelFilter::TRACE } else { LevelFilter::OFF })
    }
}

#[derive(Debug)]
pub(crate) struct TaskLayer {
    collector: Option<SpanCollector>,
}

impl<S: Subscriber> Layer<S> for TaskLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.new_span(attributes, span);
        }
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.record_values(span, values);
        }
    }

    fn on_enter(&self, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.enter(span);
        }
    }

    fn on_exit(&self, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.exit(span);
        }
    }

    fn on_close(&self, span: Id, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.drop_handle(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(collector) = &self.collector {
            collector.event(event);
        }
    }
}

/// A [`Filtered`] layer without its look-ups.
///
/// Whenever a span is entered or left, `Filtered` looks it up in the registry to
/// ask whether it is for the layer. The layer knows that itself, and mostly at
/// once. The two look-ups took 55 ns of each poll, as much as all the rest of
/// recording it. So these two calls go past the filter, and all others through.
#[derive(Debug)]
pub(crate) struct Beside<S>(Filtered<TaskLayer, TaskFilter, S>);

impl<S> Layer<S> for Beside<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_enter(&self, span: &Id, context: Context<'_, S>) {
        self.0.inner().on_enter(span, context);
    }

    fn on_exit(&self, span: &Id, context: Context<'_, S>) {
        self.0.inner().on_exit(span, context);
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        if let Some(collector) = &self.0.inner().collector {
            filter_check::look_into(collector.shared(), subscriber);
        }
        self.0.on_register_dispatch(subscriber);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        self.0.on_layer(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.0.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.0.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.0.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, context: Context<'_, S>) {
        self.0.on_new_span(attributes, span, context);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.0.on_record(span, values, context);
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        self.0.on_follows_from(span, follows, context);
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        self.0.event_enabled(event, context)
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.0.on_event(event, context);
    }

    fn on_close(&self, span: Id, context: Context<'_, S>) {
        self.0.on_close(span, context);
    }

    fn on_id_change(&self, old: &Id, new: &Id, context: Context<'_, S>) {
        self.0.on_id_change(old, new, context);
    }

    // Whoever stacks layers asks by this whether one has a filter of its own.
    #[expect(unsafe_code, reason = "the trait's method is unsafe to call, and to pass on")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        // SAFETY: what the caller promises is what the callee asks for. The
        // answer points into a field of `self`.
        unsafe { self.0.downcast_raw(id) }
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;
    use tracing_subscriber::registry;

    use super::*;

    /// Run by Miri too, since what comes back are pointers.
    #[test]
    fn what_is_asked_for_by_type_is_found_behind_the_layer() {
        let dispatch = Dispatch::from(registry().with(layer(None)));
        let filter = dispatch.downcast_ref::<TaskFilter>();
        assert!(filter.is_some_and(|filter| filter.callsites.is_none()));
        let layer = dispatch.downcast_ref::<TaskLayer>();
        assert!(layer.is_some_and(|layer| layer.collector.is_none()));
        assert!(dispatch.downcast_ref::<SpanCollector>().is_none());
    }
}
