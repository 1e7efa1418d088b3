//! From what threads did, in the order of time, to a [`Trace`].
//!
//! A record says little by itself. "The poll ended" is the end of the innermost
//! open poll *of this thread*; "task 7 was woken" was done by the task that ran *on
//! this thread* then; a poll lies on the lane of the worker that *this thread*
//! was at that time. So what a thread is in the middle of is kept for each ([`Stream`]).
//!
//! Everything comes in the order of time, over all threads. So what a poll needs to know has been
//! read when it begins: the poll of its task before, the wake that came since, what occupies its
//! lane. What comes later changes a poll that stands already: how long it lasted, if another block
//! says so, and that it was the last of its task.
//!
//! If the recorder knows that a bracket only drops an aborted task, it marks it so, and the
//! bracket makes no poll. It has a row all the same, since what was done in it refers to it.
//!
//! Nothing in a file may make this panic or grow beyond a multiple of the file:
//! indices that a file names are looked up in maps, counts that it names are
//! bounded.

use foldhash::{HashMap, HashSet};
use taskscope_format::{BlockAt, EndKind, EventOf, Nanos, PollResult, TaskId, ThreadId, meta};

use super::batch::{GOES_ON, Item, ItemKind, ThreadReader};
use super::intern::Names;
use super::let_go::LetGo;
use crate::prefetch::prefetch;
use crate::spans::{Here, OpenSpans};
use crate::store::flat::Flat;
use crate::store::polls::{Flags, NONE, RawEnd};
use crate::trace::Trace;
use crate::types::{End, Hot, LaneIx, LaneKind, LaneThread, Moment, Park, PollIx, TaskIx, TextIx};
use crate::yields::{Batch, Habits};

/// How deep a part of a task is looked for the task that waits with it.
const MOST_PARTS: usize = 8;

/// A trace in the making.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    pub(crate) trace: Trace,
    /// One for each task: what becomes [`Trace::hot`].
    pub(crate) hot: Flat<Hot>,
    /// How often each has hopped. (Beside what is kept of a task they would be found much later.)
    pub(crate) hops_of: Flat<u32>,
    pub(crate) names: Names,
    pub(crate) streams: Vec<Stream>,
    pub(crate) spans: OpenSpans,
    pub(crate) habits: Habits,
    /// What is open on each lane, outermost first.
    pub(crate) occupants: Vec<Vec<Occupant>>,
    /// When what a flight recorder kept begins; 0 for a whole recording.
    pub(crate) window: Nanos,
    pub(crate) notices_parks: bool,
    /// Tasks of which a spawn was read.
    pub(crate) described: HashSet<TaskIx>,
    /// Tasks of which none was, as spans showed them first.
    pub(crate) undescribed: Vec<Undescribed>,
    /// Lanes on which the future of a `block_on` was polled.
    pub(crate) block_on_lanes: HashSet<LaneIx>,
    /// Ends of tasks that nothing else has named.
    pub(super) orphan_ends: HashMap<TaskId, End>,
    /// The last bracket of a task that has ended, where it was one in which the task was dropped.
    pub(crate) drop_brackets: HashMap<TaskIx, PollIx>,
    /// See [`crate::spans::Spans::more_fields`].
    pub(crate) room_for_fields: u64,
    pub(crate) has_begun: bool,
    /// More polls than numbers: the rest was left out.
    pub(crate) is_full: bool,
    /// How rows are let go, where only figures are wanted.
    pub(super) lets_go: Option<Box<LetGo>>,
}

/// See [`Replay::undescribed`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undescribed {
    pub(crate) task: TaskIx,
    pub(crate) lane: LaneIx,
    pub(crate) is_nested: bool,
}

/// A poll that has begun on a thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenPoll {
    pub(crate) poll: PollIx,
    pub(crate) task: TaskIx,
    pub(crate) lane: LaneIx,
    /// The thread is the worker whose lane that is.
    pub(crate) on_worker: bool,
    /// Its end has not been read.
    pub(crate) goes_on: bool,
}

