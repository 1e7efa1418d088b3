//! From a black box to a trace file.

use std::collections::BTreeMap;

use super::begin::{Budget, Doing};
use super::headers::{Header, HeaderError, NO_OFFSET, word};
use super::layout::{MAGIC, live};
use super::parts::{Block, Ring, Slot, blocks, newest_slot, rings, tails};
use super::stream::{self, Stream};
use crate::error::OpenError;
use crate::{Encoder, Event, FileWriter, Nanos, Records, ThreadId, meta, stands_alone};

/// The stream of the recording itself.
const RECORDING: ThreadId = ThreadId(0);

/// What is known of the process beside the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Life<'a> {
    /// Nothing.
    #[default]
    Unknown,
    /// It holds its lock on the file: it lives.
    Alive {
        /// The first [`glance_bytes`] of the file, read before the rest was. Without them (when
        /// this is empty) a thread may be shown a moment later than another.
        glance: &'a [u8],
    },
    /// No process holds the lock.
    Dead,
}

/// How many bytes of a box are to be read first while its process lives; `head` are its first 256 or
/// more. See [`Life::Alive`].
///
/// # Errors
/// As for [`state`].
pub fn glance_bytes(head: &[u8]) -> Result<u64, OpenError> {
    open(head).map(|header| header.layout.rings)
}

/// What the header of a black box says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoxState {
    /// The recorded process.
    pub process: u32,
    /// The file name of the recorded program.
    pub program: String,
    /// When the recording began, in nanoseconds since 1970-01-01 UTC.
    pub started_unix_ns: u64,
    /// When the recorder last saw that the process lived, likewise. It looks every 50 ms.
    pub last_seen_unix_ns: u64,
    /// Whether the recording was finished.
    pub finished: bool,
    /// Whether the file could not be written to any more while the process went on.
    pub lost: bool,
    /// How many times a thread found no ring free in the file.
    pub without_ring: u64,
}

/// Whether these are the first bytes of a black box.
pub fn is_black_box(file: &[u8]) -> bool {
    file.starts_with(&MAGIC)
}

/// What the header of a black box says.
///
/// # Errors
/// [`OpenError`] where `file` is no black box, or of a later version, or its header is damaged.
pub fn state(file: &[u8]) -> Result<BoxState, OpenError> {
    open(file).map(|header| state_of(file, &header))
}

fn state_of(file: &[u8], header: &Header) -> BoxState {
    let live = |at| word(file, at).unwrap_or(0);
    BoxState {
        process: header.process,
        program: header.program.clone(),
        started_unix_ns: header.started_unix_ns,
        last_seen_unix_ns: live(live::LAST_SEEN_UNIX),
        finished: live(live::STATE) == live::FINISHED,
        lost: live(live::LOST) != 0,
        without_ring: live(live::WITHOUT_RING),
    }
}

fn open(file: &[u8]) -> Result<Header, OpenError> {
    if file.is_empty() {
        return Err(OpenError::Empty);
    }
    if !is_black_box(file) {
        return Err(OpenError::NotATrace { found: file[..file.len().min(MAGIC.len())].to_vec() });
    }
    Header::from_bytes(file).map_err(|error| match error {
        HeaderError::Cut => OpenError::CutBox { length: file.len() as u64 },
        HeaderError::Newer(found) => OpenError::NewerBox { found },
        HeaderError::Damaged => OpenError::DamagedBox,
    })
}

