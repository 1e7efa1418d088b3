//! Who stood in the queue of a worker that was held, against a slow answer that is plainly right.

use proptest::prelude::*;
use taskscope_format::Nanos;

use super::rules::Rule;
use super::rules::held::Held;
use super::seen::Seen;
use super::*;
use crate::questions::now;
use crate::testing::any_trace::{any_trace, generated};
use crate::types::Poll;
use crate::{Arrival, Cause, Queue};

/// Polls of tasks on workers that took `least` or longer.
fn long_polls(trace: &Trace, least: Nanos) -> LongPolls {
    let polls = trace.polls().filter(|(_, poll)| trace.is_worker(poll.lane));
    let long = polls.filter_map(|(ix, poll)| {
        let Poll { lane, start, task, .. } = poll;
        let end = trace.lane_end(ix);
        let is_long = end - start >= least.max(1) && trace.task(task).is_async();
        is_long.then_some(LongPoll { lane, start, end, poll: ix, task })
    });
    LongPolls::new(long.collect())
}

/// What the rule counts for each long poll, with a share of the polls shown to each of several rules.
fn counted(trace: &Trace, long: &LongPolls, shares: usize) -> Vec<(u64, Nanos)> {
    let facts = now(Facts::new(trace));
    let known = Known { trace, facts: &facts, long };
    let mut rules: Vec<Held> = (0..shares).map(|_| Held::default()).collect();
    for (number, (poll, _)) in trace.polls().enumerate() {
        let (chunk, slot) = (trace.polls.chunk(poll.chunk()), poll.slot());
        let seen = Seen { trace, facts: &facts, chunk, slot, poll };
        if let Some(stay) = stay::before(&known, &seen) {
            rules[number % shares].stay(&known, &stay);
        }
    }
    let mut all = Held::default();
    rules.into_iter().for_each(|rule| all.join(rule));
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        if let Some(stay) = stay::unended(trace, task) {
            all.stay(&known, &stay);
        }
    }
    all.waiting(&known)
}

/// From when a task was scheduled for a poll, and the worker whose queue it stood in: by the public questions.
fn stay_before(trace: &Trace, ix: PollIx) -> Option<(Nanos, LaneIx)> {
    let poll = trace.poll(ix);
    let since = match trace.cause(ix) {
        Cause::Spawned { time, .. } => time,
        Cause::Woken(wake) => trace.wake(wake).time,
        Cause::Unknown => trace.scheduled_since(ix)?,
    };
    let before = trace.poll_before(ix).map_or(0, |before| trace.poll(before).end);
    let runtime = trace.runtimes().iter().find(|of| of.workers.contains(&poll.lane))?;
    let lane = match trace.arrival(ix) {
        Some(Arrival { queue: Queue::Own, .. }) => poll.lane,
        Some(Arrival { queue: Queue::Stolen { from }, .. }) => from,
        _ if runtime.workers.len() == 1 && trace.task(poll.task).is_queued() => poll.lane,
        _ => return None,
    };
    Some((since.max(before), lane))
}

/// The same of a task that is scheduled when the trace ends.
fn last_stay(trace: &Trace, task: TaskIx) -> Option<(Nanos, LaneIx)> {
    let of = trace.task(task);
    let last = trace.task_polls(task).last();
    let poll = last.map(|last| trace.poll(last));
    let (since, on) = match (of.spawned, poll) {
        (Some(time), None) => (time, of.spawned_on),
        _ => {
            // The first since its last poll began is the one that counted.
            let first = || trace.task_wakes(task).next();
            let wake = trace.wake(last.map_or_else(first, |last| trace.wake_after(last))?);
            match poll.filter(|poll| wake.time < poll.end) {
                Some(poll) => (poll.end, Some(poll.lane).filter(|_| !poll.gave_worker_away)),
                None => (wake.time, wake.worker),
            }
        }
    };
    let runtime = of.runtime.map(|at| &trace.runtimes()[at as usize]);
    let lane = poll.map(|poll| poll.lane).or(of.spawned_on);
    let of_lane = |lane| trace.runtimes().iter().find(|of| of.workers.contains(&lane));
    let runtime = runtime.or_else(|| of_lane(lane?))?;
    let on = on.filter(|on| runtime.workers.contains(on));
    let on = on.or(match runtime.workers[..] {
        [only] => Some(only),
        _ => None,
    });
    of.is_queued().then_some((since, on?))
}

fn check(trace: &Trace, least: Nanos) -> usize {
    let long = long_polls(trace, least);
    let polls = trace.polls().filter_map(|(ix, poll)| {
        let (since, lane) = stay_before(trace, ix)?;
        Some((since..poll.start, lane))
    });
    let tasks = (0..trace.task_count() as u32).map(TaskIx);
    let last = tasks.filter_map(|task| {
        let end = trace.task(task).end.map_or(trace.span().end, |end| end.time);
        let (since, lane) = last_stay(trace, task)?;
        Some((since..end, lane))
    });
    let stays: Vec<_> = polls.chain(last).filter(|(times, _)| !times.is_empty()).collect();
    let naive = long.all().iter().map(|of| {
        let overlaps =
            stays.iter().filter(|(_, lane)| *lane == of.lane).filter_map(|(times, _)| {
                let overlap = times.end.min(of.end).checked_sub(times.start.max(of.start))?;
                (overlap > 0).then_some(overlap)
            });
        (overlaps.clone().count() as u64, overlaps.max().unwrap_or(0))
    });
    let naive: Vec<_> = naive.collect();
    for (times, lane) in &stays {
        let of_lane = long.all().iter().filter(|of| of.lane == *lane);
        let held =
            of_lane.map(|of| times.end.min(of.end).saturating_sub(times.start.max(of.start)));
        assert_eq!(long.held(*lane, times), held.sum::<u64>(), "{times:?}");
    }
    for shares in [1, 3] {
        assert_eq!(counted(trace, &long, shares), naive, "{:?} {stays:?}", long.all());
    }
    naive.iter().filter(|(tasks, _)| *tasks > 0).count()
}

proptest! {
    #[test]
    fn who_waited_for_a_held_worker_is_who_stood_in_its_queue(
        trace in any_trace(), least in 1..40u64,
    ) {
        check(&trace, least);
    }

    /// Whatever a file holds, and twice the same.
    #[test]
    fn any_trace_has_an_answer(trace in any_trace()) {
        let answer = now(findings(&trace));
        prop_assert_eq!(&now(findings(&trace)), &answer);
        for of in &answer {
            prop_assert!(of.start <= of.end && of.severity <= of.kind.severity());
            prop_assert!(of.evidence.len() > 10);
        }
        let order: Vec<_> = answer.iter().map(|of| (of.severity, of.cost)).collect();
        prop_assert!(order.is_sorted_by(|one, next| one >= next));
    }
}

#[test]
fn who_waited_is_right_in_a_plausible_program() {
    for (tasks, seed) in [(300, 1), (1_500, 2)] {
        let trace = generated(20_000, tasks, seed);
        // Some polls each, and most.
        let found = [50_000, 5_000].map(|least| check(&trace, least));
        assert!(found.iter().all(|&polls| polls > 10), "{found:?} polls with tasks behind them");
    }
}

#[test]
fn it_can_be_stopped() {
    let trace = generated(20_000, 200, 1);
    let turns = std::cell::Cell::new(0);
    let stop = || turns.replace(turns.get() + 1) >= 2;
    assert!(crate::questions::unless(findings(&trace), stop).is_none());
}

#[test]
fn it_can_be_asked_on_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    is_send(&findings(&generated(1_000, 10, 1)));
}
