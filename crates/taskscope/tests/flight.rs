//! The flight recorder: what it keeps, and what makes it write that.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use common::{Recorded, carry_subscriber, current_thread, multi_thread, read};
use taskscope::{Error, FlightConfig, Recorder, Recording};
use taskscope_model::{EndKind, PollEnd, Trace, meta};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

/// The least there can be.
const LEAST: usize = 4 << 20;

/// Records `program` with a flight recorder that writes into `directory`.
fn fly(
    directory: &Path,
    flight: FlightConfig,
    workers: usize,
    program: impl FnOnce(&Recording, &Runtime),
) -> taskscope::Report {
    let recording =
        Recorder::builder().file(directory.join("app.tscope")).flight(flight).start().unwrap();
    assert_eq!(recording.path(), None);
    tracing::dispatcher::with_default(&recording.subscriber(), || {
        let mut builder = if workers == 0 { current_thread() } else { multi_thread(workers) };
        carry_subscriber(&mut builder);
        recording.hooks(&mut builder);
        program(&recording, &builder.build().unwrap());
    });
    recording.finish().unwrap()
}

/// Tries until nothing was dropped: where a machine is busy, the writer may come too late. The
/// file is the first dump.
fn undisturbed<T>(fly: impl Fn(&Path) -> (taskscope::Report, T)) -> (Recorded, T) {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let (report, more) = fly(directory.path());
        let path = std::path::absolute(directory.path().join("app-1.tscope")).unwrap();
        assert_eq!((report.dumps, report.path), (vec![path.clone()], None));
        let recorded = open(&path);
        assert_eq!(recorded.trace.report().dropped, report.dropped_events);
        if report.dropped_events == 0 {
            return (recorded, more);
        }
    }
    panic!("events were dropped in each of 20 tries");
}

fn open(path: &Path) -> Recorded {
    read(std::fs::read(path).unwrap())
}

