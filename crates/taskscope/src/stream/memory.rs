//! Where a ring's bytes and its two counts live: in memory of the process, or in a black box.
//!
//! A black box is a file that is mapped into memory. What a thread stores there stays when the
//! process dies, so that a ring in a black box loses nothing. To the ring it is all the same: words
//! that two threads share. So this holds pointers to them, and what keeps them valid.

use std::fmt::Debug;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use taskscope_format::{Nanos, ThreadId};

/// Keeps a ring's memory. It goes when both ends of the ring have gone.
pub(crate) trait Keeper: Debug + Send + Sync {
    /// Whether nothing that is put can be relied on any more.
    fn is_lost(&self) -> bool {
        false
    }

    /// Keeps what the thread has dropped and could not write into its stream, of which it had put
    /// `at` bytes.
    fn dropped(&self, _count: u64, _since: Nanos, _last: Nanos, _at: u64) {}
}

/// Gives threads rings that outlive the process, as long as there are some.
pub(crate) trait RingSource: Debug + Send + Sync {
    /// A ring for a thread whose stream has `offset` bytes so far, the first of its rings or a
    /// larger one. Neither blocks nor waits.
    fn take(&self, thread: ThreadId, is_first: bool, offset: u64) -> Option<RingMemory>;
}

/// The words of a ring, its head and its tail.
#[derive(Debug)]
pub(crate) struct RingMemory {
    words: NonNull<[AtomicU64]>,
    head: NonNull<AtomicU64>,
    tail: NonNull<AtomicU64>,
    keeper: Arc<dyn Keeper>,
}

#[derive(Debug)]
struct Heap {
    words: Box<[AtomicU64]>,
    /// Apart from each other, as two threads write them.
    head: Apart,
    tail: Apart,
}

impl Keeper for Heap {}

#[derive(Debug, Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

impl RingMemory {
    /// Memory of the process, all of it zero.
    pub(crate) fn new(words: usize) -> Self {
        let heap = Heap {
            words: super::sync::zeroed(words),
            head: Apart::default(),
            tail: Apart::default(),
        };
        let heap = Arc::new(heap);
        let (words, head, tail) =
            (NonNull::from(&*heap.words), NonNull::from(&heap.head.0), NonNull::from(&heap.tail.0));
        #[expect(unsafe_code, reason = "see the module")]
        // SAFETY: all three lie in `heap`, whose contents stay where they are while it lives.
        unsafe {
            Self::from_parts(words, head, tail, heap)
        }
    }

    /// Memory that `keeper` keeps.
    ///
    /// # Safety
    /// The pointers must be valid for shared references for as long as `keeper` lives.
    #[expect(unsafe_code, reason = "see the module")]
    pub(crate) unsafe fn from_parts(
        words: NonNull<[AtomicU64]>,
        head: NonNull<AtomicU64>,
        tail: NonNull<AtomicU64>,
        keeper: Arc<dyn Keeper>,
    ) -> Self {
        Self { words, head, tail, keeper }
    }

    #[inline(always)]
    pub(crate) fn words(&self) -> &[AtomicU64] {
        #[expect(unsafe_code, reason = "see the module")]
        // SAFETY: valid while the keeper lives, which is as long as `self` does.
        unsafe {
            self.words.as_ref()
        }
    }

    /// All bytes ever taken.
    #[inline(always)]
    pub(crate) fn head(&self) -> &AtomicU64 {
        #[expect(unsafe_code, reason = "see the module")]
        // SAFETY: as for the words.
        unsafe {
            self.head.as_ref()
        }
    }

    /// All bytes ever put.
    #[inline(always)]
    pub(crate) fn tail(&self) -> &AtomicU64 {
        #[expect(unsafe_code, reason = "see the module")]
        // SAFETY: as for the words.
        unsafe {
            self.tail.as_ref()
        }
    }

    pub(crate) fn keeper(&self) -> &dyn Keeper {
        &*self.keeper
    }
}

// SAFETY: atomics, which threads may share, and a keeper that is `Send` and `Sync`.
#[expect(unsafe_code, reason = "pointers are not, by themselves")]
unsafe impl Send for RingMemory {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "pointers are not, by themselves")]
unsafe impl Sync for RingMemory {}
