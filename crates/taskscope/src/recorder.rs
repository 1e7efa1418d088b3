//! A recorder: the handle by which a program reaches its recording.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use taskscope_format::FileWriter;
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::registry::LookupSpan;

use crate::builder::RecorderBuilder;
use crate::output::black_box::area::BlockArea;
use crate::output::black_box::{self, BlackBoxConfig, NewBox};
use crate::output::file::{DumpFiles, OutputFile, program_name};
use crate::output::flight::FlightConfig;
use crate::output::flight::sink::FlightSink;
use crate::output::flight::triggers::{self, Dumper};
use crate::output::report::Report;
use crate::output::writer::{Outcome, Sink, Writer, describe_process};
use crate::sources::hooks::Hooks;
use crate::sources::tracing::interest::CallsiteFilter;
use crate::sources::tracing::layer::TaskLayer;
use crate::sources::tracing::subscriber::TaskSubscriber;
use crate::stream::clock::Clock;
use crate::tracker::active_recordings;
use crate::tracker::shared::Shared;
use crate::tracker::slot::Slot;
use crate::{Detail, Error};

/// A handle on a recorder, from [`Recording::recorder`](crate::Recording::recorder).
///
/// Cheap to clone and to hand around. It makes layers and hooks, dumps, pauses and resumes from
/// anywhere in the program, and names the recorder for
/// [`recorded_in`](crate::RecordExt::recorded_in). It does not keep the recording going: that
/// ends with its [`Recording`](crate::Recording).
///
/// The handle of an idle recording can be used like any other, and records nothing.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Option<Arc<Inner>>,
}

/// A recorder that may be gone.
#[derive(Debug)]
pub(crate) struct WeakRecorder(Weak<Inner>);

impl WeakRecorder {
    pub(crate) fn upgrade(&self) -> Option<Recorder> {
        let inner = self.0.upgrade().filter(|inner| !inner.is_finished.load(Ordering::Acquire))?;
        Some(Recorder { inner: Some(inner) })
    }
}

#[derive(Debug)]
struct Inner {
    slot: Arc<Slot>,
    callsites: CallsiteFilter,
    settings: Settings,
    /// How many stretches there have been.
    stretches: AtomicU32,
    stretch: Mutex<Option<Stretch>>,
    /// Held by the thread that ends a stretch. Another one that ends the recording, and then
    /// perhaps the process, waits until that file is complete.
    ending: Mutex<()>,
    /// The [`Recording`](crate::Recording) is gone.
    is_finished: AtomicBool,
}

/// Where stretches go.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) file: Option<PathBuf>,
    pub(crate) flight: Option<FlightConfig>,
    pub(crate) black_box: Option<BlackBoxConfig>,
    /// When the first stretch with a black box began, since 1970.
    pub(crate) first_box_ns: OnceLock<u64>,
}

/// A stretch of recording that is under way.
#[derive(Debug)]
struct Stretch {
    shared: Arc<Shared>,
    /// Comes when the writer thread ends.
    outcome: Receiver<Outcome>,
    /// The file, or the black box; none for a flight recorder without one.
    file: Option<OutputFile>,
    /// For a flight recorder.
    dumper: Option<Dumper>,
}

impl Recorder {
    /// Begins to set up a recorder.
    pub fn builder() -> RecorderBuilder {
        RecorderBuilder::default()
    }

    pub(crate) fn new(slot: Arc<Slot>, callsites: CallsiteFilter, settings: Settings) -> Self {
        Self {
            inner: Some(Arc::new(Inner {
                slot,
                callsites,
                settings,
                stretches: AtomicU32::new(0),
                stretch: Mutex::new(None),
                ending: Mutex::new(()),
                is_finished: AtomicBool::new(false),
            })),
        }
    }

    pub(crate) fn downgrade(&self) -> WeakRecorder {
        WeakRecorder(self.inner.as_ref().map(Arc::downgrade).unwrap_or_default())
    }

    /// A recorder that records nothing.
    pub(crate) fn idle() -> Self {
        Self { inner: None }
    }

