//! Tasks that are ready and not polled: since workers are busy with others all the time, or although a worker sleeps.

use taskscope_format::Nanos;

use super::survey::{OfPlace, Survey, scheduled_since};
use super::{Finding, Kind, Severity, duration, plural};
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx};
use crate::units;

/// So long a ready task should not be kept from a worker.
const STARVING: Nanos = 20_000_000;
/// So many polls of a place must have come so late, and half of all.
const AGAIN: u64 = 5;
/// Into so many parts the time is divided, to see what workers did in it.
const SAMPLES: u64 = 16;
/// A worker that slept in so many of them was free.
const FREE: u64 = 13;
/// Of the latest polls of a place so many are looked at.
const LOOKED_AT: usize = 32;

pub(super) fn find(trace: &Trace, survey: &Survey, findings: &mut Vec<Finding>) {
    let mut places: Vec<_> = survey.places.iter().filter(|(_, of)| of.late.count > 0).collect();
    places.sort_by_key(|(place, _)| **place);
    for (&place, of) in places {
        findings.extend(starved(trace, place, of));
        findings.extend(beside_idle(trace, place, of));
    }
}

/// Most polls of the place come late, and no single poll is to blame.
fn starved(trace: &Trace, place: Option<PlaceIx>, of: &OfPlace) -> Option<Finding> {
    let late: Vec<_> = of.late.list().iter().filter(|(time, _)| *time >= STARVING).collect();
    let count = late.len() as u64;
    if count < AGAIN || 2 * of.late.count < of.polls {
        return None;
    }
    let blamed = late.iter().filter(|(time, poll)| {
        longest_meanwhile(trace, *poll).is_some_and(|longest| 2 * longest >= *time)
    });
    if 2 * blamed.count() > late.len() {
        return None;
    }
    let &&(time, ix) = late.first()?;
    let poll = trace.poll(ix);
    let since = poll.start - time;
    let (polls, tasks) = polled_meanwhile(trace, poll.lane, since..poll.start);
    let evidence = format!(
        "`{}` was ready for {} before it was polled; {} went through {} of {} meanwhile. {} of {} of such tasks came {} \
         late or later.",
        trace.task_name(poll.task),
        duration(time),
        trace.lane_name(poll.lane),
        plural(polls, "poll"),
        plural(tasks, "other task"),
        units::count(of.late.count),
        plural(of.polls, "poll"),
        duration(super::survey::LATE),
    );
    Some(Finding {
        kind: Kind::Starved,
        severity: Severity::Warning,
        certain: true,
        task: Some(poll.task),
        poll: Some(ix),
        place,
        lane: Some(poll.lane),
        times: since..poll.start,
        evidence,
        affected: vec![poll.task],
        cost: of.late.list().iter().map(|(time, _)| *time).sum(),
    })
}

/// Polls came late although a worker of the runtime slept all the time.
fn beside_idle(trace: &Trace, place: Option<PlaceIx>, of: &OfPlace) -> Option<Finding> {
    let latest = of.late.list().iter().take(LOOKED_AT);
    let beside = latest.filter_map(|&(time, ix)| {
        let poll = trace.poll(ix);
        let since = poll.start - time;
        Some((time, ix, free_worker(trace, poll.lane, since..poll.start)?))
    });
    let beside: Vec<(Nanos, PollIx, LaneIx)> = beside.collect();
    let &(time, ix, idle) = beside.first()?;
    let poll = trace.poll(ix);
    let evidence = format!(
        "`{}` was ready for {} before {} polled it; {} slept meanwhile. This was so for {} of {}.",
        trace.task_name(poll.task),
        duration(time),
        trace.lane_name(poll.lane),
        trace.lane_name(idle),
        units::count(beside.len() as u64),
        plural(of.late.list().len().min(LOOKED_AT) as u64, "late poll"),
    );
    Some(Finding {
        kind: Kind::IdleWorker,
        // It is not recorded in which queue a task stood.
        severity: Severity::Note,
        certain: false,
        task: Some(poll.task),
        poll: Some(ix),
        place,
        lane: Some(idle),
        times: poll.start - time..poll.start,
        evidence,
        affected: vec![poll.task],
        cost: beside.iter().map(|(time, _, _)| *time).sum(),
    })
}

/// The longest poll on the lane while the task of a poll was ready.
fn longest_meanwhile(trace: &Trace, ix: PollIx) -> Option<Nanos> {
    let poll = trace.poll(ix);
    let since = scheduled_since(trace, ix)?;
    let spans = trace.lod_spans(poll.lane, since..poll.start, 1);
    let within = spans.iter().map(|span| span.end.min(poll.start) - span.start.max(since));
    within.max()
}

/// How many polls of how many tasks began on a lane in some time.
fn polled_meanwhile(trace: &Trace, lane: LaneIx, times: std::ops::Range<Nanos>) -> (u64, u64) {
    let spans = trace.lod_spans(lane, times.clone(), 1);
    let begun = spans.iter().filter(|span| span.start >= times.start && span.start < times.end);
    let mut tasks: Vec<_> = begun.map(|span| span.task).collect();
    let polls = tasks.len() as u64;
    tasks.sort_unstable();
    tasks.dedup();
    (polls, tasks.len() as u64)
}

/// A worker of the same runtime that slept nearly all of some time.
fn free_worker(trace: &Trace, lane: LaneIx, times: std::ops::Range<Nanos>) -> Option<LaneIx> {
    let runtime = trace.runtimes().iter().find(|of| of.workers.contains(&lane))?;
    let part = (times.end - times.start) / (SAMPLES + 1);
    let slept = |worker: LaneIx| {
        let moments = (1..=SAMPLES).map(|number| times.start + number * part);
        moments.filter(|&moment| trace.is_parked(worker, moment)).count() as u64
    };
    let others = runtime.workers.iter().copied().filter(|&worker| worker != lane);
    { others }.find(|&worker| slept(worker) >= FREE)
}
