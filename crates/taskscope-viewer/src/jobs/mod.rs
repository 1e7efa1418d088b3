//! Work that grows with the trace, off the thread that draws.
//!
//! A frame has 16 ms, and to sort a million tasks takes longer. So panels *ask*: a [`Question`]
//! belongs to a panel and has a key (what is asked) and the revision of the trace that it is
//! asked of. The work runs on a thread of a small pool; the panel goes on with the last answer,
//! which may be to another question, until the new one is there and a new frame is asked for.
//!
//! * Another key cancels what is being worked out. Another revision alone does not: while a
//!   file is being read, revisions come faster than answers, and nothing would ever be shown. And the
//!   same is not asked again of a trace that grows before thirty times the time has passed that the
//!   last answer took: the processors are there to read the file.
//! * Work is an `async` block that calls [`pause`] every now and then, in less than some
//!   milliseconds. There a cancelled job ends: whoever runs it looks at its flag and
//!   drops it. Nothing else is awaited, and there is no runtime: a thread polls the block until
//!   it is done. Where there are no threads, each frame polls it for a few milliseconds, which a
//!   closure that runs to its end could not do.
//! * Pictures and most tests have the work done at once, when it is asked for, so that they
//!   are the same each time.

mod pool;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use pool::Pool;
pub(crate) use taskscope_model::questions::{now, pause, unless};

/// Where work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// On threads.
    Threads,
    /// Between frames, a few milliseconds in each.
    Slices,
    /// When it is asked for.
    AtOnce,
}

impl Mode {
    /// As it suits the machine that the window runs on.
    pub(crate) fn of_this_machine() -> Self {
        if cfg!(target_family = "wasm") { Self::Slices } else { Self::Threads }
    }
}

/// How long a frame works on jobs where there are no threads.
const SLICE: Duration = Duration::from_millis(6);

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A piece of work, and whether it is still wanted.
struct Job {
    work: Work,
    cancelled: Arc<AtomicBool>,
}

impl Job {
    /// Goes on with the work up to its next pause; whether it is over.
    fn go_on(&mut self) -> bool {
        let context = &mut Context::from_waker(Waker::noop());
        self.cancelled.load(Ordering::Relaxed) || self.work.as_mut().poll(context).is_ready()
    }

    fn run(mut self) {
        profiling::scope!("job");
        while !self.go_on() {}
    }
}

/// Whether a loop should pause that is at this of its turns.
pub(crate) fn is_time_to_pause(turn: usize) -> bool {
    turn % 4096 == 4095
}

/// Where panels have their work done.
pub(crate) struct Jobs {
    mode: Mode,
    ctx: egui::Context,
    pool: Pool,
}

/// Something that is being worked out. To drop it is to cancel it.
pub(crate) struct Running<A> {
    answer: Receiver<A>,
    cancelled: Arc<AtomicBool>,
}

impl<A> Running<A> {
    /// What has come of it: `Err` if nothing will, since the work panicked.
    pub(crate) fn outcome(&self) -> Option<Result<A, ()>> {
        match self.answer.try_recv() {
            Ok(answer) => Some(Ok(answer)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(())),
        }
    }
}

impl<A> Drop for Running<A> {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

impl Jobs {
    pub(crate) fn new(ctx: &egui::Context, mode: Mode) -> Self {
        Self { mode, ctx: ctx.clone(), pool: Pool::default() }
    }

    /// Whether work is done on threads of its own: what will be wanted can be prepared.
    pub(crate) fn work_aside(&self) -> bool {
        self.mode == Mode::Threads
    }

    /// Begins with some work; `aside` if nobody waits for it, who would see that it takes long.
    pub(crate) fn start<A: Send + 'static>(
        &self,
        aside: bool,
        work: impl Future<Output = A> + Send + 'static,
    ) -> Running<A> {
        let (sender, answer) = channel();
        let cancelled = Arc::new(AtomicBool::new(false));
        let ctx = self.ctx.clone();
        let work = async move {
            // The receiver is gone if it was cancelled meanwhile.
            let _ = sender.send(work.await);
            ctx.request_repaint();
        };
        self.give(Job { work: Box::pin(work), cancelled: cancelled.clone() }, aside);
        Running { answer, cancelled }
    }

    /// Frees something large.
    pub(crate) fn free<T: Send + 'static>(&self, large: T) {
        // It is never cancelled: whoever runs it frees it.
        let never = Arc::new(AtomicBool::new(false));
        self.give(Job { work: Box::pin(async move { drop(large) }), cancelled: never }, false);
    }

    fn give(&self, job: Job, aside: bool) {
        match self.mode {
            Mode::Threads => self.pool.run(job, aside),
            Mode::Slices => {
                self.pool.keep(job);
                self.ctx.request_repaint();
            }
            Mode::AtOnce => job.run(),
        }
    }

    /// Works for a part of a frame where there are no threads. Called once a frame.
    pub(crate) fn work_in_frame(&self) {
        if self.mode == Mode::Slices {
            let until = Instant::now() + SLICE;
            if !self.pool.work_until(|| Instant::now() >= until) {
                self.ctx.request_repaint();
            }
        }
    }

    /// Asks for another frame: an answer that is shown is not the one that is wanted.
    pub(crate) fn repaint(&self) {
        self.ctx.request_repaint();
    }

    /// Waits until all that was asked for is done.
    pub(crate) fn wait(&self) {
        match self.mode {
            Mode::Threads => self.pool.wait(),
            Mode::Slices => while !self.pool.work_until(|| false) {},
            Mode::AtOnce => {}
        }
    }
}

