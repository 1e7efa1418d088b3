//! Indexes of files that took long to open, so that they open at once the next time.
//!
//! # Where
//! In the user's cache directory, and not beside the trace. A trace is often somebody else's, and so
//! would be an index that comes with it; directories of recordings are often not the user's to write
//! to; and what can be made again is for the directory that backup leaves out and that may be emptied at any
//! time. There only the user writes. What is read is checked all the same: see
//! [`Trace::read_index`].
//!
//! # When
//! After a file has been read whole and that took [two seconds](SLOW), a thread writes its index: to a
//! temporary file, which gets its name once it is whole. Nothing waits for it. When the window is closed
//! it stops within a megabyte, and the temporary file is removed. Where an index cannot be written,
//! there is none; nobody needs one.
//!
//! # What makes an index stale
//! Its tag is made of the file's path, its length, when it was written and when anything of it was changed
//! (which no program can set, where the operating system keeps it), and the checksums of 1,024 pieces
//! of 4 KiB, spread evenly over it: all of a file of up to 4 MiB. The headers of all blocks would say more of what
//! stands between, but are as many places to read, over a disk that may be slow. And
//! the taskscope that wrote it is part of the tag: another may conclude other things from the same file.
//!
//! # How much
//! The [three](MOST) that were used last are kept, and no more than [so many bytes](MOST_BYTES); none is written that takes
//! more than half of what the disk has left.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use taskscope_model::{Source, Trace};

/// What is read sooner has no index.
const SLOW: Duration = Duration::from_secs(2);
/// So many indexes are kept.
const MOST: usize = 3;
/// And so many bytes of them.
const MOST_BYTES: u64 = 16 << 30;
/// A temporary file of this age has been left behind by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(3600);

const ENDING: &str = "index";
const WRITING: &str = ".writing-";
/// The variable that switches indexes off, by the value `off`.
const SWITCH: &str = "TASKSCOPE_INDEX";

/// A directory of indexes. Copies are the same one.
#[derive(Clone, Debug)]
pub struct IndexCache {
    folder: PathBuf,
    slow: Duration,
    most: usize,
    writers: Arc<Writers>,
}

/// The threads that write.
#[derive(Debug, Default)]
struct Writers {
    stop: Arc<AtomicBool>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Writers {
    fn close(&self) {
        self.stop.store(true, Ordering::Relaxed);
        self.wait();
    }

    fn wait(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // One that panicked has written nothing.
            let _ = thread.join();
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.close();
    }
}

/// What a file was when reading it began.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    stat: Stat,
    at: Instant,
}

impl IndexCache {
    /// The user's. `None` where there is no such directory, or `TASKSCOPE_INDEX` is `off`.
    pub fn of_user() -> Option<Self> {
        if std::env::var_os(SWITCH).is_some_and(|value| value.eq_ignore_ascii_case("off")) {
            return None;
        }
        let folders = directories::ProjectDirs::from("", "", "taskscope")?;
        Some(Self::new(folders.cache_dir().join("indexes")))
    }

