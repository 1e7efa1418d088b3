//! The examples, run as a newcomer runs them: each leaves a trace in which there
//! is all that there is to see.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::Command;

use taskscope_model::{Trace, Waker};

/// Where Cargo has put an example. It builds them for this test, unless it is
/// asked to build this test alone.
fn example(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.set_file_name("examples");
    path.push(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.exists(), "no {}; build it with --examples", path.display());
    path
}

/// Runs an example. Returns what it recorded and what it printed.
fn run(name: &str) -> (Trace, String) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("trace.tscope");
    let output = Command::new(example(name))
        .current_dir(directory.path())
        .env("TASKSCOPE_FILE", &file)
        .env_remove("TASKSCOPE_DETAIL")
        .env_remove("RUST_LOG")
        // The port that is the console's by default may be taken.
        .env("TOKIO_CONSOLE_BIND", "127.0.0.1:0")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}{complained}");
    assert_eq!(complained, "");
    (Trace::from_bytes(&std::fs::read(file).unwrap()).unwrap(), said)
}

/// How many tasks have a name that begins so, and have been spawned, polled,
/// woken, and seen to return.
fn whole_lives(trace: &Trace, name: &str) -> usize {
    let named = trace.tasks().filter(|task| {
        task.name().is_some_and(|of_task| of_task.starts_with(name))
            && task.spawned.is_some()
            && task.place.is_some()
            && task.poll_count() > 1
            && task.wake_count() > 0
            && task.end.is_some_and(|end| end.kind == taskscope_format::EndKind::Returned)
    });
    named.count()
}

/// Runs an example until both its workers have polled and parked. On a machine
/// with enough to do, one of them may do it all.
fn run_on_two_workers(name: &str) -> (Trace, String) {
    let both_worked = |(trace, _): &(Trace, String)| {
        let [runtime] = trace.runtimes() else { panic!("{:?}", trace.runtimes()) };
        assert!(runtime.hooked);
        assert_eq!(runtime.workers.len(), 2);
        let worked = |&lane| trace.lane(lane).poll_count() > 0 && trace.lane(lane).park_count() > 0;
        runtime.workers.iter().all(worked)
    };
    (0..20).map(|_| run(name)).find(both_worked).expect("one worker has done it all, 20 times")
}

#[test]
fn an_axum_server() {
    let (trace, said) = run_on_two_workers("axum");
    assert_eq!(said.matches("bytes of answers").count(), 8, "{said}");
    assert_eq!(whole_lives(&trace, "client "), 8);
    // A connection is a task that axum spawns.
    let of_axum = trace.tasks().filter(|task| {
        let place = task.place.map(|place| trace.place(place));
        place.is_some_and(|place| place.file.contains("axum")) && task.poll_count() > 0
    });
    assert!(of_axum.count() >= 8 * 5);
    assert!(trace.wakes().any(|wake| matches!(trace.wake(wake).by, Waker::Driver(_))));
}

#[test]
fn logs_and_the_console_on_the_same_registry() {
    let (trace, said) = run_on_two_workers("with_console");
    assert!(said.contains("all have answered"), "{said}");
    assert!(!said.contains("below the level of the logs"), "{said}");
    assert_eq!(whole_lives(&trace, "sender "), 8);
    assert_eq!(whole_lives(&trace, "receiver"), 1);
    assert_eq!(trace.info().get(taskscope_format::meta::NOTICE), None);
    assert!(trace.wakes().any(|wake| matches!(trace.wake(wake).by, Waker::Task(_))));
}

#[test]
fn the_attribute_beside_logs_of_the_programs_own() {
    let (trace, said) = run("with_logs");
    assert_eq!(said.matches("has slept").count(), 5, "{said}");
    assert_eq!(trace.summary().tasks.returned, Some(5));
    assert!(trace.wake_count() > 0);
}

#[test]
fn an_executor_that_is_not_tokio() {
    let (trace, said) = run("smol");
    assert!(said.contains("the sum is "), "{said}");
    assert_eq!(whole_lives(&trace, "maker "), 6);
    assert_eq!(whole_lives(&trace, "sum"), 1);
    assert!(trace.runtimes().is_empty());
    assert!(trace.tasks().all(|task| task.id.is_wrapped()));
}

/// It ends by a signal, and what it was at is in the file.
#[cfg(unix)]
#[test]
fn a_black_box_of_a_service_that_dies() {
    use std::os::unix::process::ExitStatusExt;

    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("black_box.tscope");
    let output = Command::new(example("black_box"))
        .env("TASKSCOPE_BLACK_BOX", &file)
        .env_remove("TASKSCOPE_DETAIL")
        .output()
        .unwrap();
    assert!(output.status.signal().is_some(), "{output:?}");
    let trace = Trace::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let task = |name: &str| {
        let is_it = |task: &taskscope_model::TaskView<'_>| task.name() == Some(name);
        trace.tasks().find(is_it).unwrap()
    };
    for number in 0..3 {
        assert!(task(&format!("request {number}")).end.is_some());
    }
    let last = trace.find_task(task("request 3").id).unwrap();
    let poll = trace.poll(trace.task_polls(last).last().unwrap());
    assert_eq!(poll.how, taskscope_model::PollEnd::Open);
    // As long as it was seen to last: the recorder looks every 50 ms, if it gets a core.
    assert!(poll.end - poll.start > 100_000_000, "{poll:?}");
    assert_eq!(trace.task(last).end, None);
}
