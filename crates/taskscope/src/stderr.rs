//! Messages on standard error.

use std::fmt::Display;
#[cfg(unix)]
use std::fs::File;
use std::io::Write;

/// Writes one message on standard error, or nothing if that is closed.
pub(crate) fn warn(message: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "taskscope: {message}");
}

/// As [`warn`], where another thread may hold the lock of standard error and never release it.
pub(crate) fn warn_without_lock(message: &dyn Display) {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        if let Ok(stderr) = std::io::stderr().as_fd().try_clone_to_owned() {
            let _ = File::from(stderr).write_all(format!("taskscope: {message}\n").as_bytes());
        }
    }
    // Nowhere else are there forks.
    #[cfg(not(unix))]
    warn(message);
}
