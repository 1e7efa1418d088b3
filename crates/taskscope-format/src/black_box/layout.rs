//! Where everything lies in a black box, and the shapes of what lies there.
//!
//! The recorder writes by these and [`unpack`](super::unpack) reads by them, so that the two cannot
//! disagree. All numbers are little-endian; what is written while the process runs is aligned words
//! of eight bytes, which a reader sees whole or not at all.

use std::ops::Range;

/// The first eight bytes of every black box.
pub const MAGIC: [u8; 8] = *b"\x89TSBOX\r\n";

/// The version of the layout that this crate writes, and the newest it reads.
pub const VERSION: u16 = 1;

/// Every area begins at a multiple of this.
const PAGE: u64 = 4096;

/// What is kept of each ring in each of the two tables, in bytes: as much as keeps two processors
/// from fighting for a line.
pub const RING_ENTRY: u64 = 128;

/// Bytes of the header of a kept block and of a carry-over slot. Both begin at multiples of it.
pub const BLOCK_HEADER: usize = 64;

/// Words of the header page that change while the process runs, as offsets in bytes.
pub mod live {
    /// [`RUNNING`] or [`FINISHED`].
    pub const STATE: u64 = 512;
    /// When the recorder's thread last came by, on the recording's clock.
    pub const LAST_SEEN: u64 = 520;
    /// The same in nanoseconds since 1970-01-01 UTC.
    pub const LAST_SEEN_UNIX: u64 = 528;
    /// How many times a thread found no ring free and took one outside of the file.
    pub const WITHOUT_RING: u64 = 536;
    /// Not 0 once the file could not be written to any more, while the process went on.
    pub const LOST: u64 = 544;

    /// The recording goes on, or its process has died.
    pub const RUNNING: u64 = 1;
    /// The recording was finished.
    pub const FINISHED: u64 = 2;
}

/// Words of a ring's entry in the first table, as offsets in bytes from its start. The recorded
/// thread writes them.
pub mod front {
    /// The thread that the ring belongs to; 0 while it is free.
    pub const THREAD: u64 = 0;
    /// How many bytes of the thread's stream have been put, in this ring or one before.
    pub const TAIL: u64 = 8;
    /// Events dropped since the last record, and not reported in the stream.
    pub const DROPPED: u64 = 64;
    /// When the first of them was dropped.
    pub const DROPPED_SINCE: u64 = 72;
    /// When the last of them was dropped.
    pub const DROPPED_LAST: u64 = 80;
    /// [`TAIL`] at that time, plus one; so these words mean something only while it is the same.
    pub const DROPPED_AT: u64 = 88;
}

/// Words of a ring's entry in the second table, as offsets in bytes from its start.
pub mod back {
    /// The thread that the ring belongs to; 0 while it is free.
    pub const THREAD: u64 = 0;
    /// How many bytes of the thread's stream are in blocks, so that their room is free.
    pub const HEAD: u64 = 8;
}

/// Rings of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rings {
    /// How many there are.
    pub count: u32,
    /// Bytes in each, a power of two.
    pub bytes: u32,
}

impl Rings {
    fn total(self) -> u64 {
        u64::from(self.count) * u64::from(self.bytes)
    }
}

/// Where a ring lies: offsets in bytes from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingPlace {
    /// Its entry in the first table.
    pub front: u64,
    /// Its bytes.
    pub data: Range<u64>,
    /// Its entry in the second table.
    pub back: u64,
}

/// Where everything lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Rings that threads begin with.
    pub small: Rings,
    /// Rings of threads that have more to say.
    pub large: Rings,
    /// The first table of rings.
    pub fronts: u64,
    /// The bytes of the rings.
    pub rings: u64,
    /// The second table of rings.
    pub backs: u64,
    /// The kept blocks.
    pub blocks: Range<u64>,
    /// Both carry-over slots.
    pub slots: Range<u64>,
}

fn pages(bytes: u64) -> u64 {
    bytes.div_ceil(PAGE) * PAGE
}

fn floor(bytes: u64) -> u64 {
    bytes / PAGE * PAGE
}

impl Layout {
    /// The fewest bytes that a black box can have.
    pub const LEAST_BYTES: u64 = 4 << 20;

    /// Lays out a box of at most `bytes` (and at least [`LEAST_BYTES`](Self::LEAST_BYTES)), for a
    /// machine that runs `processors` threads at a time.
    ///
    /// A sixteenth goes to small rings and as much to each of the two carry-over slots, at most a
    /// quarter to large rings, the rest to blocks.
    pub fn new(bytes: u64, processors: usize) -> Self {
        const SMALL: u32 = 1 << 14;
        let bytes = floor(bytes.max(Self::LEAST_BYTES));
        let small =
            Rings { count: (bytes / 16 / u64::from(SMALL)).clamp(16, 1024) as u32, bytes: SMALL };
        let large_bytes = 1u32 << (bytes / 16).clamp(1 << 18, 1 << 20).ilog2();
        let wanted = (processors as u64).saturating_mul(2).saturating_add(2);
        let large = Rings {
            count: wanted.min(bytes / 4 / u64::from(large_bytes)) as u32,
            bytes: large_bytes,
        };
        let slot = pages((bytes / 16).min(64 << 20));
        Self::of(bytes, small, large, slot)
    }

