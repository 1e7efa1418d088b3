//! What a task is doing at a time.

mod common;

use common::{Recording, ix};
use taskscope_format::EndKind;
use taskscope_model::{State, StateSpan, TaskIx, Trace};

fn states(trace: &Trace, task: u64) -> Vec<(State, u64, u64)> {
    trace.states(ix(trace, task)).map(|span| (span.state, span.start, span.end)).collect()
}

#[test]
fn a_task_is_scheduled_by_its_spawn_runs_waits_is_woken_and_runs_again() {
    let trace = Recording::new()
        .thread(0, |t| {
            let first = t.at(0).spawn(1).worker(0).at(10).poll(1).at(20).pending();
            let second = first.at(40).wake(1).at(50).poll(1).at(60).end(1, EndKind::Returned);
            second.ready().at(100).park()
        })
        .trace();
    let expected = [
        (State::Scheduled, 0, 10),
        (State::Running, 10, 20),
        (State::Waiting, 20, 40),
        (State::Scheduled, 40, 50),
        (State::Running, 50, 60),
    ];
    assert_eq!(states(&trace, 1), expected);
    let times = trace.state_times(ix(&trace, 1));
    assert_eq!((times.running, times.scheduled, times.waiting, times.idle), (20, 20, 20, 0));
    assert_eq!(times.total(), 60);
    let at = |time| trace.state_at(ix(&trace, 1), time).map(|span| span.state);
    assert_eq!(at(39), Some(State::Waiting));
    assert_eq!(at(40), Some(State::Scheduled));
    assert_eq!(at(60), None);
}

#[test]
fn a_wake_during_a_poll_schedules_the_task_when_the_poll_ends() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(1).at(30).pending().at(50).poll(1).at(60).pending())
        .thread(1, |t| t.at(20).wake(1))
        .trace();
    let expected = [(State::Running, 10, 30), (State::Scheduled, 30, 50), (State::Running, 50, 60)];
    assert_eq!(states(&trace, 1), expected);
}

#[test]
fn without_wakes_it_is_not_known_whether_a_task_waited_or_was_scheduled() {
    // Hooks alone record polls and not wakes.
    let trace = Recording::new()
        .thread(0, |t| {
            t.worker(0)
                .at(10)
                .poll(1)
                .at(20)
                .pending()
                .at(50)
                .poll(1)
                .at(60)
                .pending()
                .at(90)
                .park()
        })
        .trace();
    let expected = [
        (State::Running, 10, 20),
        (State::Idle, 20, 50),
        (State::Running, 50, 60),
        // Not polled again: nothing woke it.
        (State::Waiting, 60, 90),
    ];
    assert_eq!(states(&trace, 1), expected);
}

#[test]
fn further_wakes_of_a_scheduled_task_change_nothing() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(1).at(20).pending().at(50).poll(1).at(60).pending())
        .thread(1, |t| t.at(25).wake(1).at(30).wake(1).at(45).wake(1))
        .trace();
    let expected = [
        (State::Running, 10, 20),
        (State::Waiting, 20, 25),
        (State::Scheduled, 25, 50),
        (State::Running, 50, 60),
    ];
    assert_eq!(states(&trace, 1), expected);
}

#[test]
fn a_task_that_was_woken_last_stays_scheduled_to_the_end_of_the_trace() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(1).at(20).pending().at(30).wake(1).at(80).park())
        .trace();
    let expected = [(State::Running, 10, 20), (State::Waiting, 20, 30), (State::Scheduled, 30, 80)];
    assert_eq!(states(&trace, 1), expected);
}

#[test]
fn a_task_that_was_spawned_and_never_polled_is_scheduled() {
    let trace = Recording::new().thread(0, |t| t.at(5).spawn(1).at(80).park()).trace();
    assert_eq!(states(&trace, 1), [(State::Scheduled, 5, 80)]);
}

#[test]
fn a_task_that_is_known_only_by_a_wake_of_it_is_scheduled_from_then_on() {
    let trace = Recording::new().thread(0, |t| t.at(30).wake(1).at(80).park()).trace();
    assert_eq!(trace.state_at(ix(&trace, 1), 50).map(|span| span.state), Some(State::Scheduled));
}

/// On a real recording: wherever one begins to ask, the answer is the end of the
/// whole answer.
#[test]
fn states_from_a_moment_are_the_last_of_all_states() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/migration.tscope");
    let trace = Trace::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let mut compared = 0;
    for task in (0..trace.tasks().len() as u32).map(TaskIx) {
        let all: Vec<StateSpan> = trace.states(task).collect();
        for span in &all {
            for from in [span.start, (span.start + span.end) / 2, span.end] {
                let some: Vec<StateSpan> = trace.states_from(task, from).collect();
                assert!(all.ends_with(&some), "{task:?} from {from}: {some:?} of {all:?}");
                assert!(some.iter().any(|s| s.end > from) || span == all.last().unwrap());
                compared += 1;
            }
            let middle = (span.start + span.end) / 2;
            assert_eq!(trace.state_at(task, middle), Some(*span));
        }
    }
    assert!(compared > 5_000, "{compared}");
}
