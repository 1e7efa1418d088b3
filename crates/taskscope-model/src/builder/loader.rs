//! [`Loader`]: reads a file in small steps.

use std::fmt;
use std::io;
use std::sync::Arc;

use taskscope_format::{FileHeader, Nanos, OpenError, Scan, Scanner, ThreadId, black_box};

use super::batch::ItemKind;
use super::feed::Feeds;
use super::infer;
use super::replay::{Replay, Stream};
use crate::source::Source;
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind};

/// So many bytes are looked at for blocks at a time.
const WINDOW: usize = 4 << 20;
/// The sweep begins when so many bytes have been looked at, or all.
const AHEAD: u64 = 64 << 20;
/// So far the sweep keeps behind the newest block of a file, in nanoseconds of the recording. A
/// recorder writes every 50 ms.
const BEHIND: Nanos = 500_000_000;
/// Likewise in a file that grows. What one round of the recorder's writer takes.
const BEHIND_GROWING: Nanos = 10_000_000;
/// So many items are swept in a step.
const STEP: usize = 1 << 16;

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
            return Ok(sweep.snapshot());
        }
    }
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

/// When a thread does something next, whether that is a poll, and which thread, by its number and its
/// place. At one time wakes come before the polls that they lead to.
type Head = (Nanos, bool, ThreadId, usize);

/// Heads in their order, the first at the end. What comes next of a thread that was first is mostly
/// among the first again, so that few must move for it.
#[derive(Debug, Default)]
struct Heads(Vec<Head>);

impl Heads {
    fn first(&self) -> Option<Head> {
        self.0.last().copied()
    }

    fn pop(&mut self) -> Option<Head> {
        self.0.pop()
    }

    #[inline]
    fn put(&mut self, head: Head) {
        let mut at = self.0.len();
        // Eight steps, and then by halves.
        while at > 0 && self.0[at - 1] < head {
            at -= 1;
            if self.0.len() - at == 8 {
                at = self.0[..at].partition_point(|other| *other > head);
                break;
            }
        }
        self.0.insert(at, head);
    }
}

/// See [the module above](super).
struct Sweep {
    header: Option<FileHeader>,
    scanner: Scanner,
    window: Vec<u8>,
    feeds: Feeds,
    /// The threads that have something to sweep.
    heads: Heads,
    replay: Replay,
    /// The newest time at which a block begins.
    newest: Nanos,
    /// What has been swept.
    swept: Nanos,
    swept_bytes: u64,
    behind: Nanos,
    is_growing: bool,
    has_paused: bool,
    has_ended: bool,
    has_blocks: bool,
    /// All that may be swept has been.
    is_starved: bool,
}

impl Sweep {
    fn new(source: &dyn Source, is_growing: bool) -> Result<Self, LoadError> {
        let mut sweep = Self {
            header: None,
            scanner: Scanner::new(),
            window: Vec::new(),
            feeds: Feeds::default(),
            heads: Heads::default(),
            replay: Replay::default(),
            newest: 0,
            swept: 0,
            swept_bytes: 0,
            behind: if is_growing { BEHIND_GROWING } else { BEHIND },
            is_growing,
            has_paused: false,
            has_ended: false,
            has_blocks: false,
            is_starved: false,
        };
        sweep.read_header(source)?;
        Ok(sweep)
    }

    fn read_header(&mut self, source: &dyn Source) -> Result<(), LoadError> {
        let mut bytes = vec![0; FileHeader::LENGTH];
        let length = source.read_at(0, &mut bytes)?;
        bytes.truncate(length);
        // A program that is followed has only begun.
        if self.is_growing && length < FileHeader::LENGTH {
            return Ok(());
        }
        self.header = FileHeader::from_bytes(&bytes)?;
        if let Some(header) = self.header {
            let info = &mut self.replay.trace.info;
            info.format_version = header.version;
            info.started_unix_ns = header.started_unix_ns;
        }
        self.replay.room_for_fields = source.length()?;
        Ok(())
    }

    fn step(
        &mut self,
        source: &dyn Source,
        shared: Option<&Arc<dyn Source>>,
    ) -> Result<Progress, LoadError> {
        if self.header.is_none() {
            if self.is_growing {
                self.read_header(source)?;
            }
            if self.header.is_none() {
                return Ok(Progress { part: 1.0, is_done: true });
            }
        }
        let mut has_all = self.has_ended;
        let is_near = self.scanner.position() < self.swept_bytes.saturating_add(AHEAD);
        if !has_all && (is_near || self.is_starved) {
            has_all = self.scan(source)?;
        }
        let has_more = match self.may_sweep_to(has_all) {
            Some(limit) => self.sweep(limit, source, shared)?,
            None => false,
        };
        self.is_starved = !has_more;
        let length = source.length()?.max(1);
        let part = (self.swept_bytes as f32 / length as f32).min(1.0);
        Ok(Progress { part, is_done: has_all && !has_more })
    }

