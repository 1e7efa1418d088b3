//! From a file's records to a [`Trace`]: the first of two passes.
//!
//! A record says little by itself. "The poll ended" is the end of the innermost
//! open poll *of this thread*; "task 7 was woken" was done by the task that ran *on
//! this thread* then; a poll lies on the lane of the worker that *this thread*
//! was at that time. So the first pass replays each thread's stream with a
//! little state (`Stream`) and writes down flat raw polls and wakes. The second,
//! in [`super::finish`], sorts them and draws the conclusions that need more
//! than one thread.
//!
//! If the recorder knows that a bracket only drops an aborted task, it marks it so, and the
//! bracket makes no poll.
//!
//! Nothing in a file may make this panic or grow beyond a multiple of the file:
//! indices that a file names are looked up in maps, counts that it names are
//! bounded.

use foldhash::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use taskscope_format::{
    Event, Nanos, OpenError, PollResult, Reader, Record, ResourceId, RuntimeId, Source, Spawn,
    TaskId, ThreadId, WakeOp, black_box, meta,
};

use super::finish::finish;
use super::intern::LONG;
use super::raw::{Moment, OpenPoll, RawLane, RawPoll, RawWake, Stream};
use crate::dropped_events::DroppedEvents;
use crate::gaps::Gap;
use crate::spans::{Here, Spans};
use crate::trace::Trace;
use crate::types::{
    End, Info, LaneIx, LaneKind, LaneThread, Park, Place, PlaceIx, PollEnd, Resource, ResourceIx,
    Runtime, Task, TaskIx, Thread, Wait, Waker,
};

#[derive(Debug, Default)]
pub(crate) struct Builder {
    pub(crate) info: Info,
    pub(crate) span: Option<(Nanos, Nanos)>,
    /// When what a flight recorder kept begins; 0 for a whole recording.
    window: Nanos,
    /// Polls that were open then, by their task, with the time at which they began.
    pub(crate) before: Vec<(TaskIx, Nanos)>,
    /// A task, the start of a poll, and since when it had been scheduled for that.
    pub(crate) scheduled: Vec<(TaskIx, Nanos, Nanos)>,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) lanes: Vec<RawLane>,
    pub(crate) places: Vec<Place>,
    pub(crate) tasks: Vec<Task>,
    pub(crate) polls: Vec<RawPoll>,
    pub(crate) wakes: Vec<RawWake>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) spans: Spans,
    pub(crate) drops: Vec<DroppedEvents>,
    pub(crate) gaps: Vec<Gap>,
    streams: HashMap<ThreadId, Stream>,
    pub(crate) thread_of: HashMap<ThreadId, usize>,
    pub(crate) runtime_of: HashMap<RuntimeId, u32>,
    pub(crate) lane_of: HashMap<LaneKind, LaneIx>,
    pub(crate) place_of: HashMap<Place, PlaceIx>,
    pub(crate) task_of: HashMap<TaskId, TaskIx>,
    resource_of: HashMap<ResourceId, ResourceIx>,
    ends: HashMap<TaskId, End>,
    /// Tasks of which a spawn was read.
    pub(crate) described: HashSet<TaskIx>,
    pub(crate) strings: HashSet<Arc<str>>,
    /// Long ones also by where they stand in the file: a file can name one again and
    /// again, and to look at it each time would take for ever.
    pub(crate) long_strings: HashMap<(usize, usize), Arc<str>>,
    /// See [`Spans::more_fields`].
    room_for_fields: usize,
}

pub(crate) fn load(file: &[u8], progress: &mut dyn FnMut(f32)) -> Result<Trace, OpenError> {
    if black_box::is_black_box(file) {
        return load(&black_box::unpack(file, black_box::Life::Unknown)?, progress);
    }
    let mut reader = Reader::new(file)?;
    let mut builder = Builder { room_for_fields: file.len(), ..Builder::default() };
    if let Some(header) = reader.header() {
        builder.info.format_version = header.version;
        builder.info.started_unix_ns = header.started_unix_ns;
    }
    let mut next_report = 0;
    while let Some(record) = reader.next() {
        if let Some(since) = reader.gap() {
            builder.gap(record.thread, since..record.time);
        }
        builder.record(&record);
        if reader.position() >= next_report {
            // Reading is about two thirds of the work.
            progress(0.66 * reader.position() as f32 / file.len() as f32);
            next_report = reader.position() + (1 << 20);
        }
    }
    builder.close(&reader.report().unread_ends);
    progress(0.66);
    let trace = finish(builder, reader.report().clone());
    progress(1.0);
    Ok(trace)
}

