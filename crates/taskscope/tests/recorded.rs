//! Wrapped futures, against futures that count their own polls. In this file Tokio
//! tells nothing, unless a test says so: all of it holds with and without
//! `--cfg tokio_unstable`.
//!
//! ```sh
//! RUSTFLAGS="" cargo test -p taskscope --test recorded
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker as StdWaker};
use std::time::Duration;

use common::{Hooks, Recorded, current_thread, multi_thread, read, record_with};
use taskscope::{Detail, RecordExt, Recorder};
use taskscope_format::{EndKind, Event, PollResult, TaskId};
use taskscope_model::{LaneKind, PollEnd, State, TaskIx, Waker};
use tokio::sync::{mpsc, oneshot};

/// A wrapped future goes into the recording that began last in its process, so
/// there is one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records a program of whose runtime Tokio tells nothing.
fn wrapped(program: impl FnOnce()) -> Recorded {
    let _alone = alone();
    record_with(Hooks, |_| program())
}

/// Counts polls by name.
#[derive(Clone, Default)]
struct Oracle(Arc<Mutex<HashMap<String, Arc<AtomicU32>>>>);

impl Oracle {
    /// A future that counts its polls, recorded under a name.
    fn counted<F: Future>(&self, name: String, future: F) -> taskscope::Recorded<Counted<F>> {
        let polls = Arc::clone(self.0.lock().unwrap().entry(name.clone()).or_default());
        Counted { future: Box::pin(future), polls }.recorded_as(name)
    }

    /// All of them were recorded as they were polled, and returned.
    fn check(&self, recorded: &Recorded) {
        let counts = self.0.lock().unwrap();
        assert_eq!(recorded.trace.tasks().len(), counts.len());
        for (name, polls) in counts.iter() {
            let (task, id) = find(recorded, name);
            assert_eq!(recorded.trace.task(task).poll_count(), polls.load(Ordering::Relaxed));
            assert_eq!(recorded.ends(id), [(EndKind::Returned, false)], "{name}");
            let polls = recorded.trace.task_polls(task);
            let how = |(position, &poll)| match recorded.trace.poll(poll).how {
                PollEnd::Ready => position + 1 == polls.len(),
                _ => position + 1 < polls.len(),
            };
            assert!(polls.iter().enumerate().all(how), "{name}");
        }
    }
}

struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicU32>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(context)
    }
}

fn find(recorded: &Recorded, name: &str) -> (TaskIx, TaskId) {
    let named = |task: &taskscope_model::Task| task.name.as_deref() == Some(name);
    let position = recorded.trace.tasks().iter().position(named).unwrap();
    let task = TaskIx(position as u32);
    (task, recorded.trace.task(task).id)
}

/// Who woke a task, call by call.
fn woken_by(recorded: &Recorded, task: TaskIx) -> Vec<Waker> {
    let trace = &recorded.trace;
    trace.task_wakes(task).iter().map(|&wake| trace.wake(wake).by).collect()
}

/// Some turns for the executor, of every sort that needs no runtime: a channel
/// that is too narrow, and wakes of its own.
async fn busy(sender: mpsc::Sender<u32>, rounds: u32) {
    for round in 0..rounds {
        sender.send(round).await.unwrap();
        smol::future::yield_now().await;
    }
}

async fn take_all(mut receiver: mpsc::Receiver<u32>) -> u32 {
    let mut taken = 0;
    while receiver.recv().await.is_some() {
        taken += 1;
    }
    taken
}

fn counts_on_tokio(builder: &mut tokio::runtime::Builder) {
    let oracle = Oracle::default();
    let recorded = wrapped(|| {
        let runtime = builder.build().unwrap();
        let taken = runtime.block_on(async {
            let (sender, receiver) = mpsc::channel(2);
            for number in 0..20 {
                let busy = busy(sender.clone(), 30);
                tokio::spawn(oracle.counted(format!("sender {number}"), busy));
            }
            drop(sender);
            tokio::spawn(oracle.counted("receiver".to_owned(), take_all(receiver))).await.unwrap()
        });
        assert_eq!(taken, 20 * 30);
    });
    oracle.check(&recorded);
    let trace = &recorded.trace;
    assert!(trace.polls().iter().all(|poll| trace.is_worker(poll.lane)), "Tokio was asked");
    assert_eq!(trace.summary().polls, trace.polls().len() as u64);
}

