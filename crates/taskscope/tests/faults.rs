//! What may go wrong around a recorder: disks, panics, forks, threads that end, a program that
//! ends. The program must not notice, and what is missing must be reported.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use common::{carry_subscriber, current_thread, multi_thread, read};
use taskscope::{Error, FlightConfig, Recorder, Recording, Report};
use taskscope_format::{Event, TaskKind};
use taskscope_model::{EndKind, Trace};
use tokio::runtime::{Handle, Runtime};
use tokio::task::yield_now;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::{Layer, registry};

/// Runs one of the `child_…` tests below in a process of its own, with a limit to its time.
fn child(name: &str, directory: &Path) -> Output {
    let mut child = common::child(module_path!(), name, directory)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(120) {
            child.kill().unwrap();
            panic!("{name} hangs: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

fn recorded(recording: &Recording, workers: usize) -> Runtime {
    let mut builder = if workers == 0 { current_thread() } else { multi_thread(workers) };
    carry_subscriber(&mut builder);
    recording.hooks(&mut builder);
    builder.build().unwrap()
}

/// Many more events than there is room for while no writer takes them.
async fn storm() -> u32 {
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            tokio::spawn(async {
                for _ in 0..2_000 {
                    yield_now().await;
                }
            })
        })
        .collect();
    let mut returned = 0;
    for task in tasks {
        task.await.unwrap();
        returned += 1;
    }
    returned
}

/// A pipe with a name stands for a disk: it is as fast as its reader. The reader takes a piece
/// for each token that comes, and everything when there are no more to come.
fn slow_disk(path: &Path) -> (Sender<()>, std::thread::JoinHandle<Vec<u8>>) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
    let (tokens, token) = channel();
    let path = path.to_owned();
    let reader = std::thread::spawn(move || {
        let mut disk = std::fs::File::open(path).unwrap();
        let mut taken = Vec::new();
        while token.recv().is_ok() {
            let mut piece = [0; 4096];
            let length = disk.read(&mut piece).unwrap();
            taken.extend_from_slice(&piece[..length]);
        }
        disk.read_to_end(&mut taken).unwrap();
        taken
    });
    (tokens, reader)
}

/// Runs the storm on a disk that stands still, and ends with `then`.
fn storm_on_slow_disk<T>(
    then: impl FnOnce(Recording, Sender<()>, std::thread::JoinHandle<Vec<u8>>) -> T,
) -> T {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("disk");
    let (tokens, reader) = slow_disk(&path);
    let recording = Recorder::builder().file(&path).start().unwrap();
    tokens.send(()).unwrap();
    let dispatch = recording.subscriber();
    let returned =
        tracing::dispatcher::with_default(&dispatch, || recorded(&recording, 2).block_on(storm()));
    assert_eq!(returned, 200, "the program does not notice");
    then(recording, tokens, reader)
}

#[test]
fn a_slow_disk_costs_events_which_are_counted_and_nothing_else() {
    let (report, file) = storm_on_slow_disk(|recording, tokens, reader| {
        drop(tokens);
        (recording.finish().unwrap(), reader.join().unwrap())
    });
    let Report { dropped_events, drops, .. } = report;
    assert!(dropped_events > 0, "some 2 MB of room for some 8 MB");
    assert_eq!(drops.iter().map(|drops| drops.events).sum::<u64>(), dropped_events);
    let trace = read(file).trace;
    assert_eq!(trace.report().dropped, dropped_events);
    for thread in drops {
        let drops = trace.drops().iter().filter(|drop| drop.thread.map(|id| id.0) == thread.thread);
        let first = drops.clone().map(|drop| drop.from).min().unwrap();
        let last = drops.clone().map(|drop| drop.until).max().unwrap();
        assert_eq!(drops.map(|drop| drop.count).sum::<u64>(), thread.events);
        let span = (Duration::from_nanos(first), Duration::from_nanos(last));
        assert_eq!(span, (thread.since, thread.until));
    }
    // All that is not missing is there: what was polled and not recorded was dropped.
    let polls = trace.summary().polls;
    assert!(polls < 200 * 2_001 && polls + dropped_events >= 200 * 2_001, "{polls}");
}

