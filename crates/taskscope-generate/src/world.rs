//! The generated program: its runtimes, threads and tasks, and the loop that lets each act in turn.
//!
//! # Threads
//! An *actor* is what a thread does: a worker of a runtime, the main thread in its `block_on`, the
//! thread of the `LocalSet`, or a thread of the blocking pool. Each has a clock; the one whose
//! clock is the earliest makes the next step (`clocks.rs`). A step is short: the start of a poll,
//! one thing that the task does in it, its end, one wake by the driver. So whatever one thread
//! does, the others find done if their clocks show a later time, and not if not: no event has a
//! cause that comes after it. `block_in_place` gives a worker another thread (`blocking.rs`).
//!
//! # Exact counts
//! The polls and tasks that were asked for must be those of the file, however the simulation goes.
//! A task that was spawned and not yet polled has one poll reserved, as has each that is yet to be
//! spawned. If all that is left is reserved, tasks are polled for the first time only, and those
//! that are still to be spawned return at once: the trace is *closing*. Polls in a dropped range
//! are not in the file and do not count; what was reserved for first polls that were dropped is
//! used up by the first of all tasks, which never ends.

use std::io::{self, Write};

use taskscope_format::{Event, Flavor, Nanos, RuntimeId};

use crate::Options;
use crate::blocking::Pool;
use crate::clocks::Clocks;
use crate::load::{self, Load};
use crate::local::Local;
use crate::main_thread::MainThread;
use crate::output::{Output, RuntimeFacts};
use crate::random::Random;
use crate::resources::Resources;
use crate::runtime::Runtime;
use crate::tasks::Tasks;
use crate::worker::Worker;

/// Runtimes by their number. The last is none of Tokio's: it stands for the `LocalSet`.
pub(crate) const MAIN: u8 = 0;
pub(crate) const IO: u8 = 1;
pub(crate) const CONTROL: u8 = 2;
pub(crate) const LOCAL: u8 = 3;

/// Workers of the runtime `io`.
pub(crate) const IO_WORKERS: u32 = 2;

/// Threads of the blocking pool, without that of the `LocalSet`.
fn pool_threads(workers: u32) -> usize {
    4 + workers as usize / 4
}

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
    /// The thread that drops events, or has done so.
    pub(crate) drops_on: Option<usize>,
    /// Tasks that were spawned by others than the main thread.
    pub(crate) by_tasks: u64,
}

impl Progress {
    pub(crate) fn unspawned(&self) -> u64 {
        self.tasks - self.spawned
    }

    /// Whether a task that was polled before can be polled again.
    pub(crate) fn has_spare(&self) -> bool {
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
    /// By runtime.
    pub(crate) loads: [Load; 4],
    next_look: Nanos,
    /// The tasks of each runtime among those of all, in thousandths.
    pub(crate) shares: [u64; 4],
    pub(crate) progress: Progress,
    /// About how many tasks are to live at a time.
    pub(crate) live_target: usize,
    /// Tasks that wait for ever.
    pub(crate) for_ever: usize,
    /// Ids of tasks are counted by the process.
    pub(crate) next_id: u64,
    pub(crate) next_span: u64,
    /// For names, kept to reuse its memory.
    pub(crate) name: String,
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
        let rest = if has_all { 1 + pool_threads(workers) } else { 0 };
        for _ in 0..rest {
            threads.push(out.thread("server-worker".to_owned(), None));
        }
        let live_target = (tasks / 8).clamp(4, 16_000) as usize;
        let mut random = Random::new(seed);
        let shares = shares(workers, has_all);
        let mut load = |runtime: usize, workers| {
            Load::new(live_target as u64 * shares[runtime] / 1_000 + 1, workers, &mut random)
        };
        let loads = [load(0, workers), load(1, IO_WORKERS), load(2, 1), load(3, 1)];
        let main_actor = all_workers.len();
        let mut world = Self {
            out,
            random,
            clocks: Clocks::new(threads.len()),
            pool: Pool::new(main_actor + 2, if has_all { pool_threads(workers) } else { 0 }),
            local: Local::new(main_actor + 1, has_all),
            main: MainThread::new(main_actor, options),
            threads,
            workers: all_workers,
            runtimes,
            tasks: Tasks::default(),
            resources: Resources::default(),
            loads,
            next_look: 0,
            shares,
            progress: Progress {
                polls,
                tasks,
                polled: 0,
                spawned: 0,
                unpolled: 0,
                is_closing: false,
                is_over: false,
                drops_on: None,
                by_tasks: 0,
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
            if now >= self.next_look {
                self.next_look = now + load::EVERY;
                for (load, live) in self.loads.iter_mut().zip(self.tasks.live_of()) {
                    load.look(now, live, &mut self.random);
                }
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
}

/// How many of a thousand tasks each runtime has, so that all of their workers are about as busy.
fn shares(workers: u32, has_all: bool) -> [u64; 4] {
    if !has_all {
        return [1_000, 0, 0, 0];
    }
    let [io, control, local] = [6, 3, 3];
    let all = 6 * u64::from(workers) + io + control + local;
    let [io, control, local] = [io, control, local].map(|part| 1_000 * part / all);
    [1_000 - io - control - local, io, control, local]
}
