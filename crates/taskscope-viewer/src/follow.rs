//! Following a file that is being written.
//!
//! A thread looks at the file's length every 20 ms and takes in what is new. Snapshots go to the
//! window only if they reach as far as the one before: the loader may have to begin again when a
//! block comes late, and its snapshots reach less far for a moment.
//!
//! An event is to be seen 200 ms after it was recorded, at the latest. A recorder writes it within
//! 50 ms. That nothing earlier is to come of other threads is known by what it writes next, 50 ms
//! later, or by the quiet after that. The look at the length adds 20 ms at most, the wait for a
//! snapshot 30 ms, the frame 17 ms. `tests/lag.rs` measures it.
//!
//! The file may not be there yet. It may be replaced, by another file under its name or by a
//! program that starts anew and cuts it: then it is followed from its begin. A program that is
//! killed leaves a file that grows no more; the trace stays, and is waited for.
//!
//! Unless the file belongs to a command that the window was opened for: its name is that of one
//! process, and it is over when that is. A recorder locks its file for as long as it lives, so that
//! a lock that can be had says that it does not. (Not so in general: a recorder that starts just
//! then would find the lock taken, and record to another file.)

use std::fs::{File, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use taskscope_format::{FileHeader, black_box};
use taskscope_model::{LoadError, Loader, Source, Trace};

use crate::jobs;
use crate::loading::{News, Progress, STOPPED};
use crate::open_trace::Loaded;
use crate::session::Session;

/// So often the file's length is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// A recorder writes every 50 ms: when nothing has come for this long, nothing earlier will.
const QUIET: Duration = Duration::from_millis(70);
/// So long after one snapshot the next is taken, at the earliest, in milliseconds and in the time
/// that the last has taken: while there is much to read, and at the end, where somebody looks.
const EVERY: Duration = Duration::from_millis(30);
const SHARE: u32 = 10;
const SHARE_AT_END: u32 = 3;
/// When nothing has come for this long, and each time that it hasn't, a look is taken at whether
/// the recorder lives.
const LOOK_FOR_RECORDER: Duration = Duration::from_millis(200);
/// Where that cannot be seen, a file that has not grown for this long when its command has ended is
/// over.
const OVER: Duration = Duration::from_secs(1);
/// A trace without a poll is shown after so long.
const EMPTY: Duration = Duration::from_millis(400);

/// How far a trace reaches: its end, and its tasks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    end: u64,
    tasks: usize,
}

impl Reach {
    pub(crate) fn of(trace: &Trace) -> Self {
        Self { end: trace.span().end, tasks: trace.task_count() }
    }

    fn includes(self, other: Self) -> bool {
        self.end >= other.end && self.tasks >= other.tasks
    }
}

/// Follows a file until its recording is finished, or the process of the session that writes it
/// has ended. `shown` is how far the trace reaches that is open already, if one is.
pub(crate) fn follow(
    path: &Path,
    progress: &Progress,
    shown: Option<Reach>,
    session: Option<&Session>,
) -> Result<Option<Loaded>, String> {
    let mut following = Follower {
        path,
        progress,
        session,
        has_opened: shown.is_some(),
        begins_again: false,
        shown: shown.unwrap_or_default(),
    };
    loop {
        let file = Arc::new(following.wait_for_file()?);
        if following.file(&file)? {
            return Ok(None);
        }
        following.begins_again = following.has_opened;
        following.shown = Reach::default();
    }
}

struct Follower<'a> {
    path: &'a Path,
    progress: &'a Progress,
    /// The command that the file belongs to.
    session: Option<&'a Session>,
    /// Whether the window has opened a trace of it.
    has_opened: bool,
    /// Whether the next snapshot is of another file than the last.
    begins_again: bool,
    /// How far the last snapshot reached.
    shown: Reach,
}

