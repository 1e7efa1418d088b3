//! The blocks of a file, thread by thread, and what they hold, a block ahead.
//!
//! While one block of a thread is swept, its next is read and decoded on another processor. There is at
//! most one such block for each thread, and only for a few threads at a time, so that no number of
//! threads makes this large.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use foldhash::HashMap;
use taskscope_format::{BlockAt, Nanos, ThreadId};

use super::batch::{Decoded, Item, ItemKind, ThreadReader};
use crate::source::Source;

/// At most so many blocks are decoded ahead.
#[cfg(not(target_family = "wasm"))]
const MOST_AHEAD: usize = 16;

/// What comes next in a thread's stream.
#[derive(Clone, Copy, Debug)]
enum Part {
    Block(BlockAt),
    /// Records are missing.
    Lost,
}

/// The blocks of one thread.
#[derive(Debug)]
pub(crate) struct ThreadFeed {
    pub(crate) thread: ThreadId,
    parts: VecDeque<Part>,
    reader: Reading,
    /// The block that is being swept, and how far.
    pub(crate) current: Decoded,
    pub(crate) position: usize,
    /// The time of the last item that was swept.
    pub(crate) now: Nanos,
}

#[derive(Debug)]
enum Reading {
    Here(Box<ThreadReader>),
    #[cfg(not(target_family = "wasm"))]
    Ahead(std::sync::mpsc::Receiver<Ahead>),
    /// The work of another processor was lost.
    Gone,
}

impl Reading {
    /// Whether the next block is being decoded on another processor.
    fn is_ahead(&self) -> bool {
        #[cfg(not(target_family = "wasm"))]
        return matches!(self, Self::Ahead(_));
        #[cfg(target_family = "wasm")]
        false
    }
}

#[cfg(not(target_family = "wasm"))]
type Ahead = (Box<ThreadReader>, BlockAt, io::Result<Decoded>);

impl ThreadFeed {
    /// Whether all of its current block has been swept.
    #[inline]
    pub(crate) fn is_drained(&self) -> bool {
        self.position >= self.current.items.len()
    }
}

/// The blocks of all threads, those that have been found and not yet swept.
#[derive(Debug, Default)]
pub(crate) struct Feeds {
    pub(crate) threads: Vec<ThreadFeed>,
    by_thread: HashMap<ThreadId, usize>,
    #[cfg(not(target_family = "wasm"))]
    ahead: usize,
    /// What a flight recorder kept describes what held before it, where it has room for that: when a
    /// block begins says nothing.
    pub(crate) is_flight: bool,
}

impl Feeds {
    fn of(&mut self, thread: ThreadId) -> usize {
        let threads = &mut self.threads;
        *self.by_thread.entry(thread).or_insert_with(|| {
            threads.push(ThreadFeed {
                thread,
                parts: VecDeque::new(),
                reader: Reading::Here(Box::default()),
                current: Decoded::default(),
                position: 0,
                now: 0,
            });
            threads.len() - 1
        })
    }

    /// Takes in a block. Returns the thread's place, and whether it had nothing to sweep before.
    pub(crate) fn block(&mut self, block: BlockAt) -> (usize, bool) {
        let of = self.of(block.thread);
        let was_idle = self.is_idle(of);
        self.threads[of].parts.push_back(Part::Block(block));
        (of, was_idle)
    }

    /// Records of a thread are missing behind its last block.
    pub(crate) fn lost(&mut self, thread: ThreadId) {
        let of = self.of(thread);
        self.threads[of].parts.push_back(Part::Lost);
    }

    fn is_idle(&self, of: usize) -> bool {
        let feed = &self.threads[of];
        feed.is_drained()
            && !feed.reader.is_ahead()
            && !feed.parts.iter().any(|part| matches!(part, Part::Block(_)))
    }

    /// When an item comes, in the order of all threads. (Times of a thread only go back where a file was
    /// made to be wrong.)
    #[inline]
    pub(crate) fn time_of(&self, feed: &ThreadFeed, item: &Item) -> Nanos {
        match item.kind {
            // What a flight recorder kept begins with facts that it states at the end.
            ItemKind::Fact if self.is_flight => feed.now,
            _ => item.time.max(feed.now),
        }
    }

