//! The files that are generated, as readers find them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io;

use common::{file, summary};
use taskscope_generate::{Error, MOST_POLLS, MOST_WORKERS, Options, generate};
use taskscope_model::Summary;

/// What holds for every file.
fn check(options: &Options) -> Summary {
    let (summary, generated) = summary(options);
    let Options { polls, tasks, workers, .. } = *options;
    assert_eq!((summary.polls, summary.tasks.spawned), (polls, tasks), "{options:?}");
    assert!(!summary.truncated && summary.damaged_parts == 0 && summary.gaps.is_empty());
    assert_eq!(summary.dropped_events, generated.dropped, "{options:?}");
    assert_eq!(summary.drops.iter().map(|drop| drop.events).sum::<u64>(), generated.dropped);
    assert!(summary.duration_ns <= generated.duration, "{options:?}");
    assert_eq!(summary.runtimes[0].workers.len(), workers as usize);
    let workers = summary.runtimes.iter().flat_map(|runtime| &runtime.workers);
    let lanes = workers.map(|worker| worker.busy_ns);
    for busy in lanes.chain(summary.threads.iter().map(|thread| thread.busy_ns)) {
        assert!(busy <= summary.duration_ns, "{options:?}");
    }
    summary
}

#[test]
fn polls_and_tasks_are_as_many_as_were_asked_for() {
    for (polls, tasks, workers) in [
        (1, 1, 1),
        (1, 1, 8),
        (2, 1, 2),
        (100, 1, 3),
        (20_000, 1, 4),
        (10, 10, 4),
        (40, 40, 4),
        (1_000, 1_000, 2),
        (1_001, 1_000, 2),
        (1_000, 500, 3),
        (3_000, 39, 1),
        (3_000, 40, 1),
        (5_000, 50, 2),
        // Only first polls are left when the events are dropped.
        (20_000, 19_000, 4),
        (5_000, 5_000, 1),
        (20_000, 5_000, 16),
        (20_000, 41, 4),
        (30_000, 300, 60),
        (100_000, 40_000, 2),
    ] {
        for seed in [1, 2] {
            check(&Options { polls, tasks, workers, seed });
        }
    }
}

#[test]
fn each_seed_is_exact() {
    for seed in 0..12 {
        let options = Options { seed, ..Options::new(15_000 + seed * 997) };
        let summary = check(&options);
        assert!(summary.dropped_events > 0, "{seed}");
    }
}

#[test]
fn usual_figures_are_a_task_for_a_hundred_polls() {
    let usual = |polls| {
        let Options { tasks, workers, seed, .. } = Options::new(polls);
        (tasks, workers, seed)
    };
    assert_eq!(usual(1_000_000), (10_000, 4, 1));
    assert_eq!(usual(500), (10, 4, 1));
    assert_eq!(usual(3), (3, 4, 1));
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let options = Options::new(20_000);
    let (bytes, _) = file(&options);
    assert_eq!(file(&options).0, bytes);
    for other in [
        Options { seed: 2, ..options },
        Options { workers: 3, ..options },
        Options { tasks: 201, ..options },
        Options { polls: 20_001, ..options },
    ] {
        assert_ne!(file(&other).0, bytes, "{other:?}");
    }
}

/// Another machine, another compiler or a change of what is generated would be seen here. (If the
/// change was meant, take the new figures, and say so in the changelog: someone may rely on the
/// bytes.)
#[test]
fn the_bytes_are_those_of_every_machine() {
    let options = Options { polls: 12_345, tasks: 321, workers: 3, seed: 5 };
    let (bytes, generated) = file(&options);
    assert_eq!((crc32fast::hash(&bytes), generated.bytes), GOLDEN);
}

const GOLDEN: (u32, u64) = (2_821_842_637, 201_732);

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let refused = |options: Options, words: &[&str]| {
        let mut file = Vec::new();
        let error = generate(&options, &mut file).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
        assert_eq!(file, []);
    };
    let options = Options::new(1_000);
    refused(Options { tasks: 1_001, ..options }, &["1001 tasks", "1000 polls", "no more tasks"]);
    refused(Options { tasks: 0, ..options }, &["without tasks", "one task or more"]);
    refused(Options { polls: 0, tasks: 0, ..options }, &["without tasks"]);
    refused(Options { workers: 0, ..options }, &["0 workers", "1 to 1000"]);
    refused(Options { workers: MOST_WORKERS + 1, ..options }, &["1001 workers"]);
    refused(Options { polls: MOST_POLLS + 1, ..options }, &["4000000000 at most"]);
}

/// A file on a disk that is full.
struct Full {
    room: usize,
}

impl io::Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match bytes.len().min(self.room) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            taken => {
                self.room -= taken;
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error() {
    for room in [0, 23, 24, 500, 100_000] {
        let written = generate(&Options::new(20_000), &mut Full { room });
        let Err(Error::Write(error)) = written else { panic!("{room}: {written:?}") };
        assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}");
    }
}
