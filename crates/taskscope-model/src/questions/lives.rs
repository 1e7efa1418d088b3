//! When tasks lived, in 16 bytes a task.

use taskscope_format::Nanos;

use super::facts::Facts;
use super::steps;
use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::TaskIx;

/// When tasks lived.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lives {
    /// By task: the time when it was first seen and when the last of its states ended.
    pub(crate) of_task: Vec<(u32, u32)>,
    /// Times here are those of the trace, less this many bits.
    shift: u32,
    /// Tasks by the time when they were first seen.
    pub(crate) begins: Vec<u32>,
    /// Tasks that have steps behind their last poll, by the time of the last of them.
    pub(crate) ends: Vec<u32>,
    /// Those of them that have others before that.
    pub(crate) early: Vec<u32>,
}

impl Lives {
    /// A time as it stands here, rounded down.
    pub(crate) fn short(&self, time: Nanos) -> u32 {
        (time >> self.shift).min(u32::MAX.into()) as u32
    }

    /// The beginnings of tasks whose spawn was not recorded are still missing: see [`set_begin`](Self::set_begin).
    pub(crate) async fn new(trace: &Trace, facts: &Facts) -> Self {
        let shift = (64 - trace.span.end.leading_zeros()).saturating_sub(32);
        let of_task = Vec::with_capacity(trace.task_count());
        let mut lives = Self { shift, of_task, ..Self::default() };
        for task in (0..trace.task_count() as u32).map(TaskIx) {
            let of = trace.task(task);
            let begin = match of.hot.last {
                NONE => trace.first_seen(task),
                // Where it was not recorded, it is that of the first poll, which is found later.
                _ => of.spawned.unwrap_or(0),
            };
            let mut end = begin;
            let mut early = Nanos::MAX;
            steps::behind_last(trace, facts, task, |time, _, by| {
                if by < 0 {
                    (early, end) = (early.min(time), end.max(time));
                }
            });
            if let Some(last) = trace.task_polls(task).last() {
                end = end.max(trace.polls.end(last));
            }
            lives.of_task.push((lives.short(begin), lives.short(end)));
            if early < end {
                lives.early.push(task.0);
            }
            if task.0 % 32_768 == 32_767 {
                super::pause().await;
            }
        }
        lives.early.shrink_to_fit();
        lives
    }

    pub(crate) fn set_begin(&mut self, task: u32, time: Nanos) {
        self.of_task[task as usize].0 = self.short(time);
    }

    /// Sorts the tasks, when all beginnings are there.
    pub(crate) fn sort(&mut self) {
        self.begins = (0..self.of_task.len() as u32).collect();
        self.ends = self.begins.clone();
        self.begins.sort_by_key(|&task| self.of_task[task as usize].0);
        self.ends.sort_unstable_by_key(|&task| self.of_task[task as usize].1);
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let Self { of_task, begins, ends, early, .. } = self;
        8 * of_task.capacity() + 4 * (begins.capacity() + ends.capacity() + early.capacity())
    }
}
