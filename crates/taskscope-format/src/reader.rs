//! Reads the events of a file back, also of a damaged one.
//!
//! The file is read from front to back. A block whose checksum is wrong is
//! passed over, up to a block that begins within it (a full disk leaves a piece
//! of a block, and others behind it) or else by its length; bytes that are no
//! block are passed over to the next block marker; a block that leans on one
//! that is missing is passed over up to the next that doesn't. Each of these
//! leaves a [`Damage`] in the report and never stops the reading. A file that
//! ends without its end marker is a cut one: everything up to the cut is there.
//!
//! Time: each byte of a file is looked at a bounded number of times, also if the
//! file was made to be slow. Only blocks within the payload of blocks could break
//! that bound; a budget keeps it (`Reader::second_looks`).
//!
//! Memory: the reader keeps the strings of one block group per thread, as
//! slices of the file, and nothing else that grows. That is at most 32 times the
//! file, for one of nothing but empty strings, and next to nothing for one that a
//! recorder wrote. (`crates/taskscope-model/tests/memory.rs` measures it.)

use std::ops::Range;

use foldhash::HashMap;
use memchr::memmem;

use crate::decode::{Decoder, Step, begins_with_sync};
use crate::error::{Damage, DamageKind, OpenError};
use crate::event::{Event, Nanos, Record, ThreadId};
use crate::frame::{BLOCK_HEADER, BLOCK_MARKER, BlockHeader, BlockKind, FILE_HEADER, FileHeader};

/// At most this many damages are kept one by one; see [`Report::more_damage`].
const MAX_DAMAGES: usize = 64;

/// An opened trace: its header, and an iterator over its records.
///
/// Records of one thread come in the order in which they happened; those of
/// different threads come mixed, as their blocks reached the file.
///
/// For any file it takes at most 32 bytes of memory for each byte of the file (strings are
/// slices of it), and looks at each byte a bounded number of times.
#[derive(Debug)]
pub struct Reader<'a> {
    file: &'a [u8],
    header: Option<FileHeader>,
    /// Where the next block begins.
    position: usize,
    /// What is left of the block being read, and whose it is.
    payload: &'a [u8],
    thread: ThreadId,
    streams: HashMap<ThreadId, Stream<'a>>,
    /// Searches for [`BLOCK_MARKER`].
    block_marker: memmem::Finder<'static>,
    /// How many bytes of broken blocks may still be searched for other blocks.
    second_looks: usize,
    /// See [`Reader::gap`].
    gap: Option<Nanos>,
    report: Report,
}

/// What a reader has learned about a file beside its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Whether the end marker was found. Without it the recorded program was
    /// killed, is still running, or the file was cut.
    pub complete: bool,
    /// Parts that could not be read, the first 64 of them.
    pub damages: Vec<Damage>,
    /// How many damages there are beyond those.
    pub more_damage: u64,
    /// Records read so far.
    pub records: u64,
    /// How many events the recorder says it dropped.
    pub dropped: u64,
    /// Threads of which the last records could not be read, with the time of the last one that
    /// could.
    pub unread_ends: Vec<(ThreadId, Nanos)>,
}

#[derive(Debug, Default)]
struct Stream<'a> {
    next_sequence: u32,
    /// Time of the last record that could be read; 0 before the first.
    time: Nanos,
    /// Records behind it are missing.
    broken: bool,
    /// `None` where a block is missing and no sync has come since.
    decoder: Option<Decoder<'a>>,
}

impl<'a> Reader<'a> {
    /// Opens the bytes of a file.
    ///
    /// # Errors
    /// [`OpenError`] where `file` is no trace, or of a later version.
    pub fn new(file: &'a [u8]) -> Result<Self, OpenError> {
        let header = FileHeader::from_bytes(file)?;
        Ok(Self {
            file,
            header,
            position: if header.is_some() { FILE_HEADER } else { file.len() },
            payload: &[],
            thread: ThreadId(0),
            streams: HashMap::default(),
            block_marker: memmem::Finder::new(&BLOCK_MARKER),
            second_looks: file.len(),
            gap: None,
            report: Report::default(),
        })
    }

    /// The file's header; `None` where the file is cut within it.
    pub fn header(&self) -> Option<FileHeader> {
        self.header
    }

    /// How far the reader is, in bytes from the start of the file.
    pub fn position(&self) -> usize {
        self.position - self.payload.len()
    }

    /// Whether records of the same thread are missing right before the record that was returned
    /// last, and since when: the time of the last record before the gap, 0 where there is none.
    /// The gap ends at or before the time of the record.
    ///
    /// A block that is damaged or missing leaves such a gap. What was open in it (polls, parks,
    /// spans) ended at an unknown time. A file of a flight recorder begins within streams on
    /// purpose: see [`meta::WINDOW`](crate::meta::WINDOW).
    pub fn gap(&self) -> Option<Nanos> {
        self.gap
    }

    /// What has been learned so far; complete once the iterator has ended.
    pub fn report(&self) -> &Report {
        &self.report
    }

