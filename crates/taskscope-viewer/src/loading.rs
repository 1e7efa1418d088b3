//! Files are read, and demos recorded, on a thread of their own: the window
//! goes on answering, and shows how far they are.
//!
//! Reading can be stopped at any time: the window forgets the [`Loading`] at once, which sets a
//! flag that the thread looks at between its steps. A step that cannot be interrupted is finished
//! there, and what it made is freed there too.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use crate::jobs;
use crate::open_trace::Loaded;
use crate::trace_file::{self, ReadError};
use crate::{DemoEntry, RunDemo};

/// Names something that is being read, for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LoadingId(u32);

/// Files that are opened together, in place of what is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group(pub(crate) u32);

/// Where the trace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Placement {
    /// In place of what is open; beside the others of its group.
    InPlace(Group),
    /// Beside what is open.
    Beside,
}

/// Something that will become an open trace. To drop it is to stop it.
pub(crate) struct Loading {
    pub(crate) id: LoadingId,
    /// What is happening, for the window.
    pub(crate) what: String,
    /// Whether the trace plays as soon as it is open.
    pub(crate) play: bool,
    /// What to look for once it is open.
    pub(crate) look_for: Option<String>,
    pub(crate) placement: Placement,
    /// Up to [`DONE`]; 0 while nothing can be said.
    progress: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    outcome: Receiver<Result<Loaded, String>>,
}

const DONE: u32 = 1000;

/// How a thread that reads says how far it is, and learns that it is to stop.
pub(crate) struct Progress {
    part: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    ctx: egui::Context,
}

impl Progress {
    /// How far it is, from 0 to 1.
    pub(crate) fn report(&self, part: f32) {
        // Nobody waits for a frame of what was stopped.
        if !self.is_stopped() {
            self.part.store((part * DONE as f32) as u32, Ordering::Relaxed);
            self.ctx.request_repaint();
        }
    }

    /// Whether nobody wants what is read any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What a thread ends with that was stopped. It is not shown.
const STOPPED: &str = "stopped";

impl Loading {
    /// Opens a file, and plays it at once if `play` says so.
    pub(crate) fn file(path: PathBuf, play: bool, ctx: &egui::Context) -> Self {
        let what = format!("Reading {}", path.display());
        Self::start(what, play, ctx, move |progress| read(&path, progress))
    }

    /// Records a demo and plays what it recorded.
    pub(crate) fn demo(demo: DemoEntry, run: RunDemo, ctx: &egui::Context) -> Self {
        let what = format!("Recording the demo {}", demo.name);
        let record = move |progress: &Progress| read(&run(&demo.name)?, progress);
        let look_for = Some(demo.look_for).filter(|text| !text.is_empty());
        let mut loading = Self::start(what, true, ctx, record);
        loading.look_for = look_for;
        loading
    }

    pub(crate) fn start(
        what: String,
        play: bool,
        ctx: &egui::Context,
        work: impl FnOnce(&Progress) -> Result<Loaded, String> + Send + 'static,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = LoadingId(NEXT.fetch_add(1, Ordering::Relaxed));
        let (sender, outcome) = channel();
        let progress = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let report = Progress { part: progress.clone(), stop: stop.clone(), ctx: ctx.clone() };
        std::thread::spawn(move || {
            // The receiver is gone if it was stopped, or the window closed meanwhile.
            let _ = sender.send(work(&report));
            report.ctx.request_repaint();
        });
        let placement = Placement::Beside;
        Self { id, what, play, look_for: None, placement, progress, stop, outcome }
    }

    /// How far it is, from 0 to 1; `None` while nothing can be said.
    pub(crate) fn progress(&self) -> Option<f32> {
        match self.progress.load(Ordering::Relaxed) {
            0 => None,
            part => Some(part as f32 / DONE as f32),
        }
    }

    /// What has come of it, once something has.
    pub(crate) fn outcome(&self) -> Option<Result<Loaded, String>> {
        match self.outcome.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(format!("{} ended unexpectedly; try again", self.what)))
            }
        }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Reads a file, and works out what the window needs of it.
pub(crate) fn read(path: &Path, progress: &Progress) -> Result<Loaded, String> {
    let shown = path.display();
    let goes_on = |part| {
        progress.report(part);
        !progress.is_stopped()
    };
    let trace = trace_file::load(path, goes_on).map_err(|error| match error {
        ReadError::Read(error) => format!("{shown} cannot be read: {error}"),
        ReadError::Open(error) => format!("{shown}: {error}"),
    })?;
    let trace = trace.ok_or_else(|| STOPPED.to_owned())?;
    let name = path.file_name().map_or_else(|| shown.to_string(), |n| n.to_string_lossy().into());
    let work = Loaded::prepare(trace, name, Some(path.to_owned()));
    jobs::unless(work, || progress.is_stopped()).ok_or_else(|| STOPPED.to_owned())
}
