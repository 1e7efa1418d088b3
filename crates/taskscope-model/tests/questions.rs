//! Questions about many polls at once against slow answers that are plainly right.

#[path = "common/any_trace.rs"]
mod any_trace;
mod common;
#[path = "common/naive.rs"]
mod naive;

use any_trace::{any_trace, generated, times};
use common::Recording;
use proptest::prelude::*;
use taskscope_model::questions::{
    Activity, Group, PollFilter, WakeFilter, WokenBy, curves, find_poll, find_wake, instant, links,
    longest_waits, now, range, unless,
};
use taskscope_model::{
    Cause, Direction, LaneIx, PlaceIx, PollEnd, PollIx, State, TaskIx, Trace, WakeEffect, WakeIx,
};

fn check_finds(trace: &Trace, activity: &Activity, time: u64, filters: &[PollFilter]) {
    let polls_then = trace.polls().filter(|(_, poll)| poll.start == time).map(|(ix, _)| Some(ix));
    let polls_then: Vec<Option<PollIx>> = polls_then.chain([None]).take(3).collect();
    for direction in [Direction::Forward, Direction::Back] {
        for &filter in filters {
            for &poll in &polls_then {
                let expected = naive::find_poll(trace, &filter, (time, poll), direction);
                for activity in [Some(activity), None] {
                    let found = now(find_poll(trace, activity, filter, (time, poll), direction));
                    assert_eq!(found, expected, "{filter:?} {direction:?} from {time}");
                }
            }
        }
    }
}

