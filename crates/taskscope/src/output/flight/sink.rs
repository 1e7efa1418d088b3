//! The writer thread's side of a flight recorder: keeps blocks, and has them written when there
//! is a cause.
//!
//! A dump is written by a thread of its own, from a list of blocks that it shares with the
//! ring. So the writer thread empties the rings as ever, however slow the disk is, and
//! nothing is dropped for the sake of a dump.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use taskscope_format::{FileWriter, Nanos, ThreadId, stands_alone};

use crate::Error;
use crate::UserSignal;
use crate::output::black_box::area::BlockArea;
use crate::output::file::DumpFiles;
use crate::output::flight::FlightConfig;
use crate::output::flight::block_ring::{Block, BlockRing, Snapshot};
use crate::output::flight::long_poll::LongPollWatch;
use crate::output::flight::triggers::{Cause, Installed, Reply};
use crate::tracker::shared::Shared;

#[derive(Debug)]
pub(crate) struct FlightSink {
    ring: BlockRing,
    watch: Option<LongPollWatch>,
    signal: Option<UserSignal>,
    limits: Limits,
    requests: Receiver<Reply>,
    files: Arc<Mutex<DumpFiles>>,
    started_unix_ns: u64,
    /// A cause that has not led to a dump yet.
    waiting: Option<Cause>,
    running: Vec<JoinHandle<Written>>,
    written: Written,
    installed: Installed,
}

/// What came of dumps.
#[derive(Debug, Default)]
pub(crate) struct Written {
    pub(crate) paths: Vec<PathBuf>,
    pub(crate) bytes: u64,
    /// The first error that no caller has received.
    pub(crate) error: Option<Error>,
}

/// How many automatic dumps there may be.
#[derive(Debug)]
struct Limits {
    left: u32,
    apart: Nanos,
    last: [Option<Nanos>; 2],
}

impl Limits {
    /// Whether there may be a dump for this cause now.
    fn allow(&mut self, cause: &Cause, now: Nanos) -> bool {
        let Some(kind) = cause.automatic() else { return true };
        let last = self.last.get_mut(kind);
        let due = last
            .as_ref()
            .is_none_or(|last| last.is_none_or(|last| now.saturating_sub(last) >= self.apart));
        let allowed = due && self.left > 0;
        if allowed {
            self.left -= 1;
            last.into_iter().for_each(|last| *last = Some(now));
        }
        allowed
    }
}

