//! The errors: why there is no recording, or not a complete one.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use tracing_subscriber::filter::ParseError;

/// Why a recording could not be begun or finished.
///
/// The message says what was tried, what came of it, and what to do.
#[non_exhaustive]
pub enum Error {
    /// An environment variable has an invalid value.
    #[non_exhaustive]
    InvalidVariable {
        /// The variable's name.
        variable: &'static str,
        /// Its value.
        value: String,
        /// What it can be.
        expected: &'static str,
        /// What is wrong with the value, for `TASKSCOPE_TARGETS`.
        source: Option<ParseError>,
    },
    /// The file could not be created.
    #[non_exhaustive]
    Create {
        /// Where it was to be.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file of the black box could not be made.
    #[non_exhaustive]
    BlackBox {
        /// Where it was to be.
        path: PathBuf,
        /// What is in the way: mostly the error of the operating system.
        source: io::Error,
    },
    /// This process is recording to the same file already.
    #[non_exhaustive]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The thread that writes the file could not be started.
    #[non_exhaustive]
    Thread {
        /// The error of the operating system.
        source: io::Error,
    },
    /// A part of the recording could not be written. What could is in the file,
    /// which opens like any other.
    #[non_exhaustive]
    Write {
        /// The file.
        path: PathBuf,
        /// The first error of the operating system.
        source: io::Error,
        /// Bytes of events that are missing.
        lost_bytes: u64,
    },
    /// The file takes nothing any more, and the recording was ended without waiting for it.
    #[non_exhaustive]
    Stalled {
        /// The file.
        path: PathBuf,
    },
    /// The file was deleted while it was being written.
    #[non_exhaustive]
    Deleted {
        /// Where it was.
        path: PathBuf,
    },
    /// The handler of the signal that asks for a dump could not be set.
    #[non_exhaustive]
    Signal {
        /// The error of the operating system.
        source: io::Error,
    },
    /// A dump was asked of a recording that is no flight recorder: it writes all it has to its
    /// file.
    NoFlightRecorder,
    /// A dump was asked of a recording that has been finished, or from a process that was
    /// forked from the recorded one.
    NotRecording,
    /// A global `tracing` subscriber is in place already, and only its owner
    /// can add a layer to it.
    SubscriberInPlace,
    /// A recording that [`init`](crate::init) began is still under way in this process.
    AlreadyRecording,
}

impl Error {
    /// The error of a dump, for another of those who wait for it.
    pub(crate) fn for_another(&self) -> Self {
        let again = |source: &io::Error| io::Error::new(source.kind(), source.to_string());
        match self {
            Self::Create { path, source } => {
                Self::Create { path: path.clone(), source: again(source) }
            }
            Self::Write { path, source, lost_bytes } => {
                Self::Write { path: path.clone(), source: again(source), lost_bytes: *lost_bytes }
            }
            Self::Thread { source } => Self::Thread { source: again(source) },
            _ => Self::NotRecording,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidVariable { variable, value, expected, source: None } => {
                write!(f, "{variable} is {value:?}; it can be {expected}")
            }
            Self::InvalidVariable { variable, value, expected, source: Some(source) } => {
                write!(f, "{variable} is {value:?}: {source}; it can be {expected}")
            }
            Self::Create { path, source } => write!(
                f,
                "cannot create the trace file {}: {source}; name another with \
                 Recorder::builder().file(…) or the environment variable TASKSCOPE_FILE",
                path.display()
            ),
            Self::BlackBox { path, source } => write!(
                f,
                "cannot make the black box {}: {source}; name another file with \
                 Recorder::builder().black_box(…) or the environment variable TASKSCOPE_BLACK_BOX, \
                 or make it smaller with BlackBoxConfig::bytes or TASKSCOPE_KEEP",
                path.display()
            ),
            Self::InUse { path } => write!(
                f,
                "this process is already recording to {}; give each recording a file of its own",
                path.display()
            ),
            Self::Thread { source } => {
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
                crate::recorder::PATIENCE.as_secs()
            ),
            Self::Deleted { path } => write!(
                f,
                "the trace file {} was deleted or moved while it was being written",
                path.display()
            ),
            Self::Signal { source } => {
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
            Self::AlreadyRecording => f.write_str(
                "this process is already being recorded by taskscope::init(); drop that recording \
                 before the next init(), or use Recorder::builder() for several at a time",
            ),
        }
    }
}

/// The fields, and the message: a `main` that returns the error prints this.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = match self {
            Self::InvalidVariable { variable, value, source, .. } => {
                let mut debug = f.debug_struct("InvalidVariable");
                debug.field("variable", variable).field("value", value).field("source", source);
                debug
            }
            Self::Create { path, source } => {
                let mut debug = f.debug_struct("Create");
                debug.field("path", path).field("source", source);
                debug
            }
            Self::BlackBox { path, source } => {
                let mut debug = f.debug_struct("BlackBox");
                debug.field("path", path).field("source", source);
                debug
            }
            Self::InUse { path } => with_path(f, "InUse", path),
            Self::Stalled { path } => with_path(f, "Stalled", path),
            Self::Deleted { path } => with_path(f, "Deleted", path),
            Self::Thread { source } => {
                let mut debug = f.debug_struct("Thread");
                debug.field("source", source);
                debug
            }
            Self::Signal { source } => {
                let mut debug = f.debug_struct("Signal");
                debug.field("source", source);
                debug
            }
            Self::Write { path, source, lost_bytes } => {
                let mut debug = f.debug_struct("Write");
                debug.field("path", path).field("source", source).field("lost_bytes", lost_bytes);
                debug
            }
            Self::NoFlightRecorder => f.debug_struct("NoFlightRecorder"),
            Self::NotRecording => f.debug_struct("NotRecording"),
            Self::SubscriberInPlace => f.debug_struct("SubscriberInPlace"),
            Self::AlreadyRecording => f.debug_struct("AlreadyRecording"),
        };
        debug.field("message", &format_args!("{self}")).finish()
    }
}

fn with_path<'a, 'b>(
    f: &'a mut fmt::Formatter<'b>,
    name: &str,
    path: &Path,
) -> fmt::DebugStruct<'a, 'b> {
    let mut debug = f.debug_struct(name);
    debug.field("path", &path);
    debug
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Create { source, .. }
            | Self::BlackBox { source, .. }
            | Self::Thread { source }
            | Self::Signal { source }
            | Self::Write { source, .. } => Some(source),
            Self::InvalidVariable { source, .. } => {
                source.as_ref().map(|source| source as &(dyn std::error::Error + 'static))
            }
            Self::InUse { .. }
            | Self::Stalled { .. }
            | Self::Deleted { .. }
            | Self::NoFlightRecorder
            | Self::NotRecording
            | Self::SubscriberInPlace
            | Self::AlreadyRecording => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_fields_and_the_message_and_sources_can_be_asked_for() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = Error::Create { path: "/a.tscope".into(), source };
        let shown = format!("{error:?}");
        assert!(shown.starts_with("Create { path: \"/a.tscope\", source: "), "{shown}");
        assert!(shown.contains(&format!("message: {error}")), "{shown}");
        assert!(std::error::Error::source(&error).is_some());
    }
}
