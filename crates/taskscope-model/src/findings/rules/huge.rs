//! Futures so large that moving them costs time: each `spawn` copies the future, and so does each function that returns it.
//!
//! No false alarm: [`HUGE`] is where Tokio itself begins to put futures on the heap in a release build. What Tokio
//! boxes in a debug build is much smaller, and says nothing.

use super::Rule;
use crate::findings::{Finding, Kind, Known};
use crate::trace::Trace;
use crate::types::TaskIx;
use crate::units::{count, plural};

/// Tokio's `BOX_FUTURE_THRESHOLD` without debug assertions.
const HUGE: u64 = 16_384;

#[derive(Default)]
pub(super) struct Huge(Vec<(TaskIx, u64)>);

impl Rule for Huge {
    fn task(&mut self, trace: &Trace, task: TaskIx) {
        let of = trace.task(task);
        let size = of.original_size.or(of.size).unwrap_or(0);
        if size >= HUGE && of.is_async() {
            self.0.push((task, size));
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let tasks = self.0.into_iter().map(|(task, size)| (task, size, size));
        let findings = super::by_place(trace, tasks).map(|(place, group)| {
            let (task, size, _) = group.worst;
            let of = trace.task(task);
            let boxed = match of.original_size {
                Some(_) => ", so that Tokio put it on the heap",
                None => "",
            };
            let mut evidence =
                format!("the future of {} has {} bytes{boxed}", trace.quoted(task), count(size));
            if group.tasks > 1 {
                evidence += &format!(
                    "; {} from this place, {} bytes in all",
                    plural(group.tasks, "such task"),
                    count(group.cost),
                );
            }
            let times = trace.life(task);
            Finding {
                task: Some(task),
                poll: trace.task_polls(task).first(),
                place,
                worker: of.spawned_on.filter(|&lane| trace.is_worker(lane)),
                start: times.start,
                end: times.end,
                count: group.tasks,
                // Bytes are copied at some gigabytes a second.
                cost: group.cost / 8,
                ..Finding::new(Kind::HugeFuture, evidence)
            }
        });
        findings.collect()
    }
}