/// A poll that occupies a lane, or others do that lie within it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Occupant {
    pub(crate) poll: PollIx,
    pub(crate) thread: u32,
    /// When it leaves the lane, as far as is known.
    pub(crate) until: Nanos,
}

/// What is known of a thread while its stream is replayed.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) thread: ThreadId,
    pub(crate) worker: Option<LaneIx>,
    /// The lane that is the thread's own.
    own_lane: Option<LaneIx>,
    pub(crate) open: Vec<OpenPoll>,
    pub(crate) parked_since: Option<(LaneIx, Nanos)>,
    pub(crate) moment: Moment,
    /// The wakes that it makes between two polls.
    pub(crate) batch: Batch,
    /// Since when the task of the next poll has been scheduled.
    pub(crate) scheduled: Option<Nanos>,
    /// A gap of which the lane is not known yet, as a position in the trace's gaps.
    pub(super) gap_without_lane: Option<usize>,
    /// The texts that its records name by their numbers.
    pub(crate) texts: Vec<TextIx>,
}

impl Stream {
    pub(crate) fn new(thread: ThreadId) -> Self {
        Self {
            thread,
            worker: None,
            own_lane: None,
            open: Vec::new(),
            parked_since: None,
            moment: Moment { thread: thread.0 as u16, ..Moment::default() },
            batch: Batch::default(),
            scheduled: None,
            gap_without_lane: None,
            texts: Vec::new(),
        }
    }
}

impl Replay {
    /// Takes in what a thread did next. `at` is when, in the order of all threads.
    #[inline]
    pub(crate) fn item(&mut self, stream: usize, at: Nanos, item: &Item, rare: &[EventOf<u32>]) {
        // What held before the window is recorded under its own times. It begins with the window.
        let time = if item.time <= self.window { self.window } else { at.max(self.window) };
        // Polls whose ends came with their beginnings end without further ado.
        self.streams[stream]
            .open
            .truncate(usize::from(item.nesting) + usize::from(item.kind == ItemKind::PollEnd));
        match item.kind {
            ItemKind::Poll => {
                self.reach(time, item);
                self.poll_start(stream, time, item);
            }
            ItemKind::PollEnd => {
                self.reach(time, item);
                self.poll_end(stream, time, item);
            }
            ItemKind::Wake => {
                self.reach(time, item);
                self.wake(stream, time, item);
            }
            ItemKind::Park => {
                self.reach(time, item);
                self.next_batch(stream);
                let stream = &mut self.streams[stream];
                stream.parked_since = stream.worker.map(|lane| (lane, time));
            }
            ItemKind::Unpark => {
                self.reach(time, item);
                self.unpark(stream, time);
            }
            ItemKind::Rare | ItemKind::Fact => {
                if let Some(event) = usize::try_from(item.what).ok().and_then(|at| rare.get(at)) {
                    self.rare(stream, (item.time, time), *event);
                }
            }
            ItemKind::Gap => self.gap(stream, item.what..time),
        }
    }

    /// Items come soon.
    #[inline]
    pub(crate) fn prefetch(&self, items: &[Item], rare: &[EventOf<u32>]) {
        // What this needs; further on what says where that is; and further still the items themselves:
        // another processor has made them.
        const SOON: usize = 6;
        const LATER: usize = 12;
        const LATEST: usize = 24;
        prefetch(items.get(LATEST));
        if let Some(Item { kind: ItemKind::Poll | ItemKind::Wake, what, .. }) = items.get(LATER) {
            self.trace.task_of.prefetch(*what);
        }
        match items.get(SOON) {
            Some(Item { kind: kind @ (ItemKind::Poll | ItemKind::Wake), what, .. }) => {
                if let Some(task) = self.trace.task_of.get(*what) {
                    prefetch(self.hot.get(task as usize));
                    // Every second poll is a hop.
                    if *kind == ItemKind::Poll {
                        prefetch(self.hops_of.get(task as usize));
                    }
                }
            }
            Some(Item { kind: ItemKind::Rare, what, .. }) => prefetch(rare.get(*what as usize)),
            _ => {}
        }
    }

