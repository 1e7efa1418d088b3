//! What tasks wait for, why they yield, and from which queue they come.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use common::{Both, Hooks, Recorded, current_thread, multi_thread, number, record};
use taskscope_format::{Event, TaskId};
use taskscope_model::{PollEnd, Queue, Trace, WaitedFor, WakeEffect};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Barrier, Mutex, Notify, RwLock, Semaphore, mpsc, oneshot};
use tokio::task::yield_now;

/// What each poll of a task waited for, in words; the place where that was made, by
/// its line.
fn waits(trace: &Trace, task: TaskId) -> Vec<(String, Option<u32>)> {
    let task = trace.find_task(task).unwrap();
    let polls = trace.task_polls(task).iter();
    polls
        .filter_map(|poll| trace.waited_for(poll))
        .map(|waited| match waited {
            WaitedFor::Operations(waits) if waits.len() == 1 => {
                let wait = waits[0];
                let resource = trace.resource(wait.resource);
                let line = resource.place.map(|place| trace.place(place).line);
                (resource.operation(wait.operation).to_owned(), line)
            }
            WaitedFor::Operations(several) => (format!("{} operations", several.len()), None),
            WaitedFor::Join(of) => (format!("join {}", trace.task(of).id), None),
            WaitedFor::Io => ("I/O".to_owned(), None),
            WaitedFor::Unknown => ("unknown".to_owned(), None),
        })
        .collect()
}

/// Spawns a task that does `waits`, and wakes it by `wakes` once it has been polled;
/// what it waited for.
fn waited(
    waits_for: impl Future<Output = ()> + Send + 'static,
    wakes: impl Future<Output = ()> + Send + 'static,
) -> Vec<(String, Option<u32>)> {
    let mut id = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        runtime.block_on(async {
            let task = tokio::spawn(waits_for);
            id = number(task.id());
            yield_now().await;
            wakes.await;
            task.await.unwrap();
        });
    });
    waits(&recorded.trace, id)
}

fn expected(operation: &str, line: u32) -> Vec<(String, Option<u32>)> {
    vec![(operation.to_owned(), Some(line))]
}

#[test]
fn a_lock_is_recorded_with_its_operation_and_the_place_where_it_was_made() {
    let (mutex, line) = (Arc::new(Mutex::new(())), line!());
    // Made before the recording: nothing is known of it.
    let held = Arc::clone(&mutex).try_lock_owned().unwrap();
    assert_eq!(
        waited(async move { drop(mutex.lock().await) }, async { drop(held) }),
        [("unknown".to_owned(), None)],
        "{line}"
    );

    let (send, receive) = std::sync::mpsc::channel();
    let first_line = line!() + 3;
    let found = waited(
        async move {
            let mutex = Arc::new(Mutex::new(()));
            send.send(Arc::clone(&mutex).try_lock_owned().unwrap()).unwrap();
            drop(mutex.lock().await);
        },
        async move { drop(receive.recv().unwrap()) },
    );
    assert_eq!(found, expected("Mutex::lock", first_line));

    let (send, receive) = std::sync::mpsc::channel();
    let first_line = line!() + 3;
    let found = waited(
        async move {
            let lock = Arc::new(RwLock::new(()));
            send.send(Arc::clone(&lock).try_write_owned().unwrap()).unwrap();
            drop(lock.read().await);
        },
        async move { drop(receive.recv().unwrap()) },
    );
    assert_eq!(found, expected("RwLock::read", first_line));

    let (send, receive) = std::sync::mpsc::channel();
    let first_line = line!() + 3;
    let found = waited(
        async move {
            let semaphore = Arc::new(Semaphore::new(1));
            send.send(Arc::clone(&semaphore).try_acquire_owned().unwrap()).unwrap();
            drop(semaphore.acquire().await.unwrap());
        },
        async move { drop(receive.recv().unwrap()) },
    );
    assert_eq!(found, expected("Semaphore::acquire", first_line));
}