#[test]
fn polls_on_the_workers_of_tokio() {
    counts_on_tokio(&mut multi_thread(2));
}

#[test]
fn polls_on_the_current_thread() {
    counts_on_tokio(&mut current_thread());
}

/// Runs `main` on an executor of two threads that is not Tokio's.
fn on_smol(main: impl Future<Output = ()>, executor: &smol::Executor<'_>) {
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let thread = std::thread::Builder::new().name(format!("smol-{number}"));
            let stopped = stopped.clone();
            let run = async move {
                let _ = executor.run(stopped.recv()).await;
            };
            thread.spawn_scoped(scope, || smol::block_on(run)).unwrap();
        }
        smol::block_on(main);
        drop(stop);
    });
}

#[test]
fn polls_on_an_executor_that_is_not_tokio() {
    let oracle = Oracle::default();
    let recorded = wrapped(|| {
        let executor = smol::Executor::new();
        let main = async {
            let (sender, receiver) = mpsc::channel(2);
            for number in 0..20 {
                let busy = busy(sender.clone(), 30);
                executor.spawn(oracle.counted(format!("sender {number}"), busy)).detach();
            }
            drop(sender);
            let taken = oracle.counted("receiver".to_owned(), take_all(receiver));
            assert_eq!(executor.spawn(taken).await, 20 * 30);
        };
        on_smol(main, &executor);
    });
    oracle.check(&recorded);
    let trace = &recorded.trace;
    assert!(trace.runtimes().is_empty());
    for poll in trace.polls() {
        let LaneKind::Thread(thread) = trace.lane(poll.lane).kind else { panic!("{poll:?}") };
        assert!(trace.thread_name(thread).starts_with("thread smol-"));
    }
    // The figures know them, and what they sum up to.
    let summary = trace.summary();
    assert_eq!(summary.polls, trace.polls().len() as u64);
    assert_eq!(summary.threads.iter().map(|thread| thread.polls).sum::<u64>(), summary.polls);
    assert_eq!(summary.tasks.returned, Some(21));
    let longest = trace.polls().iter().map(|poll| poll.duration()).max();
    assert_eq!(Some(summary.longest_poll_ns), longest);
    // Each that yielded says so.
    let yields = trace.polls().iter().filter(|poll| matches!(poll.how, PollEnd::Yielded { .. }));
    assert!(yields.count() >= 20 * 30);
}

#[test]
fn a_task_is_introduced() {
    let mut place = 0;
    let size = size_of_val(&smol::future::yield_now());
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            place = line!() + 1;
            let task = taskscope::spawn(async {
                let child = smol::future::yield_now();
                tokio::spawn(child.recorded_as("child")).await.unwrap();
            });
            task.await.unwrap();
        });
    });
    let (child, id) = find(&recorded, "child");
    assert!(id.is_wrapped() && id.to_string().starts_with('f'), "{id}");
    let child = recorded.trace.task(child);
    assert_eq!(child.size, Some(size as u64));
    let parent = recorded.trace.task(child.parent.unwrap());
    let at = recorded.trace.place(parent.place.unwrap());
    assert!(at.file.ends_with("recorded.rs"), "{at:?}");
    assert_eq!(at.line, place);
    assert_eq!((&parent.name, parent.parent), (&None, None));
}

