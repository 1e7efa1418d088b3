//! What can be recorded: the events of a thread, in the field's own words.

use std::fmt;

/// Nanoseconds since the recording began.
///
/// All threads of a recording read the same clock, so times of different
/// threads can be compared.
pub type Nanos = u64;

/// A task's number, unique within the process.
///
/// For a task that Tokio reports it is the number that `tokio::task::Id`
/// displays. (Tokio's waker events carry the id of a *span* under the same field
/// name; the recorder translates it before it writes.) A future that the program
/// wrapped to be recorded has no number of Tokio's; the recorder counts these
/// from [`TaskId::WRAPPED`] up, which Tokio's own count never gets to, and they
/// are displayed as `f1`, `f2` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(pub u64);

impl TaskId {
    /// The first of the numbers of wrapped futures: 2⁴⁸.
    pub const WRAPPED: u64 = 1 << 48;

    /// Whether this is a wrapped future, which Tokio does not report.
    pub fn is_wrapped(self) -> bool {
        self.0 >= Self::WRAPPED
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_sub(Self::WRAPPED) {
            Some(number) => write!(f, "f{number}"),
            None => self.0.fmt(f),
        }
    }
}

/// A runtime of the recorded process, numbered by the recorder from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuntimeId(pub u32);

/// A thread of the recorded process, numbered by the recorder from 0.
///
/// The number is never used again within a file, unlike the operating
/// system's own thread ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ThreadId(pub u32);

/// A [`LocationOf`] with its texts.
pub type Location<'a> = LocationOf<&'a str>;

/// A place in the recorded program's source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocationOf<T> {
    /// Path as the compiler saw it.
    pub file: T,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl<T: fmt::Display> fmt::Display for LocationOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Declares an enum that stands in the file as one byte.
///
/// The numbers are part of the format: once published they never change.
macro_rules! wire_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$doc])* $variant = $code,)* }

        impl $name {
            /// The number that stands in the file.
            pub const fn code(self) -> u8 {
                self as u8
            }

            /// The value behind a number in a file, if this version knows it.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

wire_enum! {
    /// What sort of task a spawn made.
    TaskKind {
        /// `tokio::spawn` and its like: any worker of the runtime may poll it.
        Task = 0,
        /// A task of a `LocalSet`: it stays on the thread that owns the set.
        Local = 1,
        /// A closure given to `spawn_blocking`, on a thread of the blocking pool.
        Blocking = 2,
        /// The future given to `block_on`.
        BlockOn = 3,
    }
}

wire_enum! {
    /// Which of Tokio's two sources reported an event.
    Source {
        /// A hook on `tokio::runtime::Builder`: exact, and knows its runtime. Or a
        /// wrapper around the future, which is as exact.
        Hook = 0,
        /// A `tracing` span or event. Tokio enters a task's span once more to
        /// drop the finished future, so brackets from this source are not yet
        /// polls.
        Span = 1,
    }
}

wire_enum! {
    /// How a poll ended, as far as the recorder knew when it ended.
    PollResult {
        /// The task did not finish in this poll.
        Pending = 0,
        /// The future returned its value.
        Ready = 1,
        /// The future panicked.
        Panicked = 2,
        /// The worker took the task up only to drop its future (it had been
        /// aborted). Nothing was polled.
        OnlyDropped = 3,
    }
}

wire_enum! {
    /// How a waker was called.
    WakeOp {
        /// `Waker::wake`, which consumes the waker.
        ByValue = 0,
        /// `Waker::wake_by_ref`.
        ByRef = 1,
    }
}

wire_enum! {
    /// How a task ended.
    EndKind {
        /// Its future returned.
        Returned = 0,
        /// Its future panicked.
        Panicked = 1,
        /// Its future was dropped before it returned: aborted, or dropped
        /// when its runtime shut down.
        Cancelled = 2,
        /// The task has ended, and the recorder does not know which of these it was.
        Unknown = 3,
    }
}

wire_enum! {
    /// What dropped the future of a task that was [`EndKind::Cancelled`].
    CancelledBy {
        /// Not recorded.
        Unknown = 0,
        /// `abort`: the worker took the task up to drop it.
        Abort = 1,
        /// The end of its runtime, which drops the tasks that are left.
        Shutdown = 2,
    }
}

wire_enum! {
    /// Which scheduler a runtime has.
    Flavor {
        /// One thread runs everything.
        CurrentThread = 0,
        /// A pool of workers that steal from one another.
        MultiThread = 1,
        /// Not recorded.
        Unknown = 2,
    }
}

/// A [`SpawnOf`] with its texts.
pub type Spawn<'a> = SpawnOf<&'a str>;

/// Everything that is known about a new task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnOf<T> {
    /// The task.
    pub task: TaskId,
    /// What sort of task it is. From a hook always [`TaskKind::Task`].
    pub kind: TaskKind,
    /// Which source reported it. Both can report the same spawn; each knows something that
    /// the other does not.
    pub source: Source,
    /// The runtime it was spawned on, where the source knows it.
    pub runtime: Option<RuntimeId>,
    /// The task that was running on the spawning thread.
    pub parent: Option<TaskId>,
    /// The name given with `tokio::task::Builder::name`.
    pub name: Option<T>,
    /// Where `spawn` was called.
    pub location: Option<LocationOf<T>>,
    /// Size of the future (or the blocking closure) in bytes.
    pub size: Option<u64>,
    /// Its size before Tokio moved it to the heap, in bytes; only for futures
    /// that are so large that it did.
    pub original_size: Option<u64>,
    /// For [`TaskKind::Blocking`], the type name of the closure.
    pub function: Option<T>,
    /// It is no task, but a future inside the task [`parent`](Self::parent) that the program
    /// has wrapped, such as an arm of a `select!`. Its polls lie within those of that task.
    pub is_part: bool,
}

