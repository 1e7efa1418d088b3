//! The writer thread: empties the rings of all threads into the file.
//!
//! It comes by every [`EVERY`], or when a quarter of a thread's ring has been filled. A program
//! that is killed loses what the writer has not yet seen, and no more.
//!
//! If something goes wrong with the file, the rings are emptied all the same, so
//! that the recorded program goes on as before. The first error is kept for the
//! end, and what could not be written is counted.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use taskscope_format::{Encoder, Event, FileWriter, Nanos, ThreadId, meta};

use crate::output::checkup::{self, Finding};
use crate::output::flight::sink::{FlightSink, Written};
use crate::output::flight::triggers::{self, Cause, Reply};
use crate::output::report::ThreadDrops;
use crate::sources::tracing::filter_check;
use crate::stderr::warn;
use crate::stream::{Outlet, Sealed};
use crate::tracker::shared::{RECORDING_STREAM, Shared};
use crate::{Detail, unstable};

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
    /// Events that found no room, thread by thread. The file reports them, too.
    pub(crate) drops: Vec<ThreadDrops>,
    pub(crate) error: Option<io::Error>,
    /// What a flight recorder has written.
    pub(crate) dumps: Written,
}

/// Where blocks go.
#[derive(Debug)]
pub(crate) enum Sink {
    File(FileWriter<File>),
    Flight(Box<FlightSink>),
}

#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    sink: Sink,
    detail: Detail,
    meta: Vec<(&'static str, String)>,
    streams: Vec<Outlet>,
    encoder: Encoder,
    buffer: Vec<u8>,
    /// The version of the runtimes that has been written, and where.
    described: u64,
    described_at: u64,
    last_round: Nanos,
    /// The first look at what is set up has been taken.
    looked: bool,
    finding: Option<Finding>,
    /// What was last written as missing.
    noticed: Option<&'static str>,
    outcome: Outcome,
}

