//! The panel beside the timeline: the selected task, or the whole recording
//! while none is selected.

mod figures;
mod findings;
mod polls;
mod spans;
mod why;

use egui::{
    Align, FontId, Grid, Layout, Rect, RichText, Role, ScrollArea, Sense, TextStyle, Ui,
    WidgetInfo, vec2,
};
use taskscope_model::questions::{Effect, effects};
use taskscope_model::{PollIx, State, TaskIx, ThreadSummary};

use figures::Counts;

use crate::context::Context;
use crate::jobs::Question;
use crate::theme::Palette;
use crate::{labels, menus, time};

/// The panel with the selected task.
#[derive(Debug, Default)]
pub(crate) struct Inspector {
    /// Figures of the selected task.
    counts: Question<TaskIx, Counts>,
    /// What its poll at the playhead did to others.
    effects: Question<PollIx, Vec<Effect>>,
}

impl Inspector {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let Some(task) = cx.open.selected else {
            show(ui, cx, &Counts::default(), &[]);
            return;
        };
        let trace = cx.open.trace_for_jobs();
        let work = || Counts::new(trace, task);
        let answer = self.counts.ask(cx.jobs, cx.open.snapshot(), &task, work);
        // Those of another task are not this one's.
        let counts = answer.filter(|answer| answer.key == task);
        let effects = cx.current_poll().filter(|_| !cx.replay.is_playing()).and_then(|poll| {
            let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
            let work = || async move { effects(&trace, activity.as_deref(), poll).await };
            let answer = self.effects.ask(cx.jobs, cx.open.snapshot(), &poll, work);
            answer.filter(|answer| answer.key == poll)
        });
        let effects = effects.map_or(&[][..], |answer| &answer.value);
        match counts {
            Some(answer) => show(ui, cx, &answer.value, effects),
            None => show(ui, cx, &Counts::default(), effects),
        }
    }
}

fn show(ui: &mut Ui, cx: &Context<'_>, counts: &Counts, effects: &[Effect]) {
    let bottom = ui.available_rect_before_wrap().bottom();
    match cx.open.selected {
        Some(task) => {
            ScrollArea::vertical()
                .id_salt(("task", task))
                .auto_shrink(false)
                .show(ui, |ui| selected(ui, cx, (counts, effects), task, bottom));
        }
        None => {
            ScrollArea::vertical().id_salt("whole").auto_shrink(false).show(ui, |ui| whole(ui, cx));
        }
    }
}

const NOT_RECORDED: &str = "not recorded";

/// Those of the counts that are not 0: `3 returned, 1 alive`.
fn counted(counts: &[(u64, &str)]) -> String {
    let counts = counts.iter().filter(|(number, _)| *number > 0);
    let texts = counts.map(|(number, what)| format!("{} {what}", time::count(*number)));
    texts.collect::<Vec<_>>().join(", ")
}

/// A row of the grid of figures: what, and how much.
fn figure(ui: &mut Ui, name: &str, value: impl Into<String>, more: impl Into<String>) {
    ui.weak(name);
    // A long value would push what stands beside it out of the panel.
    let (value, more) = match (value.into(), more.into()) {
        (value, more) if more.is_empty() && value.len() > 16 => (String::new(), value),
        both => both,
    };
    ui.label(value);
    // A grid lets its last column run on: it breaks where the panel ends.
    let room = ui.clip_rect().right() - 10.0 - ui.cursor().left();
    let (font, colour) = (TextStyle::Body.resolve(ui.style()), ui.visuals().weak_text_color());
    let more = ui.painter().layout(more, font, colour, room.max(60.0));
    ui.label(more);
    ui.end_row();
}