    pub(crate) fn slot(&self) -> Option<Arc<Slot>> {
        self.inner.as_ref().map(|inner| Arc::clone(&inner.slot))
    }

    /// See [`Recording::layer`](crate::Recording::layer).
    pub fn layer<S>(&self) -> TaskLayer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let source = self.tracing_source();
        if let Some((slot, _)) = &source {
            slot.set_up.layer.note();
        }
        TaskLayer::new(source)
    }

    /// See [`Recording::subscriber`](crate::Recording::subscriber).
    pub fn subscriber(&self) -> Dispatch {
        self.tracing_source().map_or_else(Dispatch::none, |(slot, callsites)| {
            slot.set_up.subscriber.note();
            Dispatch::new(TaskSubscriber::new(slot, callsites))
        })
    }

    /// What records what `tracing` reports, if that is to be recorded.
    fn tracing_source(&self) -> Option<(Arc<Slot>, CallsiteFilter)> {
        let inner = self.inner.as_ref().filter(|inner| inner.slot.detail == Detail::Full)?;
        Some((Arc::clone(&inner.slot), inner.callsites.clone()))
    }

    /// See [`Recording::hooks`](crate::Recording::hooks).
    pub fn hooks(&self, builder: &mut tokio::runtime::Builder) {
        self.named_hooks(builder, "");
    }

    /// See [`Recording::named_hooks`](crate::Recording::named_hooks).
    pub fn named_hooks(&self, builder: &mut tokio::runtime::Builder, name: &str) {
        Hooks::new(self.slot(), name).install(builder);
    }

    /// See [`Recording::hook_set`](crate::Recording::hook_set).
    pub fn hook_set(&self) -> Hooks {
        Hooks::new(self.slot(), "")
    }

    /// Where the trace of the present stretch is being written, as an absolute path; `None` for
    /// an idle or paused recorder and for a flight recorder.
    pub fn path(&self) -> Option<PathBuf> {
        let inner = self.inner.as_ref().filter(|inner| !inner.slot.is_forked())?;
        inner.stretch().as_ref()?.file.as_ref().map(|file| file.path.clone())
    }

    /// Whether a stretch is being recorded now.
    pub fn is_recording(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.slot.is_open())
    }

    /// Writes what a [flight recorder](FlightConfig) keeps to a file of its own, up to this
    /// moment, and returns its path.
    ///
    /// It waits until the file is there: some 0.1 s for 64 MB, and longer on a slow disk. In
    /// asynchronous code call it by `tokio::task::spawn_blocking`. Each caller gets a dump of
    /// its own, also if several call at once.
    ///
    /// # Errors
    /// [`Error::NoFlightRecorder`] if this recorder writes all it has to its file;
    /// [`Error::NotRecording`] if it is idle, paused or finished, or in a process that was
    /// forked; [`Error::Create`] or [`Error::Write`] if the file cannot be written.
    pub fn dump(&self) -> Result<PathBuf, Error> {
        let inner = self.inner.as_ref().ok_or(Error::NotRecording)?;
        if inner.slot.is_forked() {
            return Err(Error::NotRecording);
        }
        if inner.settings.flight.is_none() {
            return Err(Error::NoFlightRecorder);
        }
        let dumper = inner.stretch().as_ref().and_then(|stretch| stretch.dumper.clone());
        dumper.ok_or(Error::NotRecording)?.dump()
    }

    /// Ends the present stretch and completes its file. What happens from now on is not
    /// recorded, until [`resume`](Self::resume).
    ///
    /// It waits until the file is complete, as [`Recording::finish`](crate::Recording::finish)
    /// does, and returns the same report. Where nothing is being recorded, the report is empty.
    ///
    /// While it is paused, a recorder costs each poll hook two loads. It takes no
    /// interest in Tokio's spans, so that a task which is spawned now has none: in a later stretch it has
    /// polls, and neither a name nor wakes. A task that was spawned before has them again.
    ///
    /// # Errors
    /// As for [`Recording::finish`](crate::Recording::finish).
    pub fn pause(&self) -> Result<Report, Error> {
        let Some(inner) = &self.inner else { return Ok(Report::default()) };
        if !inner.slot.is_forked() && inner.slot.set_wants_spans(false) {
            tracing::callsite::rebuild_interest_cache();
        }
        inner.end_stretch(true)
    }

    /// Begins a stretch, with a file of its own, if the recorder is paused.
    ///
    /// The first stretch has the [file](RecorderBuilder::file) that the recorder was given, and
    /// later ones are called after it and numbered: `app.tscope`, `app-2.tscope`. In a later
    /// stretch the trace knows of a task that is older only what hooks and spans report from
    /// now on.
    ///
    /// # Errors
    /// As for [`RecorderBuilder::start`]; [`Error::NotRecording`] if the recording has been
    /// finished or is idle.
    pub fn resume(&self) -> Result<(), Error> {
        let inner = self.inner.as_ref().ok_or(Error::NotRecording)?;
        if inner.slot.is_forked() || inner.is_finished.load(Ordering::Acquire) {
            return Err(Error::NotRecording);
        }
        self.begin_stretch()?;
        if inner.slot.set_wants_spans(true) {
            tracing::callsite::rebuild_interest_cache();
        }
        Ok(())
    }

    /// How many stretches there have been, with the one under way.
    pub(crate) fn stretch_number(&self) -> u32 {
        self.inner.as_ref().map_or(0, |inner| inner.stretches.load(Ordering::Relaxed))
    }

    pub(crate) fn begin_paused(&self) {
        if let Some(inner) = &self.inner {
            inner.slot.set_wants_spans(false);
            active_recordings::register(&inner.slot);
        }
    }

    /// Begins a stretch, unless one is under way.
    pub(crate) fn begin_stretch(&self) -> Result<(), Error> {
        let Some(inner) = &self.inner else { return Ok(()) };
        let mut stretch = inner.stretch();
        if stretch.is_none() {
            *stretch = Some(inner.begin_stretch()?);
            active_recordings::register(&inner.slot);
        }
        Ok(())
    }

    /// Ends the recording for good.
    pub(crate) fn finish(&self) -> Result<Report, Error> {
        let Some(inner) = &self.inner else { return Ok(Report::default()) };
        inner.is_finished.store(true, Ordering::Release);
        if !inner.slot.is_forked() {
            active_recordings::unregister(&inner.slot);
        }
        inner.end_stretch(false)
    }

    /// Whether it has come out that a filter hides Tokio's spans.
    #[cfg(test)]
    pub(crate) fn is_hidden(&self) -> bool {
        self.slot().and_then(|slot| slot.shared()).is_some_and(|shared| shared.is_hidden())
    }
}

