//! Whether a worker without hooks has parked.
//!
//! Parks are recorded by hooks. Where there are none, Tokio's own count of a worker's parks still says
//! whether it has parked since it was last asked. So it is asked where a poll ends, and where it matters
//! whether the worker has parked since then:
//!
//! - where the first of several wakers is called between polls. A worker that has deferred wakers, of
//!   tasks that yielded, does not park; so one that has parked calls wakers for its driver.
//! - where a task is visited twice in a row. If the second visit drops what the first returned, it
//!   follows at once; if the worker has parked, the task was aborted.

use taskscope_format::{Event, Nanos};
use tokio::runtime::{Handle, RuntimeMetrics};

use crate::tracker::thread::ThreadState;

/// Tokio's count of the parks of the worker that a thread is, where no hook records them.
#[derive(Debug, Default)]
pub(super) struct ParkCount {
    /// (It keeps what is left of a runtime alive, so it is let go with the first doubt.)
    metrics: Option<RuntimeMetrics>,
    last: Option<u64>,
}

impl ParkCount {
    /// From now on the worker is one of this runtime; `None` where hooks record its parks, or where
    /// that is not known.
    pub(super) fn of(&mut self, runtime: Option<&Handle>) {
        self.metrics = runtime.map(Handle::metrics);
    }

    /// The worker is another.
    pub(super) fn forget(&mut self) {
        self.last = None;
    }

    /// Whether the worker has parked, or may have, since this was last asked.
    fn has_risen(&mut self, index: u32) -> bool {
        let Some(metrics) = &self.metrics else { return false };
        let index = index as usize;
        if index >= metrics.num_workers() {
            return false;
        }
        let count = metrics.worker_park_count(index);
        self.last.replace(count) != Some(count)
    }
}

impl ThreadState {
    /// Writes a park of no length, if the worker has parked unseen, and says so. When is not known.
    pub(crate) fn note_park(&mut self, time: Nanos) -> bool {
        let Some((_, index)) = self.stream.worker() else { return false };
        let has_parked = self.parks.has_risen(index);
        if has_parked {
            self.stream.write(time, &Event::Park);
            self.stream.write(time, &Event::Unpark);
        }
        has_parked
    }
}
