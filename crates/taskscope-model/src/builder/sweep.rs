//! The sweep over the time of all threads: see [the module above](super).

use std::io;
use std::sync::Arc;

use taskscope_format::{FileHeader, Nanos, Scan, Scanner, ThreadId};

use super::batch::ItemKind;
use super::feed::Feeds;
use super::let_go::LetGo;
use super::loader::{LoadError, Progress};
use super::replay::{Replay, Stream};
use crate::source::Source;

/// So many bytes are looked at for blocks at a time.
const WINDOW: usize = 4 << 20;
/// The sweep begins when so many bytes have been looked at, or all.
const AHEAD: u64 = 64 << 20;
/// So far the sweep keeps behind the newest block of a file, in nanoseconds of the recording. A
/// recorder writes every 50 ms.
const BEHIND: Nanos = 500_000_000;
/// Likewise in a file that grows. What one round of the recorder's writer takes.
const BEHIND_GROWING: Nanos = 10_000_000;
/// And at most.
const MOST_BEHIND: Nanos = 2_000_000_000;
/// So many items are swept in a step.
const STEP: usize = 1 << 16;

/// When a thread does something next, whether that is a poll, and which thread, by its number and its
/// place. At one time wakes come before the polls that they lead to.
type Head = (Nanos, bool, ThreadId, usize);

/// Heads in their order, the first at the end. What comes next of a thread that was first is mostly
/// among the first again, so that few must move for it.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<Head>);

