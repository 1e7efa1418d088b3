//! Reads the events of a file back, also of a damaged one.
//!
//! The file is read from front to back: [`Scanner`] finds its blocks and passes over what is none,
//! and [`StreamDecoder`] reads those of one thread. A block that leans on one that is missing is
//! passed over up to the next that doesn't. Each of these leaves a [`Damage`] in the report and never
//! stops the reading. A file that ends without its end marker is a cut one: everything up to the cut
//! is there.
//!
//! Memory: the reader keeps the strings of one block group per thread, as
//! slices of the file, and nothing else that grows. That is at most 32 times the
//! file, for one of nothing but empty strings, and next to nothing for one that a
//! recorder wrote. (`crates/taskscope-model/tests/memory.rs` measures it.)

use foldhash::HashMap;

use crate::error::{Damage, DamageKind, OpenError};
use crate::event::{Event, Nanos, Record, ThreadId};
use crate::frame::FileHeader;
use crate::scan::{Scan, Scanner};
use crate::stream::{Piece, StreamDecoder};

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
    scanner: Scanner,
    /// What is left of the block being read, and whose it is.
    payload: &'a [u8],
    thread: ThreadId,
    streams: HashMap<ThreadId, Stream<'a>>,
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
    decoder: StreamDecoder,
    texts: Vec<&'a str>,
}

impl Report {
    /// Notes a part that could not be read.
    pub fn add(&mut self, damage: Damage) {
        if self.damages.len() == MAX_DAMAGES {
            self.more_damage += 1;
        } else {
            self.damages.push(damage);
        }
    }
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
            scanner: Scanner::new(),
            payload: &[],
            thread: ThreadId(0),
            streams: HashMap::default(),
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
        (self.scanner.position() as usize).min(self.file.len()) - self.payload.len()
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

    /// Makes the next block the current one; `false` at the end of the file.
    fn next_block(&mut self) -> bool {
        if self.header.is_none() {
            return false;
        }
        loop {
            let from = self.scanner.position() as usize;
            match self.scanner.next(self.file.get(from..).unwrap_or_default(), true) {
                Scan::More | Scan::Ended => {
                    self.report.complete = self.scanner.is_complete();
                    return false;
                }
                Scan::Damage { damage, thread } => {
                    self.report.add(damage);
                    if let Some(thread) = thread {
                        self.streams.entry(thread).or_default().decoder.lose();
                    }
                }
                Scan::Block(block) => {
                    let at = block.offset as usize;
                    let payload = &self.file[at..at + block.length as usize];
                    let stream = self.streams.entry(block.thread).or_default();
                    match stream.decoder.begin(block.sequence, payload) {
                        Ok(()) => {
                            self.thread = block.thread;
                            self.payload = payload;
                            return true;
                        }
                        Err(what) => {
                            self.report.add(block.damage(what));
                        }
                    }
                }
            }
        }
    }
}

impl<'a> Iterator for Reader<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        loop {
            if self.payload.is_empty() && !self.next_block() {
                let broken = self.streams.iter();
                let broken = broken.map(|(id, stream)| (*id, stream.decoder.is_broken_since()));
                self.report.unread_ends =
                    broken.filter_map(|(id, since)| Some((id, since?))).collect();
                self.report.unread_ends.sort_unstable();
                return None;
            }
            let stream = self.streams.entry(self.thread).or_default();
            let left = self.payload.len();
            match stream.decoder.next(&mut self.payload) {
                None => {}
                Some(Piece::Text(text)) => stream.texts.push(text),
                Some(Piece::Sync) => stream.texts.clear(),
                Some(Piece::Event { time, event, gap }) => {
                    self.report.records += 1;
                    self.gap = gap;
                    let texts = &stream.texts;
                    let event: Event<'a> =
                        event.map(|text| texts.get(text as usize).copied().unwrap_or_default());
                    if let Event::Dropped { count, .. } = event {
                        self.report.dropped = self.report.dropped.saturating_add(count);
                    }
                    return Some(Record { thread: self.thread, time, event });
                }
                Some(Piece::Malformed) => {
                    // From the record's first byte: what it took before it
                    // made no sense is lost too.
                    let (offset, length) = (self.scanner.position() - left as u64, left as u64);
                    self.report.add(Damage { offset, length, what: DamageKind::Record });
                }
            }
        }
    }
}
