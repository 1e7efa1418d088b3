//! However a trace comes, at once or piece by piece, with its blocks in whatever order the threads'
//! own allow: it is the same trace.

mod common;
#[path = "../../taskscope-format/tests/common/events.rs"]
mod events;
#[path = "common/facts.rs"]
mod facts;

use std::io;
use std::sync::{Arc, Mutex};

use common::{Recording, Thread};
use facts::{anything, difference, facts, file};
use proptest::prelude::*;
use taskscope_format::{Event, Level, Scan, Scanner, Span, SpanId};
use taskscope_model::{Loader, Source, TaskIx, TaskTimes, Trace};

/// A file that grows.
#[derive(Default)]
struct Growing(Mutex<Vec<u8>>);

impl Growing {
    fn grow(&self, bytes: &[u8]) {
        self.0.lock().expect("no thread panics").extend_from_slice(bytes);
    }
}

impl Source for Growing {
    fn length(&self) -> io::Result<u64> {
        self.0.lock().expect("no thread panics").length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().expect("no thread panics").read_at(offset, buffer)
    }
}

/// Where the blocks of a file stand, by their threads, and where the end marker does.
fn blocks(file: &[u8]) -> (Vec<(u32, std::ops::Range<usize>)>, std::ops::Range<usize>) {
    let (mut scanner, mut blocks) = (Scanner::new(), Vec::new());
    loop {
        let at = scanner.position() as usize;
        match scanner.next(&file[at..], true) {
            Scan::Block(block) => blocks.push((block.thread.0, at..scanner.position() as usize)),
            Scan::Damage { .. } | Scan::More => panic!("the file is whole"),
            Scan::Ended => return (blocks, at..file.len()),
        }
    }
}

/// The same blocks in another order, in which those of a thread keep theirs.
fn shuffled(file: &[u8], order: &[u32]) -> Vec<u8> {
    let (mut left, end) = blocks(file);
    let mut other = file[..left.first().map_or(end.start, |(_, at)| at.start)].to_vec();
    let mut order = order.iter().cycle();
    while !left.is_empty() {
        let wanted = order.next().copied().unwrap_or(0);
        let at = left.iter().position(|(thread, _)| *thread == wanted).unwrap_or(0);
        other.extend_from_slice(&file[left.remove(at).1]);
    }
    other.extend_from_slice(&file[end]);
    other
}

fn load(file: Vec<u8>) -> Trace {
    let mut loader = Loader::new(Arc::new(file)).expect("it opens");
    while !loader.step().expect("memory can be read").is_done {}
    loader.snapshot()
}

proptest! {
    #[test]
    fn the_order_of_blocks_does_not_matter(
        events in anything(), length in 1..40usize, order in prop::collection::vec(0..4u32, 1..30),
    ) {
        let file = file(&events, length);
        let expected = facts(&Trace::from_bytes(&file).unwrap());
        let shuffled = facts(&load(shuffled(&file, &order)));
        prop_assert_eq!(difference(&shuffled, &expected), None);
    }

    #[test]
    fn a_file_that_grows_ends_as_one_that_was_whole_and_no_snapshot_changes(
        events in anything(), length in 1..40usize, order in prop::collection::vec(0..4u32, 1..30),
        pieces in prop::collection::vec((1..400usize, any::<bool>(), any::<bool>()), 1..30),
    ) {
        let file = shuffled(&file(&events, length), &order);
        let expected = facts(&Trace::from_bytes(&file).unwrap());
        let growing = Arc::new(Growing::default());
        let mut loader = Loader::follow(growing.clone()).unwrap();
        let (mut rest, mut snapshots) = (&file[..], Vec::new());
        for (piece, pauses, looks) in pieces.into_iter().cycle() {
            let piece = rest.split_off(..piece.min(rest.len())).unwrap();
            growing.grow(piece);
            while !loader.step().unwrap().is_done {}
            if pauses {
                loader.catch_up().unwrap();
            }
            if looks && snapshots.len() < 8 {
                let snapshot = loader.snapshot();
                snapshots.push((facts(&snapshot), snapshot));
            }
            if rest.is_empty() {
                break;
            }
        }
        loader.catch_up().unwrap();
        prop_assert!(loader.is_complete());
        let grown = facts(&loader.snapshot());
        prop_assert_eq!(difference(&grown, &expected), None);
        for (was, snapshot) in snapshots {
            prop_assert_eq!(facts(&snapshot), was);
        }
    }
}

proptest! {
    /// Whatever polls a file has, also such as overlap.
    #[test]
    fn times_of_all_tasks_are_those_of_each_task(events in anything(), length in 1..40usize) {
        let trace = Trace::from_bytes(&file(&events, length)).unwrap();
        let mut times = TaskTimes::new(&trace);
        while !times.step(&trace) {}
        for task in (0..trace.task_count() as u32).map(TaskIx) {
            prop_assert_eq!(times.get(task), trace.state_times(task));
        }
    }
}

#[test]
fn a_file_that_is_not_there_yet_is_an_empty_trace() {
    let growing = Arc::new(Growing::default());
    let mut loader = Loader::follow(growing.clone()).unwrap();
    assert!(loader.step().unwrap().is_done);
    assert_eq!(loader.snapshot().task_count(), 0);
    growing.grow(&Recording::new().thread(0, |t| t.at(5).poll(1).at(9).ready()).file());
    loader.catch_up().unwrap();
    assert_eq!(loader.snapshot().poll_count(), 1);
}

#[test]
fn what_is_recorded_of_a_span_later_is_there_when_its_file_grows() {
    let span = |id| {
        let (id, parent, level) = (SpanId(id), None, Level::Info);
        let (name, target, fields) = ("request", "app", "path=\"/\"");
        Event::Span(Span { id, parent, level, name, target, fields, location: None })
    };
    let later = |id| Event::SpanFields { span: SpanId(id), fields: "status=200" };
    let polled = |t: Thread| (0..9).fold(t, |t, _| t.poll(1).pending());
    let served = |t: Thread| (0..50).fold(t, |t, id| polled(t.event(span(id)).event(later(id))));
    let file = Recording::new().thread(0, served).file();
    let growing = Arc::new(Growing::default());
    let mut loader = Loader::follow(growing.clone()).unwrap();
    for piece in file.chunks(10) {
        growing.grow(piece);
        loader.catch_up().unwrap();
    }
    let trace = loader.snapshot();
    assert_eq!(trace.span_count(), 50);
    assert!(trace.spans().all(|span| &*span.fields == "path=\"/\" status=200"));
}

#[test]
fn a_source_that_is_cut_while_it_is_read_is_an_error_that_says_so() {
    struct Cut(Vec<u8>);
    impl Source for Cut {
        fn length(&self) -> io::Result<u64> {
            self.0.length()
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
            // Blocks are found in windows, and then read one by one.
            match offset {
                0 | 24 => self.0.read_at(offset, buffer),
                _ => Ok(0),
            }
        }
    }
    let file = Recording::new().thread(0, |t| t.at(5).poll(1).at(9).ready()).file();
    let mut loader = Loader::new(Arc::new(Cut(file))).unwrap();
    let error = loader.step().unwrap_err().to_string();
    assert!(error.contains("was cut while it was read"), "{error}");
}
