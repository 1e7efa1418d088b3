//! What is done with signals while a command runs.
//!
//! Ctrl+C and Ctrl+\\ reach every process of the terminal's foreground group, the program as well as
//! taskscope, which only has to outlive them. What is sent to taskscope alone, as a supervisor or
//! `timeout` does, is passed on. A handler is set and the signals are not ignored: a program inherits
//! what is ignored, and would then ignore Ctrl+C, too. What is ignored already, as under `nohup` or in
//! the background of a script, remains so, for both.

use std::io;

#[cfg(unix)]
pub(super) use unix::Signals;

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::process::{Pid, Signal, kill_process};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};

    use super::io;

    /// The signals that have come.
    #[derive(Debug)]
    pub(in crate::run) struct Signals {
        to_group: [Arc<AtomicBool>; 2],
        to_us: [(Signal, Arc<AtomicBool>); 2],
    }

    /// Whether who started taskscope has a signal ignored.
    #[expect(unsafe_code, reason = "no crate at hand asks the system for it")]
    fn is_ignored(signal: i32) -> bool {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: Without a new action, the call only fills the old one, for which there is room;
        // of all zeroes it is valid, too, if the call fails.
        let action = unsafe {
            libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
            action.assume_init()
        };
        action.sa_sigaction == libc::SIG_IGN
    }

    impl Signals {
        pub(in crate::run) fn new() -> io::Result<Self> {
            let flag = |signal| {
                let flag = Arc::new(AtomicBool::new(false));
                if !is_ignored(signal) {
                    signal_hook::flag::register(signal, flag.clone())?;
                }
                Ok::<_, io::Error>(flag)
            };
            Ok(Self {
                to_group: [flag(SIGINT)?, flag(SIGQUIT)?],
                to_us: [(Signal::TERM, flag(SIGTERM)?), (Signal::HUP, flag(SIGHUP)?)],
            })
        }

        /// Takes what has come since the last call, and passes on to the program, if it runs, what
        /// it has not got itself. Whether any has come: each of them asks to end.
        pub(in crate::run) fn take(&self, program: Option<u32>) -> bool {
            let mut any = false;
            for flag in &self.to_group {
                any |= flag.swap(false, Ordering::Relaxed);
            }
            for (signal, flag) in &self.to_us {
                if !flag.swap(false, Ordering::Relaxed) {
                    continue;
                }
                any = true;
                let pid = program.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
                if let Some(pid) = pid {
                    // It fails only where the program has ended just now.
                    let _ = kill_process(pid, *signal);
                }
            }
            any
        }
    }
}

/// Elsewhere, Ctrl+C ends taskscope with the program.
#[cfg(not(unix))]
#[derive(Debug)]
pub(super) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self)
    }

    pub(super) fn take(&self, _program: Option<u32>) -> bool {
        false
    }
}
