//! Threads of the blocking pool: closures of `spawn_blocking`, and polls that have given their
//! worker away.

use std::collections::VecDeque;

use taskscope_format::{
    CancelledBy, EndKind, Event, Nanos, PollResult, Source, Spawn, TaskId, TaskKind, WakeOp,
};

use crate::places::BLOCKING;
use crate::tasks::Handle;
use crate::world::World;

/// A closure.
#[derive(Clone, Copy, Debug)]
struct Job {
    id: u64,
    length: Nanos,
    joiner: Handle,
}

#[derive(Clone, Copy, Debug)]
enum Doing {
    Nothing,
    Job(Job),
    /// A poll that gave its worker away while it blocks.
    Poll(u32),
}

#[derive(Debug)]
pub(crate) struct Pool {
    first_actor: usize,
    threads: Vec<Doing>,
    jobs: VecDeque<Job>,
}

impl Pool {
    pub(crate) fn new(first_actor: usize, threads: usize) -> Self {
        Self { first_actor, threads: vec![Doing::Nothing; threads], jobs: VecDeque::new() }
    }

    fn idle(&self) -> Option<usize> {
        let idle = self.threads.iter().position(|doing| matches!(doing, Doing::Nothing));
        idle.map(|thread| self.first_actor + thread)
    }

    pub(crate) fn is_busy(&self, actor: usize) -> bool {
        !matches!(self.threads[actor - self.first_actor], Doing::Nothing)
    }
}

impl World<'_> {
    /// `spawn_blocking`, in the poll of a task that waits for it. False where there is no pool.
    pub(crate) fn spawn_blocking(&mut self, actor: usize, slot: u32, now: Nanos) -> bool {
        if self.pool.threads.is_empty() {
            return false;
        }
        let id = self.new_id();
        let joiner = self.tasks.handle(slot);
        let spawn = Spawn {
            parent: Some(TaskId(joiner.id)),
            location: Some(BLOCKING),
            size: Some(72),
            function: Some("app::files::read_all::{{closure}}"),
            ..Spawn::new(TaskId(id), TaskKind::Blocking, Source::Span)
        };
        self.event(actor, now, &Event::Spawn(spawn));
        let length = self.random.spread(120_000, 400);
        let job = Job { id, length, joiner };
        match self.pool.idle() {
            Some(thread) => {
                self.begin_job(thread, job);
                let latency = self.random.between(5_000, 40_000);
                self.clocks.set(thread, now + latency);
            }
            None => self.pool.jobs.push_back(job),
        }
        true
    }

    fn begin_job(&mut self, actor: usize, job: Job) {
        // A length of its own says that the closure has not begun.
        self.pool.threads[actor - self.pool.first_actor] = Doing::Job(job);
    }

    pub(crate) fn pool_step(&mut self, actor: usize, now: Nanos) {
        let thread = actor - self.pool.first_actor;
        match self.pool.threads[thread] {
            Doing::Nothing => self.stop(actor),
            Doing::Poll(slot) => self.go_on(actor, slot, now),
            Doing::Job(job) if job.length > 0 => {
                self.out.poll_start(self.threads[actor], now, job.id, Source::Span);
                self.begin_job(actor, Job { length: 0, ..job });
                self.clocks.set(actor, now + job.length);
            }
            Doing::Job(job) => {
                let on = self.threads[actor];
                self.out.poll_end(on, now, PollResult::Pending, false);
                // Tokio enters the span once more, to drop the closure.
                self.out.poll_start(on, now, job.id, Source::Span);
                self.out.poll_end(on, now, PollResult::Pending, false);
                self.end_event(actor, now, job.id, (EndKind::Returned, CancelledBy::Unknown));
                self.wake(actor, now, job.joiner, WakeOp::ByRef);
                self.next_job(actor, now);
            }
        }
    }

    fn next_job(&mut self, actor: usize, now: Nanos) {
        match self.pool.jobs.pop_front() {
            Some(job) => {
                self.begin_job(actor, job);
                self.clocks.set(actor, now + 900);
            }
            None => {
                self.pool.threads[actor - self.pool.first_actor] = Doing::Nothing;
                self.stop(actor);
            }
        }
    }

    /// The poll of a task that had given its worker away has ended on a thread of the pool.
    pub(crate) fn end_pool_poll(&mut self, actor: usize, now: Nanos) {
        self.next_job(actor, now);
    }

    /// `block_in_place`: the thread of a worker goes on with the poll as one of the pool's, and one
    /// of the pool's becomes the worker. False where all of these have something to do.
    pub(crate) fn block_in_place(&mut self, worker: usize, slot: u32, now: Nanos) -> bool {
        let Some(actor) = self.pool.idle().filter(|_| worker < self.workers.len()) else {
            return false;
        };
        self.out.set_worker(self.threads[worker], now, None);
        self.threads.swap(worker, actor);
        self.change_thread(worker, now);
        self.pool.threads[actor - self.pool.first_actor] = Doing::Poll(slot);
        let length = self.random.spread(1_500_000, 300);
        self.clocks.set(actor, now + length);
        true
    }

    /// Records the end of a task.
    pub(crate) fn end_event(
        &mut self,
        actor: usize,
        now: Nanos,
        id: u64,
        (end, cancelled_by): (EndKind, CancelledBy),
    ) {
        let task = TaskId(id);
        self.event(actor, now, &Event::TaskEnd { task, end, inferred: false, cancelled_by });
    }
}
