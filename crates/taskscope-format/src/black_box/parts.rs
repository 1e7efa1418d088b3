//! What there is in a black box: the rings, the blocks and the carry-over that are whole.

use std::collections::BTreeMap;

use super::headers::{BlockHeader, Header, SlotHeader, word};
use super::layout::{BLOCK_HEADER, RING_ENTRY, back, front};
use crate::{FileWriter, Nanos, ThreadId};

/// How far threads had put bytes, in an earlier look at the first table.
pub(super) fn tails(glance: &[u8], header: &Header) -> BTreeMap<ThreadId, u64> {
    let tail = |number| {
        let place = header.layout.ring(number);
        let thread = word(glance, place.front + front::THREAD)?;
        let tail = word(glance, place.front + front::TAIL)?;
        Some((ThreadId(u32::try_from(thread).ok()?), tail))
    };
    let mut tails = BTreeMap::new();
    for (thread, tail) in (0..header.layout.ring_count()).map_while(tail) {
        if thread.0 != 0 {
            let furthest: &mut u64 = tails.entry(thread).or_default();
            *furthest = tail.max(*furthest);
        }
    }
    tails
}

/// What one thread put into a ring and what has not been moved to blocks.
pub(super) struct Ring<'a> {
    pub(super) thread: ThreadId,
    pub(super) head: u64,
    pub(super) tail: u64,
    pub(super) dropped: Option<Dropped>,
    /// The ring's bytes. A byte of the stream lies at its offset modulo the length.
    pub(super) data: &'a [u8],
}

pub(super) struct Dropped {
    pub(super) count: u64,
    pub(super) since: Nanos,
    pub(super) last: Nanos,
}

impl Ring<'_> {
    /// The bytes of the stream from `from` on.
    pub(super) fn bytes(&self, from: u64) -> Vec<u8> {
        let length = (self.tail - from) as usize;
        let begin = (from % self.data.len() as u64) as usize;
        let (first, second) = (&self.data[begin..], &self.data[..begin]);
        let first = &first[..first.len().min(length)];
        let second = &second[..length - first.len()];
        [first, second].concat()
    }
}

pub(super) fn rings<'a>(file: &'a [u8], header: &Header) -> Vec<Ring<'a>> {
    let mut rings = Vec::new();
    for number in 0..header.layout.ring_count() {
        let place = header.layout.ring(number);
        if place.front + RING_ENTRY > file.len() as u64 {
            break;
        }
        let in_front = |at| word(file, place.front + at);
        let in_back = |at| word(file, place.back + at);
        let Some(thread) = in_front(front::THREAD).filter(|thread| *thread != 0) else { continue };
        // Another thread by now: what the first had put is in blocks.
        if in_back(back::THREAD) != Some(thread) {
            continue;
        }
        let (Some(tail), Some(head)) = (in_front(front::TAIL), in_back(back::HEAD)) else {
            continue;
        };
        let range = place.data.start as usize..place.data.end as usize;
        let (Ok(thread), Some(data)) = (u32::try_from(thread), file.get(range)) else { continue };
        // The head may have been moved beyond the tail that was read before it: all is in blocks.
        let head = head.min(tail);
        if tail - head > data.len() as u64 {
            continue;
        }
        let is_now = in_front(front::DROPPED_AT) == tail.checked_add(1);
        let count = in_front(front::DROPPED).filter(|count| is_now && *count > 0);
        let dropped = count.map(|count| Dropped {
            count,
            since: in_front(front::DROPPED_SINCE).unwrap_or(0),
            last: in_front(front::DROPPED_LAST).unwrap_or(0),
        });
        rings.push(Ring { thread: ThreadId(thread), head, tail, dropped, data });
    }
    rings.sort_by_key(|ring| (ring.thread, ring.head, ring.tail));
    rings
}

pub(super) struct Block<'a> {
    pub(super) header: BlockHeader,
    pub(super) payload: &'a [u8],
}

/// All blocks that are whole, by their numbers.
pub(super) fn blocks<'a>(file: &'a [u8], header: &Header) -> Vec<Block<'a>> {
    let area = &header.layout.blocks;
    let end = file.len().min(area.end as usize);
    let area = file.get(area.start as usize..end).unwrap_or_default();
    // What is hashed in vain: a recorder leaves two broken blocks at the most. A file could be all
    // of them, each as long as can be.
    let mut in_vain = file.len();
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(rest) = area.get(at..).filter(|rest| !rest.is_empty()) {
        at += BLOCK_HEADER;
        let Some(block) = BlockHeader::from_bytes(rest, header.nonce) else { continue };
        let Some(payload) = rest[BLOCK_HEADER..].get(..block.length as usize) else { continue };
        if payload.len() > FileWriter::<Vec<u8>>::MAX_PAYLOAD || payload.len() > in_vain {
            continue;
        }
        if crc32fast::hash(payload) == block.checksum {
            at += BlockHeader::room(payload.len()) as usize - BLOCK_HEADER;
            blocks.push(Block { header: block, payload });
        } else {
            in_vain -= payload.len();
        }
    }
    blocks.sort_by_key(|block| block.header.number);
    blocks.dedup_by_key(|block| block.header.number);
    blocks
}

#[derive(Default)]
pub(super) struct Slot<'a> {
    pub(super) header: Option<SlotHeader>,
    pub(super) pieces: Vec<(ThreadId, &'a [u8])>,
}

pub(super) fn newest_slot<'a>(file: &'a [u8], header: &Header) -> Option<Slot<'a>> {
    let slot = |number| {
        let place = header.layout.slot(number);
        let bytes = file.get(place.start as usize..place.end as usize)?;
        let slot = SlotHeader::from_bytes(bytes, header.nonce)?;
        let payload = bytes[BLOCK_HEADER..].get(..slot.length as usize)?;
        (crc32fast::hash(payload) == slot.checksum).then_some((slot, payload))
    };
    let newest = [slot(0), slot(1)].into_iter().flatten().max_by_key(|(slot, _)| slot.number);
    let (header, mut payload) = newest?;
    let mut pieces = Vec::new();
    while let Some((head, rest)) = payload.split_at_checked(8) {
        let number =
            |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let Some((piece, rest)) = rest.split_at_checked(number(4) as usize) else { break };
        if piece.len() <= FileWriter::<Vec<u8>>::MAX_PAYLOAD {
            pieces.push((ThreadId(number(0)), piece));
        }
        payload = rest;
    }
    Some(Slot { header: Some(header), pieces })
}
