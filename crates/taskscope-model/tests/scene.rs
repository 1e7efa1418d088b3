//! Where tasks are at an instant, against what the trace says of each poll.

#[path = "common/any_trace.rs"]
mod any_trace;
mod common;
#[path = "common/naive.rs"]
mod naive;

use any_trace::{any_trace, generated, times};
use proptest::prelude::*;
use taskscope_model::questions::{
    Activity, Outcome, Room, Scene, Spot, Stage, Token, now, scene, token_at,
};
use taskscope_model::{Direction, Nanos, Poll, Queue, State, TaskIx, Trace};

fn scene_at(trace: &Trace, stage: &Stage, time: Nanos) -> Scene {
    now(scene(trace, None, stage, time.saturating_sub(20), time))
}

/// A slot has the task that its lane is at, and nothing else; a queue those that its worker or another takes
/// from there; a room those that wait.
fn check(trace: &Trace, scene: &Scene) {
    for token in &scene.tokens {
        let Token { task, span, spot, .. } = *token;
        assert_eq!(naive::state_at(trace, task, scene.time), Some(span));
        let at = scene.time.min(span.end - 1);
        match span.state {
            State::Running => {
                let poll = span.poll.expect("it runs in a poll");
                let lane = trace.poll(poll).lane;
                let at_it = trace.poll_at(lane, at).map(|at| trace.poll(at).task);
                // The task of a part is at it, too.
                if at_it.is_some_and(|task| trace.task(task).is_part) {
                    continue;
                }
                let is_at_it = at_it == Some(task);
                if trace.poll_at(lane, at).is_some_and(|at| trace.task(trace.poll(at).task).is_part)
                {
                    continue;
                }
                assert_eq!(spot, if is_at_it { Spot::Slot(lane) } else { Spot::Below(lane) });
            }
            State::Scheduled => {
                let next = token.next.filter(|next| trace.poll(*next).start == span.end);
                let Some(next) = next else { continue };
                assert_eq!(token.to, Spot::Slot(trace.poll(next).lane));
                match trace.arrival(next).map(|arrival| arrival.queue) {
                    Some(Queue::Own) => assert_eq!(spot, Spot::Own(trace.poll(next).lane)),
                    Some(Queue::Stolen { from }) => assert_eq!(spot, Spot::Own(from)),
                    Some(Queue::Injection) => assert!(matches!(spot, Spot::Injection(_))),
                    None => assert!(!matches!(spot, Spot::Slot(_) | Spot::Room(_)), "{spot:?}"),
                }
            }
            State::Waiting => {
                let waited = token.before.and_then(|before| trace.waited_for(before));
                let inferred = waited.is_some_and(|waited| waited.is_inferred());
                assert!(matches!(spot, Spot::Room(_)), "{spot:?}");
                assert_eq!(token.inferred, inferred);
            }
            State::Deferred => {
                let lane = token.before.map(|before| trace.poll(before).lane);
                assert_eq!(spot, lane.map_or(Spot::Scheduled, Spot::Deferred));
            }
            State::Idle | State::Unknown => assert_eq!(spot, Spot::Unknown),
        }
    }
    // In no slot stands more than one.
    let mut slots: Vec<_> = scene.tokens.iter().map(|token| token.spot).collect();
    slots.retain(|spot| matches!(spot, Spot::Slot(_)));
    let all = slots.len();
    slots.sort_unstable();
    slots.dedup();
    assert_eq!(slots.len(), all);

    let ended = naive::tasks(trace).filter(|task| trace.task(*task).is_async());
    let ended = ended.filter_map(|task| trace.task(task).end);
    let ended = ended.filter(|end| end.time <= scene.time).count();
    assert_eq!(scene.outcomes.iter().sum::<u64>(), ended as u64);
    let late = naive::tasks(trace).filter(|task| !trace.task(*task).is_part);
    let late = late.filter_map(|task| trace.task(task).end);
    let late =
        late.filter(|end| end.time <= scene.time && end.time > scene.time.saturating_sub(20));
    assert_eq!(scene.leavers.len(), late.count());
}

/// Whether a task has a poll that begins before the one before has ended, before its spawn or after its end.
fn is_odd(trace: &Trace, task: TaskIx) -> bool {
    let polls: Vec<_> = trace.task_polls(task).iter().map(|poll| trace.poll(poll)).collect();
    let late =
        trace.task(task).end.is_some_and(|end| polls.iter().any(|poll| poll.start >= end.time));
    let spawned = trace.task(task).spawned.unwrap_or(0);
    late || polls.iter().any(|poll| poll.start < spawned)
        || polls.windows(2).any(|pair| pair[1].start < pair[0].end.max(pair[0].start + 1))
}

proptest! {
    #[test]
    fn tokens_are_where_the_polls_say(trace in any_trace()) {
        let activity = now(Activity::new(&trace));
        let stage = now(Stage::new(&trace));
        for time in times(&trace) {
            let answer = scene_at(&trace, &stage, time);
            check(&trace, &answer);
            for task in naive::tasks(&trace).filter(|task| !is_odd(&trace, *task)) {
                let token = answer.tokens.iter().find(|token| token.task == task).copied();
                prop_assert_eq!(token_at(&trace, &stage, task, time), token);
            }
            let since = time.saturating_sub(20);
            prop_assert_eq!(&now(scene(&trace, Some(&activity), &stage, since, time)), &answer);
        }
    }
}

