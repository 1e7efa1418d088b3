//! A poll kept its worker while other tasks stood in line.
//!
//! A poll that computes looks like one whose thread lost its processor to another: Tokio reports when polls begin and end, and
//! not what they got of a processor. So where more threads polled at once than there are processors, a long poll is no
//! alarm but a hint: all such hints together are a finding of their own.

use std::cmp::Reverse;

use taskscope_format::Nanos;

use super::crowd::{Crowd, few_processors};
use super::survey::{Survey, scheduled_since};
use super::{Finding, Kind, MOST_AFFECTED, Severity, at_place, duration, plural};
use crate::State;
use crate::questions::{Activity, instant};
use crate::trace::Trace;
use crate::types::{PollIx, TaskIx};

/// Shorter ones may be a thread that lost its processor for a turn or two.
const ALARMING: Nanos = 20_000_000;
/// So often it is no accident.
const AGAIN: u64 = 3;
/// So long it is none either.
const VERY_LONG: Nanos = 100_000_000;
/// To look at a poll closely is to look at all tasks: so many of these in all, for each place.
const LOOKED_AT: usize = 1 << 22;
/// A task waited for a poll if it stood in line for at least this part of it.
const PART: u64 = 4;

/// One for each place where tasks with such polls were spawned.
pub(super) async fn find(
    trace: &Trace,
    activity: Option<&Activity>,
    survey: &Survey,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let crowd = Crowd::new(trace);
    let close = (LOOKED_AT / (trace.task_count() + 1)).clamp(4, 64);
    let mut crowded = Vec::new();
    let mut places: Vec<_> = survey.places.iter().filter(|(_, of)| of.long.count > 0).collect();
    places.sort_by_key(|(place, of)| (Reverse(of.long.list()[0].0), **place));
    for (&place, of) in places {
        let mut worst: Option<(PollIx, Vec<(Nanos, TaskIx)>)> = None;
        for &(_, poll) in of.long.list().iter().take(close) {
            let waited = waited_for(trace, activity, poll).await;
            if worst.as_ref().is_none_or(|(_, most)| waited.len() > most.len()) {
                worst = Some((poll, waited));
            }
        }
        let Some((ix, waited)) = worst else { continue };
        let poll = trace.poll(ix);
        let took = poll.duration();
        // Where no one had to wait, it is a matter of taste.
        if waited.is_empty() && took < VERY_LONG {
            continue;
        }
        let alarming = of.long.list().iter().filter(|(time, poll)| {
            *time >= ALARMING && !crowd.is_around(trace, &trace.poll(*poll))
        });
        let alarming = alarming.count() as u64;
        let in_crowd =
            of.long.list().iter().filter(|(_, poll)| crowd.is_around(trace, &trace.poll(*poll)));
        crowded.extend(in_crowd.map(|&(_, poll)| poll));
        let is_crowded = crowd.is_around(trace, &poll);
        let severity = match (waited.is_empty(), took) {
            (false, VERY_LONG..) if !is_crowded => Severity::Severe,
            (false, _) if alarming >= AGAIN => Severity::Warning,
            _ => Severity::Note,
        };
        let name = trace.task_name(poll.task);
        let lane = trace.lane_name(poll.lane);
        let mut evidence = format!("`{name}` held {lane} for {} in one poll", duration(took));
        match waited.first() {
            Some(&(longest, _)) => evidence.push_str(&format!(
                "; {} scheduled meanwhile, the longest for {}.",
                match waited.len() {
                    1 => "1 task was".to_owned(),
                    many => format!("{} were", plural(many as u64, "task")),
                },
                duration(longest)
            )),
            None => evidence.push_str("; no task had to wait for that."),
        }
        if of.long.count > 1 {
            let polls = plural(of.long.count, "poll");
            let least = duration(super::survey::LONG);
            evidence.push_str(&format!(" {polls} of such tasks took {least} or longer"));
            evidence.push_str(&at_place(trace, place));
            evidence.push('.');
        }
        if is_crowded {
            evidence.push_str(" It may have had no processor for a part of that.");
        }
        findings.push(Finding {
            kind: Kind::HeldWorker,
            severity,
            certain: !is_crowded,
            task: Some(poll.task),
            poll: Some(ix),
            place,
            lane: Some(poll.lane),
            times: poll.start..poll.end,
            evidence,
            cost: waited.iter().map(|(time, _)| *time).sum::<Nanos>().max(took),
            affected: waited.into_iter().map(|(_, task)| task).take(MOST_AFFECTED).collect(),
        });
    }
    findings.extend(few_processors(trace, &crowd, &crowded));
    findings
}

/// The tasks of the same runtime that stood in line when a poll ended, and for how long of it; the longest first.
async fn waited_for(
    trace: &Trace,
    activity: Option<&Activity>,
    ix: PollIx,
) -> Vec<(Nanos, TaskIx)> {
    let poll = trace.poll(ix);
    let runtime = trace.task(poll.task).runtime;
    let at = instant(trace, activity, poll.end.saturating_sub(1)).await;
    let scheduled = at.tasks.iter().filter(|of| of.span.state == State::Scheduled);
    let of_runtime = scheduled.filter(|of| {
        of.task != poll.task
            && trace.task(of.task).runtime == runtime
            && trace.task(of.task).is_queued()
    });
    let mut waited: Vec<(Nanos, TaskIx)> = of_runtime
        .filter_map(|of| {
            let since = of.next.and_then(|next| scheduled_since(trace, next));
            let since = since.unwrap_or(of.span.start).max(poll.start);
            let time = poll.end.saturating_sub(since);
            (time >= poll.duration() / PART).then_some((time, of.task))
        })
        .collect();
    waited.sort_unstable_by_key(|&(time, task)| (Reverse(time), task));
    waited
}
