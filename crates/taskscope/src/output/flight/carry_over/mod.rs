//! What still holds when a window begins.
//!
//! A ring of the newest blocks can be read, but it says too little: the tasks that matter most
//! in a server were spawned hours ago, a worker that is stuck has written nothing since, and one
//! that has slept all along hasn't either. So each block that goes is read once more, and of it
//! is kept what is still true: the facts of tasks that have not ended, of spans that are open and
//! of resources; the polls that are open on each thread, the spans that it is in, and since when
//! it has been parked. A dump begins with these, under their own
//! times, which lie before its window.
//!
//! The tasks are bounded by bytes. One that finds no room stays without name and place, and is
//! counted, so that the dump can say so.

mod facts;
mod strings;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use taskscope_format::{
    Encoder, Event, Location, Nanos, RuntimeId, Source, Spawn, TaskId, TaskKind, ThreadId,
    ThreadSnapshot,
};

use self::facts::{Resources, Spans};
use self::strings::Strings;
use crate::tracker::shared::RECORDING_STREAM;

/// Blocks of different threads come in any order, so an end may come before the spawn it
/// belongs to, or between the two records of one spawn. So ends are remembered for
/// this long, as many as this.
const REMEMBERED: Nanos = 2_000_000_000;
const MOST_REMEMBERED: usize = 16_384;
/// What remembering one takes, in a queue and in a set.
const REMEMBERED_BYTES: usize = 48;

/// Blocks are made to be about so long: where not all fit into a black box, this is lost at once.
const BLOCK: usize = 32 << 10;

/// What is known of a task that has not ended.
#[derive(Debug)]
struct Facts {
    spawned: Nanos,
    kind: TaskKind,
    source: Source,
    runtime: Option<RuntimeId>,
    parent: Option<TaskId>,
    name: Option<Box<str>>,
    place: Option<(Arc<str>, u32, u32)>,
    size: Option<u64>,
    original_size: Option<u64>,
    function: Option<Arc<str>>,
    is_part: bool,
}

impl Facts {
    /// What it takes: a map has up to as many empty places as full ones.
    fn bytes(&self) -> usize {
        2 * size_of::<(TaskId, Self)>() + self.name.as_ref().map_or(0, |name| name.len() + 16)
    }
}

#[derive(Debug)]
pub(crate) struct CarryOver {
    most_bytes: usize,
    bytes: usize,
    tasks: HashMap<TaskId, Facts>,
    unknown: u64,
    threads: HashMap<ThreadId, ThreadSnapshot>,
    strings: Strings,
    spans: Spans,
    resources: Resources,
    ended: VecDeque<(Nanos, TaskId)>,
    ended_tasks: HashSet<TaskId>,
}

impl CarryOver {
    pub(crate) fn new(most_bytes: usize) -> Self {
        Self {
            most_bytes: most_bytes / 2,
            bytes: 0,
            tasks: HashMap::new(),
            unknown: 0,
            threads: HashMap::new(),
            strings: Strings::default(),
            spans: Spans::new(most_bytes / 4),
            resources: Resources::new(most_bytes / 4),
            ended: VecDeque::new(),
            ended_tasks: HashSet::new(),
        }
    }

    /// Bytes in memory.
    pub(crate) fn held(&self) -> usize {
        let facts = self.bytes + self.spans.held() + self.resources.held();
        facts + self.ended.len() * REMEMBERED_BYTES
    }

    /// How many tasks found no room. Some of them may have ended since.
    pub(crate) fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Reads what goes.
    pub(crate) fn read<'a>(
        &mut self,
        thread: ThreadId,
        records: impl Iterator<Item = (Nanos, Event<'a>)>,
    ) {
        let mut last = 0;
        let mut state = self.threads.remove(&thread).unwrap_or_default();
        for (time, event) in records {
            last = time;
            match event {
                Event::Spawn(spawn) => {
                    let running = state.running();
                    self.spawn(time, &spawn, running);
                }
                Event::TaskEnd { task, .. } => self.end(time, task),
                Event::Resource(resource) => self.resources.made(&resource, &mut self.strings),
                Event::Wait { resource, .. } => self.resources.waited_for(resource),
                Event::Span(span) => self.spans.opened(time, &span, &mut self.strings),
                Event::SpanFields { span, fields } => self.spans.more_fields(span, fields),
                Event::SpanClose(span) => self.spans.closed(span),
                _ => state.read(time, &event),
            }
        }
        if thread != RECORDING_STREAM {
            self.threads.insert(thread, state);
        }
        while self.ended.front().is_some_and(|end| end.0.saturating_add(REMEMBERED) < last) {
            self.forget_end();
        }
    }