#[test]
fn wakes_tell_who_called_the_waker() {
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let (by_task, first) = oneshot::channel();
            let (by_thread, second) = oneshot::channel();
            let waits = async {
                first.await.unwrap();
                second.await.unwrap();
            };
            let waits = tokio::spawn(waits.recorded_as("waits"));
            tokio::task::yield_now().await;
            let sends = async { by_task.send(()).unwrap() };
            tokio::spawn(sends.recorded_as("sends")).await.unwrap();
            tokio::task::yield_now().await;
            let thread = std::thread::Builder::new().name("calls".to_owned());
            let thread = thread.spawn(|| by_thread.send(()).unwrap()).unwrap();
            waits.await.unwrap();
            thread.join().unwrap();
        });
    });
    let (waits, _) = find(&recorded, "waits");
    let (sends, _) = find(&recorded, "sends");
    let [Waker::Task(task), Waker::Thread(thread)] = woken_by(&recorded, waits)[..] else {
        panic!("{:?}", woken_by(&recorded, waits))
    };
    assert_eq!(task, sends);
    assert_eq!(recorded.trace.thread_name(thread), "thread calls");
    // It was polled for the first time, then once for each wake.
    let states: Vec<_> = recorded.trace.states(waits).map(|span| span.state).collect();
    use State::{Running, Scheduled, Waiting};
    let turn = [Running, Waiting, Scheduled];
    assert_eq!(states, [&[Scheduled][..], &turn, &turn, &[Running]].concat());
}

#[test]
fn what_sleeps_waits_and_what_yields_does_not() {
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let sleeps = tokio::time::sleep(Duration::from_millis(20)).recorded_as("sleeps");
            tokio::spawn(sleeps).await.unwrap();
            let yields = async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::spawn(yields.recorded_as("yields")).await.unwrap();
        });
    });
    let times = |name| recorded.trace.state_times(find(&recorded, name).0);
    assert!(times("sleeps").waiting >= 15_000_000, "{:?}", times("sleeps"));
    let (yields, _) = find(&recorded, "yields");
    let kept = recorded.count(|event| {
        matches!(event, Event::PollEnd { result: PollResult::Pending, kept_waker: true })
    });
    assert_eq!(kept, 1 + 5, "one for the timer, and one for each yield");
    assert_eq!(recorded.trace.task_wakes(yields).len(), 5);
}

#[test]
fn a_future_that_is_dropped_is_cancelled_and_what_it_does_then_is_its_own() {
    struct SendsWhenDropped(Option<oneshot::Sender<()>>);
    impl Drop for SendsWhenDropped {
        fn drop(&mut self) {
            let _ = self.0.take().unwrap().send(());
        }
    }
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let (sender, receiver) = oneshot::channel();
            let hears = tokio::spawn(receiver.recorded_as("hears"));
            let sends = SendsWhenDropped(Some(sender));
            let aborted = async move {
                let _sends = sends;
                std::future::pending::<()>().await;
            };
            let aborted = tokio::spawn(aborted.recorded_as("aborted"));
            tokio::task::yield_now().await;
            aborted.abort();
            assert!(aborted.await.unwrap_err().is_cancelled());
            hears.await.unwrap().unwrap();
        });
    });
    let (aborted, id) = find(&recorded, "aborted");
    assert_eq!(recorded.ends(id), [(EndKind::Cancelled, false)]);
    assert_eq!(recorded.polls(id), 1);
    let (hears, id) = find(&recorded, "hears");
    assert_eq!(woken_by(&recorded, hears), [Waker::Task(aborted)]);
    assert_eq!(recorded.ends(id), [(EndKind::Returned, false)]);
}

#[test]
fn a_future_that_nobody_polls() {
    let recorded = wrapped(|| drop(async {}.recorded_as("unborn")));
    if cfg!(tokio_unstable) {
        assert!(recorded.trace.tasks().is_empty());
    } else {
        let (unborn, id) = find(&recorded, "unborn");
        assert_eq!(recorded.ends(id), [(EndKind::Cancelled, false)]);
        assert_eq!(recorded.trace.task(unborn).poll_count(), 0);
    }
}

