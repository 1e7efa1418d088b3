//! A recorded Tokio program in memory, ready to be asked.
//!
//! A trace file records what happened on each *thread*. People ask about
//! *tasks* and *workers*: what did this task wait for, who woke it, which
//! worker polled it next, what ran on worker 2 meanwhile? [`Trace`] is the
//! answer to such questions. It is made from the bytes of a file, and never
//! changes.
//!
//! ```
//! use taskscope_format::{Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId};
//! use taskscope_format::ThreadId;
//! use taskscope_model::Trace;
//!
//! # let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
//! # encoder.sync(0, &mut bytes);
//! # for (time, event) in [
//! #     (0, Event::Worker(Some((RuntimeId(0), 0)))),
//! #     (10, Event::PollStart { task: TaskId(7), source: Source::Hook }),
//! #     (35, Event::PollEnd { result: PollResult::Ready, kept_waker: false }),
//! # ] {
//! #     encoder.event(time, &event, &mut bytes);
//! # }
//! # let mut writer = FileWriter::new(Vec::new(), 0)?;
//! # writer.block(ThreadId(0), &bytes)?;
//! # let file: Vec<u8> = writer.finish()?;
//! let trace = Trace::from_bytes(&file)?;
//! let (_, poll) = trace.polls().next().expect("a poll was written");
//! assert_eq!(trace.task(poll.task).id, TaskId(7));
//! assert_eq!(poll.end - poll.start, 25);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Damaged and hostile files
//! Nothing in a file makes this panic, or take more memory than 512 times the file;
//! that much only one that was made for it, in which every few bytes name another
//! task. A poll of a known task takes 28 bytes, some five times what it takes in the file.
//! `tests/memory.rs` measures this, sort by sort of record.
//!
//! # While it is read
//! [`Loader`] reads a file in small steps, also one that still grows, and gives a [`Trace`] of what has
//! been read at any moment. Such a snapshot never changes and shares its memory with the next.
//!
//! # How it is kept
//! Lists only grow, in pages that snapshots share, and things refer to one another by small numbers
//! ([`TaskIx`], [`PollIx`], [`LaneIx`]) that keep their meaning from one snapshot to the next. What the
//! recorder saw and what is inferred here are kept apart: see [`End::inferred`],
//! [`PollEnd::Yielded`], [`Arrival::inferred`] and [`WaitedFor::is_inferred`].

// A library says nothing by itself: what it has to say it gives back.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro))]

// Some unit tests share code with those outside.
#[cfg(test)]
extern crate self as taskscope_model;
#[cfg(test)]
use testing::common;

mod builder;
mod causality;
mod cursor;
mod dropped_events;
pub mod findings;
mod gaps;
mod hops;
mod index;
mod lanes;
mod parallel;
mod prefetch;
pub mod questions;
mod queue;
mod source;
mod spans;
mod states;
mod store;
mod summary;
mod task_times;
#[cfg(test)]
mod testing;
mod trace;
mod types;
pub mod units;
mod waits;
mod wakes;
mod yields;

pub use builder::{LoadError, Loader, Progress};
pub use causality::{Cause, WakeEffect};
pub use cursor::Direction;
pub use dropped_events::{DropSummary, DroppedEvents};
pub use gaps::{Gap, GapSummary};
pub use index::IndexError;
pub use lanes::LodSpan;
pub use queue::{Arrival, Queue};
pub use source::Source;
pub use spans::{Message, Span, SpanVisit};
pub use states::{State, StateSpan, StateTimes};
pub use store::task_polls::{TaskPolls, TaskPollsFrom};
pub use summary::{
    FileSummary, PollEnds, RuntimeSummary, ScheduleLatency, Summary, TaskCounts, ThreadSummary,
    WaitSummary, WorkerSummary,
};
pub use task_times::TaskTimes;
pub use taskscope_format::{
    CancelledBy, Damage, EXTENSION, EndKind, Flavor, Level, Nanos, OpenError, Report, TaskId,
    TaskKind, ThreadId, WakeOp, meta,
};
pub use trace::Trace;
pub use types::{
    End, Hop, Info, Lane, LaneIx, LaneKind, LaneThread, Park, Place, PlaceIx, Poll, PollEnd,
    PollIx, Resource, ResourceIx, Runtime, SpanIx, Task, TaskIx, TaskView, TextIx, Thread, Wait,
    Wake, WakeIx, Waker,
};
pub use waits::WaitedFor;
