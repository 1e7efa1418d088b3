//! A `tracing` subscriber of the recorder's own, for programs that have none.
//!
//! It wants nothing but Tokio's spans of tasks and events of wakers. All others
//! are switched off where they stand, which costs them what they cost without a
//! subscriber. A `Registry` would keep, for each span and each thread, what its
//! layers may ask for; here a span is a number, a count of its handles, and the
//! task.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

use crate::listener::{Listener, Spans, interest, is_wanted};
use crate::shared::Shared;
use crate::task::SpanTask;

/// The subscriber.
#[derive(Debug)]
pub(crate) struct TaskSubscriber {
    listener: Listener,
    spans: OwnSpans,
}

impl TaskSubscriber {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { listener: Listener::new(shared), spans: OwnSpans::default() }
    }
}

impl Subscriber for TaskSubscriber {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        interest(metadata)
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_wanted(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::TRACE)
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let span = self.spans.next_id();
        if let Some(of) = self.listener.spawned(attributes, &span) {
            self.spans.insert(&span, of);
        }
        span
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.listener.event(event, &self.spans);
    }

    fn enter(&self, span: &Id) {
        self.listener.entered(span, &self.spans);
    }

    fn exit(&self, span: &Id) {
        self.listener.exited(span, &self.spans);
    }

    fn clone_span(&self, span: &Id) -> Id {
        self.spans.add_handle(span);
        span.clone()
    }

    fn try_close(&self, span: Id) -> bool {
        let Some(of) = self.spans.drop_handle(&span) else { return false };
        self.listener.closed(&span, Some(&of));
        true
    }
}

/// The open spans. An id is never given twice.
#[derive(Debug, Default)]
struct OwnSpans {
    given: AtomicU64,
    /// Several, so that threads that spawn at the same time seldom meet. No
    /// poll and no wake comes here but those of tasks without hooks, and of the
    /// few that have no place in the index.
    shards: [Mutex<Shard>; 16],
}

type Shard = HashMap<u64, OpenSpan>;

#[derive(Debug)]
struct OpenSpan {
    of: SpanTask,
    handles: usize,
}

impl OwnSpans {
    fn next_id(&self) -> Id {
        Id::from_u64(1 + self.given.fetch_add(1, Ordering::Relaxed))
    }

    /// Nothing is called while this is locked, so nothing can panic and there is
    /// no other lock to wait for.
    fn shard(&self, span: &Id) -> MutexGuard<'_, Shard> {
        let shard = span.into_u64() as usize % self.shards.len();
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, span: &Id, of: SpanTask) {
        self.shard(span).insert(span.into_u64(), OpenSpan { of, handles: 1 });
    }

    fn add_handle(&self, span: &Id) {
        if let Some(open) = self.shard(span).get_mut(&span.into_u64()) {
            open.handles += 1;
        }
    }

    /// Returns what was kept with the span, if that was its last handle.
    fn drop_handle(&self, span: &Id) -> Option<SpanTask> {
        let mut shard = self.shard(span);
        let open = shard.get_mut(&span.into_u64())?;
        open.handles -= 1;
        if open.handles > 0 {
            return None;
        }
        shard.remove(&span.into_u64()).map(|open| open.of)
    }
}

impl Spans for OwnSpans {
    fn find(&self, span: &Id) -> Option<SpanTask> {
        self.shard(span).get(&span.into_u64()).map(|open| open.of.clone())
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::{TaskId, TaskKind};

    use super::*;
    use crate::task::Task;

    #[test]
    fn a_span_is_open_until_its_last_handle_is_dropped() {
        let spans = OwnSpans::default();
        let (first, second) = (spans.next_id(), spans.next_id());
        assert_ne!(first, second);
        spans.insert(&first, SpanTask::Task(Task::new(TaskId(1), TaskKind::Task)));
        spans.add_handle(&first);
        assert!(spans.drop_handle(&first).is_none());
        assert!(spans.find(&first).is_some());
        assert!(spans.drop_handle(&first).is_some());
        assert!(spans.find(&first).is_none() && spans.drop_handle(&first).is_none());
    }
}
