//! Many tasks wait for one lock, one after the other.

use taskscope_format::Nanos;

use super::survey::{OfLock, Survey};
use super::{Finding, Kind, MOST_AFFECTED, Severity, duration, plural};
use crate::trace::Trace;
use crate::types::{PollIx, ResourceIx, TaskIx, Waker};
use crate::units;

/// So many waits are no accident.
const AGAIN: u64 = 20;
/// So many wait at once.
const CROWD: usize = 4;
/// For so long, on average.
const LONG: Nanos = 1_000_000;

pub(super) fn find(trace: &Trace, survey: &Survey, findings: &mut Vec<Finding>) {
    let mut locks: Vec<_> = survey.locks.iter().collect();
    locks.sort_by_key(|(resource, _)| **resource);
    findings.extend(locks.into_iter().filter_map(|(&resource, of)| convoy(trace, resource, of)));
}

fn convoy(trace: &Trace, resource: ResourceIx, of: &OfLock) -> Option<Finding> {
    if of.count < AGAIN || of.time / of.count < LONG {
        return None;
    }
    let (crowd, at) = most_at_once(&of.waits);
    if crowd < CROWD {
        return None;
    }
    let lock = trace.resource(resource);
    let &(start, end, longest) = of.waits.iter().max_by_key(|(start, end, _)| end - start)?;
    let mut affected: Vec<(Nanos, TaskIx)> = of
        .waits
        .iter()
        .filter(|(start, end, _)| (*start..*end).contains(&at))
        .map(|&(start, end, poll)| (end - start, trace.poll(poll).task))
        .collect();
    affected.sort_unstable_by_key(|&(time, task)| (std::cmp::Reverse(time), task));
    let place = lock
        .place
        .map_or(String::new(), |place| format!(" made at {}", trace.place(place).short()));
    let mut evidence = format!(
        "{} tasks at once waited for the {}{place}; {} took {} on average. `{}` waited longest, {}",
        units::count(crowd as u64),
        lock.concrete_type,
        plural(of.count, "wait"),
        duration(of.time / of.count),
        trace.task_name(trace.poll(longest).task),
        duration(end - start),
    );
    match released_by(trace, longest) {
        Some(task) => {
            evidence.push_str(&format!(", until `{}` released it.", trace.task_name(task)))
        }
        None => evidence.push('.'),
    }
    Some(Finding {
        kind: Kind::LockConvoy,
        severity: Severity::Warning,
        certain: true,
        task: Some(trace.poll(longest).task),
        poll: Some(longest),
        place: lock.place,
        lane: None,
        times: start..end,
        evidence,
        affected: affected.into_iter().map(|(_, task)| task).take(MOST_AFFECTED).collect(),
        cost: of.time,
    })
}

/// Who woke the task that waited after a poll.
fn released_by(trace: &Trace, poll: PollIx) -> Option<TaskIx> {
    match trace.wake(trace.wake_after(poll)?).by {
        Waker::Task(task) if task != trace.poll(poll).task => Some(task),
        _ => None,
    }
}

/// How many waited at once, at most, and when.
fn most_at_once(waits: &[(Nanos, Nanos, PollIx)]) -> (usize, Nanos) {
    let mut steps: Vec<(Nanos, i32)> =
        waits.iter().flat_map(|&(start, end, _)| [(start, 1), (end, -1)]).collect();
    // Who is woken leaves before the next one comes.
    steps.sort_unstable();
    let (mut waiting, mut most) = (0, (0, 0));
    for (time, step) in steps {
        waiting += step;
        if waiting > most.0 {
            most = (waiting, time);
        }
    }
    (usize::try_from(most.0).unwrap_or(0), most.1)
}
