//! Arrays of plain numbers, in pieces with checksums.

use std::io::{self, Write};

use bytemuck::Pod;
use serde::{Deserialize, Serialize};

use super::IndexError;
use crate::parallel;
use crate::source::Source;
use crate::store::shelf::Shelf;

/// About so many bytes make a piece.
const PIECE: usize = 1 << 20;

/// Where an array stands.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct ArrayAt {
    offset: u64,
    count: u64,
    /// Bytes of one element.
    size: u32,
    /// The checksum of each piece.
    sums: Vec<u32>,
}

impl ArrayAt {
    pub(super) fn count(&self) -> usize {
        // It was claimed, so that it fits into the index.
        self.count as usize
    }

    /// Where its bytes are.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> std::ops::Range<usize> {
        let begin = self.offset as usize;
        begin..begin + self.count() * self.size as usize
    }

    /// Makes its checksums right.
    #[cfg(test)]
    pub(super) fn set_sums(&mut self, index: &[u8]) {
        let piece = (1 << (PIECE / self.size as usize).ilog2()) * self.size as usize;
        self.sums = index[self.bytes()].chunks(piece).map(crc32fast::hash).collect();
    }
}

/// So many elements make a piece: a power of two, so that pieces are whole chunks of a [`Shelf`].
const fn per_piece<T>() -> usize {
    1 << (PIECE / size_of::<T>()).ilog2()
}

/// Writes front to back, and knows where it is.
pub(super) struct Writer<'a> {
    out: &'a mut dyn Write,
    at: u64,
}

impl<'a> Writer<'a> {
    pub(super) fn new(out: &'a mut dyn Write) -> Self {
        Self { out, at: 0 }
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    pub(super) fn array<T: Pod>(
        &mut self,
        items: impl IntoIterator<Item = T>,
    ) -> io::Result<ArrayAt> {
        let mut array =
            ArrayAt { offset: self.at, size: size_of::<T>() as u32, ..ArrayAt::default() };
        let mut items = items.into_iter();
        let mut piece: Vec<T> = Vec::new();
        loop {
            piece.clear();
            piece.extend(items.by_ref().take(per_piece::<T>()));
            if piece.is_empty() {
                return Ok(array);
            }
            let bytes: &[u8] = bytemuck::cast_slice(&piece);
            array.count += piece.len() as u64;
            array.sums.push(crc32fast::hash(bytes));
            self.put(bytes)?;
        }
    }
}

/// Reads pieces, and checks them.
pub(super) struct Reader<'a> {
    source: &'a dyn Source,
    /// Where the next array must begin.
    claimed: u64,
    /// Where they end.
    end: u64,
}

impl<'a> Reader<'a> {
    /// Of arrays that lie before `end`.
    pub(super) fn new(source: &'a dyn Source, end: u64) -> Self {
        Self { source, claimed: 0, end }
    }

    /// Takes the next bytes, which nothing else can take then.
    pub(super) fn claim_bytes(&mut self, length: u64) -> Result<u64, IndexError> {
        let offset = self.claimed;
        let end = offset.checked_add(length).filter(|end| *end <= self.end);
        self.claimed = end.ok_or(IndexError::damaged("it ends before what it holds does"))?;
        Ok(offset)
    }

    /// Takes the bytes of an array.
    pub(super) fn claim<T: Pod>(&mut self, array: &ArrayAt) -> Result<(), IndexError> {
        let size = size_of::<T>() as u64;
        let pieces = array.count.div_ceil(per_piece::<T>() as u64);
        let fits = array.offset == self.claimed
            && u64::from(array.size) == size
            && array.sums.len() as u64 == pieces;
        if !fits {
            return Err(IndexError::damaged("a list is not where it should be"));
        }
        self.claim_bytes(array.count.saturating_mul(size)).map(drop)
    }

    /// Whether all bytes have been taken.
    pub(super) fn is_all_claimed(&self) -> bool {
        self.claimed == self.end
    }

    /// Fills a buffer.
    pub(super) fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), IndexError> {
        match self.source.read_at(offset, buffer)? == buffer.len() {
            true => Ok(()),
            false => Err(IndexError::damaged("it was cut")),
        }
    }

    /// Reads a piece of an array, and checks it.
    fn fill_piece<T: Pod>(
        &self,
        array: &ArrayAt,
        piece: usize,
        items: &mut [T],
    ) -> Result<(), IndexError> {
        let offset = array.offset + (piece * per_piece::<T>() * size_of::<T>()) as u64;
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(items);
        self.fill(offset, bytes)?;
        match array.sums.get(piece) == Some(&crc32fast::hash(bytes)) {
            true => Ok(()),
            false => Err(IndexError::damaged("a checksum is wrong")),
        }
    }

    /// An array as one list.
    pub(super) fn list<T: Pod + Send>(&self, array: &ArrayAt) -> Result<Vec<T>, IndexError> {
        let mut list = bytemuck::zeroed_vec::<T>(array.count());
        parallel::try_for_each_part(&mut list, per_piece::<T>(), |piece, items| {
            self.fill_piece(array, piece, items)
        })?;
        Ok(list)
    }

    /// An array as a list of something else, of which `make` makes each; `None` for one that makes no
    /// sense.
    pub(super) fn shelf<T: Pod, A: Clone + Send>(
        &self,
        array: &ArrayAt,
        make: impl Fn(usize, T) -> Option<A> + Send + Sync,
    ) -> Result<Shelf<A>, IndexError> {
        let senseless = IndexError::damaged("a list holds what makes no sense");
        let parts = parallel::try_map(0..array.sums.len(), |number| {
            let first = number * per_piece::<T>();
            let mut piece = bytemuck::zeroed_vec(per_piece::<T>().min(array.count() - first));
            self.fill_piece(array, number, &mut piece)?;
            let chunks = piece.chunks(Shelf::<A>::CHUNK).enumerate().map(|(number, chunk)| {
                let first = first + number * Shelf::<A>::CHUNK;
                let mut made = Vec::with_capacity(chunk.len());
                for (at, item) in (first..).zip(chunk) {
                    made.push(make(at, *item)?);
                }
                Some(made)
            });
            let chunks: Option<Vec<Vec<A>>> = chunks.collect();
            chunks.ok_or(IndexError::damaged("a list holds what makes no sense"))
        })?;
        Shelf::of_chunks(parts.into_iter().flatten().collect()).ok_or(senseless)
    }
}
