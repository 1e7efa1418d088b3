//! A ring of bytes between one thread that puts and one that takes.
//!
//! # Why words
//! The bytes live in atomic words of eight. The producer keeps the word that it
//! is filling in a register: a record of a few bytes is shifted in and costs one
//! or two plain stores, and the count of bytes that follows them publishes it.
//! So there is no copy through memory, and nothing unsafe. (A ring of `u8` costs
//! two calls of `memcpy` for each record, one of them for nothing, which was a
//! tenth of what recording a poll cost.)
//!
//! The word that is being filled is stored again and again, while the consumer
//! may be reading it. It takes no more of it than was published, and those bits
//! no longer change.
//!
//! # Why it never overtakes
//! `tail` counts all bytes ever put, `head` all bytes ever taken. The producer
//! keeps `tail - head` at [`Producer::room`] or less, a word less than the ring
//! has. So the word of the tail is another than that of the head, or the same
//! word of the same round.
//!
//! That no byte is read before it is there, or after it was written over, is
//! checked by `crates/taskscope-handover` for all orders that the memory allows.

use taskscope_format::Brief;

use crate::stream::sync::{Arc, AtomicU64, Ordering, RingMemory, fence};

const WORD: usize = size_of::<u64>();

/// What both ends share.
#[derive(Debug)]
pub(crate) struct Ring {
    /// Its words are a power of two.
    pub(crate) memory: RingMemory,
}

impl Ring {
    /// The word that holds the byte with this number.
    #[inline(always)]
    fn place(&self, byte: u64) -> Option<&AtomicU64> {
        let words = self.memory.words();
        // A mask: there are a power of two.
        words.get((byte as usize / WORD) & words.len().wrapping_sub(1))
    }
}

/// An empty ring of `bytes`, rounded up to a power of two.
#[allow(dead_code, reason = "for tests, also those of `crates/taskscope-handover`")]
pub(crate) fn ring(bytes: usize) -> (Producer, Consumer) {
    ring_in(RingMemory::new((bytes / WORD).next_power_of_two()), 0)
}

/// An empty ring whose counts begin at `offset`, in memory that nothing else uses. Its words must be
/// a power of two.
pub(crate) fn ring_in(memory: RingMemory, offset: u64) -> (Producer, Consumer) {
    let room = (memory.words().len() - 1) * WORD;
    memory.head().store(offset, Ordering::Relaxed);
    memory.tail().store(offset, Ordering::Relaxed);
    let ring = Arc::new(Ring { memory });
    let producer = Producer { ring: Arc::clone(&ring), room, tail: offset, head: offset, word: 0 };
    (producer, Consumer { ring, head: offset })
}

/// The end that puts.
#[derive(Debug)]
pub(crate) struct Producer {
    ring: Arc<Ring>,
    room: usize,
    tail: u64,
    /// As it was when it was last asked for.
    head: u64,
    /// The bytes of the word at the tail.
    word: u64,
}

impl Producer {
    /// The most bytes that there can be in the ring.
    pub(crate) fn room(&self) -> usize {
        self.room
    }

    /// How many bytes were ever put.
    pub(crate) fn put_in_all(&self) -> u64 {
        self.tail
    }

    /// Puts a record, or says that there is no room for it.
    #[inline(always)]
    pub(crate) fn push_brief(&mut self, record: Brief) -> bool {
        if !self.has_room(record.len()) {
            return false;
        }
        for (bits, length) in record.parts() {
            self.put(bits, length);
        }
        self.publish();
        true
    }

    /// Puts all of these bytes, or says that there is no room for them.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> bool {
        if !self.has_room(bytes.len()) {
            return false;
        }
        for piece in bytes.chunks(WORD) {
            let mut word = [0; WORD];
            word[..piece.len()].copy_from_slice(piece);
            self.put(u64::from_le_bytes(word), piece.len());
        }
        self.publish();
        true
    }

    #[inline(always)]
    fn has_room(&mut self, bytes: usize) -> bool {
        let Some(limit) = self.room.checked_sub(bytes).map(|limit| limit as u64) else {
            return false;
        };
        if self.tail - self.head > limit {
            // Acquire: what was taken has been read before it is written over.
            self.head = self.ring.memory.head().load(Ordering::Acquire);
            // Release: whoever looks on and sees what is written over it sees that it was taken.
            fence(Ordering::Release);
        }
        self.tail - self.head <= limit
    }

    /// Appends the lowest `length` bytes of `bits`; the others must be zero. A
    /// word that they fill is stored.
    #[inline(always)]
    fn put(&mut self, bits: u64, length: usize) {
        let filled = self.tail as usize % WORD;
        self.word |= bits << (8 * filled);
        if filled + length >= WORD {
            self.store();
            // What did not fit. (Shifted twice, for the case that all did.)
            self.word = bits >> (8 * (WORD - filled) - 1) >> 1;
        }
        self.tail += length as u64;
    }

    /// Stores the word at the tail.
    #[inline(always)]
    fn store(&self) {
        if let Some(place) = self.ring.place(self.tail) {
            place.store(self.word, Ordering::Relaxed);
        }
    }

    #[inline(always)]
    fn publish(&self) {
        self.store();
        // Release: whoever sees the count sees the bytes.
        self.ring.memory.tail().store(self.tail, Ordering::Release);
    }

    /// Where the bytes are.
    pub(crate) fn memory(&self) -> &RingMemory {
        &self.ring.memory
    }
}

