//! Traces of earlier versions stay readable for ever.
//!
//! Each file in `golden/` was written once, by the ignored test below:
//!
//! ```text
//! cargo test -p taskscope-format --test golden -- --ignored
//! ```
//!
//! It must never be written again: a later version, and what is added within one,
//! gets a file of its own, and the earlier ones are then read by code that never
//! wrote them.

mod common;

use std::path::{Path, PathBuf};

use common::read;
use taskscope_format::{
    CancelledBy, Encoder, EndKind, Event, FileWriter, Flavor, Level, Location, PollResult, Reader,
    Resource, ResourceId, RuntimeId, Source, Span, SpanId, Spawn, TaskId, TaskKind, ThreadId,
    VERSION, WakeOp, meta,
};

const STARTED: u64 = 1_750_000_000_123_456_789;

/// A thread, a time, and what happened.
type Entry = (u32, u64, Event<'static>);

/// A file: a version, which addition to it, and what it holds.
type Golden = (u16, u16, fn() -> Vec<Entry>);

const FILES: [Golden; 4] =
    [(1, 0, first), (1, 1, waits_and_spans), (1, 2, parts), (1, 3, schedule_latency)];

fn golden(version: u16, added: u16) -> PathBuf {
    let name = match added {
        0 => format!("v{version}.tscope"),
        added => format!("v{version}.{added}.tscope"),
    };
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// What was added to version 1: what tasks wait for, the budget, what cancelled them,
/// the program's own spans and messages.
fn waits_and_spans() -> Vec<Entry> {
    let location = Some(Location { file: "src/main.rs", line: 30, column: 17 });
    let resource = |id, concrete_type, is_internal, location| {
        let (id, kind) = (ResourceId(id), "Sync");
        Event::Resource(Resource { id, concrete_type, kind, is_internal, location })
    };
    let end = |task, cancelled_by| Event::TaskEnd {
        task: TaskId(task),
        end: EndKind::Cancelled,
        inferred: false,
        cancelled_by,
    };
    let span = Span {
        id: SpanId(0),
        parent: None,
        level: Level::Info,
        name: "request",
        target: "app",
        fields: "path=\"/größe\"",
        location: None,
    };
    let query =
        Span { id: SpanId(1), parent: Some(SpanId(0)), level: Level::Debug, name: "query", ..span };
    let say = |level, text| Event::Message { level, target: "app::db", text };
    vec![
        (0, 5, Event::Worker(Some((RuntimeId(0), 0)))),
        (0, 10, resource(0, "Mutex", false, location)),
        (0, 11, resource(1, "Semaphore", true, None)),
        (0, 20, Event::PollStart { task: TaskId(18), source: Source::Hook }),
        (0, 21, Event::Span(span)),
        (0, 22, Event::SpanEnter(SpanId(0))),
        (0, 23, Event::Span(Span { level: Level::Error, ..query })),
        (0, 24, Event::SpanEnter(SpanId(1))),
        (0, 25, say(Level::Warn, "slow rows=12")),
        (0, 26, say(Level::Trace, "")),
        (0, 27, Event::SpanFields { span: SpanId(1), fields: "rows=12" }),
        (0, 28, Event::Wait { resource: ResourceId(0), operation: "Mutex::lock" }),
        (0, 29, Event::SpanExit(SpanId(1))),
        (0, 30, Event::SpanExit(SpanId(0))),
        (0, 31, Event::BudgetSpent),
        (0, 32, Event::PollEnd { result: PollResult::Pending, kept_waker: true }),
        (0, 40, end(18, CancelledBy::Abort)),
        (0, 41, end(19, CancelledBy::Shutdown)),
        (0, 42, end(20, CancelledBy::Unknown)),
        (0, 43, Event::SpanClose(SpanId(1))),
        (0, 44, Event::SpanClose(SpanId(0))),
    ]
}

/// And then: for how long a task had been scheduled.
fn schedule_latency() -> Vec<Entry> {
    vec![
        (0, 4_000, Event::Scheduled { ago: 3_500 }),
        (0, 4_000, Event::PollStart { task: TaskId(18), source: Source::Hook }),
        (0, 4_100, Event::PollEnd { result: PollResult::Pending, kept_waker: false }),
    ]
}

/// What was added then: parts of tasks.
fn parts() -> Vec<Entry> {
    let spawn = Spawn {
        parent: Some(TaskId(18)),
        name: Some("arm"),
        location: Some(Location { file: "src/main.rs", line: 7, column: 9 }),
        is_part: true,
        ..Spawn::new(TaskId(TaskId::WRAPPED + 1), TaskKind::Task, Source::Hook)
    };
    let poll = |task| Event::PollStart { task, source: Source::Hook };
    let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
    vec![
        (0, 10, poll(TaskId(18))),
        (0, 11, Event::Spawn(spawn)),
        (0, 12, poll(spawn.task)),
        (0, 13, end),
        (0, 14, end),
    ]
}

/// Every kind of record of the first version, and every value that a field of few
/// values can have.
fn first() -> Vec<Entry> {
    let location = Location { file: "src/main.rs", line: 12, column: 5 };
    let parent = Spawn {
        runtime: Some(RuntimeId(0)),
        name: Some("accept"),
        location: Some(location),
        size: Some(256),
        ..Spawn::new(TaskId(18), TaskKind::Task, Source::Span)
    };
    let boxed = Spawn {
        parent: Some(TaskId(18)),
        location: Some(Location { line: 20, ..location }),
        size: Some(8),
        original_size: Some(40_000),
        ..Spawn::new(TaskId(19), TaskKind::Local, Source::Span)
    };
    let blocking = Spawn {
        function: Some("app::read_config::{{closure}}"),
        ..Spawn::new(TaskId(20), TaskKind::Blocking, Source::Span)
    };
    let result = |result, kept_waker| Event::PollEnd { result, kept_waker };
    let poll = |task, source| Event::PollStart { task: TaskId(task), source };
    let cancelled_by = CancelledBy::Unknown;
    let end =
        |task, end, inferred| Event::TaskEnd { task: TaskId(task), end, inferred, cancelled_by };
    vec![
        (0, 0, Event::Meta { key: meta::PROGRAM, value: "größe" }),
        (0, 0, Event::Thread { os_id: 4711, name: "main" }),
        (
            0,
            5,
            Event::Runtime {
                id: RuntimeId(0),
                flavor: Flavor::MultiThread,
                workers: 2,
                name: "api",
                hooked: true,
            },
        ),
        (
            0,
            6,
            Event::Runtime {
                id: RuntimeId(1),
                flavor: Flavor::CurrentThread,
                workers: 1,
                name: "",
                hooked: false,
            },
        ),
        (
            0,
            7,
            Event::Runtime {
                id: RuntimeId(2),
                flavor: Flavor::Unknown,
                workers: 0,
                name: "",
                hooked: false,
            },
        ),
        (0, 10, Event::Spawn(parent)),
        (0, 11, Event::Spawn(Spawn::new(TaskId(18), TaskKind::Task, Source::Hook))),
        (0, 12, Event::Spawn(boxed)),
        (0, 13, Event::Spawn(blocking)),
        (0, 14, Event::Spawn(Spawn::new(TaskId(21), TaskKind::BlockOn, Source::Span))),
        (1, 20, Event::Thread { os_id: 0, name: "tokio-rt-worker" }),
        (1, 21, Event::Worker(Some((RuntimeId(0), 1)))),
        (1, 30, poll(18, Source::Hook)),
        (1, 31, Event::Wake { task: TaskId(19), op: WakeOp::ByRef }),
        (1, 45, result(PollResult::Pending, true)),
        (1, 46, Event::Wake { task: TaskId(18), op: WakeOp::ByValue }),
        (1, 50, poll(19, Source::Span)),
        (1, 70, result(PollResult::Pending, false)),
        (1, 75, poll(18, Source::Hook)),
        (1, 80, end(18, EndKind::Returned, false)),
        (1, 81, result(PollResult::Ready, false)),
        (1, 90, Event::Park),
        (1, 3_000_000_090, Event::Unpark),
        (1, 3_000_000_100, poll(22, Source::Hook)),
        (1, 3_000_000_110, end(22, EndKind::Panicked, false)),
        (1, 3_000_000_111, result(PollResult::Panicked, false)),
        (1, 3_000_000_120, poll(23, Source::Hook)),
        (1, 3_000_000_121, end(23, EndKind::Cancelled, true)),
        (1, 3_000_000_122, result(PollResult::OnlyDropped, false)),
        (1, 3_000_000_123, end(20, EndKind::Unknown, true)),
        (1, 3_000_000_200, Event::Dropped { count: 12, since: 3_000_000_130 }),
        (1, 3_000_000_201, Event::Worker(None)),
    ]
}

#[test]
fn traces_of_every_version_are_read() {
    for (version, added, records) in FILES {
        let file = std::fs::read(golden(version, added)).expect("the golden file is in the tree");
        let header = Reader::new(&file).expect("it opens").header().expect("it is whole");
        assert_eq!((header.version, header.started_unix_ns), (version, STARTED));
        let (back, report) = read(&file);
        let back: Vec<_> = back.iter().map(|r| (r.thread.0, r.time, r.event)).collect();
        assert_eq!(back, records());
        assert!(report.complete);
        assert_eq!((report.damages.len(), report.records), (0, back.len() as u64));
    }
}

#[test]
fn there_is_a_golden_file_of_the_version_that_is_written() {
    assert!(golden(VERSION, 0).exists(), "see the head of {}", file!());
}

#[test]
#[ignore = "writes the golden files that are not there, once"]
fn write_the_golden_files() {
    for (version, added, records) in FILES {
        let path = golden(version, added);
        if !path.exists() {
            assert_eq!(version, VERSION, "what earlier versions wrote stands for ever");
            std::fs::write(&path, write(&records())).expect("the golden file can be written");
        }
    }
}

fn write(records: &[Entry]) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), STARTED).expect("memory can be written to");
    // Each thread in two blocks; the second of thread 1 begins with a sync.
    for (thread, syncs) in [(0, 1), (1, 2)] {
        let of_thread: Vec<_> = records.iter().filter(|record| record.0 == thread).collect();
        let mut encoder = Encoder::new();
        for (number, half) in of_thread.chunks(of_thread.len().div_ceil(2).max(1)).enumerate() {
            let mut bytes = Vec::new();
            if number < syncs {
                encoder.sync(half[0].1, &mut bytes);
            }
            for (_, time, event) in half {
                encoder.event(*time, event, &mut bytes);
            }
            writer.block(ThreadId(thread), &bytes).expect("memory can be written to");
        }
    }
    writer.finish().expect("memory can be written to")
}

/// The bytes that `FORMAT.md` shows are a file, and say what it says.
#[test]
fn the_example_in_the_specification_is_a_trace() {
    let text = include_str!("../FORMAT.md");
    let example = text.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
    let example = example.expect("the specification has an example");
    // The bytes stand in the first 56 columns, the words behind them.
    let bytes: Vec<u8> = example
        .lines()
        .flat_map(|line| line.get(..56).unwrap_or(line).split_whitespace())
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hexadecimal digits"))
        .collect();
    let (records, report) = read(&bytes);
    let entries: Vec<_> = records.iter().map(|r| (r.thread.0, r.time, r.event)).collect();
    let expected = [
        (0, 21, Event::Worker(Some((RuntimeId(0), 1)))),
        (0, 30, Event::PollStart { task: TaskId(18), source: Source::Hook }),
        (0, 45, Event::PollEnd { result: PollResult::Pending, kept_waker: true }),
    ];
    assert_eq!(entries, expected, "{report:?}");
    assert_eq!((report.complete, report.damages.len()), (true, 0));
}
