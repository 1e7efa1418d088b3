//! A flight recorder whose events outlive the process.
//!
//! What a flight recorder keeps lies in a file that is mapped into memory: the blocks, what still
//! holds of older ones, and the rings into which threads write. So nothing has to be written when
//! the process dies, and no thread of the recorder's is needed for what a thread has recorded to be
//! in the file: it is there as soon as the thread has put it into its ring. How a reader makes
//! sense of it at any moment is described in `taskscope_format::black_box`.
//!
//! Why not write each event to the file? That would be a system call for each. Why not write when
//! the process dies? Of `SIGKILL` and of the kernel that is out of memory it never learns, and in a
//! signal handler of a process whose heap is broken little can be relied on.

#[cfg(unix)]
pub(crate) mod area;
#[cfg(unix)]
pub(crate) mod file;
#[cfg(unix)]
mod guard;
#[cfg(unix)]
mod map;
#[cfg(unix)]
mod rings;
#[cfg(unix)]
mod set_aside;

#[cfg(not(unix))]
pub(crate) mod area {
    pub(crate) use super::unsupported::{BlockArea, Place, piece};
}
#[cfg(not(unix))]
mod unsupported;

use std::path::{Path, PathBuf};

use taskscope_format::{Nanos, ThreadId};

#[cfg(unix)]
pub(crate) use file::create;
#[cfg(not(unix))]
pub(crate) use unsupported::create;

/// Where the black box of a program lies, and how large it is.
///
/// What a [flight recorder](crate::FlightConfig) keeps lies in a file then, and not in memory that
/// goes with the process: however that ends (`kill -9`, the kernel that is out of memory, a
/// segmentation fault, `abort`), the file opens as a trace, up to the last event that each thread
/// had recorded.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// use taskscope::{BlackBoxConfig, Recorder};
///
/// let path = directory.path().join("app.tscope");
/// let recording = Recorder::builder().black_box(BlackBoxConfig::new(&path).bytes(8 << 20)).start()?;
/// // ...
/// # assert_eq!(path.metadata()?.len(), 8 << 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The file
/// It is whole from the start, and never grows: its blocks are reserved, so that a disk that is full
/// later does not matter. If it cannot be had, the recording does not start. Only its owner may read
/// and write it (`0600`), and no symbolic link is followed in its place. It can be opened at any time,
/// while the process lives and after.
///
/// No two processes share a file. If another process is recording to it, this one records to a file
/// beside it, and says so on standard error. What the last process has left there is set aside,
/// under its name and the time at which it was last seen alive (`app-20260131T235959Z.tscope`), and
/// the oldest of these are removed; see [`keep_old`](Self::keep_old).
///
/// # Cost
/// The threads of the program do what they do without a black box: they store words in memory.
/// The operating system writes that memory to the disk when it sees fit, some times a minute. On
/// a slow disk a store into a page that is just being written may wait for it; on a file system in
/// memory (`/dev/shm`, `/run`) nothing ever waits, and it outlives the process all the same, but not
/// the machine. The buffers of threads, a sixth to a third of the file, are in memory from the start, which takes
/// a few milliseconds; the rest comes as it is written. What still holds of older events (some 300 bytes
/// for each task that lives) is in the process's own memory as well, up to half the size of the file.
///
/// # Limits
/// On Unix only. What a machine had not yet written to its disk is lost with the machine. If the
/// file is cut by somebody or its disk fails, the program goes on, and the recorder keeps what comes
/// from then on in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it does nothing until it is given to a recorder"]
pub struct BlackBoxConfig {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Option<u64>,
    pub(crate) keep_old: usize,
}

/// How many old boxes are kept, unless the program says otherwise.
const KEEP_OLD: usize = 8;

impl BlackBoxConfig {
    /// A black box in this file. `%p` in its name is the number of the process. The directory must be
    /// there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), bytes: None, keep_old: KEEP_OLD }
    }

    /// How large the file is, in bytes; 4 MB or more (less is taken as that).
    ///
    /// Without this it is what [`FlightConfig::keep_bytes`](crate::FlightConfig::keep_bytes) says,
    /// and without that 64 MB. Half to three quarters of it are events, and the rest is for the
    /// buffers of threads and for what still holds of older events. Each busy thread takes a
    /// sixteenth of the file, at most 1 MB; if there are more than fit, some keep their last 50 ms in
    /// memory, and the trace says so.
    pub fn bytes(mut self, bytes: u64) -> Self {
        self.bytes = Some(bytes);
        self
    }

    /// How many boxes of earlier processes are kept beside this one; without this it is 8.
    ///
    /// These are files whose names differ in the time at which they were set aside, and in the number
    /// of the process where `%p` stands. Only black boxes of the same program are removed, and none
    /// whose process lives.
    pub fn keep_old(mut self, boxes: usize) -> Self {
        self.keep_old = boxes;
        self
    }
}

/// A block on its way into the area.
#[cfg_attr(not(unix), allow(dead_code, reason = "unused where there is no black box"))]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Incoming<'a> {
    pub(crate) thread: ThreadId,
    /// Where in the thread's stream it begins, unless the recorder made it.
    pub(crate) offset: Option<u64>,
    pub(crate) came: Nanos,
    pub(crate) payload: &'a [u8],
}

/// A box that is to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewBox<'a> {
    pub(crate) program: &'a str,
    pub(crate) started_unix_ns: u64,
    /// Counts the files of one recorder from 1, as for traces.
    pub(crate) stretch: u32,
    /// When the recorder began its first one.
    pub(crate) recorder_since_ns: u64,
}

macro_rules! from_paths {
    ($($path:ty),+) => {
        $(impl From<$path> for BlackBoxConfig {
            fn from(path: $path) -> Self {
                Self::new(path)
            }
        })+
    };
}

from_paths!(&str, String, &Path, PathBuf, &PathBuf);

/// Where the black box goes, where the program doesn't say.
const ENVIRONMENT: &str = "TASKSCOPE_BLACK_BOX";

impl BlackBoxConfig {
    /// What the environment asks for, if it does.
    pub(crate) fn from_environment() -> Option<Self> {
        let path = std::env::var_os(ENVIRONMENT).filter(|path| !path.is_empty())?;
        Some(Self::new(path))
    }
}
