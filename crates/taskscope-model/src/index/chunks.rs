//! Chunks of polls: each is read straight to where it stays, and checked as it comes.

use std::io;

use serde::{Deserialize, Serialize};

use super::IndexError;
use super::check::Bounds;
use super::pieces::{Reader, Writer};
use crate::store::polls::{CHUNK, Chunk, Row, WaitRow};
use crate::types::LaneIx;

/// A chunk without its rows, and what stands beside them.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ChunkAt {
    pub(super) lane: u16,
    pub(super) depth: u8,
    base: u64,
    pub(super) rows: u16,
    /// How many of each stand beside: see [`Chunk`].
    long: u16,
    late: u16,
    left: u16,
    scheduled: u16,
    more_wakes: u16,
    waits: u32,
    /// The checksum of its bytes.
    sum: u32,
}

const SLOT: usize = size_of::<u16>();

/// How many bytes the chunk takes.
pub(super) fn bytes(chunk: &Chunk) -> usize {
    let Chunk { long, late, left, scheduled, .. } = chunk;
    let times = [long, late, left, scheduled].map(Vec::len).iter().sum::<usize>();
    let numbers = chunk.more_wakes.len() + chunk.waits.len();
    chunk.rows.len() * size_of::<Row>() + times * (SLOT + 8) + numbers * (SLOT + 4)
}

impl ChunkAt {
    /// Bytes of what stands beside the rows.
    fn beside(&self) -> usize {
        let times = [self.long, self.late, self.left, self.scheduled].map(usize::from);
        let numbers = usize::from(self.more_wakes) + self.waits as usize;
        times.iter().sum::<usize>() * (SLOT + 8) + numbers * (SLOT + 4)
    }

    pub(super) fn bytes(&self) -> u64 {
        (usize::from(self.rows) * size_of::<Row>() + self.beside()) as u64
    }

    /// Writes a chunk. `scratch` is for what comes and goes.
    pub(super) fn write(
        chunk: &Chunk,
        scratch: &mut Vec<u8>,
        to: &mut Writer<'_>,
    ) -> io::Result<Self> {
        scratch.clear();
        for list in [&chunk.long, &chunk.late, &chunk.left, &chunk.scheduled] {
            list.iter().for_each(|(slot, _)| scratch.extend(slot.to_le_bytes()));
            list.iter().for_each(|(_, time)| scratch.extend(time.to_le_bytes()));
        }
        chunk.more_wakes.iter().for_each(|(slot, _)| scratch.extend(slot.to_le_bytes()));
        chunk.more_wakes.iter().for_each(|(_, wake)| scratch.extend(wake.to_le_bytes()));
        chunk.waits.iter().for_each(|wait| scratch.extend(wait.slot.to_le_bytes()));
        chunk.waits.iter().for_each(|wait| scratch.extend(wait.kind.to_le_bytes()));
        let rows: &[u8] = bytemuck::cast_slice(&chunk.rows);
        to.put(rows)?;
        to.put(scratch)?;
        // No list by slot is longer than the rows, of which there are 4,096 at most.
        let short = |length: usize| length as u16;
        Ok(Self {
            lane: chunk.lane.0,
            depth: chunk.depth,
            base: chunk.base,
            rows: short(chunk.rows.len()),
            long: short(chunk.long.len()),
            late: short(chunk.late.len()),
            left: short(chunk.left.len()),
            scheduled: short(chunk.scheduled.len()),
            more_wakes: short(chunk.more_wakes.len()),
            waits: u32::try_from(chunk.waits.len()).map_err(io::Error::other)?,
            sum: checksum(rows, scratch),
        })
    }

    /// Reads a chunk that stands at `offset`, and makes its sums.
    pub(super) fn read(
        &self,
        offset: u64,
        from: &Reader<'_>,
        bounds: &Bounds<'_>,
    ) -> Result<Chunk, IndexError> {
        let mut rows = bytemuck::zeroed_vec::<Row>(self.rows.into());
        let row_bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut rows);
        from.fill(offset, row_bytes)?;
        let mut beside = vec![0; self.beside()];
        if !beside.is_empty() {
            from.fill(offset + row_bytes.len() as u64, &mut beside)?;
        }
        if checksum(row_bytes, &beside) != self.sum {
            return Err(IndexError::damaged("a checksum of polls is wrong"));
        }
        let mut rest = &beside[..];
        let times = |rest: &mut &[u8], count: u16| -> Vec<(u16, u64)> {
            let (slots, values) = (numbers(rest, count.into()), numbers(rest, count.into()));
            let value = values.map(u64::from_le_bytes);
            slots.map(u16::from_le_bytes).zip(value).collect()
        };
        let (long, late) = (times(&mut rest, self.long), times(&mut rest, self.late));
        let (left, scheduled) = (times(&mut rest, self.left), times(&mut rest, self.scheduled));
        let mut pairs = |count: usize| {
            let (slots, values) = (numbers(&mut rest, count), numbers(&mut rest, count));
            slots.map(u16::from_le_bytes).zip(values.map(u32::from_le_bytes))
        };
        let more_wakes = pairs(self.more_wakes.into()).collect();
        let waits = pairs(self.waits as usize).map(|(slot, kind)| WaitRow { slot, kind }).collect();
        let mut chunk = Chunk {
            lane: LaneIx(self.lane),
            depth: self.depth,
            base: self.base,
            rows,
            long,
            late,
            left,
            waits,
            more_wakes,
            scheduled,
            ..Chunk::default()
        };
        match bounds.holds(&chunk) {
            true => chunk.sum_up(),
            false => return Err(IndexError::damaged("polls make no sense")),
        }
        Ok(chunk)
    }

    /// Makes its checksum right.
    #[cfg(test)]
    pub(super) fn set_sum(&mut self, bytes: &[u8]) {
        self.sum = crc32fast::hash(bytes);
    }

    /// Whether it can be a chunk.
    pub(super) fn makes_sense(&self) -> bool {
        (1..=CHUNK).contains(&self.rows.into())
    }
}

/// Takes so many numbers of `N` bytes from the front.
fn numbers<'a, const N: usize>(
    rest: &mut &'a [u8],
    count: usize,
) -> impl Iterator<Item = [u8; N]> + use<'a, N> {
    let (numbers, behind) = rest.split_at_checked(count * N).unwrap_or((rest, &[]));
    *rest = behind;
    numbers.as_chunks::<N>().0.iter().copied()
}

fn checksum(rows: &[u8], beside: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(rows);
    sum.update(beside);
    sum.finalize()
}
