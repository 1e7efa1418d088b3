//! The way to a poll, and what came of it, against what the trace says of each moment.

#[path = "common/any_trace.rs"]
mod any_trace;
mod common;

use any_trace::{any_trace, generated};
use common::Recording;
use proptest::prelude::*;
use taskscope_model::questions::{Activity, Effect, Leg, Root, Way, effects, now, way};
use taskscope_model::{Cause, PollIx, State, TaskIx, Trace, Waker};

/// A way has no holes, each leg is as the trace has it, and tasks change where one woke or spawned the other.
fn check(trace: &Trace, poll: PollIx, since: Option<u64>) {
    let Way { root, legs } = way(trace, poll, since);
    let mut end = trace.poll(poll).start;
    for (number, leg) in legs.iter().enumerate().rev() {
        let Leg { task, state, start, end: until, .. } = *leg;
        assert_eq!(
            until,
            end,
            "leg {number} of {legs:?} {root:?} {since:?} {:?}",
            trace.poll(leg.poll)
        );
        assert!(start < until || start == until && state == State::Running);
        assert!(since.is_none_or(|since| start >= since));
        end = start;
        let of = trace.poll(leg.poll);
        assert_eq!(of.task, task);
        if state == State::Running {
            assert!(of.start == start || Some(start) == since, "{leg:?}");
            let next = &legs.get(number + 1);
            let next = next.map_or(trace.poll(poll).task, |next| next.task);
            if next != task {
                let to = legs.get(number + 1).map_or(poll, |next| next.poll);
                assert!(
                    made_ready(trace, to, task, until),
                    "{leg:?} leads to {to:?} {:?} {:?} {legs:?}",
                    trace.cause(to),
                    trace.poll(to)
                );
            }
        } else {
            assert!(of.start >= until, "{leg:?} is on its way to a poll");
            let middle = start + (until - start) / 2;
            // What was woken before its first poll was ready, though it is not known since when it lives; a damaged
            // recording may say of a task that it had ended before.
            let unseen = State::Scheduled;
            let known = trace.state_at(task, middle).map(|span| span.state);
            assert_eq!(
                known.unwrap_or(unseen),
                state,
                "{leg:?} in {legs:?} since {since:?}: {:?}",
                trace.states(task).collect::<Vec<_>>()
            );
        }
    }
    if let (Some(since), Root::Since) = (since, root) {
        assert!(end <= since.max(end));
    }
}

/// Whether a poll's task was woken or spawned by a task at a time.
fn made_ready(trace: &Trace, poll: PollIx, by: TaskIx, time: u64) -> bool {
    match trace.cause(poll) {
        Cause::Spawned { time: spawned, by: parent } => (spawned, parent) == (time, Some(by)),
        Cause::Woken(wake) => {
            let wake = trace.wake(wake);
            wake.time == time && wake.by == Waker::Task(by)
        }
        Cause::Unknown => false,
    }
}

proptest! {
    #[test]
    fn a_way_has_no_holes_and_is_as_the_trace_says(trace in any_trace(), since in 0..1000u64) {
        let activity = now(Activity::new(&trace));
        for (number, (ix, _)) in trace.polls().enumerate() {
            check(&trace, ix, None);
            check(&trace, ix, Some(since));
            if number % 7 == 0 {
                let found = now(effects(&trace, Some(&activity), ix));
                prop_assert_eq!(&found, &now(effects(&trace, None, ix)));
                check_effects(&trace, ix, &found);
            }
        }
    }
}

fn check_effects(trace: &Trace, poll: PollIx, found: &[Effect]) {
    let of = trace.poll(poll);
    let until = if trace.poll_after(poll).is_none() { u64::MAX } else { of.end };
    let wakes = trace.wakes().map(|wake| trace.wake(wake));
    let wakes = wakes.filter(|wake| wake.by == Waker::Task(of.task));
    let wakes = wakes.filter(|wake| (of.start..=until).contains(&wake.time));
    let spawns = trace.tasks().filter(|task| task.parent == Some(of.task));
    let spawns =
        spawns.filter(|task| task.spawned.is_some_and(|at| (of.start..=of.end).contains(&at)));
    assert_eq!(found.len(), (wakes.count() + spawns.count()).min(100));
    for effect in found {
        if let Some(led) = effect.led_to {
            assert!(trace.poll(led).task == effect.task);
        }
    }
}

#[test]
fn a_generated_trace_has_ways_of_many_legs() {
    let trace = generated(3_000, 60, 5);
    let mut longest = 0;
    for (ix, _) in trace.polls() {
        check(&trace, ix, None);
        longest = longest.max(way(&trace, ix, None).legs.len());
    }
    assert!(longest > 4, "{longest}");
}

/// Task 1 holds what task 2 waits for, and works before it gives it back; the worker is held by task 3 meanwhile.
#[test]
fn the_way_names_who_held_it_up() {
    let trace = Recording::new()
        .thread(0, |t| {
            let t = t.worker(0).at(0).spawn(1).spawn(2).spawn(3);
            let t = t.at(10).poll(2).at(20).pending();
            let t = t.at(30).poll(1).at(50).wake(2).at(60).pending();
            t.at(70).poll(3).at(100).ready().at(110).poll(2).at(120).ready()
        })
        .trace();
    let task = |id: u64| trace.find_task(taskscope_model::TaskId(id)).unwrap();
    let last = trace.task_polls(task(2)).last().unwrap();
    let Way { root, legs } = way(&trace, last, None);
    let short: Vec<_> = legs.iter().map(|leg| (leg.task, leg.state, leg.start, leg.end)).collect();
    assert_eq!(root, Root::Spawned);
    assert_eq!(
        short,
        [
            (task(1), State::Scheduled, 0, 30),
            (task(1), State::Running, 30, 50),
            (task(2), State::Scheduled, 50, 110),
        ]
    );
    let ran = trace.task_polls(task(1)).iter().next().unwrap();
    let found = now(effects(&trace, None, ran));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].time, found[0].task, found[0].led_to), (50, task(2), Some(last)));
    // Since a time behind the root.
    let way = way(&trace, last, Some(15));
    assert_eq!(way.legs[0].start, 15);
    assert_eq!(way.total(), 95);
    assert!(way.passes(ran));
}
