//! What programs can do with a recorder, beyond one recording by one layer.

#![cfg(tokio_unstable)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use common::{current_thread, read};
use taskscope::{RecordExt, Recorder, Recording, TaskLayer};
use taskscope_format::{Event, TaskKind, meta};
use taskscope_model::Trace;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, registry};

fn start(directory: &tempfile::TempDir) -> Recording {
    Recorder::builder().file(directory.path().join("app.tscope")).start().unwrap()
}

fn trace(path: &std::path::Path) -> Trace {
    read(std::fs::read(path).unwrap()).trace
}

fn layer(recording: &Recording) -> TaskLayer<Registry> {
    recording.layer()
}

#[test]
fn two_layers_of_a_recorder_in_one_subscriber_record_once() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(&directory);
    let subscriber = registry().with(layer(&recording)).with(recording.layer());
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(async { tokio::spawn(tokio::task::yield_now()).await.unwrap() });
    });
    let path = recording.finish().unwrap().path.unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    assert_eq!(recorded.spawned(TaskKind::Task).len(), 1);
    let wakes = recorded.count(|event| matches!(event, Event::Wake { .. }));
    // Of the yield; what `block_on` waits with is no waker of a task.
    assert_eq!(wakes, 1);
}

#[test]
fn hooks_of_ones_own_can_call_the_recorders() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(&directory);
    let hooks = recording.hook_set();
    let mut builder = current_thread();
    hooks.install(&mut builder);
    let own = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&own);
    builder.on_before_task_poll(move |task| {
        counted.fetch_add(1, Ordering::Relaxed);
        hooks.on_before_task_poll(task);
    });
    let runtime = builder.build().unwrap();
    runtime.block_on(async { tokio::spawn(tokio::task::yield_now()).await.unwrap() });
    drop(runtime);
    let path = recording.finish().unwrap().path.unwrap();
    assert_eq!(own.load(Ordering::Relaxed), 2);
    assert_eq!(trace(&path).summary().polls, 2);
}

#[test]
fn a_future_can_name_its_recorder() {
    let directory = tempfile::tempdir().unwrap();
    let first = start(&directory);
    let second = Recorder::builder().file(directory.path().join("second.tscope")).start().unwrap();
    let (a, b) = (first.recorder(), second.recorder());
    smol::block_on(async { 1 }.recorded_in_as(&a, "in the first"));
    smol::block_on(async { 2 }.recorded_in(&b));
    smol::block_on(async { 3 }.recorded());
    let first = trace(&first.finish().unwrap().path.unwrap());
    let second = trace(&second.finish().unwrap().path.unwrap());
    assert_eq!(
        (first.summary().tasks.returned, second.summary().tasks.returned),
        (Some(1), Some(2))
    );
}

fn run_three(recording: &Recording, between: impl Fn(u32)) {
    let mut builder = current_thread();
    recording.hooks(&mut builder);
    let runtime = builder.build().unwrap();
    runtime.block_on(async {
        for number in 0..3 {
            between(number);
            tokio::task::Builder::new()
                .name(&format!("task {number}"))
                .spawn(tokio::task::yield_now())
                .unwrap()
                .await
                .unwrap();
        }
    });
}

#[test]
fn each_stretch_between_resume_and_pause_is_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let builder = Recorder::builder().file(directory.path().join("app.tscope"));
    let recording = builder.paused().start().unwrap();
    let recorder = recording.recorder();
    assert!(!recorder.is_recording() && recording.path().is_none());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let subscriber = registry().with(layer(&recording));
    tracing::subscriber::with_default(subscriber, || {
        run_three(&recording, |number| {
            if number == 1 {
                recorder.resume().unwrap();
            } else {
                recorder.pause().unwrap();
            }
        });
        recorder.resume().unwrap();
        run_three(&recording, |_| ());
    });
    recording.finish().unwrap();
    assert!(recorder.resume().is_err());

    let names = |file: &str| {
        let recorded = read(std::fs::read(directory.path().join(file)).unwrap());
        let name = |event| match event {
            Event::Spawn(spawn) => spawn.name,
            _ => None,
        };
        let mut names: Vec<_> = recorded.events().filter_map(name).collect();
        names.sort();
        names
    };
    assert_eq!(names("app.tscope"), ["task 1"]);
    assert_eq!(names("app-2.tscope"), ["task 0", "task 1", "task 2"]);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 2);
}

#[test]
fn a_task_that_is_older_than_a_stretch_is_polled_and_woken_in_it() {
    let directory = tempfile::tempdir().unwrap();
    let recording = start(&directory);
    let recorder = recording.recorder();
    let subscriber = registry().with(layer(&recording));
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(async {
            let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
            let waits = tokio::spawn(receiver);
            tokio::task::yield_now().await;
            recorder.pause().unwrap();
            recorder.resume().unwrap();
            sender.send(()).unwrap();
            waits.await.unwrap().unwrap();
        });
    });
    let path = recording.finish().unwrap().path.unwrap();
    assert_eq!(path.file_name().unwrap(), "app-2.tscope");
    let recorded = read(std::fs::read(path).unwrap());
    assert_eq!(recorded.count(|event| matches!(event, Event::Spawn(_))), 0);
    let ended: Vec<_> = recorded
        .events()
        .filter_map(|event| match event {
            Event::TaskEnd { task, .. } => Some(task),
            _ => None,
        })
        .collect();
    // The task, and then the future of `block_on`.
    assert_eq!(recorded.hook_polls(ended[0]), 1);
    assert_eq!(
        recorded.count(|event| matches!(event, Event::Wake { task, .. } if *task == ended[0])),
        1
    );
}

