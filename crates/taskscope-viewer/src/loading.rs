//! Files are read, and demos recorded, on a thread of their own: the window
//! goes on answering, and shows how far they are.
//!
//! Reading can be stopped at any time: the window forgets the [`Loading`] at once, which sets a
//! flag that the thread looks at between its steps. A step that cannot be interrupted is finished
//! there, and what it made is freed there too.
//!
//! A file that takes a while is shown before it has been read to its end: what has been read so
//! far, and newer snapshots of it in its place. A file that is read sooner comes whole, so that
//! nothing flickers; and so does one of which there is an index ([`crate::index_cache`]).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::{Duration, Instant};

use taskscope_model::{LoadError, Loader, Trace};

use crate::follow::{self, Reach};
use crate::index_cache::IndexCache;
use crate::jobs;
use crate::open_trace::{Loaded, TraceId};
use crate::session::Session;
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
    pub(crate) begun: Instant,
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
    /// The trace that shows what has been read so far.
    pub(crate) opened: Option<TraceId>,
    /// Whether it goes on until the recording is finished.
    pub(crate) follows: bool,
    /// Whether it is a recording of the command that the window was opened for.
    pub(crate) is_of_session: bool,
    news: Receiver<News>,
}

const DONE: u32 = 1000;
/// How often the window shows how far something has been read.
const BETWEEN_FRAMES: Duration = Duration::from_millis(100);

/// What comes of something that is read.
pub(crate) enum News {
    /// A part of the trace, to be opened. The rest is being read.
    Part(Box<Loaded>),
    /// A newer snapshot of the part that was opened.
    Newer(Arc<Trace>),
    /// All of it, where no part was opened before.
    Whole(Box<Loaded>),
    /// The part that was opened is the whole now.
    End,
    /// Another file has taken the place of the one that is followed.
    Again(Box<Loaded>),
    /// Why it cannot be read, or not to its end.
    Failed(String),
}

/// How soon and how often parts of a trace are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// What takes no longer than this is opened whole.
    pub(crate) first: Duration,
    /// So long after one snapshot the next is taken, at the earliest.
    pub(crate) every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        // The rest of 0.4 s is for the snapshot, and what is worked out for it.
        Self { first: Duration::from_millis(250), every: Duration::from_millis(500) }
    }
}

/// How a thread that reads says how far it is, and learns that it is to stop.
pub(crate) struct Progress {
    part: Arc<AtomicU32>,
    stop: Arc<AtomicBool>,
    ctx: egui::Context,
    news: Sender<News>,
}

impl Progress {
    /// How far it is, from 0 to 1.
    pub(crate) fn report(&self, part: f32) {
        // Nobody waits for a frame of what was stopped.
        if !self.is_stopped() {
            self.part.store((part * DONE as f32) as u32, Ordering::Relaxed);
            // Each frame takes time from what is read, most of all where there is no GPU.
            self.ctx.request_repaint_after(BETWEEN_FRAMES);
        }
    }

    /// Gives something to the window.
    pub(crate) fn send(&self, news: News) {
        // The receiver is gone if it was stopped, or the window closed meanwhile.
        let _ = self.news.send(news);
        self.ctx.request_repaint();
    }

    /// Whether nobody wants what is read any more.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// What a thread ends with that was stopped. It is not shown.
pub(crate) const STOPPED: &str = "stopped";

impl Loading {
    /// Opens a file, and plays it at once if `play` says so.
    ///
    /// Where there is an index of it in `indexes`, that is read in its place.
    pub(crate) fn file(
        path: PathBuf,
        play: bool,
        indexes: Option<IndexCache>,
        ctx: &egui::Context,
    ) -> Self {
        let what = format!("Reading {}", path.display());
        let read =
            move |progress: &Progress| read_at(&path, progress, Pace::default(), indexes.as_ref());
        Self::start(what, play, ctx, read)
    }

    /// Follows a file that is being written. `open` is the trace of it that is open already, and how
    /// far it reaches; `session` is the command that it belongs to, if it does.
    pub(crate) fn follow(
        path: PathBuf,
        open: Option<(TraceId, Reach)>,
        session: Option<Session>,
        ctx: &egui::Context,
    ) -> Self {
        let what = format!("Waiting for {} to be written", path.display());
        let reach = open.map(|(_, reach)| reach);
        let is_of_session = session.is_some();
        let work =
            move |progress: &Progress| follow::follow(&path, progress, reach, session.as_ref());
        let mut loading = Self::start(what, false, ctx, work);
        (loading.follows, loading.is_of_session) = (true, is_of_session);
        loading.opened = open.map(|(id, _)| id);
        loading
    }

    /// Whether a person waits for it: not for the end of what is followed.
    pub(crate) fn is_waited_for(&self) -> bool {
        !self.follows || self.opened.is_none()
    }

