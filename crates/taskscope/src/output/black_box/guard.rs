//! Keeps a mapped file from ending its process, and a forked process from writing to it.
//!
//! # `SIGBUS`
//! The blocks of the file are reserved before it is mapped, so that a full disk is no matter. But
//! somebody can cut the file, and a disk can fail; the next access then raises `SIGBUS`, which ends
//! the process. A recorder must not. So there is a handler: if the address lies in a mapping of
//! ours, ordinary memory takes the place of the whole mapping, the mapping is marked as lost, and
//! the access is tried again and goes on. All other faults go to whoever handled them before.
//!
//! # Forks
//! A forked process shares a mapping of a file, and would write its own events between those of the
//! process that goes on. So in the child ordinary memory takes its place, too, before the child
//! goes on. And as a fork shares the lock, which would make the box of a dead process look alive,
//! the child's descriptor is replaced.
//!
//! Both handlers make no call but such as may be made there: `mmap`, `open`, `dup2`, `sigaction`.

#![expect(unsafe_code, reason = "signals and forks have no safe interface")]

use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::RawFd;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// So many mappings can be guarded at a time.
const MOST: usize = 64;

static PLACES: [Place; MOST] = [const { Place::new() }; MOST];

/// What a handler knows of a mapping. The addresses of one that is not in use are 0.
struct Place {
    is_taken: AtomicBool,
    start: AtomicUsize,
    length: AtomicUsize,
    descriptor: AtomicI32,
    is_lost: AtomicBool,
}

impl Place {
    const fn new() -> Self {
        Self {
            is_taken: AtomicBool::new(false),
            start: AtomicUsize::new(0),
            length: AtomicUsize::new(0),
            descriptor: AtomicI32::new(-1),
            is_lost: AtomicBool::new(false),
        }
    }

    fn has(&self, address: usize) -> bool {
        let start = self.start.load(Ordering::Acquire);
        start != 0 && (start..start + self.length.load(Ordering::Relaxed)).contains(&address)
    }

    /// Puts ordinary memory, all zero, where the file was.
    fn replace(&self) -> bool {
        let start = self.start.load(Ordering::Acquire);
        if start == 0 {
            return false;
        }
        let (protection, flags) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED,
        );
        let length = self.length.load(Ordering::Relaxed);
        // SAFETY: `Guard` holds a mapping of this length at this place, all of whose words are only
        // reached as atomics, which may have any value.
        let mapped = unsafe { libc::mmap(start as *mut c_void, length, protection, flags, -1, 0) };
        mapped != libc::MAP_FAILED
    }
}

/// Guards one mapping while it lives.
#[derive(Debug)]
pub(crate) struct Guard {
    place: usize,
}

impl Guard {
    /// Guards the mapping at `start`, of the file behind `descriptor`.
    pub(crate) fn new(start: *mut u8, length: usize, descriptor: RawFd) -> io::Result<Self> {
        install()?;
        let free = |place: &Place| !place.is_taken.swap(true, Ordering::AcqRel);
        let place = PLACES.iter().position(free).ok_or_else(|| {
            io::Error::other(format!("this process has {MOST} black boxes already"))
        })?;
        let this = &PLACES[place];
        this.is_lost.store(false, Ordering::Relaxed);
        this.length.store(length, Ordering::Relaxed);
        this.descriptor.store(descriptor, Ordering::Relaxed);
        this.start.store(start as usize, Ordering::Release);
        Ok(Self { place })
    }

    /// Whether the file was lost, and ordinary memory has taken its place.
    pub(crate) fn is_lost(&self) -> bool {
        PLACES[self.place].is_lost.load(Ordering::Relaxed)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let place = &PLACES[self.place];
        place.start.store(0, Ordering::Release);
        place.is_taken.store(false, Ordering::Release);
    }
}

/// What handled `SIGBUS` before.
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(ptr::null_mut());

