//! Which tasks the table shows, and in which order.
//!
//! With a million tasks that is a job of some 50 ms. Each column is made a number a task first, so
//! that sorting looks at numbers that lie side by side and calls nothing. Tasks with the same
//! number stay in the order in which they were spawned.

use std::sync::Arc;

use taskscope_model::questions::search::Hits;
use taskscope_model::questions::{Activity, instant};
use taskscope_model::{State, StateTimes, TaskIx, TaskTimes, Trace};

use super::field::Field;
use crate::jobs::{is_time_to_pause, pause};
use crate::labels;
use crate::search::Found;

/// What the rows depend on, beside the trace.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Key {
    pub(super) sort: Field,
    pub(super) descending: bool,
    /// What was found, where something is searched for.
    pub(super) found: Option<Found>,
    /// The playhead, where the order depends on it.
    pub(super) moment: Option<u64>,
    /// Of which snapshot the times are that the order depends on, where it does.
    pub(super) times: Option<u64>,
}

impl Key {
    /// Whether the rows are in another order, or others, for a reason that a person gave.
    pub(super) fn is_another_order(&self, other: &Self) -> bool {
        let asked = |key: &Self| key.found.as_ref().map(|found| found.asked.clone());
        (self.sort, self.descending, asked(self)) != (other.sort, other.descending, asked(other))
    }
}

/// What a task is sorted by, and the task.
type Entry = (u64, u32);

/// What the rows are made from.
pub(super) struct Sources {
    pub(super) trace: Arc<Trace>,
    pub(super) times: Option<Arc<TaskTimes>>,
    pub(super) activity: Option<Arc<Activity>>,
    /// There if something is searched for.
    pub(super) found: Option<Arc<Hits>>,
}

/// The tasks that match, in their order.
pub(super) async fn rows(from: Sources, key: Key) -> Vec<TaskIx> {
    let Sources { trace, times, activity, found } = from;
    let found: Vec<TaskIx> = match found {
        Some(hits) => hits.tasks.clone(),
        None => (0..trace.tasks().len() as u32).map(TaskIx).collect(),
    };
    let states = match key.sort {
        Field::Now => {
            let moment = key.moment.unwrap_or(0);
            let alive = instant(&trace, activity.as_deref(), moment).await.tasks;
            let mut ranks = vec![None; trace.task_count()];
            alive.iter().for_each(|at| ranks[at.task.get()] = Some(rank(at.span.state)));
            ranks
        }
        _ => Vec::new(),
    };
    let figure = figures(&trace, times.as_deref(), &states, &key);
    let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
    let mut without = Vec::new();
    for (turn, task) in found.into_iter().enumerate() {
        match figure(task) {
            // The other way round: the largest comes first, and of equal ones still the first.
            Some(figure) if key.descending => entries.push((!figure, task.0)),
            Some(figure) => entries.push((figure, task.0)),
            // Those with nothing in the column come last either way.
            None => without.push(task),
        }
        if is_time_to_pause(turn) {
            pause().await;
        }
    }
    drop(figure);
    let sorted = sort(entries).await;
    let mut rows: Vec<TaskIx> = sorted.into_iter().map(|(_, task)| TaskIx(task)).collect();
    rows.append(&mut without);
    rows
}

/// What tasks are sorted by in a column, as a number; `None` for tasks with nothing in it.
fn figures<'a>(
    trace: &'a Trace,
    times: Option<&'a TaskTimes>,
    states: &'a [Option<u64>],
    key: &Key,
) -> Box<dyn Fn(TaskIx) -> Option<u64> + Send + 'a> {
    match key.sort {
        Field::Task => Box::new(|task| Some(task.0.into())),
        Field::Place => {
            let ranks = ranks(&trace.places().collect::<Vec<_>>());
            Box::new(move |task| trace.task(task).place.map(|place| ranks[place.get()]))
        }
        Field::Now => Box::new(move |task| states[task.get()]),
        Field::End => {
            // There are few words for how a task ends, and many tasks.
            let kind =
                |task| trace.task(task).end.map(|end| (end.kind, end.cancelled_by, end.inferred));
            let tasks = || (0..trace.tasks().len() as u32).map(TaskIx);
            let mut kinds = Vec::new();
            let mut words = Vec::new();
            for task in tasks() {
                if !kinds.contains(&kind(task)) {
                    kinds.push(kind(task));
                    words.push(labels::task_end(trace.task(task).end));
                }
            }
            let ranks = ranks(&words);
            Box::new(move |task| {
                kinds.iter().position(|&known| known == kind(task)).map(|known| ranks[known])
            })
        }
        field => Box::new(move |task| value(trace, || Some(times?.get(task)), task, field)),
    }
}

