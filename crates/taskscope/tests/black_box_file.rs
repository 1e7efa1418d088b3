//! The file of a black box: who may have it, what becomes of those of earlier processes, and what
//! can be done to it while it is written.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{carry_subscriber, current_thread, multi_thread};
use taskscope::{BlackBoxConfig, Error, FlightConfig, Recorder, Recording};
use taskscope_format::black_box::{self, Header, Life};
use taskscope_model::{EndKind, PollEnd, Trace, meta};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

/// The least there can be.
const LEAST: u64 = 4 << 20;

fn begin(path: &Path) -> Result<Recording, Error> {
    Recorder::builder().black_box(BlackBoxConfig::new(path).bytes(LEAST)).start()
}

/// Runs `program` on a runtime that `recording` records.
fn run<T>(recording: &Recording, workers: usize, program: impl FnOnce(&Runtime) -> T) -> T {
    tracing::dispatcher::with_default(&recording.subscriber(), || {
        let mut builder = if workers == 0 { current_thread() } else { multi_thread(workers) };
        carry_subscriber(&mut builder);
        recording.hooks(&mut builder);
        program(&builder.build().unwrap())
    })
}

fn some_tasks(recording: &Recording) {
    run(recording, 0, |runtime| {
        runtime.block_on(async {
            for _ in 0..3 {
                tokio::spawn(yield_now()).await.unwrap();
            }
        });
    });
}

/// As if the process had died at this moment.
fn open(path: &Path) -> Trace {
    let trace = black_box::unpack(&std::fs::read(path).unwrap(), Life::Dead).unwrap();
    let trace = Trace::from_bytes(&trace).unwrap();
    assert_eq!(trace.report().damages, []);
    trace
}

fn names(directory: &Path) -> Vec<String> {
    let entries = directory.read_dir().unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn named(name: &str, future: impl Future<Output = ()> + Send + 'static) {
    tokio::task::Builder::new().name(name).spawn(future).unwrap();
}

#[test]
fn a_finished_box_is_a_whole_trace_that_only_its_owner_can_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = begin(&path).unwrap();
    assert_eq!(recording.path(), Some(std::path::absolute(&path).unwrap()));
    let metadata = path.metadata().unwrap();
    assert_eq!((metadata.len(), metadata.permissions().mode() & 0o777), (LEAST, 0o600));
    assert!(metadata.blocks() * 512 >= LEAST, "all of it is reserved");
    some_tasks(&recording);
    recording.finish().unwrap();
    let trace = open(&path);
    assert!(trace.report().complete);
    assert_eq!((trace.summary().tasks.spawned, trace.summary().tasks.returned), (3, Some(3)));
    assert_eq!(trace.info().get(meta::WINDOW), None, "nothing has gone");
    // Without any knowledge of the process, too.
    let same = Trace::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(same.summary().polls, trace.summary().polls);
    assert_eq!(names(directory.path()), ["app.tscope"]);
}

#[test]
fn what_an_earlier_process_left_is_set_aside_and_the_oldest_go() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let config = BlackBoxConfig::new(&path).bytes(LEAST).keep_old(2);
    for round in 0..5 {
        let recording = Recorder::builder().black_box(config.clone()).start().unwrap();
        for _ in 0..=round {
            some_tasks(&recording);
        }
        recording.finish().unwrap();
    }
    let names = names(directory.path());
    let [first, second, own] = &names[..] else { panic!("{names:?}") };
    assert_eq!(own, "app.tscope");
    for aside in [first, second] {
        assert!(aside.starts_with("app-2") && aside.ends_with(".tscope"), "{aside}");
    }
    let spawned = |name: &str| open(&directory.path().join(name)).summary().tasks.spawned;
    let mut all = [spawned(first), spawned(second), spawned(own)];
    all.sort_unstable();
    assert_eq!(all, [9, 12, 15], "the newest three");
}

#[test]
fn boxes_of_other_names_and_other_files_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    begin(&at("other.tscope")).unwrap().finish().unwrap();
    std::fs::write(at("app-1.tscope"), "notes").unwrap();
    let config = BlackBoxConfig::new(at("app-%p.tscope")).bytes(LEAST).keep_old(0);
    let recording = Recorder::builder().black_box(config).start().unwrap();
    let own = format!("app-{}.tscope", std::process::id());
    let mut expected = ["app-1.tscope", "other.tscope", &own];
    expected.sort_unstable();
    assert_eq!(names(directory.path()), expected);
    recording.finish().unwrap();
}

