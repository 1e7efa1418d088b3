//! The writer thread: empties the rings of all threads into the file.
//!
//! It comes by every [`EVERY`], or when a quarter of a thread's ring has been filled. A program
//! that is killed loses what the writer has not yet seen, and no more.
//!
//! Whatever goes wrong with the file, the rings are emptied all the same, so
//! that the recorded program goes on as before. The first error is kept for the
//! end, and what could not be written is counted.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use taskscope_format::{Encoder, Event, FileWriter, Nanos, meta};

use crate::shared::{RECORDING_STREAM, Shared};
use crate::stream::Outlet;
use crate::{hidden, unstable};

/// How often the rings are emptied.
const EVERY: Duration = Duration::from_millis(50);

/// What holds for the whole recording is written again after this many bytes,
/// so that no single damaged block can take it away.
const RESTATE_AFTER: u64 = 8 << 20;

/// What came of the file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Bytes of events written.
    pub(crate) written: u64,
    /// Bytes of events that could not be written.
    pub(crate) lost: u64,
    /// Events that found no room and are told of in the file.
    pub(crate) dropped: u64,
    pub(crate) error: Option<io::Error>,
}

#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    file: FileWriter<File>,
    meta: Vec<(&'static str, String)>,
    streams: Vec<Outlet>,
    encoder: Encoder,
    buffer: Vec<u8>,
    /// The version of the runtimes that has been written, and where.
    stated: u64,
    stated_at: u64,
    last_round: Nanos,
    outcome: Outcome,
}

impl Writer {
    /// Begins the file, with what is known of the recording.
    pub(crate) fn begin(
        shared: Arc<Shared>,
        file: File,
        started_unix_ns: u64,
        meta: Vec<(&'static str, String)>,
    ) -> io::Result<Self> {
        let mut writer = Self {
            shared,
            file: FileWriter::new(file, started_unix_ns)?,
            meta,
            streams: Vec::new(),
            encoder: Encoder::new(),
            buffer: Vec::new(),
            stated: 0,
            stated_at: 0,
            last_round: 0,
            outcome: Outcome::default(),
        };
        writer.state_recording();
        match writer.outcome.error.take() {
            Some(error) => Err(error),
            None => Ok(writer),
        }
    }

    /// Runs until the recording is closed.
    pub(crate) fn run(mut self) -> Outcome {
        loop {
            // Asked before the round: what came before the closing is written.
            let closed = self.shared.is_closed();
            self.round();
            if closed {
                break;
            }
            std::thread::park_timeout(EVERY);
        }
        for stream in std::mem::take(&mut self.streams) {
            self.tell_dropped(&stream);
        }
        self.state_recording();
        let Self { file, mut outcome, .. } = self;
        if let Err(error) = file.finish() {
            outcome.error.get_or_insert(error);
        }
        outcome
    }

    fn round(&mut self) {
        self.shared.take_new_streams(&mut self.streams);
        // How much there is, before asking which runtimes there are: what these
        // bytes speak of is then known.
        let mut streams = std::mem::take(&mut self.streams);
        let filled: Vec<_> = streams.iter().map(|stream| stream.bytes.len()).collect();
        self.tell_missed();
        let version = self.shared.runtimes().version;
        if version != self.stated || self.outcome.written > self.stated_at + RESTATE_AFTER {
            self.state_recording();
        }
        let mut filled = filled.into_iter();
        streams.retain_mut(|stream| {
            self.drain(stream, filled.next().unwrap_or_default());
            let ended = stream.bytes.is_abandoned() && stream.bytes.len() == 0;
            if ended {
                self.tell_dropped(stream);
            }
            !ended
        });
        self.streams = streams;
        self.last_round = self.shared.now();
    }

    /// Moves `bytes` from a ring to the file as one block.
    fn drain(&mut self, stream: &mut Outlet, bytes: usize) {
        if bytes == 0 {
            return;
        }
        stream.link.generation.fetch_add(1, Ordering::Relaxed);
        self.buffer.clear();
        // The thread has its room back before the file is touched.
        stream.bytes.take(bytes, &mut self.buffer);
        self.put(stream.thread);
    }

    /// Tells, in the name of a thread that won't write again, what it dropped
    /// at the end.
    fn tell_dropped(&mut self, stream: &Outlet) {
        self.outcome.dropped += stream.link.dropped_in_all.load(Ordering::Relaxed);
        let count = stream.link.dropped.swap(0, Ordering::Relaxed);
        if count > 0 {
            let since = stream.link.dropped_since.load(Ordering::Relaxed);
            let now = self.shared.now();
            let mut encoder = Encoder::new();
            self.buffer.clear();
            encoder.sync(now, &mut self.buffer);
            encoder.event(now, &Event::Dropped { count, since }, &mut self.buffer);
            self.put(stream.thread);
        }
    }

    /// Tells of events that no stream could take.
    fn tell_missed(&mut self) {
        let count = self.shared.take_missed();
        if count > 0 {
            let (now, since) = (self.shared.now(), self.last_round);
            self.buffer.clear();
            self.encoder.sync(now, &mut self.buffer);
            self.encoder.event(now, &Event::Dropped { count, since }, &mut self.buffer);
            self.outcome.dropped += count;
            self.put(RECORDING_STREAM);
        }
    }

    /// Writes what holds for the whole recording: the program, the runtimes.
    fn state_recording(&mut self) {
        let now = self.shared.now();
        let Self { encoder, buffer, .. } = self;
        buffer.clear();
        encoder.sync(now, buffer);
        for (key, value) in &self.meta {
            encoder.event(now, &Event::Meta { key, value }, buffer);
        }
        let notice = if !unstable::IS_ON {
            Some(unstable::MESSAGE)
        } else {
            self.shared.is_hidden().then_some(hidden::MESSAGE)
        };
        if let Some(value) = notice {
            let key = meta::NOTICE;
            encoder.event(now, &Event::Meta { key, value }, buffer);
        }
        {
            let runtimes = self.shared.runtimes();
            for event in runtimes.introductions() {
                encoder.event(now, &event, buffer);
            }
            self.stated = runtimes.version;
        }
        self.put(RECORDING_STREAM);
        self.stated_at = self.outcome.written;
    }

    /// Writes the buffer as a block.
    fn put(&mut self, thread: taskscope_format::ThreadId) {
        let length = self.buffer.len() as u64;
        match self.file.block(thread, &self.buffer) {
            Ok(()) => self.outcome.written += length,
            Err(error) => {
                self.outcome.lost += length;
                self.outcome.error.get_or_insert(error);
            }
        }
    }
}

/// What is known of the recorded process from the start.
pub(crate) fn describe_process(program: &str) -> Vec<(&'static str, String)> {
    vec![
        (meta::PROGRAM, program.to_owned()),
        (meta::PID, std::process::id().to_string()),
        (meta::RECORDER, concat!("taskscope ", env!("CARGO_PKG_VERSION")).to_owned()),
        (meta::PLATFORM, format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
    ]
}
