//! A trace in a few figures.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use taskscope_format::{CancelledBy, EndKind, Flavor, Nanos, TaskKind, meta};

use crate::dropped_events::DropSummary;
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, PollEnd};

/// What `taskscope summary` prints; with `--json` as one object with these keys.
///
/// Later versions add keys and never change or remove one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Version of the file's format.
    pub format_version: u16,
    /// The recorded program's file name, `null` where the file doesn't tell.
    pub program: Option<String>,
    /// How much was recorded: `full` or `polls`, `null` where the file doesn't tell.
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
    /// Calls of a task's waker.
    pub wakes: u64,
    /// Polls on another worker than the task's poll before; or on another thread,
    /// for those that no worker polls.
    pub hops: u64,
    /// The longest poll of a task, in nanoseconds.
    pub longest_poll_ns: Nanos,
    /// Polls that used up their task's budget, so that Tokio made it yield.
    pub forced_yields: u64,
    /// What tasks waited for, the most frequent first; of Tokio's resources those
    /// that tell.
    pub waits: Vec<WaitSummary>,
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
    /// Its name, `null` where the user gave none.
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
    /// Polls of tasks on this worker.
    pub polls: u64,
    /// Time spent in polls, in nanoseconds, those of `block_on` included.
    pub busy_ns: Nanos,
    /// How often it parked.
    pub parks: u64,
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
/// to be recorded. `spawned` is the sum of the
/// four that follow it; closures on the blocking pool are counted apart, and
/// Tokio's own worker threads are neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskCounts {
    /// All tasks that the recording knows of.
    pub spawned: u64,
    /// Their future returned.
    pub returned: u64,
    /// Their future panicked.
    pub panicked: u64,
    /// Their future was dropped before it returned.
    pub cancelled: u64,
    /// Of those, the ones that somebody aborted.
    pub aborted: u64,
    /// Of those, the ones that their runtime dropped when it shut down. (The
    /// recording may tell neither.)
    pub dropped_at_shutdown: u64,
    /// They had not ended when the recording did, or how is not known.
    pub alive: u64,
    /// Of those, the ones that had ended. (Hooks alone don't tell how.)
    pub ended: u64,
    /// Closures that ran on the blocking pool.
    pub blocking: u64,
}

impl Trace {
    /// The trace in a few figures.
    pub fn summary(&self) -> Summary {
        let runtimes: Vec<RuntimeSummary> = self
            .runtimes()
            .iter()
            .map(|runtime| RuntimeSummary {
                id: runtime.id,
                name: runtime.name.as_deref().map(str::to_owned),
                flavor: flavor_name(runtime.flavor),
                workers: runtime.workers.iter().map(|&lane| self.worker_summary(lane)).collect(),
            })
            .collect();
        let task_polls = self.polls().iter().filter(|poll| self.task(poll.task).is_async());
        let longest_poll = task_polls.clone().map(|poll| poll.duration()).max();
        let report = self.report();
        Summary {
            format_version: self.info().format_version,
            program: self.info().get(meta::PROGRAM).map(str::to_owned),
            detail: self.info().get(meta::DETAIL).map(str::to_owned),
            dump: self.info().get(taskscope_format::meta::DUMP).map(str::to_owned),
            duration_ns: self.span().end - self.span().start,
            events: report.records,
            dropped_events: report.dropped,
            drops: self.drop_summaries(),
            truncated: !report.complete,
            damaged_parts: report.damages.len() as u64 + report.more_damage,
            polls: task_polls.count() as u64,
            runtimes,
            threads: self.thread_summaries(),
            tasks: self.task_counts(),
            wakes: self.wakes().len() as u64,
            hops: self.hops().len() as u64,
            longest_poll_ns: longest_poll.unwrap_or(0),
            forced_yields: self
                .polls()
                .iter()
                .filter(|poll| poll.how == PollEnd::BudgetSpent)
                .count() as u64,
            waits: self.wait_summaries(),
        }
    }

    fn wait_summaries(&self) -> Vec<WaitSummary> {
        // First by where the word is kept, which takes no time however long it is.
        let mut by_place: HashMap<_, (&str, u64)> = HashMap::new();
        for wait in &self.waits {
            let operation = self.resource(wait.resource).operation(&wait.operation);
            by_place.entry((operation.as_ptr(), operation.len())).or_insert((operation, 0)).1 += 1;
        }
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for (operation, count) in by_place.into_values() {
            *counts.entry(operation).or_default() += count;
        }
        let summary = |(operation, count): (&str, u64)| WaitSummary {
            operation: operation.to_owned(),
            count,
        };
        let mut waits: Vec<_> = counts.into_iter().map(summary).collect();
        waits.sort_by_key(|wait| std::cmp::Reverse(wait.count));
        waits
    }

    fn worker_summary(&self, lane: LaneIx) -> WorkerSummary {
        let index = match self.lane(lane).kind {
            LaneKind::Worker { index, .. } => index,
            LaneKind::Thread(id) => id.0,
        };
        WorkerSummary {
            index,
            polls: self.task_polls_on(lane),
            busy_ns: self.lane(lane).busy,
            parks: self.lane(lane).parks.len() as u64,
        }
    }

    fn thread_summaries(&self) -> Vec<ThreadSummary> {
        let names: BTreeMap<_, _> =
            self.threads().iter().map(|thread| (thread.id, &thread.name)).collect();
        let summary = |lane| {
            let LaneKind::Thread(id) = self.lane(lane).kind else { return None };
            let polls = self.task_polls_on(lane);
            (polls > 0).then(|| ThreadSummary {
                id: id.0,
                name: names.get(&id).and_then(|name| name.as_deref()).map(str::to_owned),
                polls,
                busy_ns: self.lane(lane).busy,
            })
        };
        (0..self.lanes().len()).map(|lane| LaneIx(lane as u16)).filter_map(summary).collect()
    }

    /// Polls of tasks on a lane; closures and the futures of `block_on` are none.
    fn task_polls_on(&self, lane: LaneIx) -> u64 {
        let polls = self.lane_polls(lane).iter();
        polls.filter(|poll| self.task(poll.task).is_async()).count() as u64
    }

    fn task_counts(&self) -> TaskCounts {
        let mut counts = TaskCounts::default();
        for task in self.tasks() {
            if task.kind == TaskKind::Blocking {
                counts.blocking += 1;
            }
            if !task.is_async() {
                continue;
            }
            counts.spawned += 1;
            match task.end.map(|end| end.kind) {
                Some(EndKind::Returned) => counts.returned += 1,
                Some(EndKind::Panicked) => counts.panicked += 1,
                Some(EndKind::Cancelled) => {
                    counts.cancelled += 1;
                    match task.end.map(|end| end.cancelled_by) {
                        Some(CancelledBy::Abort) => counts.aborted += 1,
                        Some(CancelledBy::Shutdown) => counts.dropped_at_shutdown += 1,
                        _ => {}
                    }
                }
                Some(EndKind::Unknown) => {
                    counts.alive += 1;
                    counts.ended += 1;
                }
                None => counts.alive += 1,
            }
        }
        counts
    }
}

/// The word for a scheduler, as Tokio's attribute macro spells it.
fn flavor_name(flavor: Flavor) -> &'static str {
    match flavor {
        Flavor::CurrentThread => "current_thread",
        Flavor::MultiThread => "multi_thread",
        Flavor::Unknown => "unknown",
    }
}
