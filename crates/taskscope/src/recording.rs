//! Starting a recording, using it, finishing it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;
use crate::layer;
use crate::shared::Shared;
use crate::subscriber::TaskSubscriber;
use crate::target::{Target, program_name};
use crate::wanted::{self, Wanted};
use crate::writer::{Outcome, Writer, describe_process};
use crate::{Detail, Error, running};

/// Sets up a [`Recording`].
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.tscope");
/// let recording = taskscope::Recorder::builder().file(path).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a recorder does nothing until it is started"]
pub struct Recorder {
    file: Option<PathBuf>,
    detail: Option<Detail>,
    targets: Option<Targets>,
}

impl Recorder {
    /// A recorder with nothing set.
    pub fn builder() -> Self {
        Self::default()
    }

    /// Where the trace goes. A file that is there is replaced.
    ///
    /// Without this it goes where the environment variable `TASKSCOPE_FILE`
    /// says, and without that to `<program>-<pid>.tscope` in the current
    /// directory, or a name beside it where that is taken.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// How much is recorded.
    ///
    /// Without this it is what the environment variable `TASKSCOPE_DETAIL` says
    /// (`full` or `polls`), and without that [`Detail::Full`].
    pub fn detail(mut self, detail: Detail) -> Self {
        self.detail = Some(detail);
        self
    }

    /// Records spans and events of the program's own along with Tokio's, for these
    /// targets: then a request's span shows over the polls that served it, and what
    /// the program said stands where it was said.
    ///
    /// ```
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.tscope");
    /// let targets = "my_app=debug,tower_http=info".parse()?;
    /// let recording = taskscope::Recorder::builder().targets(targets).file(path).start()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Texts are cut after 1 KiB. [`Detail::Polls`] leaves `tracing` out, and so
    /// these.
    ///
    /// Without this it is what the environment variable `TASKSCOPE_TARGETS` says, in
    /// the same words, and without that none.
    pub fn targets(mut self, targets: Targets) -> Self {
        self.targets = Some(targets);
        self
    }

    /// Makes the file and starts the thread that writes it.
    ///
    /// Nothing is recorded yet: events come from [`Recording::layer`] and
    /// [`Recording::hooks`], and from futures that are
    /// [`recorded`](crate::Record::recorded) from now on. In a program built
    /// without `--cfg tokio_unstable` these last are all there is, and the trace
    /// says so.
    ///
    /// # Errors
    /// [`Error::Create`] or [`Error::InUse`] where the file cannot be had,
    /// [`Error::UnknownDetail`] where the environment asks for what there isn't.
    pub fn start(self) -> Result<Recording, Error> {
        let detail = self.detail.map_or_else(Detail::from_environment, Ok)?;
        let targets = self.targets.map_or_else(wanted::from_environment, |own| Ok(Some(own)))?;
        let program = program_name();
        let (target, file) = Target::create(self.file, &program)?;
        let clock = Clock::start();
        let started_unix_ns = clock.started_unix_ns;
        let shared = Arc::new(Shared::new(clock));
        let meta = describe_process(&program);
        let writer = Writer::begin(Arc::clone(&shared), file, started_unix_ns, meta)
            .map_err(|source| Error::Create { path: target.path.clone(), source })?;
        let thread = std::thread::Builder::new()
            .name("taskscope-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(Error::Thread)?;
        shared.writer_is(thread.thread().clone());
        running::begun(&shared, detail);
        let process = std::process::id();
        let wanted = Wanted::new(targets);
        Ok(Recording { running: Some(Running { shared, wanted, detail, thread, target, process }) })
    }
}

/// A recording that is under way, from [`Recorder::start`] or
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
struct Running {
    shared: Arc<Shared>,
    wanted: Wanted,
    detail: Detail,
    thread: JoinHandle<Outcome>,
    target: Target,
    process: u32,
}

/// What came of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The trace file; `None` for an idle recording.
    pub path: Option<PathBuf>,
    /// Bytes of events in the file.
    pub bytes: u64,
    /// Events that were dropped because they came faster than they could be
    /// written. The file tells where they are missing.
    pub dropped_events: u64,
}

impl Recording {
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
        layer::layer(self.listened_to())
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
        self.listened_to().map_or_else(tracing::Dispatch::none, |(shared, wanted)| {
            tracing::Dispatch::new(TaskSubscriber::new(shared, wanted))
        })
    }

    /// What records what `tracing` tells, if that is to be recorded.
    fn listened_to(&self) -> Option<(Arc<Shared>, Wanted)> {
        let running = self.running.as_ref().filter(|running| running.detail == Detail::Full)?;
        Some((Arc::clone(&running.shared), running.wanted.clone()))
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
            crate::hooks::install(&running.shared, builder, name.to_owned());
        }
    }

    /// Where the trace is being written, as an absolute path; `None` for an
    /// idle recording.
    pub fn path(&self) -> Option<&Path> {
        self.running.as_ref().map(|running| &*running.target.path)
    }

    /// Ends the recording, writes what is still to be written, and tells what
    /// came of it.
    ///
    /// The layer and the hooks stay where they are and do nothing from now on.
    /// Finish after the runtimes have been dropped, if you want to see their
    /// shutdown.
    ///
    /// # Errors
    /// [`Error::Write`] or [`Error::Deleted`] where not all could be written.
    /// What could be is in the file.
    pub fn finish(mut self) -> Result<Report, Error> {
        self.end()
    }

    fn end(&mut self) -> Result<Report, Error> {
        let Some(Running { shared, thread, target, process, .. }) = self.running.take() else {
            return Ok(Report { path: None, bytes: 0, dropped_events: 0 });
        };
        shared.close();
        let path = target.path.clone();
        // A process forked from the recorded one has no writer thread.
        if process != std::process::id() {
            return Ok(Report { path: Some(path), bytes: 0, dropped_events: 0 });
        }
        let Ok(outcome) = thread.join() else {
            let source = std::io::Error::other("the writer thread panicked");
            return Err(Error::Write { path, source, lost_bytes: 0 });
        };
        if let Some(source) = outcome.error {
            return Err(Error::Write { path, source, lost_bytes: outcome.lost });
        }
        if !path.exists() {
            return Err(Error::Deleted { path });
        }
        Ok(Report { path: Some(path), bytes: outcome.written, dropped_events: outcome.dropped })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            crate::init::complain(&error);
        }
    }
}
