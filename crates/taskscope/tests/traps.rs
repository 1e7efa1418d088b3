//! What a naive observer of Tokio gets wrong: fourteen traps, each by number.
//! The last stands in `tokio_unstable.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use common::{
    Both, Hooks, Layer, Recorded, Tally, carry_subscriber, current_thread, multi_thread, number,
    record, record_beside_all_spans, record_with,
};
use taskscope_format::{
    CancelledBy, EndKind, Event, Flavor, PollResult, RuntimeId, Source, TaskId, TaskKind, WakeOp,
};
use taskscope_model::PollEnd;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinSet, LocalSet, yield_now};

fn starts(task: TaskId) -> impl Fn(&Event<'_>) -> bool {
    move |event| matches!(event, Event::PollStart { task: started, .. } if *started == task)
}

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
    // Certain, unless the thread was held up in that poll.
    let of_task = both.trace.find_task(task).unwrap();
    let last = both.trace.poll(*both.trace.task_polls(of_task).last().unwrap());
    let is_long = both.trace.task(of_task).end.unwrap().time - last.start >= 20_000;
    assert_eq!(both.ends(task), [(EndKind::Returned, is_long)]);
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
        assert_eq!(trace.poll(polls[0]).how, PollEnd::Cancelled, "never polled again");
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
fn trap_04_worker_threads_are_no_tasks() {
    for sources in [Both, Layer, Hooks] {
        let mut blocking = TaskId(0);
        let recorded = record(sources, multi_thread(2), |runtime| {
            runtime.block_on(async {
                let task = tokio::task::spawn_blocking(|| ());
                blocking = number(task.id());
                task.await.unwrap();
            });
        });
        let told: Vec<_> = recorded
            .events()
            .filter_map(|event| match event {
                Event::PollStart { task, .. } | Event::TaskEnd { task, .. } => Some(task),
                Event::Spawn(spawn) => Some(spawn.task),
                _ => None,
            })
            .filter(|task| *task != blocking)
            .collect();
        let main = recorded.spawned(TaskKind::BlockOn);
        assert!(told.iter().all(|task| main.contains(task)), "{sources:?}: {told:?}");
        if sources != Hooks {
            assert_eq!(recorded.spawned(TaskKind::Blocking), [blocking]);
            assert_eq!(recorded.ends(blocking), [(EndKind::Returned, false)]);
        }
    }
}

#[test]
fn trap_05_tasks_without_hooks_are_told_by_the_layer() {
    let (mut local, mut blocking) = (TaskId(0), TaskId(0));
    let recorded = record(Both, current_thread(), |runtime| {
        LocalSet::new().block_on(runtime, async {
            let task = tokio::task::spawn_local(yield_now());
            local = number(task.id());
            task.await.unwrap();
            let task = tokio::task::spawn_blocking(|| ());
            blocking = number(task.id());
            task.await.unwrap();
        });
    });
    assert_eq!(recorded.spawned(TaskKind::Local), [local]);
    assert_eq!((recorded.hook_polls(local), recorded.polls(local)), (0, 2));
    assert_eq!(recorded.spawned(TaskKind::Blocking), [blocking]);
    assert_eq!((recorded.hook_polls(blocking), recorded.polls(blocking)), (0, 1));
    let [main] = recorded.spawned(TaskKind::BlockOn)[..] else { panic!("one block_on") };
    assert!(recorded.polls(main) >= 1);
    assert_eq!(recorded.ends(main), [(EndKind::Returned, false)]);
    assert_eq!(recorded.ends(local).len(), 1);
    assert_eq!(recorded.ends(blocking), [(EndKind::Returned, false)]);
}

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

    // Where the thread is no worker, nobody could wake the task later.
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
                inferred: false,
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
            // The task may still be in its first poll; then nobody has a waker
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

