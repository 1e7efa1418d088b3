//! Files are read, and demos recorded, on a thread of their own: the window
//! goes on answering, and shows how far they are.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use taskscope_model::Trace;

use crate::document::{Document, Prepared};
use crate::trace_file::{self, ReadError};
use crate::{DemoEntry, RunDemo};

/// Something that will become an open trace.
pub(crate) struct Loading {
    /// What is happening, for the window.
    pub(crate) what: String,
    /// Whether the trace plays as soon as it is open.
    pub(crate) play: bool,
    /// What to look for once it is open.
    pub(crate) look_for: Option<String>,
    /// Up to [`DONE`]; 0 while nothing can be said.
    progress: Arc<AtomicU32>,
    outcome: Receiver<Result<Document, String>>,
}

const DONE: u32 = 1000;

impl Loading {
    /// Opens a file, and plays it at once if `play` says so.
    pub(crate) fn file(path: PathBuf, play: bool, ctx: &egui::Context) -> Self {
        let what = format!("Reading {}", path.display());
        Self::start(what, play, ctx, move |progress| read(&path, progress))
    }

    /// Records a demo and plays what it recorded.
    pub(crate) fn demo(demo: DemoEntry, run: RunDemo, ctx: &egui::Context) -> Self {
        let what = format!("Recording the demo {}", demo.name);
        let record = move |progress: &mut dyn FnMut(f32)| read(&run(&demo.name)?, progress);
        let look_for = Some(demo.look_for).filter(|text| !text.is_empty());
        Self { look_for, ..Self::start(what, true, ctx, record) }
    }

    fn start(
        what: String,
        play: bool,
        ctx: &egui::Context,
        work: impl FnOnce(&mut dyn FnMut(f32)) -> Result<Document, String> + Send + 'static,
    ) -> Self {
        let (sender, outcome) = channel();
        let progress = Arc::new(AtomicU32::new(0));
        let (shared, ctx) = (progress.clone(), ctx.clone());
        std::thread::spawn(move || {
            let result = work(&mut |part| {
                shared.store((part * DONE as f32) as u32, Ordering::Relaxed);
                ctx.request_repaint();
            });
            // The receiver is gone if the window was closed meanwhile.
            let _ = sender.send(result);
            ctx.request_repaint();
        });
        Self { what, play, look_for: None, progress, outcome }
    }

    /// How far it is, from 0 to 1; `None` while nothing can be said.
    pub(crate) fn progress(&self) -> Option<f32> {
        match self.progress.load(Ordering::Relaxed) {
            0 => None,
            part => Some(part as f32 / DONE as f32),
        }
    }

    /// What has come of it, once something has.
    pub(crate) fn outcome(&self) -> Option<Result<Document, String>> {
        match self.outcome.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(format!("{} ended unexpectedly; try again", self.what)))
            }
        }
    }
}

/// Reads a file into a document.
pub(crate) fn read(path: &Path, progress: &mut dyn FnMut(f32)) -> Result<Document, String> {
    let shown = path.display();
    let bytes = trace_file::read(path).map_err(|error| match error {
        ReadError::Read(error) => format!("{shown} cannot be read: {error}"),
        ReadError::Open(error) => format!("{shown}: {error}"),
    })?;
    let trace = Trace::load(&bytes, progress).map_err(|error| format!("{shown}: {error}"))?;
    let name = path.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into());
    Ok(Document::new(Prepared::new(trace), name, Some(path.to_owned())))
}
