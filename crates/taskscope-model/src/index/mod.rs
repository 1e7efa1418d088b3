//! A trace, kept in a form in which it is read back in a moment: an *index*.
//!
//! # The problem
//! To open a trace file is to sweep over all of its events: half a minute for a hundred million polls.
//! Most files are opened again and again, and never change. So what the sweep has made is kept. But an
//! index is only a convenience: it must never be needed, never be believed where the file has changed,
//! and a broken one must cost nothing but the time that it was to save.
//!
//! # The plan
//! What there are many of (rows of polls, figures of tasks, parks, wakes) is written as it lies in
//! memory, in pieces of about a megabyte with a checksum each ([`pieces`]). Chunks of polls are pieces
//! of their own, which are read straight to where they stay ([`chunks`]). Reading is then copying, and all
//! processors do it. Lists of things that hold texts become rows of numbers ([`rows`]), and each text is
//! written once ([`texts`]). The few things that are left stand with the places of all pieces in a
//! directory at the end ([`directory`]), in the `postcard` format.
//!
//! What can be made anew sooner than read is not kept: sums over polls, the levels of lanes, the tasks by
//! their ids. So these always agree with what they are made of.
//!
//! # What is checked
//! - That it was written by the same version, for what the reader asks for: an index carries a *tag*,
//!   which whoever keeps it makes of all that it depends on, the file above all.
//! - Checksums of all that is read.
//! - That it makes sense all the same ([`check`]): each number names something that is there, the polls
//!   of each task are one chain without a loop, of the length that the task says, and no time overflows.
//!   So a list is never read beyond its end and no walk goes on for ever, also if something else than
//!   taskscope has written the index, with right checksums. Believed are figures and times themselves, the order
//!   of sorted lists, and which polls of a task are every 64th ([`Task::marks`](crate::Task)): to check
//!   these is to sweep again. Wrong ones could show wrong figures, or end in a panic; they need somebody who
//!   forges an index with right checksums. So an index must be kept where only its user writes.
//! - No list is longer than the bytes that the index has for it, and none share bytes: memory is bounded by the
//!   length of the index.
//!
//! # Why not otherwise
//! To map an index and use it where it lies takes no time at all. But then nothing of it has been
//! checked, whoever cuts it kills the process, and rows could no longer stand in lists that grow.
//! Serializing all of it in one format reads each number by itself, several times slower. A format with
//! columns or compression is smaller, and reading it is work for a processor again.
//!
//! Numbers are little-endian. A machine with another order neither writes an index nor reads one.

mod check;
mod chunks;
mod directory;
mod pieces;
mod read;
mod rows;
#[cfg(test)]
mod tests;
mod texts;
mod write;

use std::fmt;
use std::io;

use crate::source::Source;
use crate::store::polls::Row;
use crate::trace::Trace;
use crate::types::{Hot, MoreWake};

/// Counts changes of what is written, of its meaning, and of what a sweep concludes.
const LAYOUT: u64 = 2;

/// The last eight bytes.
const MAGIC: [u8; 8] = *b"TSINDEX\n";

/// Why an index cannot be used. The file itself must be read then.
#[derive(Debug)]
#[non_exhaustive]
pub enum IndexError {
    /// It cannot be read.
    Read(io::Error),
    /// Another version has written it, or something else than taskscope.
    OtherVersion,
    /// It was written under another tag: what it was made of has changed.
    Stale,
    /// It is not as it was written.
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
}

impl IndexError {
    fn damaged(what: &'static str) -> Self {
        Self::Damaged { what }
    }
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(error) => write!(f, "the index cannot be read: {error}"),
            Self::OtherVersion => f.write_str("the index is of another version of taskscope"),
            Self::Stale => f.write_str("the index is of something else, or of an earlier state"),
            Self::Damaged { what } => write!(f, "the index is damaged: {what}"),
        }
    }
}

impl std::error::Error for IndexError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read(error) => Some(error),
            Self::OtherVersion | Self::Stale | Self::Damaged { .. } => None,
        }
    }
}

impl From<io::Error> for IndexError {
    fn from(error: io::Error) -> Self {
        Self::Read(error)
    }
}

impl Trace {
    /// Writes all of it in a form that [`read_index`](Self::read_index) reads back in a moment. It must be a
    /// whole trace, and not a snapshot of one that grows.
    ///
    /// `tag` is what `read_index` must be called with: what the trace was made of, so that an
    /// index of something else is not taken for it.
    ///
    /// It is written front to back, in pieces of a megabyte at most.
    ///
    /// # Errors
    /// Those of `out`; [`io::ErrorKind::Unsupported`] on machines that are not little-endian.
    pub fn write_index(&self, tag: &[u8], out: &mut dyn io::Write) -> io::Result<()> {
        write::write(self, tag, out)
    }

    /// Reads what [`write_index`](Self::write_index) wrote.
    ///
    /// # Errors
    /// [`IndexError`] if it is not what this version wrote under this tag, to the last byte.
    pub fn read_index(source: &dyn Source, tag: &[u8]) -> Result<Self, IndexError> {
        read::read(source, tag)
    }

    /// About how many bytes [`write_index`](Self::write_index) writes.
    pub fn index_bytes(&self) -> u64 {
        let rows: usize = self.polls.chunks().iter().map(|chunk| chunks::bytes(chunk)).sum();
        let parks: usize = self.lanes.iter().map(|lane| lane.parks.len()).sum();
        let hot = self.hot.len() * (size_of::<Hot>() + size_of::<rows::TaskRow>());
        let wakes = self.more_wakes.len() * size_of::<MoreWake>();
        let said = self.spans.messages.len() + self.spans.spans.len();
        (rows + hot + wakes + 16 * parks + 4 * self.hops.len() + 100 * said) as u64
    }
}

/// What an index begins to be read by: what it was written by.
fn build() -> u64 {
    let sizes = [size_of::<Row>(), size_of::<Hot>(), size_of::<MoreWake>()];
    let version = env!("CARGO_PKG_VERSION").bytes().map(u64::from);
    let parts = version.chain([LAYOUT]).chain(sizes.map(|size| size as u64));
    // FNV-1a: the same everywhere.
    parts.fold(0xcbf2_9ce4_8422_2325, |hash, part| (hash ^ part).wrapping_mul(0x0100_0000_01b3))
}
