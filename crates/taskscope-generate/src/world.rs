//! The generated program: its runtimes, threads and tasks, and the loop that lets each act in turn.
//!
//! # Threads
//! An *actor* is what a thread does: a worker of a runtime, the main thread in its `block_on`, the
//! thread of the `LocalSet`, or a thread of the blocking pool. Each has a clock; the one whose clock is the
//! earliest makes the next step (`clocks.rs`). A step is short: the start of a poll, one thing
//! that the task does in it, its end, one wake by the driver. So whatever one thread does, the others
//! find done if their clocks show a later time, and not if not: no event has a cause that comes after
//! it. `block_in_place` gives a worker another thread (`blocking.rs`).
//!
//! # Exact counts
//! The polls and tasks that were asked for must be those of the file, however the simulation goes. A
//! task that was spawned and not yet polled has one poll reserved, as has each that is yet to be
//! spawned. If all that is left is reserved, tasks are polled for the first time only, and those that
//! are still to be spawned return at once: the trace is *closing*. Polls in a dropped range are
//! not in the file and do not count.

use std::io::{self, Write};

use taskscope_format::{Event, Flavor, Nanos, RuntimeId, Source, Spawn, TaskId, TaskKind, WakeOp};

use crate::Options;
use crate::blocking::Pool;
use crate::clocks::{Clocks, NEVER};
use crate::load::Load;
use crate::local::Local;
use crate::main_thread::MainThread;
use crate::output::{Output, RuntimeFacts};
use crate::places::{self, FIRST_OF, place};
use crate::random::Random;
use crate::resources::Resources;
use crate::runtime::{MAIN_SLOT, Runtime, Timer};
use crate::tasks::{Handle, State, Task, Tasks};
use crate::worker::Worker;

/// Runtimes by their number. The last is none of Tokio's: it stands for the `LocalSet`.
pub(crate) const MAIN: u8 = 0;
pub(crate) const IO: u8 = 1;
pub(crate) const CONTROL: u8 = 2;
pub(crate) const LOCAL: u8 = 3;

/// Workers of the runtime `io`.
pub(crate) const IO_WORKERS: u32 = 2;

/// Threads of the blocking pool, without that of the `LocalSet`.
pub(crate) const POOL_THREADS: usize = 4;

/// With fewer tasks there are only those of the main runtime.
const ENOUGH_FOR_ALL: u64 = 40;

/// How much of what was asked for is done.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) polls: u64,
    pub(crate) tasks: u64,
    pub(crate) polled: u64,
    pub(crate) spawned: u64,
    /// Tasks that were spawned and not yet polled.
    pub(crate) unpolled: u64,
    /// What is left of polls is reserved for first polls.
    pub(crate) is_closing: bool,
    /// No poll is left.
    pub(crate) is_over: bool,
    pub(crate) has_dropped: bool,
}

impl Progress {
    pub(crate) fn unspawned(&self) -> u64 {
        self.tasks - self.spawned
    }

    /// Whether a task that was polled before can be polled again.
    fn has_spare(&self) -> bool {
        self.polls - self.polled > self.unpolled + self.unspawned()
    }
}

pub(crate) struct World<'a> {
    pub(crate) out: Output<'a>,
    pub(crate) random: Random,
    pub(crate) clocks: Clocks,
    /// The thread of each actor: workers, the main thread, the `LocalSet`, the pool.
    pub(crate) threads: Vec<usize>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) runtimes: Vec<Runtime>,
    pub(crate) main: MainThread,
    pub(crate) local: Local,
    pub(crate) pool: Pool,
    pub(crate) tasks: Tasks,
    pub(crate) resources: Resources,
    pub(crate) load: Load,
    pub(crate) progress: Progress,
    /// About how many tasks are to live at a time.
    pub(crate) live_target: usize,
    /// Tasks that wait for ever.
    pub(crate) for_ever: usize,
    /// Ids of tasks are counted by the process.
    pub(crate) next_id: u64,
    pub(crate) next_span: u64,
    /// For names, kept to reuse its memory.
    name: String,
}