/// Which snapshot of a trace something is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Counts the snapshots.
    pub(crate) revision: u64,
    /// Whether more are to come.
    pub(crate) grows: bool,
}

/// A question that a panel asks of a trace, and its last answer.
pub(crate) struct Question<K, A> {
    running: Option<(u64, K, Running<A>)>,
    answer: Option<Answer<K, A>>,
    /// When it was asked last, and how long the answer took.
    pace: Option<(Instant, Duration)>,
    /// Nobody waits for it: see [`Question::aside`].
    aside: bool,
    /// What ended in a panic, so that it is not tried again in each frame.
    failed: Option<(u64, K)>,
}

/// An answer, and to what.
#[derive(Debug)]
pub(crate) struct Answer<K, A> {
    pub(crate) revision: u64,
    pub(crate) key: K,
    pub(crate) value: A,
}

impl<K, A> Default for Question<K, A> {
    fn default() -> Self {
        Self { running: None, answer: None, pace: None, aside: false, failed: None }
    }
}

impl<K: std::fmt::Debug, A> std::fmt::Debug for Question<K, A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let running = self.running.as_ref().map(|(revision, key, _)| (revision, key));
        f.debug_struct("Question").field("running", &running).finish_non_exhaustive()
    }
}

impl<K, A> Question<K, A> {
    /// One that what panels ask goes before: it may take seconds.
    pub(crate) fn aside() -> Self {
        Self { aside: true, ..Self::default() }
    }

    /// One whose answer is known.
    pub(crate) fn answered(revision: u64, key: K, value: A) -> Self {
        Self { answer: Some(Answer { revision, key, value }), ..Self::default() }
    }
}

impl<K: PartialEq + Clone, A: Send + 'static> Question<K, A> {
    /// Asks for the answer to `key` of this snapshot of the trace; gives back the last answer
    /// there is, which may be to another key or of an earlier snapshot.
    pub(crate) fn ask<F>(
        &mut self,
        jobs: &Jobs,
        snapshot: Snapshot,
        key: &K,
        work: impl FnOnce() -> F,
    ) -> Option<&Answer<K, A>>
    where
        F: Future<Output = A> + Send + 'static,
    {
        self.ask_on(jobs, snapshot, key, K::eq, work)
    }

    /// The same where what is asked becomes another with each snapshot, as it does where all is shown
    /// that there is. `is_like` says whether two keys differ by that alone: then one is not worked out
    /// sooner after the other than the same would be.
    pub(crate) fn ask_on<F>(
        &mut self,
        jobs: &Jobs,
        snapshot: Snapshot,
        key: &K,
        is_like: impl Fn(&K, &K) -> bool,
        work: impl FnOnce() -> F,
    ) -> Option<&Answer<K, A>>
    where
        F: Future<Output = A> + Send + 'static,
    {
        self.take_in();
        let is_like = |other: &K| other == key || snapshot.grows && is_like(other, key);
        let Snapshot { revision, grows } = snapshot;
        let is_wanted = |asked: u64, other: &K| asked == revision && other == key;
        let is_answered =
            self.answer.as_ref().is_some_and(|answer| is_wanted(answer.revision, &answer.key));
        let has_failed =
            self.failed.as_ref().is_some_and(|(asked, other)| is_wanted(*asked, other));
        if is_answered || has_failed {
            self.running = None;
        } else if grows && self.comes_too_soon(jobs, is_like) {
            // The last answer has to do.
        } else if self.running.as_ref().is_none_or(|(_, other, _)| !is_like(other)) {
            // What was asked before is cancelled first.
            self.running = None;
            self.pace = Some((Instant::now(), Duration::ZERO));
            self.running = Some((revision, key.clone(), jobs.start(self.aside, work())));
            self.take_in();
        }
        self.answer.as_ref()
    }

    /// Whether the same was answered of an earlier snapshot, and so lately that to work it out again
    /// would take more than a thirtieth of the time. Looks again later, if so.
    fn comes_too_soon(&self, jobs: &Jobs, is_like: impl Fn(&K) -> bool) -> bool {
        const SHARE: u32 = 30;
        let is_same = self.answer.as_ref().is_some_and(|answer| is_like(&answer.key));
        let Some((asked, took)) = self.pace.filter(|_| is_same && self.running.is_none()) else {
            return false;
        };
        let left = (took * SHARE).saturating_sub(asked.elapsed());
        if left == Duration::ZERO || jobs.mode == Mode::AtOnce {
            return false;
        }
        jobs.ctx.request_repaint_after(left);
        true
    }

    /// Whether an answer is being worked out.
    pub(crate) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// The last answer.
    pub(crate) fn answer(&self) -> Option<&Answer<K, A>> {
        self.answer.as_ref()
    }

    /// Takes in what has become of the work.
    fn take_in(&mut self) {
        let Some(outcome) = self.running.as_ref().and_then(|(_, _, running)| running.outcome())
        else {
            return;
        };
        if let Some((revision, key, _)) = self.running.take() {
            if let Some((asked, took)) = &mut self.pace {
                *took = asked.elapsed();
            }
            match outcome {
                Ok(value) => self.answer = Some(Answer { revision, key, value }),
                Err(()) => self.failed = Some((revision, key)),
            }
        }
    }
}
