//! Lessons: a short text over recorded traces, in steps that say where to look, and claims that the traces must keep.
//!
//! A lesson is a folder with a file `lesson.md` and the traces that it is about. What the text says of the program, the
//! trace has to show; so a lesson makes *claims*, which are checked against its traces, and against any
//! other run of the same program:
//!
//! ```
//! use taskscope_lesson::{Claim, Traces};
//! use taskscope_model::Trace;
//!
//! # let mut file = Vec::new();
//! # let options = taskscope_generate::Options { polls: 2_000, tasks: 100, workers: 2, seed: 1 };
//! # taskscope_generate::generate(&options, &mut file)?;
//! let trace = Trace::from_bytes(&file)?;
//! let claim: Claim = "polls > 1000 and most_running <= workers".parse()?;
//! assert!(claim.holds(&Traces::of(&trace))?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `FORMAT.md` describes the file. [`Lesson::parse`] reads it, [`check`] says what is wrong with it and in which line, and
//! [`Moment`] finds the moments that steps speak of: "the first steal", "the end of task `slow`".

// A library says nothing by itself: what it has to say it gives back.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro))]

mod check;
mod claims;
mod error;
mod figures;
mod globs;
mod lesson;
mod moment;
mod parse;
mod text;
mod traces;
mod words;

#[cfg(test)]
mod tests;

pub use check::{Fault, check};
pub use claims::{Claim, Value};
pub use error::{ClaimError, Problem};
pub use globs::tasks as tasks_called;
pub use lesson::{Answer, Block, Inline, Lesson, Pace, Play, Question, Show, Step};
pub use moment::Moment;
pub use traces::Traces;
pub use words::Words;
