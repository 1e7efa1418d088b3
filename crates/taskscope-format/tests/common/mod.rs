//! What the tests of this crate share: a small recording to damage, and the
//! frame of a file put together byte by byte as FORMAT.md describes it, so that
//! the writer is not its own judge.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use taskscope_format::{
    CancelledBy, Encoder, EndKind, Event, FileWriter, PollResult, Reader, Record, Report, Source,
    TaskId, ThreadId, WakeOp,
};

/// Bytes of the file header.
pub const FILE_HEADER: usize = 24;
/// Bytes of a block's header.
pub const BLOCK_HEADER: usize = 28;

/// An event with its thread and its time.
pub type Entry = (u32, u64, Event<'static>);

/// A file's header, as FORMAT.md lays it out.
pub fn file_header(version: u16) -> Vec<u8> {
    let mut bytes = b"\x89TSCOP\r\n".to_vec();
    bytes.extend(version.to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(1_700_000_000_000_000_000u64.to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// A block with a payload of which nothing is taken for granted.
pub fn block(kind: u8, thread: u32, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("the payloads of tests are small");
    let checksum = crc32fast::hash(payload);
    let mut bytes = block_header(kind, thread, sequence, length, checksum);
    bytes.extend(payload);
    bytes
}

/// A block's header, which may claim any length.
pub fn block_header(
    kind: u8,
    thread: u32,
    sequence: u32,
    length: u32,
    payload_checksum: u32,
) -> Vec<u8> {
    let mut bytes = b"BLK\x1f".to_vec();
    bytes.extend([kind, 0, 0, 0]);
    for field in [thread, sequence, length, payload_checksum] {
        bytes.extend(field.to_le_bytes());
    }
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

/// The block kinds of FORMAT.md.
pub const EVENTS: u8 = 1;
/// See [`EVENTS`].
pub const END: u8 = 2;

/// Everything that a file holds, and what the reader says of it.
pub fn read(file: &[u8]) -> (Vec<Record<'_>>, Report) {
    let mut reader = Reader::new(file).expect("the file opens");
    let records = reader.by_ref().collect();
    (records, reader.report().clone())
}

/// One event as the bytes of a stream that begins with it.
pub fn encoded(events: &[(u64, Event<'_>)]) -> Vec<u8> {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    for (time, event) in events {
        encoder.event(*time, event, &mut bytes);
    }
    bytes
}

/// A recording of two threads in six blocks, and the parts of its file.
pub struct Sample {
    /// The header of the file, its blocks, and its end marker.
    pub parts: Vec<Vec<u8>>,
    /// How many records the file holds up to the end of each part.
    pub records_up_to: Vec<usize>,
    /// The thread of each part.
    pub threads: Vec<u32>,
}

impl Sample {
    /// Makes the recording. Where `synced` is set, each block can be
    /// understood by itself; otherwise only the first of each thread can.
    pub fn new(synced: bool) -> Self {
        let mut sample = Self { parts: Vec::new(), records_up_to: Vec::new(), threads: Vec::new() };
        let mut writer = FileWriter::new(Vec::new(), 7).expect("memory can be written to");
        let mut encoders = [Encoder::new(), Encoder::new()];
        let mut records = 0;
        for round in 0..6u64 {
            let thread = (round % 2) as usize;
            let (encoder, mut bytes) = (&mut encoders[thread], Vec::new());
            if synced || round < 2 {
                encoder.sync(round * 100, &mut bytes);
            }
            let task = TaskId(40 + round);
            let events = [
                Event::Thread { os_id: 9, name: "tokio-rt-worker" },
                Event::PollStart { task, source: Source::Hook },
                Event::Wake { task: TaskId(3), op: WakeOp::ByRef },
                Event::TaskEnd {
                    task,
                    end: EndKind::Returned,
                    inferred: false,
                    cancelled_by: CancelledBy::Unknown,
                },
                Event::PollEnd { result: PollResult::Ready, kept_waker: false },
            ];
            for (at, event) in events.iter().enumerate() {
                encoder.event(round * 100 + at as u64, event, &mut bytes);
            }
            records += events.len();
            writer.block(ThreadId(thread as u32), &bytes).expect("memory can be written to");
            sample.parts.push(bytes);
            sample.records_up_to.push(records);
            sample.threads.push(thread as u32);
        }
        // What was kept above are payloads; now that the file is whole, its
        // parts are cut out of it.
        let file = writer.finish().expect("memory can be written to");
        let mut rest = &file[..];
        let lengths = std::iter::once(FILE_HEADER)
            .chain(sample.parts.iter().map(|payload| BLOCK_HEADER + payload.len()))
            .chain([BLOCK_HEADER]);
        sample.parts = lengths
            .map(|length| {
                let (part, behind) = rest.split_at(length);
                rest = behind;
                part.to_vec()
            })
            .collect();
        assert!(rest.is_empty(), "the file is its parts and nothing else");
        sample.records_up_to.insert(0, 0);
        sample.records_up_to.push(records);
        sample.threads.insert(0, u32::MAX);
        sample.threads.push(u32::MAX);
        sample
    }

    /// The whole file.
    pub fn file(&self) -> Vec<u8> {
        self.parts.concat()
    }

    /// The number of the part in which a byte lies.
    pub fn part_at(&self, offset: usize) -> usize {
        let mut end = 0;
        self.parts
            .iter()
            .position(|part| {
                end += part.len();
                offset < end
            })
            .expect("the offset lies in the file")
    }

    /// The records that only `part` holds, as a range of all.
    pub fn records_of(&self, part: usize) -> std::ops::Range<usize> {
        let begin = part.checked_sub(1).map_or(0, |before| self.records_up_to[before]);
        begin..self.records_up_to[part]
    }
}