    /// Events of a thread cannot be read: what is open on it is not known any more.
    pub(crate) fn lose(&mut self, thread: ThreadId) {
        if let Some(state) = self.threads.get_mut(&thread) {
            state.lose();
        }
    }

    pub(crate) fn forget_thread(&mut self, thread: ThreadId) {
        self.threads.remove(&thread);
    }

    /// Takes in a spawn, which both sources may report.
    fn spawn(&mut self, time: Nanos, spawn: &Spawn<'_>, running: Option<TaskId>) {
        if self.ended_tasks.contains(&spawn.task) {
            return;
        }
        let place = spawn.location.map(|at| (self.strings.get(at.file), at.line, at.column));
        let function = spawn.function.map(|function| self.strings.get(function));
        let known = self.tasks.remove(&spawn.task);
        if let Some(known) = &known {
            self.bytes -= known.bytes();
        }
        let mut facts = known.unwrap_or(Facts {
            spawned: time,
            kind: spawn.kind,
            source: spawn.source,
            runtime: None,
            parent: None,
            name: None,
            place: None,
            size: None,
            original_size: None,
            function: None,
            is_part: spawn.is_part,
        });
        if spawn.source == Source::Span {
            (facts.kind, facts.source) = (spawn.kind, spawn.source);
        }
        facts.runtime = facts.runtime.or(spawn.runtime);
        // A wrapper names its task from inside of it.
        let running = running.filter(|running| *running != spawn.task);
        facts.parent = facts.parent.or(spawn.parent).or(running);
        facts.name = facts.name.or_else(|| spawn.name.map(Into::into));
        facts.place = facts.place.or(place);
        facts.size = facts.size.or(spawn.size);
        facts.original_size = facts.original_size.or(spawn.original_size);
        facts.function = facts.function.or(function);
        if self.bytes + facts.bytes() > self.most_bytes {
            self.unknown += 1;
            return;
        }
        self.bytes += facts.bytes();
        self.tasks.insert(spawn.task, facts);
    }

    fn end(&mut self, time: Nanos, task: TaskId) {
        if let Some(facts) = self.tasks.remove(&task) {
            self.bytes -= facts.bytes();
        }
        if self.ended_tasks.insert(task) {
            self.ended.push_back((time, task));
        }
        if self.ended.len() > MOST_REMEMBERED {
            self.forget_end();
        }
    }

    fn forget_end(&mut self) {
        if let Some((_, task)) = self.ended.pop_front() {
            self.ended_tasks.remove(&task);
        }
    }

    /// Writes all that holds, as blocks that can stand in front of those that are kept.
    pub(crate) fn write(&self, put: &mut dyn FnMut(ThreadId, &[u8])) {
        let resources = self.resources.events().into_iter().map(|event| (0, event));
        write_facts(resources, put);
        write_facts(self.spans.events(), put);
        write_facts(self.spawns(), put);
        let mut threads: Vec<_> = self.threads.iter().collect();
        threads.sort_by_key(|(thread, _)| **thread);
        for (thread, state) in threads {
            if let Some(block) = state.block() {
                put(*thread, &block);
            }
        }
    }

    /// The tasks by the time at which they were spawned.
    fn spawns<'a>(&'a self) -> impl Iterator<Item = (Nanos, Event<'a>)> {
        let event = move |(&task, facts): (&'a TaskId, &'a Facts)| {
            let spawn = Spawn {
                task,
                kind: facts.kind,
                source: facts.source,
                runtime: facts.runtime,
                // Of a task that has ended nothing is known any more.
                parent: facts.parent.filter(|parent| self.tasks.contains_key(parent)),
                name: facts.name.as_deref(),
                location: facts.place.as_ref().map(|(file, line, column)| Location {
                    file,
                    line: *line,
                    column: *column,
                }),
                size: facts.size,
                original_size: facts.original_size,
                function: facts.function.as_deref(),
                is_part: facts.is_part,
            };
            (facts.spawned, Event::Spawn(spawn))
        };
        // A black box has this done again and again, and an event is large to be moved around.
        let mut tasks: Vec<_> = self.tasks.iter().collect();
        tasks.sort_unstable_by_key(|(task, facts)| (facts.spawned, **task));
        tasks.into_iter().map(event)
    }
}

