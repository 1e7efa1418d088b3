//! Programs that start many threads, or many runtimes, one after another: what they cost grows
//! with what they do.

#![cfg(all(tokio_unstable, target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::process::Command;

use common::{current_thread, read};
use taskscope::Recorder;
use tokio::task::yield_now;

/// Runs one of the `child_…` tests below in a process of its own.
fn run(name: &str, directory: &Path) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// The most memory that this process had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

const THREADS: usize = 2_000;
const AT_A_TIME: usize = 100;

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_short_threads() {
    let recording = Recorder::builder().file("threads.tscope").start().unwrap();
    let before = peak_kib();
    tracing::dispatcher::set_global_default(recording.subscriber()).unwrap();
    for _ in 0..THREADS / AT_A_TIME {
        let threads: Vec<_> = (0..AT_A_TIME)
            .map(|_| {
                let mut builder = current_thread();
                recording.hooks(&mut builder);
                std::thread::spawn(move || {
                    let runtime = builder.build().unwrap();
                    runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    }
    let grown = peak_kib() - before;
    recording.finish().unwrap();
    // Some are still to be emptied when the next hundred begin.
    let a_thread = grown / (2 * AT_A_TIME as u64);
    assert!(a_thread <= 64, "{a_thread} KiB a thread, {grown} KiB in all");
}

#[test]
fn a_thread_that_says_little_takes_little_memory() {
    let directory = tempfile::tempdir().unwrap();
    run("child_short_threads", directory.path());
    let trace = read(std::fs::read(directory.path().join("threads.tscope")).unwrap()).trace;
    assert_eq!(trace.summary().tasks.returned, Some(THREADS as u64));
}

const RUNTIMES: usize = 1_000;

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_many_runtimes() {
    let recording = Recorder::builder().file("runtimes.tscope").start().unwrap();
    tracing::dispatcher::set_global_default(recording.subscriber()).unwrap();
    for _ in 0..RUNTIMES {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
    }
    recording.finish().unwrap();
}

#[test]
fn each_runtime_is_described_once() {
    let directory = tempfile::tempdir().unwrap();
    run("child_many_runtimes", directory.path());
    let file = std::fs::read(directory.path().join("runtimes.tscope")).unwrap();
    let length = file.len();
    let recorded = read(file);
    assert_eq!(recorded.trace.runtimes().len(), RUNTIMES);
    assert_eq!(recorded.trace.summary().tasks.returned, Some(RUNTIMES as u64));
    let described =
        recorded.count(|event| matches!(event, taskscope_format::Event::Runtime { .. }));
    // Once when it is new, and once more at the end of the file.
    assert!(described <= 3 * RUNTIMES, "{described} descriptions of {RUNTIMES} runtimes");
    assert!(length < 500 * RUNTIMES, "{length} bytes");
}