    /// The trace reaches to the end of this item.
    #[inline]
    fn reach(&mut self, time: Nanos, item: &Item) {
        if !std::mem::replace(&mut self.has_begun, true) {
            self.trace.span = time..time;
        }
        let span = &mut self.trace.span;
        // A poll that ends with its beginning may end later than what comes next.
        let known = if item.duration == GOES_ON { 0 } else { item.duration };
        span.end = span.end.max(time).max(item.time.saturating_add(known.into()));
    }

    #[cold]
    fn rare(&mut self, stream: usize, (recorded, time): (Nanos, Nanos), event: EventOf<u32>) {
        let is_fact = matches!(
            event,
            EventOf::Meta { .. } | EventOf::Thread { .. } | EventOf::Runtime { .. }
        );
        if !is_fact {
            if !std::mem::replace(&mut self.has_begun, true) {
                self.trace.span = time..time;
            }
            self.trace.span.end = self.trace.span.end.max(time);
        }
        let thread = self.streams[stream].thread;
        let event = event.map(|text| self.streams[stream].texts.get(text as usize).copied());
        match event {
            EventOf::Meta { key, value } => {
                let (key, value) = (self.text_of(key), self.text_of(value));
                self.meta(&key, &value);
            }
            EventOf::Thread { os_id, name } => self.thread(thread, os_id, name),
            EventOf::Runtime { id, flavor, workers, name, hooked } => {
                self.runtime(id, flavor, workers, name, hooked);
            }
            EventOf::Worker(worker) => self.worker(stream, time, worker),
            EventOf::Spawn(spawn) => {
                self.spawn(stream, time, &spawn);
                if recorded < time && recorded < self.window {
                    // It is older than what the recording shows.
                    let task = self.task(spawn.task);
                    if let Some(task) = self.trace.tasks.get_mut(task.get()) {
                        task.spawned = None;
                    }
                }
            }
            EventOf::TaskEnd { task, end, inferred, cancelled_by } => {
                self.task_end(task, End { time, kind: end, inferred, cancelled_by });
            }
            EventOf::Scheduled { ago } => {
                self.streams[stream].scheduled = Some(time.saturating_sub(ago));
            }
            EventOf::BudgetSpent => {
                if let Some(open) = self.streams[stream].open.last() {
                    self.trace.polls.flags_mut(open.poll).set(Flags::BUDGET);
                }
            }
            EventOf::Resource(resource) => self.resource(&resource),
            EventOf::Wait { resource, operation } => {
                let kind = self.wait_kind(resource, operation);
                self.wait(stream, kind);
            }
            // Figures have nothing of the program's spans, but the lanes that these are on.
            EventOf::SpanEnter(_) | EventOf::Message { .. } if self.lets_go.is_some() => {
                let _ = self.here(stream, time);
            }
            EventOf::Span(_)
            | EventOf::SpanFields { .. }
            | EventOf::SpanExit(_)
            | EventOf::SpanClose(_)
                if self.lets_go.is_some() => {}
            EventOf::Span(span) => {
                let texts = |text: Option<TextIx>| self.text_of(text);
                let (of, at) = (span.map(texts), span.location);
                let place = at.map(|at| self.place(at));
                self.trace.spans.made(&mut self.spans, time, &of, place);
            }
            EventOf::SpanFields { span, fields } => {
                let fields = self.text_of(fields);
                let room = &mut self.room_for_fields;
                self.trace.spans.more_fields(&mut self.spans, (time, span), fields, room);
            }
            EventOf::SpanEnter(span) => {
                let here = self.here(stream, time);
                self.trace.spans.enter(&mut self.spans, here, span);
            }
            EventOf::SpanExit(span) => self.trace.spans.exit(&mut self.spans, thread, time, span),
            EventOf::SpanClose(span) => self.trace.spans.close_span(&mut self.spans, time, span),
            EventOf::Message { level, target, text } => {
                let here = self.here(stream, time);
                let texts = [target, text].map(|text| self.text_of(text));
                self.trace.spans.say(&mut self.spans, here, level, texts);
            }
            EventOf::Dropped { count, since } => {
                self.dropped(stream, since.min(time)..time, count);
            }
            // Those that happen often are items of their own; later versions have others.
            _ => {}
        }
    }

