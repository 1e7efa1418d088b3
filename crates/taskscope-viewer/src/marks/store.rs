//! Where the marks of a trace are kept: a file beside it, read when the trace is opened and written
//! with each change.
//!
//! # Not on the thread that draws
//! A folder may lie behind a network. So reading and writing are jobs, one at a time; what
//! changes while one of them runs is written by the next. Only when a trace is closed in the moment after a
//! change does the window wait for it.
//!
//! # Nothing of somebody else's is lost
//! A file that cannot be read is left as it is, and nothing is kept then. Nor is a file replaced that another
//! window, or an editor, has written since it was read: it is compared first. (Between that and the
//! renaming is a moment that no file system closes; two people would have to write in it.)
//! Writers hold a lock while they do, and know which change they write, so that none replaces a later one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Mark;
use super::file::{self, Record};
use crate::jobs::{Jobs, Running};

/// The file with the marks of a trace.
pub(crate) fn path_beside(trace: &Path) -> PathBuf {
    let mut name = trace.as_os_str().to_owned();
    name.push(".notes.json");
    name.into()
}

/// What is kept, for a copy of the trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    Nothing,
    Bytes(Vec<u8>),
    /// What is in this file, whatever it is.
    File(PathBuf),
}

impl Kept {
    /// Puts it beside a copy of the trace, where there must be nothing yet; gives back what was written.
    ///
    /// # Errors
    /// Why it could not be put there, in a sentence.
    pub(crate) fn put_beside(self, copy: &Path) -> Result<Option<Vec<u8>>, String> {
        let to = path_beside(copy);
        let bytes = match self {
            Self::Nothing => None,
            Self::Bytes(bytes) => Some(bytes),
            Self::File(from) => file::read(&from)
                .map_err(|error| format!("{} cannot be read: {error}.", from.display()))?,
        };
        let exists = || {
            let to = to.display();
            format!("{to} exists already, with the marks of another trace: choose another name.")
        };
        match &bytes {
            None if to.exists() => return Err(exists()),
            None => {}
            Some(bytes) => file::create(&to, bytes).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => exists(),
                _ => format!("{} cannot be written: {error}. Choose another folder.", to.display()),
            })?,
        }
        Ok(bytes)
    }
}

type Found = Result<(Option<Vec<u8>>, Vec<Record>), String>;

enum State {
    Unread,
    Reading(Running<Found>),
    /// What was there is known, and may be replaced.
    Read,
    /// It is left as it is.
    Unreadable,
}

/// What is in the file, as far as this window knows.
struct OnDisk {
    /// Which change was written last.
    revision: u64,
    bytes: Option<Vec<u8>>,
}

