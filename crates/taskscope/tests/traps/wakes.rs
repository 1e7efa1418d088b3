//! Wakes: of whom, by whom, and where they stand in a stream.

use std::sync::Arc;
use std::time::Duration;

use taskscope_format::{CancelledBy, EndKind, Event, PollResult, TaskId, TaskKind, WakeOp};
use tokio::sync::{Notify, oneshot};
use tokio::task::{LocalSet, yield_now};

use super::common::{Both, Layer, Recorded, current_thread, multi_thread, number, record};
use super::starts;

#[test]
fn trap_06_a_wake_names_the_task_and_not_its_span() {
    let mut tasks = Vec::new();
    let recorded = record(Both, current_thread(), |runtime| {
        tasks = runtime.block_on(async {
            // Spans and tasks are numbered differently from here on.
            for _ in 0..10 {
                tokio::spawn(async {}).await.unwrap();
            }
            let (send, receive) = oneshot::channel();
            let waiting = tokio::spawn(async { receive.await.unwrap() });
            yield_now().await;
            let sending = tokio::spawn(async { send.send(()).unwrap() });
            let ids = vec![number(waiting.id()), number(sending.id())];
            waiting.await.unwrap();
            sending.await.unwrap();
            ids
        });
    });
    let stream = recorded.stream_with(starts(tasks[1]));
    let begun = stream.iter().position(starts(tasks[1])).unwrap();
    assert_eq!(
        stream[begun + 1],
        Event::Wake { task: tasks[0], op: WakeOp::ByRef },
        "the sender woke the receiver"
    );
    let known: Vec<_> = [TaskKind::Task, TaskKind::BlockOn]
        .into_iter()
        .flat_map(|kind| recorded.spawned(kind))
        .collect();
    for event in recorded.events() {
        if let Event::Wake { task, .. } = event {
            assert!(known.contains(&task), "{task} was never spawned");
        }
    }
}

#[test]
fn trap_07_the_first_scheduling_has_no_wake() {
    let mut task = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        runtime.block_on(async {
            let spawned = tokio::spawn(async {});
            task = number(spawned.id());
            spawned.await.unwrap();
        });
    });
    assert_eq!(recorded.polls(task), 1);
    let wakes = recorded.count(|e| matches!(e, Event::Wake { task: woken, .. } if *woken == task));
    assert_eq!(wakes, 0);
}

#[test]
fn trap_08_yield_now_wakes_after_the_poll() {
    let mut task = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        runtime.block_on(async {
            let spawned = tokio::spawn(yield_now());
            task = number(spawned.id());
            spawned.await.unwrap();
        });
    });
    let stream = recorded.stream_with(starts(task));
    let begun = stream.iter().position(starts(task)).unwrap();
    assert_eq!(
        stream[begun + 1],
        Event::PollEnd { result: PollResult::Pending, kept_waker: true },
        "the waker was cloned in the poll"
    );
    let next = stream[begun + 2..]
        .iter()
        .find(|event| !matches!(event, Event::Park | Event::Unpark | Event::Worker(_)));
    assert_eq!(next, Some(&Event::Wake { task, op: WakeOp::ByValue }), "outside of any poll");

    // Where the thread is no worker, nothing could wake the task later.
    let recorded = record(Layer, multi_thread(1), |runtime| {
        LocalSet::new().block_on(runtime, async {
            let spawned = tokio::task::spawn_local(yield_now());
            task = number(spawned.id());
            spawned.await.unwrap();
        });
    });
    let stream = recorded.stream_with(starts(task));
    let begun = stream.iter().position(starts(task)).unwrap();
    let ended = stream[begun..].iter().position(|e| matches!(e, Event::PollEnd { .. })).unwrap();
    let within = &stream[begun..begun + ended];
    assert!(
        within
            .iter()
            .any(|event| matches!(event, Event::Wake { task: woken, .. } if *woken == task)),
        "the task wakes itself within the poll: {within:?}"
    );
}

#[test]
fn trap_09_the_finished_task_wakes_its_joiner_within_its_last_poll() {
    let (mut joiner, mut joined) = (TaskId(0), TaskId(0));
    let recorded = record(Both, current_thread(), |runtime| {
        (joiner, joined) = runtime.block_on(async {
            let task = tokio::spawn(async {
                let task = tokio::spawn(async {});
                let id = number(task.id());
                task.await.unwrap();
                id
            });
            (number(task.id()), task.await.unwrap())
        });
    });
    let stream = recorded.stream_with(starts(joined));
    let begun = stream.iter().position(starts(joined)).unwrap();
    assert_eq!(
        stream[begun + 1..begun + 4],
        [
            Event::TaskEnd {
                task: joined,
                end: EndKind::Returned,
                inferred: recorded.ended_in_a_long_poll(joined),
                cancelled_by: CancelledBy::Unknown,
            },
            Event::Wake { task: joiner, op: WakeOp::ByRef },
            Event::PollEnd { result: PollResult::Ready, kept_waker: false },
        ]
    );
}

/// Where a wake stands: which worker, and inside how many polls.
fn wakes_of(recorded: &Recorded, task: TaskId) -> Vec<(Option<u32>, usize)> {
    let mut found = Vec::new();
    let mut threads = std::collections::HashMap::new();
    for record in &recorded.records {
        let (worker, depth) = threads.entry(record.thread).or_insert((None, 0));
        match record.event {
            Event::Worker(now) => *worker = now.map(|(_, index)| index),
            Event::PollStart { .. } => *depth += 1,
            Event::PollEnd { .. } => *depth -= 1,
            Event::Wake { task: woken, .. } if woken == task => found.push((*worker, *depth)),
            _ => {}
        }
    }
    found
}

#[test]
fn trap_10_a_wake_from_outside_stands_in_no_poll() {
    let (mut timer, mut foreign) = (TaskId(0), TaskId(0));
    let recorded = record(Both, multi_thread(1), |runtime| {
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        runtime.block_on(async {
            // More than one, for a timer can fire before it is first asked.
            let task = tokio::spawn(async {
                for _ in 0..5 {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
            });
            timer = number(task.id());
            task.await.unwrap();

            let notify = Arc::new(Notify::new());
            let waiting = Arc::clone(&notify);
            let (begun, has_begun) = oneshot::channel();
            let task = tokio::spawn(async move {
                let mut notified = std::pin::pin!(waiting.notified());
                notified.as_mut().enable();
                begun.send(()).unwrap();
                notified.await;
            });
            foreign = number(task.id());
            has_begun.await.unwrap();
            // The task may still be in its first poll; then nothing has a waker
            // to call. It parks when it is out of it.
            yield_now().await;
            let waking = std::thread::spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || notify.notify_one());
            });
            task.await.unwrap();
            waking.join().unwrap();
        });
    });
    let by_driver = wakes_of(&recorded, timer);
    assert!(!by_driver.is_empty());
    for place in by_driver {
        assert_eq!(place, (Some(0), 0), "from the driver, on the worker");
    }
    for place in wakes_of(&recorded, foreign) {
        assert_eq!(place, (None, 0), "from a thread that is no worker");
    }
}
