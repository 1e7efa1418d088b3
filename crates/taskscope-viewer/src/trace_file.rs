//! Opening a trace file to be read in parts, or the black box of a process that may still live.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use taskscope_format::black_box::{self, BoxState, Life};
use taskscope_model::{OpenError, Source};

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

/// Opens a file for [`Loader`](taskscope_model::Loader), which reads it a part at a time. What a
/// black box holds is unpacked as a trace file in memory, and so is what can only be read from
/// front to back, such as a pipe.
///
/// # Errors
/// [`ReadError::Read`] if the file cannot be read, and [`ReadError::Open`] if it is a black box that
/// cannot be. A trace is not looked at.
pub fn open(path: &Path) -> Result<Arc<dyn Source>, ReadError> {
    let mut file = File::open(path)?;
    if !file.metadata()?.is_file() {
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        if black_box::is_black_box(&bytes) {
            bytes = black_box::unpack(&bytes, Life::Unknown)?;
        }
        return Ok(Arc::new(bytes));
    }
    Ok(match read_box(&mut file)? {
        Some(found) => Arc::new(found.trace),
        None => Arc::new(file),
    })
}

/// Reads a black box; `None` if the file is none.
///
/// # Errors
/// As for [`open`].
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
