//! What can be wrong with a file: errors that stop, and damage that does not.

use std::fmt;

use crate::{MAGIC, VERSION};

/// Why a file could not be opened as a trace.
///
/// The messages say what was expected and what was found; the caller adds the
/// name of the file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenError {
    /// The file has no bytes at all.
    #[error("the file is empty; a trace begins with the {} bytes {}", MAGIC.len(), Quoted(&MAGIC))]
    Empty,
    /// The file does not begin as a trace does.
    #[error(
        "this is not a taskscope trace: it should begin with {}, and begins with {}",
        Quoted(&MAGIC),
        Quoted(.found)
    )]
    NotATrace {
        /// The first bytes of the file.
        found: Vec<u8>,
    },
    /// The file was written by a later version.
    #[error(
        "this trace has format version {found}, and this taskscope reads versions up to {VERSION}; \
         open it with a newer taskscope"
    )]
    NewerVersion {
        /// The version that the file states.
        found: u16,
    },
    /// The header's checksum is wrong.
    #[error(
        "the header of this trace is damaged: its checksum should be {expected:#010x} and is \
         {found:#010x}; copy the file again from where it was recorded"
    )]
    DamagedHeader {
        /// The checksum computed over what was read.
        expected: u32,
        /// The checksum that stands in the file.
        found: u32,
    },
    /// A black box, where a trace file was expected.
    #[error(
        "this is a black box and no trace file; open it with `taskscope view`, or make a trace of \
         it with taskscope_format::black_box::unpack"
    )]
    BlackBox,
    /// The black box was written by a later version.
    #[error(
        "this black box has version {found}, and this taskscope reads versions up to {}; open it \
         with a newer taskscope",
        crate::black_box::VERSION
    )]
    NewerBox {
        /// The version that the file states.
        found: u16,
    },
    /// The black box ends within its header.
    #[error(
        "this black box ends within its header, after {length} bytes; copy the file again from \
         where it was recorded"
    )]
    CutBox {
        /// Bytes of the file.
        length: u64,
    },
    /// The header's checksum is wrong.
    #[error(
        "the header of this black box is damaged, and without it nothing can be found; copy the \
         file again from where it was recorded"
    )]
    DamagedBox,
    /// The process wrote faster than the file was read.
    #[error("the process wrote to this black box faster than it could be read; open it again")]
    BusyBox,
}

/// Shows bytes as a byte string, so that a terminal can show any file's start.
struct Quoted<'a>(&'a [u8]);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

/// A part of a file that could not be read. Reading goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where the damaged part begins, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes were passed over.
    pub length: u64,
    /// What was wrong.
    pub what: DamageKind,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, length, what } = self;
        write!(f, "{length} bytes at offset {offset} were passed over: {what}")
    }
}

/// What was wrong with a part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// Bytes that are no block, where a block should begin.
    NoBlock,
    /// The checksum of a block's payload is wrong.
    Checksum,
    /// A block breaks off, and another begins before its end: it could not be
    /// written whole, and later ones could.
    Piece,
    /// The checksum is right, but a record makes no sense.
    Record,
    /// An earlier block of the same thread is missing, and this one cannot be
    /// understood without it.
    MissingBlock,
    /// Bytes behind the end marker.
    BehindEnd,
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoBlock => "no block begins there",
            Self::Checksum => "the checksum of a block is wrong",
            Self::Piece => "a block breaks off",
            Self::Record => "a record makes no sense",
            Self::MissingBlock => "the block before them is missing",
            Self::BehindEnd => "they stand behind the end marker",
        })
    }
}
