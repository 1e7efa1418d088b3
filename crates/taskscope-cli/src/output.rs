//! Standard output and standard error. Neither may bring the program down when
//! it is closed.

use std::fmt::Display;
use std::io::Write;

use crate::error::Error;

/// Prints what was asked for.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::Print)
}

/// Says why nothing came of it.
pub(crate) fn complain(error: &Error) {
    print_note("error", error);
}

/// Says something that one should know of what was asked for.
pub(crate) fn notice(what: &dyn Display) {
    print_note("note", what);
}

/// Prints what belongs beside the output of another program.
pub(crate) fn on_the_side(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn print_note(kind: &str, what: &dyn Display) {
    // There is nowhere to say that standard error is closed.
    let _ = writeln!(std::io::stderr().lock(), "{kind}: {what}");
}