    /// Up to when all blocks are known, as far as can be said.
    fn may_sweep_to(&self, has_all: bool) -> Option<Nanos> {
        match (has_all, self.is_growing) {
            (true, false) => Some(Nanos::MAX),
            (true, true) if self.has_paused || self.scanner.is_complete() => Some(Nanos::MAX),
            _ => self.newest.checked_sub(self.behind),
        }
    }

    /// Looks for blocks in the next window. Returns whether there is nothing more by now.
    fn scan(&mut self, source: &dyn Source) -> io::Result<bool> {
        let from = self.scanner.position();
        let length = source.length()?;
        let left = length.saturating_sub(from).min(WINDOW as u64) as usize;
        self.window.resize(left, 0);
        let read = source.read_at(from, &mut self.window)?;
        self.window.truncate(read);
        let reaches_end = from + read as u64 >= length;
        let is_last = reaches_end && !self.is_growing;
        loop {
            let at = ((self.scanner.position() - from) as usize).min(self.window.len());
            match self.scanner.next(&self.window[at..], is_last) {
                Scan::More => break,
                Scan::Ended => {
                    self.has_ended = true;
                    break;
                }
                Scan::Damage { damage, thread } => {
                    self.replay.trace.report.add(damage);
                    if let Some(thread) = thread {
                        self.feeds.lost(thread);
                    }
                }
                Scan::Block(block) => {
                    if !std::mem::replace(&mut self.has_blocks, true) {
                        let payload = self.window.get((block.offset - from) as usize..);
                        let payload = payload.and_then(|rest| rest.get(..block.length as usize));
                        self.replay.look_for_window(&block, payload.unwrap_or_default());
                    }
                    self.newest = self.newest.max(block.begins.unwrap_or(0));
                    let (of, was_idle) = self.feeds.block(block);
                    if of == self.replay.streams.len() {
                        self.replay.streams.push(Stream::new(block.thread));
                    }
                    if was_idle && let Some(begins) = self.feeds.begins(of) {
                        if begins < self.swept && begins > self.feeds.threads[of].now {
                            return self.begin_again(source);
                        }
                        self.heads.put((begins, false, block.thread, of));
                    }
                }
            }
        }
        while self.replay.streams.len() < self.feeds.threads.len() {
            let thread = self.feeds.threads[self.replay.streams.len()].thread;
            self.replay.streams.push(Stream::new(thread));
        }
        if self.window.len() < WINDOW {
            self.window = Vec::new();
        }
        Ok(reaches_end)
    }

    /// A block begins before what has been swept: its file is in another order than recorders write.
    fn begin_again(&mut self, source: &dyn Source) -> io::Result<bool> {
        let behind = if self.is_growing { self.behind.saturating_mul(4) } else { Nanos::MAX };
        let room = self.replay.room_for_fields;
        let info =
            crate::types::Info { meta: Vec::new(), ..std::mem::take(&mut self.replay.trace.info) };
        let window = std::mem::take(&mut self.window);
        *self = Self {
            header: self.header,
            scanner: Scanner::new(),
            window,
            feeds: Feeds::default(),
            heads: Heads::default(),
            replay: Replay::default(),
            newest: 0,
            swept: 0,
            swept_bytes: 0,
            behind,
            has_ended: false,
            has_blocks: false,
            ..*self
        };
        self.replay.trace.info = info;
        self.replay.room_for_fields = room;
        self.scan(source)
    }

