//! A `tracing` subscriber of the recorder's own, for programs that have none.
//!
//! It wants nothing but Tokio's spans of tasks and resources, a few events, and what
//! the program asks to be recorded along. All others
//! are switched off where they stand, which costs them what they cost without a
//! subscriber. A `Registry` would keep, for each span and each thread, what its
//! layers may ask for; here a span is a number, a count of its handles, and what is
//! behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

use crate::sources::tracing::interest::CallsiteFilter;
use crate::sources::tracing::span_collector::SpanCollector;
use crate::tracker::slot::Slot;

/// The subscriber.
#[derive(Debug)]
pub(crate) struct TaskSubscriber {
    collector: SpanCollector,
    /// How many spans there have been. No id is ever given twice.
    spans: AtomicU64,
}

impl TaskSubscriber {
    pub(crate) fn new(slot: Arc<Slot>, callsites: CallsiteFilter) -> Self {
        Self { collector: SpanCollector::new(slot, callsites), spans: AtomicU64::new(0) }
    }
}

impl Subscriber for TaskSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        self.collector.interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.collector.wants(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.collector.max_level())
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let span = Id::from_u64(1 + self.spans.fetch_add(1, Ordering::Relaxed));
        self.collector.new_span(attributes, &span);
        span
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.collector.record_values(span, values);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.collector.event(event);
    }

    fn enter(&self, span: &Id) {
        self.collector.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.collector.exit(span);
    }

    /// `Span::current()` asks for it.
    fn current_span(&self) -> Current {
        match self.collector.current() {
            Some((span, metadata)) => Current::new(span, metadata),
            None => Current::none(),
        }
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.collector.clone_handle(span);
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        self.collector.drop_handle(&span)
    }
}
