//! Why there is no recording, or not a whole one.

use std::fmt;
use std::io;
use std::path::PathBuf;

use tracing_subscriber::filter::ParseError;

/// Why a recording could not be begun or finished.
///
/// The message says what was tried, what came of it, and what to do.
#[non_exhaustive]
pub enum Error {
    /// The environment variable `TASKSCOPE_DETAIL` says what it can't.
    UnknownDetail {
        /// What it says.
        value: String,
    },
    /// The environment variable `TASKSCOPE_TARGETS` says what cannot be understood.
    UnknownTargets {
        /// What it says.
        value: String,
        /// What is wrong with it.
        source: ParseError,
    },
    /// The file could not be made.
    Create {
        /// Where it was to be.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// This process is recording to the same file already.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The thread that writes the file could not be started.
    Thread(io::Error),
    /// A part of the recording could not be written. What could is in the file,
    /// which opens like any other.
    Write {
        /// The file.
        path: PathBuf,
        /// The first thing that the operating system said.
        source: io::Error,
        /// Bytes of events that are missing.
        lost_bytes: u64,
    },
    /// The file takes nothing any more, and the recording was ended without waiting for it.
    Stalled {
        /// The file.
        path: PathBuf,
    },
    /// The file was deleted while it was being written.
    Deleted {
        /// Where it was.
        path: PathBuf,
    },
    /// An environment variable about a flight recorder says what it can't.
    UnknownFlight {
        /// `TASKSCOPE_KEEP` or `TASKSCOPE_DUMP`.
        variable: &'static str,
        /// What it says.
        value: String,
    },
    /// The handler of the signal that asks for a dump could not be set.
    Signal(io::Error),
    /// A dump was asked of a recording that is no flight recorder: it writes all it has to its
    /// file.
    NoFlightRecorder,
    /// A dump was asked of a recording that has been finished, or from a process that was
    /// forked from the recorded one.
    NotRecording,
    /// A global `tracing` subscriber is in place already, and only its owner
    /// can add a layer to it.
    SubscriberInPlace,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownDetail { value } => {
                write!(f, "TASKSCOPE_DETAIL is {value:?}; it can be \"full\" or \"polls\"")
            }
            Self::UnknownTargets { value, source } => write!(
                f,
                "TASKSCOPE_TARGETS is {value:?}: {source}; it names targets and levels, as in \
                 \"my_app=debug,tower_http=info\""
            ),
            Self::Create { path, source } => write!(
                f,
                "cannot make the trace file {}: {source}; name another with \
                 Recorder::builder().file(…) or the environment variable TASKSCOPE_FILE",
                path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "this process is already recording to {}; give each recording a file of its own",
                path.display()
            ),
            Self::Thread(source) => {
                write!(f, "cannot start the thread that writes the trace file: {source}")
            }
            Self::Write { path, source, lost_bytes } => write!(
                f,
                "{lost_bytes} bytes of events could not be written to {}: {source}; the rest is \
                 there and can be opened",
                path.display()
            ),
            Self::Stalled { path } => write!(
                f,
                "{} has taken nothing for {} s, so the end of the recording is not in it; what is \
                 can be opened. Is its disk there?",
                path.display(),
                crate::recording::PATIENCE.as_secs()
            ),
            Self::Deleted { path } => write!(
                f,
                "the trace file {} was deleted or moved while it was being written",
                path.display()
            ),
            Self::UnknownFlight { variable, value } => write!(
                f,
                "{variable} is {value:?}; it can be {}",
                match *variable {
                    "TASKSCOPE_KEEP" =>
                        "a time, a size or both, as in \"30s\", \"64MB\", \"30s,64MB\"",
                    _ if cfg!(all(unix, feature = "signal")) => {
                        "any of \"panic\", \"poll=100ms\", \"usr1\" and \"usr2\", with commas between"
                    }
                    _ => {
                        "any of \"panic\" and \"poll=100ms\", with a comma between (and of \
                         \"usr1\" and \"usr2\" on Unix, where taskscope is built with its \
                         feature \"signal\")"
                    }
                }
            ),
            Self::Signal(source) => {
                write!(f, "cannot set the handler of the signal that asks for a dump: {source}")
            }
            Self::NoFlightRecorder => f.write_str(
                "this recording writes all it has to its file, so there is nothing to dump; for \
                 one that keeps the last part in memory use Recorder::builder().flight(…) or the \
                 environment variable TASKSCOPE_KEEP",
            ),
            Self::NotRecording => f.write_str(
                "there is nothing to dump: the recording has been finished, or this process was \
                 forked from the recorded one; ask before Recording::finish(), in the process \
                 that records",
            ),
            Self::SubscriberInPlace => f.write_str(
                "a global tracing subscriber is in place already; instead of taskscope::init(), \
                 add Recorder::builder().start()?.layer() to that subscriber's registry()",
            ),
        }
    }
}

/// The message too: this is what a `main` that returns the error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Create { source, .. }
            | Self::Thread(source)
            | Self::Signal(source)
            | Self::Write { source, .. } => Some(source),
            _ => None,
        }
    }
}