    /// Sweeps on, at most to `limit`. Returns whether there is more up to there.
    fn sweep(
        &mut self,
        limit: Nanos,
        source: &dyn Source,
        shared: Option<&Arc<dyn Source>>,
    ) -> io::Result<bool> {
        let mut left = STEP;
        while left > 0 {
            let Some((time, _, thread, of)) = self.heads.pop() else { return Ok(false) };
            if time > limit {
                self.put_head(of);
                return Ok(false);
            }
            if self.feeds.threads[of].is_drained() {
                if self.load(of, source, shared)? {
                    let begins = self.feeds.begins(of);
                    let now = self.feeds.threads[of].now;
                    // A block that leans on another does not say when it begins.
                    if begins.is_some_and(|begins| begins < self.swept && begins > now) {
                        self.begin_again(source)?;
                        return Ok(true);
                    }
                    self.put_head(of);
                }
                continue;
            }
            // As long as nothing of another thread comes first.
            let until = self.heads.first().unwrap_or((Nanos::MAX, true, ThreadId(u32::MAX), 0));
            let feed = &mut self.feeds.threads[of];
            let mut count = 0;
            for item in feed.current.items[feed.position..].iter().take(left) {
                let time = item.time.max(feed.now);
                let key = (time, item.kind == ItemKind::Poll, thread, of);
                if count > 0 && (until < key || time > limit) {
                    break;
                }
                feed.now = time;
                self.replay.item(of, time, item, &feed.current.rare);
                count += 1;
            }
            feed.position += count;
            left -= count;
            self.swept = self.swept.max(feed.now);
            self.put_head(of);
        }
        Ok(true)
    }

    /// Puts a thread back, by the time of what it has next.
    fn put_head(&mut self, of: usize) {
        let Some(begins) = self.feeds.begins(of) else { return };
        let feed = &self.feeds.threads[of];
        let next = feed.current.items.get(feed.position);
        let is_poll = next.is_some_and(|item| item.kind == ItemKind::Poll);
        self.heads.put((begins, is_poll, feed.thread, of));
    }

    /// Makes a thread's next block its current one.
    fn load(
        &mut self,
        of: usize,
        source: &dyn Source,
        shared: Option<&Arc<dyn Source>>,
    ) -> io::Result<bool> {
        if !self.feeds.advance(of, source, shared)? {
            return Ok(false);
        }
        let decoded = &mut self.feeds.threads[of].current;
        let report = &mut self.replay.trace.report;
        report.records += decoded.records;
        decoded.damage.into_iter().for_each(|damage| report.add(damage));
        if decoded.forgets_texts {
            self.replay.streams[of].texts.clear();
        }
        self.swept_bytes += decoded.bytes;
        for text in std::mem::take(&mut decoded.texts) {
            let text = self.replay.text(&text);
            self.replay.streams[of].texts.push(text);
        }
        Ok(true)
    }

    fn snapshot(&mut self) -> Trace {
        self.replay.trace.share();
        self.replay.habits.share();
        let unread = if self.has_ended { self.feeds.unread() } else { Vec::new() };
        // From here on a copy is changed. It shares nearly all of its memory.
        let mut replay = self.replay.closing_copy();
        replay.close(&unread);
        replay.trace.habits = replay.habits.decisions();
        let mut trace = std::mem::take(&mut replay.trace);
        let pending = replay.hot.iter().filter_map(|hot| Some(hot.pending()?.time));
        trace.odd_times = pending.chain(self.replay.late_times.iter().copied()).collect();
        trace.odd_times.sort_unstable();
        trace.hot = Arc::new(replay.hot);
        infer::kinds(&self.replay, &mut trace);
        infer::runtime_names(&mut trace);
        trace.report.complete = self.scanner.is_complete();
        trace.report.damages.sort_by_key(|damage| damage.offset);
        let thread = |of: usize| self.feeds.threads[of].thread;
        trace.report.unread_ends = unread.iter().map(|&(of, since)| (thread(of), since)).collect();
        trace.report.unread_ends.sort_unstable();
        trace.threads.sort_by_key(|thread| thread.id);
        trace.drops.sort_by_key(|drop| (drop.from, drop.until, drop.thread));
        trace.gaps.sort_by_key(|gap| (gap.from, gap.until, gap.thread));
        trace.ends_off_lane = trace.polls.ends_off_lane();
        trace.share();
        index_lanes(&mut trace);
        trace
    }
}

/// Makes the sums of each lane, and puts lanes into the order in which people read them.
fn index_lanes(trace: &mut Trace) {
    let Trace { lanes, polls, runtimes, lane_order, .. } = trace;
    for lane in lanes.iter_mut() {
        for level in &mut lane.levels {
            level.index(polls);
        }
        // What lies within a poll is part of it.
        lane.busy = lane.levels.first().map_or(0, |level| level.busy);
    }
    *lane_order = (0..lanes.len()).map(|lane| LaneIx(lane as u16)).collect();
    lane_order.sort_by_key(|lane| match lanes[lane.get()].kind {
        LaneKind::Worker { runtime, index } => (0, runtimes[runtime as usize].id, index),
        LaneKind::Thread(thread) => (1, thread.0, 0),
    });
    for &lane in &*lane_order {
        if let LaneKind::Worker { runtime, .. } = lanes[lane.get()].kind {
            runtimes[runtime as usize].workers.push(lane);
        }
    }
}
