//! Bringing something into the cache before it is needed.
//!
//! The sweep knows what it will look at next, and does not look at it in any order that a processor
//! guesses: the tasks of a large trace are in no cache, and to wait for each took a third of its time.

/// Has the processor fetch something, and does not wait for it.
#[inline]
#[allow(unsafe_code, reason = "there is no safe way to say this")]
pub(crate) fn prefetch<T>(element: Option<&T>) {
    #[cfg(target_arch = "x86_64")]
    if let Some(element) = element {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: it reads nothing that a program could see, and any address may be named.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(element).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = element;
}
