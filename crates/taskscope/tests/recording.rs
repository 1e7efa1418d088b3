//! Starting, finishing, and what can go wrong with the file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{Both, carry_subscriber, current_thread, multi_thread, read, record};
use taskscope::{Error, Recorder};
use taskscope_format::{Event, Reader, TaskKind, meta};
use tokio::task::yield_now;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt};

/// Runs one of the `child_…` tests below in a process of its own.
fn child(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"])
        .current_dir(directory)
        .env_remove("TASKSCOPE_FILE")
        .env_remove("TASKSCOPE_DETAIL");
    command
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// The trace files of a directory, by name.
fn traces(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn three_tasks() {
    for _ in 0..3 {
        tokio::spawn(yield_now()).await.unwrap();
    }
}

#[test]
fn the_file_tells_what_it_is_a_recording_of() {
    let recorded = record(Both, current_thread(), |_| ());
    let told = |wanted: &str| {
        recorded
            .events()
            .find_map(|event| match event {
                Event::Meta { key, value } if key == wanted => Some(value),
                _ => None,
            })
            .unwrap()
    };
    assert!(told(meta::PROGRAM).starts_with("recording"));
    assert_eq!(told(meta::PID), std::process::id().to_string());
    assert!(told(meta::RECORDER).starts_with("taskscope "));
    assert!(told(meta::PLATFORM).starts_with(std::env::consts::OS));
}

#[test]
fn threads_are_introduced() {
    let mut builder = multi_thread(1);
    builder.thread_name("a-worker");
    let recorded = record(Both, builder, |runtime| runtime.block_on(three_tasks()));
    let threads: Vec<_> = recorded
        .events()
        .filter_map(|event| match event {
            Event::Thread { os_id, name } => Some((os_id, name)),
            _ => None,
        })
        .collect();
    assert!(threads.iter().any(|(_, name)| *name == "a-worker"), "{threads:?}");
    if cfg!(target_os = "linux") {
        assert!(threads.iter().all(|(os_id, _)| *os_id != 0));
    }
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
fn a_full_disk_is_told() {
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
fn an_event_of_a_dying_thread_breaks_nothing_and_is_counted() {
    /// Spawns a task when its thread ends.
    struct Last(tokio::runtime::Handle);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.spawn(async {});
        }
    }
    thread_local! {
        static LAST: std::cell::OnceCell<Last> = const { std::cell::OnceCell::new() };
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let mut builder = current_thread();
    recording.hooks(&mut builder);
    let runtime = builder.build().unwrap();
    let handle = runtime.handle().clone();
    let dying = std::thread::spawn(move || {
        // Made before the recorder's own, and so destroyed behind it.
        LAST.with(|last| assert!(last.set(Last(handle.clone())).is_ok()));
        handle.spawn(async {});
    });
    dying.join().unwrap();
    runtime.block_on(yield_now());
    drop(runtime);
    let report = recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    let spawned = recorded.count(|event| matches!(event, Event::Spawn(_))) as u64;
    assert_eq!(spawned + report.dropped_events, 2);
    assert_eq!(recorded.trace.report().dropped, report.dropped_events);
    let [told] = &report.drops[..] else { panic!("{:?}", report.drops) };
    assert_eq!((told.thread, told.events), (None, report.dropped_events));
    assert!(told.since <= told.until);
    let [drop] = recorded.trace.drops() else { panic!("{:?}", recorded.trace.drops()) };
    assert_eq!((drop.thread, drop.lane, drop.count), (None, None, report.dropped_events));
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
fn a_deleted_file_is_told_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    std::fs::remove_file(&path).unwrap();
    let error = recording.finish().unwrap_err();
    assert!(matches!(error, Error::Deleted { .. }), "{error}");
}

#[test]
fn the_report_tells_the_path_and_how_much_there_is() {
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
fn two_recordings_run_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["first", "second"].map(|name| directory.path().join(name));
    let [first, second] =
        paths.each_ref().map(|path| Recorder::builder().file(path).start().unwrap());
    // Both hear all; each has hooks on a runtime of its own.
    let subscriber = tracing_subscriber::registry().with(first.layer()).with(second.layer());
    tracing::subscriber::with_default(subscriber, || {
        for recording in [&first, &second] {
            let mut builder = multi_thread(1);
            carry_subscriber(&mut builder);
            recording.hooks(&mut builder);
            builder.build().unwrap().block_on(three_tasks());
        }
    });
    first.finish().unwrap();
    second.finish().unwrap();
    for path in paths {
        let summary = read(std::fs::read(path).unwrap()).trace.summary();
        assert_eq!((summary.tasks.spawned, summary.tasks.returned), (6, Some(6)));
        assert_eq!(summary.polls, 12);
        assert_eq!(summary.runtimes.len(), 2);
    }
}

#[test]
fn after_the_end_nothing_is_recorded_and_nothing_breaks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let subscriber = tracing_subscriber::registry().with(recording.layer());
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(three_tasks());
        recording.finish().unwrap();
        runtime.block_on(three_tasks());
    });
    assert_eq!(read(std::fs::read(path).unwrap()).trace.summary().tasks.spawned, 3);
}

/// What a `fmt` layer printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn info_to<S>(printed: &Printed) -> impl Layer<S> + Send + Sync + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = printed.clone();
    fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(EnvFilter::new("info"))
}

#[test]
fn the_layer_and_fmt_leave_each_other_alone() {
    for recorder_first in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.tscope");
        let recording = Recorder::builder().file(&path).start().unwrap();
        let printed = Printed::default();
        let dispatch: tracing::Dispatch = if recorder_first {
            tracing_subscriber::registry().with(recording.layer()).with(info_to(&printed)).into()
        } else {
            tracing_subscriber::registry().with(info_to(&printed)).with(recording.layer()).into()
        };
        tracing::dispatcher::with_default(&dispatch, || {
            current_thread().build().unwrap().block_on(async {
                three_tasks().await;
                tracing::info!("said");
                tracing::debug!("unsaid");
                tracing::trace!(target: "tokio::task", "unsaid");
            });
        });
        recording.finish().unwrap();
        let recorded = read(std::fs::read(path).unwrap());
        assert_eq!(recorded.spawned(TaskKind::Task).len(), 3);
        let printed = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert!(printed.contains("said") && !printed.contains("unsaid"), "{printed}");
    }
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
fn a_file_that_nobody_named_is_never_replaced() {
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
    let main = trace.tasks().iter().find(|task| task.kind == TaskKind::BlockOn).unwrap();
    assert!(trace.place(main.place.unwrap()).file.ends_with("recording.rs"), "{main:?}");
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