fn check_wakes(trace: &Trace, activity: &Activity, time: u64, filters: &[WakeFilter]) {
    let then = trace.wakes().filter(|wake| trace.wake(*wake).time == time).map(Some);
    let then: Vec<Option<WakeIx>> = then.chain([None]).take(3).collect();
    for direction in [Direction::Forward, Direction::Back] {
        for &filter in filters {
            for &wake in &then {
                let expected = naive::find_wake(trace, &filter, (time, wake), direction);
                for activity in [Some(activity), None] {
                    let found = now(find_wake(trace, activity, filter, (time, wake), direction));
                    assert_eq!(found, expected, "{filter:?} {direction:?} from {time} {wake:?}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn the_states_at_an_instant_are_those_of_each_task(trace in any_trace()) {
        let activity = now(Activity::new(&trace));
        for time in times(&trace) {
            let answer = now(instant(&trace, Some(&activity), time));
            naive::check_instant(&trace, time, &answer);
            prop_assert_eq!(&now(instant(&trace, None, time)), &answer);
        }
    }

    #[test]
    fn curves_are_the_time_in_each_state(
        trace in any_trace(), from in 0..1000u64, length in 0..2000u64, columns in 1..40usize,
    ) {
        let activity = now(Activity::new(&trace));
        let span = trace.span();
        for (window, columns) in [
            (from..from + length, columns),
            (span.start..span.end, 1600),
            // So few that they are read from buckets.
            (span.start..span.end, 1 + columns % 9),
            (span.end / 3..span.end / 2, 1 + columns % 9),
            (0..span.end + 100, columns),
        ] {
            for group in [Group::All, Group::Place(PlaceIx(0))] {
                let ask = curves(&trace, Some(&activity), group, window.clone(), columns);
                let answer = now(ask).expect("there are few polls");
                prop_assert_eq!(answer.len(), columns);
                naive::check_curves(&trace, group, &answer);
            }
            let ask = curves(&trace, None, Group::All, window.clone(), columns);
            let answer = now(ask).expect("there are few polls");
            prop_assert_eq!(answer.blur, 0);
            naive::check_curves(&trace, Group::All, &answer);
        }
    }

    #[test]
    fn a_range_has_the_sums_over_its_polls(
        trace in any_trace(), from in 0..1000u64, length in 0..2000u64,
    ) {
        let activity = now(Activity::new(&trace));
        for times in [from..from + length, 0..u64::MAX] {
            let answer = now(range(&trace, Some(&activity), times.clone(), true));
            naive::check_range(&trace, times.clone(), &answer);
            prop_assert_eq!(&now(range(&trace, None, times, true)), &answer);
        }
    }

    #[test]
    fn what_is_found_is_the_nearest(trace in any_trace(), step in 1..8usize) {
        let activity = now(Activity::new(&trace));
        let all = PollFilter::default();
        let polls = [
            all,
            PollFilter { task: Some(TaskIx(0)), ..all },
            PollFilter { lane: Some(LaneIx(0)), at_least: 3, ..all },
            PollFilter { end: Some(PollEnd::Panicked), ..all },
            PollFilter { is_hop: true, ..all },
            PollFilter { delay_at_least: 5, ..all },
        ];
        let all = WakeFilter::default();
        let wakes = [
            all,
            WakeFilter { task: Some(TaskIx(0)), ..all },
            WakeFilter { by: Some(WokenBy::AnyTask), ..all },
            WakeFilter { by: Some(WokenBy::Task(TaskIx(1))), ..all },
            WakeFilter { by: Some(WokenBy::Thread), ..all },
            WakeFilter { effect: Some(WakeEffect::TooLate), ..all },
            WakeFilter { place: Some(PlaceIx(0)), ..all },
            WakeFilter { effect: Some(WakeEffect::Duplicate), ..all },
            WakeFilter { by: Some(WokenBy::Worker), lane: Some(LaneIx(0)), ..all },
        ];
        for time in times(&trace).into_iter().step_by(step) {
            check_finds(&trace, &activity, time, &polls);
            check_wakes(&trace, &activity, time, &wakes);
        }
    }

    #[test]
    fn a_chain_goes_back_in_time_and_ends(trace in any_trace()) {
        for (ix, _) in trace.polls() {
            let mut before: Option<(u64, Option<PollIx>)> = None;
            for link in links(&trace, ix) {
                let start = trace.poll(link.poll).start;
                prop_assert_eq!(link.cause, trace.cause(link.poll));
                if let Some((later, by)) = before {
                    prop_assert!(start < later);
                    prop_assert_eq!(by, Some(link.poll));
                }
                before = Some((start, link.by));
            }
            prop_assert!(before.is_some());
        }
    }
}

#[test]
fn answers_about_a_plausible_program_are_right() {
    for (polls, tasks, seed) in [(60_000, 1_500, 1), (20_000, 4_000, 2)] {
        let trace = generated(polls, tasks, seed);
        let activity = now(Activity::new(&trace));
        let span = trace.span();
        let length = span.end - span.start;
        let at = |part: u64| span.start + length / 1000 * part;
        for part in [0, 3, 250, 500, 777, 999] {
            let answer = now(instant(&trace, Some(&activity), at(part)));
            naive::check_instant(&trace, at(part), &answer);
        }
        let answer = now(instant(&trace, Some(&activity), span.end));
        naive::check_instant(&trace, span.end, &answer);

        let places = (0..trace.places().len() as u32).map(|place| Group::Place(PlaceIx(place)));
        for group in places.chain([Group::All]) {
            for (window, columns) in [
                (span.clone(), 20),
                (at(400)..at(900), 7),
                (at(500)..at(510), 50),
                (at(990)..at(1200), 30),
            ] {
                let ask = curves(&trace, Some(&activity), group, window, columns);
                naive::check_curves(&trace, group, &now(ask).expect("there are few polls"));
            }
        }
        for times in [0..u64::MAX, at(100)..at(110), at(3)..at(700)] {
            let answer = now(range(&trace, Some(&activity), times.clone(), true));
            naive::check_range(&trace, times, &answer);
        }
        let all = PollFilter::default();
        let (longest, _) = now(range(&trace, None, 0..u64::MAX, false)).longest[5];
        let polls = [
            PollFilter { at_least: trace.poll(longest).duration(), ..all },
            PollFilter { end: Some(PollEnd::Panicked), ..all },
            PollFilter { is_hop: true, place: Some(activity.places()[2]), ..all },
            PollFilter { task: Some(trace.poll(longest).task), ..all },
        ];
        let all = WakeFilter::default();
        let wakes = [
            all,
            WakeFilter { effect: Some(WakeEffect::TooLate), ..all },
            WakeFilter { by: Some(WokenBy::Thread), ..all },
            WakeFilter { task: Some(trace.poll(longest).task), ..all },
        ];
        let callers = [0, 5, tasks as u32 / 3, tasks as u32 / 2, trace.poll(longest).task.0];
        let by = callers.map(|task| WakeFilter { by: Some(WokenBy::Task(TaskIx(task))), ..all });
        for part in [1, 500, 998] {
            check_finds(&trace, &activity, at(part), &polls);
            check_wakes(&trace, &activity, at(part), &wakes);
            check_wakes(&trace, &activity, at(part), &by);
        }
    }
}

#[test]
fn a_chain_leads_from_a_poll_to_who_woke_it_and_to_who_spawned_that() {
    let trace = Recording::new()
        .thread(0, |t| {
            let t = t.worker(0).at(1).poll(1).at(2).spawn(2).at(3).pending();
            let t = t.at(5).poll(3).at(6).pending();
            let t = t.at(10).poll(2).at(12).wake(3).at(14).pending();
            t.at(20).poll(3).at(22).pending()
        })
        .trace();
    let last = trace.task_polls(common::ix(&trace, 3)).last().expect("it was polled");
    let chain: Vec<_> = links(&trace, last).collect();
    let starts: Vec<_> = chain.iter().map(|link| trace.poll(link.poll).start).collect();
    assert_eq!(starts, [20, 10, 1]);
    assert!(matches!(chain[0].cause, Cause::Woken(_)));
    assert!(matches!(chain[1].cause, Cause::Spawned { time: 2, .. }));
    assert_eq!(chain[2].cause, Cause::Unknown);
}

#[test]
fn a_question_that_is_not_wanted_any_more_ends_at_its_next_pause() {
    let trace = generated(20_000, 200, 1);
    let turns = std::cell::Cell::new(0);
    let stop_after = |most: u32| {
        turns.set(0);
        let turns = &turns;
        move || {
            turns.set(turns.get() + 1);
            turns.get() > most
        }
    };
    assert!(unless(Activity::new(&trace), stop_after(2)).is_none());
    let activity = unless(Activity::new(&trace), || false).expect("nothing stops it");
    assert!(activity.is_of(&trace));
    assert!(!activity.is_of(&generated(20_000, 200, 1)));
    assert!(unless(range(&trace, None, 0..u64::MAX, true), stop_after(1)).is_none());
    assert!(unless(instant(&trace, None, 1_000_000), stop_after(1)).is_none());
    let rare = PollFilter { at_least: u64::MAX, ..PollFilter::default() };
    let ask = find_poll(&trace, None, rare, (0, None), Direction::Forward);
    assert!(unless(ask, stop_after(1)).is_none());
}

/// So a question can be asked on another thread.
#[test]
fn questions_can_be_sent() {
    fn is_send<T: Send>(_: &T) {}
    let trace = generated(1_000, 10, 1);
    let activity = now(Activity::new(&trace));
    is_send(&Activity::new(&trace));
    is_send(&instant(&trace, Some(&activity), 0));
    is_send(&curves(&trace, Some(&activity), Group::All, 0..1, 1));
    is_send(&range(&trace, Some(&activity), 0..1, true));
    is_send(&find_poll(&trace, None, PollFilter::default(), (0, None), Direction::Back));
    is_send(&find_wake(&trace, None, WakeFilter::default(), (0, None), Direction::Back));
}

#[test]
fn the_longest_waits_are_those_of_all_tasks() {
    for seed in 0..4 {
        let trace = generated(3_000, 60, seed);
        let (activity, span) = (now(Activity::new(&trace)), trace.span());
        for times in [span.clone(), span.end / 3..span.end / 2, span.end..span.end] {
            let mut expected = Vec::new();
            for task in (0..trace.task_count()).map(|task| TaskIx(task as u32)) {
                let spans: Vec<_> = trace.states(task).collect();
                for (number, span) in spans.iter().enumerate() {
                    let next = spans[number..].iter().find_map(|span| span.poll);
                    if let (State::Waiting, Some(next)) = (span.state, next)
                        && trace.poll_before(next).is_some()
                        && times.contains(&trace.poll(next).start)
                    {
                        expected.push((next, span.end - span.start));
                    }
                }
            }
            expected.sort_by_key(|&(poll, time)| (std::cmp::Reverse(time), poll));
            assert!(!expected.is_empty() || times != span);
            expected.truncate(100);
            assert_eq!(now(longest_waits(&trace, Some(&activity), times.clone())), expected);
            assert_eq!(now(longest_waits(&trace, None, times)), expected);
        }
    }
}
