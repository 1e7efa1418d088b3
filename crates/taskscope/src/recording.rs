//! Using a recording and finishing it.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::output::file::OutputFile;
use crate::output::flight::triggers::Dumper;
use crate::output::report::Report;
use crate::output::writer::Outcome;
use crate::sources::tracing::interest::CallsiteFilter;
use crate::sources::tracing::layer;
use crate::sources::tracing::subscriber::TaskSubscriber;
use crate::tracker::shared::Shared;
use crate::{Detail, Error};

/// A recording that is under way, from [`Recorder::start`](crate::Recorder::start) or
/// [`init`](crate::init).
///
/// Dropping it finishes the file, as [`finish`](Self::finish) does. So keep it
/// in a variable of `main` that lives as long as the program:
/// `let _recording = …`, and not `let _ = …`, which drops at once. A program
/// that ends without dropping it (by `std::process::exit`, or killed) leaves a
/// file that lacks at most the last 50 ms and opens all the same.
///
/// A recording that [`init`](crate::init) could not begin is *idle*: all its
/// methods can be called and do nothing.
#[derive(Debug)]
#[must_use = "a recording ends when it is dropped; keep it in a variable, as in `let _recording = …`"]
pub struct Recording {
    running: Option<Running>,
}

#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) callsites: CallsiteFilter,
    pub(crate) detail: Detail,
    /// Comes when the writer thread ends. (Locked, so that others can share the recording.)
    pub(crate) outcome: Mutex<Receiver<Outcome>>,
    /// The file; none for a flight recorder.
    pub(crate) target: Option<OutputFile>,
    /// For a flight recorder.
    pub(crate) dumper: Option<Dumper>,
}

impl Recording {
    pub(crate) fn new(running: Running) -> Self {
        Self { running: Some(running) }
    }

    /// A recording that records nothing.
    pub(crate) fn idle() -> Self {
        Self { running: None }
    }

    /// Whether it has come out that a filter hides Tokio's spans.
    #[cfg(test)]
    pub(crate) fn is_hidden(&self) -> bool {
        self.running.as_ref().is_some_and(|running| running.shared.is_hidden())
    }

