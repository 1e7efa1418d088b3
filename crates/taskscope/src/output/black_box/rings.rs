//! The rings of threads, in the file.
//!
//! A thread takes one when it begins and a larger one when that has become too small, without a
//! lock; both ends of a ring let it go, when the thread has ended and all it has put is in blocks.
//! Where none is free, the thread uses memory of the process, and the file says so.

use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use taskscope_format::black_box::Layout;
use taskscope_format::black_box::layout::{RingPlace, back, front, live};
use taskscope_format::{Nanos, ThreadId};

use super::map::Mapping;
use crate::stream::memory::{Keeper, RingMemory, RingSource};

#[derive(Clone, Debug)]
pub(crate) struct BoxRings(Arc<Pool>);

#[derive(Debug)]
struct Pool {
    mapping: Arc<Mapping>,
    layout: Layout,
    /// Which rings are taken.
    taken: Vec<AtomicBool>,
}

impl BoxRings {
    pub(crate) fn new(mapping: Arc<Mapping>, layout: Layout) -> Self {
        let taken = (0..layout.ring_count()).map(|_| AtomicBool::new(false)).collect();
        Self(Arc::new(Pool { mapping, layout, taken }))
    }
}

impl RingSource for BoxRings {
    fn take(&self, thread: ThreadId, is_first: bool, offset: u64) -> Option<RingMemory> {
        let pool = &self.0;
        if pool.mapping.is_lost() {
            return None;
        }
        let small = pool.layout.small.count;
        let range = if is_first { 0..small } else { small..pool.layout.ring_count() };
        let free = |number: &u32| {
            let taken = pool.taken.get(*number as usize);
            taken.is_some_and(|taken| !taken.swap(true, Ordering::AcqRel))
        };
        let Some(number) = range.into_iter().find(free) else {
            pool.mapping.word(live::WITHOUT_RING).fetch_add(1, Ordering::Relaxed);
            return None;
        };
        Some(
            Lease { pool: Arc::clone(pool), place: pool.layout.ring(number), number }
                .begin(thread, offset),
        )
    }
}

/// A ring that a thread has.
#[derive(Debug)]
struct Lease {
    pool: Arc<Pool>,
    place: RingPlace,
    number: u32,
}

impl Lease {
    fn begin(self, thread: ThreadId, offset: u64) -> RingMemory {
        let mapping = Arc::clone(&self.pool.mapping);
        let place = self.place.clone();
        let head = mapping.word(place.back + back::HEAD);
        let tail = mapping.word(place.front + front::TAIL);
        mapping.word(place.front + front::DROPPED_AT).store(0, Ordering::Relaxed);
        head.store(offset, Ordering::Relaxed);
        tail.store(offset, Ordering::Relaxed);
        // Last, and only now is it anybody's.
        mapping.word(place.back + back::THREAD).store(thread.0.into(), Ordering::Release);
        mapping.word(place.front + front::THREAD).store(thread.0.into(), Ordering::Release);
        let words = NonNull::from(mapping.words(place.data));
        let (head, tail) = (NonNull::from(head), NonNull::from(tail));
        #[expect(unsafe_code, reason = "a ring does not know the file that it lies in")]
        // SAFETY: all three lie in the mapping, which the lease holds.
        unsafe {
            RingMemory::from_parts(words, head, tail, Arc::new(self))
        }
    }
}

impl Keeper for Lease {
    fn is_lost(&self) -> bool {
        self.pool.mapping.is_lost()
    }

    fn dropped(&self, count: u64, since: Nanos, last: Nanos, at: u64) {
        let put = |word, value| {
            self.pool.mapping.word(self.place.front + word).store(value, Ordering::Relaxed);
        };
        put(front::DROPPED, count);
        put(front::DROPPED_SINCE, since);
        put(front::DROPPED_LAST, last);
        put(front::DROPPED_AT, at + 1);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let word = |at| self.pool.mapping.word(at);
        let head = word(self.place.back + back::HEAD).load(Ordering::Relaxed);
        // Where no writer has taken what was put, it stays as it is, for whoever reads the file.
        if head != word(self.place.front + front::TAIL).load(Ordering::Relaxed) {
            return;
        }
        word(self.place.front + front::THREAD).store(0, Ordering::Release);
        word(self.place.back + back::THREAD).store(0, Ordering::Release);
        if let Some(taken) = self.pool.taken.get(self.number as usize) {
            taken.store(false, Ordering::Release);
        }
    }
}
