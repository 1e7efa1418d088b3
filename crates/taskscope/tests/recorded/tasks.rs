//! The life of a wrapped future: its introduction, its states, its end, and whose part it is.

use std::time::Duration;

use taskscope::{RecordExt, Recorder};
use taskscope_format::{EndKind, Event, PollResult};
use taskscope_model::{PollEnd, Waker};
use tokio::sync::oneshot;

use crate::common::{current_thread, read};
use crate::{alone, find, woken_by, wrapped};

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
    assert_eq!(&*at.file, file!());
    assert_eq!(at.line, place);
    assert_eq!((parent.name(), parent.parent), (None, None));
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
    assert_eq!(recorded.trace.task_wakes(yields).count(), 5);
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
fn a_future_that_is_never_polled() {
    let recorded = wrapped(|| drop(async {}.recorded_as("unborn")));
    if cfg!(tokio_unstable) {
        assert!(recorded.trace.task_count() == 0);
    } else {
        let (unborn, id) = find(&recorded, "unborn");
        assert_eq!(recorded.ends(id), [(EndKind::Cancelled, false)]);
        assert_eq!(recorded.trace.task(unborn).poll_count(), 0);
    }
}

#[test]
fn a_panic_passes_through_and_is_recorded() {
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
    let how: Vec<_> = polls.iter().map(|poll| recorded.trace.poll(poll).how).collect();
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
        for poll in trace.task_polls(arm) {
            let poll = trace.poll(poll);
            assert_eq!(poll.depth, 1);
            let around = trace.task_polls(outer).iter().map(|poll| trace.poll(poll));
            let around = around.filter(|outer| outer.start <= poll.start && poll.end <= outer.end);
            assert_eq!(around.count(), 1);
        }
    }
    let (wins, _) = find(&recorded, "wins");
    // A waker that is called inside another is both's.
    assert_eq!(trace.task_wakes(wins).count(), 3);
    assert_eq!(trace.task_wakes(outer).count(), 3);
    assert_eq!(trace.task(wins).poll_count(), 4);
    assert_eq!(trace.task(outer).poll_count(), 4);
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
        let tasks = recorded.trace.tasks();
        tasks.map(|task| task.name().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("first"), ["in the first", "again in the first"]);
    assert_eq!(names("second"), ["in the second", "outlives"]);
}
