//! The last poll of a task, its end, and the visit that only drops it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use taskscope_format::{EndKind, Event, PollResult, TaskId};
use taskscope_model::PollEnd;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::common::{
    Both, Hooks, Layer, current_thread, multi_thread, number, record, record_beside_all_spans,
};
use super::starts;

#[test]
fn trap_01_one_enter_exit_pair_too_many() {
    let twice = || async {
        let task = tokio::spawn(async {
            yield_now().await;
            yield_now().await;
        });
        let id = number(task.id());
        task.await.unwrap();
        id
    };
    let mut task = TaskId(0);
    let both = record(Both, current_thread(), |runtime| task = runtime.block_on(twice()));
    assert_eq!((both.hook_polls(task), both.span_polls(task)), (3, 0));
    assert_eq!(both.polls(task), 3);
    assert_eq!(both.ends(task), [(EndKind::Returned, both.ended_in_a_long_poll(task))]);
    let ready =
        |event: &Event<'_>| matches!(event, Event::PollEnd { result: PollResult::Ready, .. });
    assert_eq!(both.count(ready), 1);

    let layer = record(Layer, current_thread(), |runtime| task = runtime.block_on(twice()));
    assert_eq!((layer.hook_polls(task), layer.span_polls(task)), (0, 4));
    assert_eq!(layer.polls(task), 3, "the last visit only dropped the future");
    assert_eq!(layer.ends(task), [(EndKind::Returned, true)]);

    let hooks = record(Hooks, current_thread(), |runtime| task = runtime.block_on(twice()));
    assert_eq!(hooks.hook_polls(task), 3);
    assert_eq!(hooks.ends(task), [(EndKind::Unknown, false)]);
}

#[test]
fn trap_02_cancelled_tasks_are_visited_and_not_polled() {
    /// One task aborted before its first poll, one after it.
    async fn abort_two() -> [TaskId; 2] {
        let never = tokio::spawn(std::future::pending::<()>());
        let once = tokio::spawn(std::future::pending::<()>());
        let ids = [number(never.id()), number(once.id())];
        never.abort();
        yield_now().await;
        once.abort();
        assert!(never.await.unwrap_err().is_cancelled());
        assert!(once.await.unwrap_err().is_cancelled());
        ids
    }
    for sources in [Both, Layer] {
        let mut tasks = [TaskId(0); 2];
        let recorded =
            record(sources, current_thread(), |runtime| tasks = runtime.block_on(abort_two()));
        let inferred = sources == Layer;
        for task in tasks {
            assert_eq!(recorded.ends(task), [(EndKind::Cancelled, inferred)], "{sources:?}");
        }
        assert_eq!((recorded.polls(tasks[0]), recorded.polls(tasks[1])), (0, 1), "{sources:?}");
        let trace = &recorded.trace;
        let polls = trace.task_polls(trace.find_task(tasks[1]).unwrap());
        assert_eq!(
            trace.poll(polls.first().unwrap()).how,
            PollEnd::Cancelled,
            "never polled again"
        );
        let only_dropped = recorded
            .count(|event| matches!(event, Event::PollEnd { result: PollResult::OnlyDropped, .. }));
        assert_eq!(only_dropped, if sources == Both { 2 } else { 0 });
    }
}

#[test]
fn trap_02_a_task_dropped_by_shutdown_is_not_polled() {
    for builder in [current_thread, || multi_thread(1)] {
        for sources in [Both, Hooks] {
            let mut task = TaskId(0);
            let recorded = record(sources, builder(), |runtime| {
                let (begun, has_begun) = oneshot::channel();
                let waiting = runtime.spawn(async move {
                    begun.send(()).unwrap();
                    std::future::pending::<()>().await;
                });
                task = number(waiting.id());
                runtime.block_on(has_begun).unwrap();
                // Polled behind it on the same worker: the first poll is over.
                runtime.block_on(async { tokio::spawn(async {}).await.unwrap() });
            });
            assert_eq!(recorded.polls(task), 1);
            assert_eq!(recorded.hook_polls(task), 1);
            assert_eq!(recorded.span_polls(task), 0);
            assert_eq!(recorded.ends(task), [(EndKind::Cancelled, false)], "{sources:?}");
        }
    }
}

