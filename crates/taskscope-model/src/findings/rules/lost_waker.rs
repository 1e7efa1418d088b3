//! A task that waits, and that nothing can wake any more.
//!
//! A task is woken by a clone of its waker. If none was ever made (in none of its polls), and it is not scheduled, it waits until it
//! is aborted. That is certain, however long it has waited. When clones are dropped is not recorded, so where
//! there was one, the trace cannot tell, and this rule keeps silent.
//!
//! No false alarm: wakers are seen by the `tracing` layer alone. That it was there, and reported this task, shows in
//! the place where it was spawned, which hooks do not know; that no filter hid wakers from it, in that there are wakes
//! at all. The task's whole life must be recorded. A task that awaits
//! `std::future::pending()` is found, too: it has no waker to lose, and only an abort can end it.

use super::Rule;
use crate::CancelledBy;
use crate::findings::{Finding, Kind, Known};
use crate::store::polls::Flags;
use crate::trace::Trace;
use crate::types::{PollEnd, PollIx, TaskIx};
use crate::units::{duration, plural};

#[derive(Default)]
pub(super) struct LostWaker(Vec<(TaskIx, PollIx)>);

impl Rule for LostWaker {
    fn task(&mut self, trace: &Trace, task: TaskIx) {
        let of = trace.task(task);
        let is_reported = of.spawned.is_some() && of.place.is_some() && trace.wake_count() > 0;
        let is_alive = of.end.is_none_or(|end| end.cancelled_by == CancelledBy::Shutdown);
        if !is_reported || !is_alive || of.hot.is_woken() || !of.is_async() || of.id.is_wrapped() {
            return;
        }
        let Some(last) = trace.task_polls(task).last() else { return };
        let waits = matches!(trace.poll(last).how, PollEnd::Pending | PollEnd::Cancelled);
        // (The last poll is the one that has a waker most likely: mostly one step is enough.)
        let mut polls = trace.polls.back_from(last.0);
        if waits && polls.all(|poll| !trace.polls.row(poll).flags.has(Flags::KEPT_WAKER)) {
            self.0.push((task, last));
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        // Any event that is missing may be the one.
        if !trace.is_complete() || !trace.report().complete {
            return Vec::new();
        }
        let waited = |task: TaskIx, last: PollIx| {
            let until = trace.task(task).end.map_or(trace.span().end, |end| end.time);
            until.saturating_sub(trace.polls.end(last))
        };
        let tasks = self.0.into_iter();
        let tasks = tasks.map(|(task, last)| (task, waited(task, last), waited(task, last)));
        let findings = super::by_place(trace, tasks).map(|(place, group)| {
            let (task, waits, _) = group.worst;
            let mut evidence = format!(
                "{} has waited for {}, and in none of its polls ({}) was its waker cloned: nothing can wake it",
                trace.quoted(task),
                duration(waits as f64),
                crate::units::count(trace.task(task).poll_count().into()),
            );
            if group.tasks > 1 {
                evidence += &format!(
                    "; so it is with {} from this place",
                    plural(group.tasks - 1, "other task")
                );
            }
            let last = trace.task_polls(task).last();
            let start = last.map_or(trace.span().start, |last| trace.polls.end(last));
            Finding {
                task: Some(task),
                poll: last,
                place,
                worker: last.map(|last| trace.poll(last).lane).filter(|&l| trace.is_worker(l)),
                start,
                end: start.saturating_add(waits),
                count: group.tasks,
                cost: group.cost,
                ..Finding::new(Kind::LostWaker, evidence)
            }
        });
        findings.collect()
    }
}