#[test]
fn channels_timers_and_barriers_are_recorded() {
    let (send, receive) = std::sync::mpsc::channel();
    let line = line!() + 3;
    let found = waited(
        async move {
            let (sender, receiver) = oneshot::channel();
            send.send(sender).unwrap();
            receiver.await.unwrap();
        },
        async move { receive.recv().unwrap().send(()).unwrap() },
    );
    assert_eq!(found, expected("oneshot::Receiver", line));

    let (send, receive) = std::sync::mpsc::channel();
    let found = waited(
        async move {
            let (sender, receiver) = mpsc::channel(1);
            send.send(receiver).unwrap();
            sender.send(1).await.unwrap();
            sender.send(2).await.unwrap();
        },
        async move {
            let mut receiver = receive.recv().unwrap();
            while receiver.recv().await.is_some() {}
        },
    );
    assert_eq!(found, [("mpsc::Sender::send".to_owned(), None)], "its capacity is a semaphore");

    let line = line!() + 1;
    let sleeps = async { tokio::time::sleep(Duration::from_millis(5)).await };
    assert_eq!(waited(sleeps, async {}), expected("sleep", line));

    let line = line!() + 2;
    let ticks = async {
        let mut interval = tokio::time::interval(Duration::from_millis(5));
        interval.tick().await;
        interval.tick().await;
    };
    let mut found = waited(ticks, async {});
    // The first tick is due at once, and may still have to wait for the timer's grain.
    found.dedup();
    assert_eq!(found, expected("Interval::tick", line));

    let (send, receive) = std::sync::mpsc::channel();
    let line = line!() + 3;
    let found = waited(
        async move {
            let barrier = Arc::new(Barrier::new(2));
            send.send(Arc::clone(&barrier)).unwrap();
            barrier.wait().await;
        },
        async move { _ = receive.recv().unwrap().wait().await },
    );
    assert_eq!(found, expected("Barrier::wait", line));
}

#[test]
fn of_several_operations_each_is_recorded() {
    let (send, receive) = std::sync::mpsc::channel();
    let found = waited(
        async move {
            let (sender, receiver) = oneshot::channel();
            send.send(sender).unwrap();
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(100)) => unreachable!(),
                received = receiver => received.unwrap(),
            }
        },
        async move { receive.recv().unwrap().send(()).unwrap() },
    );
    assert_eq!(found, [("2 operations".to_owned(), None)]);
}

#[test]
fn what_has_no_resource_is_inferred_from_who_woke() {
    let mut joined = TaskId(0);
    let mut joiner = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        (joined, joiner) = runtime.block_on(async {
            let task = tokio::spawn(yield_now());
            let joined = number(task.id());
            let task = tokio::spawn(async move { task.await.unwrap() });
            let joiner = number(task.id());
            task.await.unwrap();
            (joined, joiner)
        });
    });
    assert_eq!(waits(&recorded.trace, joiner), [(format!("join {joined}"), None)]);

    let (reads, mut writes) = tokio::io::duplex(8);
    let mut reads = reads;
    let found = waited(async move { _ = reads.read_u8().await.unwrap() }, async move {
        writes.write_u8(1).await.unwrap()
    });
    assert_eq!(found, [("unknown".to_owned(), None)]);

    let notify = Arc::new(Notify::new());
    let notified = Arc::clone(&notify);
    let found =
        waited(async move { notified.notified().await }, async move { notify.notify_one() });
    assert_eq!(found, [("unknown".to_owned(), None)]);

    let mut reader = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        reader = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let task = tokio::spawn(async move {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.read_u8().await.unwrap();
            });
            let reader = number(task.id());
            yield_now().await;
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_u8(1).await.unwrap();
            task.await.unwrap();
            reader
        });
    });
    let found = waits(&recorded.trace, reader);
    assert!(!found.is_empty() && found.iter().all(|(what, _)| what == "I/O"), "{found:?}");
}

/// Takes more messages at once than its budget has room for.
async fn takes(messages: u32) {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    for message in 0..messages {
        sender.send(message).unwrap();
    }
    drop(sender);
    while receiver.recv().await.is_some() {}
}

fn ends_of_polls(recorded: &Recorded, task: TaskId) -> Vec<PollEnd> {
    let trace = &recorded.trace;
    let polls = trace.task_polls(trace.find_task(task).unwrap()).iter();
    polls.map(|poll| trace.poll(poll).how).collect()
}

