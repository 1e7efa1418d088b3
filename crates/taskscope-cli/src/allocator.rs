//! The allocator, and how it keeps what was freed.
//!
//! It is the system's. Lesson 6 has it count what a spawn takes; the rest of the time that costs a look at a flag of the thread.
//!
//! Files are decoded on several threads, in pieces of some hundred kilobytes that another thread frees.
//! Left to itself, glibc keeps an arena for each thread, and after the first such piece keeps all that
//! are as large: a trace of ten million polls then takes 57 bytes a poll instead of 50, and a tenth more
//! time to open (`taskscope bench`, before and after).

#[global_allocator]
static ALLOCATOR: taskscope_lessons::CountingAllocator = taskscope_lessons::CountingAllocator;

/// Has glibc give back what is large. Called before there are threads.
pub(crate) fn set_up() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        const ARENAS: libc::c_int = 2;
        const LARGE: libc::c_int = 128 << 10;
        const FREE_AT_TOP: libc::c_int = 1 << 20;
        for (parameter, value) in [
            (libc::M_ARENA_MAX, ARENAS),
            (libc::M_MMAP_THRESHOLD, LARGE),
            (libc::M_TRIM_THRESHOLD, FREE_AT_TOP),
        ] {
            // SAFETY: it sets a number in the allocator, and no other thread allocates yet.
            #[allow(unsafe_code, reason = "glibc has this as a function in C alone")]
            // If it refuses, the program takes more memory.
            let _ = unsafe { libc::mallopt(parameter, value) };
        }
    }
}
