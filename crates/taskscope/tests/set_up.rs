//! A recorder that is set up so that little or nothing can reach it says so, with the line to
//! change, and one that is set up well says nothing.

#![cfg(tokio_unstable)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{carry_subscriber, current_thread};
use taskscope::{Detail, RecordExt, Recorder, RecorderBuilder, Recording, TaskLayer};
use taskscope_format::{Event, Reader, meta};
use tokio::task::yield_now;
use tracing::Dispatch;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{Layer, Registry, fmt, registry, reload};

/// What a trace says that it lacks.
fn notice(file: &[u8]) -> Option<String> {
    let mut reader = Reader::new(file).unwrap();
    reader.find_map(|record| match record.event {
        Event::Meta { key: meta::NOTICE, value } => Some(value.to_owned()),
        _ => None,
    })
}

/// Runs `program` with a recording, and returns what the trace says that it lacks.
fn recorded(builder: RecorderBuilder, program: impl FnOnce(&Recording)) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace");
    let recording = builder.file(&path).start().unwrap();
    // What ends sooner was hardly meant to record.
    let begun = Instant::now();
    program(&recording);
    while begun.elapsed() < Duration::from_millis(25) {
        std::thread::yield_now();
    }
    recording.finish().unwrap();
    notice(&std::fs::read(path).unwrap())
}

/// Spawns a task on a runtime with the recorder's hooks, or without.
fn run(recording: &Recording, with_hooks: bool, subscriber: impl Into<Dispatch>) {
    tracing::dispatcher::with_default(&subscriber.into(), || {
        let mut builder = current_thread();
        carry_subscriber(&mut builder);
        if with_hooks {
            recording.hooks(&mut builder);
        }
        let program = async { tokio::spawn(yield_now()).await.unwrap() };
        builder.build().unwrap().block_on(program);
    });
}

fn sink() -> impl Layer<Registry> {
    fmt::layer().with_writer(std::io::sink).with_filter(LevelFilter::INFO)
}

#[test]
fn what_is_set_up_well_says_nothing() {
    let full = Recorder::builder;
    let notices = [
        recorded(full(), |it| run(it, true, registry().with(it.layer()))),
        recorded(full(), |it| run(it, false, registry().with(it.layer()))),
        recorded(full(), |it| run(it, true, registry().with(sink()).with(it.layer()))),
        recorded(full(), |it| run(it, true, it.subscriber())),
        recorded(full().detail(Detail::Polls), |it| run(it, true, Dispatch::none())),
        recorded(full(), |it| smol::block_on(async {}.recorded_in(&it.recorder()))),
    ];
    assert_eq!(notices, [const { None }; 6]);
}

#[test]
fn what_is_wrong_is_said_with_the_line_to_change() {
    let full = Recorder::builder;
    let polls = || full().detail(Detail::Polls);
    for (case, expected, notice) in [
        (
            "a filter on the layer",
            "a level filter hides Tokio's spans",
            recorded(full(), |it| {
                let layer = it.layer().with_filter(LevelFilter::INFO);
                run(it, false, registry().with(layer));
            }),
        ),
        (
            // `tracing_subscriber` 0.3.23 takes the level of the second for both.
            "a layer with a filter is chained to the layer",
            "add it by itself",
            recorded(full(), |it| run(it, true, registry().with(it.layer().and_then(sink())))),
        ),
        (
            "the layer goes into a reload later",
            "no subscriber has it",
            recorded(full(), |it| {
                let (layer, handle) = reload::Layer::new(None::<TaskLayer<Registry>>);
                let subscriber = Dispatch::new(registry().with(layer));
                handle.modify(|layer| *layer = Some(it.layer())).unwrap();
                run(it, false, subscriber);
            }),
        ),
        (
            "hooks and no layer",
            "`.with(recording.layer())`",
            recorded(full(), |it| run(it, true, registry().with(sink()))),
        ),
        (
            "neither",
            "no source has been set up",
            recorded(full(), |it| run(it, false, registry().with(sink()))),
        ),
        (
            "a subscriber that is nowhere",
            "set_global_default(recording.subscriber())",
            recorded(full(), |it| {
                drop(it.subscriber());
                run(it, true, Dispatch::none());
            }),
        ),
        (
            "polls without hooks",
            "no runtime has them",
            recorded(polls(), |it| run(it, false, Dispatch::none())),
        ),
        (
            "no task",
            "no task ran where the recorder listens",
            recorded(full(), |it| drop(Dispatch::new(registry().with(it.layer())))),
        ),
    ] {
        let notice = notice.unwrap_or_default();
        assert!(notice.contains(expected), "{case}: {notice:?}");
    }
}

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &std::path::Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(directory)
        .env("TASKSCOPE_FILE", "trace")
        .env_remove("TASKSCOPE_DETAIL");
    command
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_drops_it_at_once() {
    let _ = taskscope::init();
}

#[test]
fn a_recording_that_is_dropped_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_drops_it_at_once", directory.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("as in `let _recording = …`"), "{stderr}");
    let notice = notice(&std::fs::read(directory.path().join("trace")).unwrap());
    assert!(notice.unwrap().contains("as in `let _recording = …`"));
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_runs_until_it_is_killed() {
    let _recording = taskscope::init();
    current_thread().build().unwrap().block_on(std::future::pending::<()>());
}

/// While there is still time to stop the program and mend it.
#[test]
fn it_is_said_a_second_after_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = child("child_runs_until_it_is_killed", directory.path());
    command.env("TASKSCOPE_DETAIL", "polls").stderr(Stdio::piped());
    let mut running = command.spawn().unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let said = lines.find(|line| line.as_ref().unwrap().contains("no runtime has them"));
    let in_file = || notice(&std::fs::read(directory.path().join("trace")).unwrap());
    // It is written right after that.
    while in_file().is_none() {
        std::thread::yield_now();
    }
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(said.is_some());
    assert!(in_file().unwrap().contains("TASKSCOPE_DETAIL=polls"));
}

#[taskscope::main(flavor = "current_thread")]
async fn logs_as_ever() {
    fmt::init();
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_sets_a_second_subscriber() {
    logs_as_ever();
}

#[test]
fn a_second_subscriber_is_explained_before_tracing_panics() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_sets_a_second_subscriber", directory.path()).output().unwrap();
    assert!(!output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    let explained = stderr.find("#[taskscope::main(subscriber = logs)]").unwrap();
    assert!(explained < stderr.find("panicked at").unwrap(), "{stderr}");
}

#[cfg(unix)]
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_goes_on_as_a_daemon() {
    let recording = taskscope::init();
    #[expect(unsafe_code, reason = "the standard library forks only to run another program")]
    // SAFETY: the child runs on with the one thread that it has, which holds no lock here.
    let child = unsafe { libc::fork() };
    if child == 0 {
        current_thread()
            .build()
            .unwrap()
            .block_on(async { tokio::spawn(yield_now()).await })
            .unwrap();
        std::process::exit(0);
    }
    // As `daemon()` does, without any of the destructors.
    #[expect(unsafe_code, reason = "the standard library waits only for what it has started")]
    // SAFETY: no status is asked for.
    unsafe {
        libc::waitpid(child, std::ptr::null_mut(), 0)
    };
    std::mem::forget(recording);
}

#[cfg(unix)]
#[test]
fn a_daemon_that_started_its_recorder_too_early() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_goes_on_as_a_daemon", directory.path()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.matches("start the recorder after the fork").count(), 1, "{stderr}");
}
