//! What is a task, and what is recorded of its spawn.

use taskscope_format::{EndKind, Event, RuntimeId, Source, TaskId, TaskKind};
use tokio::task::{LocalSet, yield_now};

use super::common::{Both, Hooks, Layer, current_thread, multi_thread, number, record};

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
        let reported: Vec<_> = recorded
            .events()
            .filter_map(|event| match event {
                Event::PollStart { task, .. } | Event::TaskEnd { task, .. } => Some(task),
                Event::Spawn(spawn) => Some(spawn.task),
                _ => None,
            })
            .filter(|task| *task != blocking)
            .collect();
        let main = recorded.spawned(TaskKind::BlockOn);
        assert!(reported.iter().all(|task| main.contains(task)), "{sources:?}: {reported:?}");
        if sources != Hooks {
            assert_eq!(recorded.spawned(TaskKind::Blocking), [blocking]);
            assert_eq!(recorded.ends(blocking), [(EndKind::Returned, false)]);
        }
    }
}

#[test]
fn trap_05_tasks_without_hooks_are_reported_by_the_layer() {
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
fn a_spawn_is_reported_with_all_that_is_known_of_it() {
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
    assert_eq!(location.file, file!());
    assert!((line..line + 4).contains(&location.line), "{location}");
    assert!(location.column > 0);
    let hook = recorded.count(|event| {
        matches!(event, Event::Spawn(spawn) if spawn.task == child.task
            && spawn.source == Source::Hook && spawn.runtime == Some(RuntimeId(0)))
    });
    assert_eq!(hook, 1);
}
