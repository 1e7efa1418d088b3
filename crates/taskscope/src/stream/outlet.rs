//! The writer's end of a stream, and how it learns of new ones.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use taskscope_format::ThreadId;

use super::ring::Consumer;

/// The streams that the writer does not know yet. A thread adds to them when it begins, and when its
/// first ring has become too small for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewStreams(Arc<Mutex<Vec<Outlet>>>);

impl NewStreams {
    /// Nothing that is done under this lock leaves half a change behind, so a panic elsewhere is no
    /// reason to stop.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Outlet>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one without waiting: a thread that is being recorded does not.
    pub(super) fn try_add<T>(&self, make: impl FnOnce() -> (Outlet, T)) -> Option<T> {
        let mut streams = match self.0.try_lock() {
            Ok(streams) => streams,
            Err(TryLockError::Poisoned(streams)) => streams.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let (outlet, other_end) = make();
        streams.push(outlet);
        Some(other_end)
    }

    pub(crate) fn take(&self, into: &mut Vec<Outlet>) {
        into.append(&mut self.lock());
    }
}

/// What the two ends of a ring share beside the bytes.
#[derive(Debug, Default)]
pub(crate) struct Link {
    /// How often the writer has emptied the ring.
    pub(crate) generation: AtomicU32,
    /// Events dropped and not yet recorded in the stream, and when the first
    /// was. The writer records them if the thread never comes to it.
    pub(crate) dropped: AtomicU64,
    pub(crate) dropped_since: AtomicU64,
    /// All events ever dropped here, and when the first and the last were.
    pub(crate) dropped_in_all: AtomicU64,
    pub(crate) first_dropped: AtomicU64,
    pub(crate) last_dropped: AtomicU64,
    /// The thread has gone on to a larger ring.
    pub(super) has_grown: AtomicBool,
}

/// The writer's end of a stream.
#[derive(Debug)]
pub(crate) struct Outlet {
    pub(crate) thread: ThreadId,
    /// The thread's name, empty where it has none.
    pub(crate) name: String,
    pub(crate) bytes: Consumer,
    pub(crate) link: Arc<Link>,
    pub(super) synced_at: Arc<AtomicU64>,
    pub(super) is_first: bool,
}

/// What there is to be taken from a ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sealed {
    /// Bytes in front of a sync: what was written while the last block was
    /// taken. They make a block of their own, so that the rest can be
    /// understood by itself.
    pub(crate) before_sync: usize,
    /// All others.
    pub(crate) rest: usize,
}

impl Outlet {
    /// Whether nothing comes from here any more, and all that came has been taken. Then it is also
    /// known whether the thread goes on in another ring.
    pub(crate) fn has_ended(&self) -> bool {
        self.bytes.is_abandoned() && self.bytes.len() == 0
    }

    /// Whether the thread goes on in another ring, which [`NewStreams`] has.
    pub(crate) fn goes_on(&self) -> bool {
        self.is_first && self.link.has_grown.load(Ordering::Acquire)
    }

    /// How many bytes there are to be taken. What comes behind them will begin
    /// with a sync, but for a record or two that the thread is writing at this
    /// very moment.
    pub(crate) fn seal(&self) -> Sealed {
        let bytes = self.bytes.len();
        if bytes == 0 {
            return Sealed::default();
        }
        // Asked before (so released by) what makes the thread write the next one.
        let sync = self.synced_at.load(Ordering::Relaxed);
        self.link.generation.fetch_add(1, Ordering::Release);
        let before = sync.saturating_sub(self.bytes.taken_in_all());
        let before_sync = usize::try_from(before).ok().filter(|before| *before < bytes);
        let before_sync = before_sync.unwrap_or(0);
        Sealed { before_sync, rest: bytes - before_sync }
    }
}
