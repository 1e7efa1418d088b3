//! The parts of a trace: tasks, polls, wakes, hops, and the lanes they lie on.

use std::sync::Arc;

use bytemuck::{Pod, Zeroable};
use taskscope_format::{Flavor, Nanos, ThreadId};

use crate::store::level::Level;
use crate::store::shelf::Shelf;

mod poll;
mod task;

pub use poll::{Hop, Poll, PollEnd, Wake, Waker};
pub use task::{End, Task, TaskView};
pub(crate) use task::{Hot, Moment, MoreWake, PendingWake};

/// Declares an index into one of the trace's arrays.
macro_rules! index {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Pod, Zeroable)]
        #[repr(transparent)]
        pub struct $name(pub $inner);

        impl $name {
            /// The position in the array.
            pub fn get(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index! {
    /// A task. They are numbered from 0 in the order in which the recording first names them.
    TaskIx(u32)
}
index! {
    /// A poll. Numbers are given as polls begin and are never given again, but they do not follow
    /// one another: [`Trace::polls`](crate::Trace::polls) has all of them.
    PollIx(u32)
}
index! {
    /// A lane: a position in [`Trace::lanes`](crate::Trace::lanes).
    #[derive(Default)]
    LaneIx(u16)
}
index! {
    /// A span of the program's own: a position in [`Trace::spans`](crate::Trace::spans).
    SpanIx(u32)
}
index! {
    /// A resource: a position in [`Trace::resources`](crate::Trace::resources).
    ResourceIx(u32)
}
index! {
    /// A text: see [`Trace::text`](crate::Trace::text).
    TextIx(u32)
}
index! {
    /// A place in the source: a position in [`Trace::places`](crate::Trace::places).
    PlaceIx(u32)
}

/// A wake: see [`Trace::wake`](crate::Trace::wake). (It may be called another in a later snapshot.)
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WakeIx(pub(crate) WakeAt);

/// Where a wake is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum WakeAt {
    /// In the row of the poll that it led to.
    Led(PollIx),
    /// A position in `Trace::more_wakes`.
    More(u32),
    /// In the task, which has not been polled since.
    Pending(TaskIx),
}

/// Facts about the whole recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// Version of the file's format; 0 where the file is cut before it.
    pub format_version: u16,
    /// When the recording began, in nanoseconds since 1970-01-01 UTC.
    pub started_unix_ns: u64,
    /// What the recorder wrote about itself and its program, by key.
    pub meta: Vec<(Box<str>, Box<str>)>,
}

impl Info {
    /// The value behind a key of [`taskscope_format::meta`].
    pub fn get(&self, key: &str) -> Option<&str> {
        self.meta.iter().find(|(k, _)| &**k == key).map(|(_, value)| &**value)
    }
}

/// A Tokio runtime of the recorded program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// The number that the recorder gave it.
    pub id: u32,
    /// Its name, where the user gave one.
    pub name: Option<Arc<str>>,
    /// Its scheduler.
    pub flavor: Flavor,
    /// Whether the recorder's hooks were on it.
    pub hooked: bool,
    /// The lanes of its workers, in the order of their index.
    pub workers: Vec<LaneIx>,
}

/// An operating-system thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// The number that the recorder gave it.
    pub id: ThreadId,
    /// The operating system's id, 0 where unknown.
    pub os_id: u64,
    /// Its name, where it has one.
    pub name: Option<Arc<str>>,
}

/// What a lane stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LaneKind {
    /// A worker of a runtime. The thread behind it can change.
    Worker {
        /// Position in [`Trace::runtimes`](crate::Trace::runtimes).
        runtime: u32,
        /// Tokio's index of the worker within its runtime.
        index: u32,
    },
    /// A thread that is no worker: one that called `block_on`, or one of the
    /// blocking pool.
    Thread(ThreadId),
}

