//! Messages on standard error.

use std::fmt::Display;
use std::io::Write;

/// Writes one message on standard error, or nothing if that is closed.
pub(crate) fn warn(message: &dyn Display) {
    let _ = writeln!(std::io::stderr(), "taskscope: {message}");
}