impl Follower<'_> {
    fn because(&self, error: &io::Error) -> String {
        format!("{} cannot be read: {error}", self.path.display())
    }

    fn wait(&self) -> Result<(), String> {
        std::thread::sleep(LOOK);
        match self.progress.is_stopped() {
            true => Err(STOPPED.to_owned()),
            false => Ok(()),
        }
    }

    fn wait_for_file(&self) -> Result<File, String> {
        loop {
            match File::open(self.path) {
                Ok(file) => return Ok(file),
                Err(error) if error.kind() == ErrorKind::NotFound => self.wait()?,
                Err(error) => return Err(self.because(&error)),
            }
        }
    }

    /// Follows one file; whether its recording is over, or else it was replaced.
    fn file(&mut self, file: &Arc<File>) -> Result<bool, String> {
        let shown = self.path.display();
        let because = |error: LoadError| match error {
            LoadError::Read(error) => self.because(&error),
            LoadError::Open(error) => format!("{shown}: {error}"),
        };
        let head = self.head(file)?;
        if black_box::is_black_box(&head) {
            return Err(format!(
                "{shown} is a black box, and only a recording can be followed; open it again to \
                 see what has come since"
            ));
        }
        let mut loader = Loader::follow(file.clone()).map_err(because)?;
        let begun = Instant::now();
        let mut file_state = FileState { head, length: u64::MAX, reached: 0 };
        let (mut grown, mut next) = (begun, begun);
        let (mut is_done, mut has_caught_up, mut is_new) = (false, false, true);
        let mut writer = Writer { looked: begun, is_gone: false };
        loop {
            match file_state.look(self.path, file).map_err(|error| self.because(&error))? {
                Look::Replaced => return Ok(false),
                Look::Grown => {
                    (grown, is_done, has_caught_up) = (Instant::now(), false, false);
                    writer.is_gone = false;
                }
                Look::Same => {}
            }
            if !is_done {
                let step = loader.step().map_err(|error| match error {
                    LoadError::Read(error) => self.because(&error),
                    LoadError::Open(error) => format!("{}: {error}", self.path.display()),
                })?;
                self.progress.report(step.part);
                (is_done, is_new) = (step.is_done, true);
                file_state.reached = loader.position();
            } else if !has_caught_up && grown.elapsed() >= QUIET {
                loader.catch_up().map_err(|error| format!("{}: {error}", self.path.display()))?;
                (has_caught_up, is_new) = (true, true);
            }
            // What it wrote last has been taken in since it was seen to be gone.
            let is_unfinished = writer.is_gone && is_done && has_caught_up;
            let is_over = is_done && loader.is_complete() || is_unfinished;
            let now = Instant::now();
            if is_over || is_new && now >= next {
                let must = is_over || begun.elapsed() >= EMPTY;
                is_new = !self.show(loader.snapshot(), must, is_over)?;
                let share = if is_done { SHARE_AT_END } else { SHARE };
                next = now + EVERY.max(now.elapsed() * share);
            }
            if is_over {
                return Ok(true);
            }
            if let Some(session) = self.session
                && has_caught_up
            {
                writer.look(file, session, grown.elapsed());
                // It may have written since the last look at the length.
                has_caught_up = !writer.is_gone;
            }
            if is_done {
                self.wait()?;
            } else if self.progress.is_stopped() {
                return Err(STOPPED.to_owned());
            }
        }
    }

    /// The header of the file, or as much as there is of it.
    fn head(&self, file: &File) -> Result<Vec<u8>, String> {
        head(file).map_err(|error| self.because(&error))
    }

    /// Gives a snapshot to the window, unless it reaches less far than what is shown.
    fn show(&mut self, trace: Trace, may_be_empty: bool, is_last: bool) -> Result<bool, String> {
        let reach = Reach::of(&trace);
        let is_fresh = !self.has_opened || self.begins_again;
        if is_fresh && trace.poll_count() == 0 && !may_be_empty {
            return Ok(false);
        }
        if !is_last && !is_fresh && !reach.includes(self.shown) {
            return Ok(false);
        }
        self.shown = reach;
        if !is_fresh {
            self.progress.send(News::Newer(Arc::new(trace)));
            return Ok(true);
        }
        let name = self.path.file_name();
        let name = name.unwrap_or(self.path.as_os_str()).to_string_lossy();
        let work = Loaded::prepare(trace, name, Some(self.path.to_owned()));
        let loaded = jobs::unless(work, || self.progress.is_stopped());
        let loaded = Box::new(loaded.ok_or_else(|| STOPPED.to_owned())?);
        self.progress.send(match self.begins_again {
            true => News::Again(loaded),
            false => News::Part(loaded),
        });
        (self.has_opened, self.begins_again) = (true, false);
        Ok(true)
    }
}

/// What is known of the recorder that writes the file.
struct Writer {
    looked: Instant,
    is_gone: bool,
}

impl Writer {
    /// Looks from time to time whether it is gone, while the file does not grow.
    fn look(&mut self, file: &File, session: &Session, quiet: Duration) {
        if quiet < LOOK_FOR_RECORDER || self.looked.elapsed() < LOOK_FOR_RECORDER {
            return;
        }
        self.looked = Instant::now();
        self.is_gone = match file.try_lock_shared() {
            // On Windows a recorder takes no lock.
            Ok(()) if cfg!(unix) => true,
            Err(TryLockError::WouldBlock) => false,
            Ok(()) | Err(TryLockError::Error(_)) => session.has_ended() && quiet >= OVER,
        };
        // It fails where there is none.
        let _ = file.unlock();
    }
}

/// What is known of the file that is followed.
struct FileState {
    /// Its header, once it is there. A program that starts anew writes another.
    head: Vec<u8>,
    length: u64,
    /// How far it has been read.
    reached: u64,
}

enum Look {
    Same,
    Grown,
    Replaced,
}

impl FileState {
    fn look(&mut self, path: &Path, file: &File) -> io::Result<Look> {
        let metadata = file.metadata()?;
        match std::fs::metadata(path) {
            Ok(other) if !is_same(&metadata, &other) => return Ok(Look::Replaced),
            // It was removed: what was read of it stays until another comes.
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let length = metadata.len();
        if length < self.reached {
            return Ok(Look::Replaced);
        }
        if length == self.length {
            return Ok(Look::Same);
        }
        self.length = length;
        let head = head(file)?;
        if !head.starts_with(&self.head) {
            return Ok(Look::Replaced);
        }
        self.head = head;
        Ok(Look::Grown)
    }
}

fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; FileHeader::LENGTH];
    let length = file.read_at(0, &mut head)?;
    head.truncate(length);
    Ok(head)
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Where files have no number, by when they were made.
#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}