/// Where each of these comes in their order; equal ones come at the same place.
fn ranks<T: Ord>(of: &[T]) -> Vec<u64> {
    let mut order: Vec<usize> = (0..of.len()).collect();
    order.sort_by(|&a, &b| of[a].cmp(&of[b]));
    let mut ranks = vec![0; of.len()];
    let mut rank = 0;
    for pair in order.windows(2) {
        rank += u64::from(of[pair[0]] != of[pair[1]]);
        ranks[pair[1]] = rank;
    }
    ranks
}

/// Sorts by the first number; entries with the same one stay in their order.
///
/// Digit by digit, from the last: each pass deals the entries out by one digit. Most columns have
/// few digits that differ (a duration has three or four), and a pass over digits that are all
/// the same is left out. That takes a quarter of the time of comparing.
async fn sort(mut entries: Vec<Entry>) -> Vec<Entry> {
    const BITS: u32 = 11;
    const DIGITS: usize = 1 << BITS;
    let (any, all) =
        entries.iter().fold((0, u64::MAX), |(any, all), &(key, _)| (any | key, all & key));
    let differing = any & !all;
    let mut dealt = Vec::new();
    for shift in (0..u64::BITS).step_by(BITS as usize) {
        let digit = |entry: &Entry| (entry.0 >> shift) as usize % DIGITS;
        if ((differing >> shift) as usize).is_multiple_of(DIGITS) {
            continue;
        }
        // Where the entries with each digit go.
        let mut places = [0usize; DIGITS];
        entries.iter().for_each(|entry| places[digit(entry)] += 1);
        let mut place = 0;
        for count in &mut places {
            place += std::mem::replace(count, place);
        }
        pause().await;
        dealt.resize(entries.len(), (0, 0));
        for entry in &entries {
            let place = &mut places[digit(entry)];
            dealt[*place] = *entry;
            *place += 1;
        }
        std::mem::swap(&mut entries, &mut dealt);
        pause().await;
    }
    entries
}

/// Where a state comes when tasks are sorted by what they do: those that run come first.
fn rank(state: State) -> u64 {
    State::ALL.iter().position(|&other| other == state).unwrap_or(State::ALL.len()) as u64
}

pub(super) fn now(trace: &Trace, task: TaskIx, moment: u64) -> Option<State> {
    trace.state_at(task, moment).map(|span| span.state)
}

/// The figure in a column; `None` where it has not been worked out yet.
pub(super) fn value(
    trace: &Trace,
    times: impl Fn() -> Option<StateTimes>,
    ix: TaskIx,
    field: Field,
) -> Option<u64> {
    let task = trace.task(ix);
    Some(match field {
        Field::Polls => task.poll_count().into(),
        Field::Hops => task.hop_count().into(),
        Field::Busy => task.busy(),
        Field::Longest => task.longest(),
        Field::Scheduled => times()?.scheduled,
        Field::Waiting => times()?.waiting,
        Field::Size => task.size.unwrap_or(0),
        Field::Task | Field::Place | Field::Now | Field::End => 0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ranks, sort};
    use crate::jobs;

    #[test]
    fn equal_ones_have_the_same_rank() {
        assert_eq!(ranks(&["b", "a", "c", "a"]), [1, 0, 2, 0]);
        assert!(ranks::<u8>(&[]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

        #[test]
        fn entries_are_sorted_and_equal_ones_stay_in_their_order(
            keys in prop::collection::vec(prop_oneof![0..5u64, 0..100_000u64, any::<u64>()], 0..300),
            descending: bool,
        ) {
            let figure = |key: u64| if descending { !key } else { key };
            let entries: Vec<_> =
                keys.into_iter().enumerate().map(|(n, key)| (figure(key), n as u32)).collect();
            let sorted = jobs::now(sort(entries.clone()));
            let mut expected = entries;
            expected.sort_by_key(|&(key, _)| key);
            prop_assert_eq!(sorted, expected);
        }
    }
}
