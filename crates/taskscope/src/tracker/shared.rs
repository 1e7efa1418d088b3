//! What all threads of a recording share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use taskscope_format::{Nanos, ThreadId};

use crate::Detail;
use crate::stream::clock::Clock;
use crate::stream::memory::RingSource;
use crate::stream::{NewStreams, Outlet, Stream};
use crate::tracker::runtimes::Runtimes;
use crate::tracker::set_up::{Once, SetUp};

/// The heart of a recording: every layer, hook and thread of it holds one.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Tells the recordings of a process apart; never 0.
    pub(crate) recording: u64,
    clock: Clock,
    closed: AtomicBool,
    /// The writer thread, once it runs.
    writer: OnceLock<Thread>,
    next_thread: AtomicU32,
    /// Streams that the writer doesn't know yet.
    new_streams: NewStreams,
    runtimes: Mutex<Runtimes>,
    /// Events that came where no stream could take them: while the thread was
    /// recording another one, or was being torn down.
    missed: AtomicU64,
    /// Whether wakes are recorded.
    records_wakes: bool,
    /// A filter hides Tokio's spans from the layer.
    hidden: AtomicBool,
    /// A task with hooks was spawned, and has no span that reaches the layer.
    spanless: AtomicBool,
    pub(crate) set_up: Arc<SetUp>,
    /// The layer, or the subscriber, has reported a task.
    pub(crate) spans_report: Once,
    /// Hooks have reported a task.
    pub(crate) hooks_report: Once,
    /// The stretch was ended, and not the recording.
    pub(crate) is_paused: Once,
    /// Blocks that have reached a file, to see whether it still takes any.
    blocks: AtomicU64,
    /// The recorded process. A fork of it has all this, and no writer thread.
    process: u32,
}

/// The stream of the recording itself, which no recorded thread has.
pub(crate) const RECORDING_STREAM: ThreadId = ThreadId(0);

impl Shared {
    #[cfg(test)]
    pub(crate) fn new(clock: Clock, detail: Detail, set_up: Arc<SetUp>) -> Self {
        Self::with_rings(clock, detail, set_up, None)
    }

    /// With the rings of threads from `rings`, if that has some.
    pub(crate) fn with_rings(
        clock: Clock,
        detail: Detail,
        set_up: Arc<SetUp>,
        rings: Option<Arc<dyn RingSource>>,
    ) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self {
            recording: NEXT.fetch_add(1, Ordering::Relaxed),
            clock,
            closed: AtomicBool::new(false),
            writer: OnceLock::new(),
            next_thread: AtomicU32::new(RECORDING_STREAM.0 + 1),
            new_streams: NewStreams::with_rings(rings),
            runtimes: Mutex::default(),
            missed: AtomicU64::new(0),
            records_wakes: detail == Detail::Full,
            hidden: AtomicBool::new(false),
            spanless: AtomicBool::new(false),
            set_up,
            spans_report: Once::default(),
            hooks_report: Once::default(),
            is_paused: Once::default(),
            blocks: AtomicU64::new(0),
            process: std::process::id(),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// See [`Clock::now_in_order`]; without the order where no wakes are recorded.
    #[inline]
    pub(crate) fn now_in_order(&self) -> Nanos {
        if self.records_wakes { self.clock.now_in_order() } else { self.clock.now() }
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// No event is taken any more; the writer ends.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.call_writer();
    }

    /// Has the writer come by at once.
    pub(crate) fn call_writer(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Whether this is the writer thread.
    pub(crate) fn is_writer(&self) -> bool {
        self.writer.get().is_some_and(|writer| writer.id() == std::thread::current().id())
    }

    /// Names the thread that empties the streams. Before this there are none.
    pub(crate) fn writer_is(&self, thread: Thread) {
        // A second writer there is none.
        let _ = self.writer.set(thread);
    }

    /// Whether this is a process that was forked from the recorded one.
    pub(crate) fn is_forked(&self) -> bool {
        self.process != std::process::id()
    }

    /// A stream for the calling thread; `None` while there is no writer, and in a
    /// forked process, where nothing would empty it. (And nothing would release a
    /// lock that was held at that moment.)
    pub(crate) fn new_stream(&self) -> Option<Stream> {
        let writer = self.writer.get()?.clone();
        if self.is_forked() {
            return None;
        }
        let thread = ThreadId(self.next_thread.fetch_add(1, Ordering::Relaxed));
        Some(Stream::new(thread, writer, &self.new_streams))
    }

    /// Whether any thread has had something to record.
    pub(crate) fn has_threads(&self) -> bool {
        self.next_thread.load(Ordering::Relaxed) > RECORDING_STREAM.0 + 1
    }

    pub(crate) fn take_new_streams(&self, into: &mut Vec<Outlet>) {
        self.new_streams.take(into);
    }

    pub(crate) fn runtimes(&self) -> MutexGuard<'_, Runtimes> {
        lock(&self.runtimes)
    }

    /// Notes that Tokio's spans are hidden. Says whether that is news.
    pub(crate) fn hidden(&self) -> bool {
        !self.hidden.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn is_hidden(&self) -> bool {
        self.hidden.load(Ordering::Relaxed)
    }

    /// Relaxed access is enough: a task is handed to those who poll it.
    pub(crate) fn note_spanless(&self) {
        if self.all_have_spans() {
            self.spanless.store(true, Ordering::Relaxed);
        }
    }

    /// Whether every task with hooks had a span that reached the layer.
    pub(crate) fn all_have_spans(&self) -> bool {
        !self.spanless.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn miss_event(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_block(&self) {
        self.blocks.fetch_add(1, Ordering::Relaxed);
    }

    /// How many blocks have reached a file.
    pub(crate) fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Relaxed)
    }

    pub(crate) fn take_missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

/// Nothing that is done under these locks leaves half a change behind, so a
/// panic elsewhere is no reason to stop.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn a_panic_while_a_lock_is_held_stops_nothing() {
        let shared = Shared::new(Clock::start(), Detail::Full, Arc::default());
        shared.writer_is(std::thread::current());
        std::thread::scope(|scope| {
            let panics = scope.spawn(|| {
                let _held = (shared.new_streams.lock(), shared.runtimes.lock());
                panic!("a panic while locks are held");
            });
            assert!(panics.join().is_err());
        });
        assert!(shared.runtimes.is_poisoned());
        assert!(shared.new_stream().is_some());
        let mut streams = Vec::new();
        shared.take_new_streams(&mut streams);
        assert_eq!((streams.len(), shared.runtimes().version), (1, 0));
    }
}
