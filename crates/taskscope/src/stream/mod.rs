//! One thread's way into the file: an encoder in front of a ring of bytes.
//!
//! The recorded thread is the ring's producer, the recording's writer thread
//! its consumer. An event is encoded, together with the records that must stand before
//! it, and goes into the ring in a single step, so that the writer only ever
//! sees whole records. There is no lock and no waiting: what doesn't fit is
//! counted, and reported by the first record that fits again.
//!
//! Each time the writer has emptied the ring it counts up the ring's
//! *generation*. The producer answers with a sync and says anew which thread
//! and which worker this is. So nearly every block of the file can be
//! understood by itself.

pub(crate) mod clock;
pub(crate) mod memory;
mod outlet;
pub(crate) mod ring;
pub(crate) mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::Thread;

use taskscope_format::{Encoder, Event, Nanos, RuntimeId, ThreadId};

use self::outlet::Link;
pub(crate) use self::outlet::{NewStreams, Outlet, Sealed};
use self::ring::Producer;
use crate::fork::warn_of_fork;
use crate::stream::sync::RING_BYTES;

/// All that is in a ring makes one block.
const _: () = assert!(RING_BYTES <= taskscope_format::FileWriter::<Vec<u8>>::MAX_PAYLOAD);

/// The recorded thread's end of a stream.
#[derive(Debug)]
pub(crate) struct Stream {
    ring: Producer,
    /// How many bytes of the ring stood in front of the last sync.
    synced_at: Arc<AtomicU64>,
    link: Arc<Link>,
    encoder: Encoder,
    /// Records that are not brief, kept to reuse its memory.
    buffer: Vec<u8>,
    os_id: u64,
    name: String,
    worker: Option<(RuntimeId, u32)>,
    /// Whether the stream has said which worker this is.
    worker_written: bool,
    generation: u32,
    /// Whether the encoder's state is what a reader will have.
    synced: bool,
    /// Bytes since the writer last came by.
    pending: usize,
    writer: Thread,
    writer_called: bool,
    thread: ThreadId,
    /// Where other rings are made known.
    streams: NewStreams,
    /// This is the first ring, a small one.
    is_small: bool,
    /// The recorded process.
    process: u32,
}

impl Stream {
    /// A stream for the calling thread, which is added to `streams`.
    pub(crate) fn new(thread: ThreadId, writer: Thread, streams: &NewStreams) -> Self {
        let (ring, bytes) = streams.ring(thread, true, 0);
        let (link, synced_at) = (Arc::new(Link::default()), Arc::default());
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        let stream = Self {
            ring,
            synced_at: Arc::clone(&synced_at),
            link: Arc::clone(&link),
            encoder: Encoder::new(),
            buffer: Vec::new(),
            os_id: os_thread_id(),
            name: name.clone(),
            worker: None,
            worker_written: false,
            generation: 0,
            synced: false,
            pending: 0,
            writer,
            writer_called: false,
            thread,
            streams: streams.clone(),
            is_small: true,
            process: std::process::id(),
        };
        streams.lock().push(Outlet { thread, name, bytes, link, synced_at, ring: 0 });
        stream
    }

    /// Goes on in a larger ring, if this is the small one, or if this one is lost.
    ///
    /// The writer empties this one first: nothing more comes into it once the other is known, and
    /// it was known before.
    #[cold]
    fn grow(&mut self) -> bool {
        if !self.is_small && !self.is_lost() {
            return false;
        }
        if self.process != std::process::id() {
            warn_of_fork();
            return false;
        }
        let offset = self.ring.put_in_all();
        let number = self.link.rings_before.load(Ordering::Relaxed) + 1;
        let other = self.streams.try_add(|| {
            let (ring, bytes) = self.streams.ring(self.thread, false, offset);
            let (name, link) = (self.name.clone(), Arc::clone(&self.link));
            let synced_at = Arc::default();
            let own = (ring, Arc::clone(&synced_at));
            (Outlet { thread: self.thread, name, bytes, link, synced_at, ring: number }, own)
        });
        let Some((ring, synced_at)) = other else { return false };
        // Before this ring is let go: that is how the writer learns that it has ended.
        self.link.rings_before.store(number, Ordering::Release);
        self.is_small = false;
        self.synced_at = synced_at;
        self.ring = ring;
        self.synced = false;
        self.pending = 0;
        true
    }