#[test]
fn a_panic_passes_through_and_is_told() {
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let panics = async {
                tokio::task::yield_now().await;
                std::panic::resume_unwind(Box::new("a panic of the future's"));
            };
            let error = tokio::spawn(panics.recorded_as("panics")).await.unwrap_err();
            let payload = error.into_panic().downcast::<&str>().unwrap();
            assert_eq!(*payload, "a panic of the future's");
        });
    });
    let (task, id) = find(&recorded, "panics");
    assert_eq!(recorded.ends(id), [(EndKind::Panicked, false)]);
    let polls = recorded.trace.task_polls(task);
    let how: Vec<_> = polls.iter().map(|&poll| recorded.trace.poll(poll).how).collect();
    assert!(matches!(how[..], [PollEnd::Yielded { .. }, PollEnd::Panicked]), "{how:?}");
}

#[test]
fn an_arm_of_a_select_is_recorded_within_its_task() {
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let outer = async {
                let wins = async {
                    for _ in 0..3 {
                        tokio::task::yield_now().await;
                    }
                };
                let wins = wins.recorded_as("wins");
                let loses = std::future::pending::<()>().recorded_as("loses");
                tokio::select! { () = wins => {}, () = loses => {} }
            };
            tokio::spawn(outer.recorded_as("outer")).await.unwrap();
        });
    });
    let trace = &recorded.trace;
    let (outer, _) = find(&recorded, "outer");
    for (name, end) in [("wins", EndKind::Returned), ("loses", EndKind::Cancelled)] {
        let (arm, id) = find(&recorded, name);
        assert_eq!(trace.task(arm).parent, Some(outer));
        assert_eq!(recorded.ends(id), [(end, false)]);
        for &poll in trace.task_polls(arm) {
            let poll = trace.poll(poll);
            assert_eq!(poll.depth, 1);
            let around = trace.task_polls(outer).iter().map(|&poll| trace.poll(poll));
            let around = around.filter(|outer| outer.start <= poll.start && poll.end <= outer.end);
            assert_eq!(around.count(), 1);
        }
    }
    let (wins, _) = find(&recorded, "wins");
    // A waker that is called inside another is both's.
    assert_eq!(trace.task_wakes(wins).len(), 3);
    assert_eq!(trace.task_wakes(outer).len(), 3);
    assert_eq!(trace.task(wins).poll_count(), 4);
    assert_eq!(trace.task(outer).poll_count(), 4);
}

/// Counts the calls of it.
#[derive(Default)]
struct CallsOfWaker(AtomicU32);

impl Wake for CallsOfWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn every_call_of_a_waker_arrives_and_none_is_told_after_the_end() {
    let executor = [Arc::new(CallsOfWaker::default()), Arc::default()];
    let recorded = wrapped(|| {
        let mut kept: Vec<StdWaker> = Vec::new();
        let mut turn = 0;
        let mut future = Box::pin(
            poll_fn(|context| {
                kept.push(context.waker().clone());
                turn += 1;
                if turn == 4 { Poll::Ready(()) } else { Poll::Pending }
            })
            .recorded_as("keeps"),
        );
        // It moves from one executor to another, and each gets its own calls.
        for number in [0, 0, 1, 1] {
            let waker = StdWaker::from(Arc::clone(&executor[number]));
            let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
        }
        drop(future);
        kept.swap(0, 3);
        let after_the_end = kept.pop().unwrap();
        after_the_end.wake_by_ref();
        after_the_end.wake();
        kept.into_iter().for_each(StdWaker::wake);
    });
    let calls = |number: usize| executor[number].0.load(Ordering::Relaxed);
    assert_eq!([calls(0), calls(1)], [3, 2]);
    let (task, _) = find(&recorded, "keeps");
    assert_eq!(recorded.trace.task_wakes(task).len(), 0);
    assert_eq!(recorded.trace.task(task).poll_count(), 4);
}

