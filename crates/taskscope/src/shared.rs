//! What all threads of a recording share.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;

use taskscope_format::{Nanos, ResourceId, SpanId, ThreadId};

use crate::clock::Clock;
use crate::runtimes::Runtimes;
use crate::stream::{Outlet, Stream};

/// The heart of a recording: every layer, hook and thread of it holds one.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Tells the recordings of a process apart.
    pub(crate) recording: u64,
    clock: Clock,
    closed: AtomicBool,
    /// The writer thread, once it runs.
    writer: OnceLock<Thread>,
    next_thread: AtomicU32,
    next_resource: AtomicU64,
    next_span: AtomicU64,
    /// Streams that the writer doesn't know yet.
    new_streams: Mutex<Vec<Outlet>>,
    runtimes: Mutex<Runtimes>,
    /// Events that came where no stream could take them: while the thread was
    /// recording another one, or was being torn down.
    missed: AtomicU64,
    tells_wakes: AtomicBool,
    /// A filter hides Tokio's spans from the layer.
    hidden: AtomicBool,
    /// A task with hooks was spawned, and has no span that anybody hears of.
    spanless: AtomicBool,
}

/// The stream of the recording itself, which no recorded thread has.
pub(crate) const RECORDING_STREAM: ThreadId = ThreadId(0);

impl Shared {
    pub(crate) fn new(clock: Clock) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            recording: NEXT.fetch_add(1, Ordering::Relaxed),
            clock,
            closed: AtomicBool::new(false),
            writer: OnceLock::new(),
            next_thread: AtomicU32::new(RECORDING_STREAM.0 + 1),
            next_resource: AtomicU64::new(0),
            next_span: AtomicU64::new(0),
            new_streams: Mutex::default(),
            runtimes: Mutex::default(),
            missed: AtomicU64::new(0),
            tells_wakes: AtomicBool::new(false),
            hidden: AtomicBool::new(false),
            spanless: AtomicBool::new(false),
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.clock.now()
    }

    /// See [`Clock::now_in_order`]; without it where nobody tells of wakes.
    #[inline]
    pub(crate) fn now_in_order(&self) -> Nanos {
        match self.tells_wakes.load(Ordering::Relaxed) {
            true => self.clock.now_in_order(),
            false => self.clock.now(),
        }
    }

    /// From now on there is somebody who tells of wakes.
    pub(crate) fn tells_wakes(&self) {
        self.tells_wakes.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// No event is taken any more; the writer ends.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    /// Names the thread that empties the streams. Before this there are none.
    pub(crate) fn writer_is(&self, thread: Thread) {
        // A second writer there is none.
        let _ = self.writer.set(thread);
    }

    /// A stream for the calling thread; `None` while there is no writer.
    pub(crate) fn new_stream(&self) -> Option<Stream> {
        let writer = self.writer.get()?.clone();
        let thread = ThreadId(self.next_thread.fetch_add(1, Ordering::Relaxed));
        let (stream, outlet) = Stream::new(thread, writer);
        lock(&self.new_streams).push(outlet);
        Some(stream)
    }

    pub(crate) fn next_resource(&self) -> ResourceId {
        ResourceId(self.next_resource.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn next_span(&self) -> SpanId {
        SpanId(self.next_span.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn take_new_streams(&self, into: &mut Vec<Outlet>) {
        into.append(&mut lock(&self.new_streams));
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

    /// Whether the layer has been told of every task that has hooks.
    pub(crate) fn all_have_spans(&self) -> bool {
        !self.spanless.load(Ordering::Relaxed)
    }

    #[cold]
    pub(crate) fn miss_event(&self) {
        self.missed.fetch_add(1, Ordering::Relaxed);
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