/// Sets both handlers, once in a process.
fn install() -> io::Result<()> {
    static IS_DONE: Mutex<bool> = Mutex::new(false);
    let mut is_done = IS_DONE.lock().unwrap_or_else(PoisonError::into_inner);
    if *is_done {
        return Ok(());
    }
    // SAFETY: all zeros are a `sigaction`.
    let mut before: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: only asks.
    if unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &mut before) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // Kept for as long as the process lives: a handler may be about to read it.
    BEFORE.store(Box::into_raw(Box::new(before)), Ordering::Release);
    // SAFETY: as above.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = on_fault as *const () as usize;
    // On the stack that the thread has for signals, if it has one, as Rust's own handlers are.
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: a handler of the right type, which calls nothing that may not be called there.
    if unsafe { libc::sigaction(libc::SIGBUS, &action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: likewise.
    let error = unsafe { libc::pthread_atfork(None, None, Some(after_fork)) };
    if error != 0 {
        return Err(io::Error::from_raw_os_error(error));
    }
    *is_done = true;
    Ok(())
}

extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel gives a handler of this kind a valid one.
    if unsafe { (*info).si_code } <= 0 {
        // Somebody has sent it, and there is no address.
        return hand_on(signal, info, context, Origin::Sent);
    }
    // SAFETY: as above.
    let address = unsafe { (*info).si_addr() } as usize;
    // The thread may be between a call and its look at the error.
    // SAFETY: the thread's own, always there.
    let error = errno().map(|place| (place, unsafe { *place }));
    let ours = PLACES.iter().find(|place| place.has(address));
    let is_mended = ours.is_some_and(|place| {
        place.is_lost.store(true, Ordering::Relaxed);
        place.replace()
    });
    if let Some((place, error)) = error {
        // SAFETY: as above.
        unsafe { *place = error };
    }
    if !is_mended {
        hand_on(signal, info, context, Origin::Fault);
    }
}

/// Where a signal comes from.
enum Origin {
    /// From an access, which is tried again.
    Fault,
    /// From `kill` or `raise`.
    Sent,
}

/// Does what would have been done without the handler.
fn hand_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void, origin: Origin) {
    let before = BEFORE.load(Ordering::Acquire);
    // SAFETY: stored before the handler was set, and never freed.
    let Some(before) = (unsafe { before.as_ref() }) else { return };
    match before.sa_sigaction {
        libc::SIG_IGN if matches!(origin, Origin::Sent) => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // A fault comes again at once, and then ends the process.
            // SAFETY: sets what was set before.
            unsafe { libc::sigaction(signal, before, ptr::null_mut()) };
            if matches!(origin, Origin::Sent) {
                // SAFETY: may be called in a handler.
                unsafe { libc::raise(signal) };
            }
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: whoever set it with this flag has said that it is of this type.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: likewise, without the flag.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

/// In the child.
extern "C" fn after_fork() {
    for place in &PLACES {
        if place.start.load(Ordering::Acquire) == 0 {
            continue;
        }
        place.replace();
        // SAFETY: calls that may be made here. The number stays a descriptor of this process's, for
        // whoever closes it.
        unsafe {
            let nothing = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            if nothing >= 0 {
                let descriptor = place.descriptor.load(Ordering::Relaxed);
                libc::dup2(nothing, descriptor);
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
                libc::close(nothing);
            }
        }
    }
}

/// Where the thread's error number stands, where that is known.
fn errno() -> Option<*mut c_int> {
    #[cfg(any(target_os = "linux", target_os = "emscripten"))]
    // SAFETY: always there.
    return Some(unsafe { libc::__errno_location() });
    #[cfg(any(target_os = "macos", target_os = "ios", target_os = "freebsd"))]
    // SAFETY: always there.
    return Some(unsafe { libc::__error() });
    #[cfg(any(target_os = "android", target_os = "netbsd", target_os = "openbsd"))]
    // SAFETY: always there.
    return Some(unsafe { libc::__errno() });
    #[allow(unreachable_code, reason = "on all other systems")]
    None
}