impl Writer {
    /// Begins the file, where there is one, with what is known of the recording.
    pub(crate) fn begin(
        shared: Arc<Shared>,
        detail: Detail,
        sink: Sink,
        meta: Vec<(&'static str, String)>,
    ) -> io::Result<Self> {
        let mut writer = Self {
            shared,
            detail,
            sink,
            meta,
            streams: Vec::new(),
            encoder: Encoder::new(),
            buffer: Vec::new(),
            described: 0,
            described_at: 0,
            last_round: 0,
            looked: false,
            finding: None,
            noticed: None,
            outcome: Outcome::default(),
        };
        if matches!(writer.sink, Sink::File(_)) {
            writer.write_description();
        }
        writer.describe_in_box();
        match writer.outcome.error.take() {
            Some(error) => Err(error),
            None => Ok(writer),
        }
    }

    /// Runs until the recording is closed, and then sends its outcome.
    pub(crate) fn run(self, outcome: &SyncSender<Outcome>) {
        // The receiver is gone if it gave up waiting.
        let _ = outcome.send(self.write_all());
    }

    fn write_all(mut self) -> Outcome {
        loop {
            // Asked before the round: what came before the closing is written.
            let closed = self.shared.is_closed();
            let callers = self.callers();
            self.round();
            self.look(closed);
            self.dump(callers, closed);
            if closed {
                break;
            }
            std::thread::park_timeout(EVERY);
        }
        for stream in std::mem::take(&mut self.streams) {
            if !stream.goes_on() {
                self.report_dropped(&stream);
            }
        }
        if matches!(self.sink, Sink::File(_)) {
            self.write_description();
        }
        let now = self.shared.now();
        let Self { sink, mut outcome, .. } = self;
        match sink {
            Sink::File(file) => {
                if let Err(error) = file.finish() {
                    outcome.error.get_or_insert(error);
                }
            }
            Sink::Flight(flight) => {
                outcome.dumps = flight.finish(now);
                outcome.written = outcome.dumps.bytes;
            }
        }
        outcome
    }

    fn round(&mut self) {
        self.shared.take_new_streams(&mut self.streams);
        // How much there is, before asking which runtimes there are: what these
        // bytes speak of is then known.
        let mut streams = std::mem::take(&mut self.streams);
        let filled: Vec<_> = streams.iter_mut().map(Outlet::seal).collect();
        self.report_missed();
        if matches!(self.sink, Sink::File(_)) {
            let is_news = self.notice() != self.noticed;
            if is_news || self.outcome.written > self.described_at + RESTATE_AFTER {
                self.write_description();
            } else {
                self.write_new_runtimes();
            }
        }
        if self.is_boxed() {
            let is_new_runtime = self.shared.runtimes().version != self.described;
            if is_new_runtime {
                self.write_new_runtimes();
            }
            if is_new_runtime || self.notice() != self.noticed {
                self.describe_in_box();
            }
        }
        let mut filled = filled.into_iter();
        streams.retain_mut(|stream| {
            let Sealed { before_sync, rest } = filled.next().unwrap_or_default();
            self.drain(stream, before_sync);
            self.drain(stream, rest);
            let ended = stream.has_ended();
            if ended && !stream.goes_on() {
                self.report_dropped(stream);
                if let Sink::Flight(flight) = &mut self.sink {
                    flight.end(stream.thread);
                }
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
        self.buffer.clear();
        let offset = stream.bytes.taken_in_all();
        stream.bytes.copy(bytes, &mut self.buffer);
        if matches!(self.sink, Sink::File(_)) {
            // The thread has its room back before the file is touched.
            stream.bytes.free();
            self.put(stream.thread);
        } else {
            // What is in the ring of a black box is overwritten only when it is in a block.
            self.put_at(stream.thread, Some(offset));
            stream.bytes.free();
        }
    }

    fn is_boxed(&self) -> bool {
        matches!(&self.sink, Sink::Flight(flight) if flight.is_boxed())
    }

    /// Has what holds for the whole recording in the black box, if there is one.
    fn describe_in_box(&mut self) {
        if !self.is_boxed() {
            return;
        }
        let (more, is_news) = self.take_notice();
        self.buffer.clear();
        // All of a program that has had thousands of runtimes may be too much for it.
        let most = match &self.sink {
            Sink::Flight(flight) => flight.room_for_facts() / 2,
            Sink::File(_) => usize::MAX,
        };
        self.described = self.describe_within(more.as_slice(), most);
        if let Sink::Flight(flight) = &mut self.sink {
            flight.set_description(&self.buffer, is_news);
        }
    }

    /// What is missing, to be written, and whether that is news.
    fn take_notice(&mut self) -> (Option<(&'static str, String)>, bool) {
        let notice = self.notice();
        let is_news = notice != self.noticed;
        self.noticed = notice.filter(|notice| !notice.is_empty());
        (notice.map(|notice| (meta::NOTICE, notice.to_owned())), is_news)
    }

    /// Records, in the name of a thread that won't write again, what it dropped
    /// at the end.
    fn report_dropped(&mut self, stream: &Outlet) {
        self.outcome.drops.extend(ThreadDrops::of(stream));
        let count = stream.link.dropped.swap(0, Ordering::Relaxed);
        self.buffer.clear();
        if dropped(stream, count, &mut self.buffer) {
            self.put(stream.thread);
        }
    }

    /// Records how many events no stream could take.
    fn report_missed(&mut self) {
        let count = self.shared.take_missed();
        if count > 0 {
            let (now, since) = (self.shared.now(), self.last_round);
            self.buffer.clear();
            self.encoder.sync(now, &mut self.buffer);
            self.encoder.event(now, &Event::Dropped { count, since }, &mut self.buffer);
            self.missed(since..now, count);
            self.put(RECORDING_STREAM);
        }
    }

    /// Adds to the events that no stream could take.
    fn missed(&mut self, during: Range<Nanos>, count: u64) {
        let (since, until) = (Duration::from_nanos(during.start), Duration::from_nanos(during.end));
        match self.outcome.drops.iter_mut().find(|drops| drops.thread.is_none()) {
            Some(missed) => {
                missed.events += count;
                missed.until = until;
            }
            None => {
                let missed = ThreadDrops { thread: None, name: None, events: count, since, until };
                self.outcome.drops.push(missed);
            }
        }
    }

    /// Writes what holds for the whole recording: the program, the runtimes.
    fn write_description(&mut self) {
        let (more, _) = self.take_notice();
        self.buffer.clear();
        self.described = self.describe(more.as_slice());
        self.put(RECORDING_STREAM);
        self.described_at = self.outcome.written;
    }

    /// Writes the runtimes that have come since the last time, and no more: there may be thousands.
    fn write_new_runtimes(&mut self) {
        let runtimes = self.shared.runtimes();
        if runtimes.version == self.described {
            return;
        }
        let now = self.shared.now();
        self.buffer.clear();
        self.encoder.sync(now, &mut self.buffer);
        for event in runtimes.introductions(self.described) {
            self.encoder.event(now, &event, &mut self.buffer);
        }
        self.described = runtimes.version;
        drop(runtimes);
        self.put(RECORDING_STREAM);
    }

    /// Sees whether anything can arrive as the program has set it up, and says if not.
    fn look(&mut self, at_end: bool) {
        let is_time = !self.looked && u128::from(self.shared.now()) >= checkup::FIRST.as_nanos();
        if !(is_time || at_end) {
            return;
        }
        self.looked = true;
        let before = self.finding;
        self.finding = checkup::look(&self.shared, self.detail, at_end);
        if let Some(finding) = self.finding.filter(|_| !self.shared.is_hidden() && before.is_none())
        {
            warn(&finding.message());
        }
        if self.is_boxed() && self.notice() != self.noticed {
            self.describe_in_box();
        }
    }

    /// What keeps this recording from being whole.
    fn notice(&self) -> Option<&'static str> {
        if !unstable::IS_ON {
            return Some(unstable::MESSAGE);
        }
        let hidden = self.shared.is_hidden().then_some(filter_check::MESSAGE);
        // What has come after all is taken back.
        hidden.or(self.finding.map(Finding::message)).or(self.noticed.map(|_| ""))
    }

    /// Puts into the buffer what holds for the whole recording. Returns the version of the
    /// runtimes.
    fn describe(&mut self, more: &[(&str, String)]) -> u64 {
        self.describe_within(more, usize::MAX)
    }

    /// The same, with no more runtimes than fit into about `most` bytes.
    fn describe_within(&mut self, more: &[(&str, String)], most: usize) -> u64 {
        let now = self.shared.now();
        let Self { encoder, buffer, .. } = self;
        encoder.sync(now, buffer);
        for (key, value) in self.meta.iter().chain(more) {
            encoder.event(now, &Event::Meta { key, value }, buffer);
        }
        let runtimes = self.shared.runtimes();
        for event in runtimes.introductions(0) {
            if buffer.len() > most {
                break;
            }
            encoder.event(now, &event, buffer);
        }
        runtimes.version
    }

    /// Those who wait for a dump of a flight recorder.
    fn callers(&self) -> Vec<Reply> {
        match &self.sink {
            Sink::File(_) => Vec::new(),
            Sink::Flight(flight) => flight.callers(),
        }
    }

    /// Makes the dumps that a flight recorder is to make now.
    fn dump(&mut self, callers: Vec<Reply>, at_end: bool) {
        let now = self.shared.now();
        let Sink::Flight(flight) = &mut self.sink else { return };
        let cause = flight.look(now, at_end);
        // Those who call at the same time share one: there is no more to be had.
        if !callers.is_empty() {
            self.make_dump(&Cause::Call, callers);
        }
        if let Some(cause) = cause {
            self.make_dump(&cause, Vec::new());
        }
    }

    fn make_dump(&mut self, cause: &Cause, callers: Vec<Reply>) {
        let now = self.shared.now();
        let Sink::Flight(flight) = &self.sink else { return };
        let snapshot = flight.snapshot(now);
        let begin = snapshot.begin.unwrap_or(0);
        let mut more = vec![(meta::DUMP, cause.to_string())];
        if snapshot.begin.is_some() {
            more.push((meta::WINDOW, begin.to_string()));
        }
        let notice = self.notice().filter(|notice| !notice.is_empty());
        let mut notices: Vec<_> = notice.map(str::to_owned).into_iter().collect();
        if snapshot.unknown > 0 {
            notices.push(format!(
                "there were more tasks than the flight recorder keeps the facts of, so up to {} \
                 tasks that are older than this dump may have neither name nor place: give it \
                 more bytes with FlightConfig::keep_bytes",
                snapshot.unknown
            ));
        }
        if !notices.is_empty() {
            more.push((meta::NOTICE, notices.join("; ")));
        }
        self.buffer.clear();
        self.describe(&more);
        let description: Arc<[u8]> = self.buffer.as_slice().into();
        // At the end once more, so that no single damaged block can take it away; and with an
        // event, so that the trace lasts until now, however long nothing has happened. (It begins
        // with one, too.)
        self.encoder.event(now, &Event::Worker(None), &mut self.buffer);
        let end: Arc<[u8]> = self.buffer.as_slice().into();
        let mut blocks = vec![(RECORDING_STREAM, description)];
        if let Some(begin) = snapshot.begin {
            self.buffer.clear();
            self.encoder = Encoder::new();
            self.encoder.sync(begin, &mut self.buffer);
            self.encoder.event(begin, &Event::Worker(None), &mut self.buffer);
            blocks.push((RECORDING_STREAM, self.buffer.as_slice().into()));
        }
        blocks.extend(snapshot.blocks);
        for stream in self.streams.iter().filter(|stream| !stream.goes_on()) {
            self.buffer.clear();
            // The thread itself records it when it has room again.
            let count = stream.link.dropped.load(Ordering::Relaxed);
            if dropped(stream, count, &mut self.buffer) {
                blocks.push((stream.thread, self.buffer.as_slice().into()));
            }
        }
        blocks.push((RECORDING_STREAM, end));
        let lasted = triggers::in_words(now.saturating_sub(begin));
        let message = format!("dumped the last {lasted} ({cause})");
        if let Sink::Flight(flight) = &mut self.sink {
            flight.write(&self.shared, blocks, message, callers);
        }
    }

    /// Writes the buffer as a block.
    fn put(&mut self, thread: ThreadId) {
        self.put_at(thread, None);
    }

    /// Writes the buffer as a block, which is what the thread's stream has from `offset` on.
    fn put_at(&mut self, thread: ThreadId, offset: Option<u64>) {
        let length = self.buffer.len() as u64;
        let file = match &mut self.sink {
            Sink::File(file) => file,
            Sink::Flight(flight) => {
                flight.take_in(thread, offset, &self.buffer, self.shared.now());
                return;
            }
        };
        match file.block(thread, &self.buffer) {
            Ok(()) => {
                self.outcome.written += length;
                self.shared.count_block();
            }
            Err(error) => {
                self.outcome.lost += length;
                self.outcome.error.get_or_insert(error);
            }
        }
    }
}

/// Writes what a thread has dropped and not reported itself, if that is anything.
fn dropped(stream: &Outlet, count: u64, buffer: &mut Vec<u8>) -> bool {
    if count > 0 {
        let since = stream.link.dropped_since.load(Ordering::Relaxed);
        let last = stream.link.last_dropped.load(Ordering::Relaxed);
        let mut encoder = Encoder::new();
        encoder.sync(last, buffer);
        encoder.event(last, &Event::Dropped { count, since }, buffer);
    }
    count > 0
}

/// What is known of the recorded process from the start.
pub(crate) fn describe_process(program: &str, detail: Detail) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        (meta::DETAIL, detail.name().to_owned()),
        (meta::PARKS, meta::PARKS_NOTICED.to_owned()),
        (meta::PROGRAM, program.to_owned()),
        (meta::PID, std::process::id().to_string()),
        (meta::RECORDER, concat!("taskscope ", env!("CARGO_PKG_VERSION")).to_owned()),
        (meta::PLATFORM, format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)),
    ];
    // As many as its cgroup and its affinity leave it; nothing where that cannot be found out.
    if let Ok(processors) = std::thread::available_parallelism() {
        facts.push((meta::PROCESSORS, processors.to_string()));
    }
    facts
}
