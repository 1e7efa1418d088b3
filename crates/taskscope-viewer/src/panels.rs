//! The panels of the window while a trace is open: where they are, and what each keeps.

use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, RichText, Ui, UiBuilder};

use crate::code_text::with_code;
use crate::command::Command;
use crate::document::Document;
use crate::inspector::Counts;
use crate::overview::Activity;
use crate::table::TableState;
use crate::theme::Palette;
use crate::timeline::lanes::LaneCache;
use crate::{inspector, notices, overview, table, time, timeline, transport};

/// Below this width the inspector makes room for the timeline.
const ROOM_FOR_INSPECTOR: f32 = 900.0;
/// Below this height the table makes room for the timeline.
const ROOM_FOR_TABLE: f32 = 520.0;

/// What the top bar says of the open trace, from right to left.
pub(crate) fn facts(ui: &mut Ui, document: &Document, palette: &Palette) {
    let summary = &document.prepared.summary;
    let short = notices::short(document);
    if !short.is_empty() {
        let text = RichText::new(short.join(", ")).color(palette.alarm);
        let label = ui.label(text);
        let details = notices::details(document);
        if !details.is_empty() {
            label.on_hover_ui(|ui| sentences(ui, &details));
        }
    }
    if let Some(dump) = notices::dump(document) {
        ui.label(dump).on_hover_ui(|ui| sentences(ui, &notices::details(document)));
    }
    let workers = summary.runtimes.iter().map(|runtime| runtime.workers.len() as u64).sum();
    let parts = [
        match workers {
            0 => time::plural(summary.threads.len() as u64, "thread"),
            _ => time::plural(workers, "worker"),
        },
        time::plural(summary.tasks.spawned, "task"),
        time::plural(summary.polls, "poll"),
        time::plural(summary.hops, "hop"),
    ];
    if ui.available_width() > 480.0 {
        ui.weak(parts.join("   "));
    }
    ui.add(egui::Label::new(&document.name).truncate());
}

fn sentences(ui: &mut Ui, sentences: &[String]) {
    for sentence in sentences {
        let text = with_code(ui, sentence);
        ui.label(text);
    }
}

/// An open trace, and what the panels keep that show it.
pub(crate) struct Open {
    pub(crate) document: Document,
    pub(crate) panels: Panels,
}

impl Open {
    pub(crate) fn new(document: Document) -> Box<Self> {
        Box::new(Self { document, panels: Panels::default() })
    }
}

/// What each panel keeps from frame to frame.
#[derive(Debug, Default)]
pub(crate) struct Panels {
    activity: Activity,
    pub(crate) lanes: LaneCache,
    /// Figures of the selected task, once they have been shown.
    counts: Option<Counts>,
    pub(crate) table: TableState,
}

/// Shows the panels of an open trace; gives back a command that was chosen.
pub(crate) fn show(ui: &mut Ui, open: &mut Open, bar: Frame, size: egui::Vec2) -> Option<Command> {
    let Open { document, panels } = open;
    let palette = Palette::get(ui);
    let flush = Frame::new().fill(palette.background);
    let mut chosen = None;
    Panel::top("overview")
        .frame(flush)
        .exact_size(overview::HEIGHT)
        .show(ui, |ui| overview::show(ui, document, &mut panels.activity));
    look_for(ui, document, bar);
    Panel::bottom("status").frame(bar).exact_size(26.0).show(ui, |ui| status(ui, document));
    Panel::bottom("transport").frame(bar).exact_size(50.0).show(ui, |ui| {
        chosen = transport::show(ui, document);
    });
    if size.x >= ROOM_FOR_INSPECTOR {
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(14, 8));
        Panel::right("inspector")
            .frame(frame)
            .default_size(352.0)
            .min_size(280.0)
            .show(ui, |ui| fill(ui, |ui| inspector::show(ui, document, &mut panels.counts)));
    }
    if size.y >= ROOM_FOR_TABLE {
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 6));
        Panel::bottom("tasks")
            .frame(frame)
            .resizable(true)
            .default_size(0.27 * size.y)
            .min_size(90.0)
            .show(ui, |ui| fill(ui, |ui| table::show(ui, document, &mut panels.table)));
    }
    CentralPanel::default()
        .frame(flush)
        .show(ui, |ui| timeline::show(ui, document, &mut panels.lanes));
    chosen
}

/// What to look for in a demo, until it is closed.
fn look_for(ui: &mut Ui, document: &mut Document, bar: Frame) {
    let Some(text) = &document.look_for else { return };
    let mut close = false;
    Panel::top("look for").frame(bar).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            close = ui.button("Got it").clicked();
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(true), |ui| {
                ui.label(with_code(ui, &format!("Look for: {text}")));
            });
        });
    });
    if close {
        document.look_for = None;
    }
}

/// Shows the contents of a panel in exactly the room that the panel has.
///
/// A panel of egui remembers the size of what it showed last. Without this one it would grow
/// with a long sentence and never shrink again, or stay as low as a table without a row, and
/// everything beside it would move.
fn fill(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let room = ui.available_rect_before_wrap();
    let mut inside = ui.new_child(UiBuilder::new().max_rect(room));
    inside.shrink_clip_rect(room);
    contents(&mut inside);
    ui.advance_cursor_after_rect(room);
}

fn status(ui: &mut Ui, document: &Document) {
    let small = |text: String| RichText::new(text).size(12.0).weak();
    ui.horizontal_centered(|ui| {
        // From the right, so that the sentence has the room that is left.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (first, last) = document.view.bounds();
            if ui.available_width() > 480.0 {
                ui.label(small(format!(
                    "view {} of {}",
                    time::duration(document.view.width()),
                    time::duration(last - first)
                )));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = match document.selected {
                    Some(task) => {
                        let trace = document.trace();
                        format!(
                            "{} selected: {}, {}",
                            trace.task_name(task),
                            time::plural(trace.task(task).poll_count().into(), "poll"),
                            time::plural(trace.task(task).hops.into(), "hop"),
                        )
                    }
                    None => {
                        "Click a poll to follow its task. Ctrl+wheel zooms, Space plays.".to_owned()
                    }
                };
                ui.add(egui::Label::new(small(text)).truncate());
            });
        });
    });
}
