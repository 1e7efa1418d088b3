//! The panel beside the timeline: the selected task, or the whole recording
//! while none is selected.

use egui::{Align, Grid, Layout, Rect, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use taskscope_model::{Cause, LaneKind, PollEnd, PollIx, State, TaskIx, Waker};

use crate::document::Document;
use crate::theme::Palette;
use crate::{time, words};

/// The list of polls is at least this high; in a low window one scrolls to it.
const POLLS_HEIGHT: f32 = 150.0;

pub(crate) fn show(ui: &mut Ui, doc: &mut Document) {
    let bottom = ui.available_rect_before_wrap().bottom();
    match doc.selected {
        Some(task) => {
            ScrollArea::vertical()
                .id_salt("task")
                .auto_shrink(false)
                .show(ui, |ui| selected(ui, doc, task, bottom));
        }
        None => {
            ScrollArea::vertical()
                .id_salt("whole")
                .auto_shrink(false)
                .show(ui, |ui| whole(ui, doc));
        }
    }
}

/// A row of the grid of figures: what, and how much.
fn figure(ui: &mut Ui, name: &str, value: impl Into<String>, more: impl Into<String>) {
    ui.weak(name);
    ui.label(value.into());
    ui.weak(more.into());
    ui.end_row();
}

fn whole(ui: &mut Ui, doc: &Document) {
    let trace = doc.trace();
    let summary = &doc.prepared.summary;
    ui.add_space(6.0);
    ui.heading("The recording");
    ui.add_space(4.0);
    Grid::new("whole").num_columns(3).spacing([16.0, 5.0]).show(ui, |ui| {
        let ms = |ns: u64| time::duration(ns as f64);
        if let Some(program) = &summary.program {
            figure(ui, "program", program.clone(), "");
        }
        figure(ui, "lasted", ms(summary.duration_ns), "");
        let tasks = &summary.tasks;
        let ends = [
            (tasks.returned, "returned"),
            (tasks.panicked, "panicked"),
            (tasks.cancelled, "cancelled"),
            (tasks.alive, "alive"),
        ];
        let ends: Vec<String> = ends
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", time::count(*number)))
            .collect();
        figure(ui, "tasks", time::count(tasks.spawned), ends.join(", "));
        if tasks.blocking > 0 {
            figure(ui, "blocking tasks", time::count(tasks.blocking), "");
        }
        let longest = format!("longest {}", ms(summary.longest_poll_ns));
        figure(ui, "polls", time::count(summary.polls), longest);
        figure(ui, "wakes", time::count(summary.wakes), "");
        figure(ui, "hops", time::count(summary.hops), "polls on another worker");
    });
    ui.add_space(12.0);
    for (runtime, of) in summary.runtimes.iter().zip(trace.runtimes()) {
        let name = of.name.as_deref().map_or_else(|| of.id.to_string(), str::to_owned);
        ui.label(RichText::new(format!("Runtime {name}")).size(15.0));
        ui.separator();
        Grid::new(("workers", runtime.id)).num_columns(4).spacing([16.0, 5.0]).show(ui, |ui| {
            ui.weak("");
            for title in ["polls", "busy", "parks"] {
                ui.label(RichText::new(format!("{title:>9}")).monospace().weak());
            }
            ui.end_row();
            for worker in &runtime.workers {
                ui.label(format!("worker {}", worker.index));
                right(ui, time::count(worker.polls));
                right(ui, time::duration(worker.busy_ns as f64));
                right(ui, time::count(worker.parks));
                ui.end_row();
            }
        });
        ui.add_space(12.0);
    }
    ui.separator();
    ui.weak("Click a poll or a row of the table to follow its task.");
    ui.weak("Press Space to play, ? for all keys.");
}

/// A figure in a column: digits stand below digits.
fn right(ui: &mut Ui, text: String) {
    ui.monospace(format!("{text:>9}"));
}

fn selected(ui: &mut Ui, doc: &mut Document, ix: TaskIx, bottom: f32) {
    ui.add_space(6.0);
    heading(ui, doc, ix);
    ui.add_space(6.0);
    state_bar(ui, doc, ix);
    ui.add_space(8.0);
    figures(ui, doc, ix);
    ui.add_space(10.0);
    why(ui, doc);
    ui.add_space(10.0);
    polls(ui, doc, ix, bottom);
}

fn heading(ui: &mut Ui, doc: &mut Document, ix: TaskIx) {
    let trace = doc.trace();
    let task = trace.task(ix);
    ui.horizontal(|ui| {
        ui.heading(trace.task_name(ix));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Without a name, the heading says it all.
            if task.name.is_some() || !task.is_async() {
                ui.weak(format!("{} {}", words::kind(task.kind), task.id));
            }
        });
    });
    let place = task.place.map(|place| trace.place(place));
    let parent = task.parent.map(|parent| (parent, trace.task_name(parent)));
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        match place {
            Some(place) => {
                ui.label(format!("spawned at {}", place.short()))
                    .on_hover_text(format!("{}:{}:{}", place.file, place.line, place.column));
            }
            None => {
                ui.weak("spawn place not recorded");
            }
        }
        if let Some((parent, name)) = parent {
            ui.label("by");
            if ui.link(name).on_hover_text("Select the task that spawned it").clicked() {
                clicked = Some(parent);
            }
        }
    });
    if clicked.is_some() {
        doc.select(clicked);
    }
}