/// They may be told apart by no more than a number.
#[test]
fn boxes_of_other_programs_are_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    begin(&at("app-2.tscope")).unwrap().finish().unwrap();
    let mut other = std::fs::read(at("app-2.tscope")).unwrap();
    let mut header = Header::from_bytes(&other).unwrap();
    header.program = "another program".to_owned();
    let header = header.to_bytes();
    other[..header.len()].copy_from_slice(&header);
    std::fs::write(at("app-2.tscope"), other).unwrap();
    let config = BlackBoxConfig::new(at("app.tscope")).bytes(LEAST).keep_old(0);
    Recorder::builder().black_box(config).start().unwrap().finish().unwrap();
    assert_eq!(names(directory.path()), ["app-2.tscope", "app.tscope"]);
}

#[test]
fn each_stretch_of_a_recorder_keeps_its_box() {
    let directory = tempfile::tempdir().unwrap();
    let config = BlackBoxConfig::new(directory.path().join("app.tscope")).bytes(LEAST).keep_old(0);
    let recording = Recorder::builder().black_box(config).start().unwrap();
    for _ in 0..2 {
        recording.recorder().pause().unwrap();
        recording.recorder().resume().unwrap();
    }
    recording.finish().unwrap();
    assert_eq!(names(directory.path()), ["app-2.tscope", "app-3.tscope", "app.tscope"]);
}

/// In a container each process may have the same number.
#[test]
fn what_a_process_left_that_died_while_it_made_its_box_is_no_obstacle() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for number in 0..100 {
        let process = std::process::id();
        std::fs::write(at(&format!(".app.tscope.{process}-{number}.new")), "half").unwrap();
    }
    std::fs::write(at("app.tscope"), "").unwrap();
    let recording = begin(&at("app.tscope")).unwrap();
    some_tasks(&recording);
    recording.finish().unwrap();
    assert_eq!(open(&at("app.tscope")).summary().tasks.spawned, 3);
}

#[test]
fn what_is_set_up_wrongly_is_said_in_the_box() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = begin(&path).unwrap();
    // Without a layer.
    let mut builder = current_thread();
    recording.hooks(&mut builder);
    builder.build().unwrap().block_on(async { tokio::spawn(async {}).await.unwrap() });
    recording.finish().unwrap();
    let trace = open(&path);
    let notice = trace.info().get(meta::NOTICE).unwrap();
    assert!(notice.contains("`.with(recording.layer())`"), "{notice}");
}

#[test]
fn what_is_no_box_is_not_replaced_and_no_link_is_followed() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    std::fs::write(at("notes"), "notes").unwrap();
    symlink(at("notes"), at("link.tscope")).unwrap();
    symlink(at("nowhere"), at("dangling.tscope")).unwrap();
    std::fs::create_dir(at("directory.tscope")).unwrap();
    let before = names(directory.path());
    for name in ["notes", "link.tscope", "dangling.tscope", "directory.tscope"] {
        let error = begin(&at(name)).unwrap_err();
        let said = error.to_string();
        assert!(matches!(error, Error::BlackBox { .. }) && said.contains(name), "{said}");
    }
    assert_eq!(names(directory.path()), before);
    assert_eq!(std::fs::read(at("notes")).unwrap(), b"notes");
}

#[test]
fn where_no_file_can_be_had_the_program_goes_on_without() {
    for path in ["/proc/app.tscope", "/nowhere/app.tscope"] {
        let said = begin(Path::new(path)).unwrap_err().to_string();
        assert!(said.contains(path), "{said}");
    }
    // More than there is.
    #[cfg(target_os = "linux")]
    {
        let directory = tempfile::tempdir_in("/dev/shm").unwrap();
        let config = BlackBoxConfig::new(directory.path().join("app.tscope")).bytes(1 << 39);
        let error = Recorder::builder().black_box(config).start().unwrap_err();
        let Error::BlackBox { source, .. } = &error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
        assert_eq!(names(directory.path()), [""; 0], "nothing is left behind");
    }
}

