//! What is shared between threads without a lock, and how large it is.
//!
//! [`ring`](crate::stream::ring) and [`span_index`](crate::tracker::span_index) take all of it from
//! here, so that `crates/taskscope-handover` can compile them with types that try
//! out every order, and small enough for that.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};

pub(crate) use super::memory::RingMemory;

/// Bytes in the ring that a thread begins with. Most threads of most programs say little.
pub(crate) const FIRST_RING_BYTES: usize = 1 << 14;

/// Bytes in the ring of a thread that has more to say. Pages that are never used cost nothing, and
/// the writer comes by before it is full even at 10 million events a second.
pub(crate) const RING_BYTES: usize = 1 << 20;

/// Spans that have a place in an index: more than most programs have tasks at a
/// time. A place has 16 bytes, and costs no memory until it is used.
pub(crate) const SPAN_PLACES: usize = 1 << 16;

/// So many zeros, from pages that the operating system zeroes when they are first
/// used.
pub(crate) fn zeroed(words: usize) -> Box<[AtomicU64]> {
    bytemuck::zeroed_slice_box(words)
}
