//! The flight recorder: records all the time, and keeps only the newest events.

pub(crate) mod block_ring;
pub(crate) mod carry_over;
pub(crate) mod long_poll;
pub(crate) mod sink;
pub(crate) mod triggers;

use std::time::Duration;

use crate::units::{parse_bytes, parse_time};
use crate::{Error, UserSignal};

/// A recording that is not written, but kept in memory and let go again, but for the last part,
/// which goes to a file when something happens.
///
/// For a program that runs for weeks: when it stands still, what led to it is there.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// use std::time::Duration;
/// use taskscope::{FlightConfig, Recorder};
///
/// let flight = FlightConfig::new()
///     .keep_for(Duration::from_secs(30))
///     .keep_bytes(64 << 20)
///     .dump_on_panic()
///     .dump_on_long_poll(Duration::from_millis(100));
/// let recording = Recorder::builder()
/// #   .file(directory.path().join("app.tscope"))
///     .flight(flight)
///     .start()?;
/// // ...
/// let path = recording.dump()?;
/// # assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is kept
/// The newest events, as many as the limits allow. Of what is older, what still holds: the
/// tasks that have not ended, with their names and where they were spawned; the polls that go
/// on; which workers sleep. Facts of tasks take at most a quarter of the bytes. If there are
/// more tasks than that, some have neither name nor place in a dump, and it says so.
///
/// # Dumps
/// Each dump is a file of its own and none replaces another: `<program>-<pid>-<n>.tscope` in the
/// directory in which the program was when it began; or, where [`RecorderBuilder::file`] or
/// `TASKSCOPE_FILE` names a file `app.tscope`, `app-<n>.tscope` beside it. `taskscope summary`
/// and `taskscope view` say why it was written.
///
/// | what makes a dump | |
/// | --- | --- |
/// | [`Recording::dump`], [`Recorder::dump`] | waits until the file is there |
/// | [`dump_on_panic`](Self::dump_on_panic) | automatic |
/// | [`dump_on_long_poll`](Self::dump_on_long_poll) | automatic |
/// | `dump_on_signal` (feature `signal`, Unix) | when the process receives it |
///
/// Automatic dumps are few, so that a program that panics at each request doesn't fill a disk:
/// one a minute for each of the two causes, and ten in all, unless
/// [`automatic_dumps`](Self::automatic_dumps) says otherwise. They and those by a signal are
/// reported on standard error, with the path.
///
/// # Cost
/// Recording costs the recorded threads what it always does. The thread that keeps the events
/// reads once more what it lets go: in a storm of polls that makes 1.2 times the CPU time of a
/// recording to a file. The dump is written by a thread of the recorder's; only who calls
/// [`Recording::dump`] waits. Memory: the limit; while a dump is being
/// written, up to as much again; and up to 1 MB of buffer for each recorded thread.
///
/// [`RecorderBuilder::file`]: crate::RecorderBuilder::file
/// [`Recording::dump`]: crate::Recording::dump
/// [`Recorder::dump`]: crate::Recorder::dump
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is given to a recorder"]
pub struct FlightConfig {
    pub(crate) window: Option<Duration>,
    pub(crate) bytes: usize,
    pub(crate) on_panic: bool,
    pub(crate) long_poll: Option<Duration>,
    pub(crate) signal: Option<UserSignal>,
    pub(crate) most: u32,
    pub(crate) apart: Duration,
}

/// The least that can be kept: less would not hold what the threads of a busy program write
/// between two visits of the writer.
const LEAST_BYTES: usize = 4 << 20;

impl Default for FlightConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl FlightConfig {
    /// Keeps the last 64 MB, however long that is, and dumps when
    /// [`Recording::dump`](crate::Recording::dump) is called.
    pub fn new() -> Self {
        Self {
            window: None,
            bytes: 64 << 20,
            on_panic: false,
            long_poll: None,
            signal: None,
            most: 10,
            apart: Duration::from_secs(60),
        }
    }

    /// Keeps no more than what happened in the last `window`. The limit of bytes holds
    /// nevertheless.
    pub fn keep_for(mut self, window: Duration) -> Self {
        self.window = Some(window);
        self
    }

    /// Keeps at most so many bytes, 4 MB or more (less is taken as that). A poll with its wake
    /// takes about 10.
    pub fn keep_bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes.max(LEAST_BYTES);
        self
    }

    /// Dumps when a thread of the program panics, also where the panic is caught: tasks that
    /// panic do not end a program.
    ///
    /// This puts a panic hook in front of the one that is there, and calls that afterwards. The
    /// dump is written while the thread unwinds, and there in any case when the [`Recording`]
    /// has been dropped. In a program that is built with `panic = "abort"` there is no time
    /// for it: set a hook of your own that calls [`Recorder::dump`].
    ///
    /// [`Recording`]: crate::Recording
    /// [`Recorder::dump`]: crate::Recorder::dump
    pub fn dump_on_panic(mut self) -> Self {
        self.on_panic = true;
        self
    }

    /// Dumps when a worker has been polling a task for longer than `limit`: about 50 ms
    /// later, whether or not the poll has ended.
    pub fn dump_on_long_poll(mut self, limit: Duration) -> Self {
        self.long_poll = Some(limit);
        self
    }

    /// Dumps when the process is sent this signal: `kill -USR2 <pid>`.
    ///
    /// Handlers that others have set for the signal are called as before. After the recording
    /// the signal has no effect of its own (by default it would end the process).
    #[cfg(all(unix, feature = "signal"))]
    pub fn dump_on_signal(mut self, signal: UserSignal) -> Self {
        self.signal = Some(signal);
        self
    }

    /// How many automatic dumps there may be in all, and how long one cause must wait for its
    /// next. Without this it is ten, and a minute.
    pub fn automatic_dumps(mut self, most: u32, apart: Duration) -> Self {
        (self.most, self.apart) = (most, apart);
        self
    }
}

