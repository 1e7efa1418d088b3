//! [`Trace`]: the arrays, and the plain questions to them.

use std::ops::Range;

use taskscope_format::{EndKind, Nanos, OpenError, Report, TaskId, TaskKind, ThreadId, meta};

use crate::builder;
use crate::dropped_events::DroppedEvents;
use crate::gaps::Gap;
use crate::lanes::LevelIndex;
use crate::spans::Spans;
use crate::types::{
    Hop, Info, Lane, LaneIx, LaneKind, Place, PlaceIx, Poll, PollIx, Resource, Runtime, Task,
    TaskIx, Thread, Wait, Wake, WakeIx,
};

/// A recorded program.
#[derive(Debug)]
pub struct Trace {
    pub(crate) info: Info,
    pub(crate) report: Report,
    pub(crate) span: Range<Nanos>,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) lane_levels: Vec<Vec<LevelIndex>>,
    pub(crate) places: Vec<Place>,
    pub(crate) tasks: Vec<Task>,
    /// By lane, then by depth, then by start.
    pub(crate) polls: Vec<Poll>,
    /// Polls that gave their worker away, and when. By poll.
    pub(crate) left_lane: Vec<(PollIx, Nanos)>,
    /// When these polls ended, sorted.
    pub(crate) ends_off_lane: Vec<Nanos>,
    /// Positions in `polls`, by task, then by start.
    pub(crate) polls_by_task: Vec<PollIx>,
    /// By time.
    pub(crate) wakes: Vec<Wake>,
    /// Positions in `wakes`, by task, then by time.
    pub(crate) wakes_by_task: Vec<WakeIx>,
    pub(crate) resources: Vec<Resource>,
    /// By task, then by time.
    pub(crate) waits: Vec<Wait>,
    pub(crate) spans: Spans,
    /// By the start of the poll they lead to.
    pub(crate) hops: Vec<Hop>,
    /// Times at which tasks ended, sorted.
    pub(crate) ends: Vec<(Nanos, TaskIx)>,
    /// By their start.
    pub(crate) drops: Vec<DroppedEvents>,
    /// By their start.
    pub(crate) gaps: Vec<Gap>,
    /// Polls that were open when a flight recorder's window begins.
    pub(crate) before: Vec<(TaskIx, Nanos)>,
    /// Since when a task had been scheduled for the poll that began then, where that was recorded.
    /// By task and start.
    pub(crate) scheduled: Vec<(TaskIx, Nanos, Nanos)>,
}

impl Trace {
    /// Reads a trace file.
    ///
    /// It reads all that can be read; [`report`](Self::report) has what could not.
    ///
    /// # Errors
    /// [`OpenError`] if `file` is no trace, or one of a later version.
    pub fn from_bytes(file: &[u8]) -> Result<Self, OpenError> {
        builder::load(file, &mut |_| {})
    }

    /// Like [`from_bytes`](Self::from_bytes), and calls `progress` now and
    /// then with the part of the work that is done, from 0 to 1.
    ///
    /// # Errors
    /// As `from_bytes`.
    pub fn load(file: &[u8], progress: &mut dyn FnMut(f32)) -> Result<Self, OpenError> {
        builder::load(file, progress)
    }

    /// Facts about the whole recording.
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// What reading the file found out beside its events: whether it is complete,
    /// what is damaged, how many events the recorder dropped.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The time from the first event to the last.
    pub fn span(&self) -> Range<Nanos> {
        self.span.clone()
    }

    /// The runtimes, in the order of their numbers.
    pub fn runtimes(&self) -> &[Runtime] {
        &self.runtimes
    }

    /// The threads that recorded anything, in the order of their numbers.
    pub fn threads(&self) -> &[Thread] {
        &self.threads
    }

    /// The thread with this number.
    pub fn thread(&self, id: ThreadId) -> Option<&Thread> {
        // Threads are few, apart from programs that start thousands: sorted by their number.
        let position = self.threads.binary_search_by_key(&id, |thread| thread.id).ok()?;
        self.threads.get(position)
    }

    /// The lanes: workers first, runtime by runtime, then other threads.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// A lane.
    pub fn lane(&self, lane: LaneIx) -> &Lane {
        &self.lanes[lane.get()]
    }

    /// Whether a lane is a worker's.
    pub fn is_worker(&self, lane: LaneIx) -> bool {
        matches!(self.lane(lane).kind, LaneKind::Worker { .. })
    }

    /// Whether a lane is that of a worker whose parks are recorded, as those of
    /// runtimes with hooks are. Only there is it known that a waker that is called
    /// between polls is called by the timer or I/O driver: elsewhere it may also be
    /// a task that has just returned to the task that awaits it.
    pub fn records_parks(&self, lane: LaneIx) -> bool {
        match self.lane(lane).kind {
            LaneKind::Worker { runtime, .. } => self.runtimes[runtime as usize].hooked,
            LaneKind::Thread(_) => false,
        }
    }

    /// A lane's name: `worker 2`, or the name of a thread.
    pub fn lane_name(&self, lane: LaneIx) -> String {
        match self.lane(lane).kind {
            LaneKind::Worker { index, .. } => format!("worker {index}"),
            LaneKind::Thread(id) => self.thread_name(id),
        }
    }

