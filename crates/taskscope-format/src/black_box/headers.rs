//! The headers of a black box, of its blocks and of its carry-over slots.

use super::layout::{BLOCK_HEADER, Layout, MAGIC, Rings, VERSION};
use crate::{Nanos, ThreadId};

/// Bytes of the header's fixed part, its checksum included.
const FIXED: usize = 256;

/// The longest name of a program that is kept, in bytes.
const MOST_NAME: usize = 120;

/// A block that stands in no stream of a ring: one that the recorder's own thread made.
pub const NO_OFFSET: u64 = u64::MAX;

const BLOCK_MARKER: u32 = u32::from_le_bytes(*b"BXB\x1f");
const SLOT_MARKER: u32 = u32::from_le_bytes(*b"BXC\x1f");

/// The fixed part of the header: written before the file has its name, and never again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The version of the layout.
    pub version: u16,
    /// The recorded process.
    pub process: u32,
    /// When the recording began, in nanoseconds since 1970-01-01 UTC. Times of events count from
    /// here.
    pub started_unix_ns: u64,
    /// A number by chance that stands in every block, so that nothing else can be taken for one.
    pub nonce: u64,
    /// The file name of the recorded program, cut where it is very long.
    pub program: String,
    /// Where everything lies.
    pub layout: Layout,
}

/// Why the bytes are no box that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// They end within the header.
    Cut,
    /// A later version.
    Newer(u16),
    /// The checksum is wrong, or the areas lie nowhere.
    Damaged,
}

impl Header {
    /// The bytes that the file begins with.
    pub fn to_bytes(&self) -> [u8; FIXED] {
        let mut bytes = [0; FIXED];
        let layout = &self.layout;
        let name = cut_at_char(&self.program, MOST_NAME).as_bytes();
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &MAGIC);
        put(8, &self.version.to_le_bytes());
        // 10..12 are zero: room for flags that an old reader may ignore.
        put(12, &self.process.to_le_bytes());
        put(16, &self.started_unix_ns.to_le_bytes());
        put(24, &self.nonce.to_le_bytes());
        put(32, &layout.small.count.to_le_bytes());
        put(36, &layout.small.bytes.to_le_bytes());
        put(40, &layout.large.count.to_le_bytes());
        put(44, &layout.large.bytes.to_le_bytes());
        let places = [layout.fronts, layout.rings, layout.backs, layout.blocks.start];
        for (at, place) in (48..).step_by(8).zip(places) {
            put(at, &place.to_le_bytes());
        }
        put(80, &layout.slots.start.to_le_bytes());
        put(88, &layout.slots.end.to_le_bytes());
        put(96, &(name.len() as u32).to_le_bytes());
        put(100, name);
        let checksum = crc32fast::hash(&bytes[..FIXED - 4]);
        bytes[FIXED - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header of a box, whose magic has been checked.
    ///
    /// # Errors
    /// Where the header is not whole, or of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HeaderError> {
        let version = bytes.get(8..10).ok_or(HeaderError::Cut)?;
        let version = u16::from_le_bytes([version[0], version[1]]);
        if version > VERSION {
            return Err(HeaderError::Newer(version));
        }
        let bytes = bytes.get(..FIXED).ok_or(HeaderError::Cut)?;
        if crc32fast::hash(&bytes[..FIXED - 4]) != u32_at(bytes, FIXED - 4) {
            return Err(HeaderError::Damaged);
        }
        let layout = Layout {
            small: Rings { count: u32_at(bytes, 32), bytes: u32_at(bytes, 36) },
            large: Rings { count: u32_at(bytes, 40), bytes: u32_at(bytes, 44) },
            fronts: u64_at(bytes, 48),
            rings: u64_at(bytes, 56),
            backs: u64_at(bytes, 64),
            blocks: u64_at(bytes, 72)..u64_at(bytes, 80),
            slots: u64_at(bytes, 80)..u64_at(bytes, 88),
        };
        if !layout.is_sound() {
            return Err(HeaderError::Damaged);
        }
        let length = (u32_at(bytes, 96) as usize).min(MOST_NAME);
        Ok(Self {
            version,
            process: u32_at(bytes, 12),
            started_unix_ns: u64_at(bytes, 16),
            nonce: u64_at(bytes, 24),
            program: String::from_utf8_lossy(&bytes[100..100 + length]).into_owned(),
            layout,
        })
    }
}

/// The header of a kept block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHeader {
    /// Counts all blocks of the box.
    pub number: u64,
    /// The number of the block that this one leans on, directly or not; its own where it stands
    /// alone.
    pub chain: u64,
    /// Which bytes of the thread's stream these are: from here on. [`NO_OFFSET`] for none.
    pub offset: u64,
    /// When the block came in.
    pub came: Nanos,
    /// Whose records these are.
    pub thread: ThreadId,
    /// Bytes of the payload.
    pub length: u32,
    /// Checksum of the payload.
    pub checksum: u32,
}

