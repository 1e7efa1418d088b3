//! [`Trace`]: the arrays, and the plain questions to them.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use foldhash::HashMap;
use taskscope_format::{Nanos, OpenError, Report, TaskId, TaskKind, ThreadId, meta};

use crate::builder;
use crate::dropped_events::DroppedEvents;
use crate::gaps::Gap;
use crate::spans::Spans;
use crate::store::flags::EndSoFar;
use crate::store::flat::Flat;
use crate::store::id_map::IdMap;
use crate::store::level::LevelView;
use crate::store::polls::{Chunk, Flags, Polls};
use crate::store::shelf::Shelf;
use crate::store::task_polls::TaskPolls;
use crate::types::{
    Hot, Info, Lane, LaneIx, LaneKind, MoreWake, Place, PlaceIx, Poll, PollEnd, PollIx, Resource,
    ResourceIx, ResourceRow, Runtime, Task, TaskIx, TaskView, TextIx, Thread,
};
use crate::yields;

/// A recorded program, or as much of it as has been read.
///
/// It never changes, and a copy costs next to nothing: see [the crate](crate).
#[derive(Clone, Debug, Default)]
pub struct Trace {
    pub(crate) info: Info,
    pub(crate) report: Report,
    pub(crate) span: Range<Nanos>,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) lanes: Vec<Lane>,
    pub(crate) lane_order: Vec<LaneIx>,
    pub(crate) texts: Shelf<Arc<str>>,
    pub(crate) places: Shelf<Place>,
    pub(crate) tasks: Shelf<Task>,
    /// One for each task.
    pub(crate) hot: Arc<Flat<Hot>>,
    /// How often each task hopped.
    pub(crate) hops_of: Flat<u32>,
    pub(crate) task_of: IdMap,
    pub(crate) polls: Polls,
    pub(crate) poll_count: u64,
    /// Wakes of tasks that were going to be polled anyway, in the order of time.
    pub(crate) more_wakes: Shelf<MoreWake>,
    pub(crate) wake_count: u64,
    /// The worker that a thread was that called a waker, where that is not the lane on which it did.
    pub(crate) odd_wakers: Arc<HashMap<WakeKey, LaneIx>>,
    pub(crate) resources: Shelf<ResourceRow>,
    pub(crate) resource_kinds: Shelf<Resource>,
    /// Operations that are not the first on their resource.
    pub(crate) wait_kinds: Shelf<(ResourceIx, TextIx)>,
    pub(crate) spans: Spans,
    /// The polls that hops lead to, by their start. (Some turn out to be none: they have no such flag.)
    pub(crate) hops: Shelf<PollIx>,
    pub(crate) hop_count: u64,
    /// Times of what was found out only later, so that it does not stand in its place in the lists below.
    pub(crate) late_times: Vec<Nanos>,
    /// See [`odd_times`](Self::odd_times).
    pub(crate) odd_times: Arc<OnceLock<Vec<Nanos>>>,
    /// See [`ends_off_lane`](Self::ends_off_lane).
    pub(crate) ends_off_lane: Arc<OnceLock<Vec<Nanos>>>,
    /// When tasks were spawned, sorted.
    pub(crate) spawns: Shelf<Nanos>,
    /// When tasks ended, sorted.
    pub(crate) ends: Shelf<Nanos>,
    /// Tasks of which it is known how they ended.
    pub(crate) known_ends: u64,
    /// By their start.
    pub(crate) drops: Vec<DroppedEvents>,
    /// By their start.
    pub(crate) gaps: Vec<Gap>,
    /// Polls that were open when a flight recorder's window begins, with their real beginnings.
    pub(crate) before: Vec<(PollIx, Nanos)>,
    pub(crate) habits: yields::Decisions,
}

/// What names a wake for as long as it lives: the woken task and the poll that it came after.
pub(crate) type WakeKey = (u32, Nanos);

