//! Workers and runtimes: which thread is which worker, and how much it polled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use taskscope_format::{Event, Flavor, RuntimeId, TaskId, TaskKind};
use tokio::task::{JoinSet, yield_now};

use super::common::{
    Both, Hooks, Layer, Tally, carry_subscriber, current_thread, multi_thread, number, record,
    record_with,
};
use super::starts;

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
            // the layer alone learns of that task's end late.
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
