//! How much memory a file can ask for, measured. The worst that each sort of record
//! can do, in files that hold nothing else.

use peak_alloc::PeakAlloc;
use taskscope_format::{
    Encoder, Event, FileWriter, Level, PollResult, Reader, Resource, ResourceId, RuntimeId, Source,
    Span, SpanId, Spawn, TaskId, TaskKind, ThreadId, WakeOp,
};
use taskscope_model::{CancelledBy, EndKind, Flavor, Trace};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What the documentation promises: so many bytes for each byte of the file.
const READER: usize = 32;
const MODEL: usize = 512;

/// About how long the files are: long enough for what is needed in any case not to
/// matter, and two of them, as memory grows by doubling.
const LENGTHS: [usize; 2] = [1 << 17, 3 << 16];

const POLL_ENDS: Event<'_> = Event::PollEnd { result: PollResult::Pending, kept_waker: false };

fn poll(task: u64) -> Event<'static> {
    Event::PollStart { task: TaskId(task), source: Source::Span }
}

fn ends(task: u64) -> Event<'static> {
    Event::TaskEnd {
        task: TaskId(task),
        end: EndKind::Returned,
        inferred: false,
        cancelled_by: CancelledBy::Unknown,
    }
}

/// A block of events, one batch of them for each number.
type Batch<'a> = &'a dyn Fn(u64, &mut dyn FnMut(Event<'_>));

/// A file of one thread, full of what `batch` makes.
fn file(length: usize, batch: Batch<'_>) -> Vec<u8> {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    let mut time = 0;
    for number in 1.. {
        if bytes.len() > length {
            break;
        }
        batch(number, &mut |event| {
            time += 1;
            encoder.event(time, &event, &mut bytes);
        });
    }
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
    writer.block(ThreadId(1), &bytes).expect("it fits a block");
    writer.finish().expect("memory can be written to")
}

/// A file of many threads with the same few events each.
fn of_threads(length: usize, event: Option<Event<'_>>) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
    for thread in 0..length as u32 / 40 {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(0, &mut bytes);
        event.iter().for_each(|event| encoder.event(0, event, &mut bytes));
        writer.block(ThreadId(thread), &bytes).expect("it fits a block");
    }
    writer.finish().expect("memory can be written to")
}

/// The most memory in use meanwhile, beyond what was in use before.
fn peak<T>(what: impl FnOnce() -> T) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let result = what();
    let most = MEMORY.peak_usage() - before;
    drop(result);
    most
}

/// Short and never the same.
fn text(number: u64) -> String {
    format!("{number:x}")
}

// One test, as memory is counted for the whole process.
#[test]
fn a_file_gets_no_more_memory_than_a_multiple_of_its_length() {
    LENGTHS.iter().for_each(|&length| files_get_no_more(length));
}

fn files_get_no_more(length: usize) {
    // Each record could name it again.
    let long = "a".repeat(4096);
    let spawn = |task| Spawn::new(TaskId(task), TaskKind::Task, Source::Span);
    let worker = |index| Event::Worker(Some((RuntimeId(0), index)));
    let span = |id| Span {
        id: SpanId(id),
        parent: None,
        level: Level::Info,
        name: "a",
        target: "b",
        fields: &long,
        location: None,
    };
    let resource = |id| Resource {
        id: ResourceId(id),
        concrete_type: "a",
        kind: "b",
        is_internal: false,
        location: None,
    };
    let batches: [(&str, Batch<'_>); 20] = [
        ("polls of new tasks", &|n, put| [poll(n), POLL_ENDS].into_iter().for_each(put)),
        ("polls of one task", &|_, put| [poll(1), POLL_ENDS].into_iter().for_each(put)),
        ("polls in polls", &|n, put| put(poll(n))),
        ("polls that were scheduled", &|n, put| {
            [Event::Scheduled { ago: 1 }, poll(n), POLL_ENDS].into_iter().for_each(put)
        }),
        ("waits in parts of tasks", &|n, put| {
            put(Event::Spawn(Spawn { is_part: true, ..spawn(n) }));
            put(poll(n));
            put(Event::Wait { resource: ResourceId(1), operation: "a" });
        }),
        ("parts of tasks", &|n, put| put(Event::Spawn(Spawn { is_part: true, ..spawn(n) }))),
        ("wakes of new tasks", &|n, put| {
            put(Event::Wake { task: TaskId(n), op: WakeOp::ByRef });
        }),
        ("ends", &|n, put| put(ends(n))),
        ("spawns", &|n, put| put(Event::Spawn(spawn(n)))),
        ("spawns with names", &|n, put| {
            put(Event::Spawn(Spawn { name: Some(&text(n)), ..spawn(n) }));
        }),
        ("spawns with a long name", &|n, put| {
            put(Event::Spawn(Spawn { name: Some(&long), ..spawn(n) }));
        }),
        ("workers", &|n, put| put(worker(n as u32))),
        ("workers that poll", &|n, put| {
            [worker(n as u32), poll(1), POLL_ENDS].into_iter().for_each(put)
        }),
        ("parks", &|_, put| [Event::Park, Event::Unpark].into_iter().for_each(put)),
        ("runtimes", &|n, put| {
            let (id, flavor) = (RuntimeId(n as u32), Flavor::MultiThread);
            put(Event::Runtime { id, flavor, workers: u32::MAX, name: "", hooked: false });
        }),
        ("facts", &|n, put| put(Event::Meta { key: &text(n), value: &long })),
        ("resources and waits", &|n, put| {
            put(Event::Resource(resource(n)));
            put(poll(1));
            put(Event::Wait { resource: ResourceId(n), operation: &long });
            put(POLL_ENDS);
        }),
        ("spans with one long text", &|n, put| put(Event::Span(span(n)))),
        ("fields without end", &|n, put| {
            put(Event::SpanFields { span: SpanId(n % 4), fields: &long });
            put(Event::SpanFields { span: SpanId(n), fields: "a" });
        }),
        ("messages", &|n, put| {
            put(Event::SpanEnter(SpanId(n)));
            put(Event::Message { level: Level::Info, target: "", text: &long });
        }),
    ];
    let mut files: Vec<_> =
        batches.iter().map(|(name, batch)| (*name, file(length, batch))).collect();
    files.push(("threads", of_threads(length, None)));
    files.push((
        "threads with names",
        of_threads(length, Some(Event::Thread { os_id: 1, name: "" })),
    ));
    files.push(("threads that poll", of_threads(length, Some(poll(1)))));
    let mut strings = vec![0x80, 1, 0];
    strings.extend([0x81, 0].repeat(length / 2));
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory can be written to");
    writer.block(ThreadId(1), &strings).expect("it fits a block");
    files.push(("strings", writer.finish().expect("memory can be written to")));

    for (name, file) in &files {
        let read = peak(|| {
            let mut reader = Reader::new(file).expect("it is one");
            reader.by_ref().for_each(drop);
            assert_eq!(reader.report().damages, [], "{name}");
            reader
        });
        let model = peak(|| Trace::from_bytes(file).expect("it is one"));
        let (read, model) = (read.div_ceil(file.len()), model.div_ceil(file.len()));
        eprintln!("{name}: {} bytes, reader {read} times, model {model} times", file.len());
        assert!(read <= READER, "{name}: the reader takes {read} times the file");
        assert!(model <= MODEL, "{name}: the model takes {model} times the file");
    }
}
