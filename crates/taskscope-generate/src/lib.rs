//! Writes plausible traces of any size: to try out what reads them.
//!
//! A recording of a hundred million polls takes a program that runs for minutes, and is another one
//! each time. [`generate`] writes a file that looks to every reader as a recording does, in less
//! time, and with the same bytes for the same [`Options`] on every machine: a simulation of a
//! program with three runtimes follows the rules of Tokio's scheduler, and its events go through
//! the same encoder. What it is not: a recording. Its meta records name `taskscope generate` as the
//! recorder.
//!
//! ```
//! use taskscope_generate::{Options, generate};
//!
//! let mut file = Vec::new();
//! let generated = generate(&Options::new(5_000), &mut file)?;
//! assert_eq!(generated.bytes, file.len() as u64);
//! # Ok::<(), taskscope_generate::Error>(())
//! ```

// A library says nothing by itself: what it has to say it gives back.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro))]

mod behaviour;
mod blocking;
mod clocks;
mod load;
mod local;
mod main_thread;
mod output;
mod places;
mod random;
mod resources;
mod runtime;
mod schedule;
mod sharing;
mod tasks;
mod watch;
mod worker;
mod world;

use std::io::{self, Write};

use taskscope_format::Nanos;

use crate::clocks::MOST_CLOCKS;
use crate::world::World;

/// The most workers that the main runtime can have.
pub const MOST_WORKERS: u32 = 1_000;

/// The most polls that a trace can have: readers count them in 32 bits.
pub const MOST_POLLS: u64 = 4_000_000_000;

/// What the trace is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Polls of tasks, as `taskscope summary` counts them.
    pub polls: u64,
    /// Tasks, as `taskscope summary` counts them. Each has a poll at least, unless that is among
    /// the dropped events.
    pub tasks: u64,
    /// Workers of the main runtime.
    pub workers: u32,
    /// Another seed makes another trace.
    pub seed: u64,
}

impl Options {
    /// So many polls, of a hundredth of as many tasks (ten at least, if there are as many polls),
    /// with four workers and the seed 1.
    pub fn new(polls: u64) -> Self {
        let tasks = (polls / 100).max(10).min(polls);
        Self { polls, tasks, workers: 4, seed: 1 }
    }

    /// Whether there can be such a trace.
    ///
    /// # Errors
    /// What is wrong, and what to do.
    pub fn check(&self) -> Result<(), Error> {
        let &Self { polls, tasks, workers, .. } = self;
        match () {
            () if tasks == 0 => Err(Error::NoTasks),
            () if polls < tasks => Err(Error::FewerPollsThanTasks { polls, tasks }),
            () if polls > MOST_POLLS => Err(Error::TooManyPolls { polls }),
            () if workers == 0 || workers > MOST_WORKERS => Err(Error::Workers { workers }),
            () => Ok(()),
        }
    }
}

const _: () = assert!(2 * (MOST_WORKERS as usize) + 32 < MOST_CLOCKS);

/// What has been written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Bytes of the file.
    pub bytes: u64,
    /// From the beginning of the recording to its end, nanoseconds.
    pub duration: Nanos,
    /// Events that the file says were dropped.
    pub dropped: u64,
}

/// Why there is no such trace.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A trace without tasks has no polls.
    #[error("a trace without tasks would have no polls; ask for one task or more")]
    NoTasks,
    /// Each task is polled once at least.
    #[error(
        "{tasks} tasks are asked for with {polls} polls, and each task is polled at least once; ask \
         for no more tasks than polls"
    )]
    FewerPollsThanTasks {
        /// The polls that were asked for.
        polls: u64,
        /// The tasks that were asked for.
        tasks: u64,
    },
    /// More than [`MOST_POLLS`].
    #[error(
        "{polls} polls are asked for, and a trace can have {MOST_POLLS} at most; ask for fewer"
    )]
    TooManyPolls {
        /// The polls that were asked for.
        polls: u64,
    },
    /// None, or more than [`MOST_WORKERS`].
    #[error("{workers} workers are asked for; ask for 1 to {MOST_WORKERS}")]
    Workers {
        /// The workers that were asked for.
        workers: u32,
    },
    /// The file could not be written.
    #[error("the trace cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// Writes a trace. Each block is written at once, so `file` needs no buffer.
///
/// # Errors
/// See [`Error`]. The file may hold a part of the trace if it could not be written.
pub fn generate(options: &Options, file: &mut dyn Write) -> Result<Generated, Error> {
    options.check()?;
    let mut world = World::new(options, file)?;
    let duration = world.run();
    let World { out, .. } = world;
    let dropped = out.dropped;
    let bytes = out.finish(duration)?;
    Ok(Generated { bytes, duration, dropped })
}