impl Builder {
    fn record(&mut self, record: &Record<'_>) {
        let Record { thread, time: recorded, event } = *record;
        // What held before the window is recorded under its own times. It begins with the window.
        let time = recorded.max(self.window);
        if !matches!(event, Event::Meta { .. } | Event::Thread { .. } | Event::Runtime { .. }) {
            let (start, end) = self.span.get_or_insert((time, time));
            *start = time.min(*start);
            *end = time.max(*end);
        }
        match event {
            Event::Meta { key, value } => self.meta(key, value),
            Event::Thread { os_id, name } => self.thread(thread, os_id, name),
            Event::Runtime { id, flavor, workers, name, hooked } => {
                self.runtime(id, flavor, workers, name, hooked);
            }
            Event::Worker(worker) => {
                let lane = worker.map(|(runtime, index)| self.worker_lane(runtime, index));
                let stream = self.stream(thread);
                let before = std::mem::replace(&mut stream.worker, lane);
                let gap = stream.gap_without_lane.take_if(|_| lane.is_some());
                for open in &mut stream.open {
                    if open.on_worker && Some(open.lane) != lane {
                        open.left_lane.get_or_insert(time);
                    }
                }
                if let Some(gap) = gap {
                    self.gaps[gap].lane = lane;
                }
                if let Some(lane) = lane.filter(|_| before != lane) {
                    self.lanes[lane.get()].threads.push(LaneThread { since: time, thread });
                }
            }
            Event::Spawn(spawn) => {
                self.spawn(thread, time, &spawn);
                if recorded < time {
                    self.spawned_before(spawn.task);
                }
            }
            Event::PollStart { task, source } => {
                self.poll_start(thread, time, task, source);
                if recorded < time {
                    let task = self.task(task);
                    self.before.push((task, recorded));
                }
            }
            Event::PollEnd { result, kept_waker } => {
                self.poll_end(thread, time, result, kept_waker);
            }
            Event::Wake { task, op } => self.wake(thread, time, task, op),
            Event::TaskEnd { task, end, inferred, cancelled_by } => {
                self.ends.entry(task).or_insert(End { time, kind: end, inferred, cancelled_by });
            }
            Event::Scheduled { ago } => {
                self.stream(thread).scheduled = Some(time.saturating_sub(ago));
            }
            Event::BudgetSpent => {
                if let Some(open) = self.stream(thread).open.last_mut() {
                    open.budget_spent = true;
                }
            }
            Event::Resource(resource) => self.resource(&resource),
            Event::Wait { resource, operation } => self.wait(thread, time, resource, operation),
            Event::Span(span) => {
                let texts = [span.name, span.target, span.fields].map(|text| self.string(text));
                self.spans.made(time, &span, texts);
            }
            Event::SpanFields { span, fields } => {
                let fields = self.string(fields);
                self.spans.more_fields(time, span, fields, &mut self.room_for_fields);
            }
            Event::SpanEnter(span) => {
                let here = self.here(thread, time);
                self.spans.enter(here, span);
            }
            Event::SpanExit(span) => self.spans.exit(thread, time, span),
            Event::SpanClose(span) => self.spans.close(time, span),
            Event::Message { level, target, text } => {
                let here = self.here(thread, time);
                let texts = [target, text].map(|text| self.string(text));
                self.spans.say(here, level, texts);
            }
            Event::Park => {
                let stream = self.stream(thread);
                stream.moment.parks += 1;
                stream.parked_since = stream.worker.map(|lane| (lane, time));
            }
            Event::Unpark => self.unpark(thread, time),
            Event::Dropped { count, since } => self.dropped(thread, since.min(time)..time, count),
            // Events of later versions.
            _ => {}
        }
    }

    fn stream(&mut self, thread: ThreadId) -> &mut Stream {
        self.streams.entry(thread).or_insert_with(|| Stream {
            moment: Moment { thread: thread.0, ..Moment::default() },
            ..Stream::default()
        })
    }

    /// Takes in a fact about the recording. Recorders state them again and again,
    /// so that a lost block loses none.
    fn meta(&mut self, key: &str, value: &str) {
        const MOST: usize = 64;
        // Keys are words. (Comparing long ones would take long.)
        if key.len() <= LONG && self.info.get(key).is_none() && self.info.meta.len() < MOST {
            self.info.meta.push((key.into(), value.into()));
        }
        if key == meta::WINDOW && self.window == 0 {
            self.window = value.parse().unwrap_or(0);
        }
    }

