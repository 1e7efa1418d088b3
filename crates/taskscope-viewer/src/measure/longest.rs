//! The longest polls, delays and waits, the tasks that hopped most and those with the largest futures: lists whose rows lead to
//! the place.

use std::ops::Range;

use egui::{Role, ScrollArea, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use taskscope_model::questions::{MOST_LISTED, TaskSum, longest_waits, range};
use taskscope_model::{Nanos, PollIx, TaskIx, Trace};

use super::{Sums, go_to, stretch, title};
use crate::command::TraceCommand;
use crate::context::Context;
use crate::jobs::Question;
use crate::{labels, menus, task_polls, time};

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    /// Polls by how long they took.
    #[default]
    Polls,
    /// Polls by how long their task had been ready.
    Delays,
    /// Polls by how long their task had waited before.
    Waits,
    /// Tasks by how often they hopped.
    Hops,
    /// Tasks by how large their futures are.
    Futures,
}

impl What {
    const ALL: [Self; 5] = [Self::Polls, Self::Delays, Self::Waits, Self::Hops, Self::Futures];

    fn title(self) -> &'static str {
        match self {
            Self::Polls => "Longest polls",
            Self::Delays => "Longest delays",
            Self::Waits => "Longest waits",
            Self::Hops => "Most hops",
            Self::Futures => "Largest futures",
        }
    }

    fn heads(self) -> [&'static str; 6] {
        match self {
            Self::Polls => ["Took", "Task", "On", "At", "Spawned at", "Ended"],
            Self::Delays => {
                ["Ready for", "Task", "On", "At", "Scheduled because", "Meanwhile that worker ran"]
            }
            Self::Waits => ["Waited", "Task", "Then on", "Until", "For", "Ended because"],
            Self::Hops => ["Hops", "Task", "Of its polls", "Polls", "Spawned at", "Ended"],
            Self::Futures => ["Bytes", "Task", "On the heap", "Polls", "Spawned at", "Ended"],
        }
    }
}

/// What a row leads to, and what it is listed by.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Poll(PollIx, Nanos),
    /// A task, with its hops and polls in the range, or its bytes.
    Task(TaskIx, u64, u64),
}

/// The panel with what took longest in what is marked, or in view.
#[derive(Debug, Default)]
pub(crate) struct LongestPanel {
    what: What,
    sums: Sums,
    waits: Question<Range<Nanos>, Vec<(PollIx, Nanos)>>,
    hops: Question<Range<Nanos>, Vec<TaskSum>>,
    futures: Question<(), Vec<(TaskIx, u64)>>,
}

impl LongestPanel {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let times = stretch(cx);
        title(ui, cx, "Longest", &times);
        ui.horizontal_wrapped(|ui| {
            let needs_wakes = |what| matches!(what, What::Delays | What::Waits);
            for what in What::ALL {
                if cx.trace().records_wakes() || !needs_wakes(what) {
                    ui.selectable_value(&mut self.what, what, what.title());
                }
            }
        });
        ui.add_space(4.0);
        let Some(rows) = self.rows(cx, times) else {
            ui.weak("Looking at each poll…");
            return;
        };
        if rows.is_empty() {
            ui.weak(match self.what {
                What::Futures => "The sizes of futures were not recorded.",
                What::Hops => "No task hops here.",
                What::Waits => "No wait ends here.",
                What::Polls | What::Delays => "No poll begins here.",
            });
            return;
        }
        let what = self.what;
        ScrollArea::horizontal()
            .id_salt("longest")
            .auto_shrink(false)
            .show(ui, |ui| table(ui, cx, what, &rows));
    }

    fn rows(&mut self, cx: &Context<'_>, times: Range<Nanos>) -> Option<Vec<Entry>> {
        let of_polls = |list: &[(PollIx, Nanos)]| {
            list.iter().map(|&(poll, time)| Entry::Poll(poll, time)).collect()
        };
        match self.what {
            What::Polls => Some(of_polls(&self.sums.get(cx, times)?.1.longest)),
            What::Delays => Some(of_polls(&self.sums.get(cx, times)?.1.latest)),
            What::Waits => {
                let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
                let asked = times.clone();
                let work =
                    || async move { longest_waits(&trace, activity.as_deref(), asked).await };
                let answer = self.waits.ask(cx.jobs, cx.open.snapshot(), &times, work)?;
                Some(of_polls(&answer.value))
            }
            What::Hops => {
                let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
                let asked = times.clone();
                let work = || async move {
                    most_hops(range(&trace, activity.as_deref(), asked, true).await.tasks)
                };
                let answer = self.hops.ask(cx.jobs, cx.open.snapshot(), &times, work)?;
                let entry = |of: &TaskSum| Entry::Task(of.task, of.hops.into(), of.polls.into());
                Some(answer.value.iter().map(entry).collect())
            }
            What::Futures => {
                let trace = cx.open.trace_for_jobs();
                let work = || async move { largest(&trace) };
                let answer = self.futures.ask(cx.jobs, cx.open.snapshot(), &(), work)?;
                Some(answer.value.iter().map(|&(task, size)| Entry::Task(task, size, 0)).collect())
            }
        }
    }
}

/// Those that hopped most, first.
fn most_hops(mut tasks: Vec<TaskSum>) -> Vec<TaskSum> {
    tasks.retain(|of| of.hops > 0);
    tasks.sort_by_key(|of| (std::cmp::Reverse(of.hops), of.task));
    tasks.truncate(MOST_LISTED);
    tasks
}