#[test]
fn two_runtimes_on_one_thread_are_told_apart() {
    let recorded = wrapped(|| {
        for _ in 0..2 {
            let runtime = current_thread().build().unwrap();
            runtime.block_on(async {}.recorded());
            drop(runtime);
        }
        // Both alive, one within the other's thread.
        let (first, second) =
            (current_thread().build().unwrap(), current_thread().build().unwrap());
        first.block_on(async {}.recorded_as("first"));
        second.block_on(async {}.recorded_as("second"));
    });
    let runtime = |name| recorded.trace.task(find(&recorded, name).0).runtime;
    assert!(runtime("first").is_some());
    assert_ne!(runtime("first"), runtime("second"));
}

#[test]
fn without_wakes_where_polls_are_all_that_is_wanted() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().file(&path).detail(Detail::Polls).start().unwrap();
    smol::block_on(smol::future::yield_now().recorded_as("yields"));
    recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    let (task, id) = find(&recorded, "yields");
    assert_eq!(recorded.trace.task(task).poll_count(), 2);
    assert_eq!(recorded.ends(id), [(EndKind::Returned, false)]);
    assert!(recorded.trace.wakes().is_empty());
}

#[test]
fn it_goes_into_the_recording_that_began_last_of_those_that_run() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let run = |name: &str| smol::block_on(async { name.len() }.recorded_as(name));
    let none_yet = async {}.recorded_as("none yet");
    let first = Recorder::builder().file(path("first")).start().unwrap();
    smol::block_on(none_yet);
    run("in the first");
    let second = Recorder::builder().file(path("second")).start().unwrap();
    run("in the second");
    let mut outlives = Box::pin(smol::future::yield_now().recorded_as("outlives"));
    smol::block_on(smol::future::poll_once(outlives.as_mut()));
    second.finish().unwrap();
    run("again in the first");
    smol::block_on(outlives);
    first.finish().unwrap();
    assert_eq!(run("in none"), 7);
    let names = |name| {
        let recorded = read(std::fs::read(path(name)).unwrap());
        let tasks = recorded.trace.tasks().iter();
        tasks.map(|task| task.name.as_deref().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("first"), ["in the first", "again in the first"]);
    assert_eq!(names("second"), ["in the second", "outlives"]);
}

/// Where Tokio tells of the task already.
#[cfg(tokio_unstable)]
mod beside_tokio {
    use super::*;
    use common::{Both, Layer, Sources, number, record};
    use taskscope_format::Source;

    /// What a program is told to have done, by each source.
    fn figures(recorded: &Recorded) -> [u64; 6] {
        let polls = |wanted| {
            recorded.count(|event| {
                matches!(event, Event::PollStart { source, task }
                    if *source == wanted && !task.is_wrapped())
            }) as u64
        };
        let tokios = |wanted: fn(&Event<'_>) -> Option<TaskId>| {
            recorded.count(|event| wanted(event).is_some_and(|task| !task.is_wrapped())) as u64
        };
        [
            recorded.trace.summary().polls,
            polls(Source::Hook),
            polls(Source::Span),
            tokios(|event| if let Event::Spawn(it) = event { Some(it.task) } else { None }),
            tokios(|event| if let Event::Wake { task, .. } = event { Some(*task) } else { None }),
            tokios(
                |event| if let Event::TaskEnd { task, .. } = event { Some(*task) } else { None },
            ),
        ]
    }

