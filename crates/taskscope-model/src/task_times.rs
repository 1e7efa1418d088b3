//! How long each task was in each state, of all tasks at once.
//!
//! # The problem
//! Asked task by task ([`Trace::state_times`]), this follows each task from poll to poll, and each
//! step waits for the memory: the polls of a task lie far apart. With a hundred million polls that
//! takes half a minute.
//!
//! # The plan
//! Polls are visited as they lie in memory, on all processors. Each adds its own time, and that
//! between it and the poll of its task before, to the sums of its task; both ends of a gap are known
//! from its two polls. What comes after a task's last poll is asked of the task. A few tasks do not
//! have their polls one after the other (a broken file, a clock that went back): they are followed from
//! poll to poll.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use taskscope_format::Nanos;

use crate::parallel;
use crate::states::{State, StateTimes};
use crate::store::polls::{Chunk, NONE};
use crate::trace::Trace;
use crate::types::{PollEnd, PollIx, TaskIx};

/// So many chunks of polls, and so many tasks, are looked at in a step.
const CHUNKS: usize = 128;
const TASKS: usize = 1 << 16;

/// How long each task was in each state, worked out for all tasks at once.
///
/// ```
/// # use taskscope_format::FileWriter;
/// # let trace = taskscope_model::Trace::from_bytes(&FileWriter::new(Vec::new(), 0)?.finish()?)?;
/// use taskscope_model::TaskTimes;
///
/// let mut times = TaskTimes::new(&trace);
/// // Some milliseconds each.
/// while !times.step(&trace) {}
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct TaskTimes {
    sums: Vec<Sums>,
    /// How many chunks have been looked at, and then how many tasks.
    chunks: usize,
    tasks: usize,
    /// Tasks whose polls overlap.
    odd: Mutex<Vec<u32>>,
}

/// The times of a task, by the position of the state in [`State::ALL`].
#[derive(Debug, Default)]
struct Sums([AtomicU64; State::ALL.len()]);

impl Sums {
    #[inline]
    fn add(&self, state: State, time: Nanos) {
        if time > 0 {
            self.0[state as usize].fetch_add(time, Ordering::Relaxed);
        }
    }
}

impl TaskTimes {
    /// Before the first step.
    pub fn new(trace: &Trace) -> Self {
        Self {
            sums: std::iter::repeat_with(Sums::default).take(trace.task_count()).collect(),
            chunks: 0,
            tasks: 0,
            odd: Mutex::default(),
        }
    }

    /// Goes on, on all processors, for some milliseconds. Returns whether all is done. Each step needs
    /// the same trace.
    pub fn step(&mut self, trace: &Trace) -> bool {
        let (this, chunks) = (&*self, trace.polls.chunks());
        if self.chunks < chunks.len() {
            let until = chunks.len().min(self.chunks + CHUNKS);
            parallel::for_each(self.chunks..until, |chunk| this.add_chunk(trace, &chunks[chunk]));
            self.chunks = until;
            return false;
        }
        let until = self.sums.len().min(trace.task_count()).min(self.tasks + TASKS);
        parallel::for_each(self.tasks..until, |task| this.add_end(trace, TaskIx(task as u32)));
        self.tasks = until;
        if until < self.sums.len() {
            return false;
        }
        let mut odd = std::mem::take(&mut *self.odd());
        odd.sort_unstable();
        odd.dedup();
        for task in odd {
            let times = trace.state_times(TaskIx(task));
            let sums = State::ALL.map(|state| AtomicU64::new(times.get(state)));
            self.sums[task as usize] = Sums(sums);
        }
        true
    }

    /// How long a task was in each state, once all is done. A task that is newer than the trace that
    /// was looked at has been in none.
    pub fn get(&self, task: TaskIx) -> StateTimes {
        let Some(Sums(sums)) = self.sums.get(task.get()) else { return StateTimes::default() };
        let [running, deferred, scheduled, waiting, idle, unknown] =
            sums.each_ref().map(|sum| sum.load(Ordering::Relaxed));
        StateTimes { running, deferred, scheduled, waiting, idle, unknown }
    }

    fn odd(&self) -> std::sync::MutexGuard<'_, Vec<u32>> {
        self.odd.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add_chunk(&self, trace: &Trace, chunk: &Chunk) {
        for (slot, row) in chunk.rows.iter().enumerate() {
            if chunk.is_gone(slot) {
                continue;
            }
            let sums = &self.sums[row.task as usize];
            sums.add(State::Running, chunk.duration(slot));
            let start = chunk.start(slot);
            let is_in_order = match row.before {
                NONE => self.add_first(trace, sums, row.task, start),
                before => self.add_gap(trace, sums, PollIx(before), (chunk, slot)),
            };
            if !is_in_order {
                self.odd().push(row.task);
            }
        }
    }

    /// From the spawn of a task to its first poll it was scheduled.
    fn add_first(&self, trace: &Trace, sums: &Sums, task: u32, start: Nanos) -> bool {
        let Some(spawned) = trace.task(TaskIx(task)).spawned else { return true };
        sums.add(State::Scheduled, start.saturating_sub(spawned));
        spawned <= start
    }

    /// Between two polls of a task, as `states.rs` has it.
    fn add_gap(
        &self,
        trace: &Trace,
        sums: &Sums,
        before: PollIx,
        (chunk, slot): (&Chunk, usize),
    ) -> bool {
        let (start, row) = (chunk.start(slot), &chunk.rows[slot]);
        let ended = trace.polls.end(before);
        if ended >= start {
            return ended == start;
        }
        let how = trace.poll_end(row.task, trace.polls.row(before).flags);
        let unwoken = match how {
            PollEnd::Open => State::Unknown,
            how if how.is_yield() => State::Deferred,
            _ => State::Waiting,
        };
        match chunk.scheduled_since(slot, ended, how) {
            Some(time) => {
                sums.add(unwoken, time - ended);
                sums.add(State::Scheduled, start - time);
            }
            None if unwoken == State::Unknown => sums.add(unwoken, start - ended),
            None => sums.add(State::Idle, start - ended),
        }
        true
    }

    /// What comes after the last poll of a task.
    fn add_end(&self, trace: &Trace, task: TaskIx) {
        let last = trace.task_polls(task).last();
        let from = last.map_or(0, |poll| trace.polls.start(poll));
        for span in trace.states_from(task, from).filter(|span| span.state != State::Running) {
            // (Of two polls that begin at one time, the time between is none.)
            self.sums[task.get()].add(span.state, span.end - span.start);
        }
    }
}

impl Chunk {
    /// Since when a task had been scheduled before a poll, if that is known: at the end of the poll before or later, of which
    /// this says when and how it `ended`, and no later than the poll begins.
    pub(crate) fn scheduled_since(&self, slot: usize, ended: Nanos, how: PollEnd) -> Option<Nanos> {
        let start = self.start(slot);
        let led = self.delay(slot).map(|delay| start - delay);
        let woken = match led {
            // A wake during the poll takes effect when it ends.
            Some(time) if time < ended => Some(ended),
            // A wake says nothing of a task that may be running.
            _ if how == PollEnd::Open => None,
            led => led,
        };
        woken.or_else(|| self.scheduled(slot).map(|time| time.clamp(ended, start)))
    }
}
