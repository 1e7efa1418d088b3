//! Finds blocks in the bytes of a file, also in one that is still being written.
//!
//! The file is looked at from front to back. A block whose checksum is wrong is passed over, up to a
//! block that begins within it (a full disk leaves a piece of a block, and others behind it) or else
//! by its length; bytes that are no block are passed over to the next block marker. Each of these
//! leaves a [`Damage`] and never stops the search.
//!
//! The bytes come in windows, so that a file of any length is read in pieces, and one that grows
//! piece by piece. Time: each byte is looked at a bounded number of times, also if the file was made
//! to be slow. Only blocks within the payload of blocks could break that bound; a budget keeps it
//! (`Scanner::second_looks`).

use memchr::memmem;

use crate::decode::sync_time;
use crate::error::{Damage, DamageKind};
use crate::event::{Nanos, ThreadId};
use crate::frame::{BLOCK_HEADER, BLOCK_MARKER, BlockHeader, BlockKind, FILE_HEADER, MAX_PAYLOAD};

/// Where a block of events stands in a file. Its checksum is right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockAt {
    /// Where its payload begins, in bytes from the start of the file.
    pub offset: u64,
    /// Length of the payload in bytes.
    pub length: u32,
    /// The thread whose records it holds.
    pub thread: ThreadId,
    /// Counts the blocks of this thread, from 0.
    pub sequence: u32,
    /// The time of its first record, if it can be understood without the block before.
    pub begins: Option<Nanos>,
}

impl BlockAt {
    /// So many bytes stand before the payload of a block.
    pub const HEADER: u64 = BLOCK_HEADER as u64;

    /// The damage that the whole block is, for this reason.
    pub fn damage(&self, what: DamageKind) -> Damage {
        let header = BLOCK_HEADER as u64;
        Damage { offset: self.offset - header, length: header + u64::from(self.length), what }
    }
}

/// What a [`Scanner`] has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scan {
    /// A block of events.
    Block(BlockAt),
    /// A part that cannot be read.
    Damage {
        /// Where, and what is wrong.
        damage: Damage,
        /// The thread whose records are lost, where that is known.
        thread: Option<ThreadId>,
    },
    /// The window must begin at [`Scanner::position`] and reach further.
    More,
    /// The file has ended.
    Ended,
}

/// Finds one block after the other.
#[derive(Clone, Debug)]
pub struct Scanner {
    position: u64,
    /// Bytes from here up to `position` are no block.
    junk_since: Option<u64>,
    is_complete: bool,
    block_marker: memmem::Finder<'static>,
    /// How many bytes of broken blocks have been searched for other blocks: never more than the
    /// bytes of the file.
    second_looks: u64,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            position: FILE_HEADER as u64,
            junk_since: None,
            is_complete: false,
            block_marker: memmem::Finder::new(&BLOCK_MARKER),
            second_looks: 0,
        }
    }
}

impl Scanner {
    /// A window of so many bytes holds any block.
    pub const WINDOW: usize = BLOCK_HEADER + MAX_PAYLOAD;

    /// Behind the header of a file.
    pub fn new() -> Self {
        Self::default()
    }

    /// Where the next window must begin, in bytes from the start of the file.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the end marker was found: the recording was finished.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Looks for the next block in `window`, the bytes of the file from
    /// [`position`](Self::position) on. `is_last` says that the file ends with it.
    pub fn next(&mut self, mut window: &[u8], is_last: bool) -> Scan {
        let seen = self.position + window.len() as u64;
        loop {
            let start = self.position;
            if window.is_empty() || (self.is_complete && !is_last) {
                return match is_last {
                    true => self.end_junk().unwrap_or(Scan::Ended),
                    false => Scan::More,
                };
            }
            if self.is_complete {
                self.position = seen;
                return damage(start, window.len(), DamageKind::BehindEnd, None);
            }
            let Some(header) = BlockHeader::from_bytes(window) else {
                return self.pass_junk(window, is_last);
            };
            if let Some(junk) = self.end_junk() {
                return junk;
            }
            let end = BLOCK_HEADER + header.length as usize;
            let thread = (header.kind == BlockKind::Events).then_some(header.thread);
            let Some(payload) = window.get(BLOCK_HEADER..end) else {
                if !is_last {
                    return Scan::More;
                }
                if let Some(piece) = self.block_within(window, window.len()) {
                    self.position += piece as u64;
                    return damage(start, piece, DamageKind::Piece, None);
                }
                // The file is cut within this block.
                self.position = seen;
                return Scan::Ended;
            };
            if crc32fast::hash(payload) != header.checksum {
                // It may not be written to its end.
                if !is_last && window.len() == end {
                    return Scan::More;
                }
                let affordable = self.second_looks + end as u64 <= seen;
                if affordable {
                    self.second_looks += end as u64;
                }
                if let Some(piece) = self.block_within(window, end).filter(|_| affordable) {
                    self.position += piece as u64;
                    return damage(start, piece, DamageKind::Piece, thread);
                }
                self.position += end as u64;
                return damage(start, end, DamageKind::Checksum, thread);
            }
            self.position += end as u64;
            window = &window[end..];
            match header.kind {
                BlockKind::End => self.is_complete = true,
                BlockKind::Unknown(_) => {}
                BlockKind::Events => {
                    return Scan::Block(BlockAt {
                        offset: start + BLOCK_HEADER as u64,
                        length: header.length,
                        thread: header.thread,
                        sequence: header.sequence,
                        begins: sync_time(payload),
                    });
                }
            }
        }
    }

    /// Where, behind the first byte and before `end`, a block begins in a window.
    fn block_within(&self, window: &[u8], end: usize) -> Option<usize> {
        // Its marker may reach beyond.
        let end = window.len().min(end + BLOCK_MARKER.len() - 1);
        let mut found = self.block_marker.find_iter(window.get(1..end)?).map(|at| at + 1);
        found.find(|at| BlockHeader::from_bytes(&window[*at..]).is_some())
    }

    /// Passes over bytes that are no block, up to the next marker.
    fn pass_junk(&mut self, window: &[u8], is_last: bool) -> Scan {
        if window.len() < BLOCK_HEADER && !is_last {
            return Scan::More;
        }
        let since = *self.junk_since.get_or_insert(self.position);
        if let Some(at) = self.block_marker.find(&window[1..]) {
            self.position += 1 + at as u64;
            return self.end_junk().unwrap_or(Scan::More);
        }
        if !is_last {
            // The beginning of a marker may stand at the end.
            self.position += (window.len() + 1 - BLOCK_MARKER.len()) as u64;
            return Scan::More;
        }
        self.position += window.len() as u64;
        // The beginning of a block at the very end is a cut, not damage.
        if self.position - since < BLOCK_HEADER as u64 {
            self.junk_since = None;
        }
        self.end_junk().unwrap_or(Scan::Ended)
    }

    fn end_junk(&mut self) -> Option<Scan> {
        let since = self.junk_since.take()?;
        Some(damage(since, (self.position - since) as usize, DamageKind::NoBlock, None))
    }
}

fn damage(offset: u64, length: usize, what: DamageKind, thread: Option<ThreadId>) -> Scan {
    Scan::Damage { damage: Damage { offset, length: length as u64, what }, thread }
}