impl Inner {
    fn stretch(&self) -> MutexGuard<'_, Option<Stretch>> {
        self.stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin_stretch(&self) -> Result<Stretch, Error> {
        let number = self.stretches.load(Ordering::Relaxed) + 1;
        let program = program_name();
        let clock = Clock::start();
        let started_unix_ns = clock.started_unix_ns;
        let detail = self.slot.detail;
        let boxed = self.settings.begin_box(&program, started_unix_ns, number)?;
        let (boxed, area) = boxed.unzip();
        let rings = area.as_ref().map(BlockArea::rings);
        let set_up = Arc::clone(&self.slot.set_up);
        let shared = Arc::new(Shared::with_rings(clock, detail, set_up, rings));
        if number > 1 {
            // Those that were spawned while the recorder was paused.
            shared.note_spanless();
        }
        let path = self.settings.file.clone();
        let (sink, file, dumper) = match &self.settings.flight {
            None => {
                let (target, file) = OutputFile::create(path, &program, number)?;
                let file = FileWriter::new(file, started_unix_ns)
                    .map_err(|source| Error::Create { path: target.path.clone(), source })?;
                (Sink::File(file), Some(target), None)
            }
            Some(flight) => {
                let beside = boxed.as_ref().map(|boxed| boxed.path.clone());
                let files = DumpFiles::new(path.or(beside), &program)?;
                let (requests, receiver) = channel();
                let installed = triggers::install(&shared, flight)?;
                let sink =
                    FlightSink::new(flight, files, started_unix_ns, receiver, installed, area);
                let dumper = Dumper::new(Arc::clone(&shared), requests);
                (Sink::Flight(Box::new(sink)), boxed, Some(dumper))
            }
        };
        let meta = describe_process(&program, detail);
        let writer = Writer::begin(Arc::clone(&shared), detail, sink, meta).map_err(|source| {
            let path = file.as_ref().map(|file| file.path.clone()).unwrap_or_default();
            Error::Create { path, source }
        })?;
        let (sender, outcome) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("taskscope-writer".to_owned())
            .spawn(move || writer.run(&sender))
            .map_err(|source| Error::Thread { source })?;
        shared.writer_is(thread.thread().clone());
        self.stretches.store(number, Ordering::Relaxed);
        self.slot.open(Arc::clone(&shared));
        Ok(Stretch { shared, outcome, file, dumper })
    }

