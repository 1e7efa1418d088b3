//! The `.tscope` file: how a Tokio program's schedule is kept.
//!
//! A recorded program is a handful of threads, each with a *stream* of events
//! in the order in which they happened on it: a task was spawned, a poll began,
//! a waker was called, the poll ended, the worker went to sleep. A trace file
//! is these streams, cut into blocks, in the order in which the blocks were
//! written. `FORMAT.md` beside this crate is the specification.
//!
//! ```
//! use taskscope_format::{Encoder, Event, FileWriter, Reader, Source, TaskId, ThreadId};
//! use taskscope_format::PollResult;
//!
//! // The recorded thread encodes its events...
//! let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
//! encoder.sync(0, &mut bytes);
//! encoder.event(10, &Event::PollStart { task: TaskId(7), source: Source::Hook }, &mut bytes);
//! let end = Event::PollEnd { result: PollResult::Ready, kept_waker: false };
//! encoder.event(35, &end, &mut bytes);
//!
//! // ...a recorder writes them...
//! let mut writer = FileWriter::new(Vec::new(), 0)?;
//! writer.block(ThreadId(0), &bytes)?;
//! let file = writer.finish()?;
//!
//! // ...and a reader has them back.
//! let mut reader = Reader::new(&file)?;
//! let times: Vec<u64> = reader.by_ref().map(|record| record.time).collect();
//! assert_eq!(times, [10, 35]);
//! assert!(reader.report().complete);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A file that was cut, because its program was killed or the disk was full,
//! opens up to the cut; a damaged block is passed over and reported. See
//! [`Reader`] and [`Report`].

// A library says nothing by itself: what it has to say it gives back.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro))]

pub mod black_box;
mod brief;
mod decode;
mod encode;
mod error;
mod event;
mod event_texts;
mod frame;
mod reader;
mod records;
mod scan;
mod stream;
mod tag;
mod thread_snapshot;
mod varint;
mod writer;

pub use brief::Brief;
pub use decode::TextNumber;
pub use encode::Encoder;
pub use error::{Damage, DamageKind, OpenError};
pub use event::{
    CancelledBy, EndKind, Event, EventOf, Flavor, Level, Location, LocationOf, Nanos, PollResult,
    Record, Resource, ResourceId, ResourceOf, RuntimeId, Source, Span, SpanId, SpanOf, Spawn,
    SpawnOf, TaskId, TaskKind, ThreadId, WakeOp,
};
pub use frame::FileHeader;
pub use reader::{Reader, Report};
pub use records::{Records, stands_alone};
pub use scan::{BlockAt, Scan, Scanner};
pub use stream::{Piece, StreamDecoder};
pub use thread_snapshot::ThreadSnapshot;
pub use writer::FileWriter;

/// The first eight bytes of every trace.
///
/// The high bit and the line ends show at once when a file went through
/// something that meant it to be text.
pub const MAGIC: [u8; 8] = *b"\x89TSCOP\r\n";

/// The version of the format that this crate writes, and the newest it reads.
pub const VERSION: u16 = 1;

/// How trace files are called.
pub const EXTENSION: &str = "tscope";

/// Keys of [`Event::Meta`].
pub mod meta {
    /// The recorded program's file name.
    pub const PROGRAM: &str = "program";
    /// The recorded process's id.
    pub const PID: &str = "pid";
    /// The version of the recorder.
    pub const RECORDER: &str = "recorder";
    /// The operating system and processor architecture.
    pub const PLATFORM: &str = "platform";
    /// How many processors the process could use when the recording began, in decimal.
    pub const PROCESSORS: &str = "processors";
    /// How much was recorded: [`DETAIL_FULL`] or [`DETAIL_POLLS`].
    pub const DETAIL: &str = "detail";
    /// The value of [`DETAIL`] for all that there is.
    pub const DETAIL_FULL: &str = "full";
    /// The value of [`DETAIL`] for spawns, polls, ends and parks alone: what isn't
    /// there, such as a wake, may have happened all the same.
    pub const DETAIL_POLLS: &str = "polls";
    /// Present where a worker of a runtime without hooks writes a park of no length when it has
    /// parked, at the next poll that leaves a waker behind or the next wake between polls. So where
    /// there is no park the worker did not park.
    pub const PARKS: &str = "parks";
    /// The value of [`PARKS`].
    pub const PARKS_NOTICED: &str = "noticed";
    /// A sentence for people: why the trace is not complete.
    pub const NOTICE: &str = "notice";
    /// Why a flight recorder wrote what it kept: a part of a sentence.
    pub const DUMP: &str = "dump";
    /// Present where a trace was made of a [black box](crate::black_box): how its process had ended
    /// then: [`ENDING_KILLED`], [`ENDING_ALIVE`], [`ENDING_FINISHED`] or [`ENDING_UNKNOWN`].
    pub const ENDING: &str = "ending";
    /// The value of [`ENDING`] for a process that ended without finishing its recording.
    pub const ENDING_KILLED: &str = "killed";
    /// The value of [`ENDING`] for a process that lived.
    pub const ENDING_ALIVE: &str = "alive";
    /// The value of [`ENDING`] for a recording that was finished.
    pub const ENDING_FINISHED: &str = "finished";
    /// The value of [`ENDING`] for one that was not finished, of a process of which nothing is known.
    pub const ENDING_UNKNOWN: &str = "unknown";
    /// When what a flight recorder kept begins, in decimal nanoseconds of the recording's clock.
    /// Records of earlier times describe what still held at that moment.
    pub const WINDOW: &str = "window";
}
