//! At this instant: what each task does at the playhead, by state and by what it waits for, as counts that unfold to names.

use egui::{CollapsingHeader, Grid, RichText, ScrollArea, Sense, Ui, vec2};
use taskscope_model::questions::{Instant, TaskState, WaitsFor, instant};
use taskscope_model::{Nanos, State, Trace};

use crate::context::Context;
use crate::jobs::Question;
use crate::theme::Palette;
use crate::{labels, time};

/// So many tasks of a state are named.
const MOST_NAMED: usize = 100;
/// So many things that tasks wait for are listed.
const MOST_WAITS: usize = 20;

/// The panel with what everybody does at the playhead.
#[derive(Debug, Default)]
pub(crate) struct InstantPanel {
    question: Question<Nanos, Instant>,
    asked: Nanos,
}

impl InstantPanel {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let moment = cx.replay.moment();
        // While it plays, an answer is waited for before the next is asked for.
        if !self.question.is_running() || !cx.replay.is_playing() {
            self.asked = moment;
        }
        let asked = self.asked;
        let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
        let work = || async move { instant(&trace, activity.as_deref(), asked).await };
        let answer = self.question.ask(cx.jobs, cx.open.snapshot(), &asked, work);
        let Some(answer) = answer else {
            ui.weak("Looking at each task…");
            return;
        };
        if answer.key != moment {
            cx.jobs.repaint();
        }
        let at = time::exact(answer.key.saturating_sub(cx.trace().span().start));
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("At this instant").size(15.0));
            ui.weak(at);
        });
        ui.separator();
        ScrollArea::vertical().id_salt("instant").auto_shrink(false).show(ui, |ui| {
            states(ui, cx, &answer.value, answer.key);
            waits(ui, cx.trace(), &answer.value);
        });
    }
}

fn states(ui: &mut Ui, cx: &Context<'_>, at: &Instant, moment: Nanos) {
    let palette = Palette::get(ui);
    for state in State::ALL.into_iter().filter(|&state| at.count(state) > 0) {
        ui.horizontal_top(|ui| {
            let (dot, _) = ui.allocate_exact_size(vec2(10.0, 18.0), Sense::hover());
            let dot = egui::Rect::from_center_size(dot.center(), vec2(10.0, 10.0));
            ui.painter().rect_filled(dot, 2.0, palette.state(state));
            let text = format!("{}  {}", time::count(at.count(state)), state.name());
            let header = CollapsingHeader::new(text).id_salt(("state", state.name()));
            let header = header.default_open(state == State::Running);
            header.show(ui, |ui| {
                let tasks = at.tasks.iter().filter(|of| of.span.state == state);
                for of in tasks.take(MOST_NAMED) {
                    task(ui, cx, of, moment);
                }
                if let more @ 1.. = at.count(state).saturating_sub(MOST_NAMED as u64) {
                    ui.weak(format!("and {} more", time::count(more)));
                }
            });
        });
    }
    ui.add_space(10.0);
}

fn task(ui: &mut Ui, cx: &Context<'_>, of: &TaskState, moment: Nanos) {
    let trace = cx.trace();
    let since = time::duration(moment.saturating_sub(of.span.start) as f64);
    let does = match of.span.state {
        State::Running => {
            let lane = of.span.poll.map(|poll| trace.lane_name(trace.poll(poll).lane));
            format!("on {} for {since}", lane.unwrap_or_default())
        }
        State::Waiting => {
            let what = of.before.and_then(|before| labels::waited_for(trace, before));
            what.map_or_else(|| format!("for {since}"), |what| format!("{since} for {what}"))
        }
        _ => format!("for {since}"),
    };
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        if ui.link(trace.task_name(of.task)).clicked() {
            cx.select(Some(of.task));
        }
        ui.weak(does);
    });
}

fn waits(ui: &mut Ui, trace: &Trace, at: &Instant) {
    if at.waits.is_empty() {
        return;
    }
    ui.label(RichText::new("Waited for").size(13.5));
    Grid::new("waits").num_columns(2).spacing([14.0, 4.0]).show(ui, |ui| {
        for wait in at.waits.iter().take(MOST_WAITS) {
            ui.monospace(format!("{:>6}", time::count(wait.tasks)));
            ui.label(what(trace, wait.what));
            ui.end_row();
        }
    });
}

fn what(trace: &Trace, what: WaitsFor) -> String {
    match what {
        WaitsFor::Operation { resource, operation } => {
            let of = trace.resource(resource);
            let name = of.operation(operation.map_or("", |operation| trace.text(operation)));
            match of.place {
                Some(place) => format!("{name} ({})", trace.place(place).short()),
                None => name.to_owned(),
            }
        }
        WaitsFor::Join => "another task's end (inferred)".to_owned(),
        WaitsFor::Io => "I/O (inferred)".to_owned(),
        WaitsFor::Unknown => "something that Tokio does not report".to_owned(),
    }
}
