//! Spawns, wakes and queues: how tasks come to those who poll them.

use std::fmt::Write as _;

use taskscope_format::{Event, Nanos, RuntimeId, Source, Spawn, TaskId, TaskKind, WakeOp};

use crate::clocks::NEVER;
use crate::places::{self, FIRST_OF, place};
use crate::runtime::{MAIN_SLOT, Timer};
use crate::tasks::{Handle, State, Task};
use crate::world::{LOCAL, MAIN, Progress, World};

impl World<'_> {
    /// Starts a poll, if it may be. Otherwise the task stays as it is to the end.
    pub(crate) fn begin_poll(&mut self, actor: usize, slot: u32, now: Nanos) -> bool {
        let has_spare = self.progress.has_spare();
        let task = &mut self.tasks[slot];
        let counts = !task.is_aborted;
        if counts && task.was_polled && !has_spare {
            task.state = State::Idle;
            task.can_be_aborted = false;
            task.wait = task.wait.wrapping_add(1);
            self.progress.is_closing = true;
            return false;
        }
        task.state = State::Running;
        task.stage = 0;
        task.can_be_aborted = false;
        let source = if task.runtime == LOCAL { Source::Span } else { Source::Hook };
        let id = task.id;
        if counts {
            task.polls += 1;
            self.progress.unpolled -= u64::from(!task.was_polled);
            task.was_polled = true;
        }
        let is_recorded = self.out.poll_start(self.threads[actor], now, id, source);
        if counts && is_recorded {
            self.progress.polled += 1;
            self.progress.is_over = self.progress.polled == self.progress.polls;
        }
        true
    }

    /// Spawns a task: from within a poll, or from the main thread's `block_on`, which are `parent`.
    pub(crate) fn spawn(
        &mut self,
        actor: usize,
        now: Nanos,
        runtime: u8,
        position: usize,
        (parent, joiner): (u64, Option<Handle>),
    ) -> u32 {
        let number = (FIRST_OF[usize::from(runtime)] + position) as u8;
        let of = place(number);
        let id = self.new_id();
        let each = self.progress.polls / self.progress.tasks;
        let quota = match of.quota {
            0 => 0,
            percent => self.random.spread((each * percent / 100).max(1), 300).clamp(1, 1 << 31),
        };
        let resource = self.random.next() as u32;
        let slot = self.tasks.insert(Task {
            id,
            place: number,
            runtime,
            state: State::Scheduled,
            stage: 0,
            is_notified: false,
            is_aborted: false,
            was_polled: false,
            is_brief: self.progress.is_closing,
            holds_lock: false,
            can_be_aborted: false,
            wait: 0,
            polls: 0,
            quota: quota as u32,
            count: 0,
            resource,
            span: 0,
            joiner,
        });
        self.progress.spawned += 1;
        self.progress.unpolled += 1;
        let mut name = std::mem::take(&mut self.name);
        if let Some(start) = of.name {
            name.clear();
            // Writing to a string cannot fail.
            let _ = write!(name, "{start} {}", self.progress.spawned);
        }
        let is_local = runtime == LOCAL;
        let kind = if is_local { TaskKind::Local } else { TaskKind::Task };
        let spawn = Spawn {
            parent: Some(TaskId(parent)),
            name: of.name.map(|_| name.as_str()),
            location: Some(of.location),
            size: Some(of.size),
            original_size: (of.size > 16_384).then_some(of.size),
            ..Spawn::new(TaskId(id), kind, Source::Span)
        };
        self.event(actor, now, &Event::Spawn(spawn));
        self.name = name;
        if !is_local {
            let hook = Spawn {
                runtime: Some(RuntimeId(runtime.into())),
                ..Spawn::new(TaskId(id), TaskKind::Task, Source::Hook)
            };
            self.event(actor, now + 400, &Event::Spawn(hook));
        }
        self.schedule(actor, now, slot, true);
        slot
    }

    pub(crate) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Whether tasks of places that spawn may spawn one more now.
    pub(crate) fn may_spawn(&self) -> bool {
        4 * self.progress.by_tasks < self.progress.spawned && self.spawns_due() > 0
    }

    /// How many tasks are to be spawned by now and are not: they come over all but the last
    /// sixteenth of the polls.
    pub(crate) fn spawns_due(&self) -> u64 {
        let Progress { polls, tasks, polled, spawned, .. } = self.progress;
        let before_end = (polls - polls / 16).max(1);
        let first = (self.live_target as u64).min(tasks);
        let rest = u128::from(tasks - first) * u128::from(polled) / u128::from(before_end);
        let due = (first + rest as u64).min(tasks).saturating_sub(spawned);
        let room = (3 * self.live_target + 64).saturating_sub(self.tasks.live());
        due.min(room as u64)
    }

    /// Wakes a task that may have ended.
    pub(crate) fn wake(&mut self, actor: usize, now: Nanos, handle: Handle, op: WakeOp) {
        self.event(actor, now, &Event::Wake { task: TaskId(handle.id), op });
        if self.tasks.get(handle).is_some() {
            self.wake_up(actor, now, handle.slot, true);
        }
    }

    /// What a wake does to a task that lives.
    pub(crate) fn wake_up(&mut self, actor: usize, now: Nanos, slot: u32, may_go_first: bool) {
        let task = &mut self.tasks[slot];
        match task.state {
            State::Idle => {
                task.state = State::Scheduled;
                task.can_be_aborted = false;
                task.wait = task.wait.wrapping_add(1);
                self.schedule(actor, now, slot, may_go_first);
            }
            State::Running => task.is_notified = true,
            State::Scheduled | State::Ended => {}
        }
    }

    /// Puts a task into a queue: that of the worker which does it, if it is one of the task's
    /// runtime, or the injection queue.
    pub(crate) fn schedule(&mut self, actor: usize, now: Nanos, slot: u32, may_go_first: bool) {
        let runtime = self.tasks[slot].runtime;
        if runtime == LOCAL {
            return self.schedule_local(actor, now, slot);
        }
        let of = &mut self.runtimes[usize::from(runtime)];
        match self.workers.get_mut(actor) {
            Some(worker) if worker.runtime == runtime => {
                worker.push(slot, may_go_first, &mut of.injection);
            }
            _ => of.injection.push_back(slot),
        }
        self.notify(runtime, now);
    }

    /// Wakes a parked worker, if there is one and no worker is searching.
    pub(crate) fn notify(&mut self, runtime: u8, now: Nanos) {
        let of = &mut self.runtimes[usize::from(runtime)];
        if of.searching > 0 {
            return;
        }
        if let Some(worker) = of.sleepers.pop() {
            of.searching += 1;
            self.workers[worker].is_searching = true;
            let latency = self.random.between(2_500, 14_000);
            let until = self.clocks.time(worker).min(now + latency);
            self.clocks.set(worker, until);
        }
    }

    /// Has the driver of a task's runtime wake it at that time.
    pub(crate) fn wake_at(&mut self, slot: u32, due: Nanos) {
        let task = &self.tasks[slot];
        let runtime = if task.runtime == LOCAL { MAIN } else { task.runtime };
        self.add_timer(runtime, Timer { due, slot, wait: task.wait });
    }

    /// Has the driver of the main runtime wake the main thread's `block_on` at that time.
    pub(crate) fn wake_main_at(&mut self, due: Nanos) {
        self.add_timer(MAIN, Timer { due, slot: MAIN_SLOT, wait: 0 });
    }

    fn add_timer(&mut self, runtime: u8, timer: Timer) {
        let of = &mut self.runtimes[usize::from(runtime)];
        of.timers.push(timer);
        // A worker that is parked in the driver wakes up in time.
        if let Some(worker) = of.driver
            && self.workers[worker].is_parked()
            && timer.due < self.clocks.time(worker)
        {
            self.clocks.set(worker, timer.due);
        }
    }

    /// Stops a clock.
    pub(crate) fn stop(&mut self, actor: usize) {
        self.clocks.set(actor, NEVER);
    }

    /// Chooses a place of a runtime.
    pub(crate) fn choose_place(&mut self, runtime: u8) -> usize {
        let places = places::OF_RUNTIME[usize::from(runtime)];
        let mut chosen = self.random.below(1_000);
        let found = places.iter().position(|place| {
            let is_it = chosen < place.weight;
            chosen = chosen.saturating_sub(place.weight);
            is_it
        });
        match found.unwrap_or(0) {
            places::WAITS if runtime == MAIN && self.for_ever >= 64 => places::CONNECTION,
            position => position,
        }
    }
}