/// Writes events in the order of their times, as blocks in the recording's own stream.
fn write_facts<'a>(
    events: impl IntoIterator<Item = (Nanos, Event<'a>)>,
    put: &mut dyn FnMut(ThreadId, &[u8]),
) {
    let (mut encoder, mut block) = (Encoder::new(), Vec::new());
    for (time, event) in events {
        if block.is_empty() {
            encoder.sync(time, &mut block);
        }
        encoder.event(time, &event, &mut block);
        if block.len() >= BLOCK {
            put(RECORDING_STREAM, &block);
            block.clear();
        }
    }
    if !block.is_empty() {
        put(RECORDING_STREAM, &block);
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::{EndKind, PollResult, Records};

    use super::*;

    fn written(digest: &CarryOver) -> Vec<(ThreadId, Nanos, String)> {
        let mut facts = Vec::new();
        digest.write(&mut |thread, block| {
            let records = Records::new([block]).map(|(time, event)| {
                let word = match event {
                    Event::Spawn(spawn) => format!(
                        "spawn {} {:?} {:?}",
                        spawn.task,
                        spawn.name.unwrap_or_default(),
                        spawn.location.map(|at| at.to_string()).unwrap_or_default()
                    ),
                    Event::PollStart { task, .. } => format!("poll {task}"),
                    event => format!("{event:?}"),
                };
                (thread, time, word)
            });
            facts.extend(records);
        });
        facts
    }

    fn spawn(task: u64, name: Option<&'static str>) -> Event<'static> {
        let source = if name.is_some() { Source::Span } else { Source::Hook };
        let mut spawn = Spawn::new(TaskId(task), TaskKind::Task, source);
        spawn.name = name;
        spawn.location = name.is_none().then_some(Location { file: "main.rs", line: 3, column: 5 });
        Event::Spawn(spawn)
    }

    fn end(task: u64) -> Event<'static> {
        Event::TaskEnd {
            task: TaskId(task),
            end: EndKind::Returned,
            inferred: false,
            cancelled_by: taskscope_format::CancelledBy::Unknown,
        }
    }

    #[test]
    fn tasks_that_have_not_ended_keep_all_that_both_sources_reported() {
        let mut digest = CarryOver::new(1 << 20);
        let events =
            [spawn(1, None), spawn(1, Some("db")), spawn(2, Some("gone")), end(2), spawn(3, None)];
        digest.read(ThreadId(1), (10..).zip(events));
        let expected = [
            (RECORDING_STREAM, 10, "spawn 1 \"db\" \"main.rs:3:5\"".to_owned()),
            (RECORDING_STREAM, 14, "spawn 3 \"\" \"main.rs:3:5\"".to_owned()),
        ];
        assert_eq!(written(&digest), expected);
        digest.read(ThreadId(1), (20..).zip([end(1), end(3)]));
        assert_eq!((written(&digest).len(), digest.bytes), (0, 0));
    }

    #[test]
    fn an_end_that_is_read_before_its_spawn_ends_it_all_the_same() {
        let mut digest = CarryOver::new(1 << 20);
        digest.read(ThreadId(2), [(30, end(7))].into_iter());
        digest.read(ThreadId(1), [(20, spawn(7, None)), (21, spawn(7, Some("a")))].into_iter());
        assert_eq!(written(&digest), []);
        digest.read(ThreadId(1), [(REMEMBERED * 2, Event::Park)].into_iter());
        assert!(digest.ended.is_empty(), "not remembered for ever");
    }

    #[test]
    fn a_thread_records_what_is_open_on_it_or_that_it_sleeps() {
        let mut digest = CarryOver::new(1 << 20);
        let poll = |task| Event::PollStart { task: TaskId(task), source: Source::Hook };
        let over = Event::PollEnd { result: PollResult::Pending, kept_waker: false };
        let worker = Event::Worker(Some((RuntimeId(0), 2)));
        let named = Event::Thread { os_id: 9, name: "w" };
        let busy = [named, worker, poll(1), over, poll(2), poll(3)];
        digest.read(ThreadId(1), (100..).zip(busy));
        digest.read(ThreadId(2), (200..).zip([poll(4), over, Event::Park]));
        digest.read(ThreadId(3), (300..).zip([Event::Park, Event::Unpark]));
        let words: Vec<_> =
            written(&digest).into_iter().map(|(id, at, word)| (id.0, at, word)).collect();
        let expected = [
            (1, 104, "Thread { os_id: 9, name: \"w\" }".to_owned()),
            (1, 104, "Worker(Some((RuntimeId(0), 2)))".to_owned()),
            (1, 104, "poll 2".to_owned()),
            (1, 105, "poll 3".to_owned()),
            (2, 202, "Thread { os_id: 0, name: \"\" }".to_owned()),
            (2, 202, "Worker(None)".to_owned()),
            (2, 202, "Park".to_owned()),
        ];
        assert_eq!(words, expected);
    }
}
