//! The open runs in figures, one below the other.

use egui::{Grid, RichText, Ui};
use std::sync::Arc;
use taskscope_lesson::{Claim, Traces, Value, Words};
use taskscope_model::Trace;

use crate::context::Context;
use crate::jobs::Question;
use crate::open_trace::TraceId;
use crate::theme::Palette;

/// The figures that runs are compared by.
const FIGURES: [&str; 6] = ["wall", "busy", "most_running", "polls", "hops", "scheduled_p99"];

/// The figures of a trace; one is `None` that it does not have.
type Figures = Vec<Option<Value>>;

/// The figures of the open traces.
#[derive(Debug, Default)]
pub(super) struct Runs {
    of: Vec<(TraceId, Question<(), Figures>)>,
}

impl Runs {
    /// Shows a row for each trace; nothing if there is only one.
    pub(super) fn show(&mut self, ui: &mut Ui, traces: &[(String, Context<'_>)], words: &Words) {
        if traces.len() < 2 {
            return;
        }
        self.of.retain(|(id, _)| traces.iter().any(|(_, cx)| cx.open.id == *id));
        let palette = Palette::get(ui);
        ui.add_space(8.0);
        ui.label(RichText::new(&words.traces).color(palette.weak));
        Grid::new("runs").num_columns(7).spacing([12.0, 4.0]).show(ui, |ui| {
            ui.label("");
            for title in [
                &words.wall,
                &words.busy,
                &words.at_once,
                &words.polls,
                &words.hops,
                &words.scheduled,
            ] {
                ui.label(RichText::new(title).small().color(palette.weak));
            }
            ui.end_row();
            for (name, cx) in traces {
                ui.label(RichText::new(name).small());
                let values = self.values(cx);
                for number in 0..FIGURES.len() {
                    let value = values.and_then(|values| values.get(number).copied().flatten());
                    let text = value.map_or_else(|| "…".to_owned(), |value| value.to_string());
                    ui.label(RichText::new(text).small().monospace());
                }
                ui.end_row();
            }
        });
    }

    fn values(&mut self, cx: &Context<'_>) -> Option<&Figures> {
        if !self.of.iter().any(|(id, _)| *id == cx.open.id) {
            self.of.push((cx.open.id, Question::default()));
        }
        let (_, question) = self.of.iter_mut().find(|(id, _)| *id == cx.open.id)?;
        let trace = cx.open.trace_for_jobs();
        let work = || async move { figures(trace) };
        question.ask(cx.jobs, cx.open.snapshot(), &(), work).map(|answer| &answer.value)
    }
}

fn figures(trace: Arc<Trace>) -> Figures {
    let traces = Traces::new([("A".to_owned(), trace)]);
    let value = |name: &str| name.parse::<Claim>().ok()?.value(&traces).ok();
    FIGURES.iter().map(|name| value(name)).collect()
}
