//! Sums over 256 polls of a level, side by side.
//!
//! A chunk has its sums with it, and chunks lie anywhere in memory. What a lane shows of a long time
//! steps over thousands of polls for each pixel: with these it reads a few lines of one list.

use taskscope_format::Nanos;

use super::level::{At, LevelView, Longest};
use super::polls::{Chunk, GROUP};
use super::shelf::Shelf;
use crate::types::PollIx;

/// So many polls make a block, or fewer at the end of a chunk.
pub(crate) const BLOCK: usize = 4 * GROUP;

/// Sums over the polls of a block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    begins: Nanos,
    /// When its last poll stops occupying the lane.
    ends: Nanos,
    /// Time for which earlier polls of the level occupied the lane, and how many they are.
    busy_before: Nanos,
    count_before: u64,
    longest: Nanos,
    longest_at: PollIx,
    longest_of: u32,
    /// Where it stands: the position of its chunk, and its first slot.
    chunk: u32,
    slot: u16,
}

/// The sums of a level.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    blocks: Shelf<Block>,
    /// The first of each chunk.
    first_of: Vec<u32>,
    /// Of all blocks.
    busy: Nanos,
    count: u64,
}

/// Many polls that stand side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Many {
    pub(crate) begins: Nanos,
    pub(crate) ends: Nanos,
    pub(crate) count: u64,
    pub(crate) busy: Nanos,
    pub(crate) longest: Longest,
    /// Where the next poll stands.
    pub(crate) next: At,
}

impl Blocks {
    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.blocks.share();
    }

    /// Leaves the first chunks alone.
    pub(super) fn truncate(&mut self, chunks: usize) {
        let Some(&first) = self.first_of.get(chunks) else { return };
        if let Some(block) = self.blocks.get(first as usize) {
            (self.busy, self.count) = (block.busy_before, block.count_before);
        }
        self.first_of.truncate(chunks);
        self.blocks.truncate(first as usize);
    }

    /// Adds the chunk behind the last. `number` is its own.
    pub(crate) fn add(&mut self, number: usize, chunk: &Chunk) {
        let position = self.first_of.len() as u32;
        self.first_of.push(self.blocks.len() as u32);
        for (slot, (groups, &(begins, ends))) in
            (0..).step_by(BLOCK).zip(chunk.groups.chunks(BLOCK / GROUP).zip(&chunk.block_bounds))
        {
            let Some(&first) = groups.first() else { return };
            let longest = groups.iter().fold(first, |longest, &group| {
                if group.longest >= longest.longest { group } else { longest }
            });
            self.blocks.push(Block {
                begins,
                ends,
                busy_before: self.busy.saturating_add(first.busy_before),
                count_before: self.count + (slot - usize::from(first.gone_before)) as u64,
                longest: longest.longest,
                longest_at: PollIx::new(number, longest.longest_at.into()),
                longest_of: longest.longest_of,
                chunk: position,
                slot: slot as u16,
            });
        }
        self.busy = self.busy.saturating_add(chunk.sum.busy_before);
        self.count += (chunk.rows.len() - usize::from(chunk.sum.gone_before)) as u64;
    }
}

impl LevelView<'_> {
    /// The polls from a place on to the end of their step, and to the end of the block in which
    /// that lies, which is less than a quarter of them further. `None` where they are not many, or the
    /// place is not the begin of a block.
    pub(crate) fn many(&self, from: At, step: Nanos) -> Option<Many> {
        if !from.slot.is_multiple_of(BLOCK) {
            return None;
        }
        let Blocks { blocks, first_of, busy, count } = &self.level.blocks;
        let at = *first_of.get(from.chunk)? as usize + from.slot / BLOCK;
        let first = blocks.get(at)?;
        let until = (first.begins / step + 1).saturating_mul(step);
        let last = blocks.partition_from(at + 1, |block| block.begins < until) - 1;
        if blocks[last].count_before - first.count_before < 3 * BLOCK as u64 {
            return None;
        }
        let (busy, count, next) = match blocks.get(last + 1) {
            Some(next) => (
                next.busy_before,
                next.count_before,
                At { chunk: next.chunk as usize, slot: next.slot.into() },
            ),
            None => (*busy, *count, At { chunk: first_of.len(), slot: 0 }),
        };
        let longest = blocks.iter_from(at).take(last + 1 - at).fold(first, |longest, block| {
            if block.longest >= longest.longest { block } else { longest }
        });
        Some(Many {
            begins: first.begins,
            ends: blocks[last].ends,
            count: count - first.count_before,
            busy: busy.saturating_sub(first.busy_before),
            longest: Longest {
                length: longest.longest,
                poll: longest.longest_at,
                task: longest.longest_of,
            },
            next,
        })
    }
}