/// A row of the timeline: where polls are drawn.
#[derive(Clone, Debug)]
pub struct Lane {
    /// What it stands for.
    pub kind: LaneKind,
    /// When it was parked, sorted by start.
    pub(crate) parks: Shelf<Park>,
    /// For a worker, the threads that were it, by the time since which they were first: mostly one,
    /// and another after each `block_in_place`.
    pub threads: Vec<LaneThread>,
    /// Time for which polls occupied it, in nanoseconds. Never more than the time that passed.
    pub busy: Nanos,
    /// Time spent parked, in nanoseconds. Likewise.
    pub parked: Nanos,
    /// Its polls by how many others on the lane they lie within.
    pub(crate) levels: Vec<Level>,
}

impl Lane {
    pub(crate) fn new(kind: LaneKind) -> Self {
        Self {
            kind,
            parks: Shelf::default(),
            threads: Vec::new(),
            busy: 0,
            parked: 0,
            levels: Vec::new(),
        }
    }

    /// How many polls.
    pub fn poll_count(&self) -> u64 {
        self.levels.iter().map(|level| level.count).sum()
    }

    /// When it was parked, in the order of time.
    pub fn parks(&self) -> impl DoubleEndedIterator<Item = &Park> {
        self.parks.iter()
    }

    /// How often it was parked.
    pub fn park_count(&self) -> u64 {
        self.parks.len() as u64
    }
}

/// From when on a thread was behind a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LaneThread {
    /// Since when.
    pub since: Nanos,
    /// Which.
    pub thread: ThreadId,
}

/// A time in which a worker slept for want of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Park {
    /// When it parked.
    pub start: Nanos,
    /// When it woke; the end of the trace where it hadn't.
    pub end: Nanos,
}

/// A place in the recorded program's source.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Path as the compiler saw it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl Place {
    /// The file's name and the line, as people write it: `bursts.rs:36`.
    ///
    /// Every crate has files called `mod.rs`, `lib.rs` and `main.rs`: the folder that says which
    /// one it is stands before these, and for `src` the one around it: `worker/mod.rs:389`,
    /// `server/src/main.rs:12`.
    pub fn short(&self) -> String {
        let is_slash = |c: char| matches!(c, '/' | '\\');
        let mut parts = self.file.rsplit(is_slash).filter(|part| !part.is_empty());
        let mut short = parts.next().unwrap_or(&self.file).to_owned();
        let mut is_common = matches!(&*short, "mod.rs" | "lib.rs" | "main.rs");
        while is_common && let Some(folder) = parts.next() {
            short = format!("{folder}/{short}");
            is_common = folder == "src";
        }
        format!("{short}:{}", self.line)
    }
}

/// A thing that tasks wait for: a lock, a channel, a timer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// Tokio's name of its type, such as `Mutex`; empty where the recording has
    /// lost it.
    pub concrete_type: Arc<str>,
    /// Whether it is only a part of something that users make.
    pub is_internal: bool,
    /// Where it was made.
    pub place: Option<PlaceIx>,
}

/// A resource, as a trace keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ResourceRow {
    /// Position in `Trace::resource_kinds`.
    pub(crate) kind: u32,
    /// The operation that was pending on it first.
    pub(crate) operation: Option<TextIx>,
}

/// What calls a wait by its position in `Trace::wait_kinds`, and not by its resource.
pub(crate) const MORE_KINDS: u32 = 1 << 31;

/// An operation on a resource was pending in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait<'a> {
    /// The resource.
    pub resource: ResourceIx,
    /// Tokio's name of the operation. [`Resource::operation`] makes of it what
    /// people say.
    pub operation: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_named_by_what_tells_it_from_others() {
        for (file, short) in [
            ("demos/src/bursts.rs", "bursts.rs:389"),
            ("/x/tokio-1.54/src/runtime/worker/mod.rs", "worker/mod.rs:389"),
            ("server/src/main.rs", "server/src/main.rs:389"),
            ("/home/me/app/src/lib.rs", "app/src/lib.rs:389"),
            ("src/main.rs", "src/main.rs:389"),
            ("src\\worker\\mod.rs", "worker/mod.rs:389"),
            ("main.rs", "main.rs:389"),
            ("/main.rs", "main.rs:389"),
            ("", ":389"),
        ] {
            let place = Place { file: file.into(), line: 389, column: 5 };
            assert_eq!(place.short(), short, "{file}");
        }
    }
}
