//! Slow answers that are plainly right.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::collections::BTreeMap;
use std::ops::Range;

use taskscope_model::questions::{
    Curves, Group, HopQueue, Instant, MOST_LISTED, PollFilter, RangeSums, WaitsFor, WakeFilter,
};
use taskscope_model::{
    Direction, Nanos, Poll, PollEnd, PollIx, Queue, State, StateSpan, TaskIx, Trace, WaitedFor,
    WakeIx,
};

pub fn tasks(trace: &Trace) -> impl Iterator<Item = TaskIx> {
    (0..trace.task_count() as u32).map(TaskIx)
}

/// What a task is doing at a time: the span of its states around it.
pub fn state_at(trace: &Trace, task: TaskIx, time: Nanos) -> Option<StateSpan> {
    let is_alive = trace.task(task).end.is_none();
    let at_end = |span: &StateSpan| is_alive && time == trace.span().end && span.end == time;
    let states = trace.states(task);
    states.filter(|span| span.start <= time && (time < span.end || at_end(span))).last()
}

pub fn check_instant(trace: &Trace, time: Nanos, answer: &Instant) {
    let states: Vec<_> = tasks(trace)
        .filter_map(|task| state_at(trace, task, time).map(|span| (task, span)))
        .collect();
    let answered: Vec<_> = answer.tasks.iter().map(|state| (state.task, state.span)).collect();
    assert_eq!(answered, states, "at {time}");
    for state in State::ALL {
        let is_in = |(_, span): &&(TaskIx, StateSpan)| span.state == state;
        assert_eq!(answer.count(state), states.iter().filter(is_in).count() as u64);
    }
    let mut places = BTreeMap::new();
    for (task, span) in &states {
        let place = trace.task(*task).place;
        *places.entry((place, span.state as usize)).or_insert(0u64) += 1;
    }
    let answered = answer
        .places
        .iter()
        .flat_map(|of| State::ALL.map(|state| ((of.place, state as usize), of.count(state))));
    assert_eq!(answered.filter(|(_, count)| *count > 0).collect::<BTreeMap<_, _>>(), places);

    let mut waits = BTreeMap::new();
    for (task, span) in states.iter().filter(|(_, span)| span.state == State::Waiting) {
        let polls = trace.task_polls(*task);
        // The last of those that began at the same time.
        let last = polls.iter().filter(|poll| trace.poll(*poll).start < span.end.max(1)).last();
        let last = last.filter(|poll| trace.poll(*poll).start <= time.max(span.start));
        let what = match last.and_then(|poll| trace.waited_for(poll)) {
            Some(WaitedFor::Operations(operations)) => {
                for of in operations {
                    let of = format!("{:?} {}", trace.resource(of.resource), of.operation);
                    *waits.entry(of).or_insert(0) += 1;
                }
                continue;
            }
            Some(WaitedFor::Join(_)) => "join",
            Some(WaitedFor::Io) => "io",
            Some(WaitedFor::Unknown) | None => "unknown",
        };
        *waits.entry(what.to_owned()).or_insert(0) += 1;
    }
    let name = |what| match what {
        WaitsFor::Operation { resource, operation } => {
            let operation = operation.map_or("", |operation| trace.text(operation));
            format!("{:?} {operation}", trace.resource(resource))
        }
        WaitsFor::Join => "join".to_owned(),
        WaitsFor::Io => "io".to_owned(),
        WaitsFor::Unknown => "unknown".to_owned(),
    };
    let answered = answer.waits.iter().map(|wait| (name(wait.what), wait.tasks));
    assert_eq!(answered.collect::<BTreeMap<_, _>>(), waits, "at {time}");
}

