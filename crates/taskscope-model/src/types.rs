//! The parts of a trace: tasks, polls, wakes, hops, and the lanes they lie on.

use std::ops::Deref;
use std::sync::Arc;

use taskscope_format::{CancelledBy, EndKind, Flavor, Nanos, TaskId, TaskKind, ThreadId, WakeOp};

use crate::store::level::Level;
use crate::store::polls::{Flags, NONE};
use crate::store::shelf::Shelf;
use crate::trace::Trace;

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
    pub(crate) name: Option<TextIx>,
    /// For a blocking task, the type name of its closure.
    pub(crate) function: Option<TextIx>,
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
    pub(crate) hops: u32,
    /// Every 64th of its polls, from the 64th on.
    pub(crate) marks: Vec<u32>,
    /// The last of its wakes before its first poll that did not lead to that, in `Trace::more_wakes`.
    pub(crate) last_early: u32,
}

/// What each poll and each wake of a task looks at and changes: one line of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub(crate) struct Hot {
    /// Its last poll, from which the rows lead to those before; `NONE` where it has none.
    pub(crate) last: u32,
    pub(crate) polls: u32,
    pub(crate) wakes: u32,
    /// Where its habits stand: see `yields.rs`. 0 where it has none.
    pub(crate) habit: u32,
    /// When the last poll began.
    pub(crate) last_start: Nanos,
    /// How long it lasted, and how long the longest did; [`Hot::LONG`] for longer ones.
    pub(crate) last_duration: u32,
    pub(crate) longest: u32,
    /// In all polls.
    pub(crate) busy: Nanos,
    /// The wake that will lead to its next poll: the first since the start of its last.
    woken: Nanos,
    waker: u32,
    wake: u8,
    pub(crate) bits: u8,
    pub(crate) last_lane: LaneIx,
    /// The moment at which its last poll ended.
    pub(crate) moment: Moment,
}

impl Hot {
    /// Longer than 32 bits can say: the rows have it.
    pub(crate) const LONG: u32 = u32::MAX;
    /// The last poll was left pending with its waker kept.
    pub(crate) const WAITING: u8 = 1 << 3;
    /// The task has ended.
    pub(crate) const ENDED: u8 = 1 << 4;
    /// A bracket was taken for its drop: see `builder/polls.rs`.
    pub(crate) const DROPPED: u8 = 1 << 5;
    /// It is a task of its own that workers may take from one another.
    pub(crate) const HOPS: u8 = 1 << 6;
    /// It is the future of a `block_on`.
    pub(crate) const BLOCK_ON: u8 = 1 << 7;
    /// What its habits say of its yields: see `yields.rs`.
    const HABIT: u8 = 0b111;

    pub(crate) const NEW: Self = Self {
        last: NONE,
        polls: 0,
        wakes: 0,
        habit: 0,
        last_start: 0,
        last_duration: 0,
        longest: 0,
        busy: 0,
        woken: 0,
        waker: 0,
        wake: 0,
        bits: Self::HOPS,
        last_lane: LaneIx(0),
        moment: Moment { thread: 0, silence: 0, batch: 0 },
    };

    #[inline]
    pub(crate) fn has(&self, bit: u8) -> bool {
        self.bits & bit != 0
    }

    #[inline]
    pub(crate) fn set(&mut self, bit: u8, holds: bool) {
        self.bits = if holds { self.bits | bit } else { self.bits & !bit };
    }

    /// See [`Hot::HABIT`].
    pub(crate) fn habits(&self) -> u8 {
        self.bits & Self::HABIT
    }

    pub(crate) fn set_habits(&mut self, habits: u8) {
        self.bits = self.bits & !Self::HABIT | habits;
    }

    /// When the last poll ended, as far as is known here.
    #[inline]
    pub(crate) fn last_end(&self) -> Nanos {
        self.last_start + Nanos::from(self.last_duration)
    }

    #[inline]
    pub(crate) fn is_woken(&self) -> bool {
        self.wake != 0
    }

    #[inline]
    pub(crate) fn pending(&self) -> Option<PendingWake> {
        let Self { woken: time, waker, wake, .. } = *self;
        (wake != 0).then(|| PendingWake { time, waker, flags: Flags::of_packed_wake(wake) })
    }

    #[inline]
    pub(crate) fn set_pending(&mut self, wake: Option<PendingWake>) {
        match wake {
            None => self.wake = 0,
            Some(PendingWake { time, waker, flags }) => {
                (self.woken, self.waker, self.wake) = (time, waker, flags.packed_wake());
            }
        }
    }

