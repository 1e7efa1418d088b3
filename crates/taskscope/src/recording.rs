//! Using a recording and finishing it.

use std::path::PathBuf;

use tracing::Subscriber;
use tracing_subscriber::registry::LookupSpan;

use crate::output::report::Report;
use crate::schedule::{Keeper, Schedule};
use crate::sources::hooks::Hooks;
use crate::sources::tracing::layer::TaskLayer;
use crate::{Error, Recorder};

/// A recording that is under way, from [`RecorderBuilder::start`](crate::RecorderBuilder::start) or
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
    recorder: Recorder,
    keeper: Option<Keeper>,
}

impl Recording {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder, keeper: None }
    }

    /// Pauses and resumes by this schedule.
    pub(crate) fn keep(&mut self, schedule: &Schedule) -> Result<(), Error> {
        self.keeper = schedule.keep(&self.recorder)?;
        Ok(())
    }

    /// A recording that records nothing.
    pub(crate) fn idle() -> Self {
        Self::new(Recorder::idle())
    }

    /// A handle on the recorder, to be cloned and used anywhere in the program: to make a
    /// [dump](Recorder::dump), to [pause](Recorder::pause), or to name it for
    /// [`recorded_in`](crate::RecordExt::recorded_in).
    pub fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// A layer for your own `tracing_subscriber::registry()`, beside `fmt`,
    /// `console_subscriber` and others.
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
    /// The layer alone records spawns, visits, wakes and ends of tasks. Together
    /// with [`hooks`](Self::hooks) it records polls exactly, and parks.
    pub fn layer<S>(&self) -> TaskLayer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.recorder.layer()
    }

    /// A subscriber for programs that have no other: what
    /// [`init`](crate::init) sets globally.
    ///
    /// It records what [`layer`](Self::layer) records, at a lower cost, and ignores
    /// all that is not Tokio's.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// let recording = taskscope::Recorder::builder().file(path).start()?;
    /// tracing::dispatcher::set_global_default(recording.subscriber())?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn subscriber(&self) -> tracing::Dispatch {
        self.recorder.subscriber()
    }

    /// Puts the recorder's hooks on a runtime that is about to be built.
    ///
    /// These are `on_task_spawn`, `on_before_task_poll`, `on_after_task_poll`,
    /// `on_task_terminate`, `on_thread_park` and `on_thread_unpark`. A builder
    /// has room for one of each: those set before are replaced, and one set
    /// after this replaces the recorder's. If your program has hooks, see
    /// [`hook_set`](Self::hook_set).
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
        self.recorder.named_hooks(builder, name);
    }

    /// The hooks as functions, for a program that sets hooks of its own and calls these from
    /// them. See [`Hooks`].
    pub fn hook_set(&self) -> Hooks {
        self.recorder.hook_set()
    }

    /// Where the trace is being written, as an absolute path; `None` for an
    /// idle recording and for a flight recorder.
    pub fn path(&self) -> Option<PathBuf> {
        self.recorder.path()
    }

    /// Writes what a [flight recorder](crate::FlightConfig) keeps to a file of its own, and
    /// returns its path. See [`Recorder::dump`].
    ///
    /// From elsewhere in the program, such as a signal handler of your own, use a
    /// [handle](Self::recorder):
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// use taskscope::{FlightConfig, Recorder};
    /// use tokio::signal::unix::{SignalKind, signal};
    ///
    /// let recording = Recorder::builder()
    /// #   .file(path)
    ///     .flight(FlightConfig::new()).start()?;
    /// let recorder = recording.recorder();
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let mut signals = signal(SignalKind::user_defined2())?;
    /// tokio::spawn(async move {
    ///     while let Some(()) = signals.recv().await {
    ///         let recorder = recorder.clone();
    ///         let dumped = tokio::task::spawn_blocking(move || recorder.dump()).await;
    ///         println!("{dumped:?}");
    ///     }
    /// });
    /// # Ok::<(), std::io::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As for [`Recorder::dump`].
    pub fn dump(&self) -> Result<PathBuf, Error> {
        self.recorder.dump()
    }

    /// Ends the recording, writes what is still to be written, and returns what
    /// was recorded.
    ///
    /// The layer and the hooks stay where they are and do nothing from now on.
    /// Finish after the runtimes have been dropped, if you want to see their
    /// shutdown.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Deleted`] where not all could be written,
    /// [`Error::Stalled`] where the file has taken nothing for five seconds.
    /// What could be is in the file.
    pub fn finish(self) -> Result<Report, Error> {
        // Dropping it afterwards finds nothing to do.
        self.recorder.finish()
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Err(error) = self.recorder.finish() {
            crate::stderr::warn(&error);
        }
    }
}

/// Can be shared with all threads of a program.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Recording>();
};