#[test]
fn a_program_outlives_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = begin(&path).unwrap();
    let dumped = run(&recording, 2, |runtime| {
        runtime.block_on(async {
            let storm = |tasks| async move {
                for _ in 0..tasks {
                    tokio::spawn(yield_now()).await.unwrap();
                }
            };
            tokio::spawn(storm(20_000)).await.unwrap();
            std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(0).unwrap();
            tokio::spawn(storm(20_000)).await.unwrap();
            // What has come since is kept in memory.
            tokio::spawn(async { named("after", async {}) }).await.unwrap();
            storm(100).await;
        });
        recording.dump().unwrap()
    });
    recording.finish().unwrap();
    let trace = Trace::from_bytes(&std::fs::read(dumped).unwrap()).unwrap();
    let after = trace.tasks().find(|task| task.name() == Some("after")).unwrap();
    assert_eq!(after.end.unwrap().kind, EndKind::Returned);
    assert_eq!(trace.report().damages, []);
}

#[test]
fn it_names_tasks_that_are_older_and_shows_a_poll_that_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = begin(&path).unwrap();
    let (stuck, end) = std::sync::mpsc::channel::<()>();
    let trace = run(&recording, 2, |runtime| {
        runtime.block_on(async {
            tokio::spawn(async { named("the oldest", std::future::pending()) }).await.unwrap();
            tokio::spawn(async {
                for _ in 0..9_000 {
                    tokio::spawn(async {
                        for _ in 0..50 {
                            yield_now().await;
                        }
                    })
                    .await
                    .unwrap();
                }
            })
            .await
            .unwrap();
            let (here, begun) = tokio::sync::oneshot::channel();
            named("stuck", async move {
                here.send(()).unwrap();
                // Until the other end is dropped, below.
                let _ = end.recv();
            });
            begun.await.unwrap();
            let trace = open(&path);
            drop(stuck);
            trace
        })
    });
    recording.finish().unwrap();
    let task = |name: &str| trace.tasks().find(|task| task.name() == Some(name));
    let oldest = task("the oldest").unwrap();
    assert_eq!((oldest.spawned, oldest.end), (None, None));
    assert!(trace.place(oldest.place.unwrap()).file.ends_with("black_box_file.rs"));
    let stuck = trace.find_task(task("stuck").unwrap().id).unwrap();
    let poll = trace.poll(trace.task_polls(stuck).last().unwrap());
    assert_eq!((poll.how, poll.end), (PollEnd::Open, trace.span().end));
    assert!(trace.info().get(meta::WINDOW).is_some());
    assert_eq!(trace.info().get(meta::DUMP), Some("the process ended without finishing"));
}

#[test]
fn threads_that_find_no_ring_are_recorded_all_the_same() {
    const THREADS: usize = 60;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = begin(&path).unwrap();
    let (all, subscriber) = (std::sync::Barrier::new(THREADS), recording.subscriber());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                tracing::dispatcher::with_default(&subscriber, || {
                    some_tasks(&recording);
                    // All of them at a time.
                    all.wait();
                    some_tasks(&recording);
                });
            });
        }
    });
    recording.finish().unwrap();
    let trace = open(&path);
    assert_eq!(trace.report().dropped, 0);
    assert_eq!(trace.summary().tasks.returned, Some(6 * THREADS as u64));
    let notice = trace.info().get(meta::NOTICE).unwrap();
    assert!(notice.contains("found no room for its buffer in the black box"), "{notice}");
}

#[test]
fn it_dumps_like_any_flight_recorder() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let recording = Recorder::builder()
        .black_box(&path)
        .flight(FlightConfig::new().keep_bytes(LEAST as usize))
        .start()
        .unwrap();
    assert_eq!(path.metadata().unwrap().len(), LEAST, "as much as the flight recorder keeps");
    some_tasks(&recording);
    let dump = recording.dump().unwrap();
    assert_eq!(dump.file_name().unwrap(), "app-1.tscope");
    let trace = Trace::from_bytes(&std::fs::read(&dump).unwrap()).unwrap();
    assert!(trace.report().complete);
    assert_eq!(trace.summary().tasks.returned, Some(3));
    assert_eq!(trace.info().get(meta::DUMP), Some("the program asked for it"));
    let report = recording.finish().unwrap();
    assert_eq!((report.dumps, report.path.is_some()), (vec![dump], true));
}

