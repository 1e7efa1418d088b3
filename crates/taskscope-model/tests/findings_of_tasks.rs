//! What the rules about tasks, wakes and locks find, and what they must not take for that.

mod common;
#[path = "common/found.rs"]
mod found;

use common::Recording;
use found::{MS, alarms, found, only, spawn_at};
use taskscope_format::{
    CancelledBy, EndKind, Event, LocationOf, Resource, ResourceId, Source, Spawn, TaskId, TaskKind,
};
use taskscope_model::findings::{Kind, Severity};
use taskscope_model::{Nanos, Trace};

/// Tasks that take the lock from one another, each holding it for a millisecond.
fn locks(concrete_type: &'static str, tasks: u64) -> Trace {
    let lock = Resource {
        id: ResourceId(1),
        concrete_type,
        kind: "Sync",
        is_internal: false,
        location: Some(LocationOf { file: "src/main.rs", line: 30, column: 9 }),
    };
    let wait = || Event::Wait { resource: ResourceId(1), operation: "lock" };
    Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0).event(Event::Resource(lock));
            for task in 1..=tasks {
                t = t.spawn_with(spawn_at(task, 3)).poll(task).event(wait()).pending_with_waker();
            }
            for turn in 0..60 {
                let (holder, next) = (1 + turn % tasks, 1 + (turn + 1) % tasks);
                t = t.at((turn + 1) * MS).poll(holder).wake(next).event(wait());
                t = t.pending_with_waker();
            }
            t
        })
        .trace()
}

#[test]
fn tasks_that_stand_in_line_for_a_lock() {
    let trace = locks("Mutex", 10);
    let of = only(&trace);
    assert_eq!((of.kind, of.severity), (Kind::LockConvoy, Severity::Warning));
    assert!(of.evidence.contains("for one Mutex made at src/main.rs:30"), "{}", of.evidence);
    assert!(of.evidence.contains("until `task "), "{}", of.evidence);
    assert_eq!(of.place.map(|place| trace.place(place).line), Some(30));
    // Two that meet at a lock are no line, and a semaphore is made for waiting.
    assert_eq!(found(&locks("Mutex", 2)), []);
    assert_eq!(found(&locks("Semaphore", 10)), []);
}

/// A task that wakes itself in each of its polls.
fn wakes_itself(polls: u64, length: Nanos) -> Trace {
    Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0).spawn_with(spawn_at(1, 3));
            for turn in 0..polls {
                t = t.at(turn * 2 * length).poll(1).at(turn * 2 * length + 10).wake(1);
                t = t.at(turn * 2 * length + length).pending();
            }
            t
        })
        .trace()
}

#[test]
fn a_task_that_wakes_itself() {
    let of = only(&wakes_itself(800, 3_000));
    assert_eq!((of.kind, of.certain), (Kind::SelfWakeLoop, true));
    let expected = "`task 1` woke itself in 800 of its 800 polls, which took 3.00 µs on average";
    assert_eq!(of.evidence, expected);
    // It does a share of its work in each, and lets others run.
    assert_eq!(found(&wakes_itself(800, 200_000)), []);
    assert_eq!(found(&wakes_itself(100, 3_000)), []);
}

#[test]
fn a_task_that_is_woken_far_more_often_than_it_is_polled() {
    let recorded = |wakes: u64| {
        Recording::new()
            .thread(0, |mut t| {
                t = t.runtime(2).worker(0).spawn_with(spawn_at(1, 3)).spawn_with(spawn_at(2, 4));
                t = t.poll(1).pending_with_waker().at(10).poll(2);
                for _ in 0..wakes {
                    t = t.wake(1);
                }
                t.at(50).pending_with_waker().at(60).poll(1).at(70).ready()
            })
            .trace()
    };
    let of = only(&recorded(3_000));
    assert_eq!(of.kind, Kind::ExcessWakes);
    assert_eq!(of.evidence, "`task 1` was woken 3,000 times and polled 2 times");
    assert_eq!(found(&recorded(500)), []);
}

