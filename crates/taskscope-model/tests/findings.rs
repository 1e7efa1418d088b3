//! What the rules find in recordings of which it is known what is wrong.

mod common;

use common::{Recording, Thread, ix};
use taskscope_format::{EndKind, Event, Location, PollResult, Source, Spawn, TaskId, TaskKind};
use taskscope_model::Trace;
use taskscope_model::findings::{Finding, Kind, Severity, findings};
use taskscope_model::questions::now;

const MS: u64 = 1_000_000;

fn found(trace: &Trace) -> Vec<Finding> {
    now(findings(trace, None))
}

fn alarms(trace: &Trace) -> Vec<Kind> {
    let alarms = found(trace).into_iter().filter(|of| of.severity > Severity::Note);
    alarms.map(|of| of.kind).collect()
}

/// Polls of task 1 of so many milliseconds, and tasks that are woken at the beginning of each and polled behind it.
fn holding(times: &[u64], waiting: u64) -> Recording {
    Recording::new().thread(0, |t| {
        let mut t = t.at(1).runtime(1).worker(0);
        for task in 1..=waiting + 1 {
            t = t.spawn(task).poll(task).pending_with_waker();
        }
        let mut at = MS;
        for &time in times {
            t = t.at(at).wake(1).at(at + 1).poll(1);
            for task in 2..=waiting + 1 {
                t = t.at(at + task * 1_000).wake(task);
            }
            at += time * MS;
            t = t.at(at).pending_with_waker();
            for task in 2..=waiting + 1 {
                t = t.at(at + task * 1_000).poll(task).pending_with_waker();
            }
            at += MS;
        }
        t
    })
}

#[test]
fn a_poll_that_held_its_worker_is_found_with_those_that_waited() {
    let trace = holding(&[30, 12, 40, 25], 5).trace();
    assert_eq!(alarms(&trace), [Kind::HeldWorker]);
    let held = &found(&trace)[0];
    let poll = trace.poll(held.poll.unwrap());
    assert_eq!(held.task, Some(ix(&trace, 1)));
    assert_eq!(held.times, poll.start..poll.end);
    assert!(poll.duration() >= 40 * MS - 10, "the worst of them: {}", poll.duration());
    let mut affected = held.affected.clone();
    affected.sort_unstable();
    assert_eq!(affected, (2..=6).map(|task| ix(&trace, task)).collect::<Vec<_>>());
    for said in ["task 1", "worker 0", "40.0 ms", "5 tasks were scheduled meanwhile", "4 polls"] {
        assert!(held.evidence.contains(said), "`{said}` is not in: {}", held.evidence);
    }
    assert!(held.certain);
}

#[test]
fn a_long_poll_that_nobody_waited_for_is_no_alarm() {
    assert_eq!(found(&holding(&[30, 40, 25], 0).trace()), []);
    let trace = holding(&[30, 140, 25], 0).trace();
    assert_eq!(alarms(&trace), []);
    assert!(found(&trace)[0].evidence.contains("no task had to wait"), "{:?}", found(&trace));
}

#[test]
fn twice_is_an_accident_and_a_tenth_of_a_second_is_none() {
    assert_eq!(alarms(&holding(&[30, 40], 3).trace()), []);
    let trace = holding(&[120], 3).trace();
    assert_eq!(found(&trace)[0].severity, Severity::Severe);
}

#[test]
fn short_polls_are_nothing() {
    assert_eq!(found(&holding(&[1, 2, 1, 3, 2], 8).trace()), []);
}

#[test]
fn where_events_are_missing_nothing_is_certain() {
    let recording = holding(&[30, 12, 40, 25], 5);
    let trace = recording.thread(1, |t| t.at(5 * MS).dropped(3, 4 * MS)).trace();
    assert!(found(&trace).iter().all(|of| !of.certain));
}

/// A task that wakes itself in so many of its polls.
fn spinning(times: u64) -> Trace {
    let spin = |t: Thread| {
        let mut t = t.at(1).runtime(1).worker(0).spawn(1);
        for turn in 0..times {
            t = t.at(10 + turn * 10).poll(1).at(13 + turn * 10).wake(1);
            let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
            t = t.at(15 + turn * 10).event(end);
        }
        t.at(10 + times * 10).poll(1).at(12 + times * 10).ready()
    };
    Recording::new().thread(0, spin).trace()
}

#[test]
fn a_task_that_wakes_itself_again_and_again_is_found() {
    assert_eq!(alarms(&spinning(2_000)), [Kind::SelfWake]);
    assert!(found(&spinning(2_000))[0].evidence.contains("2,000 of its 2,001 polls"));
    assert_eq!(found(&spinning(500)), []);
}

/// Tasks that are spawned one after the other, of which some end.
fn growing(ends: impl Fn(u64) -> bool) -> Trace {
    let location = Location { file: "src/door.rs", line: 7, column: 5 };
    let spawn = |task| {
        let spawn = Spawn::new(TaskId(task), TaskKind::Task, Source::Span);
        Spawn { location: Some(location), ..spawn }
    };
    let grow = |t: Thread| {
        let mut t = t.at(1).runtime(1).worker(0);
        for task in 1..=200 {
            t = t.at(task * 100).spawn_with(spawn(task)).at(task * 100 + 10).poll(task);
            let t_then = t.at(task * 100 + 20);
            t = if ends(task) {
                t_then.ready().end(task, EndKind::Returned)
            } else {
                t_then.pending()
            };
        }
        t
    };
    Recording::new().thread(0, grow).trace()
}

#[test]
fn tasks_that_never_end_are_found_and_may_be_meant() {
    let trace = growing(|_| false);
    assert_eq!(alarms(&trace), [Kind::Leak]);
    assert!(!found(&trace)[0].certain);
    assert_eq!(alarms(&growing(|task| task % 2 == 0)), []);
    assert_eq!(alarms(&growing(|_| true)), []);
}
