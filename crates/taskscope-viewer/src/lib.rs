//! The taskscope window: timelines and replay of a recorded Tokio program.
//!
//! [`run`] opens it; [`render`] draws the same window as a picture, on a machine
//! with neither GPU nor display:
//!
//! ```
//! use taskscope_model::Trace;
//! use taskscope_viewer::{RenderOptions, render};
//!
//! # use taskscope_format::FileWriter;
//! # let file = FileWriter::new(Vec::new(), 0)?.finish()?;
//! let trace = Trace::from_bytes(&file)?;
//! let options = RenderOptions { size: [400, 300], ..RenderOptions::default() };
//! let png = render(trace, "a.tscope", &options)?;
//! assert!(png.starts_with(b"\x89PNG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Inside, a `Workspace` has the open traces on one axis of time, with one playhead and one view,
//! and the panels that show them. A panel reads what it shows through a `Context`, changes
//! nothing, and sends commands; it knows nothing of the other panels.

// A library says nothing by itself: what it has to say it gives back.
#![cfg_attr(not(test), deny(clippy::print_stdout, clippy::print_stderr, clippy::dbg_macro))]

mod app;
mod bars;
pub mod bench;
mod busy;
mod clock;
mod code_text;
mod command;
mod comparison;
mod context;
mod cut_text;
mod editor;
mod empty;
mod execute;
mod film;
mod follow;
mod following;
mod headless;
mod help;
mod index_cache;
mod inspector;
mod jobs;
mod keys;
mod labels;
mod lesson;
mod link;
mod loading;
mod marks;
mod measure;
mod menus;
mod notices;
mod open_trace;
mod overview;
mod panels;
mod prepared;
mod present;
mod raster;
mod receive;
mod recent;
mod record_own;
mod render;
mod replay;
mod said;
mod save_copy;
mod search;
mod session;
mod settings;
mod stage;
mod table;
mod task_polls;
mod theme;
pub mod time;
mod time_view;
mod timeline;
pub mod trace_file;
mod transport;
mod typed_path;
mod waiting;
mod way;
mod welcome;
mod workspace;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;

use jobs::Mode;

pub use egui::Theme;
pub use film::{Film, FilmOptions, FilmPace, Picture};
pub use index_cache::IndexCache;
pub use lesson::{LessonEntry, LessonParameter, LessonTitle, Lessons, OpenLesson, RunLesson};
pub use link::Spot;
pub use render::{RenderError, RenderOptions, render, render_beside, render_lesson};
pub use session::{Recordings, Session};

/// Records the demo of that name and returns the file, or says why it couldn't.
///
/// Called on a thread of its own.
pub type RunDemo = Arc<dyn Fn(&str) -> Result<PathBuf, String> + Send + Sync>;

/// A demo that the welcome page offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemoEntry {
    /// What it is called, and what [`RunDemo`] is called with.
    pub name: String,
    /// What there is to see, in a sentence.
    pub description: String,
    /// What to look for once it is recorded, in a sentence; the window shows it.
    pub look_for: String,
    /// Whether something is wrong with it, to be found: it opens on the lanes, and stands still.
    pub is_sick: bool,
}

/// What the window opens with.
#[derive(Clone, Default)]
pub struct Options {
    /// Files to open at once, side by side; the welcome page where there is none.
    pub files: Vec<PathBuf>,
    /// Where the first of them is opened; where it is most to be seen, if it is empty.
    pub spot: Spot,
    /// Whether they are followed as they grow, from when they are there.
    pub follow: bool,
    /// A command that runs meanwhile: its recordings join as they appear, each as a trace of its
    /// own, aligned by wall clock.
    pub session: Option<Session>,
    /// Whether they play as soon as they are open. Demos that are recorded
    /// from the welcome page do.
    pub play: bool,
    /// What to look for in them, in a sentence; the window shows it.
    pub look_for: Option<String>,
    /// The demos that the welcome page offers.
    pub demos: Vec<DemoEntry>,
    /// How to record one of them.
    pub run_demo: Option<RunDemo>,
    /// The lessons that the window offers.
    pub lessons: Option<Lessons>,
    /// A lesson to open at once, in place of files.
    pub lesson: Option<LessonEntry>,
    /// Whether the window begins in presenter mode.
    pub present: bool,
    /// Where indexes are kept of files that took long to open; none are where this is `None`.
    pub indexes: Option<IndexCache>,
}

