//! The open spans of Tokio's, and the data attached to each.
//!
//! A `Registry` has a place for such things, the extensions of a span. Finding
//! it there takes twice as long as here, and a span with an extension takes three
//! times the memory.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tracing::span::Id;

use crate::tracker::task::SpanData;

/// The spans of one subscriber that are open.
#[derive(Debug, Default)]
pub(crate) struct Spans {
    /// Several, so that threads that spawn at the same time seldom meet. No poll
    /// and no wake comes here but those of tasks without hooks, and of the few
    /// that have no place in the [index](crate::tracker::span_index).
    shards: [Mutex<Shard>; SHARDS],
}

const SHARDS: usize = 16;

type Shard = HashMap<u64, OpenSpan, BuildHasherDefault<SpanHasher>>;

#[derive(Debug)]
struct OpenSpan {
    of: SpanData,
    handles: usize,
}

impl Spans {
    /// Nothing is called while this is locked, so nothing can panic and there is
    /// no other lock to wait for.
    fn shard(&self, span: &Id) -> MutexGuard<'_, Shard> {
        let shard = span.into_u64() as usize % SHARDS;
        self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new span, with one handle.
    pub(crate) fn insert(&self, span: &Id, of: SpanData) {
        self.shard(span).insert(span.into_u64(), OpenSpan { of, handles: 1 });
    }

    pub(crate) fn add_handle(&self, span: &Id) {
        if let Some(open) = self.shard(span).get_mut(&span.into_u64()) {
            open.handles += 1;
        }
    }

    /// Returns what was kept with the span, if that was its last handle.
    pub(crate) fn drop_handle(&self, span: &Id) -> Option<SpanData> {
        let mut shard = self.shard(span);
        let open = shard.get_mut(&span.into_u64())?;
        open.handles -= 1;
        if open.handles > 0 {
            return None;
        }
        shard.remove(&span.into_u64()).map(|open| open.of)
    }

    /// What is behind a span; nothing for one that was made before this recording,
    /// one that isn't wanted, and one that has closed.
    pub(crate) fn find(&self, span: &Id) -> Option<SpanData> {
        self.shard(span).get(&span.into_u64()).map(|open| open.of.clone())
    }
}

/// For ids that no user can choose: spreads them over all bits, and no more.
#[derive(Debug, Default)]
struct SpanHasher(u64);

impl Hasher for SpanHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 << 8 | u64::from(*byte));
        }
    }

    fn write_u64(&mut self, id: u64) {
        // Those of a shard have the lowest bits in common.
        self.0 = (id / SHARDS as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::{TaskId, TaskKind};

    use super::*;
    use crate::tracker::task::Task;

    #[test]
    fn a_span_is_open_until_its_last_handle_is_dropped() {
        let spans = Spans::default();
        let first = Id::from_u64(1);
        spans.insert(&first, SpanData::Task(Task::new(TaskId(1), TaskKind::Task)));
        spans.add_handle(&first);
        assert!(spans.drop_handle(&first).is_none());
        assert!(spans.find(&first).is_some());
        assert!(spans.drop_handle(&first).is_some());
        assert!(spans.find(&first).is_none() && spans.drop_handle(&first).is_none());
    }
}