    /// A task is older than what the recording shows.
    fn spawned_before(&mut self, task: TaskId) {
        let task = self.task(task);
        self.tasks[task.get()].spawned = None;
    }

    /// Takes in a spawn; the layer and a hook may both report the same one.
    fn spawn(&mut self, thread: ThreadId, time: Nanos, spawn: &Spawn<'_>) {
        let ix = self.task(spawn.task);
        let parent = match spawn.parent {
            Some(parent) => Some(self.task(parent)),
            // A wrapper names its task from inside of it.
            None => {
                self.stream(thread).open.last().map(|open| open.task).filter(|task| *task != ix)
            }
        };
        let name = self.optional_string(spawn.name);
        let function = self.optional_string(spawn.function);
        let place = spawn.location.map(|location| self.place(location));
        let runtime = spawn.runtime.map(|id| self.runtime_position(id));
        let worker = self.stream(thread).worker;
        self.described.insert(ix);
        let task = &mut self.tasks[ix.get()];
        if spawn.source == Source::Span {
            task.kind = spawn.kind;
        }
        task.is_part |= spawn.is_part;
        task.spawned.get_or_insert(time);
        task.spawned_on = task.spawned_on.or(worker);
        task.parent = task.parent.or(parent);
        task.name = task.name.take().or(name);
        task.function = task.function.take().or(function);
        task.place = task.place.or(place);
        task.runtime = task.runtime.or(runtime);
        task.size = task.size.or(spawn.size);
        task.original_size = task.original_size.or(spawn.original_size);
    }

    fn poll_start(&mut self, thread: ThreadId, time: Nanos, task: TaskId, source: Source) {
        let task = self.task(task);
        // A worker that polls is not parked, whether or not it said so.
        self.unpark(thread, time);
        let lane = match self.stream(thread).worker {
            Some(lane) => lane,
            None => self.lane(LaneKind::Thread(thread)),
        };
        if let Some(gap) = self.stream(thread).gap_without_lane.take() {
            self.gaps[gap].lane = Some(lane);
        }
        if let Some(since) = self.stream(thread).scheduled.take() {
            self.scheduled.push((task, time, since));
        }
        let stream = self.stream(thread);
        stream.acts(time);
        stream.moment.batches += u32::from(std::mem::take(&mut stream.woke));
        stream.open.push(OpenPoll {
            task,
            start: time,
            lane,
            source,
            on_worker: stream.worker == Some(lane),
            budget_spent: false,
            left_lane: None,
        });
    }

    fn poll_end(&mut self, thread: ThreadId, time: Nanos, result: PollResult, kept_waker: bool) {
        let stream = self.stream(thread);
        let Some(open) = stream.open.pop() else { return };
        let how = match result {
            PollResult::Pending => PollEnd::Pending,
            PollResult::Ready => PollEnd::Ready,
            PollResult::Panicked => PollEnd::Panicked,
            PollResult::OnlyDropped => return,
        };
        self.push_poll(thread, open, time, how, kept_waker);
    }

    fn push_poll(
        &mut self,
        thread: ThreadId,
        open: OpenPoll,
        end: Nanos,
        how: PollEnd,
        kept_waker: bool,
    ) {
        let stream = self.stream(thread);
        stream.active = end;
        let depth = stream.open.len().min(u8::MAX.into()) as u8;
        let moment = stream.moment;
        let OpenPoll { task, start, lane, source, budget_spent, left_lane, .. } = open;
        let end = end.max(start);
        self.polls.push(RawPoll {
            start,
            end,
            task,
            lane,
            how,
            depth,
            source,
            budget_spent,
            left_lane,
            kept_waker,
            moment,
        });
    }

    fn wake(&mut self, thread: ThreadId, time: Nanos, task: TaskId, op: WakeOp) {
        let task = self.task(task);
        let stream = self.stream(thread);
        stream.acts(time);
        let by = match (stream.open.last(), stream.worker) {
            (Some(open), _) => Waker::Task(open.task),
            (None, Some(lane)) => Waker::Driver(lane),
            (None, None) => Waker::Thread(thread),
        };
        stream.woke |= !matches!(by, Waker::Task(_));
        let lane = stream.open.last().map(|open| open.lane).or(stream.worker);
        let moment = stream.moment;
        let worker = stream.worker;
        self.wakes.push(RawWake { time, task, by, op, lane, worker, moment });
    }