    /// A layer for your own `tracing_subscriber::registry()`, beside `fmt`,
    /// `console_subscriber` or whatever else is there.
    ///
    /// It has a filter of its own: it sees the spans of Tokio's tasks and the
    /// events of their wakers, and nothing else, and the layers beside it see
    /// what they would without it. Give *them* their level filters with
    /// `with_filter`. A filter that stands in the registry as a layer
    /// (`registry().with(EnvFilter::…)`) holds for all layers, and keeps Tokio's
    /// spans, which have level `TRACE`, from this one too. The layer notices, and
    /// says so on stderr and in the trace.
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    ///
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// let recording = taskscope::Recorder::builder().file(path).start()?;
    /// tracing_subscriber::registry().with(recording.layer()).try_init()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// The layer alone tells spawns, visits, wakes and ends of tasks. Together
    /// with [`hooks`](Self::hooks) it tells polls exactly, and parks.
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        layer::layer(self.tracing_source())
    }

    /// A subscriber for programs that have no other: what
    /// [`init`](crate::init) sets globally.
    ///
    /// It tells what [`layer`](Self::layer) tells, for less, and is
    /// deaf to all that is not Tokio's.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// let recording = taskscope::Recorder::builder().file(path).start()?;
    /// tracing::dispatcher::set_global_default(recording.subscriber())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscriber(&self) -> tracing::Dispatch {
        self.tracing_source().map_or_else(tracing::Dispatch::none, |(shared, callsites)| {
            tracing::Dispatch::new(TaskSubscriber::new(shared, callsites))
        })
    }

    /// What records what `tracing` tells, if that is to be recorded.
    fn tracing_source(&self) -> Option<(Arc<Shared>, CallsiteFilter)> {
        let running = self.running.as_ref().filter(|running| running.detail == Detail::Full)?;
        Some((Arc::clone(&running.shared), running.callsites.clone()))
    }

    /// Puts the recorder's hooks on a runtime that is about to be built.
    ///
    /// These are `on_task_spawn`, `on_before_task_poll`, `on_after_task_poll`,
    /// `on_task_terminate`, `on_thread_park` and `on_thread_unpark`. A builder
    /// has room for one of each: those set before are replaced, and one set
    /// after this replaces the recorder's.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// # let recording = taskscope::Recorder::builder().file(path).start()?;
    /// let mut builder = tokio::runtime::Builder::new_multi_thread();
    /// recording.hooks(&mut builder);
    /// let runtime = builder.build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn hooks(&self, builder: &mut tokio::runtime::Builder) {
        self.named_hooks(builder, "");
    }

    /// As [`hooks`](Self::hooks), and gives the runtime a name in the trace.
    ///
    /// An empty name leaves the one that the runtime has from
    /// `tokio::runtime::Builder::name`, if any.
    pub fn named_hooks(&self, builder: &mut tokio::runtime::Builder, name: &str) {
        if let Some(running) = &self.running {
            crate::sources::hooks::install(&running.shared, builder, name.to_owned());
        }
    }

    /// Where the trace is being written, as an absolute path; `None` for an
    /// idle recording and for a flight recorder.
    pub fn path(&self) -> Option<&Path> {
        self.running.as_ref()?.target.as_ref().map(|target| &*target.path)
    }

    /// Writes what a [flight recorder](crate::FlightRecorder) keeps to a file of its own, and
    /// returns its path. See [`Dumper::dump`].
    ///
    /// # Errors
    /// [`Error::NoFlightRecorder`] for a recording that is none;
    /// [`Error::NotRecording`] for an idle one; [`Error::Create`] or
    /// [`Error::Write`] where there can be no file.
    pub fn dump(&self) -> Result<PathBuf, Error> {
        let running = self.running.as_ref().ok_or(Error::NotRecording)?;
        running.dumper.as_ref().ok_or(Error::NoFlightRecorder)?.dump()
    }

    /// A handle that makes dumps from anywhere in the program; `None` for a
    /// recording that is no [flight recorder](crate::FlightRecorder).
    ///
    /// For a signal handler of your own, say:
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// use taskscope::{FlightRecorder, Recorder};
    /// use tokio::signal::unix::{SignalKind, signal};
    ///
    /// let recording = Recorder::builder()
    /// #   .file(path)
    ///     .flight(FlightRecorder::new()).start()?;
    /// let dumper = recording.dumper();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let mut signals = signal(SignalKind::user_defined2())?;
    /// tokio::spawn(async move {
    ///     while let (Some(()), Some(dumper)) = (signals.recv().await, dumper.clone()) {
    ///         let dumped = tokio::task::spawn_blocking(move || dumper.dump()).await;
    ///         println!("{dumped:?}");
    ///     }
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn dumper(&self) -> Option<Dumper> {
        self.running.as_ref()?.dumper.clone()
    }

    /// Ends the recording, writes what is still to be written, and tells what
    /// came of it.
    ///
    /// The layer and the hooks stay where they are and do nothing from now on.
    /// Finish after the runtimes have been dropped, if you want to see their
    /// shutdown.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Deleted`] where not all could be written,
    /// [`Error::Stalled`] where the file has taken nothing for five seconds.
    /// What could be is in the file.
    pub fn finish(mut self) -> Result<Report, Error> {
        self.end()
    }

    fn end(&mut self) -> Result<Report, Error> {
        let Some(Running { shared, outcome, target, .. }) = self.running.take() else {
            return Ok(Report::default());
        };
        shared.close();
        let path = target.as_ref().map(|target| target.path.clone());
        // A process forked from the recorded one has no writer thread. There is nothing to
        // wait for, and nothing here that another thread may not have held at that moment.
        if shared.is_forked() {
            std::mem::forget((outcome, target));
            return Ok(Report { path, ..Report::default() });
        }
        let named = || path.clone().unwrap_or_default();
        let outcome = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
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

/// Both can be shared with all threads of a program.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Recording>();
    shared::<Dumper>();
};

impl Drop for Recording {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            crate::stderr::warn(&error);
        }
    }
}
