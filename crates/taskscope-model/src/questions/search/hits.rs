//! What a search found.

use taskscope_format::Nanos;

use super::query::Stretch;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx};
use crate::{Direction, State};

/// A stretch of a task's life that satisfies a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// When it begins.
    pub start: Nanos,
    /// When it ends.
    pub end: Nanos,
    /// The task.
    pub task: TaskIx,
    /// The poll that it is, or the one that it comes after; `None` before a task's first.
    pub poll: Option<PollIx>,
    /// What the task does then.
    pub state: State,
}

impl Hit {
    pub(super) fn new(task: TaskIx, stretch: Stretch) -> Self {
        let Stretch { state, start, end, poll } = stretch;
        Self { start, end, task, poll, state }
    }
}

/// So many are kept; more are only counted.
pub(super) const MOST: usize = 2_000_000;

/// What a search found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hits {
    /// The tasks that satisfy it, in the order of their numbers.
    pub tasks: Vec<TaskIx>,
    /// How many stretches of these tasks' lives satisfy it; none where it speaks of whole tasks alone.
    pub count: u64,
    /// Whether it speaks of stretches, and not of whole tasks alone.
    pub is_of_stretches: bool,
    /// By their start; two million at most.
    stretches: Vec<Hit>,
    /// The same by task, then by start.
    by_task: Vec<u32>,
    /// Those that are polls, by lane, then by start.
    by_lane: Vec<Vec<u32>>,
}

impl Hits {
    pub(super) fn new(trace: &Trace, tasks: Vec<TaskIx>, found: Found, of_stretches: bool) -> Self {
        let Found { count, mut stretches } = found;
        stretches.sort_unstable();
        let mut by_task: Vec<u32> = (0..stretches.len() as u32).collect();
        by_task.sort_by_key(|&at| stretches[at as usize].task);
        let mut by_lane = vec![Vec::new(); trace.lanes().len()];
        for (hit, at) in stretches.iter().zip(0..) {
            if let (State::Running, Some(poll)) = (hit.state, hit.poll) {
                by_lane[trace.poll(poll).lane.get()].push(at);
            }
        }
        Self { tasks, count, is_of_stretches: of_stretches, stretches, by_task, by_lane }
    }

    /// The stretches, by their start: the first two million where there are more.
    pub fn stretches(&self) -> &[Hit] {
        &self.stretches
    }

    /// Whether there are more than [`stretches`](Self::stretches) has.
    pub fn are_cut(&self) -> bool {
        (self.stretches.len() as u64) < self.count
    }

    /// Those of a task, by their start.
    pub fn of_task(&self, task: TaskIx) -> HitList<'_> {
        let from = self.by_task.partition_point(|&at| self.stretches[at as usize].task < task);
        let to = self.by_task.partition_point(|&at| self.stretches[at as usize].task <= task);
        HitList { all: &self.stretches, numbers: &self.by_task[from..to] }
    }

    /// The polls on a lane among them, by their start.
    pub fn on_lane(&self, lane: LaneIx) -> HitList<'_> {
        let numbers = self.by_lane.get(lane.get()).map_or(&[][..], |numbers| numbers);
        HitList { all: &self.stretches, numbers }
    }

    /// Whether a task satisfies the search.
    pub fn has(&self, task: TaskIx) -> bool {
        self.tasks.binary_search(&task).is_ok()
    }

    /// The number of the next stretch after a moment, or before it; behind the last comes the first again.
    pub fn next(&self, moment: Nanos, direction: Direction) -> Option<usize> {
        let last = self.stretches.len().checked_sub(1)?;
        Some(match direction {
            Direction::Forward => {
                let next = self.stretches.partition_point(|hit| hit.start <= moment);
                if next > last { 0 } else { next }
            }
            Direction::Back => {
                let before = self.stretches.partition_point(|hit| hit.start < moment);
                before.checked_sub(1).unwrap_or(last)
            }
        })
    }
}

/// Some of the stretches that were found, by their start.
#[derive(Clone, Copy, Debug)]
pub struct HitList<'a> {
    all: &'a [Hit],
    numbers: &'a [u32],
}

impl<'a> HitList<'a> {
    /// How many.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// One of them.
    pub fn get(&self, number: usize) -> Option<&'a Hit> {
        self.all.get(*self.numbers.get(number)? as usize)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'a Hit> {
        let all = self.all;
        self.numbers.iter().map(move |&number| &all[number as usize])
    }
}

/// Stretches that were found, in any order.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) count: u64,
    pub(super) stretches: Vec<Hit>,
}

impl Found {
    pub(super) fn add(&mut self, hit: Hit) {
        self.count += 1;
        if self.stretches.len() < MOST {
            self.stretches.push(hit);
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        self.count += other.count;
        let room = MOST - self.stretches.len();
        self.stretches.extend(other.stretches.into_iter().take(room));
    }
}