impl<T> SpawnOf<T> {
    /// A spawn of which nothing but the task is known.
    pub fn new(task: TaskId, kind: TaskKind, source: Source) -> Self {
        Self {
            task,
            kind,
            source,
            runtime: None,
            parent: None,
            name: None,
            location: None,
            size: None,
            original_size: None,
            function: None,
            is_part: false,
        }
    }
}

/// A thing that tasks wait for, numbered by the recorder from 0.
///
/// The number is never used again within a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub u64);

/// A [`ResourceOf`] with its texts.
pub type Resource<'a> = ResourceOf<&'a str>;

/// A thing that tasks wait for: a lock, a channel, a timer.
///
/// From the `runtime.resource` spans of Tokio, which not all of its resources
/// have (1.54: `Mutex`, `RwLock`, `Semaphore`, `Barrier`, `oneshot`, `Sleep`,
/// `Interval`, and the capacity of a bounded `mpsc`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceOf<T> {
    /// Its number.
    pub id: ResourceId,
    /// Tokio's name of its type, such as `Mutex`.
    pub concrete_type: T,
    /// Tokio's word for the sort of resource: `Sync` or `timer`.
    pub kind: T,
    /// Whether it is a part of something that users make, and not itself such
    /// a thing.
    pub is_internal: bool,
    /// Where it was made.
    pub location: Option<LocationOf<T>>,
}

/// A span of the program's own, numbered by the recorder from 0.
///
/// The number is never used again within a file, unlike the ids of `tracing`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub u64);

wire_enum! {
    /// How important a span or a message is to its author: the levels of `tracing`.
    Level {
        /// Something has failed.
        Error = 1,
        /// Something may be wrong.
        Warn = 2,
        /// Something that is worth knowing.
        Info = 3,
        /// Of use when one looks for an error.
        Debug = 4,
        /// Everything.
        Trace = 5,
    }
}

/// A [`SpanOf`] with its texts.
pub type Span<'a> = SpanOf<&'a str>;

/// A `tracing` span of the program's own: what it was doing, in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanOf<T> {
    /// Its number.
    pub id: SpanId,
    /// The span that it is a part of, if that is recorded, too.
    pub parent: Option<SpanId>,
    /// Its level.
    pub level: Level,
    /// Its name.
    pub name: T,
    /// Its target, mostly the module.
    pub target: T,
    /// Its fields, as in `method=GET path="/"`.
    pub fields: T,
    /// Where it is made. Older recorders leave it out, and `tracing` does not know columns: 1.
    pub location: Option<LocationOf<T>>,
}

/// An [`EventOf`] with its texts.
pub type Event<'a> = EventOf<&'a str>;

