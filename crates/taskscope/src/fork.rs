//! A process that was forked from the recorded one.
//!
//! It has all the memory of its parent and none of its threads: nothing writes what is recorded,
//! and any lock may be held for ever. So nothing is recorded in it.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::stderr::warn_without_lock;

/// Says, once, that nothing is recorded in this process.
#[cold]
pub(crate) fn warn_of_fork() {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) {
        warn_without_lock(
            &"this process was forked after its recorder had been started, and nothing is \
              recorded in it: start the recorder after the fork, as with `taskscope::init()` after \
              `daemon()`",
        );
    }
}
