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

/// The words of a ring, its head and its tail, with the types that try out every order. (The
/// recorder's own has pointers to them.)
#[derive(Debug)]
pub(crate) struct RingMemory {
    words: Box<[AtomicU64]>,
    head: AtomicU64,
    tail: AtomicU64,
}

impl RingMemory {
    pub(crate) fn new(words: usize) -> Self {
        Self { words: zeroed(words), head: AtomicU64::new(0), tail: AtomicU64::new(0) }
    }

    pub(crate) fn words(&self) -> &[AtomicU64] {
        &self.words
    }

    pub(crate) fn head(&self) -> &AtomicU64 {
        &self.head
    }

    pub(crate) fn tail(&self) -> &AtomicU64 {
        &self.tail
    }
}