    /// Records a demo, and plays what it recorded if that is to be watched.
    pub(crate) fn demo(demo: DemoEntry, run: RunDemo, ctx: &egui::Context) -> Self {
        let what = format!("Recording the demo {}", demo.name);
        let record = move |progress: &Progress| read(&run(&demo.name)?, progress);
        let look_for = Some(demo.look_for).filter(|text| !text.is_empty());
        let mut loading = Self::start(what, !demo.is_sick, ctx, record);
        loading.look_for = look_for;
        loading
    }

    pub(crate) fn start(
        what: String,
        play: bool,
        ctx: &egui::Context,
        work: impl FnOnce(&Progress) -> Result<Option<Loaded>, String> + Send + 'static,
    ) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let id = LoadingId(NEXT.fetch_add(1, Ordering::Relaxed));
        let (sender, news) = channel();
        let progress = Arc::new(AtomicU32::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let report =
            Progress { part: progress.clone(), stop: stop.clone(), ctx: ctx.clone(), news: sender };
        std::thread::spawn(move || {
            report.send(match work(&report) {
                Ok(Some(loaded)) => News::Whole(Box::new(loaded)),
                Ok(None) => News::End,
                Err(error) => News::Failed(error),
            });
        });
        let placement = Placement::Beside;
        Self {
            id,
            begun: Instant::now(),
            what,
            play,
            look_for: None,
            placement,
            progress,
            stop,
            opened: None,
            follows: false,
            is_of_session: false,
            news,
        }
    }

    /// What is there as long as its thread works for it.
    #[cfg(test)]
    pub(crate) fn thread(&self) -> std::sync::Weak<AtomicBool> {
        Arc::downgrade(&self.stop)
    }

    /// How far it is, from 0 to 1; `None` while nothing can be said.
    pub(crate) fn progress(&self) -> Option<f32> {
        match self.progress.load(Ordering::Relaxed) {
            0 => None,
            part => Some(part as f32 / DONE as f32),
        }
    }

    /// What has come of it since the last call, if anything has.
    pub(crate) fn news(&self) -> Option<News> {
        match self.news.try_recv() {
            Ok(news) => Some(news),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(News::Failed(format!("{} ended unexpectedly; try again", self.what)))
            }
        }
    }

    /// What is happening, for the window.
    pub(crate) fn what(&self) -> String {
        match (self.opened, self.progress()) {
            (Some(_), Some(part)) => format!("{}: read up to {:.0} %", self.what, 100.0 * part),
            _ => format!("{}…", self.what),
        }
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Reads a file, and works out what the window needs of it; `None` if a part of it was opened
/// meanwhile, of which the last snapshot is the whole.
pub(crate) fn read(path: &Path, progress: &Progress) -> Result<Option<Loaded>, String> {
    read_at(path, progress, Pace::default(), None)
}

/// The same at another pace, and with indexes of what has been read before.
pub(crate) fn read_at(
    path: &Path,
    progress: &Progress,
    pace: Pace,
    indexes: Option<&IndexCache>,
) -> Result<Option<Loaded>, String> {
    let begun = Instant::now();
    let shown = path.display();
    let because = |error: LoadError| match error {
        LoadError::Read(error) => format!("{shown} cannot be read: {error}"),
        LoadError::Open(error) => format!("{shown}: {error}"),
    };
    let prepare = |trace: Trace| {
        let name = path.file_name();
        let name = name.map_or_else(|| shown.to_string(), |name| name.to_string_lossy().into());
        let work = Loaded::prepare(trace, name, Some(path.to_owned()));
        jobs::unless(work, || progress.is_stopped()).ok_or_else(|| STOPPED.to_owned())
    };
    let indexed = indexes.and_then(|indexes| indexes.find_unless(path, || progress.is_stopped()));
    if let Some(trace) = indexed {
        return prepare(trace).map(Some);
    }
    let begin = indexes.and_then(|indexes| Some((indexes, indexes.begin(path)?)));
    let source = trace_file::open(path).map_err(|error| match error {
        ReadError::Read(error) => because(LoadError::Read(error)),
        ReadError::Open(error) => because(LoadError::Open(error)),
    })?;
    let mut loader = Loader::new(source).map_err(because)?;
    let mut has_part = false;
    let mut next = begun + pace.first;
    loop {
        if progress.is_stopped() {
            return Err(STOPPED.to_owned());
        }
        let step = loader.step().map_err(because)?;
        progress.report(step.part);
        if step.is_done {
            break;
        }
        let now = Instant::now();
        if now < next {
            continue;
        }
        let trace = loader.snapshot();
        // No more than a tenth of the time is spent on what is shown meanwhile.
        next = now + pace.every.max(now.elapsed() * SHARE);
        if has_part {
            progress.send(News::Newer(Arc::new(trace)));
        } else if trace.poll_count() > 0 {
            has_part = true;
            progress.send(News::Part(Box::new(prepare(trace)?)));
        }
    }
    let whole = loader.finish();
    if has_part {
        let whole = Arc::new(whole);
        progress.send(News::Newer(whole.clone()));
        if let Some((indexes, begun)) = begin {
            indexes.keep(begun, whole);
        }
        return Ok(None);
    }
    prepare(whole).map(Some)
}

/// A snapshot may take such a part of the time that passes until the next.
const SHARE: u32 = 10;
