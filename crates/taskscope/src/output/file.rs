//! Which file a recording goes to.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::Error;
use crate::stderr::warn;

/// The environment variable that names the trace file.
pub(crate) const ENVIRONMENT: &str = "TASKSCOPE_FILE";

/// The files that this process is recording to.
static IN_USE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// An open trace file, which no other recording of this process can take while
/// this lives.
#[derive(Debug)]
pub(crate) struct OutputFile {
    pub(crate) path: PathBuf,
}

impl OutputFile {
    /// Makes the file: `explicit`, or what `TASKSCOPE_FILE` says, or
    /// `<program>-<pid>.tscope` in the current directory. A file that somebody
    /// named is replaced, unless another process is recording to it; the last is never.
    ///
    /// `stretch` counts the files of one recorder from 1. Later ones are called after the first
    /// and numbered.
    pub(crate) fn create(
        explicit: Option<PathBuf>,
        program: &str,
        stretch: u32,
    ) -> Result<(Self, File), Error> {
        let Some(path) = named(explicit) else {
            return Self::create_new(Path::new(program));
        };
        let path = if stretch > 1 { numbered(&path, stretch) } else { path };
        let target = Self::claim(path)?;
        match create_unless_locked(&target.path) {
            Ok(Some(file)) => Ok((target, file)),
            // The name came by the environment, from a parent that records itself.
            Ok(None) => {
                let beside = Self::create_new(&target.path.with_extension(""))?;
                warn(&format_args!(
                    "another process is recording to {}; this one records to {} (write %p into \
                     the name: it stands for the number of the process)",
                    target.path.display(),
                    beside.0.path.display(),
                ));
                Ok(beside)
            }
            Err(source) => Err(Error::Create { path: target.path.clone(), source }),
        }
    }

    /// Makes a file that is not there yet: `<stem>-<pid>.tscope`.
    fn create_new(stem: &Path) -> Result<(Self, File), Error> {
        let stem = format!("{}-{}", stem.display(), std::process::id());
        let mut number = 1;
        loop {
            let path = PathBuf::from(match number {
                1 => format!("{stem}.{}", taskscope_format::EXTENSION),
                _ => format!("{stem}-{number}.{}", taskscope_format::EXTENSION),
            });
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    lock(&file);
                    return Ok((Self::claim(path)?, file));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < 10_000 => {
                    number += 1;
                }
                Err(source) => return Err(Error::Create { path, source }),
            }
        }
    }

    /// Takes a path for this process, of which no other recording can take it.
    pub(crate) fn claim(path: PathBuf) -> Result<Self, Error> {
        let path = std::path::absolute(&path).unwrap_or(path);
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        // Devices such as /dev/null can be shared.
        let special =
            path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        if in_use.contains(&path) && !special {
            return Err(Error::InUse { path });
        }
        in_use.push(path.clone());
        Ok(Self { path })
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        let mut in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(position) = in_use.iter().position(|path| *path == self.path) {
            in_use.swap_remove(position);
        }
    }
}

/// The files of a flight recorder's dumps: `<stem>-<number>.tscope`, none of which replaces
/// another.
#[derive(Debug)]
pub(crate) struct DumpFiles {
    directory: PathBuf,
    stem: String,
    number: u32,
}

impl DumpFiles {
    /// Beside `explicit`, or what `TASKSCOPE_FILE` names, and called as that; without them in
    /// the current directory and called as the program. The directory must be there.
    pub(crate) fn new(explicit: Option<PathBuf>, program: &str) -> Result<Self, Error> {
        let path = named(explicit)
            .unwrap_or_else(|| PathBuf::from(format!("{program}-{}", std::process::id())));
        // A program may go to another directory later.
        let path = std::path::absolute(&path).unwrap_or(path);
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let suffix = format!(".{}", taskscope_format::EXTENSION);
        let stem = name.strip_suffix(&suffix).unwrap_or(&name).to_owned();
        if !directory.is_dir() {
            let source = io::Error::from(io::ErrorKind::NotFound);
            return Err(Error::Create { path, source });
        }
        Ok(Self { directory, stem, number: 0 })
    }

    /// The next file.
    pub(crate) fn create(&mut self) -> Result<(PathBuf, File), Error> {
        loop {
            self.number += 1;
            let name = format!("{}-{}.{}", self.stem, self.number, taskscope_format::EXTENSION);
            let path = self.directory.join(name);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => return Ok((path, file)),
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && self.number < u32::MAX => {}
                Err(source) => return Err(Error::Create { path, source }),
            }
        }
    }
}

/// `app.tscope` and 2 make `app-2.tscope`.
pub(crate) fn numbered(path: &Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let name = match path.extension() {
        Some(extension) => format!("{stem}-{number}.{}", extension.to_string_lossy()),
        None => format!("{stem}-{number}"),
    };
    path.with_file_name(name)
}

/// Makes or replaces a file; `None` where another process has locked it. Only then is it as it was.
fn create_unless_locked(path: &Path) -> io::Result<Option<File>> {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    if !lock(&file) {
        return Ok(None);
    }
    // A device has no length to set.
    if file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Ok(Some(file))
}

/// Locks a file for as long as it is open; `false` where another process holds the lock. File
/// systems without locks have none to hold. (On Windows a lock would keep viewers from reading.)
fn lock(file: &File) -> bool {
    !cfg!(unix) || !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// The file that the program or its environment names. `%p` in it is the number of the process,
/// `%e` the name of its program: the letters that Linux has for core files.
fn named(explicit: Option<PathBuf>) -> Option<PathBuf> {
    let from_environment = || std::env::var_os(ENVIRONMENT).filter(|path| !path.is_empty());
    let path = explicit.or_else(|| from_environment().map(PathBuf::from))?;
    let path = with_process(path);
    Some(match path.to_str() {
        Some(name) if name.contains("%e") => name.replace("%e", &program_name()).into(),
        _ => path,
    })
}

/// The path with the number of the process in place of `%p`.
pub(crate) fn with_process(path: PathBuf) -> PathBuf {
    match path.to_str() {
        Some(name) if name.contains("%p") => {
            name.replace("%p", &std::process::id().to_string()).into()
        }
        _ => path,
    }
}

/// The file name of the running program.
pub(crate) fn program_name() -> String {
    let from_arguments = || std::env::args_os().next().map(PathBuf::from);
    let path = std::env::current_exe().ok().or_else(from_arguments);
    let stem = path.as_deref().and_then(Path::file_stem).map(OsString::from);
    stem.map_or_else(|| "program".to_owned(), |stem| stem.to_string_lossy().into_owned())
}
