//! The steps of tasks from state to state, poll by poll.
//!
//! # The problem
//! [`Trace::states`] follows one task from poll to poll. To add up what a million tasks do that way
//! is to jump through memory for each poll. Lanes have their polls side by side.
//!
//! # The plan
//! What a task does is cut into parts that each need one poll and the one before, in any order: a
//! *step* says that the number of tasks in a state changes by one at a time. Who gives which steps
//! is laid down so that each is given once, by the row whose time is near:
//!
//! - a poll gives the beginning and end of its run, and the beginning of what follows
//!   if no wake had come;
//! - the next poll corrects that, where it knows better (woken meanwhile, or nothing is known), gives the
//!   step from waiting to scheduled, and ends the state before its start;
//! - a task gives its spawn, and what comes behind its last poll.
//!
//! States do not overlap, but polls of one task can, in recordings with missing or damaged parts. Such tasks
//! are *odd*: whoever adds up takes their steps away again and follows them by [`Trace::states`].

use taskscope_format::Nanos;

use super::facts::Facts;
use crate::State;
use crate::store::polls::{Chunk, NONE};
use crate::trace::Trace;
use crate::types::{PollIx, TaskIx};

/// What is known of the poll before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    pub(crate) end: Nanos,
    /// What the task does then until it is woken.
    pub(crate) unwoken: State,
}

impl Before {
    #[inline]
    pub(crate) fn new(trace: &Trace, facts: &Facts, poll: PollIx) -> Self {
        let chunk = trace.polls.chunk(poll.chunk());
        let row = &chunk.rows[poll.slot()];
        let unwoken = facts.unwoken(trace, row.task, row.flags);
        Self { end: chunk.end(poll.slot()), unwoken }
    }
}

/// What a task does between two polls: one state, and from `turn` on it is scheduled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Between {
    pub(crate) first: State,
    /// The end of the time between, where it is not scheduled at all.
    pub(crate) turn: Nanos,
}

/// What comes behind the time between two polls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next {
    /// The first wake since the poll before began.
    pub(crate) woken: Option<Nanos>,
    /// Since when it was scheduled by Tokio's measure.
    pub(crate) measured: Option<Nanos>,
    /// Another poll, and not the end.
    pub(crate) is_poll: bool,
}

impl Next {
    #[inline]
    pub(crate) fn poll(chunk: &Chunk, slot: usize) -> Self {
        let woken = chunk.delay(slot).map(|delay| chunk.start(slot) - delay);
        Self { woken, measured: chunk.scheduled(slot), is_poll: true }
    }

    pub(crate) fn end(trace: &Trace, task: TaskIx) -> Self {
        let woken = trace.task(task).hot.pending().map(|wake| wake.time);
        Self { woken, measured: None, is_poll: false }
    }
}

/// What a task does from the end of a poll up to `until`, which is later: as [`Trace::states`] has it.
#[inline]
pub(crate) fn between(trace: &Trace, before: Before, until: Nanos, next: Next) -> Between {
    let Before { end, unwoken } = before;
    let woken = match next.woken {
        Some(time) if time < end => Some(end),
        // A wake says nothing of a task that may be running.
        _ if unwoken == State::Unknown => None,
        woken => woken.filter(|&time| time <= until),
    };
    let woken = woken.or(next.measured.map(|time| time.clamp(end, until)));
    match woken {
        Some(time) if time <= end => Between { first: State::Scheduled, turn: end },
        Some(time) => Between { first: unwoken, turn: time },
        None if unwoken == State::Unknown => Between { first: State::Unknown, turn: until },
        None if next.is_poll || !trace.records_wakes() => {
            Between { first: State::Idle, turn: until }
        }
        None => Between { first: unwoken, turn: until },
    }
}

/// Steps behind a poll that are only known from what comes next, and the end of the time between.
/// Gives the time of the first.
#[inline]
fn correct(
    before: Before,
    until: Nanos,
    between: Option<Between>,
    step: &mut impl FnMut(Nanos, State, i32),
) -> Nanos {
    let Before { end, unwoken } = before;
    let Some(Between { first, turn }) = between else {
        // Nothing lies between.
        step(end, unwoken, -1);
        return end;
    };
    let mut earliest = until;
    if first != unwoken {
        step(end, unwoken, -1);
        step(end, first, 1);
        earliest = end;
    }
    let mut last = first;
    if turn < until && first != State::Scheduled {
        step(turn, first, -1);
        step(turn, State::Scheduled, 1);
        earliest = earliest.min(turn);
        last = State::Scheduled;
    }
    step(until, last, -1);
    earliest
}