/// The file, and what is being done with it.
pub(super) struct Store {
    path: PathBuf,
    state: State,
    /// Counts the changes.
    revision: u64,
    /// Up to which change writing was tried.
    tried: u64,
    disk: Arc<Mutex<OnDisk>>,
    /// Whether there was a file when it was read, or the trace was copied.
    was_there: bool,
    writing: Option<Running<Result<(), String>>>,
    /// Why marks are not kept.
    problem: Option<String>,
    /// The same until it was said.
    news: Option<String>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

fn lock(disk: &Mutex<OnDisk>) -> MutexGuard<'_, OnDisk> {
    // It is changed in one piece, when all else is done.
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Store {
    /// The file beside this trace.
    pub(super) fn beside(trace: &Path) -> Self {
        Self {
            path: path_beside(trace),
            state: State::Unread,
            revision: 0,
            tried: 0,
            disk: Arc::new(Mutex::new(OnDisk { revision: 0, bytes: None })),
            was_there: false,
            writing: None,
            problem: None,
            news: None,
        }
    }

    pub(super) fn has_changed(&mut self) {
        self.revision += 1;
    }

    pub(super) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(super) fn take_news(&mut self) -> Option<String> {
        self.news.take()
    }

    fn fails(&mut self, why: String) {
        if self.problem.as_ref() != Some(&why) {
            self.news = Some(why.clone());
            self.problem = Some(why);
        }
    }

    /// Begins to read the file, the first time; gives back what was in it, once.
    pub(super) fn read(&mut self, jobs: &Jobs) -> Vec<Record> {
        if let State::Unread = self.state {
            let path = self.path.clone();
            self.state = State::Reading(jobs.start(false, async move { find(&path) }));
        }
        let State::Reading(running) = &self.state else { return Vec::new() };
        match running.outcome() {
            None => return Vec::new(),
            Some(Ok(Ok((bytes, records)))) => {
                self.was_there = bytes.is_some();
                lock(&self.disk).bytes = bytes;
                self.state = State::Read;
                return records;
            }
            Some(Ok(Err(why))) => {
                self.state = State::Unreadable;
                self.fails(format!(
                    "The marks of this trace cannot be read from {}: {why}. The file is left as it is, \
                     and what you mark now is not kept. Repair the file or move it away, and open \
                     the trace again.",
                    self.path.display()
                ));
            }
            // It panicked: then it is not known what is there.
            Some(Err(())) => self.state = State::Unreadable,
        }
        Vec::new()
    }

    /// Begins to write what has changed, if the file may be replaced and nothing is being written.
    pub(super) fn write(&mut self, jobs: &Jobs, bytes: impl FnOnce() -> Vec<u8>) {
        self.take_in();
        let is_due = self.tried < self.revision && matches!(self.state, State::Read);
        if is_due && self.writing.is_none() {
            self.tried = self.revision;
            let (path, disk) = (self.path.clone(), self.disk.clone());
            let (revision, bytes) = (self.revision, bytes());
            let work = async move { replace(&path, &disk, revision, bytes) };
            self.writing = Some(jobs.start(false, work));
            self.take_in();
        }
    }

    /// Takes in what has become of what was written.
    fn take_in(&mut self) {
        let Some(outcome) = self.writing.as_ref().and_then(Running::outcome) else { return };
        self.writing = None;
        match outcome {
            Ok(Ok(())) => self.problem = None,
            Ok(Err(why)) => self.fails(why),
            Err(()) => self.fails(format!("{} could not be written.", self.path.display())),
        }
    }

    /// Writes what has changed at once.
    pub(super) fn finish(&mut self, bytes: impl FnOnce() -> Vec<u8>) -> Result<(), String> {
        // What has not begun yet need not.
        self.writing = None;
        if self.revision == 0 || !matches!(self.state, State::Read) {
            return Ok(());
        }
        replace(&self.path, &self.disk, self.revision, bytes())
    }

    pub(super) fn to_copy(&self, marks: &[Mark]) -> Kept {
        // Not asked of the disk: a writer may have its lock for long.
        let has_file = self.was_there || self.tried > 0;
        match self.state {
            State::Read if !marks.is_empty() || has_file => Kept::Bytes(file::bytes(marks)),
            State::Read => Kept::Nothing,
            _ => Kept::File(self.path.clone()),
        }
    }

    /// The trace lies in another file now, with these bytes beside it.
    pub(super) fn moved_to(&mut self, trace: &Path, copied: Option<Vec<u8>>, marks: &[Mark]) {
        let moved = Self::beside(trace);
        match std::mem::replace(&mut self.state, State::Unread) {
            State::Read => {
                let has_changed = match &copied {
                    Some(copied) => *copied != file::bytes(marks),
                    None => !marks.is_empty(),
                };
                let was_there = copied.is_some();
                lock(&moved.disk).bytes = copied;
                let revision = has_changed.into();
                *self = Self { state: State::Read, revision, was_there, ..moved };
            }
            State::Unreadable => {
                let problem = self.problem.take();
                *self = Self { state: State::Unreadable, problem, ..moved };
            }
            // What was added already is kept with what will be read.
            State::Unread | State::Reading(_) => {
                *self = Self { revision: self.revision, ..moved };
            }
        }
    }
}

fn find(path: &Path) -> Found {
    let bytes = file::read(path).map_err(|error| error.to_string())?;
    let records = bytes.as_deref().map_or(Ok(Vec::new()), file::parse)?;
    Ok((bytes, records))
}

/// Replaces the file by the state after a change, unless that has been done, or somebody else has changed the file.
fn replace(path: &Path, disk: &Mutex<OnDisk>, revision: u64, bytes: Vec<u8>) -> Result<(), String> {
    let mut disk = lock(disk);
    if disk.revision >= revision {
        return Ok(());
    }
    let cannot = |error: std::io::Error| {
        format!(
            "Marks cannot be kept in {}: {error}. They are there until the window is closed; “Save \
             as…” puts the trace and its marks elsewhere.",
            path.display()
        )
    };
    if file::read(path).map_err(cannot)? != disk.bytes {
        return Err(format!(
            "{} was changed by another window or program since it was read. It is left as it is, and \
             what you mark now is not kept: open the trace again to go on from what is there.",
            path.display()
        ));
    }
    file::replace(path, &bytes).map_err(cannot)?;
    *disk = OnDisk { revision, bytes: Some(bytes) };
    Ok(())
}