#[test]
fn trap_11_block_in_place_moves_the_worker_to_another_thread() {
    for sources in [Both, Layer] {
        let (mut blocking, mut other) = (TaskId(0), TaskId(0));
        let recorded = record(sources, multi_thread(1), |runtime| {
            (blocking, other) = runtime.block_on(async {
                let task = tokio::spawn(async {
                    let (send, receive) = std::sync::mpsc::channel();
                    let task = tokio::spawn(async move { send.send(()).unwrap() });
                    let id = number(task.id());
                    // Ends only when the worker has polled the other task, which
                    // takes another thread.
                    tokio::task::block_in_place(|| receive.recv().unwrap());
                    task.await.unwrap();
                    id
                });
                (number(task.id()), task.await.unwrap())
            });
        });
        let thread_of = |task| {
            let first = recorded.records.iter().find(|record| starts(task)(&record.event)).unwrap();
            first.thread
        };
        assert_ne!(thread_of(blocking), thread_of(other));
        let worker = Event::Worker(Some((RuntimeId(0), 0)));
        for thread in [thread_of(blocking), thread_of(other)] {
            assert!(recorded.records.iter().any(|r| r.thread == thread && r.event == worker));
        }
        let trace = &recorded.trace;
        let lane = trace.lanes().iter().find(|lane| !lane.threads.is_empty()).unwrap();
        let behind: Vec<_> = lane.threads.iter().map(|behind| behind.thread).collect();
        assert_eq!(behind[..2], [thread_of(blocking), thread_of(other)]);
        // The first thread says that it gave its worker away, while its poll
        // is still open.
        let stream = recorded.stream_with(starts(blocking));
        let begun = stream.iter().position(starts(blocking)).unwrap();
        let ended = stream[begun..]
            .iter()
            .position(|event| matches!(event, Event::PollEnd { .. }))
            .unwrap();
        assert!(stream[begun..begun + ended].contains(&Event::Worker(None)), "{stream:?}");
        // And the thread that took it was no task.
        assert!(recorded.spawned(TaskKind::Blocking).is_empty());
    }
}

#[test]
fn trap_11_another_runtime_can_run_in_place() {
    for sources in [Both, Layer] {
        let recorded = record_with(sources, |recording| {
            let build = |mut builder: tokio::runtime::Builder, name| {
                carry_subscriber(&mut builder);
                builder.name(name);
                if sources == Both {
                    recording.hooks(&mut builder);
                }
                builder.build().unwrap()
            };
            let outer = build(multi_thread(1), "outer");
            let inner = build(current_thread(), "inner");
            outer.block_on(async move {
                let task = tokio::spawn(async move {
                    tokio::task::block_in_place(|| {
                        inner.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
                        drop(inner);
                    });
                });
                task.await.unwrap();
                // On whichever thread is the worker now.
                tokio::spawn(yield_now()).await.unwrap();
            });
        });
        for (name, polls) in [("outer", 3), ("inner", 2)] {
            let summary = recorded.trace.summary();
            let mut of = summary.runtimes.iter().filter(|of| of.name.as_deref() == Some(name));
            let runtime = of.next().unwrap();
            // The span of what runs in place keeps that of its task open, so that
            // the layer alone hears of that task's end late.
            if sources == Both || name == "inner" {
                assert_eq!(runtime.workers[0].polls, polls, "{sources:?}, {name}");
            }
            assert!(of.next().is_none(), "one runtime, one number");
        }
    }
}

/// Tasks that yield, spawn, join and wake each other.
async fn busy(tally: &Arc<Tally>, spawned: &mut u64) {
    let mut tasks = JoinSet::new();
    for number in 0..60_u64 {
        let inner = Arc::clone(tally);
        *spawned += if number % 3 == 0 { 2 } else { 1 };
        tasks.spawn(tally.count(async move {
            for _ in 0..number % 7 {
                yield_now().await;
            }
            if number % 3 == 0 {
                tokio::spawn(inner.count(yield_now())).await.unwrap();
            }
        }));
    }
    while tasks.join_next().await.is_some() {}
}

#[test]
fn trap_12_polls_equal_what_the_futures_counted_worker_by_worker() {
    for sources in [Both, Hooks, Layer] {
        for lifo in [true, false] {
            let (tally, mut spawned) = (Arc::new(Tally::default()), 0);
            let mut builder = multi_thread(3);
            if !lifo {
                builder.disable_lifo_slot();
            }
            let recorded = record(sources, builder, |runtime| {
                runtime.block_on(busy(&tally, &mut spawned));
                let metrics = runtime.metrics();
                assert_eq!(metrics.spawned_tasks_count(), spawned);
                if !lifo {
                    // Workers hand in their figures when they park, which they
                    // do soon.
                    let patience = Instant::now() + Duration::from_secs(20);
                    let agree = || {
                        (0..3).all(|worker| {
                            metrics.worker_poll_count(worker) == tally.of_worker(worker)
                        })
                    };
                    while !agree() && Instant::now() < patience {
                        std::thread::yield_now();
                    }
                    assert!(agree(), "Tokio's own count differs from that of the futures");
                }
            });
            let summary = recorded.trace.summary();
            assert_eq!(summary.tasks.spawned, spawned, "{sources:?}");
            assert_eq!(summary.polls, tally.total(), "{sources:?}");
            for worker in &summary.runtimes[0].workers {
                let counted = tally.of_worker(worker.index as usize);
                assert_eq!(worker.polls, counted, "{sources:?}, worker {}", worker.index);
            }
        }
    }
}

