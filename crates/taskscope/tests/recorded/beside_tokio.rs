//! Where Tokio reports the task already.

use std::future::Future;

use taskscope::RecordExt;
use taskscope_format::{EndKind, Event, Source, TaskId};

use crate::common::{self, Both, Hooks, Layer, Recorded, Sources, current_thread, number, record};
use crate::{alone, find};

/// What a program has done by the records of each source.
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
        tokios(|event| if let Event::TaskEnd { task, .. } = event { Some(*task) } else { None }),
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
            let parts = || recorded.trace.tasks().filter(|task| task.id.is_wrapped());
            assert!(parts().all(|part| part.is_part && part.poll_count() > 0));
            assert_eq!(parts().count() > 0, wrap);
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
        let tasks = recorded.trace.summary().tasks;
        assert_eq!((tasks.spawned, tasks.parts), (1, 2));
    }
}

#[test]
fn a_task_waits_for_what_its_parts_wait_for_and_hops_once() {
    let _alone = alone();
    let recorded = record(Both, common::multi_thread(2), |runtime| {
        runtime.block_on(async {
            let sleeps = (1..=20).map(|number| {
                tokio::spawn(async move {
                    let sleep = tokio::time::sleep(std::time::Duration::from_millis(number));
                    sleep.recorded_as("a part").await;
                })
            });
            for task in sleeps.collect::<Vec<_>>() {
                task.await.unwrap();
            }
        });
    });
    let trace = &recorded.trace;
    let waits = trace.summary().waits.unwrap();
    assert_eq!((waits[0].operation.as_str(), waits[0].count), ("sleep", 20));
    let of_tasks = trace.tasks().filter(|task| task.is_async());
    let hops: u32 = of_tasks.map(|task| task.hop_count()).sum();
    assert_eq!((trace.summary().hops, trace.summary().tasks.parts), (hops.into(), 20));
}

#[test]
fn what_hooks_do_not_report_is_recorded() {
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