/// How the task's life divides among its states.
fn state_bar(ui: &mut Ui, doc: &Document, ix: TaskIx) {
    let palette = Palette::get(ui);
    let times = doc.prepared.times[ix.get()];
    let total = times.total().max(1) as f32;
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 16.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "Time in each state"));
    let mut left = rect.left();
    for state in State::ALL {
        let width = rect.width() * times.get(state) as f32 / total;
        let part = Rect::from_min_size(egui::pos2(left, rect.top()), vec2(width, rect.height()));
        ui.painter().rect_filled(part, 0.0, palette.state(state));
        left += width;
    }
    ui.horizontal_wrapped(|ui| {
        for state in State::ALL.into_iter().filter(|&state| times.get(state) > 0) {
            let (dot, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
            ui.painter().rect_filled(dot, 2.0, palette.state(state));
            let share = 100.0 * times.get(state) as f32 / total;
            ui.label(RichText::new(format!("{} {share:.0} %", state.name())).size(12.0));
        }
    });
}

fn figures(ui: &mut Ui, doc: &Document, ix: TaskIx) {
    let trace = doc.trace();
    let task = trace.task(ix);
    let times = doc.prepared.times[ix.get()];
    let ns = |ns: u64| time::duration(ns as f64);
    Grid::new("figures").num_columns(3).spacing([16.0, 4.0]).show(ui, |ui| {
        let now = match trace.state_at(ix, doc.replay.moment()) {
            Some(span) => span.state.name(),
            None if doc.replay.moment() < task.spawned.unwrap_or(0) => "not spawned yet",
            None => "ended",
        };
        figure(ui, "now", now, "");
        figure(ui, "end", words::task_end(task.end), "");
        figure(ui, "polls", time::count(task.poll_count().into()), poll_ends(doc, ix));
        figure(ui, "busy", ns(times.running), format!("longest {}", ns(task.longest)));
        figure(ui, "scheduled", ns(times.scheduled), "woken, not yet polled");
        figure(ui, "waiting", ns(times.waiting), "not woken");
        if times.idle > 0 {
            figure(ui, "not running", ns(times.idle), "wakes not recorded");
        }
        figure(ui, "woken", time::count(task.wake_count().into()), wakers(doc, ix));
        figure(ui, "hops", time::count(task.hops.into()), workers(doc, ix));
        if let Some(size) = task.size {
            let moved =
                task.original_size.map(|size| format!("boxed, {} bytes", time::count(size)));
            let size = format!("{} bytes", time::count(size));
            figure(ui, "future", size, moved.unwrap_or_default());
        }
    });
}

/// How a task's polls ended, counted: `2 yielded, 4 pending`.
fn poll_ends(doc: &Document, ix: TaskIx) -> String {
    let trace = doc.trace();
    let words = trace.task_polls(ix).iter().map(|&poll| match trace.poll(poll).how {
        PollEnd::Yielded { .. } => "yielded",
        other => words::poll_end(other),
    });
    counted(words.map(str::to_owned))
}

/// Who woke a task, counted.
fn wakers(doc: &Document, ix: TaskIx) -> String {
    let trace = doc.trace();
    let words = trace.task_wakes(ix).iter().map(|&wake| match trace.wake(wake).by {
        Waker::Task(by) if by == ix => "itself",
        Waker::Task(_) => "by tasks",
        Waker::Driver(_) => "timer or I/O",
        Waker::Deferred(_) => "yielded",
        Waker::Thread(_) => "by threads",
    });
    counted(words.map(str::to_owned))
}