/// Time in each state, by column.
pub fn check_curves(trace: &Trace, group: Group, answer: &Curves) {
    let spans: Vec<StateSpan> = tasks(trace)
        .filter(|task| match group {
            Group::All => true,
            Group::Place(place) => trace.task(*task).place == Some(place),
        })
        .flat_map(|task| trace.states(task))
        .collect();
    let time = |state: State, times: Range<Nanos>| -> u64 {
        let of_state = spans.iter().filter(|span| span.state == state);
        let within = of_state
            .map(|span| span.end.min(times.end).saturating_sub(span.start.max(times.start)));
        within.sum()
    };
    let blur = answer.blur;
    for column in 0..answer.len() {
        let times = answer.times(column);
        for state in State::ALL {
            let answered = answer.time(column, state);
            if blur == 0 {
                assert_eq!(answered, time(state, times.clone()) as f64, "{state:?} in {times:?}");
                continue;
            }
            // What is in a column for sure, and what may be in it.
            let inner = times.start.saturating_add(blur)..times.end.saturating_sub(blur);
            let outer = times.start.saturating_sub(blur)..times.end.saturating_add(blur);
            let least = time(state, inner.start..inner.end.max(inner.start)) as f64;
            let most = time(state, outer) as f64;
            let rounding = 1e-6 * most + 1e-6;
            assert!(
                least - rounding <= answered && answered <= most + rounding,
                "{state:?} in {times:?}: {answered} is not in {least}..={most}"
            );
        }
    }
    // In all, what is at the edges of the window may be in or out.
    if let Some(last) = answer.len().checked_sub(1) {
        let all = answer.times(0).start..answer.times(last).end;
        for state in State::ALL {
            let sum: f64 = (0..answer.len()).map(|column| answer.time(column, state)).sum();
            let inner = all.start.saturating_add(blur)..all.end.saturating_sub(blur);
            let outer = all.start.saturating_sub(blur)..all.end.saturating_add(blur);
            let least = time(state, inner.start..inner.end.max(inner.start)) as f64;
            let most = time(state, outer) as f64;
            let rounding = 1e-6 * most + 1e-6;
            assert!(least - rounding <= sum && sum <= most + rounding, "{state:?}");
        }
    }
}

pub fn check_range(trace: &Trace, range: Range<Nanos>, answer: &RangeSums) {
    let polls: Vec<(PollIx, Poll)> =
        trace.polls().filter(|(_, poll)| range.contains(&poll.start)).collect();
    assert_eq!(answer.polls, polls.len() as u64);
    let busy =
        |polls: &[(PollIx, Poll)]| polls.iter().map(|(_, poll)| poll.duration()).sum::<u64>();
    assert_eq!(answer.busy, busy(&polls));
    let mut ends = [0; PollEnd::ALL.len()];
    polls.iter().for_each(|(_, poll)| ends[poll.how.position()] += 1);
    assert_eq!(answer.ends, ends);
    let delay = |ix: PollIx| {
        let wake = trace.wake(trace.wake_before(ix)?);
        Some(trace.poll(ix).start - wake.time)
    };
    let mut longest: Vec<_> = polls.iter().map(|(ix, poll)| (*ix, poll.duration())).collect();
    let mut latest: Vec<_> = polls.iter().filter_map(|(ix, _)| Some((*ix, delay(*ix)?))).collect();
    for (all, histogram, listed) in [
        (&mut longest, &answer.times, &answer.longest),
        (&mut latest, &answer.delays, &answer.latest),
    ] {
        assert_eq!(histogram.count(), all.len() as u64);
        assert_eq!(histogram.sum(), all.iter().map(|(_, time)| u128::from(*time)).sum());
        for (times, count) in histogram.bars() {
            let within = all.iter().filter(|(_, time)| times.contains(&u128::from(*time)));
            assert_eq!(count, within.count() as u64);
        }
        all.sort_by_key(|(ix, time)| (std::cmp::Reverse(*time), *ix));
        all.truncate(MOST_LISTED);
        assert_eq!(listed, all);
    }
    let mut hops = BTreeMap::new();
    let mut places = BTreeMap::new();
    let mut tasks = BTreeMap::new();
    for (ix, poll) in &polls {
        let is_hop = trace.is_hop(*ix);
        if is_hop {
            let before = trace.poll_before(*ix).expect("a hop leads from somewhere");
            let queue = match trace.arrival(*ix).map(|arrival| arrival.queue) {
                Some(Queue::Own) => HopQueue::Own,
                Some(Queue::Stolen { .. }) => HopQueue::Stolen,
                Some(Queue::Injection) => HopQueue::Injection,
                None => HopQueue::Unknown,
            };
            *hops.entry((trace.poll(before).lane, poll.lane, queue)).or_insert(0u64) += 1;
        }
        let delay = delay(*ix);
        let of = places.entry(trace.task(poll.task).place).or_insert((0, 0, 0, 0, 0, 0, 0));
        of.0 += 1;
        of.1 += poll.duration();
        of.2 = poll.duration().max(of.2);
        of.3 += u64::from(is_hop);
        of.4 += u64::from(delay.is_some());
        of.5 += delay.unwrap_or(0);
        of.6 = delay.unwrap_or(0).max(of.6);
        let of = tasks.entry(poll.task).or_insert((0, 0, 0, 0));
        of.0 += 1;
        of.1 += u32::from(is_hop);
        of.2 += poll.duration();
        of.3 = u32::try_from(poll.duration()).unwrap_or(u32::MAX).max(of.3);
    }
    let answered = answer.hops.iter().map(|hop| ((hop.from, hop.to, hop.queue), hop.count));
    assert_eq!(answered.collect::<BTreeMap<_, _>>(), hops);
    let answered = answer.places.iter().map(|of| {
        let sums = (of.polls, of.busy, of.longest, of.hops, of.woken, of.delay, of.longest_delay);
        (of.place, sums)
    });
    assert_eq!(answered.collect::<BTreeMap<_, _>>(), places);
    let answered =
        answer.tasks.iter().map(|of| (of.task, (of.polls, of.hops, of.busy, of.longest)));
    assert_eq!(answered.collect::<BTreeMap<_, _>>(), tasks);
}