/// Something that happened on a thread.
///
/// `T` stands for its texts: `&str` in an [`Event`], and in a file the numbers of texts that stand
/// before it in the same stream.
///
/// Its place in the thread's stream says the rest: the task that wakes another is
/// the one whose poll is open, and the worker is the one that the last
/// [`Event::Worker`] named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventOf<T> {
    /// A fact about the whole recording, such as the program's name.
    Meta {
        /// One of [`crate::meta`], or a key of a later version.
        key: T,
        /// Its value.
        value: T,
    },
    /// Introduces the thread whose stream this is.
    Thread {
        /// The operating system's id of the thread, 0 where it is not known.
        os_id: u64,
        /// The thread's name, empty where it has none.
        name: T,
    },
    /// Introduces a runtime.
    Runtime {
        /// Its number.
        id: RuntimeId,
        /// Its scheduler.
        flavor: Flavor,
        /// How many workers it has; 0 where that is not known.
        workers: u32,
        /// Its name, empty where the user gave none.
        name: T,
        /// Whether the recorder's hooks are on it, so that polls come from
        /// [`Source::Hook`] and parks are recorded.
        hooked: bool,
    },
    /// From here on the thread is this worker, or no worker.
    Worker(Option<(RuntimeId, u32)>),
    /// A task was spawned.
    Spawn(SpawnOf<T>),
    /// A poll of a task began. Polls on one thread nest (a `LocalSet` is
    /// polled inside a `block_on`).
    PollStart {
        /// The task.
        task: TaskId,
        /// Which source reported it.
        source: Source,
    },
    /// The innermost open poll of this thread ended.
    PollEnd {
        /// How, as far as the recorder knew.
        result: PollResult,
        /// Whether the task's own waker was cloned during the poll: someone
        /// kept it, to wake the task later.
        kept_waker: bool,
    },
    /// A task was woken.
    Wake {
        /// The task that was woken.
        task: TaskId,
        /// How the waker was called.
        op: WakeOp,
    },
    /// A task ended.
    TaskEnd {
        /// The task.
        task: TaskId,
        /// How.
        end: EndKind,
        /// Whether `end` was inferred rather than seen.
        inferred: bool,
        /// For a task that was cancelled, by what.
        cancelled_by: CancelledBy,
    },
    /// The innermost open poll of this thread has used up its budget. From now on each of
    /// Tokio's resources that it polls is pending, so that the task lets others run.
    BudgetSpent,
    /// The task of the poll that begins next on this thread had been scheduled (woken, or spawned)
    /// so many nanoseconds before this. From Tokio's `schedule-latency`.
    Scheduled {
        /// Nanoseconds from its being scheduled to this event.
        ago: Nanos,
    },
    /// A resource was made.
    Resource(ResourceOf<T>),
    /// In the innermost open poll of this thread an operation was pending: the
    /// task waits for it, perhaps for several.
    Wait {
        /// What it is about.
        resource: ResourceId,
        /// Tokio's name of the operation, such as `Mutex::lock`.
        operation: T,
    },
    /// A span of the program's own was made. (Recorded for the targets that the
    /// program names.)
    Span(SpanOf<T>),
    /// Fields of a span were given their values later.
    SpanFields {
        /// The span.
        span: SpanId,
        /// As in [`Span::fields`].
        fields: T,
    },
    /// The thread entered a span: what it does from here on is a part of that.
    SpanEnter(SpanId),
    /// The thread left a span. Spans are mostly left in the reverse order, but
    /// need not be.
    SpanExit(SpanId),
    /// A span was closed: its last handle was dropped.
    SpanClose(SpanId),
    /// The program emitted an event of `tracing`.
    Message {
        /// Its level.
        level: Level,
        /// Its target, mostly the module.
        target: T,
        /// The text, and the fields as in [`Span::fields`].
        text: T,
    },
    /// The worker found nothing to do and went to sleep.
    Park,
    /// The worker woke up.
    Unpark,
    /// Events of this thread were dropped: its buffer was full.
    Dropped {
        /// How many.
        count: u64,
        /// When the first of them happened. The last happened no later than
        /// this event's own time.
        since: Nanos,
    },
}

/// An event with its thread and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The thread on which it happened.
    pub thread: ThreadId,
    /// When it happened.
    pub time: Nanos,
    /// What happened.
    pub event: Event<'a>,
}
