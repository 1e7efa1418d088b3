//! A window without a display.

use std::path::{Path, PathBuf};

use egui::{Modifiers, Pos2, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use taskscope_model::Trace;

use crate::Options;
use crate::app::App;
use crate::clock::Clock;
use crate::jobs::Mode;
use crate::open_trace::{Loaded, OpenTrace, TraceId};
use crate::panels::Panels;
use crate::recent::Recent;
use crate::workspace::Workspace;

pub(super) type Window = Harness<'static, Option<App>>;

/// The recorded demo `migration`: four workers, tasks that hop.
pub(super) fn recorded() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/migration.tscope"))
}

pub(super) fn recorded_trace() -> Trace {
    Trace::from_bytes(&std::fs::read(recorded()).unwrap()).unwrap()
}

/// A window on the recorded trace.
pub(super) fn window() -> Window {
    window_with_trace(recorded_trace())
}

pub(super) fn window_with_trace(trace: Trace) -> Window {
    window_with_traces(vec![Loaded::new(trace, "migration", None)], Mode::AtOnce)
}

pub(super) fn window_with_traces(traces: Vec<Loaded>, mode: Mode) -> Window {
    window_with(move |ctx| App::with_traces(ctx, traces, mode))
}

/// A window as the program opens it.
pub(super) fn window_on(options: Options) -> Window {
    window_of(options, Mode::AtOnce)
}

/// The same where jobs are done elsewhere.
pub(super) fn window_of(options: Options, mode: Mode) -> Window {
    window_with(move |ctx| App::new(ctx, options, Recent::default(), mode))
}

fn window_with(make: impl FnOnce(&egui::Context) -> App + 'static) -> Window {
    let mut make = Some(make);
    let mut window = Harness::builder().with_size([1400.0, 900.0]).build_ui_state(
        move |ui, app: &mut Option<App>| {
            let app = app.get_or_insert_with(|| make.take().expect("made once")(ui.ctx()));
            app.ui(ui);
        },
        None,
    );
    window.run_steps(3);
    window
}

pub(super) fn workspace(window: &mut Window) -> &mut Workspace {
    window.state_mut().as_mut().unwrap().workspace.as_mut().expect("a trace is open")
}

/// The trace that keys act on.
pub(super) fn document(window: &mut Window) -> &mut OpenTrace {
    let workspace = workspace(window);
    let id = workspace.active_id();
    &mut workspace.member_mut(id).unwrap().open
}

/// Where the window is in time. With one trace that is the time of its own clock.
pub(super) fn clock(window: &mut Window) -> &mut Clock {
    &mut workspace(window).clock
}

pub(super) fn panels(window: &mut Window) -> &mut Panels {
    let workspace = workspace(window);
    let id = workspace.active_id();
    &mut workspace.member_mut(id).unwrap().panels
}

/// Puts the playhead at a moment of the only trace.
pub(super) fn seek(window: &mut Window, moment: f64) {
    workspace(window).seek(TraceId(0), moment);
}

/// Brings the selected task of the only trace into view.
pub(super) fn show_selected(window: &mut Window) {
    workspace(window).show_selected(TraceId(0));
}

/// Draws until the thread that reads or records is done.
pub(super) fn wait_until_open(window: &mut Window) {
    let started = std::time::Instant::now();
    while window.state_mut().as_mut().unwrap().is_loading() {
        assert!(started.elapsed().as_secs() < 60, "the file is still being read");
        std::thread::yield_now();
        window.step();
    }
    window.run_steps(3);
}

pub(super) fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(3);
}

/// What a button puts into the clipboard.
pub(super) fn copied(window: &mut Window, button: &str) -> String {
    window.get_by_label(button).click();
    let text = (0..3).find_map(|_| {
        window.step();
        let commands = &window.output().platform_output.commands;
        commands.iter().find_map(|command| match command {
            egui::OutputCommand::CopyText(text) => Some(text.clone()),
            _ => None,
        })
    });
    text.expect("it is in the clipboard")
}

pub(super) fn press(window: &mut Window, key: egui::Key) {
    press_with(window, Modifiers::NONE, key);
}

pub(super) fn press_with(window: &mut Window, modifiers: Modifiers, key: egui::Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(2);
}

pub(super) fn click_at(window: &mut Window, pos: Pos2) {
    window.hover_at(pos);
    window.step();
    window.drag_at(pos);
    window.step();
    window.drop_at(pos);
    window.run_steps(3);
}

/// Where time runs from left to right, on the row of a worker.
pub(super) fn lane(window: &Window, worker: &str) -> Rect {
    let header = window.get_by_label(&format!("Lane {worker}")).rect();
    let timeline = window.get_by_label("Timeline").rect();
    Rect::from_x_y_ranges(header.right()..=timeline.right(), header.y_range())
}

/// A text that was painted, and the part of the window that it covers.
#[derive(Clone, Debug)]
pub(super) struct PaintedText {
    pub(super) text: String,
    pub(super) rect: Rect,
}

/// All texts that the last frame painted, of widgets and of plain shapes, without what a
/// filled rectangle was painted over later.
pub(super) fn painted_texts(window: &Window) -> Vec<PaintedText> {
    let mut texts = Vec::new();
    for clipped in &window.output().shapes {
        collect_texts(&clipped.shape, clipped.clip_rect, &mut texts);
    }
    texts
}

fn collect_texts(shape: &egui::Shape, clip: Rect, texts: &mut Vec<PaintedText>) {
    match shape {
        egui::Shape::Vec(shapes) => {
            shapes.iter().for_each(|shape| collect_texts(shape, clip, texts));
        }
        egui::Shape::Rect(shape) if shape.fill.is_opaque() => {
            let over = shape.rect.intersect(clip);
            *texts = texts.drain(..).flat_map(|text| uncovered(text, over)).collect();
        }
        egui::Shape::Text(shape) => {
            for row in &shape.galley.rows {
                // A row of wrapped widgets begins where the widget before it ends.
                let first = row.glyphs.first().map_or(0.0, |glyph| row.pos.x + glyph.pos.x);
                let rect = row.rect().with_min_x(first);
                let rect = rect.translate(shape.pos.to_vec2()).intersect(clip);
                if rect.is_positive() && !row.text().trim().is_empty() {
                    texts.push(PaintedText { text: row.text(), rect });
                }
            }
        }
        _ => {}
    }
}

/// What can still be seen of a text left and right of what covers it.
fn uncovered(text: PaintedText, over: Rect) -> Vec<PaintedText> {
    let middle = text.rect.shrink2(egui::vec2(0.0, 0.25 * text.rect.height()));
    let covers = over.y_range().contains(middle.top()) && over.y_range().contains(middle.bottom());
    if !covers || !over.intersects(text.rect) {
        return vec![text];
    }
    let left = text.rect.with_max_x(over.left());
    let right = text.rect.with_min_x(over.right());
    let parts = [left, right].into_iter().filter(|part| part.width() > 1.0);
    parts.map(|rect| PaintedText { rect, ..text.clone() }).collect()
}

/// A file that is dropped on the window.
#[derive(Debug)]
pub(super) struct Dropped(pub(super) PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}
