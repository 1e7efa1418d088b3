//! The panel that says what got slower from one trace to another.
//!
//! A sentence first; then the two traces as a whole, and all spawn places with what got slower on top. The figures of each
//! trace are added up once, on another thread (see `open_trace.rs`), and so is what
//! the two make: a click costs nothing.

mod table;

use std::sync::Arc;

use egui::{Align, Color32, CursorIcon, Grid, Layout, Response, RichText, ScrollArea, Sense, Ui};
use taskscope_model::questions::compare::{Comparison, compare, factor};

use crate::command::AppCommand;
use crate::context::{Context, Other};
use crate::jobs::{Question, Snapshot};
use crate::open_trace::{OpenTrace, TraceId};
use crate::theme::Palette;
use crate::time;
use crate::workspace::Stretch;

/// What differs by less is not coloured.
const NOTABLE: f64 = 1.1;

/// Which snapshots of which traces.
type Key = [(TraceId, u64); 2];

/// The panel that compares a trace with another.
#[derive(Debug, Default)]
pub(crate) struct ComparisonPanel {
    question: Question<Key, Arc<Comparison>>,
}

/// One of the two traces, and what the window calls it.
#[derive(Clone, Copy)]
struct Side<'a> {
    open: &'a OpenTrace,
    label: &'a str,
}

impl ComparisonPanel {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let Some(sides) = cx.other.and_then(|other| sides(cx, other)) else {
            ui.label(RichText::new("Comparison").size(15.0));
            ui.weak("There is nothing to compare with: open another trace beside this one.");
            return;
        };
        if let Some(part) = sides.iter().find(|side| side.open.is_part) {
            ui.weak(format!("{} is still being read.", part.open.name));
            return;
        }
        let figures = sides.map(|side| side.open.figures());
        let answer = match figures {
            [Some((revision_a, a)), Some((revision_b, b))] => {
                let key = [(sides[0].open.id, revision_a), (sides[1].open.id, revision_b)];
                let (a, b) = (a.clone(), b.clone());
                let snapshot = Snapshot { revision: 0, grows: false };
                let work = || async move { Arc::new(compare(a, b)) };
                self.question.ask(cx.jobs, snapshot, &key, work)
            }
            _ => None,
        };
        let Some(answer) = answer else {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.weak("Adding up each poll of both…");
            });
            return;
        };
        show(ui, cx, sides, &answer.value);
    }
}

/// The two traces in the order in which they stand.
fn sides<'a>(cx: &Context<'a>, other: Other<'a>) -> Option<[Side<'a>; 2]> {
    let this = Side { open: cx.open, label: cx.label? };
    let other = (Side { open: other.open, label: other.label }, other.is_first);
    Some(match other {
        (first, true) => [first, this],
        (second, false) => [this, second],
    })
}

fn show(ui: &mut Ui, cx: &Context<'_>, sides: [Side<'_>; 2], of: &Comparison) {
    sentence(ui, cx, sides, of);
    ScrollArea::horizontal().id_salt("whole").show(ui, |ui| whole(ui, sides, of));
    if of.rows.is_empty() {
        return;
    }
    // Narrow panels scroll sideways.
    ScrollArea::horizontal()
        .id_salt("places")
        .auto_shrink(false)
        .show(ui, |ui| table::show(ui, cx, sides, of));
}

/// What got slower most. It leads where its row does.
fn sentence(ui: &mut Ui, cx: &Context<'_>, sides: [Side<'_>; 2], of: &Comparison) {
    let mut worse = of.rows.iter().filter(|row| row.change.is_worse());
    let text = RichText::new(of.sentence()).size(15.0);
    let Some(worst) = worse.next() else {
        ui.label(text);
        return;
    };
    ui.horizontal_wrapped(|ui| {
        let text = text.color(Palette::get(ui).slower);
        let label = egui::Label::new(text).selectable(false).sense(Sense::click());
        let response = ui.add(label).on_hover_cursor(CursorIcon::PointingHand);
        if response.on_hover_text(table::CLICK).clicked() {
            table::go_to(cx, sides, of, worst);
        }
        if let more @ 1.. = worse.count() {
            ui.weak(format!("{} got worse.", time::plural(more as u64, "more place")));
        }
    });
}

/// The figures of both traces as a whole.
fn whole(ui: &mut Ui, sides: [Side<'_>; 2], of: &Comparison) {
    let palette = Palette::get(ui);
    let small = |text: &str| RichText::new(text).size(12.5);
    let figure = |text: &str| RichText::new(text).monospace().size(12.0);
    let lines = of.overall();
    // (The last column takes what is left.)
    let grid = Grid::new("whole").num_columns(lines.len() + 2).spacing([18.0, 1.0]);
    grid.min_row_height(15.0).show(ui, |ui| {
        ui.label("");
        for line in &lines {
            right(ui, small(line.name).weak()).on_hover_text(line.about);
        }
        ui.label("");
        ui.end_row();
        for (number, side) in sides.iter().enumerate() {
            ui.label(small(side.label));
            for line in &lines {
                right(ui, figure(&line.values[number]));
            }
            ui.end_row();
        }
        ui.label(small("B / A").weak());
        for line in &lines {
            let colour = match line.ratio.filter(|_| line.is_cost) {
                Some(ratio) if ratio >= NOTABLE => palette.slower,
                Some(ratio) if ratio <= 1.0 / NOTABLE => palette.faster,
                _ => palette.text,
            };
            right(ui, figure(&factor(line.ratio)).color(colour));
        }
        ui.end_row();
    });
}

/// A figure of a grid, at the right end of its cell.
fn right(ui: &mut Ui, text: RichText) -> Response {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| ui.label(text)).inner
}

/// The colour of what became of a place.
fn colour(palette: &Palette, is_worse: bool, is_better: bool) -> Color32 {
    match (is_worse, is_better) {
        (true, _) => palette.slower,
        (_, true) => palette.faster,
        _ => palette.text,
    }
}

/// Sends where to go in the traces.
fn send(cx: &Context<'_>, stretches: Vec<Stretch>) {
    cx.commands.send(AppCommand::ShowBeside(stretches));
}