#[test]
fn a_disk_that_stands_still_does_not_keep_the_program_from_ending() {
    storm_on_slow_disk(|recording, tokens, reader| {
        let begun = Instant::now();
        let error = recording.finish().unwrap_err();
        assert!(matches!(error, Error::Stalled { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(60));
        drop(tokens);
        // What there is can be opened. (The writer may still bring the rest.)
        let trace = Trace::from_bytes(&reader.join().unwrap()).unwrap();
        assert_eq!(trace.summary().damaged_parts, 0);
    });
}

#[test]
fn a_thread_that_panics_while_it_is_recorded_is_recorded_up_to_that() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let dispatch = recording.subscriber();
    std::thread::scope(|scope| {
        let panics = scope.spawn(|| {
            tracing::dispatcher::with_default(&dispatch, || {
                let mut builder = current_thread();
                recording.hooks(&mut builder);
                builder.build().unwrap().block_on(async {
                    tokio::spawn(async {}).await.unwrap();
                    tokio::spawn(std::future::pending::<()>());
                    yield_now().await;
                    panic!("in the middle of a poll of block_on");
                });
            });
        });
        assert!(panics.join().is_err());
    });
    // The recorder goes on.
    tracing::dispatcher::with_default(&dispatch, || {
        recorded(&recording, 0).block_on(async { tokio::spawn(async {}).await.unwrap() });
    });
    assert_eq!(recording.finish().unwrap().dropped_events, 0);
    let recorded = read(std::fs::read(path).unwrap());
    let tasks = recorded.trace.summary().tasks;
    assert_eq!((tasks.returned, tasks.cancelled, tasks.alive), (Some(2), Some(1), 0), "{tasks:?}");
    let [panicked, returned] = recorded.spawned(TaskKind::BlockOn)[..] else { panic!("two") };
    let kind = |task| recorded.ends(task).first().map(|end| end.0);
    assert_eq!(kind(panicked), Some(EndKind::Panicked));
    assert_eq!(kind(returned), Some(EndKind::Returned));
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_records_in_a_panic_hook() {
    let recording = Recorder::builder().file("trace").start().unwrap();
    let dispatch = recording.subscriber();
    std::panic::set_hook(Box::new(|_| {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(yield_now());
        }
    }));
    tracing::dispatcher::with_default(&dispatch, || {
        let runtime = recorded(&recording, 1);
        runtime.block_on(async {
            for _ in 0..3 {
                assert!(tokio::spawn(async { panic!("as it may happen") }).await.is_err());
            }
            while Handle::current().metrics().num_alive_tasks() > 0 {
                yield_now().await;
            }
        });
        drop(runtime);
    });
    assert_eq!(recording.finish().unwrap().dropped_events, 0);
}

#[test]
fn a_panic_hook_may_spawn() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_records_in_a_panic_hook", directory.path());
    assert!(output.status.success(), "{output:?}");
    let trace = read(std::fs::read(directory.path().join("trace")).unwrap()).trace;
    let tasks = trace.summary().tasks;
    assert_eq!((tasks.spawned, tasks.panicked, tasks.returned), (6, Some(3), Some(3)));
}

/// Wakes a task and spawns another when its thread ends.
struct Last(Waker, Handle);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.wake_by_ref();
        self.1.spawn(async {});
    }
}

thread_local! {
    static LAST: OnceLock<Last> = const { OnceLock::new() };
}