    /// Where a thread is when something of the program's own happens on it.
    fn here(&mut self, thread: ThreadId, time: Nanos) -> Here {
        let stream = self.stream(thread);
        let open = stream.open.last();
        let (task, lane) = (open.map(|open| open.task), open.map(|open| open.lane));
        let lane = lane.or(stream.worker);
        let lane = lane.unwrap_or_else(|| self.lane(LaneKind::Thread(thread)));
        Here { thread, time, lane, task }
    }

    fn resource(&mut self, resource: &taskscope_format::Resource<'_>) {
        let ix = self.resource_ix(resource.id);
        let concrete_type = self.string(resource.concrete_type);
        let place = resource.location.map(|location| self.place(location));
        self.resources[ix.get()] =
            Resource { concrete_type, is_internal: resource.is_internal, place };
    }

    /// The position of a resource, also of one that is described later, or whose
    /// record is lost.
    fn resource_ix(&mut self, id: ResourceId) -> ResourceIx {
        if let Some(&known) = self.resource_of.get(&id) {
            return known;
        }
        let ix = ResourceIx(self.resources.len() as u32);
        let concrete_type = self.string("");
        self.resources.push(Resource { concrete_type, is_internal: false, place: None });
        self.resource_of.insert(id, ix);
        ix
    }

    fn wait(&mut self, thread: ThreadId, time: Nanos, resource: ResourceId, operation: &str) {
        let resource = self.resource_ix(resource);
        let operation = self.string(operation);
        let Self { streams, tasks, waits, .. } = self;
        let open = streams.get(&thread).map_or(&[][..], |stream| &stream.open);
        // A task waits for what its parts wait for.
        for open in open.iter().rev() {
            let (task, operation) = (open.task, operation.clone());
            waits.push(Wait { time, task, resource, operation });
            if !tasks[task.get()].is_part {
                break;
            }
        }
    }

    fn unpark(&mut self, thread: ThreadId, time: Nanos) {
        if let Some((lane, start)) = self.stream(thread).parked_since.take() {
            self.lanes[lane.get()].parks.push(Park { start, end: time.max(start) });
        }
    }

    /// Takes in where events are missing.
    fn dropped(&mut self, thread: ThreadId, during: Range<Nanos>, count: u64) {
        self.lose(thread, during.start);
        let introduced = self.thread_of.contains_key(&thread);
        let lane = self.stream(thread).worker.or_else(|| {
            // A lane of its own for a thread that has recorded nothing else. The recording's
            // own stream, in which no thread is introduced, has none.
            let kind = LaneKind::Thread(thread);
            introduced.then(|| self.lane(kind)).or_else(|| self.lane_of.get(&kind).copied())
        });
        let thread = (introduced || lane.is_some()).then_some(thread);
        let Range { start: from, end: until } = during;
        self.drops.push(DroppedEvents { thread, lane, from, until, count });
    }

    /// Takes in a stretch of a thread's stream that the file has lost.
    fn gap(&mut self, thread: ThreadId, during: Range<Nanos>) {
        // A flight recorder has given up what lies before its window on purpose.
        if self.window > 0 && !self.streams.contains_key(&thread) {
            return;
        }
        let Range { start: from, end: until } = during;
        self.lose(thread, from);
        let worker = self.stream(thread).worker.take();
        let lane = worker.or_else(|| self.lane_of.get(&LaneKind::Thread(thread)).copied());
        self.stream(thread).gap_without_lane = lane.is_none().then_some(self.gaps.len());
        self.gaps.push(Gap { thread, lane, from, until: until.max(from) });
    }

    /// Events of this thread are missing: what was open is of unknown length.
    fn lose(&mut self, thread: ThreadId, since: Nanos) {
        while let Some(open) = self.stream(thread).open.pop() {
            self.push_poll(thread, open, since, PollEnd::Open, false);
        }
        self.unpark(thread, since);
        self.spans.lose(thread, since);
    }

    /// Ends everything that was still open when the recording ended, and every task
    /// that had ended.
    ///
    /// Tasks of which only the end is known are left out: a hook reports the end of all
    /// that a runtime runs, also for its own purposes on the blocking pool.
    fn close(&mut self, unread_ends: &[(ThreadId, Nanos)]) {
        for (id, end) in std::mem::take(&mut self.ends) {
            if let Some(task) = self.task_of.get(&id) {
                self.tasks[task.get()].end = Some(end);
            }
        }
        let end = self.span.map_or(0, |(_, end)| end);
        for &(thread, since) in unread_ends {
            self.gap(thread, since..end);
        }
        let threads: Vec<ThreadId> = self.streams.keys().copied().collect();
        for thread in threads {
            self.lose(thread, end);
        }
    }
}
