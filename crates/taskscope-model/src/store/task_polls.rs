//! The polls of one task, in the order of their starts.
//!
//! Each row names the poll of its task before it, and a task names its last, so that a poll costs
//! four bytes for this and a trace can grow. Every 64th poll of a task stands in a list of its own:
//! from there, any poll is at most 63 steps away.

use taskscope_format::Nanos;

use super::polls::{NONE, Polls};
use crate::types::{PollIx, TaskView};

/// Every so many polls one is marked.
pub(crate) const STRIDE: usize = 64;

/// The polls of one task.
#[derive(Clone, Copy, Debug)]
pub struct TaskPolls<'a> {
    task: TaskView<'a>,
}

impl<'a> TaskPolls<'a> {
    pub(crate) fn new(task: TaskView<'a>) -> Self {
        Self { task }
    }

    fn polls(&self) -> &'a Polls {
        &self.task.trace.polls
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.task.hot.polls as usize
    }

    /// Whether the task was never polled.
    pub fn is_empty(&self) -> bool {
        self.task.hot.polls == 0
    }

    /// The first.
    pub fn first(&self) -> Option<PollIx> {
        self.get(0)
    }

    /// The last.
    pub fn last(&self) -> Option<PollIx> {
        (self.task.hot.last != NONE).then_some(PollIx(self.task.hot.last))
    }

    /// The one with this number, counted from 0.
    pub fn get(&self, number: usize) -> Option<PollIx> {
        let length = self.len();
        if number >= length {
            return None;
        }
        // The nearest that is known, at or behind it.
        let mark = number.div_ceil(STRIDE).max(1);
        let (mut at, from) = match self.marks().get(mark - 1) {
            Some(&poll) => (poll, mark * STRIDE),
            None => (self.task.hot.last, length - 1),
        };
        for _ in number..from {
            at = self.polls().row(PollIx(at)).before;
        }
        Some(PollIx(at))
    }

    /// How many have begun before `time`.
    pub fn begun_before(&self, time: Nanos) -> usize {
        self.partition_point(|start| start < time)
    }

    /// How many have begun at `time` or before.
    pub fn begun_at(&self, time: Nanos) -> usize {
        self.partition_point(|start| start <= time)
    }

    fn partition_point(&self, holds: impl Fn(Nanos) -> bool) -> usize {
        let marks = self.marks();
        let marked = marks.partition_point(|&poll| holds(self.polls().start(PollIx(poll))));
        let (mut at, mut number) = match marks.get(marked) {
            Some(&poll) => (poll, (marked + 1) * STRIDE),
            None if self.is_empty() => return 0,
            None => (self.task.hot.last, self.len() - 1),
        };
        while !holds(self.polls().start(PollIx(at))) {
            at = match number.checked_sub(1) {
                Some(before) => {
                    number = before;
                    self.polls().row(PollIx(at)).before
                }
                None => return 0,
            };
        }
        number + 1
    }

    /// All of them.
    pub fn iter(&self) -> TaskPollsFrom<'a> {
        self.iter_from(0)
    }

    /// Those from this number on.
    pub fn iter_from(&self, number: usize) -> TaskPollsFrom<'a> {
        TaskPollsFrom { of: *self, next: number, ahead: Vec::new() }
    }

    /// All of them, the last first.
    pub fn rev(&self) -> impl Iterator<Item = PollIx> + use<'a> {
        self.polls().back_from(self.task.hot.last)
    }

    /// The last that has begun at `time` or before, and the next after that.
    pub(crate) fn around(&self, time: Nanos) -> (Option<PollIx>, Option<PollIx>) {
        let marks = self.marks();
        let begun = |poll: u32| self.polls().start(PollIx(poll)) <= time;
        let marked = marks.partition_point(|&poll| begun(poll));
        let mut at = marks.get(marked).copied().unwrap_or(self.task.hot.last);
        let mut next = None;
        while at != NONE && !begun(at) {
            next = Some(PollIx(at));
            at = self.polls().row(PollIx(at)).before;
        }
        ((at != NONE).then_some(PollIx(at)), next)
    }

    fn marks(&self) -> &'a [u32] {
        &self.task.facts.marks
    }
}

impl<'a> IntoIterator for TaskPolls<'a> {
    type Item = PollIx;
    type IntoIter = TaskPollsFrom<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The polls of a task from one on.
#[derive(Clone, Debug)]
pub struct TaskPollsFrom<'a> {
    of: TaskPolls<'a>,
    /// The number of the next.
    next: usize,
    /// The next ones, the last first.
    ahead: Vec<u32>,
}

impl Iterator for TaskPollsFrom<'_> {
    type Item = PollIx;

    fn next(&mut self) -> Option<PollIx> {
        if self.ahead.is_empty() {
            // Backwards from the next mark, or the end.
            let stop = ((self.next / STRIDE + 1) * STRIDE).min(self.of.len());
            let mut at = self.of.get(stop.checked_sub(1).filter(|last| *last >= self.next)?)?;
            for _ in self.next..stop {
                self.ahead.push(at.0);
                at = PollIx(self.of.polls().row(at).before);
            }
        }
        self.next += 1;
        self.ahead.pop().map(PollIx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.of.len().saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for TaskPollsFrom<'_> {}