/// On how many workers a task ran.
fn workers(doc: &Document, ix: TaskIx) -> String {
    let trace = doc.trace();
    let mut lanes: Vec<_> =
        trace.task_polls(ix).iter().map(|&poll| trace.poll(poll).lane).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let workers =
        lanes.iter().filter(|&&lane| matches!(trace.lane(lane).kind, LaneKind::Worker { .. }));
    match workers.count() {
        0 => String::new(),
        count => format!("on {}", time::plural(count as u64, "worker")),
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
    let parts: Vec<String> =
        counts.iter().map(|(word, count)| format!("{} {word}", time::count(*count))).collect();
    parts.join(", ")
}

/// Why the task ran when it last did: a chain of causes, as sentences.
fn why(ui: &mut Ui, doc: &mut Document) {
    ui.label(RichText::new("Why it ran now").size(15.0));
    ui.separator();
    let Some(poll) = doc.current_poll() else {
        ui.weak("It has not been polled at all.");
        return;
    };
    let mut clicked = None;
    for step in chain(doc, poll) {
        ui.horizontal(|ui| {
            let moment = step.moment.saturating_sub(doc.trace().span().start);
            let colour = Palette::get(ui).weak;
            ui.label(RichText::new(time::duration(moment as f64)).monospace().color(colour));
            match step.task {
                Some(task) => {
                    if ui.link(step.text).clicked() {
                        clicked = Some((task, step.moment));
                    }
                }
                None => {
                    ui.label(step.text);
                }
            }
        });
    }
    if let Some((task, moment)) = clicked {
        doc.select(Some(task));
        doc.seek(moment as f64);
    }
}

/// A step of the chain.
struct Step {
    moment: u64,
    text: String,
    /// The task that a click selects.
    task: Option<TaskIx>,
}

/// The causes that led to a poll, oldest first: who scheduled it, and what had
/// scheduled that one.
fn chain(doc: &Document, poll: PollIx) -> Vec<Step> {
    const LONGEST: usize = 4;
    let trace = doc.trace();
    let start = trace.poll(poll).start;
    let worker = trace.lane_name(trace.poll(poll).lane);
    let whose = trace.task_name(trace.poll(poll).task);
    let mut steps = Vec::new();
    let mut current = Some(poll);
    let mut scheduled = None;
    while let Some(poll) = current.take().filter(|_| steps.len() < LONGEST) {
        let cause = trace.cause(poll);
        let whose = trace.task_name(trace.poll(poll).task);
        let (moment, by) = match cause {
            Cause::Spawned { time, by } => (time, by),
            Cause::Woken(wake) => match trace.wake(wake).by {
                Waker::Task(by) => (trace.wake(wake).time, Some(by)),
                _ => (trace.wake(wake).time, None),
            },
            Cause::Unknown => (trace.poll(poll).start, None),
        };
        scheduled.get_or_insert((moment, cause));
        let text = words::because(trace, cause, &whose);
        steps.push(Step { moment, text, task: by });
        // The poll in which the other task did it.
        current = by.filter(|&by| by != trace.poll(poll).task).and_then(|by| {
            let polls = trace.task_polls(by);
            let after = polls.partition_point(|&p| trace.poll(p).start <= moment);
            polls.get(after.checked_sub(1)?).copied()
        });
    }
    steps.reverse();
    let text = match scheduled {
        Some((moment, cause)) if cause != Cause::Unknown => {
            let delay = time::duration(start.saturating_sub(moment) as f64);
            format!("{worker} polled {whose}, {delay} later")
        }
        _ => format!("{worker} polled {whose}"),
    };
    steps.push(Step { moment: start, text, task: None });
    steps
}

fn polls(ui: &mut Ui, doc: &mut Document, ix: TaskIx, bottom: f32) {
    let count = doc.trace().task_polls(ix).len();
    ui.label(RichText::new("Polls").size(15.0));
    ui.separator();
    let current = doc.current_poll();
    let origin = doc.trace().span().start;
    let mut clicked = None;
    let height = 20.0;
    let room = (bottom - ui.cursor().top() - 4.0).max(POLLS_HEIGHT);
    ScrollArea::vertical().id_salt("polls").auto_shrink(false).max_height(room).show_rows(
        ui,
        height,
        count,
        |ui, rows| {
            for row in rows {
                let poll = doc.trace().task_polls(ix)[row];
                if poll_row(ui, doc, poll, Some(poll) == current, origin, height) {
                    clicked = Some(doc.trace().poll(poll).start);
                }
            }
        },
    );
    if let Some(moment) = clicked {
        doc.seek(moment as f64);
    }
}

/// A poll in columns; whether it was clicked.
fn poll_row(
    ui: &mut Ui,
    doc: &Document,
    ix: PollIx,
    current: bool,
    origin: u64,
    height: f32,
) -> bool {
    let palette = Palette::get(ui);
    let trace = doc.trace();
    let poll = trace.poll(ix);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let start = time::duration((poll.start - origin) as f64);
    let took = time::duration(poll.duration() as f64);
    let lane = trace.lane_name(poll.lane);
    let ended = words::poll_end(poll.how);
    response.widget_info(|| {
        let label = format!("Poll at {start} for {took} on {lane}, {ended}");
        WidgetInfo::selected(Role::Row, true, current, label)
    });
    if current || response.hovered() {
        ui.painter().rect_filled(rect, 3.0, palette.selected);
    }
    let mono = egui::FontId::monospace(12.0);
    let text = egui::FontId::proportional(12.5);
    let column = |x: f32, align, text: &str, font: &egui::FontId, colour| {
        let at = egui::pos2(rect.left() + x, rect.center().y);
        ui.painter().text(at, align, text, font.clone(), colour);
    };
    let ended_colour = match poll.how {
        PollEnd::Panicked => palette.alarm,
        _ => palette.weak,
    };
    column(68.0, egui::Align2::RIGHT_CENTER, &start, &mono, palette.weak);
    column(142.0, egui::Align2::RIGHT_CENTER, &took, &mono, palette.text);
    column(152.0, egui::Align2::LEFT_CENTER, &lane, &text, palette.text);
    column(208.0, egui::Align2::LEFT_CENTER, ended, &text, ended_colour);
    response.clicked()
}
