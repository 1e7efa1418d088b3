//! The kept blocks, in the file, and what still holds of those that are overwritten.
//!
//! Blocks lie behind each other, and where the area ends it begins again. None is overwritten
//! before a carry-over that covers it stands in one of the two slots. (What is covered and when is
//! up to the [`BlockRing`](crate::output::flight::block_ring::BlockRing).) The other slot has the one
//! before, so that one of them is whole whenever the process dies.

use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};
use std::time::{SystemTime, UNIX_EPOCH};

use taskscope_format::black_box::layout::{BLOCK_HEADER, live};
use taskscope_format::black_box::{BlockHeader, Layout, NO_OFFSET, SlotHeader, checksum};
use taskscope_format::{Nanos, ThreadId};

use super::Incoming;
use super::map::Mapping;
use super::rings::BoxRings;
use crate::stream::memory::RingSource;

#[derive(Debug)]
pub(crate) struct BlockArea {
    mapping: Arc<Mapping>,
    layout: Layout,
    nonce: u64,
    /// Bytes ever written, and left out at the end of the area.
    position: u64,
    /// Blocks ever written.
    number: u64,
    /// Slots ever written.
    slots: u64,
    /// Bytes of the newest slot.
    slot_bytes: u64,
}

/// Where a block lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// In all that was ever written.
    pub(crate) position: u64,
    length: u32,
}

impl BlockArea {
    pub(crate) fn new(mapping: Arc<Mapping>, layout: Layout, nonce: u64) -> Self {
        Self { mapping, layout, nonce, position: 0, number: 0, slots: 0, slot_bytes: 0 }
    }

    /// The rings of threads, beside the area.
    pub(crate) fn rings(&self) -> Arc<dyn RingSource> {
        Arc::new(BoxRings::new(Arc::clone(&self.mapping), self.layout.clone()))
    }

    /// Bytes of blocks that there can be.
    pub(crate) fn capacity(&self) -> u64 {
        self.layout.blocks.end - self.layout.blocks.start
    }

    /// Bytes of the payload of a slot.
    pub(crate) fn slot_capacity(&self) -> usize {
        let slot = self.layout.slot(0);
        (slot.end - slot.start) as usize - BLOCK_HEADER
    }

    /// Bytes that the newest carry-over took.
    pub(crate) fn slot_bytes(&self) -> u64 {
        self.slot_bytes
    }

    pub(crate) fn is_lost(&self) -> bool {
        self.mapping.is_lost()
    }

    /// Says in the file, if there is still one, that it is not written to any more.
    pub(crate) fn mark_as_lost(&self) {
        use std::os::unix::fs::FileExt;

        let file = self.mapping.file();
        // (It could be a header alone that somebody has left of it, and then there is nothing to say.)
        if file.metadata().is_ok_and(|metadata| metadata.len() > live::LOST + 8) {
            // Whether that can be written or not, nothing follows.
            drop(file.write_at(&1u64.to_le_bytes(), live::LOST));
        }
    }

    /// The number that the next block will have.
    pub(crate) fn next_number(&self) -> u64 {
        self.number
    }

    /// Bytes ever written.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Where a block of so many bytes will lie.
    fn next_position(&self, length: usize) -> u64 {
        let left = self.capacity() - self.position % self.capacity();
        let fits = BlockHeader::room(length) <= left;
        self.position + if fits { 0 } else { left }
    }

    /// What lies before this position is overwritten by the next block, if that has so many bytes.
    pub(crate) fn overwrites_below(&self, length: usize) -> u64 {
        let end = self.next_position(length) + BlockHeader::room(length);
        end.saturating_sub(self.capacity())
    }

    fn offset(&self, position: u64) -> u64 {
        self.layout.blocks.start + position % self.capacity()
    }

    /// Writes a block. `chain` is the number of the block that it leans on, or its own.
    pub(crate) fn append(&mut self, chain: u64, block: &Incoming<'_>) -> Place {
        let payload = block.payload;
        let position = self.next_position(payload.len());
        let header = BlockHeader {
            number: self.number,
            chain,
            offset: block.offset.unwrap_or(NO_OFFSET),
            came: block.came,
            thread: block.thread,
            length: payload.len() as u32,
            checksum: checksum(payload),
        };
        let at = self.offset(position);
        self.mapping.write(at, &header.to_bytes(self.nonce));
        self.mapping.write(at + BLOCK_HEADER as u64, payload);
        self.number += 1;
        self.position = position + BlockHeader::room(payload.len());
        Place { position, length: header.length }
    }

    /// The bytes of a block that has not been overwritten.
    pub(crate) fn read(&self, place: Place) -> Vec<u8> {
        let at = self.offset(place.position) + BLOCK_HEADER as u64;
        self.mapping.read(at, place.length as usize)
    }

    /// Writes a carry-over: pieces of records, up to [`slot_capacity`](Self::slot_capacity).
    pub(crate) fn write_slot(&mut self, covers: u64, gone: Nanos, unknown: u64, payload: &[u8]) {
        let header = SlotHeader {
            number: self.slots,
            covers,
            gone,
            unknown,
            length: payload.len() as u32,
            checksum: checksum(payload),
        };
        let at = self.layout.slot(self.slots).start;
        self.mapping.write(at, &header.to_bytes(self.nonce));
        self.mapping.write(at + BLOCK_HEADER as u64, payload);
        self.slots += 1;
        self.slot_bytes = payload.len() as u64;
        // Release: whoever sees a block overwritten that this covers sees this.
        fence(Ordering::Release);
    }

    /// Says that the process lives.
    pub(crate) fn beat(&self, now: Nanos) {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix = u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX);
        self.mapping.word(live::LAST_SEEN).store(now, Ordering::Relaxed);
        self.mapping.word(live::LAST_SEEN_UNIX).store(unix, Ordering::Relaxed);
    }

    /// Says that nothing follows.
    pub(crate) fn finish(&self, now: Nanos) {
        self.beat(now);
        self.mapping.word(live::STATE).store(live::FINISHED, Ordering::Release);
        // Threads let go of it when they next come by. Until then it is not to look alive. (Where
        // there are no locks there is none to give back.)
        drop(self.mapping.file().unlock());
    }
}

/// Adds a piece to the payload of a slot.
pub(crate) fn piece(thread: ThreadId, records: &[u8], into: &mut Vec<u8>) {
    into.extend_from_slice(&thread.0.to_le_bytes());
    into.extend_from_slice(&(records.len() as u32).to_le_bytes());
    into.extend_from_slice(records);
}
