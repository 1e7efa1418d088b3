//! A trace in a few figures. They are worked out in [`figures`].
//!
//! All figures of tasks (polls, wakes, hops, waits, how polls and tasks ended) are of one
//! population: tasks. Closures on the blocking pool and the futures of `block_on` are none. What
//! was not recorded is `null`, and never 0.

mod figures;
mod file;
mod latencies;
pub(crate) mod sums;

pub use file::FileSummary;

use serde::Serialize;
use taskscope_format::Nanos;

use crate::dropped_events::DropSummary;
use crate::gaps::GapSummary;

/// What `taskscope summary` prints; with `--json` as one object with these keys.
///
/// Later versions add keys and never change or remove one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Version of the file's format.
    pub format_version: u16,
    /// The recorded program's file name, `null` if it was not recorded.
    pub program: Option<String>,
    /// How much was recorded: `full` or `polls`, `null` if it was not recorded.
    pub detail: Option<String>,
    /// Why a flight recorder wrote this; `null` for a recording that was written as it went.
    pub dump: Option<String>,
    /// Time from the first event to the last, in nanoseconds.
    pub duration_ns: Nanos,
    /// How many events were read.
    pub events: u64,
    /// How many events the recorder dropped, by its own count.
    pub dropped_events: u64,
    /// Where they are missing, by their start.
    pub drops: Vec<DropSummary>,
    /// Whether the file ends before the recording was finished: the program was
    /// killed, is still running, or the file was cut.
    pub truncated: bool,
    /// How many parts of the file are damaged and were passed over.
    pub damaged_parts: u64,
    /// Where events are missing for that, by their start.
    pub gaps: Vec<GapSummary>,
    /// The runtimes.
    pub runtimes: Vec<RuntimeSummary>,
    /// Tasks by what became of them.
    pub tasks: TaskCounts,
    /// The threads that are no workers and polled tasks all the same: those of
    /// executors other than Tokio's, or of a `LocalSet`.
    pub threads: Vec<ThreadSummary>,
    /// Polls of tasks, on workers and other threads. A visit that only drops an
    /// aborted task is none.
    pub polls: u64,
    /// How these polls ended; their sum is `polls`.
    pub poll_ends: PollEnds,
    /// Calls of a task's waker; `null` where wakes were not recorded.
    pub wakes: Option<u64>,
    /// Polls on another worker than the task's poll before; or on another thread,
    /// for those that no worker polls.
    pub hops: u64,
    /// The longest poll of a task, in nanoseconds.
    pub longest_poll_ns: Nanos,
    /// How long tasks had been scheduled when they were polled, as Tokio measured it
    /// (`schedule-latency`); `null` where that was not recorded.
    pub schedule_latency: Option<ScheduleLatency>,
    /// Polls that used up their task's budget, so that Tokio made it yield.
    pub forced_yields: u64,
    /// What tasks waited for, the most frequent first; of those of Tokio's resources that emit
    /// events. `null` where that was not recorded.
    pub waits: Option<Vec<WaitSummary>>,
}

/// How the polls of tasks ended. Where wakes and outcomes were not recorded, what depends on them is
/// `null`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PollEnds {
    /// The future returned.
    pub ready: Option<u64>,
    /// The task waited for something.
    pub pending: Option<u64>,
    /// The task yielded: it woke itself during the poll.
    pub yielded: Option<u64>,
    /// The task yielded, as the order of wakes implies: `yield_now`.
    pub yielded_inferred: Option<u64>,
    /// The task had used up its budget, so that Tokio made it yield.
    pub budget: u64,
    /// The future panicked.
    pub panicked: Option<u64>,
    /// The task waited, and was cancelled before it was polled again.
    pub cancelled: Option<u64>,
    /// The recording ended, or lost events, before the poll did.
    pub open: u64,
}

/// From the moment a task is scheduled to its poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ScheduleLatency {
    /// In how many polls it was measured.
    pub polls: u64,
    /// All of it together, in nanoseconds.
    pub total_ns: Nanos,
    /// Half of the polls waited no longer than this, in nanoseconds.
    pub p50_ns: Nanos,
    /// 99 of 100 polls waited no longer than this, in nanoseconds.
    pub p99_ns: Nanos,
    /// The longest, in nanoseconds.
    pub longest_ns: Nanos,
}