    /// Takes in a fact about the recording. Recorders state them again and again,
    /// so that a lost block loses none.
    fn meta(&mut self, key: &str, value: &str) {
        const MOST: usize = 64;
        /// Keys are words. (Comparing long ones would take long.)
        const LONGEST: usize = 256;
        let info = &mut self.trace.info;
        // The last notice counts: what was missing at first may have come.
        if key == meta::NOTICE {
            info.meta.retain(|(known, _)| &**known != key);
            if value.is_empty() {
                return;
            }
        }
        if key.len() <= LONGEST && info.get(key).is_none() && info.meta.len() < MOST {
            info.meta.push((key.into(), value.into()));
        }
        if key == meta::WINDOW && self.window == 0 {
            self.window = value.parse().unwrap_or(0);
        }
        self.notices_parks |= key == meta::PARKS && value == meta::PARKS_NOTICED;
    }

    /// What a flight recorder kept says in its first block when it begins. What it holds of earlier
    /// times must not be taken in before that is known.
    pub(crate) fn look_for_window(&mut self, block: &BlockAt, payload: &[u8]) {
        let decoded = ThreadReader::default().read(block, payload);
        for event in decoded.rare {
            if let EventOf::Meta { key, value } = event
                && let (Some(key), Some(value)) =
                    (decoded.texts.get(key as usize), decoded.texts.get(value as usize))
                && &**key == meta::WINDOW
            {
                self.window = value.parse().unwrap_or(0);
            }
        }
    }

    fn worker(
        &mut self,
        stream: usize,
        time: Nanos,
        worker: Option<(taskscope_format::RuntimeId, u32)>,
    ) {
        let lane = worker.map(|(runtime, index)| self.worker_lane(runtime, index));
        let Self { streams, trace, occupants, .. } = self;
        let stream = &mut streams[stream];
        let before = std::mem::replace(&mut stream.worker, lane);
        for open in stream.open.iter_mut().filter(|open| open.on_worker && Some(open.lane) != lane)
        {
            open.on_worker = false;
            if !trace.polls.row(open.poll).flags.has(Flags::GAVE_AWAY) {
                trace.gave_away(open.poll, time);
            }
            let occupants = &mut occupants[open.lane.get()];
            if let Some(known) = occupants.iter_mut().rev().find(|one| one.poll == open.poll) {
                known.until = known.until.min(time);
            }
        }
        if let Some(lane) = lane {
            if let Some(gap) = stream.gap_without_lane.take() {
                trace.gaps[gap].lane = Some(lane);
            }
            let threads = &mut trace.lanes[lane.get()].threads;
            let thread = stream.thread;
            if before != Some(lane) && threads.last().is_none_or(|behind| behind.thread != thread) {
                threads.push(LaneThread { since: time, thread });
            }
        }
    }

    fn task_end(&mut self, id: TaskId, end: End) {
        // Tasks of which only the end is known are left out: a hook reports the end of all that a
        // runtime runs, also for its own purposes on the blocking pool.
        let Some(task) = self.trace.task_of.get(id.0).map(TaskIx) else {
            self.orphan_ends.entry(id).or_insert(end);
            return;
        };
        self.end_task(task, end);
    }

    fn end_task(&mut self, task: TaskIx, end: End) {
        let Some(of) = self.trace.tasks.get_mut(task.get()) else { return };
        if of.end.is_some() {
            return;
        }
        of.end = Some(end);
        let hot = &mut self.hot[task.get()];
        hot.set(Hot::ENDED, true);
        let last = hot.last;
        match self.trace.ends.last().is_none_or(|&last| last <= end.time) {
            true => self.trace.ends.push(end.time),
            // Something named the task after its end.
            false => self.trace.late_times.push(end.time),
        }
        self.trace.known_ends += u64::from(end.kind != EndKind::Unknown);
        self.take_off_late(task, end.time);
        self.take_off_drop(task);
        if last != NONE {
            self.mark_last(task);
        }
    }

