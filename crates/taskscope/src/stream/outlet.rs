//! The writer's end of a stream, and how it learns of new ones.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use taskscope_format::ThreadId;

use super::memory::RingSource;
use super::ring::{Consumer, Producer, ring_in};
use super::sync::{FIRST_RING_BYTES, RING_BYTES, RingMemory};

/// The streams that the writer does not know yet. A thread adds to them when it begins, and when its
/// first ring has become too small for it.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewStreams {
    outlets: Arc<Mutex<Vec<Outlet>>>,
    /// Where rings come from, if not from the process's own memory.
    rings: Option<Arc<dyn RingSource>>,
}

impl NewStreams {
    /// Streams whose rings come from `rings`, while it has some.
    pub(crate) fn with_rings(rings: Option<Arc<dyn RingSource>>) -> Self {
        Self { rings, ..Self::default() }
    }

    /// A ring for a thread whose stream has `offset` bytes so far.
    pub(super) fn ring(
        &self,
        thread: ThreadId,
        is_first: bool,
        offset: u64,
    ) -> (Producer, Consumer) {
        let bytes = if is_first { FIRST_RING_BYTES } else { RING_BYTES };
        let words = bytes / size_of::<u64>();
        let memory = self.rings.as_ref().and_then(|rings| rings.take(thread, is_first, offset));
        ring_in(memory.unwrap_or_else(|| RingMemory::new(words)), offset)
    }

    /// Nothing that is done under this lock leaves half a change behind, so a panic elsewhere is no
    /// reason to stop.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Vec<Outlet>> {
        self.outlets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds one without waiting: a thread that is being recorded does not.
    pub(super) fn try_add<T>(&self, make: impl FnOnce() -> (Outlet, T)) -> Option<T> {
        let mut streams = match self.outlets.try_lock() {
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
    /// How many rings the thread has had before the one that it has now.
    pub(super) rings_before: AtomicU32,
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
    /// How many rings the thread had before this one.
    pub(super) ring: u32,
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
        self.link.rings_before.load(Ordering::Acquire) > self.ring
    }

    /// How many bytes there are to be taken. What comes behind them will begin
    /// with a sync, but for a record or two that the thread is writing at this
    /// very moment.
    pub(crate) fn seal(&mut self) -> Sealed {
        if self.bytes.memory().keeper().is_lost() {
            // What of it is right is unknown. The thread goes on in another ring.
            self.bytes.discard();
            self.link.generation.fetch_add(1, Ordering::Release);
            return Sealed::default();
        }
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