    /// `is_paused`: there may be another one.
    fn end_stretch(&self, is_paused: bool) -> Result<Report, Error> {
        // A process forked from the recorded one has no writer thread. There is nothing to
        // wait for, and nothing here that another thread may not have held at that moment.
        if self.slot.is_forked() {
            self.slot.close();
            return Ok(Report::default());
        }
        let _ending = self.ending.lock().unwrap_or_else(PoisonError::into_inner);
        // Not in the condition: no one else shall wait for the lock while this one waits for a disk.
        let stretch = self.stretch().take();
        let Some(Stretch { shared, outcome, file, .. }) = stretch else {
            return Ok(Report::default());
        };
        if is_paused {
            shared.is_paused.note();
        }
        self.slot.close();
        shared.close();
        let path = file.as_ref().map(|file| file.path.clone());
        let named = || path.clone().unwrap_or_default();
        let outcome = match wait(&shared, &outcome) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => return Err(Error::Stalled { path: named() }),
            Err(RecvTimeoutError::Disconnected) => {
                let source = std::io::Error::other("the writer thread panicked");
                return Err(Error::Write { path: named(), source, lost_bytes: 0 });
            }
        };
        if let Some(source) = outcome.error {
            return Err(Error::Write { path: named(), source, lost_bytes: outcome.lost });
        }
        if let Some(error) = outcome.dumps.error {
            return Err(error);
        }
        if let Some(path) = path.clone().filter(|path| !path.exists()) {
            return Err(Error::Deleted { path });
        }
        Ok(Report {
            path,
            dumps: outcome.dumps.paths,
            bytes: outcome.written,
            dropped_events: outcome.drops.iter().map(|drops| drops.events).sum(),
            drops: outcome.drops,
        })
    }
}

impl Settings {
    /// Makes the file of the black box, if there is to be one.
    fn begin_box(
        &self,
        program: &str,
        started_unix_ns: u64,
        stretch: u32,
    ) -> Result<Option<(OutputFile, BlockArea)>, Error> {
        let (Some(config), Some(flight)) = (&self.black_box, &self.flight) else { return Ok(None) };
        let bytes = config.bytes.unwrap_or(flight.bytes as u64);
        let since = *self.first_box_ns.get_or_init(|| started_unix_ns);
        let process = NewBox { program, started_unix_ns, stretch, recorder_since_ns: since };
        black_box::create(config, bytes, &process).map(Some)
    }
}

/// For how long a file may take nothing before a recording is ended without it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for the writer thread as long as it gets on. A disk that is gone (a network's, say)
/// must not keep a program from ending.
fn wait(shared: &Shared, outcome: &Receiver<Outcome>) -> Result<Outcome, RecvTimeoutError> {
    loop {
        let before = shared.blocks();
        match outcome.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) if shared.blocks() != before => {}
            end => return end,
        }
    }
}

/// Can be shared with all threads of a program.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Recorder>();
};