#[test]
fn trap_02_a_task_aborted_while_it_is_polled_is_not_sure_to_have_returned() {
    let mut task = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        runtime.block_on(async {
            let (send, receive) = oneshot::channel::<tokio::task::AbortHandle>();
            let aborting = tokio::spawn(async {
                receive.await.unwrap().abort();
                yield_now().await;
                unreachable!("aborted");
            });
            task = number(aborting.id());
            send.send(aborting.abort_handle()).unwrap();
            assert!(aborting.await.unwrap_err().is_cancelled());
        });
    });
    let [(_, inferred)] = recorded.ends(task)[..] else { panic!("one end") };
    assert!(inferred);
}

/// Such a task has not even left a waker behind.
#[test]
fn trap_02_nor_is_one_that_is_aborted_by_another_thread_in_a_long_poll() {
    for sources in [Both, Layer] {
        let mut task = TaskId(0);
        let recorded = record(sources, multi_thread(1), |runtime| {
            let (begun, has_begun) = mpsc::channel();
            let aborted = Arc::new(AtomicBool::new(false));
            let is_aborted = Arc::clone(&aborted);
            let aborting = runtime.spawn(async move {
                begun.send(Instant::now()).unwrap();
                while !is_aborted.load(Ordering::Acquire) {
                    std::hint::spin_loop();
                }
                std::future::pending::<()>().await;
            });
            task = number(aborting.id());
            let begun = has_begun.recv().unwrap();
            while begun.elapsed() < Duration::from_millis(1) {
                std::thread::yield_now();
            }
            aborting.abort();
            aborted.store(true, Ordering::Release);
            assert!(runtime.block_on(aborting).unwrap_err().is_cancelled());
        });
        let [(_, inferred)] = recorded.ends(task)[..] else { panic!("one end") };
        assert!(inferred, "{sources:?}");
        assert_eq!(recorded.trace.summary().tasks.inferred, 1);
    }
}

#[test]
fn trap_03_panicked_is_seen_while_unwinding() {
    for sources in [Both, Layer] {
        let mut task = TaskId(0);
        let recorded = record(sources, current_thread(), |runtime| {
            task = runtime.block_on(async {
                let task = tokio::spawn(async {
                    yield_now().await;
                    // As `panic!`, without a message on standard error.
                    std::panic::resume_unwind(Box::new("on purpose"));
                });
                let id = number(task.id());
                assert!(task.await.unwrap_err().is_panic());
                id
            });
        });
        assert_eq!(recorded.ends(task), [(EndKind::Panicked, false)], "{sources:?}");
        assert_eq!(recorded.polls(task), 2, "{sources:?}");
        assert!(
            recorded.count(|event| {
                matches!(event, Event::PollEnd { result: PollResult::Panicked, .. })
            }) >= 1
        );
    }
}

#[test]
fn a_task_whose_span_is_kept_ends_when_it_ends() {
    for sources in [Both, Layer] {
        let mut task = TaskId(0);
        let recorded = record_beside_all_spans(sources, |runtime| {
            runtime.block_on(async {
                // The task's span is the parent of this one, and lives as long.
                let spawned = tokio::spawn(async { tracing::info_span!("kept") });
                task = number(spawned.id());
                let kept = spawned.await.unwrap();
                tokio::spawn(async {}).await.unwrap();
                drop(kept);
            });
        });
        let [(end, _)] = recorded.ends(task)[..] else { panic!("one end: {sources:?}") };
        assert_eq!(end, EndKind::Returned, "{sources:?}");
        if sources == Both {
            assert_eq!(recorded.polls(task), 1);
            let stream = recorded.stream_with(starts(task));
            let begun = stream.iter().position(starts(task)).unwrap();
            let ended = stream
                .iter()
                .position(|e| matches!(e, Event::TaskEnd { task: t, .. } if *t == task));
            let next = stream[begun..].iter().position(|e| matches!(e, Event::PollEnd { .. }));
            assert!(ended.unwrap() < begun + next.unwrap(), "within its poll");
        }
    }
}

/// The future leaves no waker behind, so that nothing happens between its poll and its drop but
/// that the worker parks.
#[test]
fn a_task_that_is_aborted_after_its_worker_has_parked_was_cancelled() {
    for of_workers in [current_thread, || multi_thread(1)] {
        for sources in [Both, Layer] {
            let mut task = TaskId(0);
            let recorded = record(sources, of_workers(), |runtime| {
                runtime.block_on(async {
                    let pending = tokio::spawn(std::future::pending::<()>());
                    task = TaskId(pending.id().to_string().parse().unwrap());
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    pending.abort();
                    assert!(pending.await.unwrap_err().is_cancelled());
                });
            });
            let ends = recorded.ends(task);
            assert!(matches!(ends[..], [(EndKind::Cancelled, _)]), "{sources:?}: {ends:?}");
        }
    }
}
