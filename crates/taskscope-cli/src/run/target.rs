//! Where a command's recordings go, and which files there are its recordings.
//!
//! A process of the command names its file by the variable that it inherits. So the names are known
//! up to the process, and the directory is looked at for files that have such a name and whose
//! header says that their recording began after the command was started.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use taskscope_format::{EXTENSION, FileHeader};
use taskscope_viewer::Recordings;
use tempfile::TempDir;

use crate::error::Error;

/// The variable that names the file.
pub(super) const VARIABLE: &str = "TASKSCOPE_FILE";
/// Clocks of file systems are coarse, and so is what a recorder measures of its own start.
const SLACK: Duration = Duration::from_millis(100);

/// For so many times as long as a look takes there is none.
const SHARE: u32 = 20;

/// Where a command's recordings go.
#[derive(Debug)]
pub(super) struct Target {
    /// What the variable is set to; `None` where the person has set it.
    pub(super) variable: Option<PathBuf>,
    /// What a person can be shown as the name of the files.
    pub(super) pattern: PathBuf,
    folder: PathBuf,
    /// How the names of the files begin.
    prefix: String,
    /// What the one recording is to be called.
    wanted: Option<PathBuf>,
    temporary: Option<TempDir>,
    since: SystemTime,
    known: Vec<PathBuf>,
    /// Not before this is the directory looked at again.
    next_look: Instant,
}

impl Target {
    /// `keep` is where the recordings are to be kept, `environment` what the person has set the
    /// variable to.
    pub(super) fn new(keep: Option<&Path>, environment: Option<PathBuf>) -> Result<Self, Error> {
        match (keep, environment) {
            (None, None) => {
                let here = std::env::temp_dir();
                let folder = tempfile::Builder::new()
                    .prefix("taskscope-run-")
                    .tempdir_in(&here)
                    .map_err(|source| Error::Keep { path: here, source })?;
                let mut target = Self::in_folder(folder.path())?;
                target.temporary = Some(folder);
                Ok(target)
            }
            (None, Some(path)) => Ok(Self { variable: None, ..Self::named(&path)? }),
            (Some(path), _) if path.extension().is_none_or(|name| name != EXTENSION) => {
                std::fs::create_dir_all(path)
                    .map_err(|source| Error::Keep { path: path.to_owned(), source })?;
                Self::in_folder(path)
            }
            (Some(path), _) => {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                if name.contains('%') {
                    return Self::named(path);
                }
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                let mut target =
                    Self::named(&path.with_file_name(format!("{stem}-%p.{EXTENSION}")))?;
                target.wanted = Some(path.to_owned());
                Ok(target)
            }
        }
    }

    fn in_folder(folder: &Path) -> Result<Self, Error> {
        Self::named(&folder.join(format!("%e-%p.{EXTENSION}")))
    }

    /// Files that are called as this says, in which %p and %e stand for the process.
    fn named(path: &Path) -> Result<Self, Error> {
        // A program may go to another directory before it records.
        let path = std::path::absolute(path)
            .map_err(|source| Error::Keep { path: path.to_owned(), source })?;
        let folder = path.parent().unwrap_or(&path).to_owned();
        let has_letters = |text: &str| text.contains("%p") || text.contains("%e");
        if has_letters(&folder.to_string_lossy()) {
            return Err(Error::PercentInDirectory { path });
        }
        if !folder.is_dir() {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(Error::Keep { path, source });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let letters = [name.find("%p"), name.find("%e")].into_iter().flatten().min();
        let prefix = match letters {
            Some(at) => name[..at].to_owned(),
            // Where the name is taken, a recorder takes one beside it.
            None => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        Ok(Self {
            variable: Some(path.clone()),
            pattern: path,
            folder,
            prefix,
            wanted: None,
            temporary: None,
            since: SystemTime::now(),
            known: Vec::new(),
            next_look: Instant::now(),
        })
    }

    /// What the window says of the recordings.
    pub(super) fn recordings(&self) -> Recordings {
        match &self.temporary {
            Some(_) => Recordings::Temporary,
            None => Recordings::KeptIn(self.folder.clone()),
        }
    }

    pub(super) fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }

    /// The recordings that have begun since the last call, the oldest first. In a directory with a
    /// great many files that takes a while, and is not done each time, unless it must be.
    pub(super) fn look(&mut self, must: bool) -> Vec<PathBuf> {
        let now = Instant::now();
        if now < self.next_look && !must {
            return Vec::new();
        }
        let begun = self.list();
        self.next_look = Instant::now() + SHARE * now.elapsed();
        begun
    }

    fn list(&mut self) -> Vec<PathBuf> {
        // A directory that cannot be listed has no recordings: that none came is reported.
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let new = entries.filter(|entry| {
            let name = entry.file_name();
            name.to_string_lossy().starts_with(&self.prefix)
                && !self.known.contains(&entry.path())
                && entry.metadata().is_ok_and(|metadata| {
                    let changed = metadata.modified().unwrap_or(self.since);
                    metadata.is_file() && changed + SLACK >= self.since
                })
        });
        let mut begun: Vec<(u64, PathBuf)> =
            new.filter_map(|entry| Some((self.began(&entry.path())?, entry.path()))).collect();
        begun.sort();
        let begun: Vec<PathBuf> = begun.into_iter().map(|(_, path)| path).collect();
        self.known.extend(begun.iter().cloned());
        begun
    }

    /// When a recording began, if the file is one of the command's.
    fn began(&self, path: &Path) -> Option<u64> {
        let mut head = [0; FileHeader::LENGTH];
        File::open(path).ok()?.read_exact(&mut head).ok()?;
        let header = FileHeader::from_bytes(&head).ok().flatten()?;
        let since = (self.since - SLACK).duration_since(UNIX_EPOCH).unwrap_or_default();
        let is_since = u128::from(header.started_unix_ns) >= since.as_nanos();
        is_since.then_some(header.started_unix_ns)
    }

    /// All recordings, when the command has ended: gives the only one the name that was asked for.
    pub(super) fn settle(&mut self) -> Result<Vec<PathBuf>, Error> {
        let mut files = self.known.clone();
        if let (Some(wanted), [only]) = (&self.wanted, &mut files[..]) {
            std::fs::rename(&*only, wanted)
                .map_err(|source| Error::Write { path: wanted.clone(), source })?;
            only.clone_from(wanted);
        }
        Ok(files)
    }
}
