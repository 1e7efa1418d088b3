//! Where the sources find the recording that is under way, if one is.
//!
//! Layers, hooks and wrapped futures stay in a program for as long as it runs; recordings begin
//! and end. So a source holds a slot, and the slot the recording. While the slot is empty, an
//! event costs a source two loads.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::Detail;
use crate::fork::warn_of_fork;
use crate::tracker::set_up::SetUp;
use crate::tracker::shared::Shared;

/// What stands in [`Slot::open`] while no recording is under way.
const IDLE: u64 = 0;

/// The place for one recording at a time.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) detail: Detail,
    /// [`Shared::recording`] of the recording under way, or [`IDLE`].
    open: AtomicU64,
    /// How many threads have state of a recording, be it of one that has ended.
    pub(crate) attached: AtomicUsize,
    /// Whether `tracing` is asked for events. A paused recorder does not want any.
    wants_spans: AtomicBool,
    shared: Mutex<Option<Arc<Shared>>>,
    pub(crate) set_up: Arc<SetUp>,
    /// The recorded process. A fork of it has all this, and no writer thread.
    process: u32,
}

impl Slot {
    pub(crate) fn new(detail: Detail) -> Self {
        Self {
            detail,
            open: AtomicU64::new(IDLE),
            attached: AtomicUsize::new(0),
            wants_spans: AtomicBool::new(true),
            shared: Mutex::new(None),
            set_up: Arc::default(),
            process: std::process::id(),
        }
    }

    /// Lets the sources write into this recording.
    pub(crate) fn open(&self, shared: Arc<Shared>) {
        let mut place = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let number = shared.recording;
        *place = Some(shared);
        self.open.store(number, Ordering::Release);
    }

    /// No event is taken any more. Threads let go what they have of the recording when they
    /// next come by.
    pub(crate) fn close(&self) {
        self.open.store(IDLE, Ordering::Release);
        if !self.is_forked() {
            *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }

    /// The number of the recording under way, 0 if none is.
    #[inline]
    pub(crate) fn current(&self) -> u64 {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.current() != IDLE
    }

    /// Whether there is neither a recording nor anything left of one.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == IDLE && self.attached.load(Ordering::Relaxed) == 0
    }

    pub(crate) fn shared(&self) -> Option<Arc<Shared>> {
        // Whether a lock was held when the process was forked is not known.
        if self.is_forked() {
            if self.is_open() {
                warn_of_fork();
            }
            return None;
        }
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[inline]
    pub(crate) fn wants_spans(&self) -> bool {
        self.wants_spans.load(Ordering::Relaxed)
    }

    /// Asks `tracing` for events, or for none. Says whether that is a change.
    pub(crate) fn set_wants_spans(&self, wants: bool) -> bool {
        self.wants_spans.swap(wants, Ordering::Relaxed) != wants
    }

    pub(crate) fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }
}
