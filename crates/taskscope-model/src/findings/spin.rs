//! Tasks that are polled, or woken, in vain.

use super::survey::Survey;
use super::{Finding, Kind, Severity, at_place, duration, plural};
use crate::trace::Trace;
use crate::types::TaskIx;
use crate::units;

/// A task that woke itself so often did not just give way now and then.
const OFTEN: u64 = 1_000;
/// Of ten polls so many must have been so.
const OF_TEN: u64 = 9;
/// So many wakes for each poll are too many.
const WAKES_A_POLL: u64 = 4;
/// So often a place must have spent its budget, and in half of its polls.
const SPENT: u64 = 100;

pub(super) fn find(trace: &Trace, survey: &Survey, findings: &mut Vec<Finding>) {
    let mut tasks: Vec<_> = survey.self_woken.iter().map(|(&task, &count)| (task, count)).collect();
    tasks.sort_unstable_by_key(|&(task, count)| (std::cmp::Reverse(count), task));
    let loops: Vec<(TaskIx, u64)> = tasks
        .into_iter()
        .filter(|&(task, count)| {
            count >= OFTEN && 10 * count >= OF_TEN * u64::from(trace.task(task).poll_count())
        })
        .collect();
    // One for each place.
    let mut said = Vec::new();
    for &(task, count) in &loops {
        let place = trace.task(task).place;
        if said.contains(&place) {
            continue;
        }
        said.push(place);
        let alike = loops.iter().filter(|(other, _)| trace.task(*other).place == place).count();
        findings.push(self_wake(trace, task, count, alike as u64));
    }
    budget(trace, survey, findings);
    idle_wakes(trace, findings);
}

fn self_wake(trace: &Trace, task: TaskIx, count: u64, alike: u64) -> Finding {
    let of = trace.task(task);
    let mut evidence = format!(
        "`{}` woke itself in {} of its {}{}: it ran whenever a worker was free, {} in all.",
        trace.task_name(task),
        units::count(count),
        plural(of.poll_count().into(), "poll"),
        at_place(trace, of.place),
        duration(of.busy()),
    );
    if alike > 1 {
        evidence.push_str(&format!(" {} did so.", plural(alike, "task")));
    }
    about(trace, task, Kind::SelfWake, Severity::Warning, evidence)
}

fn budget(trace: &Trace, survey: &Survey, findings: &mut Vec<Finding>) {
    let mut places: Vec<_> = survey.places.iter().collect();
    places.sort_by_key(|(place, _)| **place);
    for (&place, of) in places {
        let Some(last) = of.last_spent.filter(|_| of.budget_spent >= SPENT) else { continue };
        if 2 * of.budget_spent < of.polls {
            continue;
        }
        let task = trace.poll(last).task;
        let evidence = format!(
            "{} of the {} of tasks like `{}`{} ended since the budget was spent.",
            units::count(of.budget_spent),
            plural(of.polls, "poll"),
            trace.task_name(task),
            at_place(trace, place),
        );
        findings.push(about(trace, task, Kind::BudgetSpent, Severity::Note, evidence));
    }
}

fn idle_wakes(trace: &Trace, findings: &mut Vec<Finding>) {
    let is_so = |task: &TaskIx| {
        let of = trace.task(*task);
        let (wakes, polls) = (u64::from(of.wake_count()), u64::from(of.poll_count()));
        wakes >= OFTEN && wakes >= WAKES_A_POLL * polls
    };
    let tasks = (0..trace.task_count() as u32).map(TaskIx).filter(is_so);
    let Some(task) = tasks.max_by_key(|&task| trace.task(task).wake_count()) else { return };
    let of = trace.task(task);
    let evidence = format!(
        "`{}`{} was woken {} times and polled {} times.",
        trace.task_name(task),
        at_place(trace, of.place),
        units::count(of.wake_count().into()),
        units::count(of.poll_count().into()),
    );
    findings.push(about(trace, task, Kind::IdleWakes, Severity::Note, evidence));
}

/// A finding about all of a task's life.
fn about(trace: &Trace, task: TaskIx, kind: Kind, severity: Severity, evidence: String) -> Finding {
    let of = trace.task(task);
    let end = of.end.map_or(trace.span().end, |end| end.time);
    Finding {
        kind,
        severity,
        certain: true,
        task: Some(task),
        poll: None,
        place: of.place,
        lane: None,
        times: trace.first_seen(task)..end,
        evidence,
        affected: Vec::new(),
        cost: of.busy(),
    }
}
