//! Tasks whose timer or socket no worker looked after while a worker was held.
//!
//! # The fact behind it
//! Of the workers of a runtime one at a time waits for timers and I/O; the others sleep until they are called. A worker
//! that comes back from there with one task polls it by itself, and wakes no other, for there is nothing to share. If that poll
//! holds it, no worker looks after timers and I/O until it ends: all sleep, and tasks whose time has come, or for whom
//! something has arrived, are not even scheduled. Nothing is recorded of that but its end: the driver of the held worker wakes
//! them all, right after.
//!
//! # What is counted
//! The tasks of the runtime that drivers wake within [`SOON`] of the end of a poll during which drivers woke none. That
//! they could have gone on before is inferred. If any was woken meanwhile, somebody looked after them.

use std::ops::Range;

use foldhash::HashSet;
use taskscope_format::Nanos;

use crate::store::polls::WakerKind;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx, Waker};

/// A look after timers and I/O comes that soon behind a poll.
const SOON: Nanos = 500_000;
/// What is woken leads to a poll within this, or is not looked for.
const FURTHER: Nanos = 20_000_000;

/// The tasks that were woken late since a poll held a worker in a stretch of time; see [the module](self).
pub(super) fn woken_late(
    trace: &Trace,
    lane: LaneIx,
    task: TaskIx,
    held: &Range<Nanos>,
) -> Vec<TaskIx> {
    let Some(runtime) = trace.worker_runtime(lane) else { return Vec::new() };
    // What the driver has brought along is polled first.
    let meanwhile = held.start + (held.end - held.start) / 8..held.end;
    let soon = held.end..held.end.saturating_add(SOON);
    let mut late = HashSet::default();
    for (number, chunk, slots) in trace.rows_in(held.start..soon.end.saturating_add(FURTHER)) {
        for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
            let row = &chunk.rows[slot];
            if row.flags.waker() != WakerKind::Driver {
                continue;
            }
            let Some(delay) = chunk.delay(slot) else { continue };
            let time = chunk.start(slot) - delay;
            if !(meanwhile.contains(&time) || soon.contains(&time)) {
                continue;
            }
            let Some(wake) = trace.wake_before(PollIx::new(number, slot)) else { continue };
            let Waker::Driver(by) = trace.wake(wake).by else { continue };
            if trace.worker_runtime(by) != Some(runtime) {
                continue;
            }
            if meanwhile.contains(&time) {
                return Vec::new();
            }
            if row.task != task.0 {
                late.insert(TaskIx(row.task));
            }
        }
    }
    let mut late: Vec<TaskIx> = late.into_iter().collect();
    late.sort_unstable();
    late
}