/// What came of a poll's steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stepped {
    /// The time of the earliest.
    pub(crate) earliest: Nanos,
    /// The task is odd: see [the module](self).
    pub(crate) is_odd: bool,
}

/// The steps that a poll gives. `before` is the poll before, where there is one.
#[inline]
pub(crate) fn of_poll(
    trace: &Trace,
    facts: &Facts,
    (chunk, slot): (&Chunk, usize),
    before: Option<Before>,
    mut step: impl FnMut(Nanos, State, i32),
) -> Stepped {
    let row = &chunk.rows[slot];
    let (start, end) = (chunk.start(slot), chunk.end(slot));
    let mut is_odd = false;
    let mut earliest = start;
    match before {
        Some(before) => {
            let next = Next::poll(chunk, slot);
            let gap = (before.end < start).then(|| between(trace, before, start, next));
            earliest = earliest.min(correct(before, start, gap, &mut step));
            is_odd = before.end > start;
        }
        // From its spawn on it is scheduled.
        None => {
            if let Some(spawned) = trace.tasks[row.task as usize].spawned {
                step(start, State::Scheduled, -1);
                is_odd = spawned > start;
            }
        }
    }
    step(start, State::Running, 1);
    step(end, State::Running, -1);
    step(end, facts.unwoken(trace, row.task, row.flags), 1);
    Stepped { earliest, is_odd }
}

/// The steps that a task gives: its beginning, and what comes behind its last poll.
pub(crate) fn of_task(
    trace: &Trace,
    facts: &Facts,
    task: TaskIx,
    mut step: impl FnMut(Nanos, State, i32),
) {
    of_begin(trace, task, &mut step);
    behind_last(trace, facts, task, step);
}

/// The step at the beginning of a task. From its spawn on it is scheduled.
pub(crate) fn of_begin(trace: &Trace, task: TaskIx, mut step: impl FnMut(Nanos, State, i32)) {
    let of = trace.task(task);
    match of.spawned {
        Some(spawned) => step(spawned, State::Scheduled, 1),
        None if of.hot.last == NONE => step(trace.first_seen(task), State::Waiting, 1),
        None => {}
    }
}

/// The steps of a task behind its last poll, or its beginning if it has none.
pub(crate) fn behind_last(
    trace: &Trace,
    facts: &Facts,
    task: TaskIx,
    mut step: impl FnMut(Nanos, State, i32),
) {
    let of = trace.task(task);
    // (The first poll is 63 steps away, and does not begin later than the last ends.)
    let begin = match of.hot.last {
        NONE => trace.first_seen(task),
        _ => of.spawned.unwrap_or(0),
    };
    let until = of.end.map_or(trace.span.end, |end| end.time).max(begin);
    let before = match trace.task_polls(task).last() {
        Some(last) => Before::new(trace, facts, last),
        None if of.spawned.is_some() => return step(until, State::Scheduled, -1),
        None => Before { end: begin, unwoken: State::Waiting },
    };
    let next = Next::end(trace, task);
    let gap = (before.end < until).then(|| between(trace, before, until, next));
    correct(before, until, gap, &mut step);
}

/// All steps of an odd task, as they are: added.
pub(crate) fn of_odd(trace: &Trace, task: TaskIx, mut step: impl FnMut(Nanos, State, i32)) {
    for span in trace.states(task) {
        step(span.start, span.state, 1);
        step(span.end, span.state, -1);
    }
}

/// All steps of a task that polls and the task gave: taken away.
pub(crate) fn undo(
    trace: &Trace,
    facts: &Facts,
    task: TaskIx,
    mut step: impl FnMut(Nanos, State, i32),
) {
    let mut undo = |time, state, by: i32| step(time, state, -by);
    for poll in trace.task_polls(task).rev() {
        let chunk = trace.polls.chunk(poll.chunk());
        let before = chunk.rows[poll.slot()].before;
        let before = (before != NONE).then(|| Before::new(trace, facts, PollIx(before)));
        of_poll(trace, facts, (chunk, poll.slot()), before, &mut undo);
    }
    of_task(trace, facts, task, undo);
}
