//! An allocator that counts: how often this thread asks for memory, and for how many bytes.
//!
//! Lesson 6 measures with it what a spawn takes. A program has one allocator for all it does, so this one is installed by
//! whoever runs the lesson (`#[global_allocator]`), and costs all others little: a look at a flag of the thread. The flag
//! and the counts belong to a thread, so that what others allocate meanwhile is not counted.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, which counts on a thread while [`counted`] runs there.
#[derive(Debug, Default)]
pub struct CountingAllocator;

/// What was asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allocations {
    /// How often.
    pub count: u64,
    /// How many bytes in all.
    pub bytes: u64,
}

thread_local! {
    // Constant and without a destructor: reading it allocates nothing and works until the thread is gone.
    static COUNTS: Cell<Option<Allocations>> = const { Cell::new(None) };
}

/// What this thread allocates while it runs `what`; nothing, if [`CountingAllocator`] is not installed.
pub fn counted<T>(what: impl FnOnce() -> T) -> (T, Allocations) {
    COUNTS.set(Some(Allocations::default()));
    let result = what();
    (result, COUNTS.take().unwrap_or_default())
}

fn count(bytes: usize) {
    if let Some(counts) = COUNTS.get() {
        COUNTS
            .set(Some(Allocations { count: counts.count + 1, bytes: counts.bytes + bytes as u64 }));
    }
}

#[allow(unsafe_code, reason = "an allocator has no safe interface")]
// SAFETY: each call goes to `System`, which keeps the contract; counting touches only a `Cell` of the thread.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller keeps the contract of `alloc`, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as for `alloc`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the pointer came from `System`, as all do that this allocator gives out.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as for `realloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[global_allocator]
    static ALLOCATOR: CountingAllocator = CountingAllocator;

    #[test]
    fn what_a_thread_allocates_is_counted_and_nothing_else() {
        let (_, none) = counted(|| ());
        assert_eq!(none, Allocations::default());
        let (_, one) = counted(|| Box::new([0u64; 16]));
        assert_eq!(one, Allocations { count: 1, bytes: 128 });
        let (_, grown) = counted(|| {
            let mut bytes = Vec::with_capacity(8);
            bytes.resize(8, 1u8);
            bytes.reserve_exact(24);
            bytes
        });
        assert_eq!(grown, Allocations { count: 2, bytes: 8 + 32 });
        let elsewhere = || drop(std::hint::black_box(vec![0u8; 4_096]));
        let (_, of_thread) = counted(|| std::thread::spawn(elsewhere).join().unwrap());
        assert!(of_thread.count > 0 && of_thread.bytes < 4_096, "{of_thread:?}");
    }
}
