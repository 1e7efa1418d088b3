//! A worker, by the rules of Tokio 1.54.
//!
//! It takes the task in its LIFO slot (three times at most in a row), then from the front of its
//! queue, then from the injection queue; every 61 ticks from that one first, and then it also runs
//! the driver. If there is nothing, it steals half of another worker's queue, unless half of the
//! workers are searching already, and then it parks: in the driver, if no other worker is there. A
//! worker that has deferred wakers does not park: it runs the driver, and calls them, last in,
//! first out.

use std::collections::VecDeque;

use taskscope_format::{Event, Nanos, TaskId, WakeOp};

use crate::runtime::MAIN_SLOT;
use crate::world::World;

/// Tasks in a worker's queue.
const QUEUE: usize = 256;

/// After so many tasks a worker looks at the injection queue and the driver.
const EVENT_INTERVAL: u32 = 61;

/// Tasks from the LIFO slot in a row.
const MOST_LIFO: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It looks for a task.
    Looks,
    /// It polls the task in this slot.
    Polls(u32),
    /// It runs the driver, if no other does, and calls wakers.
    Drives {
        is_parked: bool,
        with_driver: bool,
    },
    Parked,
    /// Another thread is about to become this worker.
    ChangesThread,
}

#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) runtime: u8,
    queue: VecDeque<u32>,
    lifo: Option<u32>,
    has_lifo: bool,
    lifo_in_a_row: u8,
    /// Tasks that have yielded.
    pub(crate) deferred: Vec<u32>,
    ticks: u32,
    phase: Phase,
    pub(crate) is_searching: bool,
    poll_began: Nanos,
}

impl Worker {
    pub(crate) fn new(runtime: u8, has_lifo: bool) -> Self {
        Self {
            runtime,
            queue: VecDeque::with_capacity(QUEUE),
            lifo: None,
            has_lifo,
            lifo_in_a_row: 0,
            deferred: Vec::new(),
            ticks: 0,
            phase: Phase::Looks,
            is_searching: false,
            poll_began: 0,
        }
    }

    pub(crate) fn is_parked(&self) -> bool {
        self.phase == Phase::Parked
    }

    pub(crate) fn is_polling(&self) -> bool {
        matches!(self.phase, Phase::Polls(_))
    }

    /// The task that is polled last of those in its queue.
    pub(crate) fn last_in_queue(&self) -> Option<u32> {
        self.queue.back().copied()
    }

    /// Puts a task into the LIFO slot or at the end of the queue, half of which goes to the
    /// injection queue if it is full.
    pub(crate) fn push(&mut self, slot: u32, may_go_first: bool, injection: &mut VecDeque<u32>) {
        let last = match may_go_first && self.has_lifo {
            true => self.lifo.replace(slot),
            false => Some(slot),
        };
        if let Some(last) = last {
            if self.queue.len() >= QUEUE {
                injection.extend(self.queue.drain(..QUEUE / 2));
            }
            self.queue.push_back(last);
        }
    }
}

