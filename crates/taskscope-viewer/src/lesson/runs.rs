//! The open runs in figures, side by side.

use egui::{Grid, RichText, ScrollArea, Ui};
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
    /// Shows a column for each trace; nothing if there is only one.
    pub(super) fn show(&mut self, ui: &mut Ui, traces: &[(String, Context<'_>)], words: &Words) {
        if traces.len() < 2 {
            return;
        }
        self.of.retain(|(id, _)| traces.iter().any(|(_, cx)| cx.open.id == *id));
        let palette = Palette::get(ui);
        ui.add_space(8.0);
        ui.label(RichText::new(&words.traces).color(palette.weak));
        let titles =
            [&words.wall, &words.busy, &words.at_once, &words.polls, &words.hops, &words.scheduled];
        let mut traces: Vec<_> = traces.iter().collect();
        // By their letters; the active one came first.
        traces.sort_by_key(|(_, cx)| cx.open.id);
        // A run a column: the panel is narrow, and what is compared stands side by side.
        let columns: Vec<Option<Vec<Option<Value>>>> =
            traces.iter().map(|(_, cx)| self.values(cx).cloned()).collect();
        ScrollArea::horizontal().id_salt("runs").show(ui, |ui| {
            Grid::new("runs").spacing([11.0, 4.0]).min_row_height(0.0).show(ui, |ui| {
                ui.label("");
                for (name, _) in &traces {
                    // Of a long name that with which it begins, which is its letter.
                    let letter = name.split(' ').next().unwrap_or(name);
                    ui.label(RichText::new(letter).color(palette.accent)).on_hover_text(name);
                }
                ui.end_row();
                for (number, title) in titles.into_iter().enumerate() {
                    ui.label(RichText::new(title).color(palette.weak).size(12.5));
                    for values in &columns {
                        let value =
                            values.as_ref().and_then(|of| of.get(number).copied().flatten());
                        let text = value.map_or_else(|| "…".to_owned(), |value| value.to_string());
                        ui.label(RichText::new(text).monospace().size(12.0));
                    }
                    ui.end_row();
                }
            });
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
