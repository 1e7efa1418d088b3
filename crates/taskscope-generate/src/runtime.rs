//! What the workers of a runtime share.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use taskscope_format::Nanos;

/// Stands for the `block_on` of the main thread where a timer names a task.
pub(crate) const MAIN_SLOT: u32 = u32::MAX;

/// A task that the driver wakes at a time, if it still waits for that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Timer {
    pub(crate) due: Nanos,
    pub(crate) slot: u32,
    pub(crate) wait: u32,
}

/// The earliest is the greatest, as a heap has it; of those of one time, that of the lowest slot.
impl Ord for Timer {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.due, other.slot, other.wait).cmp(&(self.due, self.slot, self.wait))
    }
}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[derive(Debug)]
pub(crate) struct Runtime {
    /// Its workers are this one and those after it.
    pub(crate) first_worker: usize,
    pub(crate) workers: usize,
    pub(crate) is_multi: bool,
    pub(crate) injection: VecDeque<u32>,
    /// Sockets and timers.
    pub(crate) timers: BinaryHeap<Timer>,
    /// The worker that is parked in the driver.
    pub(crate) driver: Option<usize>,
    pub(crate) sleepers: Vec<usize>,
    pub(crate) searching: usize,
}

impl Runtime {
    pub(crate) fn new(first_worker: usize, workers: usize, is_multi: bool) -> Self {
        Self {
            first_worker,
            workers,
            is_multi,
            injection: VecDeque::new(),
            timers: BinaryHeap::new(),
            driver: None,
            sleepers: Vec::new(),
            searching: 0,
        }
    }
}
