//! The files that are generated, as readers find them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use taskscope_generate::{Error, Generated, Options, generate};
use taskscope_model::{Summary, Trace};

fn file(options: &Options) -> (Vec<u8>, Generated) {
    let mut file = Vec::new();
    let generated = generate(options, &mut file).unwrap();
    assert_eq!(generated.bytes, file.len() as u64);
    (file, generated)
}

fn summary(options: &Options) -> (Summary, Generated) {
    let (file, generated) = file(options);
    (Trace::from_bytes(&file).unwrap().summary(), generated)
}

/// What holds for every file.
fn check(options: &Options) -> Summary {
    let (summary, generated) = summary(options);
    let Options { polls, tasks, workers, .. } = *options;
    assert_eq!((summary.polls, summary.tasks.spawned), (polls, tasks), "{options:?}");
    assert!(!summary.truncated && summary.damaged_parts == 0 && summary.gaps.is_empty());
    assert_eq!(summary.dropped_events, generated.dropped, "{options:?}");
    assert_eq!(summary.drops.iter().map(|drop| drop.events).sum::<u64>(), generated.dropped);
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
        (1_000, 1_000, 2),
        (1_001, 1_000, 2),
        (1_000, 500, 3),
        (3_000, 39, 1),
        (3_000, 40, 1),
        (5_000, 50, 2),
        (20_000, 19_000, 4),
        (20_000, 5_000, 16),
        (20_000, 41, 4),
        (30_000, 300, 60),
        (100_000, 1_000, 4),
        (100_000, 40_000, 2),
    ] {
        for seed in [1, 2] {
            check(&Options { polls, tasks, workers, seed });
        }
    }
}
