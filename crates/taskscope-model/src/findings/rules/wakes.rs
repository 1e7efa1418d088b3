//! A task that is woken far more often than it is polled: most wakes change nothing.
//!
//! No false alarm: a task that is busy while it is woken gets some wakes too many, and one that many others report to gets a wake from each. Only
//! a task that gets many times as many, over and over, is meant; and only those that Tokio schedules, since
//! the main future and parts of a task are woken by what is inside.

use super::Rule;
use crate::findings::{Finding, Kind, Known};
use crate::trace::Trace;
use crate::types::TaskIx;
use crate::units::{count, plural};

/// So many wakes for each poll.
const TIMES: u32 = 20;
/// And so many at least.
const LEAST: u32 = 2_000;

#[derive(Default)]
pub(super) struct ExcessWakes(Vec<TaskIx>);

impl Rule for ExcessWakes {
    fn task(&mut self, trace: &Trace, task: TaskIx) {
        let of = trace.task(task);
        let (wakes, polls) = (of.wake_count(), of.poll_count());
        if wakes >= LEAST && wakes / TIMES >= polls && polls > 0 && of.is_async() {
            self.0.push(task);
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let tasks = self.0.into_iter();
        let tasks = tasks.map(|task| (task, u64::from(trace.task(task).wake_count()), 0));
        let findings = super::by_place(trace, tasks).map(|(place, group)| {
            let (task, wakes, _) = group.worst;
            let mut evidence = format!(
                "{} was woken {} times and polled {} times",
                trace.quoted(task),
                count(wakes),
                count(trace.task(task).poll_count().into()),
            );
            if group.tasks > 1 {
                evidence +=
                    &format!("; so were {} from this place", plural(group.tasks - 1, "other task"));
            }
            let times = trace.life(task);
            Finding {
                certain: trace.is_whole(&times),
                task: Some(task),
                poll: trace.task_polls(task).first(),
                place,
                start: times.start,
                end: times.end,
                count: group.tasks,
                ..Finding::new(Kind::ExcessWakes, evidence)
            }
        });
        findings.collect()
    }
}