/// The nearest of some things in order, beyond one.
fn nearest<K: Ord + Copy>(
    mut all: Vec<(Nanos, K)>,
    from: (Nanos, Option<K>),
    direction: Direction,
) -> Option<K> {
    all.sort_unstable();
    let found = match (direction, from.1) {
        (Direction::Forward, Some(key)) => all.iter().find(|one| **one > (from.0, key)),
        (Direction::Forward, None) => all.iter().find(|one| one.0 > from.0),
        (Direction::Back, Some(key)) => all.iter().rfind(|one| **one < (from.0, key)),
        (Direction::Back, None) => all.iter().rfind(|one| one.0 < from.0),
    };
    found.map(|(_, key)| *key)
}

pub fn find_poll(
    trace: &Trace,
    filter: &PollFilter,
    from: (Nanos, Option<PollIx>),
    direction: Direction,
) -> Option<PollIx> {
    let wanted = |ix: PollIx, poll: Poll| {
        let delay = trace.wake_before(ix).map(|wake| poll.start - trace.wake(wake).time);
        filter.task.is_none_or(|task| poll.task == task)
            && filter.lane.is_none_or(|lane| poll.lane == lane)
            && filter.end.is_none_or(|end| poll.how == end)
            && filter.place.is_none_or(|place| trace.task(poll.task).place == Some(place))
            && (!filter.is_hop || trace.is_hop(ix))
            && poll.duration() >= filter.at_least
            && (filter.delay_at_least == 0 || delay.is_some_and(|d| d >= filter.delay_at_least))
    };
    let polls = trace.polls().filter(|(ix, poll)| wanted(*ix, *poll));
    nearest(polls.map(|(ix, poll)| (poll.start, ix)).collect(), from, direction)
}

pub fn find_wake(
    trace: &Trace,
    filter: &WakeFilter,
    from: (Nanos, Option<WakeIx>),
    direction: Direction,
) -> Option<WakeIx> {
    let wakes: Vec<WakeIx> = match filter.task {
        Some(task) if task.get() >= trace.task_count() => Vec::new(),
        Some(task) => trace.task_wakes(task).collect(),
        None => trace.wakes().collect(),
    };
    let wakes = wakes.into_iter().filter(|wake| filter.holds(trace, *wake));
    nearest(wakes.map(|wake| (trace.wake(wake).time, wake)).collect(), from, direction)
}
