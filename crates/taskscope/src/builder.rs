//! Setting up a recorder and starting it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tracing_subscriber::filter::Targets;

use crate::output::black_box::BlackBoxConfig;
use crate::output::flight::FlightConfig;
use crate::recorder::{Recorder, Settings};
use crate::recording::Recording;
use crate::schedule::Schedule;
use crate::sources::tracing::interest::{self, CallsiteFilter};
use crate::tracker::slot::Slot;
use crate::{Detail, Error};

/// Sets up a [`Recorder`] and starts it.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("app.tscope");
/// let recording = taskscope::Recorder::builder().file(path).start()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a recorder does nothing until it is started"]
pub struct RecorderBuilder {
    file: Option<PathBuf>,
    detail: Option<Detail>,
    targets: Option<Targets>,
    /// `Some(None)`: no flight recorder, even if the environment asks for one.
    flight: Option<Option<FlightConfig>>,
    black_box: Option<BlackBoxConfig>,
    schedule: Schedule,
}

impl RecorderBuilder {
    /// Where the trace goes. A file that is there is replaced.
    ///
    /// Without this it goes where the environment variable `TASKSCOPE_FILE`
    /// says, and without that to `<program>-<pid>.tscope` in the current
    /// directory, or a name beside it where that is taken. `%p` in a name stands for
    /// the process, `%e` for its program's file name. The dumps of a
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
    /// happens. See [`FlightConfig`].
    ///
    /// Without this the environment variable `TASKSCOPE_KEEP` can ask for it: how
    /// much is kept, as in `30s`, `64MB` or `30s,64MB`. With that goes
    /// `TASKSCOPE_DUMP`, which says what makes a dump: `panic`, `poll=100ms`,
    /// `usr1`, `usr2` (these two with the feature `signal`), with commas between;
    /// without it `panic`. With `None` everything goes to the file, also if
    /// the environment asks for a flight recorder.
    pub fn flight(mut self, flight: impl Into<Option<FlightConfig>>) -> Self {
        self.flight = Some(flight.into());
        self
    }

    /// Keeps what came last in a file that outlives the process: after `kill -9`, a segmentation
    /// fault or an `abort` it opens as a trace, up to the last event. See [`BlackBoxConfig`].
    ///
    /// This is a [flight recorder](Self::flight), and can be one with dumps as well. Without this
    /// the environment variable `TASKSCOPE_BLACK_BOX` can ask for it: it has the path of the file.
    pub fn black_box(mut self, black_box: impl Into<BlackBoxConfig>) -> Self {
        self.black_box = Some(black_box.into());
        self
    }

    /// Starts without recording: [`Recorder::resume`] begins the first stretch.
    ///
    /// No file is created until then. The environment variable `TASKSCOPE=off` does the same.
    /// What a paused recorder costs is described at [`Recorder::pause`].
    pub fn paused(mut self) -> Self {
        self.schedule.paused = true;
        self
    }

    /// Starts without recording, and begins the first stretch after this time: when the program
    /// has warmed up, say.
    ///
    /// The environment variable `TASKSCOPE=after=30s` does the same.
    pub fn record_after(mut self, wait: Duration) -> Self {
        self.schedule.after = Some(wait);
        self
    }

    /// Ends a stretch after this time, so that its file is bounded. (One that the program begins
    /// itself, by [`Recorder::resume`], it also ends itself.)
    ///
    /// The environment variable `TASKSCOPE=for=10s` does the same; with another, as in
    /// `TASKSCOPE=after=30s,for=10s`, a comma stands between.
    pub fn record_for(mut self, time: Duration) -> Self {
        self.schedule.stretch = Some(time);
        self
    }

    /// Lets a signal begin a stretch where none is under way, and end the one that is. Each
    /// stretch is a file, as described at [`Recorder::resume`], and is announced on standard
    /// error.
    ///
    /// The environment variable `TASKSCOPE=usr2` does the same, and `TASKSCOPE=off,usr2` starts
    /// [paused](Self::paused). Needs the feature `signal`. After the recording the signal has no
    /// effect of its own (by default it would end the process).
    #[cfg(all(unix, feature = "signal"))]
    pub fn toggle_on_signal(mut self, signal: crate::UserSignal) -> Self {
        self.schedule.signal = Some(signal);
        self
    }

    /// Creates the file and starts the thread that writes it.
    ///
    /// Nothing is recorded yet: events come from [`Recording::layer`] and
    /// [`Recording::hooks`], and from futures that are
    /// [`recorded`](crate::RecordExt::recorded) from now on. In a program built
    /// without `--cfg tokio_unstable` these last are all there is, and the trace
    /// says so.
    ///
    /// # Errors
    /// [`Error::Create`], [`Error::BlackBox`] or [`Error::InUse`] if the file cannot be created,
    /// [`Error::Thread`] or [`Error::Signal`] if the operating system refuses one, and
    /// [`Error::InvalidVariable`] if an environment variable has an invalid value.
    pub fn start(self) -> Result<Recording, Error> {
        let detail = self.chosen_detail()?;
        self.start_in(Arc::new(Slot::new(detail)))
    }

    fn chosen_detail(&self) -> Result<Detail, Error> {
        self.detail.map_or_else(Detail::from_environment, Ok)
    }

    /// Starts in a slot that layers and hooks may already hold.
    pub(crate) fn start_in(self, slot: Arc<Slot>) -> Result<Recording, Error> {
        let targets = self.targets.map_or_else(interest::from_environment, |own| Ok(Some(own)))?;
        // Where all is to go to the file, the environment is not asked.
        let to_file = self.flight == Some(None);
        let asked = || BlackBoxConfig::from_environment().filter(|_| !to_file);
        let black_box = self.black_box.or_else(asked);
        let flight = match self.flight {
            Some(None) if black_box.is_some() => Some(FlightConfig::new()),
            Some(chosen) => chosen,
            None => FlightConfig::from_environment(black_box.is_some())?,
        };
        let schedule = self.schedule.or_environment()?;
        let settings =
            Settings { first_box_ns: OnceLock::new(), file: self.file, flight, black_box };
        let recorder = Recorder::new(slot, CallsiteFilter::new(targets), settings);
        if schedule.begins_paused() {
            recorder.begin_paused();
        } else {
            recorder.begin_stretch()?;
        }
        // Dropped on an error, it ends what has begun.
        let mut recording = Recording::new(recorder);
        recording.keep(&schedule)?;
        Ok(recording)
    }
}
