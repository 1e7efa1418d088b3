//! A black box: what is in the file while the process lives, and what becomes of the file.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use taskscope::{BlackBoxConfig, Recorder};
use taskscope_format::black_box::{self, Life};
use taskscope_format::{Event, OpenError, Reader, ThreadId, meta};

/// Small, so that it is overwritten often.
const BYTES: u64 = 8 << 20;

/// Opens the box of a process that lives.
fn read_alive(path: &Path) -> Vec<u8> {
    loop {
        let mut file = std::fs::File::open(path).unwrap();
        let mut glance = vec![0; 4096];
        file.read_exact(&mut glance).unwrap();
        glance.resize(black_box::glance_bytes(&glance).unwrap() as usize, 0);
        file.read_exact(&mut glance[4096..]).unwrap();
        let bytes = std::fs::read(path).unwrap();
        match black_box::unpack(&bytes, Life::Alive { glance: &glance }) {
            Ok(trace) => return trace,
            Err(OpenError::BusyBox) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

const COUNTERS: usize = 5;

/// A number that each counter says in each of its polls, and then stores.
#[derive(Default)]
struct Counts([AtomicU64; COUNTERS]);

impl Counts {
    fn all(&self) -> [u64; COUNTERS] {
        std::array::from_fn(|counter| self.0[counter].load(Ordering::SeqCst))
    }
}

/// What a trace says of the counters: each has said its numbers one after the other, in polls of its
/// own, up to one between what it had stored before the file was opened and after. `None` where
/// events were dropped, and the trace says so.
fn check_counts(trace: &[u8], before: [u64; COUNTERS], after: [u64; COUNTERS]) -> Option<u64> {
    let mut reader = Reader::new(trace).unwrap();
    if reader.by_ref().any(|record| matches!(record.event, Event::Dropped { .. })) {
        return None;
    }
    let mut reader = Reader::new(trace).unwrap();
    let mut window = 0;
    let mut said: [Vec<u64>; COUNTERS] = Default::default();
    let mut open: HashMap<ThreadId, Vec<u64>> = HashMap::new();
    let mut times: HashMap<ThreadId, u64> = HashMap::new();
    let mut task_of: HashMap<u64, u64> = HashMap::new();
    let mut polls = 0;
    while let Some(record) = reader.next() {
        assert_eq!(reader.gap(), None, "{record:?}");
        let last = times.insert(record.thread, record.time).unwrap_or(0);
        assert!(record.thread.0 == 0 || last <= record.time, "{record:?} after {last}");
        match record.event {
            Event::Meta { key: meta::WINDOW, value } => window = value.parse().unwrap(),
            Event::PollStart { task, .. } => {
                polls += 1;
                open.entry(record.thread).or_default().push(task.0);
            }
            Event::PollEnd { .. } => {
                open.entry(record.thread).or_default().pop();
            }
            Event::Message { text, .. } if record.time >= window => {
                let number = |key: &str| -> u64 {
                    let rest = text.split_once(key).unwrap().1;
                    rest.split(' ').next().unwrap().parse().unwrap()
                };
                let (counter, number) = (number("counter="), number("number="));
                said[counter as usize].push(number);
                // What was polled when events were dropped is unknown, up to the next poll.
                let Some(open) = open.get(&record.thread) else { continue };
                let task = *open.last().unwrap_or_else(|| panic!("outside of a poll: {record:?}"));
                assert_eq!(*task_of.entry(counter).or_insert(task), task, "in a poll of its own");
            }
            _ => {}
        }
    }
    let report = reader.report();
    assert_eq!(report.damages, []);
    for (counter, mut said) in said.into_iter().enumerate() {
        said.sort_unstable();
        let context = format!("counter {counter}: {} numbers, window {window}", said.len());
        for pair in said.windows(2) {
            assert_eq!(pair[0] + 1, pair[1], "{context}");
        }
        let (before, after) = (before[counter], after[counter] + 1);
        let last = said.last().copied().unwrap_or(0);
        assert!((before..=after).contains(&last), "{context}: {before} <= {last} <= {after}");
        if window == 0 && last > 0 {
            assert_eq!(said[0], 1, "{context}");
        }
    }
    Some(polls)
}

/// As much as makes some million events a second of two workers: more would be dropped now and then,
/// where the writer has to share two processors with them and with others.
fn work() {
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_micros(2) {}
}

#[test]
fn whenever_it_is_opened_it_shows_what_was_and_nothing_else() {
    let opens = std::env::var("TASKSCOPE_OPENS").ok().and_then(|count| count.parse().ok());
    let opens: u32 = opens.unwrap_or(6);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = Recorder::builder()
        .targets("counted=trace".parse().unwrap())
        .black_box(BlackBoxConfig::new(&path).bytes(BYTES))
        .start()
        .unwrap();
    let subscriber = recording.subscriber();
    let (counts, is_over) = (Arc::new(Counts::default()), Arc::new(AtomicBool::new(false)));
    let (mut checked, mut polls) = (0, 0);
    std::thread::scope(|scope| {
        let (counts_there, is_over_there) = (Arc::clone(&counts), Arc::clone(&is_over));
        let recording = &recording;
        scope.spawn(move || {
            tracing::dispatcher::with_default(&subscriber, || {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                let carried = subscriber.clone();
                builder.worker_threads(2).on_thread_start(move || {
                    // For as long as the thread lives.
                    std::mem::forget(tracing::dispatcher::set_default(&carried));
                });
                recording.hooks(&mut builder);
                let runtime = builder.build().unwrap();
                let tasks: Vec<_> = (0..COUNTERS)
                    .map(|counter| {
                        let (counts, is_over) =
                            (Arc::clone(&counts_there), Arc::clone(&is_over_there));
                        runtime.spawn(async move {
                            let mut number = 0u64;
                            while !is_over.load(Ordering::Relaxed) {
                                number += 1;
                                tracing::trace!(target: "counted", counter, number);
                                counts.0[counter].store(number, Ordering::SeqCst);
                                work();
                                tokio::task::yield_now().await;
                            }
                        })
                    })
                    .collect();
                tasks.into_iter().for_each(|task| runtime.block_on(task).unwrap());
            });
        });
        for open in 0..opens * 4 {
            let before = counts.all();
            let trace = read_alive(&path);
            let after = counts.all();
            let result = std::panic::catch_unwind(|| check_counts(&trace, before, after));
            if result.is_err() {
                is_over.store(true, Ordering::Relaxed);
            }
            if let Some(of_this) = result.unwrap_or_else(|_| panic!("open {open}")) {
                checked += 1;
                polls += of_this;
            }
            if checked == opens {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    println!("{checked} opened and checked, {polls} polls in them; said {:?}", counts.all());
    assert_eq!(checked, opens, "events were dropped in too many of them");
    recording.finish().unwrap();
    let trace = black_box::unpack(&std::fs::read(&path).unwrap(), Life::Dead).unwrap();
    let all = counts.all();
    check_counts(&trace, all, all.map(|count| count - 1));
    let mut reader = Reader::new(&trace).unwrap();
    assert!(reader.by_ref().count() > 0 && reader.report().complete);
}
