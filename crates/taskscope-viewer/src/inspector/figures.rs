//! The selected task in figures.

use egui::{Grid, Ui};
use taskscope_model::{TaskIx, Trace, WakeEffect, Waker};

use super::figure;
use super::spans::OfTask;
use crate::context::Context;
use crate::{labels, task_polls, time};

/// What takes a look at each poll and wake of a task, worked out once for each
/// selection: a task can have millions.
#[derive(Debug)]
pub(crate) struct Counts {
    task: TaskIx,
    poll_ends: String,
    waits: String,
    wakers: String,
    idle_wakes: String,
    workers: String,
    spans: OfTask,
}

impl Counts {
    pub(super) fn spans(&self) -> &OfTask {
        &self.spans
    }

    fn new(trace: &Trace, task: TaskIx) -> Self {
        Self {
            task,
            poll_ends: poll_ends(trace, task),
            waits: waits(trace, task),
            wakers: wakers(trace, task),
            idle_wakes: idle_wakes(trace, task),
            workers: workers(trace, task),
            spans: OfTask::new(trace, task),
        }
    }
}

/// What was worked out for the task, or is now.
pub(super) fn counts<'a>(kept: &'a mut Option<Counts>, trace: &Trace, task: TaskIx) -> &'a Counts {
    if kept.as_ref().is_some_and(|counts| counts.task != task) {
        *kept = None;
    }
    kept.get_or_insert_with(|| Counts::new(trace, task))
}

pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, ix: TaskIx, counts: &Counts) {
    let trace = cx.trace();
    let task = trace.task(ix);
    let times = cx.prepared().times(ix);
    let ns = |ns: u64| time::duration(ns as f64);
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
        figure(ui, "polls", time::count(task.poll_count().into()), &counts.poll_ends);
        figure(ui, "busy", ns(times.running), format!("longest {}", ns(task.longest)));
        if times.deferred > 0 {
            figure(ui, "deferred", ns(times.deferred), "yielded, its waker not yet called");
        }
        figure(ui, "scheduled", ns(times.scheduled), "woken, not yet polled");
        figure(ui, "waiting", ns(times.waiting), &counts.waits);
        if times.idle > 0 {
            figure(ui, "not running", ns(times.idle), "wakes not recorded");
        }
        if times.unknown > 0 {
            figure(ui, "not recorded", ns(times.unknown), "events are missing");
        }
        if trace.records_wakes() {
            figure(ui, "woken", time::count(task.wake_count().into()), &counts.wakers);
        } else {
            figure(ui, "woken", "not recorded", "");
        }
        if !counts.idle_wakes.is_empty() {
            figure(ui, "", "", &counts.idle_wakes);
        }
        figure(ui, "hops", time::count(task.hops.into()), &counts.workers);
        if let Some(size) = task.size {
            let moved =
                task.original_size.map(|size| format!("boxed, {} bytes", time::count(size)));
            let size = format!("{} bytes", time::count(size));
            figure(ui, "future", size, moved.unwrap_or_default());
        }
    });
}

/// How a task's polls ended, counted: `2 yielded, 4 pending`.
fn poll_ends(trace: &Trace, ix: TaskIx) -> String {
    let ends = task_polls::all(trace, ix).map(|poll| labels::poll_end(trace.poll(poll).how));
    counted(ends.map(str::to_owned))
}

/// What a task waited for, counted: `3 sleep, 1 Mutex::lock`.
fn waits(trace: &Trace, ix: TaskIx) -> String {
    let waits = task_polls::all(trace, ix).filter_map(|poll| trace.waited_for(poll));
    let words = waits.flat_map(|waited| labels::operations(trace, waited));
    match counted(words) {
        none if none.is_empty() => "not woken".to_owned(),
        counted => counted,
    }
}

/// Wakes that did not schedule the task, counted.
fn idle_wakes(trace: &Trace, ix: TaskIx) -> String {
    let effects = trace.task_wakes(ix).iter().map(|&wake| trace.wake_effect(wake));
    let idle = effects.filter(|&effect| effect != WakeEffect::Scheduled);
    counted(idle.map(|effect| labels::effect(effect).to_owned()))
}

/// Who woke a task, counted.
fn wakers(trace: &Trace, ix: TaskIx) -> String {
    let words = trace.task_wakes(ix).iter().map(|&wake| match trace.wake(wake).by {
        Waker::Task(by) if by == ix => "itself",
        Waker::Task(_) => "by tasks",
        Waker::Driver(lane) if trace.records_parks(lane) => "timer or I/O",
        Waker::Driver(_) => "by workers",
        Waker::Deferred(_) => "yielded (inferred)",
        Waker::Thread(_) => "by threads",
    });
    counted(words.map(str::to_owned))
}

/// On how many workers a task ran, or threads if none of them was a worker.
fn workers(trace: &Trace, ix: TaskIx) -> String {
    let mut lanes: Vec<_> = task_polls::all(trace, ix).map(|poll| trace.poll(poll).lane).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let workers = lanes.iter().filter(|&&lane| trace.is_worker(lane)).count();
    match (workers, lanes.len()) {
        (0, 0) => String::new(),
        (0, threads) => format!("on {}", time::plural(threads as u64, "thread")),
        (workers, _) => format!("on {}", time::plural(workers as u64, "worker")),
    }
}

fn counted(words: impl Iterator<Item = String>) -> String {
    let mut counts: Vec<(String, u64)> = Vec::new();
    for word in words {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let parts = counts.iter().map(|(word, count)| format!("{} {word}", time::count(*count)));
    in_lines(parts)
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