    /// One in this directory, which is made when it is needed. Nobody but the user should be able to
    /// write there.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, slow: SLOW, most: MOST, writers: Arc::default() }
    }

    /// The trace of a file, if there is an index of what the file is now. One of anything else is
    /// removed.
    pub fn find(&self, path: &Path) -> Option<Trace> {
        self.find_unless(path, || false)
    }

    /// The same, until `is_stopped`.
    pub(crate) fn find_unless(
        &self,
        path: &Path,
        is_stopped: impl Fn() -> bool + Send + Sync,
    ) -> Option<Trace> {
        let stat = Stat::of(path)?;
        let at = self.place(&stat);
        let index = File::open(&at).ok()?;
        let tag = stat.tag()?;
        let source = Stoppable { file: &index, is_stopped };
        let found = Trace::read_index(&source, &tag);
        match found {
            Ok(trace) => {
                // The one that was used longest ago goes first. (Where that is not kept, the one
                // that was written first.)
                let used = File::options().append(true).open(&at);
                let _ = used.and_then(|index| index.set_modified(SystemTime::now()));
                Some(trace)
            }
            // Why does not matter: the file is read, and says what is wrong with itself.
            Err(_) if (source.is_stopped)() => None,
            Err(_) => {
                let _ = fs::remove_file(at);
                None
            }
        }
    }

    /// What a file is before it is read, for [`keep`](Self::keep).
    pub(crate) fn begin(&self, path: &Path) -> Option<Begun> {
        Some(Begun { stat: Stat::of(path)?, at: Instant::now() })
    }

    /// Writes an index of a file that has been read, on another thread, if reading it has taken long
    /// and it is the same file still.
    pub(crate) fn keep(&self, begun: Begun, trace: Arc<Trace>) {
        if begun.at.elapsed() < self.slow || self.writers.stop.load(Ordering::Relaxed) {
            return;
        }
        let (cache, stop) = (self.detached(), self.writers.stop.clone());
        let write = move || {
            // Without an index the file is read again, as it always was.
            let _ = cache.write(&begun.stat, &trace, &stop);
        };
        let mut threads = self.writers.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(std::thread::spawn(write));
    }

    /// Writes one at once; for measurements. Whether it could be.
    pub(crate) fn keep_now(&self, path: &Path, trace: &Trace) -> bool {
        let stat = Stat::of(path).ok_or(io::ErrorKind::NotFound.into());
        stat.and_then(|stat: Stat| self.write(&stat, trace, &AtomicBool::new(false))).is_ok()
    }

    /// Stops what is being written, and removes what has been written of it.
    pub(crate) fn close(&self) {
        self.writers.close();
    }

    /// A copy that does not keep the threads.
    fn detached(&self) -> Self {
        Self { writers: Arc::default(), ..self.clone() }
    }

    /// Where the index of a file is kept.
    fn place(&self, stat: &Stat) -> PathBuf {
        self.folder.join(format!("{:016x}.{ENDING}", stat.name()))
    }

    fn write(&self, stat: &Stat, trace: &Trace, stop: &AtomicBool) -> io::Result<()> {
        let unsuitable = |why: &str| io::Error::other(why.to_owned());
        fs::create_dir_all(&self.folder)?;
        let bytes = trace.index_bytes();
        if bytes > MOST_BYTES || free_bytes(&self.folder).is_some_and(|free| bytes > free / 2) {
            return Err(unsuitable("it would take too much of the disk"));
        }
        let changed = || unsuitable("the file has changed while it was read");
        let tag = stat.tag().ok_or_else(changed)?;
        let temporary = tempfile::Builder::new().prefix(WRITING).tempfile_in(&self.folder)?;
        let mut out = Stopping { file: temporary.as_file(), stop };
        trace.write_index(&tag, &mut out)?;
        // It may have been changed while it was looked at.
        if Stat::of(&stat.path).as_ref() != Some(stat) {
            return Err(changed());
        }
        temporary.persist(self.place(stat))?;
        self.clean();
        Ok(())
    }

    /// Removes the indexes that were used longest ago, and what was left behind.
    fn clean(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else { return };
        let mut indexes = Vec::new();
        for entry in entries.flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            let used = metadata.modified().unwrap_or(UNIX_EPOCH);
            if path.extension().is_some_and(|ending| ending == ENDING) {
                indexes.push((used, metadata.len(), path));
            } else if entry.file_name().to_string_lossy().starts_with(WRITING)
                && used.elapsed().is_ok_and(|age| age > LEFT_BEHIND)
            {
                let _ = fs::remove_file(path);
            }
        }
        indexes.sort();
        let (mut count, mut bytes) = (0, 0);
        for (_, length, path) in indexes.into_iter().rev() {
            count += 1;
            bytes += length;
            if count > self.most || bytes > MOST_BYTES {
                let _ = fs::remove_file(path);
            }
        }
    }
}

/// What the operating system says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stat {
    path: PathBuf,
    length: u64,
    modified: Option<Duration>,
    changed: Option<(i64, i64)>,
}

/// So many pieces of a file are looked at, of so many bytes.
const PIECES: u64 = 1024;
const PIECE: u64 = 4096;

impl Stat {
    /// `None` for what is no file.
    fn of(path: &Path) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let metadata = fs::metadata(&path).ok().filter(Metadata::is_file)?;
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        Some(Self { path, length: metadata.len(), modified, changed: changed(&metadata) })
    }

    /// A number for the path: FNV-1a, the same everywhere. (Two paths with one number take the place
    /// of one another; the tag has the path itself.)
    fn name(&self) -> u64 {
        let path = self.path.as_os_str().as_encoded_bytes().iter();
        path.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }

    /// What an index of the file depends on; `None` if it is not this file any more, or cannot be read.
    fn tag(&self) -> Option<Vec<u8>> {
        let file = File::open(&self.path).ok()?;
        let mut tag = format!("{self:?} {:?} ", this_program()).into_bytes();
        // From the first byte to the last.
        let last = self.length.saturating_sub(PIECE);
        let pieces = self.length.div_ceil(PIECE).clamp(1, PIECES);
        let mut piece = vec![0; PIECE as usize];
        for number in 0..pieces {
            let offset = match pieces - 1 {
                0 => 0,
                steps => (u128::from(last) * u128::from(number) / u128::from(steps)) as u64,
            };
            let read = file.read_at(offset, &mut piece).ok()?;
            tag.extend(crc32fast::hash(&piece[..read]).to_le_bytes());
        }
        (Self::of(&self.path).as_ref() == Some(self)).then_some(tag)
    }
}

/// When anything of a file was changed last, by the operating system's own account.
#[cfg(unix)]
fn changed(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}

/// What tells this taskscope from others: the length of the program, and when it was built or installed.
fn this_program() -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(std::env::current_exe().ok()?).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

/// How many bytes a disk has left for this user, where that is known.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

/// A file that is read until somebody wants it no more.
struct Stoppable<'a, F> {
    file: &'a File,
    is_stopped: F,
}

impl<F: Fn() -> bool + Send + Sync> Source for Stoppable<'_, F> {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.is_stopped)() {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => self.file.read_at(offset, buffer),
        }
    }
}

/// A file that is written until it is to stop.
struct Stopping<'a> {
    file: &'a File,
    stop: &'a AtomicBool,
}

impl Write for Stopping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stop.load(Ordering::Relaxed) {
            // (What is interrupted is tried again.)
            true => Err(io::Error::other("stopped")),
            false => self.file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests;