#[test]
fn where_a_token_came_from_is_where_it_was() {
    let trace = generated(20_000, 1_500, 3);
    let stage = now(Stage::new(&trace));
    let span = trace.span();
    let mut met = std::collections::HashSet::new();
    for part in 1..40 {
        let time = span.start + (span.end - span.start) / 40 * part;
        let answer = scene_at(&trace, &stage, time);
        check(&trace, &answer);
        for token in answer.tokens.iter().step_by(7) {
            let find = |time: Nanos| {
                let scene = scene_at(&trace, &stage, time);
                scene.tokens.into_iter().find(|other| other.task == token.task)
            };
            // Tasks with a poll within another's or on a thread that gave its worker away are below, and
            // come back.
            let is_plain = |spot: Spot| !matches!(spot, Spot::Below(_) | Spot::Unknown);
            if let Some(before) = find(token.span.start.saturating_sub(1))
                && before.span.end == token.span.start
                && is_plain(before.spot)
                && is_plain(token.spot)
                && (token.span.state != State::Running || before.span.state == State::Scheduled)
            {
                assert_eq!(before.spot, token.from, "before {token:?}");
                met.insert((before.span.state, token.span.state));
            }
            if let Some(after) = find(token.span.end)
                && after.span.start == token.span.end
                && is_plain(after.spot)
                && token.to != Spot::Outside
            {
                assert_eq!(after.spot, token.to, "after {token:?}");
            }
        }
    }
    for pair in [
        (State::Running, State::Waiting),
        (State::Running, State::Scheduled),
        (State::Waiting, State::Scheduled),
        (State::Scheduled, State::Running),
        (State::Deferred, State::Scheduled),
    ] {
        assert!(met.contains(&pair), "no token went from {:?} to {:?}", pair.0, pair.1);
    }
}

#[test]
fn each_way_of_ending_is_counted_by_itself() {
    let trace = generated(60_000, 1_500, 1);
    let stage = now(Stage::new(&trace));
    let span = trace.span();
    let counts = stage.outcomes(&trace, span.end);
    let of = |outcome: Outcome| counts[outcome as usize];
    let summary = trace.summary().tasks;
    assert_eq!(Some(of(Outcome::Returned)), summary.returned);
    assert_eq!(Some(of(Outcome::Panicked)), summary.panicked);
    assert_eq!(Some(of(Outcome::Aborted)), summary.aborted);
    assert!(of(Outcome::Returned) > 0 && of(Outcome::Panicked) > 0 && of(Outcome::Aborted) > 0);
    assert_eq!(stage.outcomes(&trace, 0).iter().sum::<u64>(), 0);
}

#[test]
fn timers_share_a_room_and_locks_have_their_own() {
    let trace = generated(60_000, 1_500, 1);
    let stage = now(Stage::new(&trace));
    let span = trace.span();
    let mut rooms = std::collections::BTreeSet::new();
    for part in 1..100 {
        let time = span.start + (span.end - span.start) / 100 * part;
        let tokens = scene_at(&trace, &stage, time).tokens;
        rooms.extend(tokens.iter().filter_map(|token| match token.spot {
            Spot::Room(room) => Some(room),
            _ => None,
        }));
    }
    assert!(rooms.contains(&Room::Timers));
    let kind = |room: &Room| match room {
        Room::Resource(resource) => Some(trace.resource(*resource).concrete_type.to_string()),
        _ => None,
    };
    let kinds: std::collections::BTreeSet<_> = rooms.iter().filter_map(kind).collect();
    assert!(!kinds.contains("Sleep") && !kinds.is_empty(), "{kinds:?}");
}

#[test]
fn the_next_hop_is_the_nearest_on_that_side() {
    let trace = generated(20_000, 300, 4);
    let hops: Vec<_> = trace.hops().map(|hop| trace.poll(hop.to)).collect();
    assert!(hops.len() > 100);
    let span = trace.span();
    let some = hops.iter().step_by(97).flat_map(|hop| [hop.start - 1, hop.start, hop.start + 1]);
    for time in some.chain([span.start, span.end]) {
        let nearest = |of: &dyn Fn(&Poll) -> bool| {
            let of = || hops.iter().filter(|hop| of(hop)).map(|hop| hop.start);
            (of().filter(|start| *start > time).min(), of().filter(|start| *start < time).max())
        };
        let next = |direction| trace.next_hop(time, direction);
        let found = (next(Direction::Forward), next(Direction::Back));
        assert_eq!(found, nearest(&|_| true), "around {time}");
        for task in [hops[0].task, hops[50].task] {
            let next = |direction| trace.next_hop_of(task, time, direction);
            let found = (next(Direction::Forward), next(Direction::Back));
            assert_eq!(found, nearest(&|hop| hop.task == task), "of {task:?} around {time}");
        }
    }
}