    /// Whether what is put into the ring goes nowhere: it lay in a file that is gone.
    fn is_lost(&self) -> bool {
        self.ring.memory().keeper().is_lost()
    }

    pub(crate) fn worker(&self) -> Option<(RuntimeId, u32)> {
        self.worker
    }

    /// From the next record on, this thread is that worker. Says whether that
    /// is news.
    pub(crate) fn set_worker(&mut self, worker: Option<(RuntimeId, u32)>) -> bool {
        let news = self.worker != worker;
        if news {
            self.worker = worker;
            self.worker_written = false;
        }
        news
    }

    /// Writes a change of [`set_worker`](Self::set_worker) without waiting for
    /// an event.
    pub(crate) fn write_worker(&mut self, time: Nanos) {
        if !self.worker_written {
            self.write(time, &Event::Worker(self.worker));
        }
    }

    /// Writes an event, or counts it as dropped where there is no room.
    ///
    /// Always inlined: what sort of event it is, is known where it is written,
    /// and of all the rest of this a few instructions remain.
    #[inline(always)]
    pub(crate) fn write(&mut self, time: Nanos, event: &Event<'_>) {
        if self.link.generation.load(Ordering::Relaxed) == self.generation
            && self.synced
            && self.worker_written
            && let Some(brief) = self.encoder.brief(time, event)
        {
            if !self.ring.push_brief(brief) {
                if self.grow() {
                    self.write_long(time, event);
                } else {
                    self.drop_event(time);
                }
                return;
            }
            self.count(brief.len());
        } else {
            self.write_long(time, event);
        }
    }

    /// Writes an event that is not brief, or with something before it.
    #[inline(never)]
    fn write_long(&mut self, time: Nanos, event: &Event<'_>) {
        self.buffer.clear();
        let generation = self.link.generation.load(Ordering::Relaxed);
        if generation != self.generation {
            self.generation = generation;
            self.synced = false;
            self.pending = 0;
            self.writer_called = false;
            if self.is_lost() && self.grow() {
                // What was in it: at least one.
                self.count_dropped(time);
            }
        }
        if !self.synced {
            self.introduce(time);
        } else if !self.worker_written && !matches!(event, Event::Worker(_)) {
            self.encoder.event(time, &Event::Worker(self.worker), &mut self.buffer);
        }
        self.encoder.event(time, event, &mut self.buffer);
        if !self.synced {
            // Seen by a thread that sees the bytes. (Where they find no room, the next sync stands
            // there.)
            self.synced_at.store(self.ring.put_in_all(), Ordering::Relaxed);
        }
        if !self.ring.push(&self.buffer) {
            if self.grow() {
                self.write_long(time, event);
            } else {
                self.drop_event(time);
            }
            return;
        }
        if !self.synced {
            self.synced = true;
            self.link.dropped.store(0, Ordering::Relaxed);
        }
        self.worker_written = true;
        self.count(self.buffer.len());
    }

    #[inline(always)]
    fn count(&mut self, bytes: usize) {
        self.pending += bytes;
        // Early: on a busy machine it takes the writer a while to get a core.
        if self.pending > self.ring.room() / 4 && !self.grow() {
            self.call_writer();
        }
    }

    /// Makes what follows understandable by itself.
    fn introduce(&mut self, time: Nanos) {
        let Self { encoder, buffer, link, .. } = self;
        let count = link.dropped.load(Ordering::Relaxed);
        // At the time of the last one dropped: since then this thread has recorded nothing.
        let last = link.last_dropped.load(Ordering::Relaxed);
        let begin = if count > 0 { last } else { time };
        encoder.sync(begin, buffer);
        encoder.event(begin, &Event::Thread { os_id: self.os_id, name: &self.name }, buffer);
        if count > 0 {
            let since = link.dropped_since.load(Ordering::Relaxed);
            encoder.event(last, &Event::Dropped { count, since }, buffer);
        }
        encoder.event(time, &Event::Worker(self.worker), buffer);
    }

    #[cold]
    fn drop_event(&mut self, time: Nanos) {
        self.synced = false;
        self.count_dropped(time);
        self.call_writer();
    }

