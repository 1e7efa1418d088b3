//! The frame around the events: the file's header, and the header of a block.

use crate::event::ThreadId;
use crate::{MAGIC, OpenError, VERSION};

/// Bytes of the file header.
pub(crate) const FILE_HEADER: usize = 24;
/// Bytes of a block header.
pub(crate) const BLOCK_HEADER: usize = 28;
/// The most bytes that a block's payload may have.
pub(crate) const MAX_PAYLOAD: usize = 1 << 20;

/// Every block begins with these bytes, so that a reader that has lost its
/// way finds the next one.
pub(crate) const BLOCK_MARKER: [u8; 4] = *b"BLK\x1f";

/// What the header of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// The version of the format.
    pub version: u16,
    /// When the recording began, in nanoseconds since 1970-01-01 UTC. The
    /// times of events count from here.
    pub started_unix_ns: u64,
}

impl FileHeader {
    /// How many bytes it takes.
    pub const LENGTH: usize = FILE_HEADER;

    pub(crate) fn to_bytes(self) -> [u8; FILE_HEADER] {
        let mut bytes = [0; FILE_HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..10].copy_from_slice(&self.version.to_le_bytes());
        // 10..12 are zero: room for flags that an old reader may ignore.
        bytes[12..20].copy_from_slice(&self.started_unix_ns.to_le_bytes());
        let checksum = crc32fast::hash(&bytes[..20]);
        bytes[20..24].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header at the front of a file; `Ok(None)` where the file ends within it.
    ///
    /// # Errors
    /// [`OpenError`] where this is the front of no trace, or of one of a later version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Option<Self>, OpenError> {
        if bytes.is_empty() {
            return Err(OpenError::Empty);
        }
        if crate::black_box::is_black_box(bytes) {
            return Err(OpenError::BlackBox);
        }
        let magic = bytes.len().min(MAGIC.len());
        if bytes[..magic] != MAGIC[..magic] {
            return Err(OpenError::NotATrace { found: bytes[..magic].to_vec() });
        }
        let Some(version) = bytes.get(8..10) else { return Ok(None) };
        let version = u16::from_le_bytes([version[0], version[1]]);
        // Before all else: a later version may have another header.
        if version > VERSION {
            return Err(OpenError::NewerVersion { found: version });
        }
        let Some(header) = bytes.get(..FILE_HEADER) else { return Ok(None) };
        let expected = crc32fast::hash(&header[..20]);
        let found = le_u32(&header[20..]);
        if expected != found {
            return Err(OpenError::DamagedHeader { expected, found });
        }
        let started_unix_ns =
            u64::from(le_u32(&header[12..])) | u64::from(le_u32(&header[16..])) << 32;
        Ok(Some(Self { version, started_unix_ns }))
    }
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// Records of one thread.
    Events,
    /// The end marker: the recording was finished, nothing follows.
    End,
    /// A kind of a later version, passed over.
    Unknown(u8),
}

impl BlockKind {
    fn code(self) -> u8 {
        match self {
            Self::Events => 1,
            Self::End => 2,
            Self::Unknown(code) => code,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            1 => Self::Events,
            2 => Self::End,
            code => Self::Unknown(code),
        }
    }
}

/// The header of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockHeader {
    pub(crate) kind: BlockKind,
    pub(crate) thread: ThreadId,
    /// Counts the blocks of this thread, from 0.
    pub(crate) sequence: u32,
    pub(crate) length: u32,
    /// Checksum of the payload.
    pub(crate) checksum: u32,
}

impl BlockHeader {
    pub(crate) fn to_bytes(self) -> [u8; BLOCK_HEADER] {
        let mut bytes = [0; BLOCK_HEADER];
        bytes[0..4].copy_from_slice(&BLOCK_MARKER);
        bytes[4] = self.kind.code();
        // 5..8 are zero: room for flags that an old reader may ignore.
        bytes[8..12].copy_from_slice(&self.thread.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.sequence.to_le_bytes());
        bytes[16..20].copy_from_slice(&self.length.to_le_bytes());
        bytes[20..24].copy_from_slice(&self.checksum.to_le_bytes());
        let own = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&own.to_le_bytes());
        bytes
    }

    /// Reads a header from the front of `bytes`; `None` where there is none.
    ///
    /// The header has a checksum of its own. It lets a reader trust the length
    /// even where the payload is broken, and find blocks in what is no block.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..BLOCK_HEADER)?;
        let own = le_u32(&bytes[24..]);
        if bytes[..4] != BLOCK_MARKER || crc32fast::hash(&bytes[..24]) != own {
            return None;
        }
        let length = le_u32(&bytes[16..]);
        (length as usize <= MAX_PAYLOAD).then(|| Self {
            kind: BlockKind::from_code(bytes[4]),
            thread: ThreadId(le_u32(&bytes[8..])),
            sequence: le_u32(&bytes[12..]),
            length,
            checksum: le_u32(&bytes[20..]),
        })
    }
}

/// The first four bytes as a little-endian number. The callers hold slices of
/// fixed lengths, so that the bytes are there.
fn le_u32(bytes: &[u8]) -> u32 {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}
