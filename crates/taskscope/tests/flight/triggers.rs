//! What makes a dump: a long poll, a panic, a signal.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use taskscope::{FlightConfig, Recorder};
use taskscope_model::PollEnd;
use tokio::task::yield_now;

use crate::common::{self, current_thread, multi_thread};
use crate::{cause, fly, open, wait_for};

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    let mut command = common::child(module_path!(), name, directory);
    command.env("TASKSCOPE_FILE", "app.tscope");
    command
}

/// Blocks a worker until there is a dump, and longer than a window.
#[test]
fn a_poll_that_goes_on_makes_a_dump_in_which_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let limit = Duration::from_millis(20);
    let flight = FlightConfig::new()
        .keep_for(Duration::from_millis(100))
        .dump_on_long_poll(limit)
        .automatic_dumps(1, Duration::ZERO);
    let first = directory.path().join("app-1.tscope");
    let mut stuck = None;
    let mut earlier = Duration::ZERO;
    fly(directory.path(), flight, 2, |recording, runtime| {
        let (go, wait) = channel::<()>();
        let (began, begins) = channel();
        let task = runtime.spawn(async move {
            began.send(Instant::now()).unwrap();
            wait.recv().unwrap();
        });
        stuck = Some(common::number(task.id()));
        let begun = begins.recv().unwrap();
        let dumped = wait_for(&first).trace;
        let ix = dumped.find_task(stuck.unwrap()).unwrap();
        let poll = dumped.poll(dumped.task_polls(ix).last().unwrap());
        assert_eq!(poll.how, PollEnd::Open);
        assert!(dumped.is_worker(poll.lane));
        let said = cause(&dumped);
        let expected = format!("task {} had been polled for ", stuck.unwrap());
        assert!(said.starts_with(&expected) && said.ends_with("and still was"), "{said}");
        // Now so long that its beginning has gone.
        while begun.elapsed() < Duration::from_millis(400) {
            runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
            std::thread::sleep(Duration::from_millis(1));
        }
        earlier = begun.elapsed();
        recording.dump().unwrap();
        go.send(()).unwrap();
        runtime.block_on(task).unwrap();
    });
    let trace = open(&directory.path().join("app-2.tscope")).trace;
    let ix = trace.find_task(stuck.unwrap()).unwrap();
    assert_eq!(trace.task_polls(ix).len(), 1);
    let poll = trace.task_polls(ix).first().unwrap();
    let open = trace.poll(poll);
    assert_eq!((open.start, open.how), (trace.span().start, PollEnd::Open));
    let begun = trace.began_before(poll).unwrap();
    let lasted = Duration::from_nanos(trace.span().end - begun);
    assert!(lasted + Duration::from_millis(100) > earlier, "{lasted:?} of {earlier:?}");
    assert!(!directory.path().join("app-3.tscope").exists(), "reported once");
}

#[test]
fn a_poll_that_was_long_makes_a_dump_and_short_ones_do_not() {
    let directory = tempfile::tempdir().unwrap();
    let limit = Duration::from_millis(200);
    let flight = FlightConfig::new().dump_on_long_poll(limit);
    let report = fly(directory.path(), flight, 1, |_, runtime| {
        runtime.block_on(async {
            let blocking = tokio::task::spawn_blocking(move || std::thread::sleep(2 * limit));
            tokio::spawn(yield_now()).await.unwrap();
            blocking.await.unwrap();
        });
        assert!(!directory.path().join("app-1.tscope").exists());
        let sleep = async move { std::thread::sleep(limit + Duration::from_millis(1)) };
        runtime.block_on(runtime.spawn(sleep)).unwrap();
    });
    let [path] = &report.dumps[..] else { panic!("{report:?}") };
    let said = cause(&open(path).trace).to_owned();
    assert!(said.contains("task "), "{said}");
}

