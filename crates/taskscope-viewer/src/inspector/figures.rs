//! The selected task in figures.

use std::sync::Arc;

use egui::{Grid, Ui};
use taskscope_model::{LaneIx, Nanos, StateTimes, TaskIx, Trace, WakeEffect, Waker};

use super::figure;
use super::spans::OfTask;
use crate::context::Context;
use crate::jobs::{is_time_to_pause, pause};
use crate::{labels, task_polls, time};

/// What takes a look at each poll and wake of a task, worked out once for each
/// selection: a task can have millions. Until then all of it is empty.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    poll_ends: String,
    waits: String,
    wakers: String,
    idle_wakes: String,
    workers: String,
    spans: OfTask,
    numbers: Option<Numbers>,
    times: Option<StateTimes>,
}

/// What is counted of a task, all in one snapshot of a trace that may grow.
#[derive(Clone, Copy, Debug)]
struct Numbers {
    polls: u32,
    busy: Nanos,
    longest: Nanos,
    wakes: u32,
    hops: u32,
}

impl Numbers {
    fn new(trace: &Trace, ix: TaskIx) -> Self {
        let task = trace.task(ix);
        Self {
            polls: task.poll_count(),
            busy: task.busy(),
            longest: task.longest(),
            wakes: task.wake_count(),
            hops: task.hop_count(),
        }
    }
}

impl Counts {
    /// How long the task was in each state, by the same snapshot as its other figures.
    pub(super) fn times(&self, cx: &Context<'_>, ix: TaskIx) -> Option<StateTimes> {
        self.times.or_else(|| cx.open.times(ix))
    }

    pub(super) fn spans(&self) -> &OfTask {
        &self.spans
    }

    pub(super) async fn new(trace: Arc<Trace>, task: TaskIx) -> Self {
        let trace = &*trace;
        let (mut ends, mut waits) = (Counter::default(), Counter::default());
        let mut lanes = Vec::new();
        for (turn, poll) in task_polls::all(trace, task).enumerate() {
            let (how, lane) = {
                let poll = trace.poll(poll);
                (poll.how, poll.lane)
            };
            ends.add(labels::poll_end(how));
            if let Some(waited) = trace.waited_for(poll) {
                labels::operations(trace, waited).iter().for_each(|word| waits.add(word));
            }
            // A task stays for a while where it is.
            if lanes.last() != Some(&lane) {
                lanes.push(lane);
            }
            if is_time_to_pause(turn) {
                lanes.sort_unstable();
                lanes.dedup();
                pause().await;
            }
        }
        let (mut wakers, mut idle_wakes) = (Counter::default(), Counter::default());
        for (turn, wake) in trace.task_wakes(task).enumerate() {
            wakers.add(waker(trace, task, trace.wake(wake).by));
            let effect = trace.wake_effect(wake);
            if effect != WakeEffect::Scheduled {
                idle_wakes.add(labels::effect(effect));
            }
            if is_time_to_pause(turn) {
                pause().await;
            }
        }
        let mut waits = waits.text();
        if waits.is_empty() {
            waits.push_str("not woken");
        }
        Self {
            poll_ends: ends.text(),
            waits,
            wakers: wakers.text(),
            idle_wakes: idle_wakes.text(),
            workers: workers(trace, lanes),
            spans: OfTask::new(trace, task).await,
            numbers: Some(Numbers::new(trace, task)),
            times: Some(trace.state_times(task)),
        }
    }
}

pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, ix: TaskIx, counts: &Counts) {
    let trace = cx.trace();
    let task = trace.task(ix);
    let times = counts.times(cx, ix);
    let numbers = counts.numbers.unwrap_or_else(|| Numbers::new(trace, ix));
    let ns = |ns: u64| time::duration(ns as f64);
    let in_state = |time: fn(&StateTimes) -> u64| {
        times.as_ref().map_or_else(|| "…".to_owned(), |times| ns(time(times)))
    };
    Grid::new("figures").num_columns(3).spacing([16.0, 4.0]).show(ui, |ui| {
        let now = match trace.state_at(ix, cx.replay.moment()) {
            Some(span) => span.state.name(),
            None if cx.replay.moment() < trace.first_seen(ix) => "not spawned yet",
            None => "ended",
        };
        figure(ui, "now", now, "");
        let end = labels::task_end(task.end);
        match end.strip_suffix(" (inferred)") {
            Some(end) => figure(ui, "end", end, "(inferred)"),
            None => figure(ui, "end", end, ""),
        }
        figure(ui, "polls", time::count(numbers.polls.into()), &counts.poll_ends);
        let longest = format!("longest {}", ns(numbers.longest));
        figure(ui, "busy", ns(numbers.busy), longest);
        let known = times.unwrap_or_default();
        if known.deferred > 0 {
            figure(ui, "deferred", ns(known.deferred), "yielded, its waker not yet called");
        }
        figure(ui, "scheduled", in_state(|times| times.scheduled), "woken, not yet polled");
        figure(ui, "waiting", in_state(|times| times.waiting), &counts.waits);
        if known.idle > 0 {
            figure(ui, "not running", ns(known.idle), "wakes not recorded");
        }
        if known.unknown > 0 {
            figure(ui, "not recorded", ns(known.unknown), "events are missing");
        }
        if trace.records_wakes() {
            figure(ui, "woken", time::count(numbers.wakes.into()), &counts.wakers);
        } else {
            figure(ui, "woken", "not recorded", "");
        }
        if !counts.idle_wakes.is_empty() {
            figure(ui, "", "", &counts.idle_wakes);
        }
        figure(ui, "hops", time::count(numbers.hops.into()), &counts.workers);
        if let Some(size) = task.size {
            let moved =
                task.original_size.map(|size| format!("boxed, {} bytes", time::count(size)));
            let size = format!("{} bytes", time::count(size));
            figure(ui, "future", size, moved.unwrap_or_default());
        }
    });
}

/// Who called a waker of a task.
fn waker(trace: &Trace, ix: TaskIx, by: Waker) -> &'static str {
    match by {
        Waker::Task(by) if by == ix => "itself",
        Waker::Task(_) => "by tasks",
        Waker::Driver(lane) if trace.records_parks(lane) => "timer or I/O",
        Waker::Driver(_) => "by workers",
        Waker::Deferred(_) => "yielded (inferred)",
        Waker::Thread(_) => "by threads",
    }
}

/// On how many workers a task ran, or threads if none of them was a worker.
fn workers(trace: &Trace, mut lanes: Vec<LaneIx>) -> String {
    lanes.sort_unstable();
    lanes.dedup();
    let workers = lanes.iter().filter(|&&lane| trace.is_worker(lane)).count();
    match (workers, lanes.len()) {
        (0, 0) => String::new(),
        (0, threads) => format!("on {}", time::plural(threads as u64, "thread")),
        (workers, _) => format!("on {}", time::plural(workers as u64, "worker")),
    }
}

/// Counts words, as in `3 sleep, 1 Mutex::lock`.
#[derive(Default)]
struct Counter(Vec<(String, u64)>);

impl Counter {
    fn add(&mut self, word: &str) {
        match self.0.iter_mut().find(|(known, _)| known == word) {
            Some((_, count)) => *count += 1,
            None => self.0.push((word.to_owned(), 1)),
        }
    }

    /// The words with their numbers, the most frequent first.
    fn text(mut self) -> String {
        self.0.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
        in_lines(self.0.iter().map(|(word, count)| format!("{} {word}", time::count(*count))))
    }
}

/// Parts with commas between them, in lines that the panel has room for.
fn in_lines(parts: impl Iterator<Item = String>) -> String {
    const LONGEST: usize = 26;
    let (mut text, mut line) = (String::new(), 0);
    for part in parts {
        let length = part.chars().count();
        if line > 0 {
            let fits = line + 2 + length <= LONGEST;
            text.push_str(if fits { ", " } else { ",\n" });
            line = if fits { line + 2 } else { 0 };
        }
        text.push_str(&part);
        line += length;
    }
    text
}
