//! Setting up a recording and starting it.

use std::path::PathBuf;
use std::sync::mpsc::{channel, sync_channel};
use std::sync::{Arc, Mutex};

use taskscope_format::FileWriter;
use tracing_subscriber::filter::Targets;

use crate::output::file::{DumpFiles, OutputFile, program_name};
use crate::output::flight::FlightRecorder;
use crate::output::flight::sink::FlightSink;
use crate::output::flight::triggers::{self, Dumper};
use crate::output::writer::{Sink, Writer, describe_process};
use crate::recording::{Recording, Running};
use crate::sources::tracing::interest::{self, CallsiteFilter};
use crate::stream::clock::Clock;
use crate::tracker::active_recordings;
use crate::tracker::shared::Shared;
use crate::{Detail, Error};

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
    /// `Some(None)` where it is to be none, whatever the environment says.
    flight: Option<Option<FlightRecorder>>,
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
    /// directory, or a name beside it where that is taken. The dumps of a
    /// [flight recorder](Self::flight) are numbered, and called after it.
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

    /// Keeps only what came last, in memory, and writes it when something
    /// happens. See [`FlightRecorder`].
    ///
    /// Without this the environment variable `TASKSCOPE_KEEP` can ask for it: how
    /// much is kept, as in `30s`, `64MB` or `30s,64MB`. With that goes
    /// `TASKSCOPE_DUMP`, which says what makes a dump: `panic`, `poll=100ms`,
    /// `usr1`, `usr2` (these two with the feature `signal`), with commas between;
    /// without it `panic`. `None` says that everything goes to the file, whatever
    /// the environment asks for.
    pub fn flight(mut self, flight: impl Into<Option<FlightRecorder>>) -> Self {
        self.flight = Some(flight.into());
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
    /// [`Error::UnknownDetail`] or [`Error::UnknownFlight`] where the environment
    /// asks for what there isn't.
    pub fn start(self) -> Result<Recording, Error> {
        let detail = self.detail.map_or_else(Detail::from_environment, Ok)?;
        let targets = self.targets.map_or_else(interest::from_environment, |own| Ok(Some(own)))?;
        let flight = match self.flight {
            Some(said) => said,
            None => FlightRecorder::from_environment()?,
        };
        let program = program_name();
        let clock = Clock::start();
        let started_unix_ns = clock.started_unix_ns;
        let shared = Arc::new(Shared::new(clock, detail));
        let (sink, target, dumper) = match flight {
            None => {
                let (target, file) = OutputFile::create(self.file, &program)?;
                let file = FileWriter::new(file, started_unix_ns)
                    .map_err(|source| Error::Create { path: target.path.clone(), source })?;
                (Sink::File(file), Some(target), None)
            }
            Some(flight) => {
                let files = DumpFiles::new(self.file, &program)?;
                let (requests, receiver) = channel();
                let installed = triggers::install(&shared, &flight)?;
                let flight_sink =
                    FlightSink::new(&flight, files, started_unix_ns, receiver, installed);
                let dumper = Dumper::new(Arc::clone(&shared), requests);
                (Sink::Flight(Box::new(flight_sink)), None, Some(dumper))
            }
        };
        let meta = describe_process(&program, detail);
        let writer = Writer::begin(Arc::clone(&shared), sink, meta).map_err(|source| {
            let path = target.as_ref().map(|target| target.path.clone()).unwrap_or_default();
            Error::Create { path, source }
        })?;
        let (sender, outcome) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("taskscope-writer".to_owned())
            .spawn(move || writer.run(&sender))
            .map_err(Error::Thread)?;
        shared.writer_is(thread.thread().clone());
        active_recordings::register(&shared, detail);
        let (callsites, outcome) = (CallsiteFilter::new(targets), Mutex::new(outcome));
        Ok(Recording::new(Running { shared, callsites, detail, outcome, target, dumper }))
    }
}
