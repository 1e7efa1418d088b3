//! Any bytes as the streams of a file whose checksums are right: what a checksum
//! would hide from the fuzzer. The model is made of it and asked all it can be.

#![no_main]

use std::io;
use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use taskscope_format::{FileWriter, ThreadId};
use taskscope_model::{Direction, LaneIx, Loader, Source, TaskIx, Trace};

/// Questions are asked of so many things at most: a file has room for many.
const SOME: u32 = 40;

fuzz_target!(|bytes: &[u8]| {
    let file = file(bytes);
    let trace = Trace::from_bytes(&file).expect("the header is right");
    // Also while it grows, with looks between. (Where a thread's times run backwards, which no
    // recorder writes, what came first depends on what had been read.)
    let growing = Arc::new(Growing(Mutex::default()));
    let mut loader = Loader::follow(growing.clone()).expect("nothing is wrong yet");
    for piece in file.chunks(file.len() / 3 + 1) {
        growing.0.lock().expect("no thread panics").extend_from_slice(piece);
        while !loader.step().expect("memory can be read").is_done {}
        let _ = loader.snapshot();
    }
    loader.catch_up().expect("memory can be read");
    let grown = loader.snapshot();
    assert_eq!(grown.report(), trace.report());
    assert_eq!(grown.span(), trace.span());
    let _ = trace.summary();
    let span = trace.span();
    for lane in (0..trace.lanes().len().min(SOME as usize)).map(|n| LaneIx(n as u16)) {
        let step = (span.end - span.start) / 8;
        let marks = trace.lod_spans(lane, span.clone(), step);
        let polls: u64 = marks.iter().map(|mark| u64::from(mark.count)).sum();
        assert!(polls <= trace.lane(lane).poll_count());
        let _ = (trace.lane_name(lane), trace.poll_at(lane, span.start));
    }
    for task in (0..trace.task_count() as u32).take(SOME as usize).map(TaskIx) {
        let _ = (trace.task_name(task), trace.state_times(task));
        for span in trace.states(task) {
            assert!(span.start < span.end);
        }
        for direction in [Direction::Forward, Direction::Back] {
            let _ = trace.next_event_of(task, span.start, direction);
        }
    }
    for (poll, of) in trace.polls().take(SOME as usize) {
        assert!(of.start <= of.end);
        let _ = trace.cause(poll);
    }
    let mut now = span.start;
    for _ in 0..SOME {
        let Some(next) = trace.next_event(now, Direction::Forward) else { break };
        assert!(next > now);
        now = next;
    }
});

/// A file that grows.
struct Growing(Mutex<Vec<u8>>);

impl Source for Growing {
    fn length(&self) -> io::Result<u64> {
        self.0.lock().expect("no thread panics").length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().expect("no thread panics").read_at(offset, buffer)
    }
}

/// A file of blocks. The first byte of the rest is the thread, the next two
/// how long the block is.
fn file(mut bytes: &[u8]) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), 0).expect("memory takes what it gets");
    while let [thread, low, high, rest @ ..] = bytes {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        let written = writer.block(ThreadId((thread % 4).into()), payload);
        written.expect("memory takes what it gets");
        bytes = rest;
    }
    writer.finish().expect("memory takes what it gets")
}