impl BlockHeader {
    /// The bytes in front of the payload.
    pub fn to_bytes(&self, nonce: u64) -> [u8; BLOCK_HEADER] {
        sealed(BLOCK_MARKER, nonce, |put| {
            put(16, &self.number.to_le_bytes());
            put(24, &self.chain.to_le_bytes());
            put(32, &self.offset.to_le_bytes());
            put(40, &self.came.to_le_bytes());
            put(48, &self.thread.0.to_le_bytes());
            put(52, &self.length.to_le_bytes());
            put(56, &self.checksum.to_le_bytes());
        })
    }

    /// Reads a header from the front of `bytes`; `None` where there is none of this box.
    pub fn from_bytes(bytes: &[u8], nonce: u64) -> Option<Self> {
        let bytes = unsealed(bytes, BLOCK_MARKER, nonce)?;
        Some(Self {
            number: u64_at(bytes, 16),
            chain: u64_at(bytes, 24),
            offset: u64_at(bytes, 32),
            came: u64_at(bytes, 40),
            thread: ThreadId(u32_at(bytes, 48)),
            length: u32_at(bytes, 52),
            checksum: u32_at(bytes, 56),
        })
    }

    /// Bytes that a block with so much payload takes, its header included.
    pub fn room(length: usize) -> u64 {
        (BLOCK_HEADER + length).next_multiple_of(BLOCK_HEADER) as u64
    }
}

/// The header of a carry-over slot. Its payload is pieces: a thread (`u32`), a length (`u32`), and
/// so many bytes of records that stand alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotHeader {
    /// Counts what has been written to slots; the newest holds.
    pub number: u64,
    /// Blocks of lower chains are covered by this, and not to be read any more.
    pub covers: u64,
    /// When the last of them came in; 0 where there are none. All that happened since is in blocks
    /// and rings.
    pub gone: Nanos,
    /// Tasks of which nothing could be kept.
    pub unknown: u64,
    /// Bytes of the payload.
    pub length: u32,
    /// Checksum of the payload.
    pub checksum: u32,
}

impl SlotHeader {
    /// The bytes in front of the payload.
    pub fn to_bytes(&self, nonce: u64) -> [u8; BLOCK_HEADER] {
        sealed(SLOT_MARKER, nonce, |put| {
            put(16, &self.number.to_le_bytes());
            put(24, &self.covers.to_le_bytes());
            put(32, &self.gone.to_le_bytes());
            put(40, &self.unknown.to_le_bytes());
            put(48, &self.length.to_le_bytes());
            put(52, &self.checksum.to_le_bytes());
        })
    }

    /// Reads a header from the front of `bytes`; `None` where there is none of this box.
    pub fn from_bytes(bytes: &[u8], nonce: u64) -> Option<Self> {
        let bytes = unsealed(bytes, SLOT_MARKER, nonce)?;
        Some(Self {
            number: u64_at(bytes, 16),
            covers: u64_at(bytes, 24),
            gone: u64_at(bytes, 32),
            unknown: u64_at(bytes, 40),
            length: u32_at(bytes, 48),
            checksum: u32_at(bytes, 52),
        })
    }
}

/// The checksum of a payload.
pub fn checksum(payload: &[u8]) -> u32 {
    crc32fast::hash(payload)
}

/// A header: marker, checksum of what follows, nonce, fields.
fn sealed(
    marker: u32,
    nonce: u64,
    fields: impl FnOnce(&mut dyn FnMut(usize, &[u8])),
) -> [u8; BLOCK_HEADER] {
    let mut bytes = [0; BLOCK_HEADER];
    let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
    put(0, &marker.to_le_bytes());
    put(8, &nonce.to_le_bytes());
    fields(&mut put);
    let checksum = crc32fast::hash(&bytes[8..]);
    bytes[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn unsealed(bytes: &[u8], marker: u32, nonce: u64) -> Option<&[u8]> {
    let bytes = bytes.get(..BLOCK_HEADER)?;
    let is_ours = u32_at(bytes, 0) == marker && u64_at(bytes, 8) == nonce;
    (is_ours && crc32fast::hash(&bytes[8..]) == u32_at(bytes, 4)).then_some(bytes)
}

fn cut_at_char(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

/// The callers hold slices of fixed lengths, so that the bytes are there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}

/// The word at `at`, if the file has it.
pub(super) fn word(file: &[u8], at: u64) -> Option<u64> {
    let at = usize::try_from(at).ok()?;
    let bytes = file.get(at..at.checked_add(8)?)?;
    Some(u64_at(bytes, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_and_damage_shows() {
        let header = Header {
            version: VERSION,
            process: 4711,
            started_unix_ns: 1_750_000_000_123_456_789,
            nonce: 0x1234_5678_9abc_def0,
            program: "ä".repeat(200),
            layout: Layout::new(64 << 20, 2),
        };
        let bytes = header.to_bytes();
        let read = Header::from_bytes(&bytes).unwrap();
        assert_eq!(read.program, "ä".repeat(60));
        assert_eq!(Header { program: header.program.clone(), ..read }, header);
        for at in 8..bytes.len() {
            let mut damaged = bytes;
            damaged[at] ^= 0x10;
            assert!(Header::from_bytes(&damaged).is_err(), "byte {at}");
            assert!(Header::from_bytes(&bytes[..at]).is_err());
        }
    }
}
