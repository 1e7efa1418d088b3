//! Saving the open trace elsewhere: what a demo recorded lies among temporary files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{Align2, Key, Role, TextEdit, Ui, WidgetInfo, Window};

use crate::code_text::with_code;
use crate::jobs::{Jobs, Running, pause};
use crate::marks::{Kept, MarkList, path_beside};
use crate::typed_path;

/// The window that asks where to.
pub(crate) struct SaveCopy {
    path: String,
    error: Option<String>,
    /// What the desktop's own dialog answers.
    dialog: Option<Receiver<Option<PathBuf>>>,
    opened: bool,
    /// The copy that is being made, and where.
    copying: Option<(PathBuf, Running<Copied>)>,
}

/// What lies beside the copy as its marks, or why there is no copy.
type Copied = Result<Option<Vec<u8>>, String>;

/// What became of it.
pub(crate) enum Outcome {
    /// The trace lies there now, with these bytes as its marks.
    Saved(PathBuf, Option<Vec<u8>>),
    /// The person changed their mind.
    Cancelled,
}

impl SaveCopy {
    /// Asks where to save a trace of this name; the current directory is proposed.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let path = folder.join(name).to_string_lossy().into_owned();
        Self { path, error: None, dialog: None, opened: false, copying: None }
    }

    /// Shows the window; `from` is the file that the open trace was read from, and `marks` its marks.
    pub(crate) fn show(
        &mut self,
        ui: &Ui,
        from: &Path,
        marks: &MarkList,
        jobs: &Jobs,
    ) -> Option<Outcome> {
        if let Some(result) = self.copying.as_ref().and_then(|(_, running)| running.outcome()) {
            let (to, _) = self.copying.take()?;
            match result {
                Ok(Ok(marks)) => return Some(Outcome::Saved(to, marks)),
                Ok(Err(error)) => self.error = Some(error),
                Err(()) => self.error = Some("The copy ended unexpectedly; try again.".to_owned()),
            }
        }
        match self.dialog.as_ref().map(|dialog| dialog.try_recv()) {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(Ok(Some(path))) => {
                self.path = path.to_string_lossy().into_owned();
                self.dialog = None;
            }
            Some(Ok(None) | Err(TryRecvError::Disconnected)) => self.dialog = None,
        }
        let mut outcome = None;
        Window::new("Save the trace as")
            .resizable(false)
            .collapsible(false)
            .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
            .show(ui, |ui| {
                ui.set_width(460.0_f32.min(ui.ctx().content_rect().width() - 40.0));
                let field = TextEdit::singleline(&mut self.path).desired_width(f32::INFINITY);
                let response = ui.add(field);
                let label = || WidgetInfo::labeled(Role::TextInput, true, "Path to save to");
                response.widget_info(label);
                if !std::mem::replace(&mut self.opened, true) {
                    response.request_focus();
                }
                if let Some(error) = &self.error {
                    let text = with_code(ui, error);
                    ui.label(text);
                }
                let entered = response.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                ui.horizontal(|ui| {
                    let is_ready = self.copying.is_none() && !self.path.trim().is_empty();
                    let save = ui.add_enabled(is_ready, egui::Button::new("Save"));
                    if is_ready && (save.clicked() || entered) {
                        let to = typed_path::parse(&self.path, typed_path::home().as_deref());
                        let (source, target) = (from.to_owned(), to.clone());
                        self.error = None;
                        let kept = marks.to_copy();
                        let work = async move { copy_with_marks(&source, kept, &target).await };
                        let running = jobs.start(false, work);
                        self.copying = Some((to, running));
                    }
                    if self.copying.is_some() {
                        ui.spinner();
                    }
                    if ui.button("Browse…").clicked() {
                        let path = PathBuf::from(&self.path);
                        self.dialog = Some(ask_for_path(ui.ctx(), path));
                    }
                    if ui.button("Cancel").clicked() || ui.input(|i| i.key_pressed(Key::Escape)) {
                        outcome = Some(Outcome::Cancelled);
                    }
                });
            });
        outcome
    }
}

/// What is to be a whole copy, and is taken away where it has not become one.
struct Part<'a>(Option<&'a Path>);

impl Drop for Part<'_> {
    fn drop(&mut self) {
        if let Some(path) = self.0 {
            // Half a copy would be taken for a whole one.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Copies a trace and its marks, and replaces no file; gives back what lies beside the copy.
async fn copy_with_marks(from: &Path, kept: Kept, to: &Path) -> Copied {
    let marks = kept.put_beside(to)?;
    let beside = path_beside(to);
    let mut part = Part(marks.as_ref().map(|_| &*beside));
    copy(from, to).await?;
    part.0 = None;
    Ok(marks)
}

/// Copies a trace, and replaces no file.
async fn copy(from: &Path, to: &Path) -> Result<(), String> {
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("{} exists already: choose another name.", to.display())
        }
        _ => format!("{} cannot be written: {error}. Choose another folder.", to.display()),
    };
    let mut source = File::open(from)
        .map_err(|error| format!("{} cannot be read any more: {error}.", from.display()))?;
    let mut target = OpenOptions::new().write(true).create_new(true).open(to).map_err(cannot)?;
    let mut part = Part(Some(to));
    const PIECE: u64 = 1 << 20;
    while io::copy(&mut (&mut source).take(PIECE), &mut target).map_err(cannot)? > 0 {
        pause().await;
    }
    target.sync_all().map_err(cannot)?;
    part.0 = None;
    Ok(())
}

/// Asks with the desktop's own dialog, on a thread of its own.
fn ask_for_path(ctx: &egui::Context, proposed: PathBuf) -> Receiver<Option<PathBuf>> {
    let (sender, receiver) = channel();
    let ctx = ctx.clone();
    std::thread::spawn(move || {
        let mut dialog = rfd::FileDialog::new()
            .set_title("Save the trace as")
            .add_filter("taskscope traces", &[taskscope_model::EXTENSION]);
        if let Some(folder) = proposed.parent() {
            dialog = dialog.set_directory(folder);
        }
        if let Some(name) = proposed.file_name() {
            dialog = dialog.set_file_name(name.to_string_lossy());
        }
        // The window may have been closed meanwhile.
        let _ = sender.send(dialog.save_file());
        ctx.request_repaint();
    });
    receiver
}