/// The end that takes.
#[derive(Debug)]
pub(crate) struct Consumer {
    ring: Arc<Ring>,
    head: u64,
}

impl Consumer {
    /// How many bytes were ever taken.
    pub(crate) fn taken_in_all(&self) -> u64 {
        self.head
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        // (A file that somebody has cut reads as zeros.)
        self.ring.memory.tail().load(Ordering::Acquire).saturating_sub(self.head) as usize
    }

    /// Where the bytes are.
    pub(crate) fn memory(&self) -> &RingMemory {
        &self.ring.memory
    }

    /// Whether there is no producer any more. What it has put is then seen.
    pub(crate) fn is_abandoned(&self) -> bool {
        let abandoned = Arc::strong_count(&self.ring) == 1;
        // With the release by which the producer's count was taken down.
        fence(Ordering::Acquire);
        abandoned
    }

    /// Moves `bytes` to the end of `into`; fewer, if there are fewer.
    #[allow(dead_code, reason = "for tests, also those of `crates/taskscope-handover`")]
    pub(crate) fn take(&mut self, bytes: usize, into: &mut Vec<u8>) {
        self.copy(bytes, into);
        self.free();
    }

    /// As [`take`](Self::take), but the producer does not get the room back before
    /// [`free`](Self::free).
    pub(crate) fn copy(&mut self, bytes: usize, into: &mut Vec<u8>) {
        let end = self.head + bytes.min(self.len()) as u64;
        into.reserve(bytes);
        while self.head < end {
            let Some(word) = self.ring.place(self.head) else { break };
            let word = word.load(Ordering::Relaxed).to_le_bytes();
            let skip = self.head as usize % WORD;
            let until = WORD.min(skip + (end - self.head) as usize);
            if (skip, until) == (0, WORD) {
                into.extend_from_slice(&word);
            } else {
                into.extend_from_slice(&word[skip..until]);
            }
            self.head += (until - skip) as u64;
        }
    }

    /// The ring itself, for somebody who looks on.
    #[allow(dead_code, reason = "for the checks of `crates/taskscope-handover`")]
    pub(crate) fn share(&self) -> Arc<Ring> {
        Arc::clone(&self.ring)
    }

    /// Passes over all that there is.
    pub(crate) fn discard(&mut self) {
        self.head += self.len() as u64;
        self.free();
    }

    /// Gives the room of all that has been copied back to the producer.
    pub(crate) fn free(&self) {
        // Release: what was copied has been read before it is written over.
        self.ring.memory.head().store(self.head, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::{Encoder, Event, Source, TaskId};

    use super::*;

    const BYTES: usize = 1 << 12;

    #[test]
    fn bytes_come_out_as_they_went_in_round_after_round() {
        let (mut producer, mut consumer) = ring(BYTES);
        let mut expected = (0u32..).map(|number| (number * 7 + number / 251) as u8);
        let mut put = expected.clone();
        let mut taken = Vec::new();
        // Miri takes its time.
        for round in 0..if cfg!(miri) { 40 } else { 4_000 } {
            let piece: Vec<_> = put.by_ref().take(round % 1_500).collect();
            assert!(producer.push(&piece));
            assert_eq!(consumer.len(), piece.len());
            taken.clear();
            consumer.take(piece.len() + 5, &mut taken);
            assert!(taken.iter().copied().eq(expected.by_ref().take(piece.len())));
        }
    }

    #[test]
    fn a_full_ring_takes_nothing_and_loses_nothing() {
        let (mut producer, mut consumer) = ring(BYTES);
        for offset in 0..20 {
            let full = vec![offset; producer.room()];
            assert!(producer.push(&full));
            assert!(!producer.push(&[1]));
            let mut taken = Vec::new();
            consumer.take(offset.into(), &mut taken);
            assert!(producer.push(&vec![offset; offset.into()]));
            consumer.take(BYTES, &mut taken);
            assert_eq!(taken.len(), full.len() + usize::from(offset));
            consumer.take(BYTES, &mut taken);
            assert!(taken.iter().all(|byte| *byte == offset));
        }
    }

    #[test]
    fn two_threads_at_once() {
        let (mut producer, mut consumer) = ring(BYTES);
        let mut encoder = Encoder::new();
        let mut record = |number: u64| {
            let task = TaskId(number * number % 10_007);
            encoder.brief(number * 3, &Event::PollStart { task, source: Source::Hook })
        };
        let count = if cfg!(miri) { 1_000 } else { 200_000 };
        let records: Vec<_> = (0..count).filter_map(&mut record).collect();
        let mut expected = Vec::new();
        for record in &records {
            record.put(&mut expected);
        }
        let puts = std::thread::spawn(move || {
            for record in records {
                while !producer.push_brief(record) {
                    std::thread::yield_now();
                }
            }
        });
        let mut taken = Vec::new();
        while taken.len() < expected.len() {
            consumer.take(consumer.len(), &mut taken);
        }
        assert!(puts.join().is_ok() && taken == expected);
        assert!(consumer.is_abandoned() && consumer.len() == 0);
    }
}
