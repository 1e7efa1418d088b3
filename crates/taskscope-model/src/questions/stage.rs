//! What is worked out once of a trace for [`scene`](super::scene): the rooms in which tasks wait, and in which
//! order tasks ended.
//!
//! # Rooms
//! Tokio reports each resource by itself, and a program makes a timer for each `sleep`. A room for
//! each would be no place to find anything. So all timers share one room; a lock or a channel has one of its
//! own while there are few that were made at its line, else all that were made there share one.

use std::ops::Range;

use taskscope_format::{CancelledBy, EndKind, Nanos};

use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::{End, ResourceIx, TaskIx};

/// So many resources of one line have rooms of their own.
const FEW: u32 = 8;
/// Counts of outcomes stand at every so many ends.
const STEP: usize = 256;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Its future returned.
    Returned,
    /// Its future panicked.
    Panicked,
    /// It was aborted.
    Aborted,
    /// Its runtime dropped it when it shut down.
    DroppedAtShutdown,
    /// It was cancelled; by what is not known.
    Cancelled,
    /// It ended; how was not recorded.
    Unknown,
}

impl Outcome {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::Returned,
        Self::Panicked,
        Self::Aborted,
        Self::DroppedAtShutdown,
        Self::Cancelled,
        Self::Unknown,
    ];

    /// How a task ended that ended so.
    pub fn of(end: End) -> Self {
        match (end.kind, end.cancelled_by) {
            (EndKind::Returned, _) => Self::Returned,
            (EndKind::Panicked, _) => Self::Panicked,
            (EndKind::Cancelled, CancelledBy::Abort) => Self::Aborted,
            (EndKind::Cancelled, CancelledBy::Shutdown) => Self::DroppedAtShutdown,
            (EndKind::Cancelled, CancelledBy::Unknown) => Self::Cancelled,
            (EndKind::Unknown, _) => Self::Unknown,
        }
    }
}

/// What scenes of a trace lean on. It takes a look at each task and each resource: four bytes for each.
#[derive(Clone, Debug, Default)]
pub struct Stage {
    /// All that ended but parts of tasks, by the time of their ends.
    ended: Vec<TaskIx>,
    /// How many of them ended how, up to every so many of them.
    counts: Vec<[u32; Outcome::ALL.len()]>,
    /// By resource: the one that stands for all in its room. `NONE` for timers.
    rooms: Vec<u32>,
}

impl Stage {
    /// Looks at all tasks and resources of a trace.
    pub async fn new(trace: &Trace) -> Self {
        let (ended, counts) = ended(trace).await;
        Self { ended, counts, rooms: rooms(trace).await }
    }

    /// The tasks that ended in a range of time, in the order of their ends.
    pub fn ended(&self, trace: &Trace, range: Range<Nanos>) -> &[TaskIx] {
        let before = |time: Nanos| self.ended.partition_point(|&task| end(trace, task) < time);
        let (from, until) = (before(range.start), before(range.end));
        &self.ended[from..until.max(from)]
    }

    /// How many tasks had ended at a time, by [`Outcome`]: those that were spawned as tasks, as in
    /// [`Trace::summary`].
    pub fn outcomes(&self, trace: &Trace, time: Nanos) -> [u64; Outcome::ALL.len()] {
        let ended = self.ended.partition_point(|&task| end(trace, task) <= time);
        let mut counts = self.counts.get(ended / STEP).copied().unwrap_or_default().map(u64::from);
        let rest = self.ended[ended / STEP * STEP..ended].iter();
        for &task in rest.filter(|&&task| trace.task(task).is_async()) {
            counts[outcome(trace, task) as usize] += 1;
        }
        counts
    }

    /// The resource that stands for all in the room of this one; `None` for timers.
    pub(super) fn room(&self, resource: ResourceIx) -> Option<ResourceIx> {
        // A resource that is newer than this stands for itself.
        let room = self.rooms.get(resource.get()).copied().unwrap_or(resource.0);
        (room != NONE).then_some(ResourceIx(room))
    }
}

fn end(trace: &Trace, task: TaskIx) -> Nanos {
    trace.task(task).end.map_or(Nanos::MAX, |end| end.time)
}

/// How a task ended; [`Outcome::Unknown`] also if it did not.
pub(super) fn outcome(trace: &Trace, task: TaskIx) -> Outcome {
    trace.task(task).end.map_or(Outcome::Unknown, Outcome::of)
}

async fn ended(trace: &Trace) -> (Vec<TaskIx>, Vec<[u32; Outcome::ALL.len()]>) {
    let mut ended = Vec::new();
    for task in (0..trace.task_count() as u32).map(TaskIx) {
        let of = trace.task(task);
        if let Some(end) = of.end.filter(|_| !of.is_part) {
            ended.push((end.time, task));
        }
        if task.0 % 32_768 == 32_767 {
            super::pause().await;
        }
    }
    ended.sort_unstable();
    let ended: Vec<TaskIx> = ended.into_iter().map(|(_, task)| task).collect();
    super::pause().await;
    let mut counts = vec![[0; Outcome::ALL.len()]];
    let mut sum = [0; Outcome::ALL.len()];
    for step in ended.chunks(STEP) {
        let counted = step.iter().filter(|&&task| trace.task(task).is_async());
        counted.for_each(|&task| sum[outcome(trace, task) as usize] += 1);
        counts.push(sum);
    }
    (ended, counts)
}

async fn rooms(trace: &Trace) -> Vec<u32> {
    let kinds = trace.resource_kinds.iter();
    let is_timer: Vec<bool> =
        kinds.map(|kind| matches!(&*kind.concrete_type, "Sleep" | "Interval")).collect();
    let mut of_kind = vec![0u32; is_timer.len()];
    trace.resources.iter().for_each(|row| of_kind[row.kind as usize] += 1);
    super::pause().await;
    let mut first = vec![NONE; is_timer.len()];
    let room = |(number, row): (u32, &crate::types::ResourceRow)| {
        let kind = row.kind as usize;
        match () {
            () if is_timer[kind] => NONE,
            () if of_kind[kind] <= FEW => number,
            () => {
                first[kind] = first[kind].min(number);
                first[kind]
            }
        }
    };
    (0..).zip(trace.resources.iter()).map(room).collect()
}