/// Makes a trace file of a black box.
///
/// `file` are its bytes. Those of a process that lives must have been read from front to back. The
/// trace is complete if the recording was finished. It is never longer than the box by more than
/// the headers of its blocks.
///
/// # Errors
/// [`OpenError`] where `file` is no black box, or of a later version, or its header is damaged;
/// [`OpenError::BusyBox`] where nothing can be trusted because too much was overwritten while it was
/// read: read it again.
pub fn unpack(file: &[u8], life: Life<'_>) -> Result<Vec<u8>, OpenError> {
    let header = open(file)?;
    let state = state_of(file, &header);
    let rings = rings(file, &header);
    let blocks = blocks(file, &header);
    let slot = newest_slot(file, &header);
    if slot.is_none() && matches!(life, Life::Alive { .. }) {
        return Err(OpenError::BusyBox);
    }
    let is_cut = (file.len() as u64) < header.layout.bytes();
    let tails = match life {
        Life::Alive { glance } => tails(glance, &header),
        Life::Dead | Life::Unknown => BTreeMap::new(),
    };
    Unpacked { state, rings, blocks, slot: slot.unwrap_or_default(), is_cut, life, tails }
        .write(file, header.started_unix_ns)
        .map_err(|_| OpenError::DamagedBox)
}

struct Unpacked<'a> {
    state: BoxState,
    rings: Vec<Ring<'a>>,
    blocks: Vec<Block<'a>>,
    slot: Slot<'a>,
    /// The file is shorter than it was.
    is_cut: bool,
    life: Life<'a>,
    tails: BTreeMap<ThreadId, u64>,
}

impl<'a> Unpacked<'a> {
    fn write(mut self, file: &[u8], started_unix_ns: u64) -> std::io::Result<Vec<u8>> {
        let covers = self.slot.header.map_or(0, |slot| slot.covers);
        self.blocks.retain(|block| block.header.chain >= covers);
        let mut trace = FileWriter::new(Vec::new(), started_unix_ns)?;
        trace.block(RECORDING, &self.description())?;
        for (_, piece) in self.slot.pieces.iter().filter(|(thread, _)| *thread == RECORDING) {
            trace.block(RECORDING, piece)?;
        }
        for block in self.blocks.iter().filter(|block| block.header.offset == NO_OFFSET) {
            trace.block(block.header.thread, block.payload)?;
        }
        let mut streams = self.streams();
        let last_put = self.tails.iter().filter_map(|(id, tail)| streams.get(id)?.time_at(*tail));
        if let Some(last_put) = last_put.max() {
            streams.values_mut().for_each(|stream| stream.cut_behind(last_put));
        }
        for (thread, doing) in self.begin_all(&mut streams, file.len()) {
            trace.block(thread, &doing.block())?;
            doing.into_facts().iter().try_for_each(|facts| trace.block(RECORDING, facts))?;
        }
        stream::write(&streams, &mut trace)?;
        for ring in &self.rings {
            if let Some(dropped) = &ring.dropped {
                let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
                encoder.sync(dropped.last, &mut bytes);
                let event = Event::Dropped { count: dropped.count, since: dropped.since };
                encoder.event(dropped.last, &event, &mut bytes);
                trace.block(ring.thread, &bytes)?;
            }
        }
        // An event, so that the trace lasts as long as the process was seen to live.
        let last_seen = word(file, live::LAST_SEEN).unwrap_or(0);
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(last_seen, &mut bytes);
        encoder.event(last_seen, &Event::Worker(None), &mut bytes);
        trace.block(RECORDING, &bytes)?;
        if self.state.finished && !self.is_cut {
            return trace.finish();
        }
        Ok(trace.into_inner())
    }

