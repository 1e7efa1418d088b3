//! The parts of a trace: tasks, polls, wakes, hops, and the lanes they lie on.

use std::ops::Range;
use std::sync::Arc;

use taskscope_format::{CancelledBy, EndKind, Flavor, Nanos, TaskId, TaskKind, ThreadId, WakeOp};

/// Declares an index into one of the trace's arrays.
macro_rules! index {
    ($(#[$meta:meta])* $name:ident($inner:ty)) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
    /// A task: a position in [`Trace::tasks`](crate::Trace::tasks).
    TaskIx(u32)
}
index! {
    /// A poll: a position in [`Trace::polls`](crate::Trace::polls).
    PollIx(u32)
}
index! {
    /// A wake: a position in [`Trace::wakes`](crate::Trace::wakes).
    WakeIx(u32)
}
index! {
    /// A lane: a position in [`Trace::lanes`](crate::Trace::lanes).
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
    /// A place in the source: a position in [`Trace::places`](crate::Trace::places).
    PlaceIx(u32)
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lane {
    /// What it stands for.
    pub kind: LaneKind,
    /// Its polls, a range of [`Trace::polls`](crate::Trace::polls) sorted by depth, then start.
    pub polls: Range<u32>,
    /// When it was parked, sorted by start.
    pub parks: Vec<Park>,
    /// For a worker, the threads that were it, sorted by time: mostly one, and
    /// another after each `block_in_place`.
    pub threads: Vec<LaneThread>,
    /// Time for which polls occupied it, in nanoseconds. Never more than the time that passed.
    pub busy: Nanos,
    /// Time spent parked, in nanoseconds. Likewise.
    pub parked: Nanos,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// How and when a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub time: Nanos,
    /// How.
    pub kind: EndKind,
    /// Whether `kind` was concluded by the recorder rather than seen.
    pub inferred: bool,
    /// What dropped a task that was cancelled.
    pub cancelled_by: CancelledBy,
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

/// An operation on a resource was pending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When.
    pub time: Nanos,
    /// The task that was polled.
    pub task: TaskIx,
    /// The resource.
    pub resource: ResourceIx,
    /// Tokio's name of the operation. [`Resource::operation`] makes of it what
    /// people say.
    pub operation: Arc<str>,
}

/// A task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// Tokio's id, or that of a wrapped future.
    pub id: TaskId,
    /// What sort of task it is.
    pub kind: TaskKind,
    /// It is a wrapped future inside the task [`parent`](Self::parent), an arm of a `select!`,
    /// say, and not a task of its own.
    pub is_part: bool,
    /// The name the user gave it.
    pub name: Option<Arc<str>>,
    /// For a blocking task, the type name of its closure.
    pub function: Option<Arc<str>>,
    /// Where it was spawned.
    pub place: Option<PlaceIx>,
    /// The runtime it lives on, as position in
    /// [`Trace::runtimes`](crate::Trace::runtimes).
    pub runtime: Option<u32>,
    /// The task that spawned it.
    pub parent: Option<TaskIx>,
    /// Size of its future in bytes.
    pub size: Option<u64>,
    /// Size of its future before Tokio moved it to the heap.
    pub original_size: Option<u64>,
    /// When it was spawned; `None` where that was before the recording, or before the part of it
    /// that a flight recorder kept.
    pub spawned: Option<Nanos>,
    /// The worker on which it was spawned, if it was one.
    pub spawned_on: Option<LaneIx>,
    /// Its end; `None` where it was alive when the recording ended.
    pub end: Option<End>,
    /// How often it was polled on another worker than the poll before.
    pub hops: u32,
    /// Time spent in polls, in nanoseconds.
    pub busy: Nanos,
    /// Its longest poll, in nanoseconds.
    pub longest: Nanos,
    pub(crate) polls: Range<u32>,
    pub(crate) wakes: Range<u32>,
}

impl Task {
    /// Whether any worker of the runtime, or the thread of a `LocalSet`, polls
    /// it: what people mean by a task. The others are closures on the blocking
    /// pool, the futures of `block_on`, and parts of tasks.
    pub fn is_async(&self) -> bool {
        !self.is_part && matches!(self.kind, TaskKind::Task | TaskKind::Local)
    }

    /// How many times it was polled.
    pub fn poll_count(&self) -> u32 {
        self.polls.end - self.polls.start
    }

    /// How many times it was woken.
    pub fn wake_count(&self) -> u32 {
        self.wakes.end - self.wakes.start
    }
}

/// How a poll ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PollEnd {
    /// The task waits for something.
    Pending,
    /// The task had itself scheduled again before it had anything to wait for.
    Yielded {
        /// `false` where the task woke itself during the poll. `true` where
        /// the worker did it right afterwards, as for `yield_now`: nothing in
        /// the recording sets such a wake apart from one by a timer or socket
        /// that happened to be ready at once.
        inferred: bool,
    },
    /// The task had used up its budget, so that Tokio made it yield.
    BudgetSpent,
    /// The future returned.
    Ready,
    /// The future panicked.
    Panicked,
    /// The task waited, and was cancelled before it was polled again.
    Cancelled,
    /// The recording ended, or lost events, before the poll did.
    Open,
}

impl PollEnd {
    /// Whether the task waited afterwards.
    pub fn is_wait(self) -> bool {
        matches!(self, Self::Pending | Self::Cancelled)
    }

    /// Whether the task is to be polled again at once, for any reason.
    pub fn is_yield(self) -> bool {
        matches!(self, Self::Yielded { .. } | Self::BudgetSpent)
    }
}

/// A poll: a task ran on a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Poll {
    /// When it began.
    pub start: Nanos,
    /// When it ended; the end of the trace for one that hadn't.
    pub end: Nanos,
    /// The task.
    pub task: TaskIx,
    /// Where it ran.
    pub lane: LaneIx,
    /// How it ended.
    pub how: PollEnd,
    /// How many polls on the same lane it lies within (a `LocalSet` is
    /// polled inside another poll).
    pub depth: u8,
    /// Whether its thread gave its worker away meanwhile: `block_in_place`. From then on it does
    /// not occupy its lane: see [`Trace::lane_end`](crate::Trace::lane_end).
    pub gave_worker_away: bool,
}

impl Poll {
    /// How long it took, in nanoseconds.
    pub fn duration(&self) -> Nanos {
        self.end - self.start
    }
}

/// Who called a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Waker {
    /// A task, in one of its polls, or by ending while another awaited it.
    Task(TaskIx),
    /// A worker that was polling no task: it was running the timer or I/O
    /// driver. (On a runtime [without hooks](crate::Trace::records_parks) perhaps
    /// it was completing a task that another awaited.)
    Driver(LaneIx),
    /// The worker that had polled the task, right after the poll, because the
    /// task yielded. Inferred: see [`PollEnd::Yielded`].
    Deferred(LaneIx),
    /// A thread that is no worker and ran no task.
    Thread(ThreadId),
}

/// A task was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub time: Nanos,
    /// The task that was woken.
    pub task: TaskIx,
    /// Who woke it.
    pub by: Waker,
    /// How the waker was called.
    pub op: WakeOp,
    /// The lane of the thread that called the waker, if it has one.
    pub lane: Option<LaneIx>,
    /// The worker that the thread was. It can differ from `lane` after a
    /// `block_in_place`.
    pub worker: Option<LaneIx>,
}

/// A task was polled on another worker than the time before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The last poll on the worker it left.
    pub from: PollIx,
    /// The first poll on the worker it came to.
    pub to: PollIx,
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
