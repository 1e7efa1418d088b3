//! What is written comes back.

mod common;
#[path = "common/events.rs"]
mod events;

use std::collections::BTreeMap;

use common::{Entry, read};
use proptest::prelude::*;
use taskscope_format::{
    Encoder, Event, FileWriter, Location, Reader, RuntimeId, Source, Spawn, TaskId, TaskKind,
    ThreadId,
};

/// What a recorder does with one of its threads.
#[derive(Clone, Debug)]
enum Step {
    Event { elapsed: u64, event: Event<'static> },
    Sync,
    Block,
}

fn step() -> impl Strategy<Value = Step> {
    let elapsed = prop_oneof![8 => 0..300u64, 1 => 0..1u64 << 40];
    prop_oneof![
        12 => (elapsed, events::event())
            .prop_map(|(elapsed, event)| Step::Event { elapsed, event }),
        1 => Just(Step::Sync),
        2 => Just(Step::Block),
    ]
}

/// A thread's encoder, the bytes that no block holds yet, and the events it was given.
#[derive(Default)]
struct Thread {
    encoder: Encoder,
    bytes: Vec<u8>,
}

fn write(steps: &[(u32, Step)]) -> (Vec<u8>, Vec<Entry>) {
    let mut writer = FileWriter::new(Vec::new(), 1).expect("memory can be written to");
    let mut threads = BTreeMap::<u32, Thread>::new();
    let (mut time, mut entries) = (0, Vec::new());
    for (of, step) in steps {
        let thread = threads.entry(*of).or_insert_with(|| {
            let mut thread = Thread::default();
            thread.encoder.sync(time, &mut thread.bytes);
            thread
        });
        match step {
            Step::Event { elapsed, event } => {
                time += elapsed;
                thread.encoder.event(time, event, &mut thread.bytes);
                entries.push((*of, time, *event));
            }
            Step::Sync => thread.encoder.sync(time, &mut thread.bytes),
            Step::Block => {
                writer.block(ThreadId(*of), &thread.bytes).expect("memory can be written to");
                thread.bytes.clear();
            }
        }
    }
    for (of, thread) in &threads {
        writer.block(ThreadId(*of), &thread.bytes).expect("memory can be written to");
    }
    (writer.finish().expect("memory can be written to"), entries)
}

/// Blocks mix the threads; within a thread the order stands.
fn by_thread(entries: impl IntoIterator<Item = Entry>) -> BTreeMap<u32, Vec<Entry>> {
    let mut threads = BTreeMap::<u32, Vec<Entry>>::new();
    for one in entries {
        threads.entry(one.0).or_default().push(one);
    }
    threads
}

proptest! {
    #[test]
    fn all_events_of_all_threads_come_back(
        steps in prop::collection::vec((0..4u32, step()), 0..200),
    ) {
        let (file, entries) = write(&steps);
        let mut reader = Reader::new(&file).expect("a written file opens");
        let mut back = BTreeMap::<u32, Vec<(u64, Event<'_>)>>::new();
        for record in reader.by_ref() {
            back.entry(record.thread.0).or_default().push((record.time, record.event));
        }
        let entries: BTreeMap<_, Vec<_>> = by_thread(entries)
            .into_iter()
            .map(|(thread, entries)| (thread, entries.iter().map(|&(_, t, e)| (t, e)).collect()))
            .collect();
        prop_assert_eq!(back, entries);
        prop_assert!(reader.report().complete);
        prop_assert_eq!(&reader.report().damages, &[]);
        prop_assert_eq!(reader.position(), file.len());
    }
}

#[test]
fn every_number_fits_up_to_its_largest() {
    let spawn = Spawn {
        task: TaskId(u64::MAX),
        kind: TaskKind::Blocking,
        source: Source::Span,
        runtime: Some(RuntimeId(u32::MAX)),
        parent: Some(TaskId(u64::MAX - 1)),
        name: Some(""),
        location: Some(Location { file: "", line: u32::MAX, column: u32::MAX }),
        size: Some(u64::MAX - 1),
        original_size: Some(u64::MAX - 1),
        function: Some(""),
        is_part: true,
    };
    let events = [
        Event::Worker(Some((RuntimeId(u32::MAX), u32::MAX))),
        Event::Spawn(spawn),
        Event::PollStart { task: TaskId(u64::MAX), source: Source::Span },
        Event::PollStart { task: TaskId(0), source: Source::Hook },
        Event::Dropped { count: u64::MAX, since: u64::MAX },
    ];
    let timed = events.map(|event| (u64::MAX, event));
    let mut writer = FileWriter::new(Vec::new(), u64::MAX).expect("memory can be written to");
    writer.block(ThreadId(u32::MAX), &common::encoded(&timed)).expect("likewise");
    let file = writer.finish().expect("likewise");
    let (records, report) = read(&file);
    let back: Vec<_> = records.iter().map(|record| (record.time, record.event)).collect();
    assert_eq!(back, timed);
    assert_eq!((report.complete, report.dropped), (true, u64::MAX));
    let header = Reader::new(&file).expect("it opens").header().expect("it is whole");
    assert_eq!(header.started_unix_ns, u64::MAX);
}

#[test]
fn a_clock_that_runs_backwards_stands_still() {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(100, &mut bytes);
    encoder.event(90, &Event::Park, &mut bytes);
    encoder.sync(80, &mut bytes);
    encoder.event(85, &Event::Unpark, &mut bytes);
    encoder.event(110, &Event::Park, &mut bytes);
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
    writer.block(ThreadId(0), &bytes).expect("memory can be written to");
    let file = writer.finish().expect("memory can be written to");
    let times: Vec<u64> = read(&file).0.iter().map(|record| record.time).collect();
    assert_eq!(times, [100, 100, 110]);
}

#[test]
fn what_happens_all_the_time_takes_few_bytes() {
    let mut events = Vec::new();
    for round in 0..1000 {
        let task = TaskId(round % 8);
        events.push((round * 50, Event::PollStart { task, source: Source::Hook }));
        let result = taskscope_format::PollResult::Pending;
        events.push((round * 50 + 30, Event::PollEnd { result, kept_waker: true }));
    }
    let bytes = common::encoded(&events).len();
    assert!(bytes <= 5 * 1000 + 8, "five bytes a poll, and there are {bytes} for 1000");
}

#[test]
fn a_string_is_written_once_between_two_syncs() {
    let once = common::encoded(&[(0, Event::Thread { os_id: 1, name: "a-long-thread-name" })]);
    let twice = common::encoded(&[(0, Event::Thread { os_id: 1, name: "a-long-thread-name" }); 2]);
    assert_eq!(twice.len() - once.len(), 5, "tag, length, time, id and the string's number");
}

#[test]
fn a_block_that_is_too_large_is_refused_and_leaves_the_file_whole() {
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
    let payload = common::encoded(&[(5, Event::Park)]);
    writer.block(ThreadId(0), &payload).expect("a small block");
    let large = vec![0; FileWriter::<Vec<u8>>::MAX_PAYLOAD + 1];
    let error = writer.block(ThreadId(0), &large).expect_err("a large one");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert!(error.to_string().contains("1048577"), "{error}");
    let file = writer.finish().expect("memory can be written to");
    let (records, report) = read(&file);
    assert_eq!((records.len(), report.complete, report.damages.len()), (1, true, 0));
}
