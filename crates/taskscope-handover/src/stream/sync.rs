//! In place of the recorder's module of this name.

pub(crate) use loom::sync::Arc;
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};

/// Four words.
pub(crate) const RING_BYTES: usize = 32;

/// A place for all odd spans and one for all even ones.
pub(crate) const SPAN_PLACES: usize = 2;

pub(crate) fn zeroed(words: usize) -> Box<[AtomicU64]> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}
