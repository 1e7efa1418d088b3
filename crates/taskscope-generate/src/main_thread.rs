//! The main thread: its `block_on` spawns tasks in each of its polls, on its own runtime and on the
//! others, and waits for a timer in between. In the end it shuts all down.

use taskscope_format::{
    CancelledBy, EndKind, Event, Nanos, PollResult, Source, Spawn, TaskId, TaskKind, WakeOp,
};

use crate::Options;
use crate::clocks::NEVER;
use crate::places::{self, BLOCK_ON, CONTROL_BLOCK_ON};
use crate::tasks::Handle;
use crate::world::{CONTROL, IO, LOCAL, MAIN, World};

/// The most tasks that it has spawned ahead when all others return at once.
const MOST_AHEAD: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Begins,
    Waits,
    /// It is being polled and is to spawn so many tasks.
    Polls(u64),
}

#[derive(Debug)]
pub(crate) struct MainThread {
    pub(crate) actor: usize,
    pub(crate) block_on: u64,
    phase: Phase,
    /// Tasks of the main runtime that it has spawned: the first ones are chosen.
    spawned: u64,
    /// About how long it waits between two polls.
    wait: Nanos,
    control_block_on: u64,
    /// A task that never ends.
    housekeeping: Option<Handle>,
}

impl MainThread {
    pub(crate) fn new(actor: usize, options: &Options) -> Self {
        // So often that tasks are spawned over the whole of a short trace, too.
        let wait = (options.polls * 20).clamp(40_000, 12_000_000);
        let phase = Phase::Begins;
        Self {
            actor,
            block_on: 0,
            phase,
            spawned: 0,
            wait,
            control_block_on: 0,
            housekeeping: None,
        }
    }
}