#[test]
fn what_happens_while_a_thread_ends_is_recorded_or_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let dispatch = recording.subscriber();
    let threads = 8u32;
    tracing::dispatcher::with_default(&dispatch, || {
        let runtime = recorded(&recording, 0);
        let handle = runtime.handle().clone();
        let (give, wakers) = channel::<Waker>();
        let sleeper = runtime.spawn(std::future::poll_fn(move |context| {
            give.send(context.waker().clone()).unwrap();
            Poll::<()>::Pending
        }));
        runtime.block_on(yield_now());
        let waker = wakers.recv().unwrap();
        for number in 0..threads {
            let last = Last(waker.clone(), handle.clone());
            let dispatch = dispatch.clone();
            let ends = std::thread::spawn(move || {
                let record = || {
                    tracing::dispatcher::with_default(&dispatch, || drop(last.1.spawn(async {})))
                };
                // Thread-locals are destroyed in an order of their own: before the recorder's,
                // and behind them.
                if number % 2 == 0 {
                    record();
                    LAST.with(|slot| assert!(slot.set(last).is_ok()));
                } else {
                    LAST.with(|slot| {
                        assert!(slot.set(Last(last.0.clone(), last.1.clone())).is_ok())
                    });
                    record();
                    drop(last);
                }
            });
            ends.join().unwrap();
        }
        runtime.block_on(yield_now());
        sleeper.abort();
        drop(runtime);
    });
    let report = recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    // One by each thread itself, and by its thread-local; for each second one by `last`, too.
    let spawned = recorded.trace.summary().tasks.spawned - 1;
    let all = u64::from(2 * threads + threads / 2);
    assert!(spawned <= all && spawned + report.dropped_events >= all, "{spawned}: {report:?}");
    assert_eq!(recorded.trace.report().dropped, report.dropped_events);
}

/// A layer that is all but idle when it is called.
struct Meddler {
    runtime: OnceLock<Handle>,
    waker: Arc<Mutex<Option<Waker>>>,
}

impl Meddler {
    fn wake(&self) {
        let waker = self.waker.lock().unwrap().clone();
        waker.iter().for_each(Waker::wake_by_ref);
    }
}

impl<S: tracing::Subscriber> Layer<S> for Meddler {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "spawns" {
            self.runtime.get().unwrap().spawn(yield_now());
        }
    }

    fn on_enter(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        self.wake();
    }

    fn on_exit(&self, _: &tracing::span::Id, _: Context<'_, S>) {
        self.wake();
    }

    fn on_close(&self, _: tracing::span::Id, _: Context<'_, S>) {
        self.wake();
    }
}

#[test]
fn a_layer_beside_the_recorders_may_spawn_and_wake() {
    for recorder_first in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.tscope");
        let recording = Recorder::builder().file(&path).start().unwrap();
        let waker = Arc::new(Mutex::new(None));
        let meddler = Meddler { runtime: OnceLock::new(), waker: Arc::clone(&waker) };
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        meddler.runtime.set(runtime.handle().clone()).unwrap();
        let dispatch: tracing::Dispatch = if recorder_first {
            registry().with(recording.layer()).with(meddler).into()
        } else {
            registry().with(meddler).with(recording.layer()).into()
        };
        tracing::dispatcher::with_default(&dispatch, || {
            runtime.block_on(async {
                let woken = tokio::spawn(std::future::poll_fn(move |context| {
                    *waker.lock().unwrap() = Some(context.waker().clone());
                    Poll::<()>::Pending
                }));
                yield_now().await;
                for _ in 0..5 {
                    tracing::info!(target: "spawns", "one more");
                    tokio::spawn(async {}).await.unwrap();
                }
                for _ in 0..100 {
                    yield_now().await;
                }
                woken.abort();
                assert!(woken.await.unwrap_err().is_cancelled());
            });
        });
        drop(runtime);
        let report = recording.finish().unwrap();
        let trace = read(std::fs::read(path).unwrap()).trace;
        let tasks = trace.summary().tasks;
        assert_eq!((tasks.spawned, tasks.cancelled), (11, Some(1)), "{tasks:?}");
        // While a subscriber is called, `tracing` passes nothing else to it. So of what was
        // spawned there the hooks alone know: that it was polled twice and ended.
        let ended = |polls| {
            let all = trace.tasks().filter(|task| task.is_async() && task.end.is_some());
            all.filter(|task| task.poll_count() == polls).count()
        };
        assert_eq!((ended(1), ended(2)), (5, 5));
        assert_eq!(trace.report().dropped, report.dropped_events);
    }
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_forks() {
    let recording = Recorder::builder().file("trace").start().unwrap();
    let flight = Recorder::builder().file("flight").flight(FlightConfig::new()).start().unwrap();
    let dispatch: tracing::Dispatch =
        registry().with(recording.layer()).with(flight.layer()).into();
    let program = move || {
        let three = async || {
            for _ in 0..3 {
                tokio::spawn(yield_now()).await.unwrap();
            }
        };
        recorded(&recording, 0).block_on(three());
        #[expect(unsafe_code, reason = "the standard library forks only to run another program")]
        // SAFETY: the child runs on with the one thread that it has, which holds no lock here.
        let child = unsafe { libc::fork() };
        assert!(child >= 0);
        if child == 0 {
            // More than there is room for, on the thread that was recorded and on another one.
            recorded(&recording, 0).block_on(storm());
            let handle = std::thread::spawn(|| current_thread().build().unwrap().block_on(storm()));
            let returned = handle.join().is_ok_and(|returned| returned == 200);
            let refused = matches!(flight.dump(), Err(Error::NotRecording));
            let ended = recording.finish().is_ok() && flight.finish().is_ok();
            std::process::exit(if returned && refused && ended { 7 } else { 1 });
        }
        let mut status = 0;
        #[expect(unsafe_code, reason = "the standard library waits only for what it has started")]
        // SAFETY: `status` is a place for an `int`.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        assert_eq!(waited, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 7, "{status}");
        recorded(&recording, 0).block_on(three());
        (recording, flight)
    };
    let (recording, flight) = tracing::dispatcher::with_default(&dispatch, program);
    assert_eq!(recording.finish().unwrap().dropped_events, 0);
    flight.dump().unwrap();
}

