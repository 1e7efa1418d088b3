//! Recording for a while, by the clock or by a signal.
//!
//! A thread of its own waits for the next moment, and for signals, and pauses or resumes the
//! recorder as a program would that calls [`Recorder::pause`] and [`Recorder::resume`]. The
//! recorded threads have nothing to do with it. The thread ends with the recording.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::recorder::WeakRecorder;
use crate::stderr::warn;
use crate::units::parse_time;
use crate::{Error, Recorder, UserSignal};

/// When a recorder records.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schedule {
    /// It begins without recording.
    pub(crate) paused: bool,
    /// It begins after this time.
    pub(crate) after: Option<Duration>,
    /// A stretch lasts no longer than this.
    pub(crate) stretch: Option<Duration>,
    /// A signal ends a stretch, or begins one.
    pub(crate) signal: Option<UserSignal>,
}

/// The environment variable that says when, if the program does not.
const SWITCH: &str = "TASKSCOPE";

const EXPECTED: &str = if cfg!(all(unix, feature = "signal")) {
    "\"on\" or \"off\", and any of \"after=30s\", \"for=10s\", \"usr1\" and \"usr2\", with commas between"
} else {
    "\"on\" or \"off\", and any of \"after=30s\" and \"for=10s\", with commas between (and of \
     \"usr1\" and \"usr2\" on Unix, where taskscope is built with its feature \"signal\")"
};

impl Schedule {
    /// Takes from the environment what the program leaves open.
    pub(crate) fn or_environment(mut self) -> Result<Self, Error> {
        let value = std::env::var_os(SWITCH).unwrap_or_default();
        let environment = Self::parse(&value.to_string_lossy())?;
        self.paused |= environment.paused;
        self.after = self.after.or(environment.after);
        self.stretch = self.stretch.or(environment.stretch);
        self.signal = self.signal.or(environment.signal);
        Ok(self)
    }

    fn parse(value: &str) -> Result<Self, Error> {
        let mut schedule = Self::default();
        for part in value.split(',').map(str::trim) {
            let time = |name: &str| part.strip_prefix(name).and_then(parse_time);
            match part {
                "" | "on" => {}
                "off" => schedule.paused = true,
                #[cfg(all(unix, feature = "signal"))]
                "usr1" => schedule.signal = Some(UserSignal::Usr1),
                #[cfg(all(unix, feature = "signal"))]
                "usr2" => schedule.signal = Some(UserSignal::Usr2),
                _ => match (time("after="), time("for=")) {
                    (Some(after), _) => schedule.after = Some(after),
                    (_, Some(stretch)) => schedule.stretch = Some(stretch),
                    _ => {
                        return Err(Error::InvalidVariable {
                            variable: SWITCH,
                            value: value.to_owned(),
                            expected: EXPECTED,
                            source: None,
                        });
                    }
                },
            }
        }
        Ok(schedule)
    }

    pub(crate) fn begins_paused(&self) -> bool {
        self.paused || self.after.is_some()
    }