impl World<'_> {
    /// The driver has woken its `block_on`.
    pub(crate) fn wake_main(&mut self, now: Nanos) {
        if self.main.phase == Phase::Waits {
            let latency = self.random.between(5_000, 25_000);
            self.clocks.set(self.main.actor, now + latency);
        }
    }

    pub(crate) fn main_step(&mut self, now: Nanos) {
        let actor = self.main.actor;
        let thread = self.threads[actor];
        match self.main.phase {
            Phase::Begins => {
                self.make_locks(actor, now);
                let id = self.new_id();
                self.main.block_on = id;
                let spawn = Spawn {
                    location: Some(BLOCK_ON),
                    size: Some(416),
                    ..Spawn::new(TaskId(id), TaskKind::BlockOn, Source::Span)
                };
                self.event(actor, now, &Event::Spawn(spawn));
                self.out.poll_start(thread, now + 3_000, id, Source::Span);
                if self.has_all() {
                    self.spawn_local_thread(actor, now + 4_000, id);
                    self.begin_control(now + 5_000);
                }
                self.main.phase = Phase::Polls(self.spawns_due());
                self.clocks.set(actor, now + 6_000);
            }
            Phase::Waits => {
                self.out.poll_start(thread, now, self.main.block_on, Source::Span);
                self.use_up_what_was_reserved(now);
                let most = self.spawns_due();
                // Not all at once: some are left for tasks that spawn.
                let count = match self.progress.is_closing {
                    true => {
                        let ahead = self.runtimes[usize::from(MAIN)].injection.len();
                        self.progress.unspawned().min(MOST_AHEAD.saturating_sub(ahead) as u64)
                    }
                    false => self.random.between(most / 3, most / 3 * 2 + most % 3),
                };
                self.main.phase = Phase::Polls(count);
                self.clocks.set(actor, now + 1_500);
            }
            Phase::Polls(0) => {
                let wait = self.random.spread(self.main.wait, 200);
                let wait = if self.progress.is_closing { wait.min(100_000) } else { wait };
                self.main.phase = Phase::Waits;
                self.stop(actor);
                self.wake_main_at(now + wait);
                self.out.poll_end(thread, now, PollResult::Pending, true);
            }
            Phase::Polls(left) => {
                self.spawn_from_main(now);
                let left = if self.progress.unspawned() == 0 { 0 } else { left - 1 };
                self.main.phase = Phase::Polls(left);
                let cost = self.random.between(1_200, 3_500);
                self.clocks.set(actor, now + cost);
            }
        }
    }

    fn spawn_from_main(&mut self, now: Nanos) {
        let actor = self.main.actor;
        if self.progress.unspawned() <= self.local.to_spawn() {
            return;
        }
        if self.has_all() && !self.progress.is_closing && self.main.spawned > 4 {
            // One of each first.
            let runtime = match self.main.spawned {
                5 => IO,
                6 => CONTROL,
                7 | 8 => LOCAL,
                _ => self.choose_runtime(),
            };
            if runtime != MAIN {
                self.main.spawned += 1;
                if runtime == LOCAL {
                    return self.ask_local_to_spawn(actor, now, 1);
                }
                let position = self.choose_place(runtime);
                self.spawn(actor, now, runtime, position, (self.main.block_on, None));
                return;
            }
        }
        let consumers = 1 + (self.progress.tasks / 500).min(2 * self.workers_of_main() - 1);
        let position = match self.main.spawned {
            0 => places::HOUSEKEEPING,
            1 => places::LISTENER,
            2 => places::CONSUMER,
            3 => places::SUPERVISOR,
            4 => places::COMPUTES,
            9 => places::JOB,
            10 => places::IN_PLACE,
            number if self.has_all() && number < 10 + consumers => places::CONSUMER,
            _ => self.choose_place(MAIN),
        };
        self.main.spawned += 1;
        let slot = self.spawn(actor, now, MAIN, position, (self.main.block_on, None));
        if position == places::HOUSEKEEPING {
            self.main.housekeeping = Some(self.tasks.handle(slot));
        }
        if position == places::CONSUMER && !self.progress.is_closing {
            self.make_channel(actor, now, slot);
        }
    }

    /// First polls that were dropped do not count, so what was reserved for them is left when all
    /// other tasks have been given up.
    fn use_up_what_was_reserved(&mut self, now: Nanos) {
        let progress = &self.progress;
        if progress.is_closing
            && progress.unspawned() == 0
            && progress.has_spare()
            && let Some(handle) = self.main.housekeeping
        {
            self.wake(self.main.actor, now, handle, WakeOp::ByRef);
        }
    }

    fn workers_of_main(&self) -> u64 {
        self.runtimes[usize::from(MAIN)].workers as u64
    }

    fn choose_runtime(&mut self) -> u8 {
        let mut chosen = self.random.below(1_000);
        let found = self.shares.iter().position(|&share| {
            let is_it = chosen < share;
            chosen = chosen.saturating_sub(share);
            is_it
        });
        found.unwrap_or(0) as u8
    }

    /// The current-thread runtime begins with the `block_on` of its thread.
    fn begin_control(&mut self, now: Nanos) {
        let actor = self.runtimes[usize::from(CONTROL)].first_worker;
        let id = self.new_id();
        self.main.control_block_on = id;
        let spawn = Spawn {
            location: Some(CONTROL_BLOCK_ON),
            size: Some(56),
            ..Spawn::new(TaskId(id), TaskKind::BlockOn, Source::Span)
        };
        self.event(actor, now, &Event::Spawn(spawn));
        let thread = self.threads[actor];
        self.out.poll_start(thread, now, id, Source::Span);
        self.out.poll_end(thread, now + 2_000, PollResult::Pending, true);
        self.clocks.set(actor, now + 3_000);
    }

    /// The last thing: the main runtime and the current-thread one are dropped, with their tasks.
    /// Those of `io` live on, as after `shutdown_background`. Returns the time at the end.
    pub(crate) fn shut_down(&mut self, now: Nanos) -> Nanos {
        let begin = now + 20_000;
        for thread in 0..self.threads.len() {
            self.out.end_drops(self.threads[thread], begin);
        }
        let actor = self.main.actor;
        let thread = self.threads[actor];
        let mut time = begin;
        let is_polling = matches!(self.main.phase, Phase::Polls(_));
        self.end_block_on(actor, begin, self.main.block_on, is_polling);
        self.end_local(begin + 5_000);
        let slots: Vec<u32> = self.tasks.slots().collect();
        let mut next_worker = 0;
        for slot in slots {
            let (runtime, id) = (self.tasks[slot].runtime, self.tasks[slot].id);
            let on = match runtime {
                MAIN => {
                    next_worker = (next_worker + 1) % self.runtimes[usize::from(MAIN)].workers;
                    next_worker
                }
                CONTROL => self.runtimes[usize::from(CONTROL)].first_worker,
                _ => continue,
            };
            time += 700;
            self.close_span(on, slot, time);
            self.end_event(on, time, id, (EndKind::Cancelled, CancelledBy::Shutdown));
            self.tasks.end(slot);
        }
        if self.has_all() {
            let on = self.runtimes[usize::from(CONTROL)].first_worker;
            self.end_block_on(on, time + 1_000, self.main.control_block_on, false);
        }
        for worker in 0..self.workers.len() {
            self.out.set_worker(self.threads[worker], time + 2_000, None);
        }
        self.out.set_worker(thread, time + 4_000, None);
        self.clocks.set(actor, NEVER);
        time + 5_000
    }

    /// Records that a `block_on` returns, and that its future is dropped.
    fn end_block_on(&mut self, actor: usize, now: Nanos, id: u64, is_polling: bool) {
        let thread = self.threads[actor];
        if !is_polling {
            let wake = Event::Wake { task: TaskId(id), op: WakeOp::ByValue };
            if actor != self.main.actor {
                self.event(self.main.actor, now, &wake);
            }
            self.out.poll_start(thread, now, id, Source::Span);
        }
        self.out.poll_end(thread, now + 1_000, PollResult::Pending, false);
        self.out.poll_start(thread, now + 1_100, id, Source::Span);
        self.out.poll_end(thread, now + 1_200, PollResult::Pending, false);
        self.end_event(actor, now + 1_300, id, (EndKind::Returned, CancelledBy::Unknown));
    }
}
