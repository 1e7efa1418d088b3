//! Blocks into a file.

use foldhash::HashMap;
use std::io::{self, IoSlice, Write};

use crate::VERSION;
use crate::event::ThreadId;
use crate::frame::{BlockHeader, BlockKind, FileHeader, MAX_PAYLOAD};

/// Writes a trace file: a header, then blocks as they come, then an end marker.
///
/// Every block reaches the operating system in one call, if that takes it all, so
/// that what was written before the program is killed is whole.
#[derive(Debug)]
pub struct FileWriter<W> {
    file: W,
    sequences: HashMap<ThreadId, u32>,
}

impl<W: Write> FileWriter<W> {
    /// The largest payload that a block can hold, in bytes.
    pub const MAX_PAYLOAD: usize = MAX_PAYLOAD;

    /// Begins a file. `started_unix_ns` is the time from which events count,
    /// in nanoseconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// The error of writing to `file`.
    pub fn new(mut file: W, started_unix_ns: u64) -> io::Result<Self> {
        let header = FileHeader { version: VERSION, started_unix_ns };
        file.write_all(&header.to_bytes())?;
        file.flush()?;
        Ok(Self { file, sequences: HashMap::default() })
    }

    /// Writes whole records of one thread, as its encoder made them and in
    /// their order.
    ///
    /// # Errors
    /// `InvalidInput` for more than [`MAX_PAYLOAD`](Self::MAX_PAYLOAD) bytes;
    /// otherwise the error of writing. After an error the file may end in a
    /// piece of a block, which a reader passes over.
    pub fn block(&mut self, thread: ThreadId, payload: &[u8]) -> io::Result<()> {
        let sequence = self.sequences.entry(thread).or_default();
        let header = (thread, *sequence);
        *sequence = sequence.wrapping_add(1);
        self.put(BlockKind::Events, header, payload)
    }

    /// Writes the end marker, which distinguishes a finished file from a cut one.
    ///
    /// # Errors
    /// The error of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.put(BlockKind::End, (ThreadId(0), 0), &[])?;
        Ok(self.file)
    }

    /// What was written, without an end marker.
    pub(crate) fn into_inner(self) -> W {
        self.file
    }

    /// The next block of this thread does not follow the one before it, and readers are to know.
    pub(crate) fn leave_gap(&mut self, thread: ThreadId) {
        let sequence = self.sequences.entry(thread).or_default();
        *sequence = sequence.wrapping_add(1);
    }

    fn put(&mut self, kind: BlockKind, of: (ThreadId, u32), payload: &[u8]) -> io::Result<()> {
        let length = payload.len();
        if length > MAX_PAYLOAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("a block holds at most {MAX_PAYLOAD} bytes, and this one has {length}"),
            ));
        }
        let header = BlockHeader {
            kind,
            thread: of.0,
            sequence: of.1,
            length: length as u32,
            checksum: crc32fast::hash(payload),
        };
        self.write_both(&header.to_bytes(), payload)?;
        self.file.flush()
    }

    /// Writes two pieces at once, without putting them together first: a payload can
    /// be large, and its writer lives in other people's programs.
    fn write_both(&mut self, header: &[u8], payload: &[u8]) -> io::Result<()> {
        let written = loop {
            match self.file.write_vectored(&[IoSlice::new(header), IoSlice::new(payload)]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result?,
            }
        };
        // Mostly all of it; what is left follows.
        self.file.write_all(header.get(written..).unwrap_or_default())?;
        let of_payload = written.saturating_sub(header.len());
        self.file.write_all(payload.get(of_payload..).unwrap_or_default())
    }
}