/// Tasks of which one is spawned every two milliseconds, and ends `after` that, if at all.
fn spawns(count: u64, every: Nanos, after: Option<Nanos>) -> Trace {
    let mut events: Vec<(Nanos, bool, u64)> = Vec::new();
    for task in 1..=count {
        events.push((task * every, true, task));
        events.extend(after.map(|after| (task * every + after, false, task)));
    }
    events.sort_unstable();
    Recording::new()
        .thread(0, |mut t| {
            t = t.runtime(1).worker(0).at(0).spawn(9_999);
            for (time, is_spawn, task) in events {
                t = match is_spawn {
                    true => {
                        t.at(time).spawn_with(spawn_at(task, 3)).poll(task).pending_with_waker()
                    }
                    false => t.at(time).poll(task).ready().end(task, EndKind::Returned),
                };
            }
            t.at(count * 2 * MS).poll(9_999).ready()
        })
        .trace()
}

#[test]
fn tasks_that_only_become_more() {
    let of = only(&spawns(400, 2 * MS, None));
    assert_eq!((of.kind, of.certain, of.count), (Kind::Leak, false, 400));
    assert!(of.evidence.contains("400 at its end, of 400 spawned"), "{}", of.evidence);
    // They end after a while; all come at once; the recording is short.
    assert_eq!(alarms(&spawns(400, 2 * MS, Some(90 * MS))), []);
    assert_eq!(alarms(&spawns(400, 100, None)), []);
    assert_eq!(alarms(&spawns(120, 2 * MS, None)), []);
}

#[test]
fn tasks_that_the_end_of_their_runtime_drops_would_have_lived_on() {
    let recorded = |cancelled_by| {
        Recording::new()
            .thread(0, |mut t| {
                t = t.runtime(1).worker(0);
                for task in 1..=400 {
                    t = t.at(task * 2 * MS).spawn_with(spawn_at(task, 3));
                    t = t.poll(task).pending_with_waker();
                }
                for task in 1..=400 {
                    let (task, end) = (TaskId(task), EndKind::Cancelled);
                    t = t.event(Event::TaskEnd { task, end, inferred: false, cancelled_by });
                }
                t
            })
            .trace()
    };
    assert_eq!(alarms(&recorded(CancelledBy::Shutdown)), [Kind::Leak]);
    assert_eq!(alarms(&recorded(CancelledBy::Abort)), []);
}

#[test]
fn a_future_that_is_huge() {
    let recorded = |size| {
        let spawn = Spawn { size: Some(16), original_size: Some(size), ..spawn_at(1, 3) };
        let t = Recording::new();
        t.thread(0, |t| t.runtime(1).worker(0).spawn_with(spawn).at(5).poll(1).ready()).trace()
    };
    let of = only(&recorded(65_536));
    assert_eq!(of.kind, Kind::HugeFuture);
    let expected = "the future of `task 1` has 65,536 bytes, so that Tokio put it on the heap";
    assert_eq!(of.evidence, expected);
    // So large are those that Tokio boxes in a debug build.
    assert_eq!(found(&recorded(4_000)), []);
}

#[test]
fn a_waker_that_is_lost() {
    let recorded = |kept: bool, spawn: Spawn<'static>| {
        Recording::new().thread(0, |t| {
            let t = t.runtime(1).worker(0).spawn_with(spawn).at(10).poll(1).at(20);
            let t = if kept { t.pending_with_waker() } else { t.pending() };
            t.at(25).wake(1).at(30).poll(1).at(40).pending().at(MS + 40).spawn(9)
        })
    };
    let of = only(&recorded(false, spawn_at(1, 3)).trace());
    assert_eq!((of.kind, of.certain, of.severity), (Kind::LostWaker, true, Severity::Severe));
    assert!(of.evidence.contains("has waited for 1.00 ms"), "{}", of.evidence);
    // Its waker may be somewhere; or no layer was there that sees wakers.
    assert_eq!(found(&recorded(true, spawn_at(1, 3)).trace()), []);
    let by_hook = Spawn::new(TaskId(1), TaskKind::Task, Source::Hook);
    assert_eq!(found(&recorded(false, by_hook).trace()), []);
    // An event that is missing may be the one.
    let lossy = recorded(false, spawn_at(1, 3)).thread(1, |t| t.at(500).dropped(1, 400));
    assert_eq!(found(&lossy.trace()), []);
}