    fn damage(&mut self, offset: usize, length: usize, what: DamageKind) {
        if self.report.damages.len() == MAX_DAMAGES {
            self.report.more_damage += 1;
        } else {
            let (offset, length) = (offset as u64, length as u64);
            self.report.damages.push(Damage { offset, length, what });
        }
    }

    /// Makes the next block the current one; `false` at the end of the file.
    fn next_block(&mut self) -> bool {
        while self.position < self.file.len() {
            let start = self.position;
            let rest = &self.file[start..];
            if self.report.complete {
                self.damage(start, rest.len(), DamageKind::BehindEnd);
                self.position = self.file.len();
                return false;
            }
            let Some(header) = BlockHeader::from_bytes(rest) else {
                self.skip_to_marker(start);
                continue;
            };
            let end = BLOCK_HEADER + header.length as usize;
            let Some(payload) = rest.get(BLOCK_HEADER..end) else {
                if self.go_to_block_within(start, self.file.len()) {
                    continue;
                }
                // The file is cut within this block.
                self.position = self.file.len();
                return false;
            };
            if crc32fast::hash(payload) != header.checksum {
                let affordable = end <= self.second_looks;
                if affordable {
                    self.second_looks -= end;
                }
                if !affordable || !self.go_to_block_within(start, start + end) {
                    self.position = start + end;
                    self.damage(start, end, DamageKind::Checksum);
                }
                if header.kind == BlockKind::Events {
                    self.streams.entry(header.thread).or_default().broken = true;
                }
                continue;
            }
            self.position = start + end;
            match header.kind {
                BlockKind::End => self.report.complete = true,
                BlockKind::Unknown(_) => {}
                BlockKind::Events => {
                    if self.begin(header, payload) {
                        return true;
                    }
                    self.damage(start, end, DamageKind::MissingBlock);
                }
            }
        }
        false
    }

    /// Passes over a piece of a block at `start`, to the first block that begins
    /// between there and `end`; `false` where there is none.
    fn go_to_block_within(&mut self, start: usize, end: usize) -> bool {
        // Its marker may reach beyond.
        let end = self.file.len().min(end + BLOCK_MARKER.len() - 1);
        let is_block = |at: &usize| BlockHeader::from_bytes(&self.file[*at..]).is_some();
        let Some(at) = self.markers(start + 1..end).find(is_block) else { return false };
        self.position = at;
        self.damage(start, at - start, DamageKind::Piece);
        true
    }

    /// Where block markers stand in a part of the file.
    fn markers(&self, part: Range<usize>) -> impl Iterator<Item = usize> {
        let found = self.block_marker.find_iter(&self.file[part.clone()]);
        found.map(move |at| part.start + at)
    }

    /// Passes over bytes that are no block.
    fn skip_to_marker(&mut self, start: usize) {
        let next = self.markers(start + 1..self.file.len()).next();
        self.position = next.unwrap_or(self.file.len());
        // The beginning of a block at the very end is a cut, not damage.
        let cut = next.is_none() && self.position - start < BLOCK_HEADER;
        if !cut {
            self.damage(start, self.position - start, DamageKind::NoBlock);
        }
    }

    /// Whether the block could be joined to its thread's stream.
    fn begin(&mut self, header: BlockHeader, payload: &'a [u8]) -> bool {
        let stream = self.streams.entry(header.thread).or_default();
        if header.sequence != stream.next_sequence {
            stream.decoder = None;
            stream.broken = true;
        }
        stream.next_sequence = header.sequence.wrapping_add(1);
        if begins_with_sync(payload) {
            stream.decoder.get_or_insert_default();
        }
        self.thread = header.thread;
        self.payload = payload;
        // An empty block leans on nothing.
        let joined = stream.decoder.is_some() || payload.is_empty();
        if !joined {
            self.payload = &[];
        }
        joined
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if self.payload.is_empty() && !self.next_block() {
                let broken = self.streams.iter().filter(|(_, stream)| stream.broken);
                self.report.unread_ends = broken.map(|(id, stream)| (*id, stream.time)).collect();
                self.report.unread_ends.sort_unstable();
                return None;
            }
            if self.payload.is_empty() {
                continue;
            }
            let stream = self.streams.entry(self.thread).or_default();
            let decoder = stream.decoder.get_or_insert_default();
            let left = self.payload.len();
            match decoder.next(&mut self.payload) {
                Step::Other => {}
                Step::Event(time, event) => {
                    self.report.records += 1;
                    self.gap = std::mem::take(&mut stream.broken).then_some(stream.time);
                    stream.time = time;
                    if let Event::Dropped { count, .. } = event {
                        self.report.dropped = self.report.dropped.saturating_add(count);
                    }
                    return Some(Record { thread: self.thread, time, event });
                }
                Step::Malformed => {
                    // From the record's first byte: what it took before it
                    // made no sense is lost too.
                    stream.decoder = None;
                    stream.broken = true;
                    self.payload = &[];
                    self.damage(self.position - left, left, DamageKind::Record);
                }
            }
        }
    }
}