impl Trace {
    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.texts.share();
        self.places.share();
        self.tasks.share();
        self.task_of.share();
        self.polls.share();
        self.more_wakes.share();
        self.resources.share();
        self.resource_kinds.share();
        self.wait_kinds.share();
        self.spans.share();
        self.hops.share();
        self.spawns.share();
        self.ends.share();
        for lane in &mut self.lanes {
            lane.parks.share();
            lane.levels.iter_mut().for_each(|level| level.share());
        }
    }

    /// Makes the sums over polls that are not there, or not right any more.
    pub(crate) fn sum_up(&mut self) {
        let Self { lanes, polls, .. } = self;
        for number in polls.sum_up() {
            let Chunk { lane, depth, .. } = *polls.chunk(number as usize);
            let levels = lanes.get_mut(lane.get()).map(|lane| &mut lane.levels);
            if let Some(level) = levels.and_then(|levels| levels.get_mut(usize::from(depth))) {
                level.forget_from(number);
            }
        }
        for lane in lanes {
            for level in &mut lane.levels {
                level.index(polls);
            }
            // What lies within a poll is part of it.
            lane.busy = lane.levels.first().map_or(0, |level| level.busy);
        }
    }

    /// When tasks were woken that have not been polled since, and what does not stand in its place in
    /// one of the lists that are sorted by time; sorted. (A look at each task: not for each snapshot.)
    pub(crate) fn odd_times(&self) -> &[Nanos] {
        self.odd_times.get_or_init(|| {
            let pending = self.hot.iter().filter_map(|hot| Some(hot.pending()?.time));
            let mut times: Vec<Nanos> = pending.chain(self.late_times.iter().copied()).collect();
            times.sort_unstable();
            times
        })
    }

    /// When polls ended that had left their lane, sorted. (Likewise.)
    pub(crate) fn ends_off_lane(&self) -> &[Nanos] {
        self.ends_off_lane.get_or_init(|| self.polls.ends_off_lane())
    }

    /// Reads a trace file.
    ///
    /// It reads all that can be read; [`report`](Self::report) has what could not.
    ///
    /// # Errors
    /// [`OpenError`] if `file` is no trace, or one of a later version.
    pub fn from_bytes(file: &[u8]) -> Result<Self, OpenError> {
        Self::load(file, &mut |_| {})
    }

    /// Like [`from_bytes`](Self::from_bytes), and calls `progress` now and
    /// then with the part of the work that is done, from 0 to 1.
    ///
    /// # Errors
    /// As `from_bytes`.
    pub fn load(file: &[u8], progress: &mut dyn FnMut(f32)) -> Result<Self, OpenError> {
        builder::load_bytes(file, progress)
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

    /// The lanes, by their numbers.
    pub fn lanes(&self) -> &[Lane] {
        &self.lanes
    }

    /// The lanes in the order in which people read them: workers first, runtime by runtime, then
    /// other threads.
    pub fn lane_order(&self) -> &[LaneIx] {
        &self.lane_order
    }

    /// A lane.
    pub fn lane(&self, lane: LaneIx) -> &Lane {
        &self.lanes[lane.get()]
    }

    /// Whether a lane is a worker's.
    pub fn is_worker(&self, lane: LaneIx) -> bool {
        matches!(self.lane(lane).kind, LaneKind::Worker { .. })
    }

    /// Whether a lane is that of a thread of the blocking pool: what it ran first was a closure of `spawn_blocking`.
    pub fn is_pool(&self, lane: LaneIx) -> bool {
        let first = self.lane_polls(lane).next().map(|(_, poll)| self.task(poll.task).kind);
        !self.is_worker(lane) && first == Some(TaskKind::Blocking)
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
    pub fn places(&self) -> impl ExactSizeIterator<Item = &Place> {
        (0..self.places.len()).map(|at| &self.places[at])
    }

    /// A place.
    pub fn place(&self, place: PlaceIx) -> &Place {
        &self.places[place.get()]
    }

    /// A text: a name, say.
    pub fn text(&self, text: TextIx) -> &str {
        self.texts.get(text.get()).map_or("", |text| text)
    }

    /// How many tasks there are.
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// All tasks, in the order in which the recording first names them: that of their spawns, but for
    /// those that are older than it.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = TaskView<'_>> + ExactSizeIterator {
        (0..self.tasks.len() as u32).map(|task| self.task(TaskIx(task)))
    }

    /// A task.
    pub fn task(&self, task: TaskIx) -> TaskView<'_> {
        let (facts, hot) = (&self.tasks[task.get()], &self.hot[task.get()]);
        TaskView { ix: task, facts, hot, trace: self }
    }

    /// The task with this id of Tokio's.
    pub fn find_task(&self, id: TaskId) -> Option<TaskIx> {
        self.task_of.get(id.0).map(TaskIx)
    }

    /// What a person would call the task: its name, its function's, or its id.
    pub fn task_name(&self, task: TaskIx) -> String {
        let task = self.task(task);
        match (task.name(), task.function()) {
            (Some(name), _) => name.to_owned(),
            (None, Some(function)) => short_function(function).to_owned(),
            (None, None) if task.kind == TaskKind::BlockOn => format!("block_on {}", task.id),
            (None, None) => format!("task {}", task.id),
        }
    }

    /// How many polls there are.
    pub fn poll_count(&self) -> u64 {
        self.poll_count
    }

    /// All polls, by lane, then by depth, then by start.
    pub fn polls(&self) -> impl Iterator<Item = (PollIx, Poll)> {
        self.lane_order.iter().flat_map(|&lane| self.lane_polls(lane))
    }

    /// The poll that begins first; `None` where there is none.
    pub fn first_poll(&self) -> Option<PollIx> {
        let lanes = (0..self.lanes.len()).map(|lane| LaneIx(lane as u16));
        let firsts = lanes.flat_map(|lane| self.levels(lane)).filter_map(|level| level.first());
        firsts.min_by_key(|&poll| (self.polls.start(poll), poll))
    }

    /// A poll.
    pub fn poll(&self, poll: PollIx) -> Poll {
        let chunk = self.polls.chunk(poll.chunk());
        let slot = poll.slot();
        let row = &chunk.rows[slot];
        let start = chunk.start(slot);
        Poll {
            start,
            end: start + chunk.duration(slot),
            task: TaskIx(row.task),
            lane: chunk.lane,
            how: self.poll_end(row.task, row.flags),
            depth: chunk.depth,
            gave_worker_away: row.flags.has(Flags::GAVE_AWAY),
        }
    }

    /// How a poll ended: what its thread recorded, what the end of its task says, and what is inferred
    /// from the wake behind it.
    pub(crate) fn poll_end(&self, task: u32, flags: Flags) -> PollEnd {
        let end = match flags.has(Flags::LAST) {
            true => self.tasks[task as usize].end.map(|end| end.kind),
            false => None,
        };
        match flags.poll_end(end) {
            EndSoFar::Known(how) => how,
            EndSoFar::UnlessYielded(_) if self.yielded(task, flags) => {
                PollEnd::Yielded { inferred: true }
            }
            EndSoFar::UnlessYielded(how) => how,
        }
    }

    /// Whether the wake behind a poll is taken for that of a yield.
    pub(crate) fn yielded(&self, task: u32, flags: Flags) -> bool {
        flags.has(Flags::TAIL)
            && (flags.has(Flags::BUDGET) || self.habits.yields(self.task(TaskIx(task)), flags))
    }

    /// When a poll really began, for one that went on when what a flight recorder kept begins:
    /// the trace shows it from there.
    pub fn began_before(&self, poll: PollIx) -> Option<Nanos> {
        if !self.polls.row(poll).flags.has(Flags::BEFORE) {
            return None;
        }
        let (_, begun) = self.before.iter().find(|(known, _)| *known == poll)?;
        Some(*begun)
    }

    pub(crate) fn levels(&self, lane: LaneIx) -> impl DoubleEndedIterator<Item = LevelView<'_>> {
        let levels = self.lanes[lane.get()].levels.iter();
        levels.map(|level| LevelView { polls: &self.polls, level })
    }

    /// The polls of a lane, sorted by depth, then by start.
    pub fn lane_polls(&self, lane: LaneIx) -> impl Iterator<Item = (PollIx, Poll)> {
        let chunks = self.lanes[lane.get()].levels.iter().flat_map(|level| &level.chunks);
        chunks.flat_map(move |&number| {
            let chunk = self.polls.chunk(number as usize);
            let slots = (0..chunk.rows.len()).filter(|&slot| !chunk.is_gone(slot));
            slots.map(move |slot| {
                let ix = PollIx::new(number as usize, slot);
                (ix, self.poll(ix))
            })
        })
    }

    /// The polls of a task, sorted by start.
    pub fn task_polls(&self, task: TaskIx) -> TaskPolls<'_> {
        TaskPolls::new(self.task(task))
    }

    /// Whether wakes were recorded, so that one that isn't there did not happen.
    pub fn records_wakes(&self) -> bool {
        let polls_alone = self.info.get(meta::DETAIL) == Some(meta::DETAIL_POLLS);
        !polls_alone || self.wake_count > 0
    }

    /// Whether it was recorded how polls and tasks ended.
    pub fn records_outcomes(&self) -> bool {
        let polls_alone = self.info.get(meta::DETAIL) == Some(meta::DETAIL_POLLS);
        // Wrapped futures know it all the same.
        !polls_alone || self.known_ends > 0
    }
}

/// The last path component of a type name; of a closure, that of its function.
pub(crate) fn short_function(name: &str) -> &str {
    let name = name.trim_end_matches("::{{closure}}");
    let head = name.split('<').next().unwrap_or(name);
    match head.rfind("::") {
        Some(at) => &head[at + 2..],
        None => head,
    }
}
