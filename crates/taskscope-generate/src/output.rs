//! From events to a file, as a recorder writes one.
//!
//! Each thread has a stream with an encoder of its own. All streams are emptied into blocks every
//! 50 ms of the generated time, or when one of them holds [`FULL`] bytes, so that blocks of threads
//! lie in the file about in the order of time. What follows a block begins with a sync and says
//! anew which thread and worker this is.
//!
//! Events come in the order of time, so a stream needs no order of its own.

use std::io::{self, Write};

use taskscope_format::{
    Encoder, Event, FileWriter, Flavor, Nanos, PollResult, RuntimeId, Source, TaskId, ThreadId,
    meta,
};

/// How often the streams are emptied.
const EVERY: Nanos = 50_000_000;

/// Bytes at which a stream does not wait for that.
const FULL: usize = 64 << 10;

/// What holds for the whole recording is written again after this many bytes, as the recorder does.
const RESTATE_AFTER: u64 = 8 << 20;

/// 2026-01-01 00:00:00 UTC: the same for every trace.
const STARTED_UNIX_NS: u64 = 1_767_225_600_000_000_000;

/// The stream of what holds for the whole recording.
const RECORDING_STREAM: ThreadId = ThreadId(0);

/// A runtime as the trace introduces it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RuntimeFacts {
    pub(crate) flavor: Flavor,
    pub(crate) workers: u32,
    pub(crate) name: &'static str,
}

#[derive(Debug)]
struct Stream {
    encoder: Encoder,
    bytes: Vec<u8>,
    os_id: u64,
    name: String,
    worker: Option<(RuntimeId, u32)>,
    /// The bytes begin with a sync.
    synced: bool,
    /// What is missing, while the ring of this thread is full.
    drops: Option<Drops>,
}

/// Events that a thread cannot record.
#[derive(Clone, Copy, Debug)]
struct Drops {
    most: u64,
    count: u64,
    since: Nanos,
    last: Nanos,
}

pub(crate) struct Output<'a> {
    file: FileWriter<&'a mut dyn Write>,
    error: Option<io::Error>,
    streams: Vec<Stream>,
    runtimes: Vec<RuntimeFacts>,
    next_round: Nanos,
    since_description: u64,
    /// Events that were left out on purpose.
    pub(crate) dropped: u64,
    /// Of what was asked for: bytes of the file.
    pub(crate) bytes: u64,
}

impl<'a> Output<'a> {
    pub(crate) fn new(file: &'a mut dyn Write, runtimes: Vec<RuntimeFacts>) -> io::Result<Self> {
        let file = FileWriter::new(file, STARTED_UNIX_NS)?;
        let mut output = Self {
            file,
            error: None,
            streams: Vec::new(),
            runtimes,
            next_round: EVERY,
            since_description: 0,
            dropped: 0,
            bytes: FILE_HEADER,
        };
        output.describe(171_519);
        Ok(output)
    }

    /// A new thread. Its number is one less than that in the file, where 0 is the recording itself.
    pub(crate) fn thread(&mut self, name: String, worker: Option<(RuntimeId, u32)>) -> usize {
        let number = self.streams.len();
        self.streams.push(Stream {
            encoder: Encoder::new(),
            bytes: Vec::with_capacity(FULL + 1024),
            os_id: 4712 + number as u64,
            name,
            worker,
            synced: false,
            drops: None,
        });
        number
    }

    /// From here on, a thread is that worker.
    pub(crate) fn set_worker(
        &mut self,
        thread: usize,
        time: Nanos,
        worker: Option<(RuntimeId, u32)>,
    ) {
        self.end_drops(thread, time);
        self.streams[thread].worker = worker;
        if self.streams[thread].synced {
            self.event(thread, time, &Event::Worker(worker));
        } else {
            self.introduce(thread, time);
        }
    }

    /// Records an event; false where it is dropped.
    #[inline]
    pub(crate) fn event(&mut self, thread: usize, time: Nanos, event: &Event<'_>) -> bool {
        let stream = &mut self.streams[thread];
        if stream.synced
            && let Some(brief) = stream.encoder.brief(time, event)
        {
            brief.put(&mut stream.bytes);
        } else if !self.long_event(thread, time, event) {
            return false;
        }
        if self.streams[thread].bytes.len() >= FULL || time >= self.next_round {
            self.round(time);
        }
        true
    }

    /// An event that is not brief, or with something before it.
    fn long_event(&mut self, thread: usize, time: Nanos, event: &Event<'_>) -> bool {
        if let Some(drops) = &mut self.streams[thread].drops {
            // Without its spawn, a task has no place; and a ring has room again between two polls.
            let ends = match event {
                Event::Spawn(_) => true,
                Event::PollStart { .. } => drops.count >= drops.most,
                _ => false,
            };
            if !ends {
                if drops.count == 0 {
                    drops.since = time;
                }
                drops.count += 1;
                drops.last = time;
                return false;
            }
            self.end_drops(thread, time);
        }
        if !self.streams[thread].synced {
            self.introduce(thread, time);
        }
        let stream = &mut self.streams[thread];
        stream.encoder.event(time, event, &mut stream.bytes);
        true
    }

