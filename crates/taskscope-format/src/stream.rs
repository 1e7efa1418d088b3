//! One thread's stream, block after block.

use crate::decode::{RawStep, RecordDecoder, TextNumber, begins_with_sync};
use crate::error::DamageKind;
use crate::event::{EventOf, Nanos};

/// Reads the blocks of one thread, which may come one at a time, and long after one another.
///
/// It keeps no text: those that a stream defines are handed over once, and events name them by their
/// numbers, counted from the last [`Piece::Sync`] on.
///
/// ```
/// use taskscope_format::{Encoder, Event, EventOf, Piece, StreamDecoder};
///
/// let (mut encoder, mut block) = (Encoder::new(), Vec::new());
/// encoder.sync(5, &mut block);
/// encoder.event(10, &Event::Park, &mut block);
///
/// let (mut stream, mut rest) = (StreamDecoder::new(), &block[..]);
/// assert_eq!(stream.begin(0, rest), Ok(()));
/// assert_eq!(stream.next(&mut rest), Some(Piece::Sync));
/// let event = EventOf::Park;
/// assert_eq!(stream.next(&mut rest), Some(Piece::Event { time: 10, event, gap: None }));
/// assert_eq!(stream.next(&mut rest), None);
/// ```
#[derive(Debug, Default)]
pub struct StreamDecoder {
    next_sequence: u32,
    /// Time of the last event that could be read; 0 before the first.
    time: Nanos,
    /// Events behind it are missing.
    is_broken: bool,
    /// `None` where a block is missing and no sync has come since.
    records: Option<RecordDecoder>,
}

/// A piece of a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// An event.
    Event {
        /// When it happened.
        time: Nanos,
        /// What happened.
        event: EventOf<TextNumber>,
        /// Since when events before it are missing: see [`Reader::gap`](crate::Reader::gap).
        gap: Option<Nanos>,
    },
    /// The next text.
    Text(&'a str),
    /// From here on texts count from 0 again.
    Sync,
    /// The rest of the block is no record.
    Malformed,
}

impl StreamDecoder {
    /// A thread of which nothing has been read.
    pub fn new() -> Self {
        Self::default()
    }

    /// The thread's next block follows, with this sequence number and payload.
    ///
    /// # Errors
    /// [`DamageKind::MissingBlock`] if it leans on one that is missing. It must be passed over then.
    pub fn begin(&mut self, sequence: u32, payload: &[u8]) -> Result<(), DamageKind> {
        if sequence != self.next_sequence {
            self.records = None;
            self.is_broken = true;
        }
        self.next_sequence = sequence.wrapping_add(1);
        if begins_with_sync(payload) {
            self.records.get_or_insert_default();
        }
        // An empty block leans on nothing.
        match self.records.is_some() || payload.is_empty() {
            true => Ok(()),
            false => Err(DamageKind::MissingBlock),
        }
    }

    /// Events of the thread are missing from here on.
    pub fn lose(&mut self) {
        self.is_broken = true;
    }

    /// The time of the last event that could be read; 0 before the first.
    pub fn time(&self) -> Nanos {
        self.time
    }

    /// The time of the last event that could be read, if others behind it are missing.
    pub fn is_broken_since(&self) -> Option<Nanos> {
        self.is_broken.then_some(self.time)
    }

    /// Takes the next piece off the front of a block; `None` at its end.
    #[inline]
    pub fn next<'a>(&mut self, payload: &mut &'a [u8]) -> Option<Piece<'a>> {
        loop {
            if payload.is_empty() {
                return None;
            }
            return Some(match self.records.get_or_insert_default().next(payload) {
                RawStep::Event(time, event) => {
                    let gap = std::mem::take(&mut self.is_broken).then_some(self.time);
                    self.time = time;
                    Piece::Event { time, event, gap }
                }
                RawStep::Text(text) => Piece::Text(text),
                RawStep::Sync => Piece::Sync,
                RawStep::Unknown => continue,
                RawStep::Malformed => {
                    self.records = None;
                    self.is_broken = true;
                    *payload = &[];
                    Piece::Malformed
                }
            });
        }
    }
}