#[test]
fn trap_13_each_runtime_has_a_worker_0() {
    for sources in [Both, Layer] {
        let recorded = record_with(sources, |recording| {
            let build = |mut builder: tokio::runtime::Builder, name| {
                carry_subscriber(&mut builder);
                if sources == Both {
                    recording.named_hooks(&mut builder, name);
                } else {
                    builder.name(name);
                }
                builder.build().unwrap()
            };
            let first = build(multi_thread(1), "first");
            let second = build(current_thread(), "second");
            for _ in 0..2 {
                first.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
                second.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
            }
        });
        let mut runtimes: Vec<_> = recorded
            .trace
            .runtimes()
            .iter()
            .map(|runtime| {
                let name = runtime.name.clone().unwrap_or_default().to_string();
                (name, runtime.flavor, runtime.workers.len(), runtime.hooked)
            })
            .collect();
        runtimes.sort_by(|a, b| a.0.cmp(&b.0));
        let hooked = sources == Both;
        assert_eq!(
            runtimes,
            [
                ("first".to_owned(), Flavor::MultiThread, 1, hooked),
                ("second".to_owned(), Flavor::CurrentThread, 1, hooked),
            ]
        );
        for runtime in recorded.trace.summary().runtimes {
            assert_eq!(runtime.workers[0].polls, 4, "{sources:?}, {:?}", runtime.name);
        }
    }
}

#[test]
fn trap_13_a_builder_can_build_two_runtimes() {
    let recorded = record_with(Both, |recording| {
        let mut builder = multi_thread(1);
        carry_subscriber(&mut builder);
        recording.named_hooks(&mut builder, "twin");
        let runtimes = [builder.build().unwrap(), builder.build().unwrap()];
        for (runtime, tasks) in runtimes.iter().zip([1, 2]) {
            for _ in 0..tasks {
                // Spawned from a thread that is no worker of either.
                runtime.block_on(runtime.spawn(yield_now())).unwrap();
            }
        }
    });
    let summary = recorded.trace.summary();
    let mut polls: Vec<_> = summary.runtimes.iter().map(|of| of.workers[0].polls).collect();
    polls.sort_unstable();
    assert_eq!(polls, [2, 4]);
    assert!(summary.runtimes.iter().all(|of| of.name.as_deref() == Some("twin")));
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

#[test]
fn a_spawn_is_told_with_all_that_is_known_of_it() {
    let mut parent = TaskId(0);
    let line = line!() + 7;
    let recorded = record(Both, current_thread(), |runtime| {
        runtime.block_on(async {
            let task = tokio::spawn(async {
                let large = [1_u8; 3000];
                let named = tokio::task::Builder::new().name("child");
                let child = named
                    .spawn(async move {
                        yield_now().await;
                        large.len()
                    })
                    .unwrap();
                child.await.unwrap()
            });
            parent = number(task.id());
            task.await.unwrap();
        });
    });
    let find = |name: Option<&str>, source| {
        recorded
            .events()
            .find_map(|event| match event {
                Event::Spawn(spawn) if spawn.name == name && spawn.source == source => Some(spawn),
                _ => None,
            })
            .unwrap()
    };
    let child = find(Some("child"), Source::Span);
    assert_eq!(child.parent, Some(parent));
    // Tokio moves a future of more than 2 KiB (16 in release) to the heap.
    let size = child.original_size.or(child.size);
    assert!(size.is_some_and(|size| size >= 3000), "{child:?}");
    let location = child.location.unwrap();
    assert!(location.file.ends_with("traps.rs"));
    assert!((line..line + 4).contains(&location.line), "{location}");
    assert!(location.column > 0);
    let hook = recorded.count(|event| {
        matches!(event, Event::Spawn(spawn) if spawn.task == child.task
            && spawn.source == Source::Hook && spawn.runtime == Some(RuntimeId(0)))
    });
    assert_eq!(hook, 1);
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