#[test]
fn a_fork_neither_hangs_nor_writes_into_the_file_of_its_parent() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_forks", directory.path());
    assert!(output.status.success(), "{output:?}");
    for file in ["trace", "flight-1.tscope"] {
        let trace = read(std::fs::read(directory.path().join(file)).unwrap()).trace;
        let tasks = trace.summary().tasks;
        assert_eq!((tasks.spawned, tasks.returned), (6, Some(6)), "{file}: of the parent alone");
    }
    assert_eq!(files(directory.path()), ["flight-1.tscope", "trace"]);
}

fn files(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_exits() {
    let path = PathBuf::from("trace");
    let recording = taskscope::Recorder::builder().file(&path).start().unwrap();
    let dispatch = recording.subscriber();
    tracing::dispatcher::set_global_default(dispatch).unwrap();
    let mut builder = multi_thread(2);
    recording.hooks(&mut builder);
    builder.build().unwrap().block_on(async {
        // Another worker records on while the process goes.
        tokio::spawn(async {
            loop {
                yield_now().await;
            }
        });
        for _ in 0..10 {
            tokio::spawn(async {}).await.unwrap();
        }
        tokio::spawn(async move {
            let in_file = || {
                let trace = Trace::from_bytes(&std::fs::read(&path).unwrap_or_default());
                trace.is_ok_and(|trace| trace.summary().tasks.returned >= Some(10))
            };
            while !in_file() {
                yield_now().await;
            }
            std::process::exit(5);
        })
        .await
        .unwrap();
    });
}

#[test]
fn a_program_that_exits_in_a_poll_leaves_a_file_that_opens() {
    let directory = tempfile::tempdir().unwrap();
    let output = child("child_exits", directory.path());
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    let file = std::fs::read(directory.path().join("trace")).unwrap();
    let trace = Trace::from_bytes(&file).unwrap();
    let summary = trace.summary();
    assert!(summary.truncated && summary.damaged_parts == 0, "{summary:?}");
    assert!(summary.tasks.returned >= Some(10) && summary.tasks.spawned == 12, "{summary:?}");
}

/// An event that comes from within another one: an allocator that traces would do so.
#[test]
fn what_cannot_be_recorded_is_counted_in_the_trace() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let runtime = recorded(&recording, 0);
    let handle = runtime.handle().clone();
    let last = Last(Waker::noop().clone(), handle.clone());
    let ends = std::thread::spawn(move || {
        LAST.with(|slot| assert!(slot.set(last).is_ok()));
        handle.spawn(async {});
    });
    ends.join().unwrap();
    drop(runtime);
    let report = recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    let spawns = recorded.count(|event| matches!(event, Event::Spawn(_))) as u64;
    assert_eq!(spawns + report.dropped_events, 2);
    let missed: u64 =
        recorded.trace.drops().iter().filter(|drop| drop.thread.is_none()).map(|d| d.count).sum();
    assert_eq!(missed, report.dropped_events);
}
