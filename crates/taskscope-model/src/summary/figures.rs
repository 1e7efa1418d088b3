//! The figures of a [`Summary`].

use std::collections::BTreeMap;

use foldhash::HashMap;

use taskscope_format::{CancelledBy, EndKind, Flavor, TaskKind, meta};

use super::{
    PollEnds, RuntimeSummary, ScheduleLatency, Summary, TaskCounts, ThreadSummary, WaitSummary,
    WorkerSummary,
};
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, Poll, PollEnd};

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
        let task_polls = || self.polls().iter().filter(|poll| self.task(poll.task).is_async());
        let longest_poll = task_polls().map(|poll| poll.duration()).max();
        let poll_ends = self.poll_ends(task_polls());
        let task_wakes = self.wakes().iter().filter(|wake| self.task(wake.task).is_async());
        let report = self.report();
        Summary {
            format_version: self.info().format_version,
            program: self.info().get(meta::PROGRAM).map(str::to_owned),
            detail: self.info().get(meta::DETAIL).map(str::to_owned),
            dump: self.info().get(meta::DUMP).map(str::to_owned),
            duration_ns: self.span().end - self.span().start,
            events: report.records,
            dropped_events: report.dropped,
            drops: self.drop_summaries(),
            gaps: self.gap_summaries(),
            truncated: !report.complete,
            damaged_parts: report.damages.len() as u64 + report.more_damage,
            polls: task_polls().count() as u64,
            poll_ends,
            runtimes,
            threads: self.thread_summaries(),
            tasks: self.task_counts(),
            wakes: self.records_wakes().then(|| task_wakes.count() as u64),
            hops: self.hops().len() as u64,
            longest_poll_ns: longest_poll.unwrap_or(0),
            schedule_latency: self.schedule_latency(),
            forced_yields: poll_ends.budget,
            waits: self.records_wakes().then(|| self.wait_summaries()),
        }
    }

    fn schedule_latency(&self) -> Option<ScheduleLatency> {
        let of_tasks = self.scheduled.iter().filter(|(task, ..)| self.task(*task).is_async());
        let mut all: Vec<_> =
            of_tasks.map(|(_, start, since)| start.saturating_sub(*since)).collect();
        all.sort_unstable();
        let at = |share: usize| all.get((all.len() - 1) * share / 100).copied();
        Some(ScheduleLatency {
            polls: all.len() as u64,
            longest_ns: *all.last()?,
            total_ns: all.iter().fold(0, |sum: u64, one| sum.saturating_add(*one)),
            p50_ns: at(50)?,
            p99_ns: at(99)?,
        })
    }

    fn wait_summaries(&self) -> Vec<WaitSummary> {
        // First by where the word is kept, which takes no time however long it is.
        let mut by_place: HashMap<_, (&str, u64)> = HashMap::default();
        for wait in self.waits.iter().filter(|wait| self.task(wait.task).is_async()) {
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
            name: self.first_thread(lane).and_then(|t| t.name.as_deref()).map(str::to_owned),
            parks: self.records_parks(lane).then(|| self.lane(lane).parks.len() as u64),
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

    fn poll_ends<'a>(&self, polls: impl Iterator<Item = &'a Poll>) -> PollEnds {
        let [mut ready, mut pending, mut yielded, mut inferred, mut panicked, mut cancelled] =
            [0_u64; 6];
        let mut ends = PollEnds::default();
        for poll in polls {
            *match poll.how {
                PollEnd::Ready => &mut ready,
                PollEnd::Pending => &mut pending,
                PollEnd::Yielded { inferred: false } => &mut yielded,
                PollEnd::Yielded { inferred: true } => &mut inferred,
                PollEnd::BudgetSpent => &mut ends.budget,
                PollEnd::Panicked => &mut panicked,
                PollEnd::Cancelled => &mut cancelled,
                PollEnd::Open => &mut ends.open,
            } += 1;
        }
        if self.records_wakes() && self.records_outcomes() {
            ends.pending = Some(pending);
            ends.yielded = Some(yielded);
            ends.yielded_inferred = Some(inferred);
        }
        if self.records_outcomes() {
            ends.ready = Some(ready);
            ends.panicked = Some(panicked);
            ends.cancelled = Some(cancelled);
        }
        ends
    }

    fn task_counts(&self) -> TaskCounts {
        let mut counts = TaskCounts::default();
        let [mut returned, mut panicked, mut cancelled, mut aborted, mut at_shutdown] = [0_u64; 5];
        for task in self.tasks() {
            counts.parts += u64::from(task.is_part);
            if task.kind == TaskKind::Blocking {
                counts.blocking += 1;
            }
            if !task.is_async() {
                continue;
            }
            counts.spawned += 1;
            counts.inferred += u64::from(task.end.is_some_and(|end| end.inferred));
            match task.end.map(|end| end.kind) {
                Some(EndKind::Returned) => returned += 1,
                Some(EndKind::Panicked) => panicked += 1,
                Some(EndKind::Cancelled) => {
                    cancelled += 1;
                    match task.end.map(|end| end.cancelled_by) {
                        Some(CancelledBy::Abort) => aborted += 1,
                        Some(CancelledBy::Shutdown) => at_shutdown += 1,
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
        if self.records_outcomes() {
            counts.returned = Some(returned);
            counts.panicked = Some(panicked);
            counts.cancelled = Some(cancelled);
            counts.aborted = Some(aborted);
            counts.dropped_at_shutdown = Some(at_shutdown);
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
