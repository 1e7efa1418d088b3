//! What a recording has written, and what it has dropped.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::stream::Outlet;

/// What came of a recording.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The trace file; `None` for an idle recording and for a flight recorder.
    pub path: Option<PathBuf>,
    /// The files that a flight recorder has written.
    pub dumps: Vec<PathBuf>,
    /// Bytes of events in the file, or in all the dumps together.
    pub bytes: u64,
    /// Events that were dropped because they came faster than they could be
    /// written. The file has where they are missing.
    pub dropped_events: u64,
    /// The same thread by thread, for those that dropped any.
    pub drops: Vec<ThreadDrops>,
}

/// What one thread dropped, in all its recording.
///
/// The file has it stretch by stretch; this is their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ThreadDrops {
    /// The thread's number in the trace. `None` for events that no buffer of a
    /// thread could take: they came while their thread was recording another
    /// one (from within an allocator, say), or was ending.
    pub thread: Option<u32>,
    /// The thread's name, if it has one.
    pub name: Option<String>,
    /// How many events.
    pub events: u64,
    /// When the first of them happened, from the start of the recording. Those
    /// without a thread happened no earlier than this.
    pub since: Duration,
    /// When the last of them happened, likewise. Those without a thread
    /// happened no later than this.
    pub until: Duration,
}

impl ThreadDrops {
    /// What the thread behind `stream` has dropped, if it has.
    pub(crate) fn of(stream: &Outlet) -> Option<Self> {
        let link = &stream.link;
        let events = link.dropped_in_all.load(Ordering::Relaxed);
        (events > 0).then(|| Self {
            thread: Some(stream.thread.0),
            name: Some(stream.name.clone()).filter(|name| !name.is_empty()),
            events,
            since: Duration::from_nanos(link.first_dropped.load(Ordering::Relaxed)),
            until: Duration::from_nanos(link.last_dropped.load(Ordering::Relaxed)),
        })
    }
}
