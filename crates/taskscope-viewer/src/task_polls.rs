//! Questions about the polls of one task, in the order of time. All of the window asks them
//! here, so that it does not matter elsewhere how the trace keeps them.

use std::ops::Range;

use taskscope_model::{Nanos, PollIx, TaskIx, Trace};

/// How many polls a task had.
pub(crate) fn count(trace: &Trace, task: TaskIx) -> usize {
    trace.task_polls(task).len()
}

/// All of them.
pub(crate) fn all(trace: &Trace, task: TaskIx) -> impl Iterator<Item = PollIx> {
    trace.task_polls(task).iter()
}

/// Those with these positions.
pub(crate) fn with_positions(
    trace: &Trace,
    task: TaskIx,
    positions: Range<usize>,
) -> impl Iterator<Item = PollIx> {
    trace.task_polls(task).iter_from(positions.start).take(positions.len())
}

/// How many of them began before a moment.
pub(crate) fn begun_before(trace: &Trace, task: TaskIx, moment: Nanos) -> usize {
    trace.task_polls(task).begun_before(moment)
}

/// How many of them had begun at a moment.
fn begun(trace: &Trace, task: TaskIx, moment: Nanos) -> usize {
    trace.task_polls(task).begun_at(moment)
}

fn with_position(trace: &Trace, task: TaskIx, position: Option<usize>) -> Option<PollIx> {
    trace.task_polls(task).get(position?)
}

/// The poll at a moment, or the last before it.
pub(crate) fn last_begun(trace: &Trace, task: TaskIx, moment: Nanos) -> Option<PollIx> {
    with_position(trace, task, begun(trace, task, moment).checked_sub(1))
}

/// The first poll.
pub(crate) fn first(trace: &Trace, task: TaskIx) -> Option<PollIx> {
    with_position(trace, task, Some(0))
}

/// The first poll that begins after a moment.
pub(crate) fn next(trace: &Trace, task: TaskIx, moment: Nanos) -> Option<PollIx> {
    with_position(trace, task, Some(begun(trace, task, moment)))
}

/// The last poll that began before a moment.
pub(crate) fn previous(trace: &Trace, task: TaskIx, moment: Nanos) -> Option<PollIx> {
    with_position(trace, task, begun_before(trace, task, moment).checked_sub(1))
}

/// The positions of those that touch a window, both ends included.
pub(crate) fn touching(trace: &Trace, task: TaskIx, window: &Range<Nanos>) -> Range<usize> {
    // The last that had begun may reach into the window, and others that began at that moment.
    let mut first = begun_before(trace, task, window.start);
    while let Some(before) = first.checked_sub(1)
        && let Some(poll) = with_position(trace, task, Some(before))
        && trace.poll(poll).end >= window.start
    {
        first = before;
    }
    first..begun(trace, task, window.end).max(first)
}