/// Waits for a dump that somebody else makes.
fn wait_for(path: &Path) -> Recorded {
    let begun = Instant::now();
    loop {
        let file = std::fs::read(path).unwrap_or_default();
        if Trace::from_bytes(&file).is_ok_and(|trace| trace.report().complete) {
            return read(file);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no {}", path.display());
        std::thread::yield_now();
    }
}

fn cause(trace: &Trace) -> &str {
    trace.info().get(meta::DUMP).unwrap()
}

fn named(name: &str, future: impl Future<Output = ()> + Send + 'static) -> tokio::task::Id {
    tokio::task::Builder::new().name(name).spawn(future).unwrap().id()
}

/// Enough of it to push everything before it out.
async fn storm(tasks: u32) {
    for _ in 0..tasks {
        tokio::spawn(async {
            for _ in 0..100 {
                yield_now().await;
            }
        })
        .await
        .unwrap();
    }
}

#[test]
fn a_dump_holds_the_newest_events_and_the_names_of_tasks_that_are_older() {
    let (recorded, length) = undisturbed(|directory| {
        let mut length = 0;
        let flight = FlightConfig::new().keep_bytes(LEAST);
        let report = fly(directory, flight, 1, |recording, runtime| {
            runtime.block_on(async {
                let storm = tokio::spawn(async {
                    named("the oldest", std::future::pending());
                    storm(7_000).await;
                });
                storm.await.unwrap();
                tokio::spawn(async { named("the newest", async {}) }).await.unwrap();
                while runtime.metrics().num_alive_tasks() > 1 {
                    yield_now().await;
                }
                length = recording.dump().unwrap().metadata().unwrap().len() as usize;
            });
        });
        (report, length)
    });
    // What goes, goes by blocks, and the writer brings up to a quarter of this at once. And some
    // is taken by what is remembered of older events.
    assert!(length > LEAST / 4 && length < LEAST + (64 << 10), "{length} bytes");

    let trace = recorded.trace;
    let task = |name: &str| trace.tasks().iter().find(|task| task.name.as_deref() == Some(name));
    let oldest = task("the oldest").unwrap();
    assert_eq!((oldest.spawned, oldest.end), (None, None));
    assert!(trace.place(oldest.place.unwrap()).file.ends_with("flight.rs"));
    assert!(oldest.runtime.is_some() && oldest.size.is_some());
    let newest = task("the newest").unwrap();
    assert_eq!(newest.end.unwrap().kind, EndKind::Returned);
    assert_eq!(cause(&trace), "the program asked for it");
    assert_eq!(trace.info().get(meta::NOTICE), None);
    let window: u64 = trace.info().get(meta::WINDOW).unwrap().parse().unwrap();
    assert!(window > 0 && trace.span().start == window);
    assert_eq!(trace.runtimes()[0].workers.len(), 1);
    assert!(trace.threads().iter().any(|thread| thread.name.is_some()));
}

#[test]
fn nothing_is_missing_within_the_window() {
    let (recorded, ids) = undisturbed(|directory| {
        let flight = FlightConfig::new().keep_bytes(LEAST);
        let mut ids = Vec::new();
        let report = fly(directory, flight, 0, |recording, runtime| {
            runtime.block_on(async {
                for _ in 0..120_000 {
                    let task = tokio::spawn(yield_now());
                    ids.push(common::number(task.id()));
                    task.await.unwrap();
                }
            });
            recording.dump().unwrap();
        });
        (report, ids)
    });
    let trace = recorded.trace;
    // Each task is spawned, polled twice, and ends, before the next one is spawned.
    let whole: Vec<_> = trace
        .tasks()
        .iter()
        .filter(|task| task.is_async() && task.spawned.is_some())
        .inspect(|task| {
            assert_eq!(task.end.unwrap().kind, EndKind::Returned, "{task:?}");
            assert_eq!(task.poll_count(), 2, "{task:?}");
        })
        .map(|task| task.id)
        .collect();
    assert!(whole.len() > 1_000 && whole.len() < ids.len(), "{}", whole.len());
    assert_eq!(whole, ids[ids.len() - whole.len()..]);
    // At most the one that was in the middle when the window begins.
    let others = trace.tasks().iter().filter(|task| task.is_async() && task.spawned.is_none());
    assert!(others.count() <= 1);
}

#[test]
fn what_is_older_than_the_time_goes() {
    let directory = tempfile::tempdir().unwrap();
    let window = Duration::from_millis(300);
    let flight = FlightConfig::new().keep_for(window);
    fly(directory.path(), flight, 0, |recording, runtime| {
        let begun = Instant::now();
        while begun.elapsed() < 4 * window {
            runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
            std::thread::sleep(Duration::from_millis(1));
        }
        recording.dump().unwrap();
    });
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let span = Duration::from_nanos(trace.span().end - trace.span().start);
    assert!(span >= window, "{span:?} of {window:?}");
    assert!(span < 3 * window, "{span:?} of {window:?}");
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
        let poll = *dumped.poll(*dumped.task_polls(ix).last().unwrap());
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
    let [poll] = trace.task_polls(ix) else { panic!("one poll") };
    let open = trace.poll(*poll);
    assert_eq!((open.start, open.how), (trace.span().start, PollEnd::Open));
    let begun = trace.began_before(*poll).unwrap();
    let lasted = Duration::from_nanos(trace.span().end - begun);
    assert!(lasted + Duration::from_millis(100) > earlier, "{lasted:?} of {earlier:?}");
    assert!(!directory.path().join("app-3.tscope").exists(), "told once");
}

#[test]
fn a_program_in_which_nothing_happens_is_seen_to_do_nothing_until_now() {
    let directory = tempfile::tempdir().unwrap();
    let window = Duration::from_millis(50);
    fly(directory.path(), FlightConfig::new().keep_for(window), 1, |recording, runtime| {
        runtime.block_on(async { named("asleep", std::future::pending()) });
        // Until all that has been told is older than the window.
        std::thread::sleep(8 * window);
        recording.dump().unwrap();
    });
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let lane = trace.runtimes()[0].workers[0];
    let [park] = &trace.lane(lane).parks[..] else { panic!("{:?}", trace.lane(lane)) };
    assert_eq!((park.start, park.end), (trace.span().start, trace.span().end));
    let slept = Duration::from_nanos(park.end - park.start);
    assert!(slept >= window && slept < 7 * window, "{slept:?}");
    let [task] = &trace.tasks().iter().filter(|task| task.is_async()).collect::<Vec<_>>()[..]
    else {
        panic!("one task")
    };
    assert_eq!((task.name.as_deref(), task.spawned, task.end), (Some("asleep"), None, None));
}

#[test]
fn spans_and_resources_that_are_older_have_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let recording = Recorder::builder()
        .file(directory.path().join("app.tscope"))
        .flight(FlightConfig::new().keep_for(Duration::from_millis(100)))
        .targets("flight=info".parse().unwrap())
        .start()
        .unwrap();
    tracing::dispatcher::with_default(&recording.subscriber(), || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        builder.build().unwrap().block_on(async {
            let lock = std::sync::Arc::new(tokio::sync::Mutex::new(()));
            let span = tracing::info_span!("request", path = "/users");
            let held = std::sync::Arc::clone(&lock).lock_owned().await;
            let waits = async move {
                loop {
                    drop(tokio::time::timeout(Duration::from_millis(1), lock.lock()).await);
                }
            };
            tokio::spawn(tracing::Instrument::instrument(waits, span));
            tokio::time::sleep(Duration::from_millis(500)).await;
            recording.dump().unwrap();
            drop(held);
        });
    });
    recording.finish().unwrap();
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let [span] = trace.spans() else { panic!("one span") };
    assert_eq!((&*span.name, &*span.fields), ("request", "path=\"/users\""));
    assert_eq!(span.opened, trace.span().start, "or before");
    let resources = trace.resources().iter();
    assert!(resources.clone().any(|resource| &*resource.concrete_type == "Mutex"));
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
    assert_eq!(recording.finish().unwrap().dumps.len(), 1, "an error that was told is no news");
    assert!(matches!(recorder.dump(), Err(Error::NotRecording)));
}

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(directory)
        .env("TASKSCOPE_FILE", "app.tscope")
        .env_remove("TASKSCOPE_KEEP")
        .env_remove("TASKSCOPE_DUMP")
        .env_remove("TASKSCOPE_DETAIL");
    command
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

#[test]
fn an_environment_that_makes_no_sense_is_told_and_the_program_runs_on() {
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