impl<'a> World<'a> {
    pub(crate) fn new(options: &Options, file: &'a mut dyn Write) -> io::Result<Self> {
        let &Options { polls, tasks, workers, seed } = options;
        let has_all = tasks >= ENOUGH_FOR_ALL;
        let multi = |workers, name| RuntimeFacts { flavor: Flavor::MultiThread, workers, name };
        let mut facts = vec![multi(workers, "server")];
        if has_all {
            facts.push(multi(IO_WORKERS, "io"));
            let flavor = Flavor::CurrentThread;
            facts.push(RuntimeFacts { flavor, workers: 1, name: "control" });
        }
        let mut out = Output::new(file, facts.clone())?;
        let mut threads = vec![0];
        out.thread("main".to_owned(), None);
        let (mut all_workers, mut runtimes) = (Vec::new(), Vec::new());
        for (number, facts) in (0..).zip(&facts) {
            let is_multi = facts.flavor == Flavor::MultiThread;
            runtimes.push(Runtime::new(all_workers.len(), facts.workers as usize, is_multi));
            for index in 0..facts.workers {
                all_workers.push(Worker::new(number, is_multi));
                let name =
                    if is_multi { format!("{}-worker", facts.name) } else { facts.name.into() };
                let worker = Some((RuntimeId(number.into()), index));
                threads.insert(all_workers.len() - 1, out.thread(name, worker));
            }
        }
        let rest = if has_all { 1 + POOL_THREADS } else { 0 };
        for _ in 0..rest {
            threads.push(out.thread("server-worker".to_owned(), None));
        }
        let live_target = (tasks / 8).clamp(4, 16_000) as usize;
        let mut random = Random::new(seed);
        let load = Load::new(live_target, workers, &mut random);
        let main_actor = all_workers.len();
        let mut world = Self {
            out,
            random,
            clocks: Clocks::new(threads.len()),
            pool: Pool::new(main_actor + 2, if has_all { POOL_THREADS } else { 0 }),
            local: Local::new(main_actor + 1, has_all),
            main: MainThread::new(main_actor, options),
            threads,
            workers: all_workers,
            runtimes,
            tasks: Tasks::default(),
            resources: Resources::default(),
            load,
            progress: Progress {
                polls,
                tasks,
                polled: 0,
                spawned: 0,
                unpolled: 0,
                is_closing: false,
                is_over: false,
                has_dropped: false,
            },
            live_target,
            for_ever: 0,
            next_id: 4 + u64::from(workers),
            next_span: 0,
            name: String::new(),
        };
        world.clocks.set(main_actor, 200_000);
        for worker in 0..world.workers.len() {
            world.clocks.set(worker, 150_000 + 7_000 * worker as u64);
        }
        Ok(world)
    }

    /// Whether there are more runtimes than the main one.
    pub(crate) fn has_all(&self) -> bool {
        self.runtimes.len() > 1
    }

    /// Lets all act until it is over. Returns the time then.
    pub(crate) fn run(&mut self) -> Nanos {
        let mut last = 0;
        while let Some((actor, now)) = self.clocks.earliest() {
            if self.progress.is_over && !self.is_polling(actor) {
                self.stop(actor);
                continue;
            }
            last = now;
            if now >= self.load.next_look {
                self.load.look(now, &mut self.random);
                if self.out.has_failed() {
                    break;
                }
            }
            if actor < self.workers.len() {
                self.worker_step(actor, now);
            } else if actor == self.main.actor {
                self.main_step(now);
            } else if actor == self.local.actor {
                self.local_step(now);
            } else {
                self.pool_step(actor, now);
            }
        }
        self.shut_down(last)
    }

    /// Whether an actor is in the middle of a poll, which it ends before all is shut down.
    fn is_polling(&self, actor: usize) -> bool {
        match self.workers.get(actor) {
            Some(worker) => worker.is_polling(),
            None if actor == self.main.actor => false,
            None if actor == self.local.actor => self.local.is_polling(),
            None => self.pool.is_busy(actor),
        }
    }

    pub(crate) fn event(&mut self, actor: usize, now: Nanos, event: &Event<'_>) {
        self.out.event(self.threads[actor], now, event);
    }

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
            use std::fmt::Write as _;
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
        self.spawns_due() > 0
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