    /// A thread by its name, or by its number where it has none: `thread main`.
    pub fn thread_name(&self, id: ThreadId) -> String {
        match self.thread(id).and_then(|thread| thread.name.as_ref()) {
            Some(name) => format!("thread {name}"),
            None => format!("thread {}", id.0),
        }
    }

    /// The thread that was behind a worker at `time`: the last that had become it.
    /// `None` for the lane of a thread.
    pub fn thread_behind(&self, lane: LaneIx, time: Nanos) -> Option<&Thread> {
        let threads = &self.lane(lane).threads;
        let after = threads.partition_point(|behind| behind.since <= time);
        let behind = threads.get(after.saturating_sub(1))?;
        self.thread(behind.thread)
    }

    /// The thread that was first behind a worker, or that of a lane that is no worker's.
    pub fn first_thread(&self, lane: LaneIx) -> Option<&Thread> {
        match self.lane(lane).kind {
            LaneKind::Worker { .. } => self.thread(self.lane(lane).threads.first()?.thread),
            LaneKind::Thread(thread) => self.thread(thread),
        }
    }

    /// The places in the source that anything here refers to: where tasks were spawned
    /// ([`Task::place`]) and where resources were made ([`Resource::place`]).
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// A place.
    pub fn place(&self, place: PlaceIx) -> &Place {
        &self.places[place.get()]
    }

    /// All tasks, in the order in which they were spawned.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// A task.
    pub fn task(&self, task: TaskIx) -> &Task {
        &self.tasks[task.get()]
    }

    /// The task with this id of Tokio's.
    pub fn find_task(&self, id: TaskId) -> Option<TaskIx> {
        // Tasks are sorted by time, ids nearly so: a plain search is right and
        // fast enough for the few times that a person asks.
        let position = self.tasks.iter().position(|task| task.id == id)?;
        Some(TaskIx(position as u32))
    }

    /// What a person would call the task: its name, its function's, or its id.
    pub fn task_name(&self, task: TaskIx) -> String {
        let task = self.task(task);
        match (&task.name, &task.function) {
            (Some(name), _) => name.to_string(),
            (None, Some(function)) => short_function(function).to_owned(),
            (None, None) if task.kind == TaskKind::BlockOn => format!("block_on {}", task.id),
            (None, None) => format!("task {}", task.id),
        }
    }

    /// All polls, by lane, then by depth, then by start.
    pub fn polls(&self) -> &[Poll] {
        &self.polls
    }

    /// A poll.
    pub fn poll(&self, poll: PollIx) -> &Poll {
        &self.polls[poll.get()]
    }

    /// When a poll really began, for one that went on when what a flight recorder kept begins:
    /// the trace shows it from there.
    pub fn began_before(&self, poll: PollIx) -> Option<Nanos> {
        let of = self.poll(poll);
        let first = self.task_polls(of.task).first() == Some(&poll);
        let (_, begun) = self.before.iter().find(|(task, _)| first && *task == of.task)?;
        Some(*begun)
    }

    /// The polls of a lane, sorted by depth, then by start.
    pub fn lane_polls(&self, lane: LaneIx) -> &[Poll] {
        let Range { start, end } = self.lane(lane).polls;
        &self.polls[start as usize..end as usize]
    }

    /// The polls of a task, sorted by start.
    pub fn task_polls(&self, task: TaskIx) -> &[PollIx] {
        let Range { start, end } = self.task(task).polls;
        &self.polls_by_task[start as usize..end as usize]
    }

    /// Whether wakes were recorded, so that one that isn't there did not happen.
    pub fn records_wakes(&self) -> bool {
        let polls_alone = self.info.get(meta::DETAIL) == Some(meta::DETAIL_POLLS);
        !polls_alone || !self.wakes.is_empty()
    }

    /// Whether it was recorded how polls and tasks ended.
    pub fn records_outcomes(&self) -> bool {
        let polls_alone = self.info.get(meta::DETAIL) == Some(meta::DETAIL_POLLS);
        // Wrapped futures know it all the same.
        let is_known = |task: &Task| task.end.is_some_and(|end| end.kind != EndKind::Unknown);
        !polls_alone || self.tasks.iter().any(is_known)
    }

    /// All wakes, sorted by time.
    pub fn wakes(&self) -> &[Wake] {
        &self.wakes
    }

    /// A wake.
    pub fn wake(&self, wake: WakeIx) -> &Wake {
        &self.wakes[wake.get()]
    }

    /// The wakes of a task, sorted by time.
    pub fn task_wakes(&self, task: TaskIx) -> &[WakeIx] {
        let Range { start, end } = self.task(task).wakes;
        &self.wakes_by_task[start as usize..end as usize]
    }

    /// All hops, sorted by the start of the poll that they lead to.
    pub fn hops(&self) -> &[Hop] {
        &self.hops
    }

    /// The hops that arrive in `window`: the poll that they lead to begins in it.
    pub fn hops_arriving(&self, window: Range<Nanos>) -> &[Hop] {
        let before = |time| self.hops.partition_point(|hop| self.poll(hop.to).start < time);
        let (first, after) = (before(window.start), before(window.end));
        &self.hops[first..after.max(first)]
    }
}

/// The last path component of a type name; of a closure, that of its function.
fn short_function(name: &str) -> &str {
    let name = name.trim_end_matches("::{{closure}}");
    let head = name.split('<').next().unwrap_or(name);
    match head.rfind("::") {
        Some(at) => &head[at + 2..],
        None => head,
    }
}