    #[inline]
    pub(crate) fn poll_start(
        &mut self,
        thread: usize,
        time: Nanos,
        task: u64,
        source: Source,
    ) -> bool {
        self.event(thread, time, &Event::PollStart { task: TaskId(task), source })
    }

    #[inline]
    pub(crate) fn poll_end(
        &mut self,
        thread: usize,
        time: Nanos,
        result: PollResult,
        kept_waker: bool,
    ) {
        self.event(thread, time, &Event::PollEnd { result, kept_waker });
    }

    /// From here on a thread drops up to about `most` events, as when its ring is full.
    pub(crate) fn begin_drops(&mut self, thread: usize, most: u64) {
        self.put(thread);
        self.streams[thread].drops = Some(Drops { most, count: 0, since: 0, last: 0 });
    }

    pub(crate) fn is_dropping(&self, thread: usize) -> bool {
        self.streams[thread].drops.is_some()
    }

    pub(crate) fn end_drops(&mut self, thread: usize, time: Nanos) {
        let stream = &mut self.streams[thread];
        let Some(Drops { count, since, last, .. }) = stream.drops.take() else { return };
        if count == 0 {
            return;
        }
        self.dropped += count;
        let Stream { encoder, bytes, os_id, name, worker, .. } = stream;
        encoder.sync(last, bytes);
        encoder.event(last, &Event::Thread { os_id: *os_id, name }, bytes);
        encoder.event(last, &Event::Dropped { count, since }, bytes);
        encoder.event(time, &Event::Worker(*worker), bytes);
        stream.synced = true;
    }

    /// Makes what follows understandable by itself.
    fn introduce(&mut self, thread: usize, time: Nanos) {
        let Stream { encoder, bytes, os_id, name, worker, synced, .. } = &mut self.streams[thread];
        encoder.sync(time, bytes);
        encoder.event(time, &Event::Thread { os_id: *os_id, name }, bytes);
        encoder.event(time, &Event::Worker(*worker), bytes);
        *synced = true;
    }

    /// Empties all streams.
    fn round(&mut self, time: Nanos) {
        if self.since_description >= RESTATE_AFTER {
            self.describe(time);
        }
        for thread in 0..self.streams.len() {
            self.put(thread);
        }
        if time >= self.next_round {
            self.next_round = time - time % EVERY + EVERY;
        }
    }

    fn put(&mut self, thread: usize) {
        let stream = &mut self.streams[thread];
        if !stream.bytes.is_empty() {
            let result = self.file.block(ThreadId(thread as u32 + 1), &stream.bytes);
            self.bytes += BLOCK_HEADER + stream.bytes.len() as u64;
            self.since_description += stream.bytes.len() as u64;
            stream.bytes.clear();
            stream.synced = false;
            self.keep(result);
        }
    }

    /// Writes what holds for the whole recording.
    fn describe(&mut self, time: Nanos) {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(time, &mut bytes);
        let facts = [
            (meta::DETAIL, meta::DETAIL_FULL),
            (meta::PARKS, meta::PARKS_NOTICED),
            (meta::PROGRAM, "generated"),
            (meta::PID, "4712"),
            (meta::RECORDER, "taskscope generate"),
            (meta::PLATFORM, "linux x86_64"),
        ];
        for (key, value) in facts {
            encoder.event(time, &Event::Meta { key, value }, &mut bytes);
        }
        for (id, &RuntimeFacts { flavor, workers, name }) in
            (0..).map(RuntimeId).zip(&self.runtimes)
        {
            let event = Event::Runtime { id, flavor, workers, name, hooked: true };
            encoder.event(time, &event, &mut bytes);
        }
        let result = self.file.block(RECORDING_STREAM, &bytes);
        self.bytes += BLOCK_HEADER + bytes.len() as u64;
        self.since_description = 0;
        self.keep(result);
    }

    /// Keeps the first error.
    fn keep(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }

    /// Whether writing has failed: there is no use in going on.
    pub(crate) fn has_failed(&self) -> bool {
        self.error.is_some()
    }

    /// Writes what is left, and the end marker. Returns the bytes of the file.
    pub(crate) fn finish(mut self, time: Nanos) -> io::Result<u64> {
        for thread in 0..self.streams.len() {
            self.put(thread);
        }
        self.describe(time);
        match self.error {
            Some(error) => Err(error),
            None => self.file.finish().map(|_| self.bytes + BLOCK_HEADER),
        }
    }
}

/// Bytes of the file in front of its first block.
const FILE_HEADER: u64 = 24;

/// Bytes of a block in front of its payload.
const BLOCK_HEADER: u64 = 28;