    /// Keeps to the schedule, if there is anything to keep, until the return value is dropped.
    pub(crate) fn keep(&self, recorder: &Recorder) -> Result<Option<Keeper>, Error> {
        if self.after.is_none() && self.stretch.is_none() && self.signal.is_none() {
            return Ok(None);
        }
        let (sender, receiver) = channel();
        let signal = self.signal.map(|signal| SignalListener::new(signal, &sender)).transpose()?;
        let timer = Timer {
            recorder: recorder.downgrade(),
            stretch: self.stretch,
            next: match self.after {
                Some(after) => moment(after, Step::Resume),
                None => {
                    let stretch = recorder.stretch_number();
                    let time = self.stretch.filter(|_| !self.paused);
                    time.and_then(|time| moment(time, Step::Pause { stretch }))
                }
            },
        };
        thread("taskscope-timer", move || timer.run(&receiver))?;
        Ok(Some(Keeper { _stop: sender, _signal: signal }))
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Error> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map(drop).map_err(|source| Error::Thread { source })
}

/// Ends the threads of a [`Schedule`] when it is dropped.
#[derive(Debug)]
pub(crate) struct Keeper {
    _stop: Sender<()>,
    _signal: Option<SignalListener>,
}

/// The thread that pauses and resumes.
#[derive(Debug)]
struct Timer {
    recorder: WeakRecorder,
    stretch: Option<Duration>,
    /// When it does so next, and what.
    next: Option<(Instant, Step)>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Resume,
    /// If this stretch is still being recorded.
    Pause {
        stretch: u32,
    },
    /// A signal has come.
    Toggle,
}

/// `None` if that is further away than the clock can say.
fn moment(after: Duration, step: Step) -> Option<(Instant, Step)> {
    Some((Instant::now().checked_add(after)?, step))
}

impl Timer {
    /// Each message is a signal. They end when the recording does.
    fn run(mut self, signals: &Receiver<()>) {
        loop {
            let wait = self.next.map(|(next, _)| next.saturating_duration_since(Instant::now()));
            let signal = match wait {
                Some(wait) => signals.recv_timeout(wait),
                None => signals.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let step = match signal {
                Ok(()) => Step::Toggle,
                Err(RecvTimeoutError::Timeout) => match self.next.take() {
                    Some((_, step)) => step,
                    None => continue,
                },
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let Some(recorder) = self.recorder.upgrade() else { return };
            if let Err(error) = self.take(step, &recorder) {
                warn(&error);
            }
        }
    }

    fn take(&mut self, step: Step, recorder: &Recorder) -> Result<(), Error> {
        match (step, recorder.is_recording()) {
            (Step::Toggle, true) => self.pause(recorder),
            (Step::Pause { stretch }, true) if stretch == recorder.stretch_number() => {
                self.pause(recorder)
            }
            (Step::Toggle | Step::Resume, false) => self.resume(recorder),
            // The program was faster.
            _ => Ok(()),
        }
    }

    fn pause(&mut self, recorder: &Recorder) -> Result<(), Error> {
        self.next = None;
        let report = recorder.pause()?;
        if let Some(path) = &report.path {
            warn(&format_args!("recorded {}", path.display()));
        }
        Ok(())
    }

    fn resume(&mut self, recorder: &Recorder) -> Result<(), Error> {
        recorder.resume()?;
        let stretch = recorder.stretch_number();
        self.next = self.stretch.and_then(|time| moment(time, Step::Pause { stretch }));
        if let Some(path) = recorder.path() {
            warn(&format_args!("recording to {}", path.display()));
        }
        Ok(())
    }
}

/// Passes on a signal of the operating system.
#[derive(Debug)]
struct SignalListener {
    #[cfg(all(unix, feature = "signal"))]
    id: signal_hook::SigId,
}

#[cfg(all(unix, feature = "signal"))]
impl SignalListener {
    /// A handler may do little more than write a byte to a pipe; a thread reads it.
    fn new(signal: UserSignal, to: &Sender<()>) -> Result<Self, Error> {
        use std::io::Read;
        let as_error = |source| Error::Signal { source };
        let (mut reader, writer) = std::os::unix::net::UnixStream::pair().map_err(as_error)?;
        let id = signal_hook::low_level::pipe::register(signal.number(), writer);
        let id = id.map_err(as_error)?;
        let to = to.clone();
        thread("taskscope-signal", move || {
            // The other end is closed when the handler is taken away.
            while let Ok(1..) = reader.read(&mut [0; 64]) {
                if to.send(()).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { id })
    }
}

#[cfg(not(all(unix, feature = "signal")))]
impl SignalListener {
    fn new(_: UserSignal, _: &Sender<()>) -> Result<Self, Error> {
        Ok(Self {})
    }
}

#[cfg(all(unix, feature = "signal"))]
impl Drop for SignalListener {
    fn drop(&mut self) {
        signal_hook::low_level::unregister(self.id);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_when() {
        let paused = |text| Schedule::parse(text).unwrap().begins_paused();
        assert_eq!(
            ["", "on", "off", "after=1s", "for=1s"].map(paused),
            [false, false, true, true, false]
        );
        let both = Schedule::parse("after=1.5s, for=10ms").unwrap();
        assert_eq!(both.after, Some(Duration::from_millis(1_500)));
        assert_eq!(both.stretch, Some(Duration::from_millis(10)));
        for wrong in ["yes", "after", "after=3", "for=0s", "usr3"] {
            let said = Schedule::parse(wrong).unwrap_err().to_string();
            assert!(said.contains("TASKSCOPE is") && said.contains(wrong), "{said}");
            assert!(said.contains("\"off\"") && said.contains("after=30s"), "{said}");
        }
    }
}