    /// The end of a task that nothing had named before.
    pub(crate) fn orphan_end(&mut self, id: TaskId, task: TaskIx) {
        if !self.orphan_ends.is_empty()
            && let Some(end) = self.orphan_ends.remove(&id)
        {
            self.end_task(task, end);
        }
    }

    fn wait(&mut self, stream: usize, kind: u32) {
        let Self { streams, trace, .. } = self;
        // A task waits for what its parts wait for. (No program has parts in parts in parts.)
        for open in streams[stream].open.iter().rev().take(MOST_PARTS) {
            trace.polls.annotate(open.poll).add_wait(open.poll.slot(), kind);
            if !trace.tasks[open.task.get()].is_part {
                break;
            }
        }
    }

    /// The wakers that the thread calls from here on are another batch.
    pub(crate) fn next_batch(&mut self, stream: usize) {
        let Self { streams, habits, trace, hot, .. } = self;
        let stream = &mut streams[stream];
        stream.moment.batch = stream.moment.batch.wrapping_add(1);
        let Trace { polls, tasks, .. } = trace;
        let place = |task: TaskIx| tasks[task.get()].place;
        stream.batch.end(habits, hot, place, |candidate| {
            let flags = polls.flags_mut(candidate.poll);
            flags.set(Flags::TAIL);
            if candidate.records_parks {
                flags.set(Flags::TAIL_PARKS);
            }
            if candidate.at_once {
                flags.set(Flags::TAIL_AT_ONCE);
            }
        });
    }

    pub(crate) fn silence(&mut self, stream: usize) {
        let moment = &mut self.streams[stream].moment;
        moment.silence = moment.silence.wrapping_add(1);
    }

    pub(crate) fn unpark(&mut self, stream: usize, time: Nanos) {
        let Some((lane, start)) = self.streams[stream].parked_since.take() else { return };
        let end = time.max(start);
        // It says that a worker has parked, and not when.
        if self.notices_parks && start == end {
            return;
        }
        let lane = &mut self.trace.lanes[lane.get()];
        // Two threads may claim to have been one worker. It is parked once.
        let known = lane.parks.last().map_or(0, |park| park.end);
        lane.parked = lane.parked.saturating_add(end.saturating_sub(start.max(known)));
        lane.parks.push(Park { start, end });
    }

    /// Where a thread is when something of the program's own happens on it.
    fn here(&mut self, stream: usize, time: Nanos) -> Here {
        let Stream { thread, worker, ref open, .. } = self.streams[stream];
        let open = open.last();
        let (task, lane) = (open.map(|open| open.task), open.map(|open| open.lane));
        let lane = lane.or(worker).unwrap_or_else(|| self.own_lane(stream));
        Here { thread, time, lane, task }
    }

    /// The lane of a thread that is no worker.
    pub(crate) fn own_lane(&mut self, stream: usize) -> LaneIx {
        if let Some(known) = self.streams[stream].own_lane {
            return known;
        }
        let lane = self.lane(LaneKind::Thread(self.streams[stream].thread));
        self.streams[stream].own_lane = Some(lane);
        lane
    }

    /// A gap whose lane was not known lies on the lane where the thread goes on.
    pub(crate) fn lane_of_gap(&mut self, stream: usize, lane: LaneIx) {
        if let Some(gap) = self.streams[stream].gap_without_lane.take() {
            self.trace.gaps[gap].lane = Some(lane);
        }
    }

    /// A future that was only dropped makes no poll.
    pub(crate) fn raw_end(result: PollResult) -> Option<RawEnd> {
        match result {
            PollResult::Pending => Some(RawEnd::Pending),
            PollResult::Ready => Some(RawEnd::Ready),
            PollResult::Panicked => Some(RawEnd::Panicked),
            PollResult::OnlyDropped => None,
        }
    }
}
