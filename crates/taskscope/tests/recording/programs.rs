//! Programs that record themselves by `init()` or the attribute, each in a process of its own.

use std::io::Write;
use std::path::Path;
use std::process::Command;

use taskscope::Recorder;
use taskscope_format::TaskKind;
use tokio::task::yield_now;
use tracing_subscriber::prelude::*;

use crate::common::{self, current_thread, read};
use crate::{run, three_tasks, traces};

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    common::child(module_path!(), name, directory)
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_init() {
    let recording = taskscope::init();
    current_thread().build().unwrap().block_on(three_tasks());
    drop(recording);
}

#[test]
fn taskscope_file_says_where_init_writes() {
    let directory = tempfile::tempdir().unwrap();
    run(child("child_init", directory.path()).env("TASKSCOPE_FILE", "named.tscope"));
    let path = directory.path().join("named.tscope");
    assert_eq!(traces(directory.path()), std::slice::from_ref(&path));
    assert_eq!(read(std::fs::read(path).unwrap()).trace.summary().tasks.returned, Some(3));
}

#[test]
fn without_a_name_the_program_and_its_process_are_the_name() {
    let directory = tempfile::tempdir().unwrap();
    run(&mut child("child_init", directory.path()));
    let [path] = &traces(directory.path())[..] else { panic!("one file") };
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("recording-") && name.ends_with(".tscope"), "{name}");
    read(std::fs::read(path).unwrap());
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_twice() {
    for _ in 0..2 {
        Recorder::builder().start().unwrap().finish().unwrap();
    }
}

#[test]
fn a_file_that_was_not_named_is_never_replaced() {
    let directory = tempfile::tempdir().unwrap();
    run(&mut child("child_twice", directory.path()));
    let files = traces(directory.path());
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        read(std::fs::read(file).unwrap());
    }
}

/// A program that starts another, and both record: `TASKSCOPE_FILE` is inherited.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child_that_has_a_child() {
    let recording = Recorder::builder().start().unwrap();
    let name = recording.path().unwrap().to_owned();
    if std::env::var_os("GRANDCHILD").is_none() {
        let own = std::env::var_os("TASKSCOPE_FILE").unwrap();
        let mut command = child("child_that_has_a_child", Path::new("."));
        let output = run(command.env("GRANDCHILD", "").env("TASKSCOPE_FILE", own));
        std::io::stderr().write_all(&output.stderr).unwrap();
    }
    let runtime = {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        builder.build().unwrap()
    };
    runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
    drop(runtime);
    recording.finish().unwrap();
    assert!(name.exists());
}

#[cfg(unix)]
#[test]
fn a_child_process_leaves_its_parents_file_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = child("child_that_has_a_child", directory.path());
    let output = run(command.env("TASKSCOPE_FILE", "app.tscope"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("another process is recording to") && said.contains("%p"), "{said}");
    let files = traces(directory.path());
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        let recorded = read(std::fs::read(&file).unwrap());
        assert_eq!(recorded.trace.summary().tasks.spawned, 1, "{file:?}");
    }
}

#[test]
fn percent_p_in_a_name_stands_for_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = child("child_that_has_a_child", directory.path());
    let output = run(command.env("TASKSCOPE_FILE", "app-%p.tscope"));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("another process"));
    let files = traces(directory.path());
    let numbered = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        name.strip_prefix("app-").is_some_and(|pid| pid.parse::<u32>().is_ok())
    };
    assert!(files.len() == 2 && files.iter().all(numbered), "{files:?}");
}

#[test]
fn percent_e_in_a_name_stands_for_the_program() {
    let directory = tempfile::tempdir().unwrap();
    run(child("child_that_has_a_child", directory.path()).env("TASKSCOPE_FILE", "%e-%p.tscope"));
    let program = std::env::current_exe().unwrap();
    let program = program.file_stem().unwrap().to_str().unwrap();
    let files = traces(directory.path());
    let is_named = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let pid = name.strip_prefix(program).and_then(|rest| rest.strip_prefix('-'));
        pid.is_some_and(|pid| pid.parse::<u32>().is_ok())
    };
    assert!(files.len() == 2 && files.iter().all(is_named), "{files:?}");
}

#[test]
fn init_complains_and_the_program_runs_on() {
    let directory = tempfile::tempdir().unwrap();
    let output =
        run(child("child_init", directory.path()).env("TASKSCOPE_FILE", "missing/trace.tscope"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("taskscope: cannot create the trace file"), "{said}");
    assert!(traces(directory.path()).is_empty());
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_init_beside_a_subscriber() {
    tracing_subscriber::registry().init();
    let recording = taskscope::init();
    assert_eq!(recording.path(), None);
    current_thread().build().unwrap().block_on(three_tasks());
    assert_eq!(recording.finish().unwrap().path, None);
}

#[test]
fn init_does_not_push_a_subscriber_aside() {
    let directory = tempfile::tempdir().unwrap();
    let output = run(&mut child("child_init_beside_a_subscriber", directory.path()));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("Recorder::builder()"), "what to do: {said}");
    assert!(traces(directory.path()).is_empty(), "no empty file is left behind");
}

#[taskscope::main(worker_threads = 2, name = "api")]
async fn attributed() -> Result<u32, std::num::ParseIntError> {
    three_tasks().await;
    let number = "7".parse::<u32>()?;
    Ok(number)
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_main_attribute() {
    assert_eq!(attributed(), Ok(7));
}

#[test]
fn the_attribute_records_with_layer_and_hooks() {
    let directory = tempfile::tempdir().unwrap();
    run(child("child_main_attribute", directory.path()).env("TASKSCOPE_FILE", "trace"));
    let recorded = read(std::fs::read(directory.path().join("trace")).unwrap());
    let [runtime] = recorded.trace.runtimes() else { panic!("one runtime") };
    assert_eq!(runtime.name.as_deref(), Some("api"));
    assert!(runtime.hooked);
    assert_eq!(runtime.workers.len(), 2);
    let summary = recorded.trace.summary();
    assert_eq!((summary.tasks.returned, summary.polls), (Some(3), 6));
    assert!(summary.wakes.is_some_and(|wakes| wakes >= 3), "the layer is there too");
    let trace = &recorded.trace;
    let main = trace.tasks().find(|task| task.kind == TaskKind::BlockOn).unwrap();
    assert_eq!(&*trace.place(main.place.unwrap()).file, file!(), "{main:?}");
}

#[test]
fn the_environment_can_ask_for_polls_alone() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_main_attribute", directory.path());
    run(child.env("TASKSCOPE_FILE", "trace").env("TASKSCOPE_DETAIL", "polls"));
    let recorded = read(std::fs::read(directory.path().join("trace")).unwrap());
    let summary = recorded.trace.summary();
    assert_eq!((summary.tasks.spawned, summary.polls, summary.wakes), (3, 6, None));
}
