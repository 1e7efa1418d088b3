//! The file: its name, errors, a full disk, a killed program.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use taskscope::{Error, Recorder};
use taskscope_format::{Event, Reader};
use tokio::task::yield_now;
use tracing_subscriber::prelude::*;

use crate::common::{self, current_thread, read};
use crate::{run, three_tasks};

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    common::child(module_path!(), name, directory)
}

#[test]
fn a_file_that_cannot_be_made_is_an_error_that_names_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("missing").join("trace.tscope");
    let error = Recorder::builder().file(&path).start().unwrap_err();
    assert!(matches!(error, Error::Create { .. }));
    let message = error.to_string();
    assert!(message.contains(&*path.to_string_lossy()), "{message}");
    assert!(message.contains("TASKSCOPE_FILE"), "what to do: {message}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_full_disk_is_an_error() {
    let full = Path::new("/dev/full");
    if full.exists() {
        let error = Recorder::builder().file(full).start().unwrap_err();
        assert!(matches!(error, Error::Create { .. }), "{error}");
    }
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_outgrows_its_file() {
    let recording = Recorder::builder().file("trace").start().unwrap();
    let subscriber = tracing_subscriber::registry().with(recording.layer());
    let mut returned = 0;
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        builder.build().unwrap().block_on(async {
            for _ in 0..20_000 {
                tokio::spawn(yield_now()).await.unwrap();
                returned += 1;
            }
        });
    });
    let error = recording.finish().unwrap_err();
    assert_eq!(returned, 20_000, "the program does not notice");
    let Error::Write { lost_bytes, .. } = error else { panic!("{error}") };
    assert!(lost_bytes > 0);
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_costs_the_rest_of_the_file_and_nothing_else() {
    let directory = tempfile::tempdir().unwrap();
    let child = child("child_outgrows_its_file", directory.path());
    // The limit stands for the end of the disk.
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\""])
        .arg(child.get_program())
        .args(child.get_args())
        .current_dir(directory.path())
        .env_remove("TASKSCOPE_FILE")
        .env_remove("TASKSCOPE_DETAIL");
    run(&mut shell);
    let file = std::fs::read(directory.path().join("trace")).unwrap();
    let trace = taskscope_model::Trace::from_bytes(&file).unwrap();
    assert!(trace.summary().truncated);
}

#[test]
fn one_file_holds_one_recording() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let first = Recorder::builder().file(&path).start().unwrap();
    let error = Recorder::builder().file(&path).start().unwrap_err();
    assert!(matches!(error, Error::InUse { .. }), "{error}");
    first.finish().unwrap();
    Recorder::builder().file(&path).start().unwrap().finish().unwrap();
}

#[test]
fn a_named_file_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    std::fs::write(&path, vec![b'x'; 100_000]).unwrap();
    Recorder::builder().file(&path).start().unwrap().finish().unwrap();
    read(std::fs::read(path).unwrap());
}

#[test]
fn a_deleted_file_is_reported_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = recording.finish().unwrap_err();
    assert!(matches!(error, Error::Deleted { .. }), "{error}");
}

#[test]
fn the_report_has_the_path_and_how_much_there_is() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    assert_eq!(recording.path(), Some(path.clone()));
    let report = recording.finish().unwrap();
    assert_eq!(report.path, Some(path.clone()));
    assert!(report.bytes > 0 && report.bytes < path.metadata().unwrap().len());
    assert_eq!((report.dropped_events, report.drops), (0, vec![]));
}

#[test]
#[ignore = "run by the test below, in a process of its own, and killed"]
fn child_endless() {
    let recording = Recorder::builder().file("trace").start().unwrap();
    let subscriber = tracing_subscriber::registry().with(recording.layer());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut builder = current_thread();
    recording.hooks(&mut builder);
    builder.build().unwrap().block_on(async {
        loop {
            three_tasks().await;
            println!("three more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
}

#[test]
fn a_killed_program_leaves_a_file_that_opens() {
    let directory = tempfile::tempdir().unwrap();
    let mut running = child("child_endless", directory.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let said = BufReader::new(running.stdout.take().unwrap());
    let path = directory.path().join("trace");
    // Until the file has something of the program in it.
    let mut rounds = 0;
    for line in said.lines() {
        rounds += u64::from(line.unwrap().contains("three more"));
        let tasks = std::fs::read(&path).is_ok_and(|file| {
            Reader::new(&file).is_ok_and(|reader| {
                reader.filter(|record| matches!(record.event, Event::TaskEnd { .. })).count() > 20
            })
        });
        if tasks {
            break;
        }
    }
    // `kill -9` on Unix.
    running.kill().unwrap();
    running.wait().unwrap();
    let file = std::fs::read(&path).unwrap();
    let trace = taskscope_model::Trace::from_bytes(&file).unwrap();
    let summary = trace.summary();
    assert!(summary.truncated && summary.damaged_parts == 0, "{summary:?}");
    let returned = summary.tasks.returned.unwrap();
    assert!(returned > 20 && returned <= 3 * (rounds + 2));
}