#[test]
fn yields_forced_by_the_budget_are_recorded_as_often_as_tokio_counts() {
    for sources in [Both, Hooks] {
        let (mut task, mut counted) = (TaskId(0), 0);
        let recorded = record(sources, multi_thread(1), |runtime| {
            task = runtime.block_on(async {
                let task = tokio::spawn(takes(1000));
                let id = number(task.id());
                task.await.unwrap();
                id
            });
            counted = runtime.metrics().budget_forced_yield_count();
        });
        assert_eq!(counted, 1000 / 128);
        assert_eq!(recorded.count(|event| *event == Event::BudgetSpent) as u64, counted);
        let ends = ends_of_polls(&recorded, task);
        let forced = ends.iter().filter(|how| **how == PollEnd::BudgetSpent).count();
        assert_eq!(forced as u64, counted, "{ends:?}");
    }
}

#[test]
fn tasks_come_from_their_own_queue_the_injection_queue_or_another_worker() {
    let mut injected = TaskId(0);
    let recorded = record(Both, multi_thread(1), |runtime| {
        injected = runtime.block_on(async {
            let task = tokio::spawn(async {
                tokio::spawn(yield_now()).await.unwrap();
            });
            let id = number(task.id());
            task.await.unwrap();
            id
        });
    });
    let trace = &recorded.trace;
    let queues = |task: TaskId| -> Vec<_> {
        let polls = trace.task_polls(trace.find_task(task).unwrap()).iter();
        polls.map(|poll| trace.arrival(poll).unwrap()).collect()
    };
    // Spawned by the thread that blocks, which is no worker; then woken by the
    // worker on which its child ended.
    let of_injected: Vec<_> = queues(injected).iter().map(|arrival| arrival.queue).collect();
    assert_eq!(of_injected[0], Queue::Injection);
    assert!(of_injected[1..].iter().all(|queue| *queue == Queue::Own), "{of_injected:?}");
    assert!(queues(injected).iter().all(|arrival| arrival.inferred));

    // The worker is busy until the other has taken its task.
    let mut stolen = TaskId(0);
    let recorded = record(Both, multi_thread(2), |runtime| {
        stolen = runtime.block_on(async {
            let task = tokio::spawn(async {
                let (send, receive) = std::sync::mpsc::channel();
                let task = tokio::spawn(async move { send.send(()).unwrap() });
                // The last one spawned goes into the LIFO slot, from which no worker steals.
                let last = tokio::spawn(async {});
                receive.recv().unwrap();
                last.await.unwrap();
                let id = number(task.id());
                task.await.unwrap();
                id
            });
            task.await.unwrap()
        });
    });
    let trace = &recorded.trace;
    let poll = trace.task_polls(trace.find_task(stolen).unwrap()).first().unwrap();
    let arrival = trace.arrival(poll).unwrap();
    let Queue::Stolen { from } = arrival.queue else { panic!("{arrival:?}") };
    assert!(from != trace.poll(poll).lane && arrival.inferred);
}

#[test]
fn wakes_that_change_nothing_are_told_apart() {
    let mut task = TaskId(0);
    let recorded = record(Both, current_thread(), |runtime| {
        task = runtime.block_on(async {
            let (send, receive) = oneshot::channel();
            let task = tokio::spawn(async move {
                let waker = std::future::poll_fn(|cx| {
                    cx.waker().wake_by_ref();
                    cx.waker().wake_by_ref();
                    std::task::Poll::Ready(cx.waker().clone())
                });
                let waker = waker.await;
                send.send(waker).unwrap();
                let mut polls = 0;
                std::future::poll_fn(|_| {
                    polls += 1;
                    if polls > 2 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
            });
            let id = number(task.id());
            let waker = receive.await.unwrap();
            yield_now().await;
            waker.wake_by_ref();
            waker.wake_by_ref();
            task.await.unwrap();
            // A task that has ended and has no span any more is not reported.
            waker.wake();
            id
        });
    });
    let trace = &recorded.trace;
    let wakes = trace.task_wakes(trace.find_task(task).unwrap());
    let effects: Vec<_> = wakes.map(|wake| trace.wake_effect(wake)).collect();
    assert_eq!(
        effects,
        [
            WakeEffect::WhileRunning,
            WakeEffect::Duplicate,
            WakeEffect::Scheduled,
            WakeEffect::Duplicate,
        ]
    );
}
