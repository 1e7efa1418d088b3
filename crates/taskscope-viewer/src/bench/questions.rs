//! What the questions take that panels ask of a trace.

use serde::Serialize;
use taskscope_model::Trace;

/// The times of questions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Questions {}

/// Asks all of them.
pub(super) fn ask(_trace: &Trace) -> Questions {
    Questions {}
}
