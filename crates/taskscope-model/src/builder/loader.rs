//! [`Loader`]: reads a file in small steps.

use std::fmt;
use std::io;
use std::sync::Arc;

use taskscope_format::{OpenError, black_box};

use super::let_go::LetGo;
use super::sweep::Sweep;
use crate::source::Source;
use crate::summary::sums::Sums;
use crate::trace::Trace;

/// Why a file could not be read to its end.
#[derive(Debug)]
pub enum LoadError {
    /// Its bytes are no trace.
    Open(OpenError),
    /// The operating system says so.
    Read(io::Error),
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::Read(error) => write!(f, "it cannot be read: {error}"),
        }
    }
}

impl std::error::Error for LoadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            Self::Read(error) => Some(error),
        }
    }
}

impl From<OpenError> for LoadError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<io::Error> for LoadError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

/// How far a [`Loader`] is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The part of the bytes that has been swept, from 0 to 1.
    pub part: f32,
    /// Whether there is nothing more to do: the file was read to its end, or as far as it has grown.
    pub is_done: bool,
}

/// Reads a file in small steps, each of a few milliseconds.
///
/// Who calls it can stop between two steps, and show what has been read so far.
///
/// ```
/// use taskscope_model::Loader;
///
/// let file: Vec<u8> = taskscope_format::FileWriter::new(Vec::new(), 0)?.finish()?;
/// let mut loader = Loader::new(std::sync::Arc::new(file))?;
/// while !loader.step()?.is_done {
///     let _so_far = loader.snapshot();
/// }
/// let trace = loader.snapshot();
/// assert_eq!(trace.task_count(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Loader {
    source: Arc<dyn Source>,
    sweep: Sweep,
}

impl fmt::Debug for Loader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loader").field("sweep", &self.sweep.scanner).finish_non_exhaustive()
    }
}

impl Loader {
    /// Begins to read a trace file. (A [black box](black_box) must be unpacked first.)
    ///
    /// # Errors
    /// [`LoadError`] if the file cannot be read, is no trace, or one of a later version.
    pub fn new(source: Arc<dyn Source>) -> Result<Self, LoadError> {
        let sweep = Sweep::new(&*source, false)?;
        Ok(Self { source, sweep })
    }

    /// Begins to read a file that is still being written: see [`step`](Self::step).
    ///
    /// # Errors
    /// As for [`new`](Self::new).
    pub fn follow(source: Arc<dyn Source>) -> Result<Self, LoadError> {
        let sweep = Sweep::new(&*source, true)?;
        Ok(Self { source, sweep })
    }

    /// Does some of the work. For a file that is followed, [`Progress::is_done`] says that all has been
    /// taken in that can be yet: call it again when the file has grown, and
    /// [`catch_up`](Self::catch_up) when it has not for a while.
    ///
    /// # Errors
    /// [`LoadError`] if reading fails.
    pub fn step(&mut self) -> Result<Progress, LoadError> {
        self.sweep.step(&*self.source, Some(&self.source))
    }

    /// The file has not grown for some time: nothing earlier than what it holds will come.
    ///
    /// # Errors
    /// [`LoadError`] if reading fails.
    pub fn catch_up(&mut self) -> Result<(), LoadError> {
        self.sweep.has_paused = true;
        while !self.step()?.is_done {}
        self.sweep.has_paused = false;
        Ok(())
    }

    /// Whether the file ends with its end marker: nothing more will come.
    pub fn is_complete(&self) -> bool {
        self.sweep.scanner.is_complete()
    }

    /// How many bytes of the file have been looked at.
    pub fn position(&self) -> u64 {
        self.sweep.scanner.position()
    }

    /// The trace, when nothing more is to come. (A last [`snapshot`](Self::snapshot) without a copy.)
    pub fn finish(self) -> Trace {
        self.sweep.finish()
    }

    /// The trace so far. What has begun and not ended goes on until its end.
    pub fn snapshot(&mut self) -> Trace {
        self.sweep.snapshot()
    }
}

/// Reads bytes in memory.
pub(crate) fn load_bytes(file: &[u8], progress: &mut dyn FnMut(f32)) -> Result<Trace, OpenError> {
    if black_box::is_black_box(file) {
        return load_bytes(&black_box::unpack(file, black_box::Life::Unknown)?, progress);
    }
    let in_memory = |error| match error {
        LoadError::Open(error) => error,
        // Memory can be read.
        LoadError::Read(_) => OpenError::Empty,
    };
    let source = Bytes(file);
    let mut sweep = Sweep::new(&source, false).map_err(in_memory)?;
    loop {
        let Progress { part, is_done } = sweep.step(&source, None).map_err(in_memory)?;
        progress(part);
        if is_done {
            return Ok(sweep.finish());
        }
    }
}

/// Reads a file for its figures: a trace of which most rows have been let go, and the sums over them.
pub(crate) fn add_up(source: &Arc<dyn Source>, sums: Sums) -> Result<(Trace, Sums), LoadError> {
    let mut sweep = Sweep::letting_go(&**source, LetGo::new(sums))?;
    while !sweep.step(&**source, Some(source))?.is_done {}
    Ok(sweep.finish_sums())
}

/// Borrowed bytes as a source.
struct Bytes<'a>(&'a [u8]);

impl Source for Bytes<'_> {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(offset, buffer)
    }
}