fn nanos(time: Duration) -> Nanos {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl FlightSink {
    pub(crate) fn new(
        flight: &FlightConfig,
        files: DumpFiles,
        started_unix_ns: u64,
        requests: Receiver<Reply>,
        installed: Installed,
        area: Option<BlockArea>,
    ) -> Self {
        let window = flight.window.map(nanos);
        let ring = match area {
            Some(area) => BlockRing::in_box(area, window),
            None => BlockRing::new(flight.bytes, window),
        };
        Self {
            ring,
            watch: flight.long_poll.map(|limit| LongPollWatch::new(nanos(limit))),
            signal: flight.signal,
            limits: Limits { left: flight.most, apart: nanos(flight.apart), last: [None; 2] },
            requests,
            files: Arc::new(Mutex::new(files)),
            started_unix_ns,
            waiting: None,
            running: Vec::new(),
            written: Written::default(),
            installed,
        }
    }

    /// Those who call for a dump. What they have recorded so far is in the rings.
    pub(crate) fn callers(&self) -> Vec<Reply> {
        self.requests.try_iter().collect()
    }

    /// Keeps a block, which begins at `offset` of its thread's stream.
    pub(crate) fn take_in(
        &mut self,
        thread: ThreadId,
        offset: Option<u64>,
        block: &[u8],
        now: Nanos,
    ) {
        self.ring.push(thread, offset, block, now);
        if let Some(watch) = &mut self.watch {
            let longer = !stands_alone(block);
            if !self.ring.read_newest(thread, |records| watch.read(thread, longer, records)) {
                // It leans on what had to go, so what is open now is not known.
                watch.forget_thread(thread);
            }
        }
    }

    /// Whether what is kept lies in a black box.
    pub(crate) fn is_boxed(&self) -> bool {
        self.ring.is_boxed()
    }

    /// Bytes that a black box has for what still holds of older blocks; 0 without one.
    pub(crate) fn room_for_facts(&self) -> usize {
        self.ring.area().map_or(0, BlockArea::slot_capacity)
    }

    /// See [`BlockRing::set_description`].
    pub(crate) fn set_description(&mut self, description: &[u8], at_once: bool) {
        self.ring.set_description(description, at_once);
    }

    /// A thread is gone.
    pub(crate) fn end(&mut self, thread: ThreadId) {
        self.ring.end(thread);
        if let Some(watch) = &mut self.watch {
            watch.forget_thread(thread);
        }
    }

    /// Lets go what is too old, and says whether something calls for a dump, if there may be one.
    /// At the end, those that wait for another dump need not wait.
    pub(crate) fn look(&mut self, now: Nanos, at_end: bool) -> Option<Cause> {
        self.ring.beat(now);
        self.ring.expire(now);
        let (over, running) =
            self.running.drain(..).partition(|thread| at_end || thread.is_finished());
        self.running = running;
        let over: Vec<_> = over;
        over.into_iter().for_each(|thread| self.written.join(thread));
        let long_poll = self.watch.as_mut().and_then(|watch| watch.look(now));
        let causes = [
            self.installed.flags.take_panic(),
            self.installed.flags.take_signal().then(|| Cause::Signal(self.signal_name())),
            long_poll.map(Cause::LongPoll),
        ];
        for cause in causes.into_iter().flatten() {
            if self.waiting.is_none() && self.limits.allow(&cause, now) {
                self.waiting = Some(cause);
            }
        }
        self.waiting.take_if(|_| self.running.is_empty())
    }

    fn signal_name(&self) -> &'static str {
        match self.signal {
            Some(UserSignal::Usr1) => "SIGUSR1",
            Some(UserSignal::Usr2) => "SIGUSR2",
            None => "",
        }
    }

    pub(crate) fn snapshot(&self, now: Nanos) -> Snapshot {
        self.ring.snapshot(now)
    }

    /// Has these blocks written. The outcome goes to the callers; without any, to standard error.
    pub(crate) fn write(
        &mut self,
        shared: &Arc<Shared>,
        blocks: Vec<Block>,
        message: String,
        callers: Vec<Reply>,
    ) {
        let (files, started) = (Arc::clone(&self.files), self.started_unix_ns);
        let shared = Arc::clone(shared);
        let write = move || {
            let mut written = Written::default();
            match write(&shared, &files, started, &blocks) {
                Ok(path) => {
                    written.bytes = blocks.iter().map(|(_, block)| block.len() as u64).sum();
                    written.paths.push(path.clone());
                    if callers.is_empty() {
                        crate::stderr::warn(&format_args!("{message}: {}", path.display()));
                    }
                    // The receiver may have gone; the file is there.
                    callers.iter().for_each(|caller| drop(caller.send(Ok(path.clone()))));
                }
                Err(error) if callers.is_empty() => {
                    crate::stderr::warn(&error);
                    written.error = Some(error);
                }
                Err(error) => {
                    callers.iter().for_each(|caller| drop(caller.send(Err(error.for_another()))));
                }
            }
            written
        };
        let thread = std::thread::Builder::new().name("taskscope-dump".to_owned());
        match thread.spawn(write) {
            Ok(thread) => self.running.push(thread),
            Err(source) => {
                self.written.error.get_or_insert(Error::Thread { source });
            }
        }
    }

    /// Waits for the dumps that are being written.
    pub(crate) fn finish(mut self, now: Nanos) -> Written {
        if let Some(area) = self.ring.area() {
            area.finish(now);
        }
        for thread in std::mem::take(&mut self.running) {
            self.written.join(thread);
        }
        self.written
    }
}

impl Written {
    fn join(&mut self, thread: JoinHandle<Self>) {
        let Ok(written) = thread.join() else { return };
        self.paths.extend(written.paths);
        self.bytes += written.bytes;
        if let Some(error) = written.error {
            self.error.get_or_insert(error);
        }
    }
}

fn write(
    shared: &Shared,
    files: &Mutex<DumpFiles>,
    started_unix_ns: u64,
    blocks: &[Block],
) -> Result<PathBuf, Error> {
    // One at a time, so that none looks for a name that another has just taken.
    let created = files.lock().unwrap_or_else(PoisonError::into_inner).create();
    let (path, file) = created?;
    let write = |file: File| -> Result<(), (io::Error, u64)> {
        let mut left: u64 = blocks.iter().map(|(_, block)| block.len() as u64).sum();
        let mut writer = FileWriter::new(file, started_unix_ns).map_err(|error| (error, left))?;
        for (thread, block) in blocks {
            writer.block(*thread, block).map_err(|error| (error, left))?;
            left -= block.len() as u64;
            shared.count_block();
        }
        writer.finish().map(drop).map_err(|error| (error, 0))
    };
    match write(file) {
        Ok(()) => Ok(path),
        Err((source, lost_bytes)) => Err(Error::Write { path, source, lost_bytes }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn automatic_dumps_are_few_and_others_are_not_limited() {
        let mut limits = Limits { left: 3, apart: 100, last: [None; 2] };
        let panic = || Cause::Panic("a panic".to_owned());
        let poll = crate::output::flight::long_poll::LongPoll {
            task: taskscope_format::TaskId(1),
            lasted: 5,
            goes_on: true,
        };
        assert!(limits.allow(&panic(), 10));
        assert!(!limits.allow(&panic(), 109), "too soon");
        assert!(limits.allow(&Cause::LongPoll(poll), 110), "another cause");
        assert!(limits.allow(&panic(), 110));
        assert!(!limits.allow(&panic(), 1_000), "too many");
        assert!((0..50).all(|now| limits.allow(&Cause::Call, now)));
        assert!(limits.allow(&Cause::Signal("SIGUSR2"), 2_000));
    }
}
