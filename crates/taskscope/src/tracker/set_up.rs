//! What the program has set up to be recorded by, and what has come of it.
//!
//! `output/checkup.rs` draws the conclusions.

use std::sync::atomic::{AtomicBool, Ordering};

/// Which sources the program has set up, since its recorder was made.
#[derive(Debug, Default)]
pub(crate) struct SetUp {
    /// `layer()` was called.
    pub(crate) layer: Once,
    /// A subscriber in which the layer stands is ready.
    pub(crate) layer_in_subscriber: Once,
    /// `subscriber()` was called.
    pub(crate) subscriber: Once,
    /// Hooks were put on a runtime's builder, or handed out.
    pub(crate) hooks: Once,
}

/// Something that has happened, or not yet. Relaxed: whoever asks can wait.
#[derive(Debug, Default)]
pub(crate) struct Once(AtomicBool);

impl Once {
    #[inline]
    pub(crate) fn note(&self) {
        // So that those who note it again and again share the line of cache.
        if !self.is_so() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(crate) fn is_so(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