    /// Lays out a box of `bytes` with these rings and carry-over slots of `slot` bytes; `None` where
    /// they do not fit. All are multiples of a page of 4096 bytes, but for the bytes of a ring.
    pub fn with_sizes(bytes: u64, small: Rings, large: Rings, slot: u64) -> Option<Self> {
        Self::of_checked(bytes, small, large, slot).filter(Self::is_sound)
    }

    fn of(bytes: u64, small: Rings, large: Rings, slot: u64) -> Self {
        let table = pages(u64::from(small.count + large.count) * RING_ENTRY);
        let fronts = PAGE;
        let rings = fronts + table;
        let backs = rings + small.total() + large.total();
        let blocks = backs + table;
        let slots = bytes - 2 * slot;
        Self { small, large, fronts, rings, backs, blocks: blocks..slots, slots: slots..bytes }
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.slots.end
    }

    /// Where one of the two carry-over slots lies.
    pub fn slot(&self, number: u64) -> Range<u64> {
        let bytes = (self.slots.end - self.slots.start) / 2;
        let start = self.slots.start + (number % 2) * bytes;
        start..start + bytes
    }

    /// How many rings there are, small and large.
    pub fn ring_count(&self) -> u32 {
        self.small.count + self.large.count
    }

    /// Where a ring lies. The small ones come first.
    pub fn ring(&self, number: u32) -> RingPlace {
        let entry = u64::from(number) * RING_ENTRY;
        let (begin, bytes) = match number.checked_sub(self.small.count) {
            None => (u64::from(number) * u64::from(self.small.bytes), self.small.bytes),
            Some(large) => (
                self.small.total() + u64::from(large) * u64::from(self.large.bytes),
                self.large.bytes,
            ),
        };
        let begin = self.rings + begin;
        RingPlace {
            front: self.fronts + entry,
            data: begin..begin + u64::from(bytes),
            back: self.backs + entry,
        }
    }

    /// Whether the areas lie behind each other and hold what they should.
    pub(super) fn is_sound(&self) -> bool {
        const MOST: u64 = 1 << 40;
        let kinds = [self.small, self.large];
        let sound = |rings: &Rings| {
            rings.count <= 1 << 20
                && rings.bytes.is_power_of_two()
                && (64..1 << 30).contains(&rings.bytes)
        };
        if self.slots.end > MOST || !kinds.iter().all(sound) {
            return false;
        }
        let slot = (self.slots.end - self.slots.start.min(self.slots.end)) / 2;
        let expected = Self::of_checked(self.slots.end, self.small, self.large, slot);
        expected.as_ref() == Some(self) && slot >= BLOCK_HEADER as u64
    }

    fn of_checked(bytes: u64, small: Rings, large: Rings, slot: u64) -> Option<Self> {
        let table = pages(u64::from(small.count + large.count) * RING_ENTRY);
        let blocks = PAGE + 2 * table + small.total() + large.total();
        (blocks + 2 * slot <= bytes).then(|| Self::of(bytes, small, large, slot))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_lie_behind_each_other_in_boxes_of_all_sizes() {
        for bytes in [0, 4 << 20, 5_000_001, 8 << 20, 64_000_000, 64 << 20, 1 << 30, 8 << 30] {
            for processors in [1, 2, 16, 512] {
                let layout = Layout::new(bytes, processors);
                assert!(layout.bytes() <= bytes.max(Layout::LEAST_BYTES));
                assert!(layout.is_sound(), "{layout:?}");
                let blocks = layout.blocks.end - layout.blocks.start;
                assert!(blocks >= layout.bytes() / 2, "{layout:?}");
                assert!(
                    blocks
                        >= 2 * crate::black_box::BlockHeader::room(
                            crate::FileWriter::<Vec<u8>>::MAX_PAYLOAD
                        )
                );
                let mut end = layout.rings;
                for number in 0..layout.ring_count() {
                    let ring = layout.ring(number);
                    assert_eq!(ring.data.start, end);
                    assert!(ring.front + RING_ENTRY <= layout.rings);
                    assert!(
                        ring.back >= layout.backs && ring.back + RING_ENTRY <= layout.blocks.start
                    );
                    end = ring.data.end;
                }
                assert_eq!(end, layout.backs);
                assert_eq!(layout.slot(0).end, layout.slot(1).start);
                assert_eq!(layout.slot(3).end, layout.bytes());
            }
        }
    }
}