    fn count_dropped(&self, time: Nanos) {
        if self.link.dropped.load(Ordering::Relaxed) == 0 {
            self.link.dropped_since.store(time, Ordering::Relaxed);
        }
        self.link.dropped.fetch_add(1, Ordering::Relaxed);
        if self.link.dropped_in_all.fetch_add(1, Ordering::Relaxed) == 0 {
            self.link.first_dropped.store(time, Ordering::Relaxed);
        }
        self.link.last_dropped.store(time, Ordering::Relaxed);
        let (count, since) = (&self.link.dropped, &self.link.dropped_since);
        let (count, since) = (count.load(Ordering::Relaxed), since.load(Ordering::Relaxed));
        self.ring.memory().keeper().dropped(count, since, time, self.ring.put_in_all());
    }

    /// Asks the writer to come early; once, until it has been here.
    #[cold]
    fn call_writer(&mut self) {
        if !self.writer_called {
            self.writer_called = true;
            self.writer.unpark();
        }
    }
}

/// The operating system's id of the calling thread; 0 where the standard
/// library has no safe way to learn it.
fn os_thread_id() -> u64 {
    if cfg!(target_os = "linux") {
        // "<process>/task/<thread>".
        let link = std::fs::read_link("/proc/thread-self").unwrap_or_default();
        let id = link.file_name().and_then(|name| name.to_str());
        id.and_then(|id| id.parse().ok()).unwrap_or(0)
    } else {
        0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use taskscope_format::{FileWriter, Reader, Source, TaskId};

    use super::*;

    /// A stream of this thread, with a large ring at once, and its other end.
    fn stream() -> (Stream, Outlet) {
        let streams = NewStreams::default();
        let mut stream = Stream::new(ThreadId(1), std::thread::current(), &streams);
        assert!(stream.grow());
        let mut outlets = Vec::new();
        streams.take(&mut outlets);
        (stream, outlets.pop().unwrap())
    }

    /// Moves what is in a ring to a file, as the writer does.
    fn drain(outlet: &mut Outlet, file: &mut FileWriter<Vec<u8>>) {
        let mut bytes = Vec::new();
        let Sealed { before_sync, rest } = outlet.seal();
        let length = before_sync + rest;
        outlet.bytes.take(length, &mut bytes);
        file.block(outlet.thread, &bytes).unwrap();
    }

    fn poll(task: u64) -> Event<'static> {
        Event::PollStart { task: TaskId(task), source: Source::Hook }
    }

    #[test]
    fn what_does_not_fit_is_counted_and_recorded() {
        let (mut stream, mut outlet) = stream();
        let mut file = FileWriter::new(Vec::new(), 0).unwrap();
        let dropped = |outlet: &Outlet| outlet.link.dropped.load(Ordering::Relaxed);
        let (mut time, mut written) = (0, 0);
        while dropped(&outlet) < 10 {
            time += 1;
            written += 1;
            stream.write(time, &poll(time));
        }
        let first_dropped = time - 9;
        drain(&mut outlet, &mut file);
        stream.write(time + 100, &poll(7));
        assert_eq!(dropped(&outlet), 0, "it is written");
        drain(&mut outlet, &mut file);

        let file = file.finish().unwrap();
        let mut reader = Reader::new(&file).unwrap();
        let mut told_at = None;
        let events: Vec<_> = reader
            .by_ref()
            .inspect(|record| {
                if matches!(record.event, Event::Dropped { .. }) {
                    told_at = Some(record.time);
                }
            })
            .map(|record| record.event)
            .collect();
        assert_eq!(told_at, Some(time), "when the last was dropped");
        assert_eq!(reader.report().damages, []);
        assert_eq!(reader.report().dropped, 10);
        assert!(events.contains(&Event::Dropped { count: 10, since: first_dropped }));
        let polls = events.iter().filter(|e| matches!(e, Event::PollStart { .. })).count();
        assert_eq!(polls as u64, written - 10 + 1);
        let drops = crate::output::report::ThreadDrops::of(&outlet).unwrap();
        assert_eq!((drops.thread, drops.events), (Some(1), 10));
        assert_eq!(drops.name.as_deref(), std::thread::current().name());
        let at = |time: Nanos| std::time::Duration::from_nanos(time);
        assert_eq!((drops.since, drops.until), (at(first_dropped), at(time)));
    }

    #[test]
    fn a_block_can_be_lost_and_the_next_is_understood() {
        let (mut stream, mut outlet) = stream();
        let mut file = FileWriter::new(Vec::new(), 0).unwrap();
        let mut lost = FileWriter::new(Vec::new(), 0).unwrap();
        let worker = Some((RuntimeId(0), 3));
        stream.set_worker(worker);
        stream.write(1, &poll(1));
        drain(&mut outlet, &mut lost);
        stream.write(2, &poll(2));
        drain(&mut outlet, &mut file);

        let file = file.finish().unwrap();
        let events: Vec<_> = Reader::new(&file).unwrap().map(|record| record.event).collect();
        assert!(matches!(events[0], Event::Thread { .. }), "{events:?}");
        assert_eq!(events[1..], [Event::Worker(worker), poll(2)]);
    }

    #[test]
    fn what_was_written_while_a_block_was_taken_stands_apart() {
        let (mut stream, mut outlet) = stream();
        let take = |outlet: &mut Outlet, length| {
            let mut bytes = Vec::new();
            outlet.bytes.take(length, &mut bytes);
            bytes
        };
        stream.write(1, &poll(1));
        let length = outlet.bytes.len();
        stream.write(2, &poll(2));
        outlet.link.generation.fetch_add(1, Ordering::Relaxed);
        stream.write(3, &poll(3));
        assert!(taskscope_format::stands_alone(&take(&mut outlet, length)));

        let Sealed { before_sync, rest } = outlet.seal();
        assert!(before_sync > 0 && rest > 0);
        assert!(!taskscope_format::stands_alone(&take(&mut outlet, before_sync)));
        assert!(taskscope_format::stands_alone(&take(&mut outlet, rest)));
        stream.write(4, &poll(4));
        assert_eq!(outlet.seal().before_sync, 0);
    }

    #[test]
    fn a_change_of_worker_is_recorded_once() {
        let (mut stream, mut outlet) = stream();
        let worker = Some((RuntimeId(0), 1));
        stream.write(1, &Event::Park);
        assert!(stream.set_worker(worker));
        assert!(!stream.set_worker(worker));
        stream.write_worker(2);
        stream.write_worker(3);
        stream.write(4, &Event::Unpark);
        let mut file = FileWriter::new(Vec::new(), 0).unwrap();
        drain(&mut outlet, &mut file);
        let file = file.finish().unwrap();
        let events: Vec<_> = Reader::new(&file).unwrap().map(|record| record.event).collect();
        let expected = [Event::Worker(None), Event::Park, Event::Worker(worker), Event::Unpark];
        assert_eq!(events[1..], expected);
    }

    #[test]
    fn a_thread_that_has_more_to_say_goes_on_in_a_larger_ring() {
        let streams = NewStreams::default();
        let mut stream = Stream::new(ThreadId(1), std::thread::current(), &streams);
        let mut file = FileWriter::new(Vec::new(), 0).unwrap();
        let mut outlets = Vec::new();
        for time in 0..100_000 {
            stream.write(time, &poll(time));
            // The writer comes by now and then, as it likes.
            if time % 9_973 == 0 {
                streams.take(&mut outlets);
                let filled: Vec<_> = outlets.iter_mut().map(Outlet::seal).collect();
                for (outlet, Sealed { before_sync, rest }) in outlets.iter_mut().zip(filled) {
                    for length in [before_sync, rest] {
                        let mut bytes = Vec::new();
                        outlet.bytes.take(length, &mut bytes);
                        file.block(outlet.thread, &bytes).unwrap();
                    }
                }
                outlets.retain(|outlet| !outlet.has_ended() || !outlet.goes_on());
            }
        }
        streams.take(&mut outlets);
        assert_eq!(outlets.len(), 1, "the small one has ended");
        drain(&mut outlets[0], &mut file);
        let file = file.finish().unwrap();
        let mut reader = Reader::new(&file).unwrap();
        let polls: Vec<_> = reader
            .by_ref()
            .filter(|record| matches!(record.event, Event::PollStart { .. }))
            .map(|record| record.time)
            .collect();
        assert!(polls.into_iter().eq(0..100_000));
        assert_eq!((&reader.report().damages[..], reader.report().dropped), (&[][..], 0));
    }
}
