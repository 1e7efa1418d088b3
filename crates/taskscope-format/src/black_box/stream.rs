//! One thread's stream, put together from pieces that lie all over the file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;

use super::begin::{Budget, Doing};
use crate::decode::{Decoder, Step, sync_time};
use crate::{FileWriter, Nanos, ThreadId, stands_alone};

/// What there is of a stream, in the order of its bytes.
#[derive(Debug, Default)]
pub(super) struct Stream<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Debug)]
struct Piece<'a> {
    /// The number of the block, or the highest there is.
    number: u64,
    offset: u64,
    bytes: Cow<'a, [u8]>,
}

impl Piece<'_> {
    fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }
}

impl<'a> Stream<'a> {
    /// Up to where it is there.
    pub(super) fn end(&self) -> Option<u64> {
        self.pieces.last().map(Piece::end)
    }

    /// Adds a block, which begins at `offset`, without those of its bytes that are there.
    pub(super) fn join(&mut self, number: u64, offset: u64, bytes: &'a [u8]) {
        let end = self.end().unwrap_or(offset);
        let known = end.saturating_sub(offset).min(bytes.len() as u64) as usize;
        self.push(number, offset.saturating_add(known as u64), Cow::Borrowed(&bytes[known..]));
    }

    /// Adds the bytes from `offset` on, none of which are there.
    pub(super) fn join_owned(&mut self, offset: u64, bytes: Vec<u8>) {
        self.push(u64::MAX, offset, Cow::Owned(bytes));
    }

    fn push(&mut self, number: u64, offset: u64, bytes: Cow<'a, [u8]>) {
        if !bytes.is_empty() {
            self.pieces.push(Piece { number, offset, bytes });
        }
    }

    /// The time of the last record of which all bytes are before `offset`.
    pub(super) fn time_at(&self, offset: u64) -> Option<Nanos> {
        let before = self.pieces.partition_point(|piece| piece.offset < offset);
        let from = self.pieces[..before].iter().rposition(|piece| stands_alone(&piece.bytes))?;
        let mut last = None;
        self.walk(from, |end, time| {
            let is_before = end <= offset;
            if is_before {
                last = Some(time);
            }
            is_before
        });
        last
    }

    /// Leaves out what is earlier than `time`, which `doing` takes in.
    pub(super) fn begin_at(&mut self, time: Nanos, doing: &mut Doing, budget: &mut Budget) {
        // Up to a piece that can be read by itself and begins late enough, without a gap.
        let mut count = 0;
        for piece in &self.pieces {
            let is_late = sync_time(&piece.bytes).is_some_and(|begin| begin >= time);
            let is_joined = count == 0 || self.pieces[count - 1].end() == piece.offset;
            if is_late || !is_joined || (count == 0 && !stands_alone(&piece.bytes)) {
                break;
            }
            count += 1;
        }
        let early: Vec<_> = self.pieces.drain(..count).collect();
        let Some(last) = early.last() else { return };
        let blocks: Vec<&[u8]> = early.iter().map(|piece| &*piece.bytes).collect();
        let rest = doing.skip_to(time, &blocks, budget);
        // So that they end where the last of the others did.
        let mut offset = last.end().saturating_sub(rest.iter().map(|rest| rest.len() as u64).sum());
        let number = last.number;
        let rest = rest.into_iter().map(|bytes| {
            let piece = Piece { number, offset, bytes: Cow::Owned(bytes) };
            offset = piece.end();
            piece
        });
        self.pieces.splice(..0, rest);
    }

    /// Leaves out what is later than `time`.
    pub(super) fn cut_behind(&mut self, time: Nanos) {
        let is_early =
            |piece: &Piece<'_>| sync_time(&piece.bytes).is_some_and(|begin| begin <= time);
        let Some(from) = self.pieces.iter().rposition(is_early) else {
            // All that can be read is later.
            self.pieces.clear();
            return;
        };
        let mut end = self.pieces[from].offset;
        self.walk(from, |record_end, at| {
            let is_early = at <= time;
            if is_early {
                end = record_end;
            }
            is_early
        });
        self.pieces.retain(|piece| piece.offset < end);
        if let Some(last) = self.pieces.last_mut() {
            let length = (end - last.offset).min(last.bytes.len() as u64) as usize;
            match &mut last.bytes {
                Cow::Borrowed(bytes) => *bytes = &bytes[..length],
                Cow::Owned(bytes) => bytes.truncate(length),
            }
        }
    }

    /// Hands over where each record ends and its time, from a piece on that stands alone, until
    /// `go_on` says no or something cannot be read.
    fn walk(&self, from: usize, mut go_on: impl FnMut(u64, Nanos) -> bool) {
        let mut decoder = Decoder::default();
        let mut end = None;
        for piece in &self.pieces[from..] {
            let is_joined = end.is_none_or(|end| end == piece.offset);
            if !is_joined && !stands_alone(&piece.bytes) {
                return;
            }
            let mut rest = &*piece.bytes;
            while !rest.is_empty() {
                if decoder.next(&mut rest) == Step::Malformed {
                    return;
                }
                if !go_on(piece.end() - rest.len() as u64, decoder.time()) {
                    return;
                }
            }
            end = Some(piece.end());
        }
    }
}

/// Writes streams as blocks, with gaps where bytes are missing: the pieces that were blocks in the
/// order in which they were, as a recorder that writes to a file would have written them, and then
/// the others.
pub(super) fn write(
    streams: &BTreeMap<ThreadId, Stream<'_>>,
    trace: &mut FileWriter<Vec<u8>>,
) -> io::Result<()> {
    let pieces = streams.iter().flat_map(|(thread, stream)| {
        let ends = std::iter::once(None).chain(stream.pieces.iter().map(|piece| Some(piece.end())));
        stream.pieces.iter().zip(ends).map(|(piece, end)| (*thread, piece, end))
    });
    let mut pieces: Vec<_> = pieces.collect();
    // Stable: those of one thread stay in their order.
    pieces.sort_by_key(|(_, piece, _)| piece.number);
    for (thread, piece, end) in pieces {
        if end.is_some_and(|end| end < piece.offset) {
            trace.leave_gap(thread);
        }
        for bytes in piece.bytes.chunks(FileWriter::<Vec<u8>>::MAX_PAYLOAD) {
            trace.block(thread, bytes)?;
        }
    }
    Ok(())
}