/// Why the window could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// There is no display to open it on.
    #[error("no window can be opened: {missing}")]
    NoDisplay {
        /// What is missing.
        missing: String,
    },
    /// The display is there, and the window could not be opened all the same.
    #[error("no window can be opened: {reason}")]
    Window {
        /// Why, in a sentence.
        reason: String,
        /// What the windowing library reported.
        source: eframe::Error,
    },
}

impl From<eframe::Error> for ViewError {
    fn from(source: eframe::Error) -> Self {
        let display = ["WAYLAND_DISPLAY", "DISPLAY"].into_iter().find_map(|name| {
            let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
            Some((name, value))
        });
        Self::Window { reason: reason(&source.to_string(), display), source }
    }
}

/// Why no window could be opened: the message of the windowing library without the place in
/// its own source that it begins with, and the display that was tried.
fn reason(message: &str, display: Option<(&str, String)>) -> String {
    let in_source = message.rfind(".rs:").and_then(|at| message[at..].find(": ").map(|to| at + to));
    let message = in_source.map_or(message, |end| &message[end + 2..]).trim_end_matches('.');
    match display {
        Some((name, value)) => {
            format!("{message} (the display is `{value}`, as {name} says; is it running?)")
        }
        None => message.to_owned(),
    }
}

/// What is missing for a window, if anything is.
pub fn display_missing() -> Option<String> {
    if !cfg!(all(unix, not(target_os = "macos"))) {
        return None;
    }
    const NAMES: [&str; 3] = ["DISPLAY", "WAYLAND_DISPLAY", "WAYLAND_SOCKET"];
    let set =
        |name| std::env::var_os(name).is_some_and(|value: std::ffi::OsString| !value.is_empty());
    if NAMES.into_iter().any(set) {
        return None;
    }
    Some("this machine has no display (neither DISPLAY nor WAYLAND_DISPLAY is set)".to_owned())
}

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// [`ViewError`] where no window can be opened.
pub fn run(options: Options) -> Result<(), ViewError> {
    if let Some(missing) = display_missing() {
        return Err(ViewError::NoDisplay { missing });
    }
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_app_id("taskscope")
            .with_title("taskscope")
            .with_icon(icon())
            .with_inner_size([1600.0, 1000.0])
            .with_min_inner_size([560.0, 380.0]),
        ..eframe::NativeOptions::default()
    };
    let indexes = options.indexes.clone();
    let result = eframe::run_native(
        "taskscope",
        native,
        Box::new(|creation| {
            let recent = recent::Recent::load(recent::Recent::default_file());
            let ctx = &creation.egui_ctx;
            let mut app = app::App::new(ctx, options, recent, Mode::of_this_machine());
            let settings = settings::Settings::load(settings::Settings::default_file());
            app.take_on(ctx, settings);
            Ok(Box::new(Window(app)))
        }),
    );
    // Whoever closes the window does not wait for what is only to save time.
    if let Some(indexes) = indexes {
        indexes.close();
    }
    Ok(result?)
}

/// The window's icon. A window without one is still a window.
fn icon() -> egui::IconData {
    let png = include_bytes!("../assets/icon.png");
    eframe::icon_data::from_png_bytes(png).unwrap_or_default()
}

/// The app as eframe wants it.
struct Window(app::App);

impl eframe::App for Window {
    fn ui(&mut self, ui: &mut egui::Ui, _: &mut eframe::Frame) {
        self.0.ui(ui);
        if ui.input(|input| input.viewport().close_requested()) {
            self.0.keep_settings(ui.ctx());
        }
        profiling::finish_frame!();
    }
}

#[cfg(test)]
mod reason_tests {
    use super::reason;

    #[test]
    fn no_path_of_a_librarys_source_is_shown() {
        let message = "winit EventLoopError: os error at /home/x/.cargo/registry/src/winit/src/\
                       mod.rs:788: Failed to open connection to X server.";
        assert_eq!(
            reason(message, Some(("DISPLAY", ":7".to_owned()))),
            "Failed to open connection to X server (the display is `:7`, as DISPLAY says; is it \
             running?)"
        );
        assert_eq!(reason("no OpenGL", None), "no OpenGL");
    }
}
