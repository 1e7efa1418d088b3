//! Which tasks the table shows, and in which order.

use std::cmp::Reverse;

use taskscope_model::{State, TaskIx, Trace};

use super::field::Field;
use super::{Key, TaskTable};
use crate::context::Context;
use crate::labels;
use crate::prepared::Prepared;

/// Sorts and filters anew where what it depends on has changed.
pub(super) fn refresh(cx: &Context<'_>, state: &mut TaskTable) {
    // Rows must not jump about while the recording plays.
    let by_moment = state.sort == Field::Now && !cx.replay.is_playing();
    let moment = by_moment.then(|| cx.replay.moment());
    // A blank before or after the words is a slip of the fingers.
    let search = state.search.trim().to_lowercase();
    let key = (state.sort, state.descending, search, moment);
    if state.key.as_ref() == Some(&key) {
        return;
    }
    let (prepared, trace) = (cx.prepared(), cx.trace());
    let (field, descending, search, _) = &key;
    let all = (0..trace.tasks().len() as u32).map(TaskIx);
    let mut rows: Vec<TaskIx> = all.filter(|&task| matches(trace, task, search)).collect();
    match field {
        Field::Task => sort(&mut rows, *descending, Some),
        Field::Place => sort(&mut rows, *descending, |task| {
            trace.task(task).place.map(|place| trace.place(place))
        }),
        Field::Now => {
            let moment = cx.replay.moment();
            sort(&mut rows, *descending, |task| now(trace, task, moment).map(rank));
        }
        Field::End => {
            sort(&mut rows, *descending, |task| Some(labels::task_end(trace.task(task).end)));
        }
        field => sort(&mut rows, *descending, |task| Some(value(trace, prepared, task, *field))),
    }
    // Another order begins at its top, unless only the moment is another.
    let order = |(field, descending, search, _): &Key| (*field, *descending, search.clone());
    if state.key.as_ref().is_none_or(|old| order(old) != order(&key)) {
        state.to_top = true;
    }
    state.rows = rows;
    state.key = Some(key);
}

/// Sorts tasks by a key. Tasks without one come last either way, and tasks with the same key
/// stay in the order in which they were spawned.
fn sort<K: Ord>(rows: &mut [TaskIx], descending: bool, key: impl Fn(TaskIx) -> Option<K>) {
    rows.sort_by_cached_key(|&task| match (key(task), descending) {
        (None, _) => Ordered::Missing,
        (Some(key), false) => Ordered::Up(key),
        (Some(key), true) => Ordered::Down(Reverse(key)),
    });
}

/// Where a task comes in the order. (The variants' order is the order of the rows.)
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Ordered<K> {
    Up(K),
    Down(Reverse<K>),
    Missing,
}

/// Where a state comes when tasks are sorted by what they do: those that run come first.
fn rank(state: State) -> usize {
    State::ALL.iter().position(|&other| other == state).unwrap_or(State::ALL.len())
}

fn matches(trace: &Trace, task: TaskIx, search: &str) -> bool {
    let contains = |text: &str| text.to_lowercase().contains(search);
    search.is_empty()
        || contains(&trace.task_name(task))
        || trace.task(task).id.to_string() == search
        || trace.task(task).place.is_some_and(|place| {
            let place = trace.place(place);
            contains(&format!("{}:{}", place.file, place.line))
        })
}

pub(super) fn now(trace: &Trace, task: TaskIx, moment: u64) -> Option<State> {
    trace.state_at(task, moment).map(|span| span.state)
}

/// The figure in a column.
pub(super) fn value(trace: &Trace, prepared: &Prepared, ix: TaskIx, field: Field) -> u64 {
    let task = trace.task(ix);
    let times = prepared.times(ix);
    match field {
        Field::Polls => task.poll_count().into(),
        Field::Hops => task.hops.into(),
        Field::Busy => times.running,
        Field::Longest => task.longest,
        Field::Scheduled => times.scheduled,
        Field::Waiting => times.waiting,
        Field::Size => task.size.unwrap_or(0),
        Field::Task | Field::Place | Field::Now | Field::End => 0,
    }
}
