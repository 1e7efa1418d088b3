//! From one event to the next, for stepping through a replay.

use taskscope_format::Nanos;

use crate::store::shelf::Shelf;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx};

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
        for lane in 0..self.lanes.len() {
            for level in self.levels(LaneIx(lane as u16)) {
                let woken = match (direction, nearest.found) {
                    (Direction::Forward, limit) => level.next_wake(time, limit.unwrap_or(u64::MAX)),
                    (Direction::Back, limit) => level.previous_wake(time, limit),
                };
                woken.into_iter().for_each(|woken| nearest.offer(woken));
            }
        }
        nearest.in_slice(self.ends_off_lane(), |&end| end);
        nearest.in_slice(self.odd_times(), |&time| time);
        let after = self.more_wakes.partition_point(|wake| wake.order <= time);
        let before = self.more_wakes.partition_point(|wake| wake.order < time);
        let in_place = |at: &usize| self.more_wakes.get(*at).is_none_or(|w| w.time == w.order);
        let near = [(after..).find(in_place), (0..before).rev().find(in_place)];
        let near = near.into_iter().flatten().filter_map(|at| self.more_wakes.get(at));
        near.for_each(|wake| nearest.offer(wake.time));
        nearest.in_shelf(&self.spawns, |&spawned| spawned);
        nearest.in_shelf(&self.ends, |&end| end);
        nearest.found
    }

    /// The same for the events of one task.
    pub fn next_event_of(&self, task: TaskIx, time: Nanos, direction: Direction) -> Option<Nanos> {
        let mut nearest = Nearest { time, direction, found: None };
        let polls = self.task_polls(task);
        let begun = polls.begun_at(time);
        // Back to one that began earlier, and on to one that begins later. (Several can begin at
        // one time, where the clock is coarse.)
        let mut first = begun;
        while let Some(poll) = first.checked_sub(1).and_then(|before| polls.get(before)) {
            first -= 1;
            nearest.offer(self.polls.start(poll));
            nearest.offer(self.polls.end(poll));
            if self.polls.start(poll) < time {
                break;
            }
        }
        if let Some(next) = polls.get(begun) {
            nearest.offer(self.polls.start(next));
        }
        for wake in self.task_wakes_from(task, first.checked_sub(1)) {
            let woken = self.wake(wake).time;
            nearest.offer(woken);
            if woken > time {
                break;
            }
        }
        let Self { tasks, .. } = self;
        let of = &tasks[task.get()];
        of.spawned.into_iter().for_each(|at| nearest.offer(at));
        of.end.into_iter().for_each(|end| nearest.offer(end.time));
        nearest.found
    }

    /// The time at which the next hop arrives on that side of `time`: the start of the poll that it leads to.
    pub fn next_hop(&self, time: Nanos, direction: Direction) -> Option<Nanos> {
        let start = |&to: &PollIx| self.polls.start(to);
        match direction {
            Direction::Forward => {
                let first = self.hops.partition_point(|to| start(to) <= time);
                self.hops.iter_from(first).find(|&&to| self.is_hop(to)).map(start)
            }
            Direction::Back => {
                let until = self.hops.partition_point(|to| start(to) < time);
                let before = (0..until).rev().filter_map(|at| self.hops.get(at));
                before.filter(|&&to| self.is_hop(to)).map(start).next()
            }
        }
    }

    /// The same for the hops of one task.
    pub fn next_hop_of(&self, task: TaskIx, time: Nanos, direction: Direction) -> Option<Nanos> {
        let polls = self.task_polls(task);
        let start = |poll: PollIx| self.polls.start(poll);
        match direction {
            Direction::Forward => {
                let after = polls.iter_from(polls.begun_at(time));
                { after }.find(|&poll| self.is_hop(poll)).map(start)
            }
            Direction::Back => {
                let last = polls.around(time.checked_sub(1)?).0;
                let back = std::iter::successors(last, |&poll| self.poll_before(poll));
                { back }.find(|&poll| self.is_hop(poll)).map(start)
            }
        }
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

    fn in_slice<T>(&mut self, sorted: &[T], time: impl Fn(&T) -> Nanos) {
        let after = sorted.partition_point(|x| time(x) <= self.time);
        let before = sorted.partition_point(|x| time(x) < self.time).checked_sub(1);
        let near = [sorted.get(after), before.and_then(|at| sorted.get(at))];
        near.into_iter().flatten().for_each(|x| self.offer(time(x)));
    }

    fn in_shelf<T: Clone>(&mut self, sorted: &Shelf<T>, time: impl Fn(&T) -> Nanos) {
        let after = sorted.partition_point(|x| time(x) <= self.time);
        let before = sorted.partition_point(|x| time(x) < self.time).checked_sub(1);
        let near = [sorted.get(after), before.and_then(|at| sorted.get(at))];
        near.into_iter().flatten().for_each(|x| self.offer(time(x)));
    }
}