impl Heads {
    fn first(&self) -> Option<Head> {
        self.0.last().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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
pub(super) struct Sweep {
    header: Option<FileHeader>,
    pub(super) scanner: Scanner,
    window: Vec<u8>,
    pub(super) feeds: Feeds,
    /// The threads that have something to sweep.
    pub(super) heads: Heads,
    pub(super) replay: Replay,
    /// The newest time at which a block begins.
    newest: Nanos,
    /// What has been swept last.
    swept: Head,
    swept_bytes: u64,
    behind: Nanos,
    /// How much of the file was known when the sweep began.
    known_to: u64,
    is_growing: bool,
    pub(super) has_paused: bool,
    pub(super) has_ended: bool,
    has_blocks: bool,
    /// All that may be swept has been.
    is_starved: bool,
    /// So many items are swept in a step: fewer in tests.
    pub(super) items_a_step: usize,
}

impl Sweep {
    pub(super) fn new(source: &dyn Source, is_growing: bool) -> Result<Self, LoadError> {
        let mut sweep =
            Self::at_start(is_growing, if is_growing { BEHIND_GROWING } else { BEHIND });
        sweep.read_header(source)?;
        Ok(sweep)
    }

    /// One that lets go of rows that can change no more.
    pub(super) fn letting_go(source: &dyn Source, of: LetGo) -> Result<Self, LoadError> {
        let replay = Replay::letting_go(of);
        let mut sweep = Self { replay, ..Self::at_start(false, BEHIND) };
        sweep.read_header(source)?;
        Ok(sweep)
    }

    /// Before anything has been read.
    fn at_start(is_growing: bool, behind: Nanos) -> Self {
        Self {
            header: None,
            scanner: Scanner::new(),
            window: Vec::new(),
            feeds: Feeds::default(),
            heads: Heads::default(),
            replay: Replay::default(),
            newest: 0,
            swept: (0, false, ThreadId(0), 0),
            swept_bytes: 0,
            behind,
            known_to: 0,
            is_growing,
            has_paused: false,
            has_ended: false,
            has_blocks: false,
            is_starved: false,
            items_a_step: STEP,
        }
    }

    fn read_header(&mut self, source: &dyn Source) -> Result<(), LoadError> {
        let mut bytes = vec![0; FileHeader::LENGTH];
        let length = source.read_at(0, &mut bytes)?;
        bytes.truncate(length);
        // A program that is followed has only begun.
        if self.is_growing && length < FileHeader::LENGTH {
            return Ok(());
        }
        self.put_header(FileHeader::from_bytes(&bytes)?);
        Ok(())
    }

    fn put_header(&mut self, header: Option<FileHeader>) {
        self.header = header;
        if let Some(header) = header {
            let info = &mut self.replay.trace.info;
            info.format_version = header.version;
            info.started_unix_ns = header.started_unix_ns;
        }
    }

    pub(super) fn step(
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
        self.replay.let_go_if_due();
        let length = source.length()?.max(1);
        let part = (self.swept_bytes as f32 / length as f32).min(1.0);
        Ok(Progress { part, is_done: has_all && !has_more })
    }

    /// Up to when all blocks are known, as far as can be said.
    fn may_sweep_to(&self, has_all: bool) -> Option<Nanos> {
        match (has_all, self.is_growing) {
            (true, false) => Some(Nanos::MAX),
            (true, true) if self.has_paused || self.scanner.is_complete() => Some(Nanos::MAX),
            _ if self.feeds.is_flight => None,
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
                        self.feeds.is_flight = self.replay.window > 0;
                    }
                    self.newest = self.newest.max(block.begins.unwrap_or(0));
                    let (of, was_idle) = self.feeds.block(block);
                    if of == self.replay.streams.len() {
                        self.replay.streams.push(Stream::new(block.thread));
                    }
                    if was_idle && let Some(begins) = self.feeds.begins(of) {
                        self.heads.put((begins, false, block.thread, of));
                    }
                }
            }
        }
        while self.replay.streams.len() < self.feeds.threads.len() {
            let thread = self.feeds.threads[self.replay.streams.len()].thread;
            self.replay.streams.push(Stream::new(thread));
        }
        self.replay.room_for_fields += self.scanner.position() - from;
        if self.window.len() < WINDOW {
            self.window = Vec::new();
        }
        Ok(reaches_end)
    }

    /// A block begins before what has been swept: its file is in another order than recorders write.
    fn begin_again(&mut self, source: &dyn Source) -> io::Result<bool> {
        let behind = if self.is_growing { MOST_BEHIND.min(self.behind * 4) } else { Nanos::MAX };
        let (header, has_paused) = (self.header, self.has_paused);
        let lets_go = self.replay.lets_go.take();
        let replay = lets_go.map_or_else(Replay::default, |of| Replay::letting_go(of.afresh()));
        let items_a_step = self.items_a_step;
        let start = Self::at_start(self.is_growing, behind);
        *self = Self { has_paused, replay, items_a_step, ..start };
        self.put_header(header);
        self.scan(source)
    }

    /// Sweeps on, at most to `limit`. Returns whether there is more up to there.
    fn sweep(
        &mut self,
        limit: Nanos,
        source: &dyn Source,
        shared: Option<&Arc<dyn Source>>,
    ) -> io::Result<bool> {
        if self.swept_bytes == 0 {
            self.known_to = self.scanner.position();
        }
        let mut left = self.items_a_step;
        while left > 0 {
            let Some((time, _, thread, of)) = self.heads.pop() else { return Ok(false) };
            if time > limit {
                self.put_head(of);
                return Ok(false);
            }
            if self.feeds.threads[of].is_drained() {
                if self.load(of, source, shared)? {
                    let is_empty = self.feeds.threads[of].is_drained();
                    let is_late = self.head(of).is_some_and(|head| head < self.swept);
                    // What was known when the sweep began is not late, whatever a broken file says.
                    let is_new = self.feeds.threads[of].current.offset >= self.known_to;
                    if is_late && !is_empty && is_new && thread != self.swept.2 {
                        self.begin_again(source)?;
                        return Ok(true);
                    }
                    self.put_head(of);
                }
                continue;
            }
            // As long as nothing of another thread comes first.
            let until = self.heads.first().unwrap_or((Nanos::MAX, true, ThreadId(u32::MAX), 0));
            let is_flight = self.feeds.is_flight;
            let feed = &mut self.feeds.threads[of];
            let mut count = 0;
            let items = &feed.current.items[feed.position..];
            for (at, item) in items.iter().take(left).enumerate() {
                self.replay.prefetch(&items[at..], &feed.current.rare);
                let is_fact = is_flight && item.kind == ItemKind::Fact;
                let time = if is_fact { feed.now } else { item.time.max(feed.now) };
                let key = (time, item.kind == ItemKind::Poll, thread, of);
                if count > 0 && (until < key || time > limit) {
                    break;
                }
                feed.now = time;
                self.swept = key;
                self.replay.item(of, time, item, &feed.current.rare);
                count += 1;
            }
            feed.position += count;
            left -= count;
            self.put_head(of);
        }
        Ok(true)
    }

    /// Puts a thread back, by the time of what it has next.
    fn put_head(&mut self, of: usize) {
        if let Some(head) = self.head(of) {
            self.heads.put(head);
        }
    }

    fn head(&self, of: usize) -> Option<Head> {
        let begins = self.feeds.begins(of)?;
        let feed = &self.feeds.threads[of];
        let next = feed.current.items.get(feed.position);
        let is_poll = next.is_some_and(|item| item.kind == ItemKind::Poll);
        Some((begins, is_poll, feed.thread, of))
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
}