    /// What there is of each thread, from blocks and then from its rings.
    fn streams(&self) -> BTreeMap<ThreadId, Stream<'a>> {
        let mut streams: BTreeMap<ThreadId, Stream<'_>> = BTreeMap::new();
        for Block { header, payload } in &self.blocks {
            if header.offset != NO_OFFSET {
                let stream = streams.entry(header.thread).or_default();
                stream.join(header.number, header.offset, payload);
            }
        }
        for ring in &self.rings {
            let stream = streams.entry(ring.thread).or_default();
            let from = stream.end().map_or(ring.head, |end| ring.head.max(end));
            if from < ring.tail {
                stream.join_owned(from, ring.bytes(from));
            }
        }
        streams
    }

    /// What this is, and from when on everything is there.
    fn description(&self) -> Vec<u8> {
        let begin = self.begin();
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(begin.unwrap_or(0), &mut bytes);
        let mut fact = |key, value: &str| {
            encoder.event(begin.unwrap_or(0), &Event::Meta { key, value }, &mut bytes);
        };
        fact(meta::PROGRAM, &self.state.program);
        fact(meta::PID, &self.state.process.to_string());
        let (ending, words) = self.ending();
        fact(meta::ENDING, ending);
        fact(meta::DUMP, words);
        if let Some(begin) = begin {
            fact(meta::WINDOW, &begin.to_string());
        }
        let notices = self.notices();
        if !notices.is_empty() {
            fact(meta::NOTICE, &notices.join("; "));
        }
        if let Some(begin) = begin {
            encoder.event(begin, &Event::Worker(None), &mut bytes);
        }
        bytes
    }

    /// How the process ended, and the same in words.
    fn ending(&self) -> (&'static str, &'static str) {
        match (self.state.finished, self.life) {
            (true, _) => (meta::ENDING_FINISHED, "the black box of a recording that was finished"),
            (false, Life::Dead) => (meta::ENDING_KILLED, "the process ended without finishing"),
            (false, Life::Alive { .. }) => {
                (meta::ENDING_ALIVE, "the black box of a process that is alive")
            }
            (false, Life::Unknown) => {
                (meta::ENDING_UNKNOWN, "the process ended without finishing, or is still alive")
            }
        }
    }

    fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        // Of those that say the same thing the first holds, and the recorder's own stand behind.
        for (thread, piece) in &self.slot.pieces {
            if *thread == RECORDING && stands_alone(piece) {
                notices.extend(Records::new([*piece]).filter_map(|(_, event)| match event {
                    Event::Meta { key: meta::NOTICE, value } => Some(value.to_owned()),
                    _ => None,
                }));
            }
        }
        if self.is_cut {
            notices.push(
                "the black box is shorter than it was made, so parts of it are missing".to_owned(),
            );
        }
        if self.slot.header.is_none() {
            notices.push(
                "what the black box kept of older events is damaged, so tasks may have neither \
                 name nor place"
                    .to_owned(),
            );
        }
        if self.state.lost {
            notices.push(
                "the file of the black box was cut or its disk failed while the process went on, \
                 so what came after that is missing"
                    .to_owned(),
            );
        }
        if self.state.without_ring > 0 {
            notices.push(format!(
                "{} times a thread found no room for its buffer in the black box, so the last of \
                 its events may be missing: give the black box more bytes",
                self.state.without_ring
            ));
        }
        let unknown = self.slot.header.map_or(0, |slot| slot.unknown);
        if unknown > 0 {
            notices.push(format!(
                "there were more tasks than the black box keeps the facts of, so up to {unknown} \
                 tasks that are older than it may have neither name nor place: give it more bytes"
            ));
        }
        notices
    }

    /// What each thread was at when what is kept begins, if something has gone; the streams begin
    /// there.
    fn begin_all(
        &self,
        streams: &mut BTreeMap<ThreadId, Stream<'a>>,
        file_bytes: usize,
    ) -> BTreeMap<ThreadId, Doing> {
        let mut budget = Budget(16 * file_bytes);
        let mut all: BTreeMap<ThreadId, Doing> = BTreeMap::new();
        for (thread, piece) in self.slot.pieces.iter().filter(|(thread, _)| *thread != RECORDING) {
            if stands_alone(piece) {
                let doing = all.entry(*thread).or_default();
                Records::new([*piece])
                    .take_while(|(_, event)| budget.allows(event))
                    .for_each(|(time, event)| doing.read(time, &event));
            }
        }
        if let Some(begin) = self.begin() {
            for (thread, stream) in streams {
                stream.begin_at(begin, all.entry(*thread).or_default(), &mut budget);
            }
        }
        all
    }

    /// From when on everything is there, where something is not.
    fn begin(&self) -> Option<Nanos> {
        self.slot.header.filter(|slot| slot.covers > 0).map(|slot| slot.gone)
    }
}