impl World<'_> {
    pub(crate) fn worker_step(&mut self, actor: usize, now: Nanos) {
        match self.workers[actor].phase {
            Phase::Looks => self.look_for_task(actor, now),
            Phase::Polls(slot) => self.go_on(actor, slot, now),
            Phase::Drives { is_parked, with_driver } => {
                self.drive(actor, now, (is_parked, with_driver));
            }
            Phase::Parked => self.wake_worker(actor, now),
            Phase::ChangesThread => {
                let Some(worker) = self.workers.get_mut(actor) else { return };
                worker.phase = Phase::Looks;
                let first = self.runtimes[usize::from(worker.runtime)].first_worker;
                let id = taskscope_format::RuntimeId(worker.runtime.into());
                let worker = Some((id, (actor - first) as u32));
                self.out.set_worker(self.threads[actor], now, worker);
                self.clocks.set(actor, now + 1_500);
            }
        }
    }

    fn look_for_task(&mut self, actor: usize, now: Nanos) {
        if self.progress.is_over {
            return self.stop(actor);
        }
        let worker = &mut self.workers[actor];
        let runtime = usize::from(worker.runtime);
        worker.ticks += 1;
        let is_event_tick = worker.ticks.is_multiple_of(EVENT_INTERVAL);
        if is_event_tick {
            // The tick is counted once.
            return self.begin_drive(actor, now, false);
        }
        let from_injection = worker.ticks % EVENT_INTERVAL == 1;
        let mut found = None;
        if from_injection {
            found = self.runtimes[runtime].injection.pop_front();
        }
        let found = found
            .or_else(|| self.take_own(actor))
            .or_else(|| self.take_injected(actor))
            .or_else(|| self.steal(actor));
        match found {
            Some(slot) => {
                self.end_search(actor, now);
                if self.begin_poll(actor, slot, now) {
                    let worker = &mut self.workers[actor];
                    worker.phase = Phase::Polls(slot);
                    worker.poll_began = now;
                    self.maybe_drop_events(actor, slot);
                    self.go_on(actor, slot, now);
                } else {
                    self.clocks.set(actor, now + 300);
                }
            }
            None if !self.workers[actor].deferred.is_empty() => {
                self.begin_drive(actor, now, false);
            }
            None => self.park(actor, now),
        }
    }

    fn take_own(&mut self, actor: usize) -> Option<u32> {
        let worker = &mut self.workers[actor];
        if worker.lifo_in_a_row < MOST_LIFO
            && let Some(slot) = worker.lifo.take()
        {
            worker.lifo_in_a_row += 1;
            return Some(slot);
        }
        worker.lifo_in_a_row = 0;
        worker.queue.pop_front().or_else(|| worker.lifo.take())
    }

    /// Takes its share of the injection queue.
    fn take_injected(&mut self, actor: usize) -> Option<u32> {
        let worker = &mut self.workers[actor];
        let of = &mut self.runtimes[usize::from(worker.runtime)];
        let share = (of.injection.len() / of.workers + 1).min(QUEUE / 2);
        let first = of.injection.pop_front()?;
        let rest = (share - 1).min(of.injection.len());
        worker.queue.extend(of.injection.drain(..rest));
        Some(first)
    }

    /// Takes half of another worker's queue.
    fn steal(&mut self, actor: usize) -> Option<u32> {
        let worker = &mut self.workers[actor];
        let of = &mut self.runtimes[usize::from(worker.runtime)];
        if !worker.is_searching {
            if !of.is_multi || 2 * of.searching >= of.workers {
                return None;
            }
            of.searching += 1;
            worker.is_searching = true;
        }
        let (first, count) = (of.first_worker, of.workers);
        let begin = self.random.below(count as u64) as usize;
        let mut others = (0..count).map(|offset| first + (begin + offset) % count);
        let other =
            others.find(|&other| other != actor && !self.workers[other].queue.is_empty())?;
        let mut stolen = std::mem::take(&mut self.workers[other].queue);
        let half = stolen.len().div_ceil(2);
        let mine = &mut self.workers[actor].queue;
        mine.extend(stolen.drain(..half));
        let found = mine.pop_front();
        self.workers[other].queue = stolen;
        found
    }

    /// A worker that has found something no longer searches. The last to do so has another one
    /// search.
    fn end_search(&mut self, actor: usize, now: Nanos) {
        let worker = &mut self.workers[actor];
        if std::mem::take(&mut worker.is_searching) {
            let runtime = worker.runtime;
            let of = &mut self.runtimes[usize::from(runtime)];
            of.searching -= 1;
            if of.searching == 0 && of.is_multi {
                self.notify(runtime, now);
            }
        }
    }

    fn park(&mut self, actor: usize, now: Nanos) {
        let worker = &mut self.workers[actor];
        worker.phase = Phase::Parked;
        let of = &mut self.runtimes[usize::from(worker.runtime)];
        of.searching -= usize::from(std::mem::take(&mut worker.is_searching));
        of.sleepers.push(actor);
        if of.driver.is_none() {
            of.driver = Some(actor);
            let due = of.timers.peek().map(|timer| timer.due.max(now + 1_000));
            self.clocks.set(actor, due.unwrap_or(crate::clocks::NEVER));
        } else {
            self.stop(actor);
        }
        self.event(actor, now, &Event::Park);
    }

    /// The driver has something for a parked worker, or another worker has notified it.
    fn wake_worker(&mut self, actor: usize, now: Nanos) {
        let of = &mut self.runtimes[usize::from(self.workers[actor].runtime)];
        of.sleepers.retain(|&other| other != actor);
        if of.driver == Some(actor) {
            of.driver = None;
            self.workers[actor].phase = Phase::Drives { is_parked: true, with_driver: true };
        } else {
            self.workers[actor].phase = Phase::Looks;
            self.event(actor, now, &Event::Unpark);
        }
        self.clocks.set(actor, now + 700);
    }

    fn begin_drive(&mut self, actor: usize, now: Nanos, is_parked: bool) {
        let worker = &mut self.workers[actor];
        let with_driver = self.runtimes[usize::from(worker.runtime)].driver.is_none();
        worker.phase = Phase::Drives { is_parked, with_driver };
        self.clocks.set(actor, now + 600);
    }

    /// Calls one waker: those of sockets and timers first, then those of tasks that have yielded.
    fn drive(&mut self, actor: usize, now: Nanos, (is_parked, with_driver): (bool, bool)) {
        let of = &mut self.runtimes[usize::from(self.workers[actor].runtime)];
        while with_driver && of.timers.peek().is_some_and(|timer| timer.due <= now) {
            let Some(timer) = of.timers.pop() else { break };
            if timer.slot == MAIN_SLOT {
                let task = TaskId(self.main.block_on);
                self.event(actor, now, &Event::Wake { task, op: WakeOp::ByValue });
                self.wake_main(now);
            } else if self.tasks[timer.slot].wait == timer.wait {
                let handle = self.tasks.handle(timer.slot);
                self.wake(actor, now, handle, WakeOp::ByValue);
            } else {
                continue;
            }
            let cost = self.random.between(250, 900);
            return self.clocks.set(actor, now + cost);
        }
        if let Some(slot) = self.workers[actor].deferred.pop() {
            let task = TaskId(self.tasks[slot].id);
            self.event(actor, now, &Event::Wake { task, op: WakeOp::ByValue });
            self.wake_up(actor, now, slot, false);
            return self.clocks.set(actor, now + 200);
        }
        self.workers[actor].phase = Phase::Looks;
        if is_parked {
            self.event(actor, now, &Event::Unpark);
        }
        self.clocks.set(actor, now + 400);
    }

    /// The worker's thread goes on without it, and another one becomes this worker.
    pub(crate) fn change_thread(&mut self, actor: usize, now: Nanos) {
        self.workers[actor].phase = Phase::ChangesThread;
        self.note_busy(actor, now);
        let latency = self.random.between(8_000, 30_000);
        self.clocks.set(actor, now + latency);
    }

    /// A poll on this worker has ended.
    pub(crate) fn end_worker_poll(&mut self, actor: usize, now: Nanos) {
        self.workers[actor].phase = Phase::Looks;
        self.note_busy(actor, now);
        let between = 250 + (self.random.next() & 511);
        self.clocks.set(actor, now + between);
    }

    fn note_busy(&mut self, actor: usize, now: Nanos) {
        let worker = &self.workers[actor];
        let load = &mut self.loads[usize::from(worker.runtime)];
        load.busy += now - worker.poll_began;
        load.polls += 1;
    }

    /// The one range of dropped events begins in a poll, on a worker, at two fifths of the trace.
    fn maybe_drop_events(&mut self, actor: usize, slot: u32) {
        use crate::places::Behaviour::{Joins, Listener};
        let progress = &self.progress;
        let is_dropping = |thread| self.out.is_dropping(thread);
        // Where a spawn came at once, nothing was dropped.
        if self.out.dropped > 0
            || progress.drops_on.is_some_and(is_dropping)
            || progress.polls < 2_000
            || progress.polled < progress.polls / 5 * 2
            || matches!(crate::places::place(self.tasks[slot].place).behaviour, Joins | Listener)
        {
            return;
        }
        let most = (progress.polls / 200).clamp(20, 3_000);
        self.progress.drops_on = Some(self.threads[actor]);
        self.out.begin_drops(self.threads[actor], most);
    }
}
