//! The threads that work, and the queue that they take from.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Job;

/// More would take the processor from the thread that draws.
const MOST_THREADS: usize = 4;

/// What threads share.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to do, or the window is closed.
    to_do: Condvar,
    /// Something was done.
    done: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// What nobody waits for. One at a time, so that a thread is left for the others.
    aside: VecDeque<Job>,
    works_aside: bool,
    /// How many threads there are.
    threads: usize,
    /// How many of them work.
    working: usize,
    closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No work is done while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes jobs and does them until the window is closed.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            let mut is_aside = false;
            let mut job = state.queue.pop_front();
            if job.is_none() && !state.works_aside {
                job = state.aside.pop_front();
                is_aside = job.is_some();
            }
            if let Some(job) = job {
                state.working += 1;
                state.works_aside |= is_aside;
                drop(state);
                // Whoever asked gets no answer, and the others theirs.
                let _ = catch_unwind(AssertUnwindSafe(|| job.run()));
                state = self.lock();
                state.working -= 1;
                state.works_aside &= !is_aside;
                self.done.notify_all();
            } else if state.closed {
                return;
            } else {
                state = self.to_do.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

/// Threads that are started when there is something to do for them.
#[derive(Default)]
pub(super) struct Pool(Arc<Shared>);

impl Pool {
    /// Has a job done by a thread; `aside` if nobody waits for it.
    pub(super) fn run(&self, job: Job, aside: bool) {
        let most = std::thread::available_parallelism().map_or(1, usize::from);
        let mut state = self.0.lock();
        if aside { &mut state.aside } else { &mut state.queue }.push_back(job);
        let all_work = state.working + state.queue.len() + state.aside.len() > state.threads;
        if all_work && state.threads < most.clamp(2, MOST_THREADS) {
            let shared = self.0.clone();
            let thread = std::thread::Builder::new().name("taskscope-job".to_owned());
            match thread.spawn(move || shared.work()) {
                Ok(_) => state.threads += 1,
                Err(_) if state.threads > 0 => {}
                // No thread can be had: it is done here, slowly, rather than never.
                Err(_) => {
                    let job = if aside { &mut state.aside } else { &mut state.queue }.pop_back();
                    drop(state);
                    if let Some(job) = job {
                        job.run();
                    }
                    return;
                }
            }
        }
        self.0.to_do.notify_one();
    }

    /// Keeps a job for [`work_until`](Self::work_until).
    pub(super) fn keep(&self, job: Job) {
        self.0.lock().queue.push_back(job);
    }

    /// Works on what is kept, on this thread, until it is enough; whether all is done.
    pub(super) fn work_until(&self, is_enough: impl Fn() -> bool) -> bool {
        loop {
            let Some(mut job) = self.0.lock().queue.pop_front() else { return true };
            if !job.go_on() {
                self.0.lock().queue.push_back(job);
            }
            if is_enough() {
                return self.0.lock().queue.is_empty();
            }
        }
    }

    /// Waits until nothing is left to do.
    pub(super) fn wait(&self) {
        let mut state = self.0.lock();
        while state.working > 0 || !state.queue.is_empty() || !state.aside.is_empty() {
            state = self.0.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.to_do.notify_all();
    }
}