    /// Adds a poll that has ended.
    #[inline]
    pub(crate) fn add_time(&mut self, duration: Nanos) {
        self.busy = self.busy.saturating_add(duration);
        self.longest = self.longest.max(u32::try_from(duration).unwrap_or(Self::LONG));
    }
}

/// A thread between two of its polls: two things have the same moment if the
/// thread neither parked nor called wakers and then polled between them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moment {
    /// The thread's number, or the end of it.
    pub(crate) thread: u16,
    /// Counts times without an event, and begins again.
    pub(crate) silence: u16,
    /// Counts parks, and polls behind wakes. The wakers that a thread calls between two polls and
    /// parks are one batch.
    pub(crate) batch: u32,
}

impl Moment {
    /// Whether two things have the same moment. Where parks are not recorded (its
    /// runtime has no hooks), a worker that was silent for a while is taken to
    /// have parked.
    pub(crate) fn is_same(self, other: Self, records_parks: bool) -> bool {
        self.thread == other.thread
            && self.batch == other.batch
            && (records_parks || self.silence == other.silence)
    }
}

/// A wake that has not yet led to a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PendingWake {
    pub(crate) time: Nanos,
    pub(crate) waker: u32,
    /// As in a row.
    pub(crate) flags: Flags,
}

/// A wake of a task that was going to be polled anyway.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MoreWake {
    pub(crate) time: Nanos,
    /// That, or the latest before it in the list: a few are found to be such only later.
    pub(crate) order: Nanos,
    pub(crate) task: u32,
    /// The further wake before, after the same poll.
    pub(crate) before: u32,
    pub(crate) waker: u32,
    pub(crate) flags: Flags,
}

impl Task {
    pub(crate) fn new(id: TaskId) -> Self {
        Self {
            id,
            kind: TaskKind::Task,
            is_part: false,
            name: None,
            function: None,
            place: None,
            runtime: None,
            parent: None,
            size: None,
            original_size: None,
            spawned: None,
            spawned_on: None,
            end: None,
            hops: 0,
            marks: Vec::new(),
            last_early: NONE,
        }
    }

    /// Whether any worker of the runtime, or the thread of a `LocalSet`, polls
    /// it: what people mean by a task. The others are closures on the blocking
    /// pool, the futures of `block_on`, and parts of tasks.
    pub fn is_async(&self) -> bool {
        !self.is_part && matches!(self.kind, TaskKind::Task | TaskKind::Local)
    }
}

/// A task with its figures.
#[derive(Clone, Copy, Debug)]
pub struct TaskView<'a> {
    pub(crate) facts: &'a Task,
    pub(crate) hot: &'a Hot,
    pub(crate) trace: &'a Trace,
}

impl Deref for TaskView<'_> {
    type Target = Task;

    fn deref(&self) -> &Task {
        self.facts
    }
}

impl<'a> TaskView<'a> {
    /// The name the user gave it.
    pub fn name(&self) -> Option<&'a str> {
        self.facts.name.map(|name| self.trace.text(name))
    }

    /// For a blocking task, the type name of its closure.
    pub fn function(&self) -> Option<&'a str> {
        self.facts.function.map(|function| self.trace.text(function))
    }

    /// How many times it was polled.
    pub fn poll_count(&self) -> u32 {
        self.hot.polls
    }

    /// How many times it was woken.
    pub fn wake_count(&self) -> u32 {
        self.hot.wakes
    }

    /// How often it was polled on another worker than the poll before.
    pub fn hop_count(&self) -> u32 {
        self.facts.hops
    }

    /// Time spent in polls, in nanoseconds.
    pub fn busy(&self) -> Nanos {
        self.hot.busy
    }

    /// Its longest poll, in nanoseconds.
    pub fn longest(&self) -> Nanos {
        match self.hot.longest {
            // Polls of more than four seconds are few, and so are the polls of their tasks.
            Hot::LONG => {
                let polls = &self.trace.polls;
                polls.back_from(self.hot.last).map(|poll| polls.duration(poll)).max().unwrap_or(0)
            }
            short => short.into(),
        }
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
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Yielded { inferred: false },
        Self::Yielded { inferred: true },
        Self::BudgetSpent,
        Self::Ready,
        Self::Panicked,
        Self::Cancelled,
        Self::Open,
    ];

    /// Its place in [`ALL`](Self::ALL).
    pub fn position(self) -> usize {
        match self {
            Self::Pending => 0,
            Self::Yielded { inferred: false } => 1,
            Self::Yielded { inferred: true } => 2,
            Self::BudgetSpent => 3,
            Self::Ready => 4,
            Self::Panicked => 5,
            Self::Cancelled => 6,
            Self::Open => 7,
        }
    }

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
