//! Who woke whom, and what the wake says about the poll before it.

mod common;

use common::{Recording, ix, lane, polls, wakes};
use taskscope_format::{EndKind, Event, Flavor, RuntimeId};
use taskscope_model::{Cause, PollEnd, PollIx, ThreadId, Trace, Waker};

fn makers(trace: &Trace, task: u64) -> Vec<Waker> {
    trace.task_wakes(ix(trace, task)).map(|wake| trace.wake(wake).by).collect()
}

#[test]
fn a_wake_was_made_by_what_ran_on_its_thread() {
    let trace = Recording::new()
        .thread(0, |t| {
            let by_task = t.worker(0).at(10).poll(1).at(15).wake(9).at(20).pending();
            // The worker polls nothing: it runs the timer or I/O driver.
            by_task.at(30).park().at(40).unpark().at(41).wake(9)
        })
        .thread(4, |t| t.at(60).wake(9))
        .trace();
    let driver = Waker::Driver(lane(&trace, 0));
    let expected = [Waker::Task(ix(&trace, 1)), driver, Waker::Thread(ThreadId(4))];
    assert_eq!(makers(&trace, 9), expected);
    let lanes: Vec<_> = wakes(&trace).iter().map(|wake| wake.lane).collect();
    assert_eq!(lanes, [Some(lane(&trace, 0)), Some(lane(&trace, 0)), None]);
}

#[test]
fn in_nested_polls_the_inner_task_wakes() {
    let trace = Recording::new()
        .thread(0, |t| {
            let inner = t.at(10).enter(1).at(20).enter(2).at(25).wake(9).at(30).pending();
            inner.at(35).wake(9).at(40).pending()
        })
        .trace();
    assert_eq!(makers(&trace, 9), [Waker::Task(ix(&trace, 2)), Waker::Task(ix(&trace, 1))]);
}

/// The task that awaits another is woken after that task has ended, and before the
/// worker is done with it.
#[test]
fn a_finished_task_wakes_its_joiner() {
    let trace = Recording::new()
        .thread(0, |t| {
            let ended = t.worker(0).at(10).poll(1).at(20).end(1, EndKind::Returned);
            ended.at(21).wake(2).at(22).ready()
        })
        .trace();
    assert_eq!(makers(&trace, 2), [Waker::Task(ix(&trace, 1))]);
}

#[test]
fn a_task_that_wakes_itself_during_its_poll_has_yielded_and_that_was_seen() {
    let trace = Recording::new()
        .thread(0, |t| {
            t.worker(0).at(10).poll(1).at(15).wake(1).at(20).pending().at(30).poll(1).at(31).ready()
        })
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Yielded { inferred: false });
    assert_eq!(makers(&trace, 1), [Waker::Task(ix(&trace, 1))]);
}

/// `yield_now`: the worker keeps the waker, and calls it after the poll.
#[test]
fn a_task_whose_waker_the_worker_calls_right_away_has_yielded_and_that_is_inferred() {
    let trace = Recording::new()
        .thread(0, |t| {
            let polled = t.worker(0).at(10).poll(1).at(20).pending_with_waker();
            // Another task's turn comes first; the deferred wakes follow.
            polled.at(21).poll(2).at(25).pending().at(26).wake(1).at(30).poll(1).at(31).ready()
        })
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Yielded { inferred: true });
    assert_eq!(makers(&trace, 1), [Waker::Deferred(lane(&trace, 0))]);
    assert_eq!(polls(&trace, 2)[0].how, PollEnd::Pending);
}

#[test]
fn a_task_that_is_woken_after_its_worker_slept_has_waited() {
    let trace = Recording::new()
        .thread(0, |t| {
            let polled = t.worker(0).at(10).poll(1).at(20).pending_with_waker();
            polled.at(21).park().at(90).unpark().at(91).wake(1).at(95).poll(1).at(96).ready()
        })
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Pending);
    assert_eq!(makers(&trace, 1), [Waker::Driver(lane(&trace, 0))]);
}

/// Without hooks it is not recorded that the worker slept.
#[test]
fn a_task_that_is_woken_after_its_worker_was_silent_has_waited_unless_records_parks() {
    for hooked in [false, true] {
        let runtime = Event::Runtime {
            id: RuntimeId(0),
            flavor: Flavor::CurrentThread,
            workers: 1,
            name: "",
            hooked,
        };
        let trace = Recording::new()
            .thread(0, |t| {
                let polled = t.event(runtime).worker(0).at(10).poll(1).at(20).pending_with_waker();
                // Another thread wakes the second task, so that it is polled first.
                let other = polled.at(1_000_000).poll(2).at(1_000_010).pending();
                other.at(1_000_020).wake(1).at(1_000_030).poll(1).at(1_000_040).ready()
            })
            .trace();
        let yielded = matches!(polls(&trace, 1)[0].how, PollEnd::Yielded { .. });
        assert_eq!(yielded, hooked);
    }
}

#[test]
fn a_task_that_is_woken_after_other_wakes_and_a_poll_has_waited() {
    // The worker's deferred wakes came at 21; at 31 it is the driver's turn.
    let trace = Recording::new()
        .thread(0, |t| {
            let polled = t.worker(0).at(10).poll(1).at(20).pending_with_waker();
            polled.at(21).wake(2).at(25).poll(2).at(30).pending().at(31).wake(1)
        })
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Pending);
}

#[test]
fn a_task_whose_waker_was_not_kept_has_not_yielded() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(1).at(20).pending().at(21).wake(1))
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Pending);
}

#[test]
fn a_task_that_another_thread_wakes_has_waited() {
    let trace = Recording::new()
        .thread(0, |t| t.worker(0).at(10).poll(1).at(20).pending_with_waker())
        .thread(1, |t| t.worker(1).at(21).wake(1))
        .trace();
    assert_eq!(polls(&trace, 1)[0].how, PollEnd::Pending);
}

#[test]
fn the_cause_of_a_poll_is_the_spawn_then_the_first_wake_since_the_poll_before() {
    let trace = Recording::new()
        .thread(0, |t| {
            let first = t.worker(0).at(5).poll(9).at(6).spawn(1).at(8).pending();
            let first = first.at(10).poll(1).at(20).pending();
            first.at(40).poll(1).at(50).pending().at(70).poll(1).at(75).pending()
        })
        .thread(1, |t| t.at(12).wake(1).at(25).wake(1).at(36).wake(1).at(55).wake(1))
        .trace();
    let of = |number: usize| trace.cause(trace.task_polls(ix(&trace, 1)).get(number).unwrap());
    let woken_at = |cause| match cause {
        Cause::Woken(wake) => trace.wake(wake).time,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(0), Cause::Spawned { time: 6, by: Some(ix(&trace, 9)) });
    // The wake during the poll before counted; those after it changed nothing.
    assert_eq!(woken_at(of(1)), 12);
    assert_eq!(woken_at(of(2)), 55);
}

#[test]
fn a_poll_without_a_wake_has_no_known_cause() {
    let trace = Recording::new()
        .thread(0, |t| {
            t.worker(0)
                .at(10)
                .poll(1)
                .at(20)
                .pending()
                .at(30)
                .poll(1)
                .at(40)
                .pending()
                .at(50)
                .wake(1)
        })
        .trace();
    assert_eq!(trace.cause(PollIx(0)), Cause::Unknown, "spawned before the recording");
    assert_eq!(trace.cause(PollIx(1)), Cause::Unknown, "woken only afterwards");
}
