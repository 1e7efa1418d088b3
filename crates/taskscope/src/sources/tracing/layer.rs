//! The `tracing_subscriber` layer: takes in what Tokio reports through `tracing`,
//! beside the layers of others.

use std::any::TypeId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Metadata, Subscriber};
use tracing_subscriber::filter::{Filtered, LevelFilter};
use tracing_subscriber::layer::{Context, Filter, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::sources::tracing::filter_check;
use crate::sources::tracing::interest::CallsiteFilter;
use crate::sources::tracing::span_collector::{self, SpanCollector};
use crate::tracker::slot::Slot;

/// A layer that records, from [`Recording::layer`](crate::Recording::layer).
///
/// `S` is the subscriber that it stands on, as for any `tracing_subscriber` layer; the compiler
/// infers it. A field or a return type can name it:
///
/// ```
/// use taskscope::{Recording, TaskLayer};
/// use tracing_subscriber::{Registry, layer::SubscriberExt};
///
/// fn layer(recording: &Recording) -> TaskLayer<Registry> {
///     recording.layer()
/// }
/// # let recording = taskscope::Recorder::builder().file("/dev/null").start();
/// # let recording = recording.unwrap();
/// let subscriber = tracing_subscriber::registry().with(layer(&recording));
/// ```
///
/// It stands behind a filter of its own, so that it receives what it needs also if the layers
/// beside it want less, and they receive what they would without it. Of two layers of one recorder in
/// the same subscriber, one records.
#[derive(Debug)]
pub struct TaskLayer<S> {
    // `Filtered` looks a span up in the registry whenever it is entered or left, to ask whether
    // it is for the layer. The layer knows that itself, and mostly at once. The two look-ups took
    // 55 ns of each poll, as much as all the rest of recording it. So these two calls go past the
    // filter, and all others through it.
    filtered: Filtered<Inner, TaskFilter, S>,
}

impl<S> TaskLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    /// Without a recording the layer wants nothing. (`Option` is a layer, too, but one that is
    /// not called when its subscriber is ready.)
    pub(crate) fn new(source: Option<(Arc<Slot>, CallsiteFilter)>) -> Self {
        let filter = TaskFilter { source: source.clone() };
        let collector = source.map(|(slot, callsites)| SpanCollector::new(slot, callsites));
        let inner = Inner { collector, is_duplicate: AtomicBool::new(false) };
        Self { filtered: inner.with_filter(filter) }
    }
}

/// Lets through what the recorder has a use for.
#[derive(Clone, Debug)]
pub(crate) struct TaskFilter {
    source: Option<(Arc<Slot>, CallsiteFilter)>,
}

impl<S> Filter<S> for TaskFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        filter_check::note_question(metadata);
        let wants = |(slot, callsites): &(Arc<Slot>, CallsiteFilter)| {
            slot.wants_spans() && callsites.kind(metadata).is_some()
        };
        self.source.as_ref().is_some_and(wants)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        let Some((slot, callsites)) = &self.source else { return Interest::never() };
        span_collector::interest(slot, callsites, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let level = |(slot, _): &(Arc<Slot>, CallsiteFilter)| span_collector::max_level(slot);
        Some(self.source.as_ref().map_or(LevelFilter::OFF, level))
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    collector: Option<SpanCollector>,
    /// Another layer of the same recorder stands in the same subscriber, and records.
    is_duplicate: AtomicBool,
}

impl Inner {
    #[inline]
    fn collector(&self) -> Option<&SpanCollector> {
        self.collector.as_ref().filter(|_| !self.is_duplicate.load(Ordering::Relaxed))
    }
}

impl<S: Subscriber> Layer<S> for Inner {
    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.new_span(attributes, span);
        }
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.record_values(span, values);
        }
    }

    fn on_enter(&self, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.enter(span);
        }
    }

    fn on_exit(&self, span: &Id, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.exit(span);
        }
    }

    fn on_close(&self, span: Id, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.drop_handle(&span);
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(collector) = self.collector() {
            collector.event(event);
        }
    }
}

impl<S> Layer<S> for TaskLayer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_enter(&self, span: &Id, context: Context<'_, S>) {
        self.filtered.inner().on_enter(span, context);
    }

    fn on_exit(&self, span: &Id, context: Context<'_, S>) {
        self.filtered.inner().on_exit(span, context);
    }

    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        let inner = self.filtered.inner();
        if let Some(collector) = &inner.collector {
            // The first that is found is the one that records.
            let first = subscriber.downcast_ref::<Inner>();
            let is_duplicate = first.is_some_and(|first| {
                !std::ptr::eq(first, inner)
                    && first
                        .collector
                        .as_ref()
                        .is_some_and(|other| Arc::ptr_eq(other.slot(), collector.slot()))
            });
            inner.is_duplicate.store(is_duplicate, Ordering::Relaxed);
            collector.slot().set_up.layer_in_subscriber.note();
            filter_check::look_into(collector.slot(), subscriber);
        }
        self.filtered.on_register_dispatch(subscriber);
    }

    fn on_layer(&mut self, subscriber: &mut S) {
        self.filtered.on_layer(subscriber);
    }

    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.filtered.register_callsite(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>, context: Context<'_, S>) -> bool {
        self.filtered.enabled(metadata, context)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        self.filtered.max_level_hint()
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, span: &Id, context: Context<'_, S>) {
        self.filtered.on_new_span(attributes, span, context);
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        self.filtered.on_record(span, values, context);
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, context: Context<'_, S>) {
        self.filtered.on_follows_from(span, follows, context);
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        self.filtered.event_enabled(event, context)
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        self.filtered.on_event(event, context);
    }

    fn on_close(&self, span: Id, context: Context<'_, S>) {
        self.filtered.on_close(span, context);
    }

    fn on_id_change(&self, old: &Id, new: &Id, context: Context<'_, S>) {
        self.filtered.on_id_change(old, new, context);
    }

    // `tracing_subscriber` asks by this whether a layer has a filter of its own.
    #[expect(unsafe_code, reason = "the trait's method is unsafe to call, and to pass on")]
    unsafe fn downcast_raw(&self, id: TypeId) -> Option<*const ()> {
        // SAFETY: what the caller promises is what the callee asks for. The
        // answer points into a field of `self`.
        unsafe { self.filtered.downcast_raw(id) }
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
        let dispatch = Dispatch::from(registry().with(TaskLayer::new(None)));
        let filter = dispatch.downcast_ref::<TaskFilter>();
        assert!(filter.is_some_and(|filter| filter.source.is_none()));
        let layer = dispatch.downcast_ref::<Inner>();
        assert!(layer.is_some_and(|layer| layer.collector.is_none()));
        assert!(dispatch.downcast_ref::<SpanCollector>().is_none());
    }
}
