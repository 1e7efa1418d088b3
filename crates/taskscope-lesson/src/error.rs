//! What can be wrong with a lesson.

use std::fmt;

/// Something that is wrong with a lesson's file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Problem {}

/// Why a claim, or a moment, cannot be read or has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// It is not written as one.
    #[error("`{claim}` cannot be read at character {at}: expected {expected}")]
    Syntax {
        /// The whole text.
        claim: String,
        /// The place, in characters from 1.
        at: usize,
        /// What was expected there.
        expected: String,
    },
    /// There is no such figure.
    #[error("there is no figure `{name}`; FORMAT.md lists them all{}", near.as_deref().map(|near| format!(" (is it `{near}`?)")).unwrap_or_default())]
    NoFigure {
        /// The name.
        name: String,
        /// One that is written nearly so.
        near: Option<String>,
    },
    /// A figure was asked of something that it is not about.
    #[error("`{name}` {expected}")]
    Argument {
        /// The figure's name.
        name: String,
        /// What it needs.
        expected: &'static str,
    },
    /// No task has such a name.
    #[error("trace {trace} has no task called `{name}`")]
    NoTask {
        /// The trace.
        trace: String,
        /// The name.
        name: String,
    },
    /// There is no such trace.
    #[error("the lesson has no trace {0}")]
    NoTrace(String),
    /// The trace has no such moment.
    #[error("trace {trace} has no {what}")]
    NoMoment {
        /// The trace.
        trace: String,
        /// What is missing.
        what: String,
    },
    /// The trace did not record what is asked for.
    #[error("trace {trace} did not record {what}")]
    NotRecorded {
        /// The trace.
        trace: String,
        /// What.
        what: &'static str,
    },
    /// Two values that cannot be compared or added.
    #[error("{0}")]
    Mixed(String),
}