    /// Tasks, some of them of a `LocalSet`, and one that is aborted.
    async fn program(wrap: bool) {
        async fn wrapped_or_not<F: Future>(wrap: bool, future: F) -> F::Output {
            if wrap { future.recorded().await } else { future.await }
        }
        let turns = |wrap| {
            wrapped_or_not(wrap, async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            })
        };
        for _ in 0..5 {
            // The wrapper is the task itself, or within it.
            if wrap {
                taskscope::spawn(turns(false)).await.unwrap();
            } else {
                tokio::spawn(turns(false)).await.unwrap();
            }
            tokio::spawn(turns(wrap)).await.unwrap();
        }
        let aborted = tokio::spawn(wrapped_or_not(wrap, std::future::pending::<()>()));
        tokio::task::yield_now().await;
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        turns(wrap).await;
    }

    #[test]
    fn nothing_is_counted_twice() {
        let _alone = alone();
        for sources in [Both, Hooks, Layer] {
            let run = |wrap| {
                let recorded = record(sources, current_thread(), |runtime| {
                    let set = tokio::task::LocalSet::new();
                    // Only the layer knows of a `LocalSet`.
                    if sources == Hooks {
                        runtime.block_on(async { tokio::spawn(program(wrap)).await.unwrap() });
                    } else {
                        set.spawn_local(program(wrap));
                        runtime.block_on(program(wrap));
                        runtime.block_on(set);
                    }
                });
                let parts = recorded.trace.tasks().iter().filter(|task| task.id.is_wrapped());
                assert!(parts.clone().all(|part| part.is_part && part.poll_count() > 0));
                assert_eq!(parts.count() > 0, wrap);
                figures(&recorded)
            };
            assert_eq!(run(true), run(false), "{sources:?}");
        }
    }

    #[test]
    fn a_whole_task_has_its_name_and_is_known_to_have_returned() {
        let _alone = alone();
        for sources in [Both, Hooks, Layer] {
            let mut main = TaskId(0);
            let recorded = record(sources, current_thread(), |runtime| {
                main = runtime.block_on(async {
                    let task = tokio::spawn(async {
                        let task = async {
                            // It has kept its waker, and lasts long.
                            common::keep_waker().await;
                            std::thread::sleep(std::time::Duration::from_millis(1));
                        };
                        tokio::spawn(task.recorded_as("inner")).await.unwrap();
                    });
                    let id = number(task.id());
                    task.await.unwrap();
                    id
                });
            });
            let (task, id) = find(&recorded, "inner");
            assert!(!id.is_wrapped(), "it is Tokio's task");
            assert_eq!(recorded.ends(id), [(EndKind::Returned, false)], "{sources:?}");
            let parent = recorded.trace.task(task).parent.unwrap();
            assert_eq!(recorded.trace.task(parent).id, main, "{sources:?}");
        }
    }

    #[test]
    fn the_arms_of_a_select_are_parts_of_their_task() {
        let _alone = alone();
        for sources in [Both, Hooks, Layer] {
            let recorded = record(sources, current_thread(), |runtime| {
                runtime.block_on(async {
                    let task = tokio::spawn(async {
                        tokio::select! {
                            () = tokio::task::yield_now().recorded_as("wins") => {}
                            () = std::future::pending().recorded_as("loses") => {}
                        }
                    });
                    task.await.unwrap();
                });
            });
            let (wins, id) = find(&recorded, "wins");
            assert_eq!(recorded.ends(id), [(EndKind::Returned, false)]);
            let (loses, id) = find(&recorded, "loses");
            assert_eq!(recorded.ends(id), [(EndKind::Cancelled, false)]);
            let [wins, loses] = [wins, loses].map(|part| recorded.trace.task(part));
            assert!(wins.is_part && loses.is_part && wins.parent == loses.parent);
            assert_eq!((wins.poll_count(), wins.wake_count()), (2, 1));
            assert!((1..=2).contains(&loses.poll_count()));
            let task = recorded.trace.task(wins.parent.unwrap());
            assert!(task.is_async() && task.poll_count() == 2, "{sources:?}");
        }
    }

    #[test]
    fn what_hooks_do_not_tell_of_is_told() {
        let _alone = alone();
        let recorded = record(Sources::Hooks, current_thread(), |runtime| {
            let set = tokio::task::LocalSet::new();
            set.spawn_local(tokio::task::yield_now().recorded_as("local"));
            runtime.block_on(set);
        });
        let (task, id) = find(&recorded, "local");
        assert_eq!(recorded.trace.task(task).poll_count(), 2);
        assert_eq!(recorded.ends(id), [(EndKind::Returned, false)]);
    }
}