    /// The earliest time that the thread's next item can have; `None` where it has none.
    pub(crate) fn begins(&self, of: usize) -> Option<Nanos> {
        let feed = &self.threads[of];
        if let Some(item) = feed.current.items.get(feed.position) {
            return Some(self.time_of(feed, item));
        }
        if feed.reader.is_ahead() {
            return Some(feed.now);
        }
        feed.parts.iter().find_map(|part| match part {
            Part::Block(_) if self.is_flight => Some(feed.now),
            Part::Block(block) => Some(block.begins.unwrap_or(0).max(feed.now)),
            Part::Lost => None,
        })
    }

    /// Makes the thread's next block the current one; `false` where it has none.
    ///
    /// # Errors
    /// That of reading.
    pub(crate) fn advance(
        &mut self,
        of: usize,
        source: &dyn Source,
        shared: Option<&Arc<dyn Source>>,
    ) -> io::Result<bool> {
        let feed = &mut self.threads[of];
        feed.position = 0;
        let decoded = match std::mem::replace(&mut feed.reader, Reading::Gone) {
            #[cfg(not(target_family = "wasm"))]
            Reading::Ahead(coming) => {
                self.ahead -= 1;
                match coming.recv() {
                    Ok((reader, _, decoded)) => {
                        feed.reader = Reading::Here(reader);
                        decoded?
                    }
                    Err(_) => return Err(io::Error::other("decoding a block did not finish")),
                }
            }
            Reading::Here(mut reader) => {
                let Some(block) = next_block(&mut feed.parts, &mut reader) else {
                    feed.reader = Reading::Here(reader);
                    feed.current = Decoded::default();
                    return Ok(false);
                };
                let decoded = read(source, &block, &mut reader);
                feed.reader = Reading::Here(reader);
                decoded?
            }
            Reading::Gone => Decoded::default(),
        };
        feed.current = decoded;
        if let Some(shared) = shared {
            self.look_ahead(of, shared);
        }
        Ok(true)
    }

    #[cfg(not(target_family = "wasm"))]
    fn look_ahead(&mut self, of: usize, source: &Arc<dyn Source>) {
        let feed = &mut self.threads[of];
        if self.ahead >= MOST_AHEAD || feed.parts.is_empty() {
            return;
        }
        let Reading::Here(mut reader) = std::mem::replace(&mut feed.reader, Reading::Gone) else {
            return;
        };
        let Some(block) = next_block(&mut feed.parts, &mut reader) else {
            feed.reader = Reading::Here(reader);
            return;
        };
        let (sender, coming) = std::sync::mpsc::sync_channel(1);
        let source = source.clone();
        rayon::spawn(move || {
            let decoded = read(&*source, &block, &mut reader);
            // It is not wanted any more if the opening was cancelled.
            let _ = sender.send((reader, block, decoded));
        });
        feed.reader = Reading::Ahead(coming);
        self.ahead += 1;
    }

    #[cfg(target_family = "wasm")]
    fn look_ahead(&mut self, _: usize, _: &Arc<dyn Source>) {}

    /// Threads of which the last records could not be read, and since when; once all has been swept.
    pub(crate) fn unread(&mut self) -> Vec<(usize, Nanos)> {
        let since = |(of, feed): (usize, &mut ThreadFeed)| {
            let Reading::Here(reader) = &mut feed.reader else { return None };
            let lost = feed.parts.iter().any(|part| matches!(part, Part::Lost));
            reader
                .is_broken_since()
                .or_else(|| lost.then_some(reader.time()))
                .map(|since| (of, since))
        };
        self.threads.iter_mut().enumerate().filter_map(since).collect()
    }
}

fn next_block(parts: &mut VecDeque<Part>, reader: &mut ThreadReader) -> Option<BlockAt> {
    // What was lost at the very end stays: it may be that more comes.
    while parts.iter().any(|part| matches!(part, Part::Block(_))) {
        match parts.pop_front()? {
            Part::Block(block) => return Some(block),
            Part::Lost => reader.lose(),
        }
    }
    None
}

fn read(source: &dyn Source, block: &BlockAt, reader: &mut ThreadReader) -> io::Result<Decoded> {
    let mut payload = vec![0; block.length as usize];
    let length = source.read_at(block.offset, &mut payload)?;
    if length < payload.len() {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the file was cut while it was read; open it again",
        ));
    }
    Ok(reader.read(block, &payload))
}
