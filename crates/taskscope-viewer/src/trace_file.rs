//! Reading a trace file, or the black box of a process that may still live.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use taskscope_format::black_box::{self, BoxState, Life};
use taskscope_model::{LoadError, Loader, OpenError, Progress, Source, Trace};

/// Why a file could not be read as a trace.
#[derive(Debug)]
pub enum ReadError {
    /// The operating system says so.
    Read(io::Error),
    /// Its bytes are no trace.
    Open(OpenError),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl From<OpenError> for ReadError {
    fn from(error: OpenError) -> Self {
        Self::Open(error)
    }
}

impl From<LoadError> for ReadError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Open(error) => Self::Open(error),
            LoadError::Read(error) => Self::Read(error),
        }
    }
}

/// A black box as it was read.
#[derive(Debug)]
pub struct BlackBox {
    /// What its header says.
    pub state: BoxState,
    /// Whether its process lives; `None` where that is not known.
    pub is_alive: Option<bool>,
    /// What there is in it, as a trace file.
    pub trace: Vec<u8>,
}

/// A process that writes as fast as it can may be faster than one reading.
const TRIES: u32 = 20;

/// Reads a file. If it is a black box, what it holds is returned as a trace file.
///
/// # Errors
/// [`ReadError::Read`] if the file cannot be read, and [`ReadError::Open`] if it is a black box that
/// cannot be. A trace is not looked at.
pub fn read(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut file = File::open(path)?;
    match read_box(&mut file)? {
        Some(found) => Ok(found.trace),
        None => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        }
    }
}

/// Reads a file as a trace, in steps: a trace from the file itself, and what a black box holds from
/// memory. After each step `goes_on` gets the part that is done, from 0 to 1; `None` is returned as soon
/// as it says no.
///
/// # Errors
/// [`ReadError::Read`] if the file cannot be read, and [`ReadError::Open`] if it is no trace.
pub fn load(path: &Path, mut goes_on: impl FnMut(f32) -> bool) -> Result<Option<Trace>, ReadError> {
    let mut file = File::open(path)?;
    let source: Arc<dyn Source> = match read_box(&mut file)? {
        Some(found) => Arc::new(found.trace),
        // What is no file, a pipe say, cannot be read at any place.
        None if !file.metadata()?.is_file() => {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Arc::new(bytes)
        }
        None => Arc::new(file),
    };
    let mut loader = Loader::new(source)?;
    loop {
        let Progress { part, is_done } = loader.step()?;
        if !goes_on(part) {
            return Ok(None);
        }
        if is_done {
            return Ok(Some(loader.finish()));
        }
    }
}

/// Reads a black box; `None` if the file is none.
///
/// # Errors
/// As for [`read`].
pub fn read_black_box(path: &Path) -> Result<Option<BlackBox>, ReadError> {
    read_box(&mut File::open(path)?)
}

fn read_box(file: &mut File) -> Result<Option<BlackBox>, ReadError> {
    const HEADER: u64 = 1024;
    let mut tries = 0;
    loop {
        file.rewind()?;
        let mut glance = Vec::new();
        file.take(HEADER).read_to_end(&mut glance)?;
        if !black_box::is_black_box(&glance) {
            file.rewind()?;
            return Ok(None);
        }
        let is_alive = is_locked(file);
        let length = black_box::glance_bytes(&glance)?;
        file.take(length.saturating_sub(HEADER)).read_to_end(&mut glance)?;
        // All of it once more, from front to back: see `taskscope_format::black_box`.
        file.rewind()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let life = match is_alive {
            Some(true) => Life::Alive { glance: &glance },
            Some(false) => Life::Dead,
            None => Life::Unknown,
        };
        match black_box::unpack(&bytes, life) {
            Err(OpenError::BusyBox) if tries < TRIES => tries += 1,
            result => {
                let state = black_box::state(&bytes)?;
                return Ok(Some(BlackBox { state, is_alive, trace: result? }));
            }
        }
    }
}

/// Whether a process holds the lock of a black box, as its own does. `None` on file systems that
/// have no locks, and of which the file may be a copy.
fn is_locked(file: &File) -> Option<bool> {
    match file.try_lock_shared() {
        Ok(()) => {
            // Nothing to do where that fails: it goes with the file.
            drop(file.unlock());
            Some(false)
        }
        Err(TryLockError::WouldBlock) => Some(true),
        Err(TryLockError::Error(_)) => None,
    }
}