/// The tasks with the largest futures, the largest first.
fn largest(trace: &Trace) -> Vec<(TaskIx, u64)> {
    let sizes = (0..).map(TaskIx).zip(trace.tasks());
    let sizes = sizes.filter_map(|(ix, task)| Some((ix, task.original_size.or(task.size)?)));
    let mut sizes: Vec<(TaskIx, u64)> = sizes.collect();
    sizes.sort_by_key(|&(task, size)| (std::cmp::Reverse(size), task));
    sizes.truncate(MOST_LISTED);
    sizes
}

fn table(ui: &mut Ui, cx: &Context<'_>, what: What, rows: &[Entry]) {
    let trace = cx.trace();
    let builder = TableBuilder::new(ui)
        .sense(Sense::click())
        .striped(false)
        .column(Column::exact(84.0))
        .column(Column::exact(130.0))
        .column(Column::exact(90.0))
        .column(Column::exact(110.0))
        .column(Column::exact(220.0))
        .column(Column::remainder().at_least(220.0));
    let table = builder.header(22.0, |mut row| {
        for head in what.heads() {
            row.col(|ui| {
                ui.weak(head);
            });
        }
    });
    table.body(|body| {
        body.rows(22.0, rows.len(), |mut row| {
            let (number, entry) = (row.index() + 1, rows[row.index()]);
            let task = match entry {
                Entry::Poll(ix, _) => trace.poll(ix).task,
                Entry::Task(task, ..) => task,
            };
            row.set_selected(cx.open.selected == Some(task));
            for text in cells(trace, what, entry) {
                row.col(|ui| {
                    ui.add(egui::Label::new(text).truncate().selectable(false));
                });
            }
            let response = row.response();
            let name = trace.task_name(task);
            response.widget_info(|| {
                WidgetInfo::labeled(Role::Row, true, format!("Longest {number}: {name}"))
            });
            menus::of_task(&response, cx, task);
            if response.clicked() {
                if cx.measured.is_none() {
                    // The list stays what it is while one goes through it.
                    let times = stretch(cx);
                    cx.send(TraceCommand::Measure(Some((times.start as f64, times.end as f64))));
                }
                match entry {
                    Entry::Poll(ix, _) => go_to(cx, ix, since(trace, what, entry)),
                    Entry::Task(task, ..) => {
                        cx.select(Some(task));
                        cx.send(TraceCommand::Choose(task));
                    }
                }
            }
        });
    });
}

/// When what is listed began.
fn since(trace: &Trace, what: What, entry: Entry) -> Nanos {
    let Entry::Poll(ix, took) = entry else { return 0 };
    let start = trace.poll(ix).start;
    match what {
        What::Delays => start.saturating_sub(took),
        What::Waits => trace.poll_before(ix).map_or(start, |before| trace.poll(before).end),
        _ => start,
    }
}

fn cells(trace: &Trace, what: What, entry: Entry) -> [String; 6] {
    match entry {
        Entry::Poll(ix, took) => {
            let poll = trace.poll(ix);
            let (fifth, sixth) = match what {
                What::Delays => (
                    labels::cause(trace, trace.cause(ix)),
                    meanwhile(trace, ix, since(trace, what, entry)),
                ),
                What::Waits => {
                    let before = trace.poll_before(ix);
                    let waited = before.and_then(|before| labels::waited_for(trace, before));
                    (waited.unwrap_or_default(), labels::cause(trace, trace.cause(ix)))
                }
                _ => (place(trace, poll.task), labels::poll_end(poll.how).to_owned()),
            };
            [
                time::duration(took as f64),
                trace.task_name(poll.task),
                trace.lane_name(poll.lane),
                time::exact(poll.start.saturating_sub(trace.span().start)),
                fifth,
                sixth,
            ]
        }
        Entry::Task(task, amount, polls) => {
            let of = trace.task(task);
            let (third, polls) = match what {
                What::Hops => (time::share(amount, polls), polls),
                _ => {
                    let boxed = of.original_size.is_some_and(|size| Some(size) != of.size);
                    let text = if boxed { "boxed by Tokio" } else { "" };
                    (text.to_owned(), task_polls::count(trace, task) as u64)
                }
            };
            [
                time::count(amount),
                trace.task_name(task),
                third,
                time::count(polls),
                place(trace, task),
                labels::task_end(of.end),
            ]
        }
    }
}

fn place(trace: &Trace, task: TaskIx) -> String {
    let place = trace.task(task).place;
    place.map(|place| trace.place(place).short()).unwrap_or_default()
}

/// What a worker ran while the task of a poll was ready: the task that took most of it, and how many others.
pub(crate) fn meanwhile(trace: &Trace, ix: PollIx, since: Nanos) -> String {
    /// Finer than a fiftieth of the time nothing is told apart.
    const PARTS: u64 = 50;
    let poll = trace.poll(ix);
    let step = ((poll.start - since) / PARTS).max(1);
    let mut tasks: Vec<(Nanos, TaskIx)> = Vec::new();
    let mut others = 0;
    for span in trace.lod_spans(poll.lane, since..poll.start, step) {
        let time = span.end.min(poll.start).saturating_sub(span.start.max(since));
        if span.count > 1 {
            others += span.count;
            continue;
        }
        match tasks.iter_mut().find(|(_, task)| *task == span.task) {
            Some((sum, _)) => *sum += time,
            None => tasks.push((time, span.task)),
        }
    }
    tasks.sort_unstable_by_key(|&(time, task)| (std::cmp::Reverse(time), task));
    let Some(&(time, task)) = tasks.first() else {
        return match trace.is_parked(poll.lane, since + (poll.start - since) / 2) {
            true => "nothing: it was parked".to_owned(),
            false => time::plural(others.into(), "short poll"),
        };
    };
    let most = format!("{} for {}", trace.task_name(task), time::duration(time as f64));
    match tasks.len() as u64 - 1 + u64::from(others) {
        0 => most,
        more => format!("{most}, and {} more", time::count(more)),
    }
}