fn child(name: &str, directory: &std::path::Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture"]).current_dir(directory);
    command
}

#[test]
#[ignore = "a program that another test runs"]
fn child_inits_again_and_again() {
    for number in 0..3 {
        let recording = taskscope::try_init().unwrap();
        assert!(matches!(taskscope::try_init(), Err(taskscope::Error::AlreadyRecording)));
        let runtime = current_thread().build().unwrap();
        runtime.block_on(async move {
            for _ in 0..=number {
                tokio::spawn(tokio::task::yield_now()).await.unwrap();
            }
        });
        drop(runtime);
        recording.finish().unwrap();
    }
}

#[test]
fn a_process_can_init_one_recording_after_another() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_inits_again_and_again", directory.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut tasks: Vec<_> = std::fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| {
            let trace = trace(&entry.unwrap().path());
            assert_eq!(trace.info().get(meta::NOTICE), None);
            trace.summary().tasks.returned
        })
        .collect();
    tasks.sort_unstable();
    assert_eq!(tasks, [Some(1), Some(2), Some(3)]);
}

#[test]
#[ignore = "a program that another test runs"]
fn child_starts_off() {
    let recording = taskscope::try_init().unwrap();
    assert!(!recording.recorder().is_recording());
    recording.recorder().resume().unwrap();
    assert!(recording.path().is_some());
}

#[test]
fn the_environment_can_start_a_recorder_paused() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_starts_off", directory.path());
    let output = child.env("TASKSCOPE", "off").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
#[ignore = "a program that another test runs"]
fn child_records_by_the_clock() {
    let recording = taskscope::try_init().unwrap();
    let recorder = recording.recorder();
    assert!(!recorder.is_recording());
    let until = |wanted: bool| {
        let runtime = current_thread().build().unwrap();
        while recorder.is_recording() != wanted {
            runtime.block_on(async { tokio::spawn(tokio::task::yield_now()).await.unwrap() });
        }
    };
    until(true);
    until(false);
}

#[test]
fn the_environment_can_have_a_part_recorded_by_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_records_by_the_clock", directory.path());
    let output = child.env("TASKSCOPE", "after=10ms,for=30ms").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let files: Vec<_> = std::fs::read_dir(directory.path()).unwrap().collect();
    let [Ok(file)] = &files[..] else { panic!("one file: {files:?}") };
    let summary = trace(&file.path()).summary();
    assert!(summary.tasks.returned > Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    // (The program may end before the second one, which says that it is recorded.)
    assert!(stderr.starts_with("taskscope: recording to "), "{stderr}");
}

#[test]
fn a_program_can_be_faster_than_the_clock() {
    let directory = tempfile::tempdir().unwrap();
    let begin = |name: &str| Recorder::builder().file(directory.path().join(name));
    let never = std::time::Duration::MAX;
    let recording = begin("long.tscope").record_for(never).start().unwrap();
    assert!(recording.recorder().is_recording());
    let recording = begin("late.tscope").record_after(never).start().unwrap();
    assert!(!recording.recorder().is_recording());

    // The first stretch is over when its time is; the second has none.
    let time = std::time::Duration::from_millis(20);
    let recording = begin("app.tscope").record_for(time).start().unwrap();
    let begun = std::time::Instant::now();
    recording.recorder().pause().unwrap();
    recording.recorder().resume().unwrap();
    while begun.elapsed() < 3 * time {
        assert!(recording.recorder().is_recording());
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
#[ignore = "a program that another test runs"]
fn child_runs_for_ever() {
    let _recording = taskscope::try_init().unwrap();
    let runtime = current_thread().build().unwrap();
    println!("runs");
    loop {
        runtime.block_on(async { tokio::spawn(tokio::task::yield_now()).await.unwrap() });
    }
}

#[cfg(unix)]
#[test]
fn a_signal_begins_and_ends_a_stretch() {
    use std::io::{BufRead, BufReader};
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_runs_for_ever", directory.path());
    child.env("TASKSCOPE", "off,usr2").env("TASKSCOPE_FILE", "app.tscope");
    let piped = std::process::Stdio::piped;
    let mut child = child.stdout(piped()).stderr(piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
    // The test's name stands on the same line.
    assert!(said.any(|line| line.unwrap().ends_with("runs")));
    let mut reports = BufReader::new(child.stderr.take().unwrap()).lines();
    let id = child.id().to_string();
    let mut toggle = || {
        let kill = std::process::Command::new("kill").args(["-USR2", &id]).status().unwrap();
        assert!(kill.success());
        reports.next().unwrap().unwrap()
    };
    for expected in ["app.tscope", "app-2.tscope"] {
        let (begun, ended) = (toggle(), toggle());
        assert!(begun.starts_with("taskscope: recording to ") && begun.ends_with(expected));
        assert!(ended.starts_with("taskscope: recorded ") && ended.ends_with(expected), "{ended}");
        let recorded = read(std::fs::read(directory.path().join(expected)).unwrap());
        assert_eq!(recorded.trace.info().get(meta::NOTICE), None);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}
