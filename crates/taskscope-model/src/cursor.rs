//! From one event to the next, for stepping through a replay.

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{LaneIx, TaskIx};

/// Which way to step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To later times.
    Forward,
    /// To earlier times.
    Back,
}

impl Trace {
    /// The time of the nearest event on that side of `time`: a spawn, the start
    /// or end of a poll, the time at which one gave its worker away, a wake, or the end of a task. `None` at the end.
    pub fn next_event(&self, time: Nanos, direction: Direction) -> Option<Nanos> {
        let mut nearest = Nearest { time, direction, found: None };
        for lane in 0..self.lanes.len() {
            self.lane_events_around(LaneIx(lane as u16), time, |time| nearest.offer(time));
        }
        nearest.in_sorted(&self.ends_off_lane, |&end| end);
        nearest.in_sorted(&self.wakes, |wake| wake.time);
        let older = self.tasks.partition_point(|task| task.spawned.is_none());
        nearest.in_sorted(&self.tasks[older..], |task| task.spawned.unwrap_or(0));
        nearest.in_sorted(&self.ends, |&(end, _)| end);
        nearest.found
    }

    /// The same for the events of one task.
    pub fn next_event_of(&self, task: TaskIx, time: Nanos, direction: Direction) -> Option<Nanos> {
        let mut nearest = Nearest { time, direction, found: None };
        let polls = self.task_polls(task);
        nearest.in_sorted(polls, |&poll| self.poll(poll).start);
        nearest.in_sorted(polls, |&poll| self.poll(poll).end);
        nearest.in_sorted(self.task_wakes(task), |&wake| self.wake(wake).time);
        let Self { tasks, .. } = self;
        tasks[task.get()].spawned.into_iter().for_each(|at| nearest.offer(at));
        tasks[task.get()].end.into_iter().for_each(|end| nearest.offer(end.time));
        nearest.found
    }
}

/// The nearest time on one side that has been offered.
struct Nearest {
    time: Nanos,
    direction: Direction,
    found: Option<Nanos>,
}

impl Nearest {
    fn offer(&mut self, candidate: Nanos) {
        let better = match self.direction {
            Direction::Forward => {
                candidate > self.time && self.found.is_none_or(|found| candidate < found)
            }
            Direction::Back => {
                candidate < self.time && self.found.is_none_or(|found| candidate > found)
            }
        };
        if better {
            self.found = Some(candidate);
        }
    }

    fn in_sorted<T>(&mut self, sorted: &[T], time: impl Fn(&T) -> Nanos) {
        let neighbour = match self.direction {
            Direction::Forward => sorted.get(sorted.partition_point(|x| time(x) <= self.time)),
            Direction::Back => {
                sorted.partition_point(|x| time(x) < self.time).checked_sub(1).map(|at| &sorted[at])
            }
        };
        neighbour.into_iter().for_each(|x| self.offer(time(x)));
    }
}
