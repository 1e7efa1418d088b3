//! The figures of a [`Summary`].

use std::collections::BTreeMap;

use foldhash::HashMap;

use taskscope_format::{CancelledBy, EndKind, Flavor, Nanos, TaskKind, meta};

use super::latencies::Latencies;
use super::sums::Sums;
use super::{
    PollEnds, RuntimeSummary, ScheduleLatency, Summary, TaskCounts, ThreadSummary, WaitSummary,
    WorkerSummary,
};
use crate::parallel;
use crate::store::polls::{Chunk, Flags};
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, PollEnd, TaskIx};

impl Trace {
    /// The trace in a few figures.
    pub fn summary(&self) -> Summary {
        self.summary_with(Sums::default())
    }

    /// Likewise, with what was added up of polls that are in it no more.
    pub(crate) fn summary_with(&self, sums: Sums) -> Summary {
        let mut polls = PollFigures::new(self);
        polls.take_in(self, &sums);
        let mut runtimes: Vec<_> = self.runtimes().iter().collect();
        runtimes.sort_by_key(|runtime| runtime.id);
        let runtimes: Vec<RuntimeSummary> = runtimes
            .into_iter()
            .map(|runtime| RuntimeSummary {
                id: runtime.id,
                name: runtime.name.as_deref().map(str::to_owned),
                flavor: flavor_name(runtime.flavor),
                workers: runtime
                    .workers
                    .iter()
                    .map(|&lane| self.worker_summary(lane, &polls))
                    .collect(),
            })
            .collect();
        let poll_ends = self.poll_ends(&polls.ends);
        let task_wakes = self.tasks().filter(|task| task.is_async());
        let task_wakes: u64 = task_wakes.map(|task| u64::from(task.wake_count())).sum();
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
            polls: polls.by_lane.iter().sum(),
            poll_ends,
            runtimes,
            threads: self.thread_summaries(&polls),
            tasks: self.task_counts(),
            wakes: self.records_wakes().then_some(task_wakes),
            hops: self.hop_count(),
            longest_poll_ns: polls.longest,
            forced_yields: poll_ends.budget,
            waits: self.records_wakes().then(|| self.wait_summaries(&sums)),
            schedule_latency: self.schedule_latency(sums.latencies),
        }
    }

    /// Those of its polls are added to `latencies`.
    fn schedule_latency(&self, mut latencies: Latencies) -> Option<ScheduleLatency> {
        for chunk in self.polls.chunks() {
            for &(slot, since) in chunk.all_scheduled() {
                let slot = usize::from(slot);
                let row = &chunk.rows[slot];
                if !row.flags.has(Flags::GONE) && self.task(TaskIx(row.task)).is_async() {
                    latencies.add(chunk.start(slot).saturating_sub(since));
                }
            }
        }
        latencies.summary()
    }

    fn wait_summaries(&self, sums: &Sums) -> Vec<WaitSummary> {
        let rows = self.polls.chunks().iter().flat_map(|chunk| {
            let of_tasks = chunk.waits.iter().filter(|wait| {
                let row = &chunk.rows[usize::from(wait.slot)];
                !row.flags.has(Flags::GONE) && self.task(TaskIx(row.task)).is_async()
            });
            of_tasks.map(|wait| (wait.kind, 1))
        });
        // First by where the word is kept, which takes no time however long it is.
        let mut by_place: HashMap<_, (&str, u64)> = HashMap::default();
        for (kind, count) in rows.chain(sums.waits()) {
            let (resource, operation) = self.wait_kind(kind);
            let operation = operation.map_or("", |operation| self.text(operation));
            let operation = self.resource(resource).operation(operation);
            let place = (operation.as_ptr(), operation.len());
            by_place.entry(place).or_insert((operation, 0)).1 += count;
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

    fn worker_summary(&self, lane: LaneIx, polls: &PollFigures) -> WorkerSummary {
        let index = match self.lane(lane).kind {
            LaneKind::Worker { index, .. } => index,
            LaneKind::Thread(id) => id.0,
        };
        WorkerSummary {
            index,
            polls: polls.by_lane[lane.get()],
            busy_ns: polls.busy[lane.get()],
            name: self.first_thread(lane).and_then(|t| t.name.as_deref()).map(str::to_owned),
            parks: self.records_parks(lane).then(|| self.lane(lane).park_count()),
        }
    }

    fn thread_summaries(&self, polls: &PollFigures) -> Vec<ThreadSummary> {
        let names: BTreeMap<_, _> =
            self.threads().iter().map(|thread| (thread.id, &thread.name)).collect();
        let summary = |lane| {
            let LaneKind::Thread(id) = self.lane(lane).kind else { return None };
            let (polls, busy_ns) = (polls.by_lane[lane.get()], polls.busy[lane.get()]);
            (polls > 0).then(|| ThreadSummary {
                id: id.0,
                name: names.get(&id).and_then(|name| name.as_deref()).map(str::to_owned),
                polls,
                busy_ns,
            })
        };
        self.lane_order().iter().copied().filter_map(summary).collect()
    }

    fn poll_ends(&self, counted: &[(PollEnd, u64)]) -> PollEnds {
        let [mut ready, mut pending, mut yielded, mut inferred, mut panicked, mut cancelled] =
            [0_u64; 6];
        let mut ends = PollEnds::default();
        for &(how, count) in counted {
            *match how {
                PollEnd::Ready => &mut ready,
                PollEnd::Pending => &mut pending,
                PollEnd::Yielded { inferred: false } => &mut yielded,
                PollEnd::Yielded { inferred: true } => &mut inferred,
                PollEnd::BudgetSpent => &mut ends.budget,
                PollEnd::Panicked => &mut panicked,
                PollEnd::Cancelled => &mut cancelled,
                PollEnd::Open => &mut ends.open,
            } += count;
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

/// What is counted over all polls of tasks. Closures and the futures of `block_on` are none.
#[derive(Clone, Debug)]
struct PollFigures {
    by_lane: Vec<u64>,
    /// Time for which any polls occupied each lane.
    busy: Vec<Nanos>,
    ends: [(PollEnd, u64); PollEnd::ALL.len()],
    longest: Nanos,
}

impl PollFigures {
    fn new(trace: &Trace) -> Self {
        // One bit a task is asked for each poll: side by side, these stay in the cache.
        let is_async: Vec<bool> = trace.tasks().map(|task| task.is_async()).collect();
        let none = || Self {
            by_lane: vec![0; trace.lanes().len()],
            busy: Vec::new(),
            ends: PollEnd::ALL.map(|how| (how, 0)),
            longest: 0,
        };
        let chunks = trace.polls.chunks();
        let add = |mut figures: Self, number: usize| {
            figures.add(trace, &chunks[number], &is_async);
            figures
        };
        let busy = trace.lanes().iter().map(|lane| lane.busy).collect();
        Self { busy, ..parallel::fold(0..chunks.len(), none, add, Self::join) }
    }

    /// Takes in what was added up.
    fn take_in(&mut self, trace: &Trace, sums: &Sums) {
        self.longest = self.longest.max(sums.longest);
        for (lane, (polls, busy)) in (0..).zip(self.by_lane.iter_mut().zip(&mut self.busy)) {
            let sum = sums.lane(LaneIx(lane));
            *polls += sum.polls;
            *busy = busy.saturating_add(sum.busy);
        }
        for ((_, count), added) in self.ends.iter_mut().zip(sums.ends) {
            *count += added;
        }
        for (how, count) in sums.ends_by_habit(trace) {
            self.ends[how.position()].1 += count;
        }
    }

    fn add(&mut self, trace: &Trace, chunk: &Chunk, is_async: &[bool]) {
        let mut count = 0;
        for (slot, row) in chunk.rows.iter().enumerate() {
            if row.flags.has(Flags::GONE) || !is_async[row.task as usize] {
                continue;
            }
            count += 1;
            self.longest = chunk.duration(slot).max(self.longest);
            self.ends[trace.poll_end(row.task, row.flags).position()].1 += 1;
        }
        // What has no polls may have no lane.
        if count > 0 {
            self.by_lane[chunk.lane.get()] += count;
        }
    }

    fn join(mut self, other: Self) -> Self {
        self.longest = self.longest.max(other.longest);
        for (sum, count) in self.by_lane.iter_mut().zip(other.by_lane) {
            *sum += count;
        }
        for (sum, (_, count)) in self.ends.iter_mut().zip(other.ends) {
            sum.1 += count;
        }
        self
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