fn whole(ui: &mut Ui, cx: &Context<'_>) {
    let trace = cx.trace();
    let summary = &cx.prepared().summary;
    ui.add_space(6.0);
    ui.heading("The recording");
    ui.add_space(4.0);
    // What is wrong comes first; that nothing is, last.
    let is_sick = findings::are_alarming(cx);
    if is_sick {
        findings::all(ui, cx);
    }
    Grid::new("whole").num_columns(3).spacing([16.0, 5.0]).show(ui, |ui| {
        let ms = |ns: u64| time::duration(ns as f64);
        if let Some(program) = &summary.program {
            figure(ui, "program", program.clone(), "");
        }
        figure(ui, "lasted", ms(summary.duration_ns), "");
        let tasks = &summary.tasks;
        figure(ui, "tasks", time::count(tasks.spawned), counted(&tasks.by_end()));
        if tasks.inferred > 0 {
            let of = time::plural(tasks.inferred, "task");
            figure(ui, "", "", format!("how {of} ended is inferred"));
        }
        if tasks.blocking > 0 {
            figure(ui, "blocking tasks", time::count(tasks.blocking), "");
        }
        let longest = format!("longest {}", ms(summary.longest_poll_ns));
        figure(ui, "polls", time::count(summary.polls), longest);
        if trace.records_outcomes() {
            figure(ui, "", "", counted(&summary.poll_ends.by_end()));
        }
        figure(ui, "wakes", summary.wakes.map_or(NOT_RECORDED.to_owned(), time::count), "");
        let elsewhere = match trace.runtimes() {
            [] => "polls on another thread",
            _ => "polls on another worker",
        };
        figure(ui, "hops", time::count(summary.hops), elsewhere);
    });
    ui.add_space(12.0);
    if !is_sick {
        findings::all(ui, cx);
    }
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
                right(ui, worker.parks.map_or("–".to_owned(), time::count));
                ui.end_row();
            }
        });
        ui.add_space(12.0);
    }
    if !summary.threads.is_empty() {
        threads(ui, &summary.threads);
        ui.add_space(12.0);
    }
    ui.separator();
    ui.weak("Click a poll or a row of the table to follow its task.");
    ui.weak("Press Space to play, ? for all keys.");
}

/// The threads that polled tasks and are no workers.
fn threads(ui: &mut Ui, threads: &[ThreadSummary]) {
    ui.label(RichText::new("Threads").size(15.0));
    ui.separator();
    Grid::new("threads").num_columns(3).spacing([16.0, 5.0]).show(ui, |ui| {
        ui.weak("");
        for title in ["polls", "busy"] {
            ui.label(RichText::new(format!("{title:>9}")).monospace().weak());
        }
        ui.end_row();
        for thread in threads {
            ui.label(thread.name.clone().unwrap_or_else(|| format!("thread {}", thread.id)));
            right(ui, time::count(thread.polls));
            right(ui, time::duration(thread.busy_ns as f64));
            ui.end_row();
        }
    });
}

/// A figure in a column: digits stand below digits.
fn right(ui: &mut Ui, text: String) {
    ui.monospace(format!("{text:>9}"));
}

fn selected(
    ui: &mut Ui,
    cx: &Context<'_>,
    (counts, effects): (&Counts, &[Effect]),
    ix: TaskIx,
    bottom: f32,
) {
    ui.add_space(6.0);
    heading(ui, cx, ix);
    ui.add_space(6.0);
    findings::of_task(ui, cx, ix);
    state_bar(ui, cx, ix, counts);
    ui.add_space(8.0);
    figures::show(ui, cx, ix, counts);
    ui.add_space(10.0);
    why::show(ui, cx);
    ui.add_space(10.0);
    spans::show(ui, cx, counts.spans());
    why::effects(ui, cx, effects);
    polls::show(ui, cx, ix, bottom);
}

fn heading(ui: &mut Ui, cx: &Context<'_>, ix: TaskIx) {
    let trace = cx.trace();
    let task = trace.task(ix);
    ui.horizontal(|ui| {
        ui.heading(trace.task_name(ix));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            // Without a name, the heading says it all.
            if task.name().is_some() || !task.is_async() {
                // Its number is no second name.
                ui.weak(format!("{}, id {}", labels::kind(&task), task.id));
            }
        });
    });
    let parent = task.parent.map(|parent| (parent, trace.task_name(parent)));
    let mut clicked = None;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        match task.place {
            Some(place) => {
                ui.label("spawned at");
                menus::place_link(ui, cx, place);
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
        cx.select(clicked);
    }
}

/// How the task's life divides among its states.
fn state_bar(ui: &mut Ui, cx: &Context<'_>, ix: TaskIx, counts: &Counts) {
    let palette = Palette::get(ui);
    let times = counts.times(cx, ix).unwrap_or_default();
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
            const DOT: f32 = 9.0;
            let share = time::share(times.get(state), times.total());
            let font = FontId::proportional(12.0);
            let text = format!("{} {share}", state.name());
            let text = ui.painter().layout_no_wrap(text, font, palette.text);
            // A line breaks before a dot, not between it and what it means.
            let width = DOT + ui.spacing().item_spacing.x + text.size().x;
            if ui.available_size_before_wrap().x < width {
                ui.end_row();
            }
            let (dot, _) = ui.allocate_exact_size(vec2(DOT, DOT), Sense::hover());
            ui.painter().rect_filled(dot, 2.0, palette.state(state));
            ui.label(text);
        }
    });
}