#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child() {
    let recording = begin(Path::new(&std::env::var_os("BOX").unwrap())).unwrap();
    some_tasks(&recording);
    let mut fork = 0;
    if std::env::var_os("FORKS").is_some() {
        #[expect(unsafe_code, reason = "the standard library forks only to run another program")]
        // SAFETY: the child runs on with the one thread that it has, which holds no lock here.
        let child = unsafe { libc::fork() };
        fork = child;
        if child == 0 {
            // On the thread that was recorded, and more than there is room for.
            run(&recording, 0, |runtime| {
                runtime.block_on(async {
                    for _ in 0..50_000 {
                        tokio::spawn(yield_now()).await.unwrap();
                    }
                });
            });
            println!("path fork {}.", std::process::id());
            loop {
                std::thread::park();
            }
        }
    }
    println!("path {}.", recording.path().unwrap().display());
    std::io::stdout().flush().unwrap();
    loop {
        if fork > 0 {
            some_tasks(&recording);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_init() {
    let recording = taskscope::init();
    some_tasks(&recording);
    println!("path {}.", recording.path().unwrap().display());
    std::process::exit(0);
}

#[test]
fn the_environment_can_ask_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_init", "--ignored", "--nocapture", "--test-threads=1"])
        .env("TASKSCOPE_BLACK_BOX", directory.path().join("%p.tscope"))
        .env("TASKSCOPE_KEEP", "5MB")
        .env_remove("TASKSCOPE_DETAIL")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let path = said.split_once("path ").and_then(|(_, rest)| rest.split_once(".\n")).unwrap().0;
    let name = Path::new(path).file_stem().unwrap().to_str().unwrap();
    assert!(name.parse::<u32>().is_ok(), "the number of the process: {path}");
    let bytes = Path::new(path).metadata().unwrap().len();
    assert!((4_990_000..=5_000_000).contains(&bytes), "{bytes}");
    let trace = open(Path::new(path));
    assert!(!trace.report().complete, "it has ended without finishing");
    assert_eq!(trace.summary().tasks.returned, Some(3));
}

/// Starts the child, and waits until it has said so many lines.
fn start(path: &Path, forks: bool) -> (Child, Vec<String>) {
    use std::io::{BufRead, BufReader};

    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env("BOX", path)
        .env_remove("TASKSCOPE_DETAIL")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if forks {
        command.env("FORKS", "1");
    }
    let mut child = command.spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.filter_map(|line| {
        let (_, said) = line.split_once("path ")?;
        Some(said.strip_suffix('.')?.to_owned())
    });
    let said = said.take(if forks { 2 } else { 1 }).collect();
    (child, said)
}

#[test]
fn two_processes_do_not_share_a_box() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let (mut first, _) = start(&path, false);
    let (mut second, said) = start(&path, false);
    let beside = PathBuf::from(&said[0]);
    assert_eq!(
        beside.file_name().unwrap().to_str().unwrap(),
        format!("app-{}.tscope", second.id())
    );
    for (child, path) in [(&mut first, &path), (&mut second, &beside)] {
        assert_eq!(black_box::state(&std::fs::read(path).unwrap()).unwrap().process, child.id());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(open(path).summary().tasks.returned, Some(3));
    }
    // And now that it is dead, its name is free.
    begin(&path).unwrap().finish().unwrap();
    assert_eq!(names(directory.path()).len(), 3);
}

#[test]
fn a_fork_neither_writes_into_the_box_of_its_parent_nor_keeps_it_alive() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.tscope");
    let (mut parent, said) = start(&path, true);
    let fork = said.iter().find_map(|line| line.strip_prefix("fork ")).unwrap();
    let fork: libc::pid_t = fork.parse().unwrap();
    parent.kill().unwrap();
    parent.wait().unwrap();
    let locked = std::fs::File::open(&path).unwrap().try_lock();
    #[expect(unsafe_code, reason = "the standard library kills only what it has started")]
    // SAFETY: a signal to a process that this test has started.
    let killed = unsafe { libc::kill(fork, libc::SIGKILL) };
    assert_eq!(killed, 0, "the fork has outlived its parent");
    assert!(locked.is_ok(), "{locked:?}");
    let trace = open(&path);
    // Threes of the parent's alone, of which the last may be cut.
    let tasks = trace.summary().tasks;
    assert!(tasks.returned.unwrap() + 1 >= tasks.spawned, "{tasks:?}");
    assert_eq!(trace.summary().gaps.len(), 0);
}
