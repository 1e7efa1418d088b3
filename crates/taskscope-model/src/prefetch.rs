//! Bringing something into the cache before it is needed.
//!
//! The sweep knows what it will look at next, and does not look at it in any order that a processor
//! guesses: the tasks of a large trace are in no cache, and to wait for each took a third of its time.

/// A line of the cache, in bytes.
#[cfg(target_arch = "x86_64")]
const LINE: usize = 64;

/// Has the processor fetch something, and does not wait for it.
#[inline]
#[allow(unsafe_code, reason = "there is no safe way to say this")]
pub(crate) fn prefetch<T>(element: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = element {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        let first: *const i8 = std::ptr::from_ref(element).cast();
        // SAFETY: it reads nothing that a program could see, and any address may be named.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(first) };
        // What is longer than a line lies on two or three.
        if size_of::<T>() > LINE {
            // SAFETY: likewise.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(first.wrapping_add(LINE)) };
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = element;
}