/// How often tasks waited for an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WaitSummary {
    /// The operation, such as `Mutex::lock` or `sleep`.
    pub operation: String,
    /// In how many polls it was pending.
    pub count: u64,
}

/// A runtime in a few figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuntimeSummary {
    /// The number that the recorder gave it, from 0.
    pub id: u32,
    /// The name that the user gave it, else that of its threads; `null` where these have only
    /// Tokio's.
    pub name: Option<String>,
    /// `current_thread`, `multi_thread`, or `unknown`.
    pub flavor: &'static str,
    /// Its workers, in the order of their index.
    pub workers: Vec<WorkerSummary>,
}

/// A worker in a few figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerSummary {
    /// Tokio's index of the worker.
    pub index: u32,
    /// The name of the thread behind it, the first where there were several; `null` where it has
    /// none.
    pub name: Option<String>,
    /// Polls of tasks on this worker.
    pub polls: u64,
    /// Time for which polls occupied it, in nanoseconds, those of `block_on` included. Never more
    /// than `duration_ns`.
    pub busy_ns: Nanos,
    /// How often it parked; `null` where parks were not recorded: they need hooks.
    pub parks: Option<u64>,
}

/// A thread that is no worker, in a few figures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ThreadSummary {
    /// The number that the recorder gave it.
    pub id: u32,
    /// Its name, `null` where it has none.
    pub name: Option<String>,
    /// Polls of tasks on this thread, while it was no worker.
    pub polls: u64,
    /// Time spent in polls, in nanoseconds, those of `block_on` included.
    pub busy_ns: Nanos,
}

/// Tasks by what became of them.
///
/// Tasks are what `tokio::spawn` and its like make, and futures that were wrapped
/// to be recorded. `spawned` is the sum of `returned`, `panicked`, `cancelled` and `alive`;
/// closures on the blocking pool are counted apart, and Tokio's own worker threads are neither.
/// Where outcomes were not recorded, those are `null` and `alive` counts all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// All tasks that the recording knows of.
    pub spawned: u64,
    /// Their future returned.
    pub returned: Option<u64>,
    /// Their future panicked.
    pub panicked: Option<u64>,
    /// Their future was dropped before it returned.
    pub cancelled: Option<u64>,
    /// Of those, the ones that were aborted.
    pub aborted: Option<u64>,
    /// Of those, the ones that their runtime dropped when it shut down. (A
    /// recording may have neither.)
    pub dropped_at_shutdown: Option<u64>,
    /// They had not ended when the recording did, or how is not known.
    pub alive: u64,
    /// Of those, the ones that had ended. (Hooks alone do not record how.)
    pub ended: u64,
    /// Tasks of which it is inferred, and not recorded, how they ended.
    pub inferred: u64,
    /// Closures that ran on the blocking pool.
    pub blocking: u64,
    /// Futures inside tasks that the program has wrapped, such as arms of a `select!`.
    pub parts: u64,
}

impl PollEnds {
    /// The polls by how they ended, in words, those of which there are any.
    pub fn by_end(&self) -> Vec<(u64, &'static str)> {
        let counts = [
            (self.ready, "ready"),
            (self.pending, "pending"),
            (self.yielded, "yielded"),
            (self.yielded_inferred, "yielded (inferred)"),
            (Some(self.budget), "budget spent"),
            (self.panicked, "panicked"),
            (self.cancelled, "cancelled"),
            (Some(self.open), "end not recorded"),
        ];
        let counts = counts.into_iter().map(|(count, what)| (count.unwrap_or(0), what));
        counts.filter(|(count, _)| *count > 0).collect()
    }
}

impl TaskCounts {
    /// The tasks by what became of them, in words, those of which there are any.
    pub fn by_end(&self) -> Vec<(u64, &'static str)> {
        let or_none = |count: Option<u64>| count.unwrap_or(0);
        let (aborted, at_shutdown) = (or_none(self.aborted), or_none(self.dropped_at_shutdown));
        let cancelled = or_none(self.cancelled).saturating_sub(aborted + at_shutdown);
        let mut ends = vec![
            (or_none(self.returned), "returned"),
            (or_none(self.panicked), "panicked"),
            (aborted, "aborted"),
            (at_shutdown, "dropped at shutdown"),
            (cancelled, "cancelled"),
            (self.ended, "ended, how is not recorded"),
            (self.alive.saturating_sub(self.ended), "alive at the end"),
        ];
        ends.retain(|(count, _)| *count > 0);
        ends
    }
}