/// What is kept, where the program doesn't say.
const KEEP: &str = "TASKSCOPE_KEEP";
/// What makes a dump, where the program doesn't say.
const DUMP: &str = "TASKSCOPE_DUMP";

const DUMP_CAUSES: &str = if cfg!(all(unix, feature = "signal")) {
    "any of \"panic\", \"poll=100ms\", \"usr1\" and \"usr2\", with commas between"
} else {
    "any of \"panic\" and \"poll=100ms\", with a comma between (and of \"usr1\" and \"usr2\" on \
     Unix, where taskscope is built with its feature \"signal\")"
};

impl FlightConfig {
    /// What the environment asks for, if it does; in any case where there is a black box.
    pub(crate) fn from_environment(in_box: bool) -> Result<Option<Self>, Error> {
        let value =
            |name| std::env::var_os(name).map(|value| value.to_string_lossy().trim().to_owned());
        let dump = value(DUMP).filter(|dump| !dump.is_empty());
        let Some(keep) = value(KEEP).filter(|keep| !keep.is_empty()) else {
            if in_box {
                return match dump {
                    Some(dump) => Self::new().parse_dump(&dump).map(Some),
                    None => Ok(Some(Self::new())),
                };
            }
            if dump.is_some() {
                crate::stderr::warn(&format_args!(
                    "{DUMP} has no effect without {KEEP}, so all events go to the trace file; for a \
                     flight recorder set both, as in {KEEP}=30s,64MB"
                ));
            }
            return Ok(None);
        };
        let flight = Self::new().parse_keep(&keep)?;
        flight.parse_dump(dump.as_deref().unwrap_or("panic")).map(Some)
    }

    /// `30s`, `64MB`, or both with a comma between.
    fn parse_keep(mut self, keep: &str) -> Result<Self, Error> {
        for part in keep.split(',').map(str::trim) {
            if let Some(window) = parse_time(part) {
                self = self.keep_for(window);
            } else if let Some(bytes) = parse_bytes(part) {
                self = self.keep_bytes(bytes);
            } else {
                return Err(Error::InvalidVariable {
                    variable: KEEP,
                    value: keep.to_owned(),
                    expected: "a time, a size or both, as in \"30s\", \"64MB\", \"30s,64MB\"",
                    source: None,
                });
            }
        }
        Ok(self)
    }

    /// `panic`, `usr2`, `poll=100ms`, any of them with commas between.
    fn parse_dump(mut self, dump: &str) -> Result<Self, Error> {
        for part in dump.split(',').map(str::trim) {
            let poll = part.strip_prefix("poll=").and_then(parse_time);
            self = match (part, poll) {
                ("panic", _) => self.dump_on_panic(),
                #[cfg(all(unix, feature = "signal"))]
                ("usr1", _) => self.dump_on_signal(UserSignal::Usr1),
                #[cfg(all(unix, feature = "signal"))]
                ("usr2", _) => self.dump_on_signal(UserSignal::Usr2),
                (_, Some(limit)) => self.dump_on_long_poll(limit),
                _ => {
                    return Err(Error::InvalidVariable {
                        variable: DUMP,
                        value: dump.to_owned(),
                        expected: DUMP_CAUSES,
                        source: None,
                    });
                }
            };
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_how_much_is_kept() {
        let keep = |text| FlightConfig::new().parse_keep(text).map_err(|error| error.to_string());
        let seconds = FlightConfig::new().keep_for(Duration::from_secs(30));
        assert_eq!(keep("30s"), Ok(seconds.clone()));
        assert_eq!(keep("8MB"), Ok(FlightConfig::new().keep_bytes(8_000_000)));
        assert_eq!(keep("0.5min, 8 MB"), Ok(seconds.keep_bytes(8_000_000)));
        for wrong in ["30", "s", "0s", "-1s", "30s,", "64 megabytes", "1e9s"] {
            let said = keep(wrong);
            let said = said.as_ref().err().map_or("", |said| said);
            assert!(said.contains("TASKSCOPE_KEEP") && said.contains(wrong), "{wrong}: {said}");
            assert!(said.contains("30s") && said.contains("64MB"), "what there is: {said}");
        }
    }

    #[test]
    fn the_environment_says_what_makes_a_dump() {
        let dump = |text| FlightConfig::new().parse_dump(text).map_err(|error| error.to_string());
        assert_eq!(dump("panic"), Ok(FlightConfig::new().dump_on_panic()));
        let both = FlightConfig::new().dump_on_panic();
        assert_eq!(
            dump("panic, poll=1.5ms"),
            Ok(both.dump_on_long_poll(Duration::from_micros(1_500)))
        );
        #[cfg(all(unix, feature = "signal"))]
        assert_eq!(dump("usr2"), Ok(FlightConfig::new().dump_on_signal(UserSignal::Usr2)));
        for wrong in ["poll", "poll=3", "kill"] {
            let said = dump(wrong);
            let said = said.as_ref().err().map_or("", |said| said);
            assert!(said.contains("TASKSCOPE_DUMP") && said.contains(wrong), "{wrong}: {said}");
            assert!(said.contains("panic") && said.contains("poll=100ms"), "{said}");
        }
    }

    #[test]
    fn less_than_the_least_is_the_least() {
        assert_eq!(FlightConfig::new().keep_bytes(1).bytes, LEAST_BYTES);
    }
}