#[taskscope::main(worker_threads = 1)]
async fn panics() {
    for _ in 0..5 {
        let panicked = tokio::spawn(async { panic!("no such table: users") }).await;
        assert!(panicked.is_err());
    }
    println!("goes on");
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_tasks_panic() {
    // The hook that was there before is called.
    std::panic::set_hook(Box::new(|_| eprintln!("the hook of the program")));
    panics();
}

#[test]
fn a_panic_in_a_task_makes_one_dump_and_the_program_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child("child_tasks_panic", directory.path());
    let output = child.env("TASKSCOPE_KEEP", "30s").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches("the hook of the program").count(), 5, "{said}");
    assert!(said.contains("taskscope: dumped the last") && said.contains("app-1.tscope"), "{said}");
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let cause = cause(&trace);
    assert!(cause.starts_with("a panic on thread tokio-rt-worker at "), "{cause}");
    assert!(cause.ends_with(": no such table: users"), "{cause}");
    assert!(!directory.path().join("app-2.tscope").exists(), "a minute apart");
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_main_panics() {
    let _recording = Recorder::builder().flight(FlightConfig::new().dump_on_panic()).start();
    current_thread().build().unwrap().block_on(async {
        panic!("the end");
    });
}

#[test]
fn a_panic_that_ends_the_program_makes_a_dump() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_main_panics", directory.path()).output().unwrap();
    assert!(!output.status.success());
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    assert!(cause(&trace).ends_with(": the end"), "{}", cause(&trace));
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_dumps_in_a_hook() {
    let flight = FlightConfig::new().dump_on_panic();
    let recording = Recorder::builder().flight(flight).start().unwrap();
    let recorder = recording.recorder();
    std::panic::set_hook(Box::new(move |_| {
        println!("dumped {}", recorder.dump().unwrap().display());
    }));
    let panicked = current_thread()
        .build()
        .unwrap()
        .block_on(async { tokio::spawn(async { panic!("as it may happen") }).await });
    assert!(panicked.is_err());
}

#[test]
fn a_panic_hook_of_the_program_can_dump() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_dumps_in_a_hook", directory.path()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("app-1.tscope"), "{output:?}");
    open(&directory.path().join("app-1.tscope"));
}

#[test]
#[ignore = "run by the tests below, in a process of its own, and killed"]
fn child_runs_on() {
    let recording = taskscope::init();
    let mut builder = multi_thread(1);
    recording.hooks(&mut builder);
    builder.build().unwrap().block_on(async {
        loop {
            tokio::spawn(yield_now()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Kills what still runs when a test fails.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn each_signal_makes_a_dump() {
    let directory = tempfile::tempdir().unwrap();
    let mut command = child("child_runs_on", directory.path());
    command.env("TASKSCOPE_KEEP", "30s,8MB").env("TASKSCOPE_DUMP", "panic,usr2");
    // The handler is there when the writer thread is.
    let running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let tasks = PathBuf::from(format!("/proc/{}/task", running.0.id()));
    let is_writer = |task: std::fs::DirEntry| {
        std::fs::read_to_string(task.path().join("comm"))
            .is_ok_and(|name| name.starts_with("taskscope-write"))
    };
    let begun = Instant::now();
    while !std::fs::read_dir(&tasks).is_ok_and(|mut tasks| tasks.any(|t| t.is_ok_and(is_writer))) {
        assert!(begun.elapsed() < Duration::from_secs(60), "it doesn't begin");
        std::thread::yield_now();
    }
    let mut ends = 0;
    for number in 1..=2 {
        let kill = Command::new("kill").args(["-USR2", &running.0.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let trace = wait_for(&directory.path().join(format!("app-{number}.tscope"))).trace;
        assert_eq!(cause(&trace), "signal SIGUSR2");
        let before = std::mem::replace(&mut ends, trace.span().end);
        assert!(ends > before, "the second has what came after the first");
    }
}

#[test]
fn an_environment_that_makes_no_sense_is_reported_and_the_program_runs_on() {
    let directory = tempfile::tempdir().unwrap();
    for (variable, value) in [("TASKSCOPE_KEEP", "lots"), ("TASKSCOPE_DUMP", "often")] {
        let mut child = child("child_tasks_panic", directory.path());
        let output = child.env("TASKSCOPE_KEEP", "30s").env(variable, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        assert!(said.contains(&format!("taskscope: {variable} is {value:?}")), "{said}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    let mut child = child("child_tasks_panic", directory.path());
    let output = child.env("TASKSCOPE_DUMP", "panic").output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("TASKSCOPE_DUMP has no effect without TASKSCOPE_KEEP"), "{said}");
}
