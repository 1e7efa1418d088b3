//! What the window says while it waits for a program to record: what it waits for, for how long
//! already, and what to check when nothing comes.

use std::time::{Duration, Instant};

use egui::{RichText, Ui};
use taskscope_model::meta;

use crate::code_text::with_code;
use crate::loading::Loading;
use crate::open_trace::OpenTrace;
use crate::session::Session;

/// What comes within this time was only slow.
const PATIENCE: Duration = Duration::from_secs(3);
/// The column of text, in points.
const WIDTH: f32 = 620.0;

/// How a program records itself.
const RECORDER: &str = "The program must have the recorder built in: `#[taskscope::main]` in place \
     of `#[tokio::main]`, or `let _recording = taskscope::init();` as the first line of `main`.";
const ANOTHER_FILE: &str = "The program may record to another file. It says where: with \
     `.file(…)`, with the environment variable `TASKSCOPE_FILE`, or by default to \
     `<program>-<pid>.tscope` in its current directory.";
const OFF: &str = "A recorder that is paused, or that keeps events in memory (a flight recorder, a \
     black box), writes no such file: look at `TASKSCOPE`, `TASKSCOPE_KEEP`, `TASKSCOPE_BLACK_BOX`.";
const UNSTABLE: &str = "Tokio emits task events only if the program is compiled with `--cfg \
     tokio_unstable`. Without it, single futures are recorded with `.recorded()`.";
const FILTER: &str = "A filter in front of the recorder's layer may hide Tokio's events; the \
     recorder says so on standard error.";
const NO_TASK: &str = "No task may have run yet.";

/// How long it has been waited, in whole seconds; a frame is asked for when that changes.
fn seconds(ui: &Ui, since: Instant) -> u64 {
    ui.ctx().request_repaint_after(Duration::from_millis(500));
    since.elapsed().as_secs()
}

fn checks(ui: &mut Ui, checks: &[&str]) {
    ui.weak("If nothing comes:");
    for check in checks {
        ui.add_space(6.0);
        let text = with_code(ui, check);
        ui.label(text);
    }
}

/// Under a file that is waited for: for how long, and what to check.
pub(crate) fn for_file(ui: &mut Ui, loading: &Loading) {
    let waited = seconds(ui, loading.begun);
    if waited < PATIENCE.as_secs() {
        return;
    }
    ui.weak(format!("for {waited} s already"));
    ui.add_space(12.0);
    column(ui, |ui| checks(ui, &[RECORDER, ANOTHER_FILE, OFF]));
}

/// While a command runs that has not recorded anything, and when it never has.
pub(crate) fn for_command(ui: &mut Ui, session: &Session) {
    ui.vertical_centered(|ui| {
        ui.add_space(0.3 * ui.available_height());
        let text = RichText::new(session.status().replace('`', "")).size(17.0);
        ui.label(text);
        ui.add_space(6.0);
        if session.has_ended() {
            ui.label("and has recorded nothing");
        } else {
            let waited = seconds(ui, session.begun());
            ui.weak(format!("and has recorded nothing yet, after {waited} s"));
            ui.add_space(10.0);
            ui.spinner();
        }
        ui.add_space(18.0);
        column(ui, |ui| checks(ui, &[RECORDER, ANOTHER_FILE, OFF]));
    });
}

/// While a trace that is followed has no poll: in place of its lanes.
pub(crate) fn for_poll(ui: &mut Ui, open: &OpenTrace, since: Instant) {
    let waited = seconds(ui, since);
    ui.label(RichText::new("Waiting for the first poll").size(18.0));
    ui.add_space(4.0);
    let path = open.path.as_ref().map(|path| path.display().to_string());
    let what = path.as_deref().unwrap_or(&open.name);
    let text = with_code(ui, &format!("`{what}` is followed, for {waited} s already."));
    ui.label(text);
    ui.add_space(10.0);
    let notice = open.trace().info().get(meta::NOTICE);
    let notice = notice.map(|notice| format!("The recorder reports: {notice}"));
    let notice: Vec<&str> = notice.as_deref().into_iter().collect();
    checks(ui, &[&notice[..], &[UNSTABLE, FILTER, NO_TASK]].concat());
}

/// A column of left-aligned text in the middle.
fn column(ui: &mut Ui, contents: impl FnOnce(&mut Ui)) {
    let width = ui.available_width().min(WIDTH);
    ui.allocate_ui_with_layout(
        egui::vec2(width, 0.0),
        egui::Layout::top_down(egui::Align::Min),
        contents,
    );
}
