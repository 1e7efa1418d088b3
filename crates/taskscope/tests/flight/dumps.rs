//! Dumps that the program asks for: their files and their errors.

use std::path::Path;
use std::process::Command;

use taskscope::{Error, FlightConfig, Recorder};
use taskscope_model::meta;
use tokio::task::yield_now;

use crate::common;
use crate::{fly, open};

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    let mut command = common::child(module_path!(), name, directory);
    command.env("TASKSCOPE_FILE", "app.tscope");
    command
}

/// While one is being made, the others wait; then they share the next.
#[test]
fn those_who_dump_at_the_same_time_share_a_file() {
    const CALLERS: usize = 32;
    let directory = tempfile::tempdir().unwrap();
    let paths = std::sync::Mutex::new(Vec::new());
    let report = fly(directory.path(), FlightConfig::new(), 0, |recording, runtime| {
        runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
        let start = std::sync::Barrier::new(CALLERS);
        std::thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| {
                    start.wait();
                    let path = recording.dump().unwrap();
                    assert_eq!(open(&path).trace.summary().tasks.returned, Some(1));
                    paths.lock().unwrap().push(path);
                });
            }
        });
    });
    let mut paths = paths.into_inner().unwrap();
    paths.sort();
    assert_eq!(paths.len(), CALLERS);
    paths.dedup();
    assert!(paths.len() < CALLERS, "{} files", paths.len());
    let mut dumps = report.dumps;
    dumps.sort();
    assert_eq!(dumps, paths, "each dump was asked for");
}

#[test]
fn a_second_dump_is_another_file_and_nothing_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let there = directory.path().join("app-2.tscope");
    std::fs::write(&there, "mine").unwrap();
    let report = fly(directory.path(), FlightConfig::new(), 0, |recording, runtime| {
        for _ in 0..2 {
            runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
            recording.dump().unwrap();
        }
    });
    let names = ["app-1.tscope", "app-3.tscope"];
    let expected = names.map(|name| std::path::absolute(directory.path().join(name)).unwrap());
    assert_eq!(report.dumps, expected);
    let tasks = expected.map(|path| open(&path).trace.summary().tasks.returned);
    assert_eq!(
        tasks,
        [Some(1), Some(2)],
        "the first is whole, and the second has what came after it too"
    );
    assert_eq!(std::fs::read(there).unwrap(), b"mine");
    assert_eq!(open(&report.dumps[0]).trace.info().get(meta::WINDOW), None, "all is there");
}

#[test]
fn there_are_errors_where_nothing_can_be_dumped() {
    let directory = tempfile::tempdir().unwrap();
    let file = Recorder::builder().file(directory.path().join("whole.tscope")).start().unwrap();
    assert!(matches!(file.recorder().dump(), Err(Error::NoFlightRecorder)));
    let error = file.dump().unwrap_err();
    assert!(matches!(error, Error::NoFlightRecorder), "{error}");
    assert!(error.to_string().contains("TASKSCOPE_KEEP"), "{error}");

    let missing = directory.path().join("missing");
    let start =
        || Recorder::builder().file(missing.join("app.tscope")).flight(FlightConfig::new()).start();
    let error = start().unwrap_err();
    assert!(matches!(error, Error::Create { .. }), "{error}");
    std::fs::create_dir(&missing).unwrap();
    let recording = start().unwrap();
    std::fs::remove_dir(&missing).unwrap();
    let error = recording.dump().unwrap_err();
    assert!(matches!(error, Error::Create { .. }), "{error}");
    std::fs::create_dir(&missing).unwrap();
    assert!(recording.dump().is_ok(), "and another time it may go");
    let recorder = recording.recorder();
    assert_eq!(
        recording.finish().unwrap().dumps.len(),
        1,
        "an error that was returned is not reported again"
    );
    assert!(matches!(recorder.dump(), Err(Error::NotRecording)));
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_wants_a_file() {
    let recording = Recorder::builder().flight(None).start().unwrap();
    assert!(recording.path().is_some() && recording.dump().is_err());
}

#[test]
fn a_program_can_insist_on_a_file() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_wants_a_file", directory.path());
    assert!(child.env("TASKSCOPE_KEEP", "30s").status().unwrap().success());
    open(&directory.path().join("app.tscope"));
}
