//! Black boxes as a process may leave them: in the middle of anything, damaged, or made to do harm.
//!
//! `golden/box-v1.tscope` was written once, by the ignored test below, and must never be written
//! again:
//!
//! ```text
//! cargo test -p taskscope-format --test black_box -- --ignored
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;

use proptest::prelude::*;
use taskscope_format::black_box::layout::{Rings, back, front, live};
use taskscope_format::black_box::{
    self, BlockHeader, Header, Layout, Life, NO_OFFSET, SlotHeader, VERSION, checksum,
};
use taskscope_format::{
    Encoder, Event, Location, OpenError, PollResult, Reader, RuntimeId, Source, Spawn, TaskId,
    TaskKind, ThreadId, meta,
};

const NONCE: u64 = 0x0123_4567_89ab_cdef;
const STARTED: u64 = 1_750_000_000_123_456_789;

/// A box as a process would have it, in memory.
#[derive(Clone)]
struct Made {
    bytes: Vec<u8>,
    layout: Layout,
    /// Where the next block goes.
    at: u64,
    number: u64,
}

impl Made {
    fn new() -> Self {
        let small = Rings { count: 2, bytes: 256 };
        let large = Rings { count: 1, bytes: 1024 };
        let layout = Layout::with_sizes(36 << 10, small, large, 4096).unwrap();
        let header = Header {
            version: VERSION,
            process: 4711,
            started_unix_ns: STARTED,
            nonce: NONCE,
            program: "server".to_owned(),
            layout: layout.clone(),
        };
        let mut made = Self {
            bytes: vec![0; layout.bytes() as usize],
            at: layout.blocks.start,
            layout,
            number: 0,
        };
        made.put(0, &header.to_bytes());
        made.word(live::STATE, live::RUNNING);
        made
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.bytes[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    }

    fn word(&mut self, at: u64, value: u64) {
        self.put(at, &value.to_le_bytes());
    }

    /// Writes a block that stands alone. Returns where.
    fn block(&mut self, thread: u32, offset: u64, came: u64, payload: &[u8]) -> u64 {
        let header = BlockHeader {
            number: self.number,
            chain: self.number,
            offset,
            came,
            thread: ThreadId(thread),
            length: payload.len() as u32,
            checksum: checksum(payload),
        };
        let at = self.at;
        self.put(at, &header.to_bytes(NONCE));
        self.put(at + 64, payload);
        self.number += 1;
        self.at += BlockHeader::room(payload.len());
        at
    }

    fn slot(&mut self, number: u64, covers: u64, gone: u64, pieces: &[(u32, Vec<u8>)]) {
        let mut payload = Vec::new();
        for (thread, piece) in pieces {
            payload.extend(thread.to_le_bytes());
            payload.extend((piece.len() as u32).to_le_bytes());
            payload.extend(piece);
        }
        let length = payload.len() as u32;
        let checksum = checksum(&payload);
        let header = SlotHeader { number, covers, gone, unknown: 0, length, checksum };
        let at = self.layout.slot(number).start;
        self.put(at, &header.to_bytes(NONCE));
        self.put(at + 64, &payload);
    }

    /// Puts `bytes` into a ring as what its thread has put from `from` on, of which what is before
    /// `head` is in blocks.
    fn ring(&mut self, ring: u32, thread: u32, from: u64, head: u64, bytes: &[u8]) {
        let place = self.layout.ring(ring);
        let length = place.data.end - place.data.start;
        for (at, byte) in (from..).zip(bytes) {
            self.put(place.data.start + at % length, &[*byte]);
        }
        self.word(place.front + front::TAIL, from + bytes.len() as u64);
        self.word(place.back + back::HEAD, head);
        self.word(place.front + front::THREAD, thread.into());
        self.word(place.back + back::THREAD, thread.into());
    }

    /// What a reader makes of it.
    fn read(&self) -> (Vec<(u32, u64, String)>, Vec<u64>, taskscope_format::Report) {
        read(&self.bytes, Life::Dead)
    }
}

/// The events but those that [`black_box::unpack`] adds, the gaps, and the report.
fn read(
    file: &[u8],
    life: Life<'_>,
) -> (Vec<(u32, u64, String)>, Vec<u64>, taskscope_format::Report) {
    let trace = black_box::unpack(file, life).unwrap();
    let mut reader = Reader::new(&trace).unwrap();
    let (mut events, mut gaps) = (Vec::new(), Vec::new());
    while let Some(record) = reader.next() {
        gaps.extend(reader.gap());
        let word = match record.event {
            Event::PollStart { task, .. } => format!("poll {}", task.0),
            Event::Park => "park".to_owned(),
            Event::Spawn(spawn) => format!("spawn {}", spawn.name.unwrap_or("?")),
            Event::Dropped { count, since } => format!("dropped {count} since {since}"),
            Event::Meta { key, value } if key == meta::WINDOW || key == meta::DUMP => {
                format!("{key} {value}")
            }
            _ => continue,
        };
        events.push((record.thread.0, record.time, word));
    }
    (events, gaps, reader.report().clone())
}

/// Records of one thread, from a sync on.
fn records(events: &[(u64, Event<'_>)]) -> Vec<u8> {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(events[0].0, &mut bytes);
    events.iter().for_each(|(time, event)| encoder.event(*time, event, &mut bytes));
    bytes
}

fn poll(task: u64) -> Event<'static> {
    Event::PollStart { task: TaskId(task), source: Source::Hook }
}

fn polls(first: u64, count: u64) -> Vec<u8> {
    let over = Event::PollEnd { result: PollResult::Pending, kept_waker: false };
    let events = (first..first + count).flat_map(|at| [(at * 10, poll(at)), (at * 10 + 5, over)]);
    records(&events.collect::<Vec<_>>())
}

fn tasks(events: &[(u32, u64, String)], thread: u32) -> Vec<u64> {
    let of_thread = events.iter().filter(|(id, _, _)| *id == thread);
    of_thread.filter_map(|(_, _, word)| word.strip_prefix("poll ")?.parse().ok()).collect()
}

/// A box with something of everything: a carry-over, blocks of two threads, a ring that is partly in
/// blocks, one that goes round its end, and one that dropped.
fn all() -> Made {
    let mut made = Made::new();
    let spawn = Spawn {
        name: Some("the oldest"),
        location: Some(Location { file: "src/main.rs", line: 7, column: 5 }),
        runtime: Some(RuntimeId(0)),
        ..Spawn::new(TaskId(1), TaskKind::Task, Source::Span)
    };
    let facts = records(&[(3, Event::Spawn(spawn))]);
    let described = records(&[(0, Event::Meta { key: meta::PROGRAM, value: "server" })]);
    made.slot(0, 0, 0, &[(0, described.clone())]);
    made.number = 7;
    made.slot(1, 7, 95, &[(0, described), (2, records(&[(90, Event::Park)])), (0, facts)]);
    let first = polls(10, 4);
    made.block(1, 1_000, 150, &first);
    made.block(0, NO_OFFSET, 150, &records(&[(150, Event::Worker(None))]));
    let second = polls(20, 3);
    made.block(1, 1_000 + first.len() as u64, 260, &second);
    // The block is whole, and the head has not been moved yet.
    let begin = 1_000 + first.len() as u64;
    let ring = [second, polls(30, 2)].concat();
    made.ring(0, 1, begin, begin, &ring);
    let place = made.layout.ring(0);
    made.word(place.front + front::DROPPED, 5);
    made.word(place.front + front::DROPPED_SINCE, 320);
    made.word(place.front + front::DROPPED_LAST, 330);
    made.word(place.front + front::DROPPED_AT, begin + ring.len() as u64 + 1);
    // Nothing of this one is in a block, and it goes round the end of its ring.
    made.ring(2, 3, 5 * 1024 - 30, 5 * 1024 - 30, &polls(40, 9));
    made.word(live::LAST_SEEN, 600);
    made.word(live::LAST_SEEN_UNIX, STARTED + 600);
    made
}

#[test]
fn blocks_rings_and_what_was_carried_over_are_one_trace() {
    let (events, gaps, report) = all().read();
    assert_eq!(tasks(&events, 1), [10, 11, 12, 13, 20, 21, 22, 30, 31], "each once");
    assert_eq!(tasks(&events, 3), [40, 41, 42, 43, 44, 45, 46, 47, 48]);
    let has = |what: (u32, u64, &str)| {
        assert!(events.contains(&(what.0, what.1, what.2.to_owned())), "{what:?} in {events:?}");
    };
    has((0, 3, "spawn the oldest"));
    has((2, 90, "park"));
    has((0, 95, "window 95"));
    has((0, 95, "dump the process ended without finishing"));
    has((1, 330, "dropped 5 since 320"));
    assert_eq!((gaps, &report.damages[..], report.complete), (vec![], &[][..], false));
    assert_eq!(report.dropped, 5);
}

#[test]
fn a_finished_box_is_complete() {
    let mut made = all();
    made.word(live::STATE, live::FINISHED);
    assert!(made.read().2.complete);
    made.bytes.truncate(made.bytes.len() - 1);
    assert!(!made.read().2.complete, "it was cut");
}

#[test]
fn what_was_being_written_is_left_out() {
    // A block whose header is there and whose payload is not: its bytes are in the ring.
    let mut made = all();
    let at = made.at;
    made.block(3, 5 * 1024 - 30, 480, &polls(40, 5));
    made.bytes[at as usize + 70] ^= 1;
    let (events, gaps, report) = made.read();
    assert_eq!(tasks(&events, 3).len(), 9);
    assert_eq!((gaps.len(), report.damages.len()), (0, 0));
    // A slot that breaks off: the one before it holds, and what that does not cover is there.
    let mut made = all();
    let place = made.layout.slot(1).start as usize;
    made.bytes[place + 80] ^= 1;
    let (events, _, _) = made.read();
    assert!(!events.iter().any(|(_, _, word)| word.starts_with("window")));
    assert_eq!(tasks(&events, 1).len(), 9);
}

#[test]
fn what_is_covered_is_left_out_and_what_is_missing_is_a_gap() {
    let mut made = all();
    made.slot(2, 8, 150, &[]);
    let (events, gaps, _) = made.read();
    assert_eq!((tasks(&events, 1), gaps), (vec![20, 21, 22, 30, 31], vec![]));
    // The second block of thread 1 is lost, and so are the bytes in its ring.
    let mut made = all();
    let second = made.layout.blocks.start + BlockHeader::room(polls(10, 4).len()) + 128;
    made.bytes[second as usize + 10] ^= 1;
    let place = made.layout.ring(0);
    let head = 1_000 + (polls(10, 4).len() + polls(20, 3).len()) as u64;
    made.word(place.back + back::HEAD, head);
    let (events, gaps, _) = made.read();
    assert_eq!((tasks(&events, 1), gaps), (vec![10, 11, 12, 13, 30, 31], vec![135]));
}

#[test]
fn a_ring_that_has_passed_to_another_thread_is_left_out() {
    let mut made = all();
    let place = made.layout.ring(2);
    made.word(place.back + back::THREAD, 4);
    assert_eq!(tasks(&made.read().0, 3), []);
    let mut made = all();
    let tail = 5 * 1024 - 30 + polls(40, 9).len() as u64;
    // All was moved to blocks after the tail had been read.
    made.word(place.back + back::HEAD, tail + 100);
    assert_eq!(tasks(&made.read().0, 3), []);
}

#[test]
fn all_threads_of_a_living_process_end_at_one_time() {
    // The later reading has more of both, and what thread 3 did last is behind what was there in
    // the first one.
    let (earlier, mut later) = (all(), all());
    let more = [polls(40, 9), polls(50, 2)].concat();
    later.ring(2, 3, 5 * 1024 - 30, 5 * 1024 - 30, &more);
    let glance = black_box::glance_bytes(&earlier.bytes).unwrap() as usize;
    let life = Life::Alive { glance: &earlier.bytes[..glance] };
    let (events, _, _) = read(&later.bytes, life);
    assert_eq!(tasks(&events, 3).last(), Some(&48));
    assert_eq!(tasks(&events, 1).last(), Some(&31));
    assert!(events.iter().any(|event| event.2 == "dump the black box of a process that is alive"));
    assert_eq!(tasks(&read(&later.bytes, Life::Dead).0, 3).last(), Some(&51));
}

#[test]
fn it_says_what_is_no_box_that_can_be_read() {
    let made = all();
    let error = |bytes: &[u8]| black_box::unpack(bytes, Life::Dead).unwrap_err();
    assert_eq!(error(&[]), OpenError::Empty);
    assert_eq!(error(&made.bytes[..100]), OpenError::CutBox { length: 100 });
    assert!(matches!(error(b"#!/bin/sh"), OpenError::NotATrace { .. }));
    let mut newer = made.bytes.clone();
    newer[8] = 2;
    assert_eq!(error(&newer), OpenError::NewerBox { found: 2 });
    let mut damaged = made.bytes.clone();
    damaged[40] ^= 4;
    assert_eq!(error(&damaged), OpenError::DamagedBox);
    assert_eq!(Reader::new(&made.bytes).unwrap_err(), OpenError::BlackBox);
    let state = black_box::state(&made.bytes).unwrap();
    assert_eq!((state.process, &*state.program, state.finished), (4711, "server", false));
    assert_eq!(state.last_seen_unix_ns, STARTED + 600);
}

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/box-v1.tscope")
}

#[test]
#[ignore = "writes the file that must never change"]
fn write_golden() {
    assert!(!golden().exists(), "there is one");
    std::fs::write(golden(), all().bytes).unwrap();
}

#[test]
fn a_box_of_version_1_is_read_for_ever() {
    let golden = std::fs::read(golden()).unwrap();
    assert!(golden == all().bytes, "the layout has changed: that needs another version");
    let (events, gaps, _) = read(&golden, Life::Unknown);
    assert_eq!((events.len(), gaps.len()), (23, 0), "{events:?}");
}

/// Nothing is there that was not: however the bytes are changed, an event is one of the events.
fn holds(bytes: &[u8]) {
    let Ok(trace) = black_box::unpack(bytes, Life::Dead) else { return };
    assert!(trace.len() <= 2 * bytes.len() + 4096);
    let (known, _, _) = all().read();
    let mut reader = Reader::new(&trace).unwrap();
    for record in reader.by_ref() {
        if let Event::PollStart { task, .. } = record.event {
            let expected = (record.thread.0, record.time, format!("poll {}", task.0));
            assert!(known.contains(&expected), "{expected:?}");
        }
    }
}

#[test]
fn it_is_read_as_far_as_it_goes_wherever_it_is_cut() {
    let made = all();
    for length in (0..made.bytes.len()).step_by(61) {
        holds(&made.bytes[..length]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What has a checksum is right or left out. (The rings have none: their bytes are what the
    /// operating system keeps.)
    #[test]
    fn no_flip_makes_an_event(at in 4096usize..36 << 10, bit in 0u8..8) {
        let made = all();
        let at = at as u64;
        let in_rings = (made.layout.fronts..made.layout.blocks.start).contains(&at);
        prop_assume!(!in_rings);
        let mut bytes = made.bytes;
        bytes[at as usize] ^= 1 << bit;
        holds(&bytes);
    }

    #[test]
    fn any_words_in_the_rings_are_borne(words in proptest::collection::vec((0usize..2048, any::<u64>()), 1..30)) {
        let mut made = all();
        let begin = made.layout.fronts as usize;
        for (word, value) in words {
            let at = begin + word * 8;
            if at + 8 <= made.layout.blocks.start as usize {
                made.put(at as u64, &value.to_le_bytes());
            }
        }
        let trace = black_box::unpack(&made.bytes, Life::Dead).unwrap();
        prop_assert!(Reader::new(&trace).unwrap().count() < made.bytes.len());
        let glance = made.bytes.clone();
        let _ = black_box::unpack(&made.bytes, Life::Alive { glance: &glance });
    }
}
