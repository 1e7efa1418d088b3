//! The second pass: sort, index, conclude.
//!
//! See [`super::replay`] for the first.

use foldhash::{HashMap, HashSet};
use std::ops::Range;

use taskscope_format::{EndKind, Nanos, Report, Source, TaskKind, meta};

use super::infer;
use super::occupancy;
use super::raw::{RawLane, RawPoll, RawWake};
use super::replay::Builder;
use super::yields;
use crate::lanes;
use crate::trace::Trace;
use crate::types::{
    Hop, Lane, LaneIx, LaneKind, Poll, PollEnd, PollIx, Task, TaskIx, Wake, WakeIx, Waker,
};

pub(crate) fn finish(mut builder: Builder, report: Report) -> Trace {
    infer::kinds(&mut builder);
    infer::runtime_names(&mut builder);
    take_off_drops(&mut builder);
    take_off_late_brackets(&mut builder);
    order_tasks(&mut builder);
    order_runtimes(&mut builder);
    order_lanes(&mut builder);
    builder.threads.sort_by_key(|thread| thread.id);
    builder.drops.sort_by_key(|drop| (drop.from, drop.until, drop.thread));
    builder.gaps.sort_by_key(|gap| (gap.from, gap.until, gap.thread));
    let mut raw_polls = std::mem::take(&mut builder.polls);
    let mut raw_wakes = std::mem::take(&mut builder.wakes);
    let busy = occupancy::settle(&mut raw_polls, builder.lanes.len());
    raw_wakes.sort_by_key(|wake| wake.time);

    let count = builder.tasks.len();
    let (ranges, mut polls_by_task) =
        group_by_task(count, raw_polls.iter().map(|poll| poll.task), PollIx);
    for (task, range) in builder.tasks.iter_mut().zip(ranges) {
        let of_task = &mut polls_by_task[range.start as usize..range.end as usize];
        of_task.sort_by_key(|poll| raw_polls[poll.get()].start);
        task.polls = range;
    }
    let (ranges, wakes_by_task) =
        group_by_task(count, raw_wakes.iter().map(|wake| wake.task), WakeIx);
    for (task, range) in builder.tasks.iter_mut().zip(ranges) {
        task.wakes = range;
    }
    let notices_parks = builder.info.get(meta::PARKS) == Some(meta::PARKS_NOTICED);
    let records_parks = |lane: LaneIx| match builder.lanes[lane.get()].kind {
        LaneKind::Worker { runtime, .. } => {
            notices_parks || builder.runtimes[runtime as usize].hooked
        }
        LaneKind::Thread(_) => false,
    };
    let recording = yields::Recording {
        tasks: &builder.tasks,
        polls_by_task: &polls_by_task,
        wakes_by_task: &wakes_by_task,
        records_parks: &records_parks,
    };
    yields::infer(&recording, &mut raw_polls, &mut raw_wakes);
    for task in &builder.tasks {
        let polls = &polls_by_task[task.polls.start as usize..task.polls.end as usize];
        end_last_poll(task, polls, &mut raw_polls);
    }

    let polls: Vec<Poll> = raw_polls.iter().map(finished_poll).collect();
    let (left_lane, ends_off_lane) = occupancy::left_lane(&raw_polls);
    drop(raw_polls);
    if notices_parks {
        take_off_noticed_parks(&mut builder);
    }
    let lanes = finished_lanes(std::mem::take(&mut builder.lanes), &polls, &busy);
    let lane_levels =
        lanes.iter().map(|lane| lanes::levels(&polls, lane.polls.clone(), &left_lane)).collect();
    for (position, lane) in lanes.iter().enumerate() {
        if let LaneKind::Worker { runtime, .. } = lane.kind {
            builder.runtimes[runtime as usize].workers.push(LaneIx(position as u16));
        }
    }
    let hops = hops(&mut builder.tasks, &polls, &polls_by_task, &lanes);
    let mut ends: Vec<(Nanos, TaskIx)> = (0..)
        .map(TaskIx)
        .zip(&builder.tasks)
        .filter_map(|(ix, task)| Some((task.end?.time, ix)))
        .collect();
    ends.sort_unstable();

    builder.spans.sort(lanes.len());
    let mut waits = builder.waits;
    waits.sort_by_key(|wait| (wait.task, wait.time));
    builder.scheduled.sort_unstable();
    let (start, end) = builder.span.unwrap_or((0, 0));
    Trace {
        info: builder.info,
        report,
        span: start..end,
        runtimes: builder.runtimes,
        threads: builder.threads,
        lanes,
        lane_levels,
        places: builder.places,
        tasks: builder.tasks,
        polls,
        left_lane,
        ends_off_lane,
        polls_by_task,
        wakes: raw_wakes.iter().map(finished_wake).collect(),
        wakes_by_task,
        spans: builder.spans,
        resources: builder.resources,
        waits,
        hops,
        ends,
        drops: builder.drops,
        gaps: builder.gaps,
        before: builder.before,
        scheduled: builder.scheduled,
    }
}

fn finished_poll(raw: &RawPoll) -> Poll {
    let RawPoll { start, end, task, lane, how, depth, left_lane, .. } = *raw;
    let how = match how {
        PollEnd::Pending | PollEnd::Yielded { .. } if raw.budget_spent => PollEnd::BudgetSpent,
        other => other,
    };
    Poll { start, end, task, lane, how, depth, gave_worker_away: left_lane.is_some() }
}

fn finished_wake(raw: &RawWake) -> Wake {
    let RawWake { time, task, by, op, lane, worker, .. } = *raw;
    Wake { time, task, by, op, lane, worker }
}

/// Takes off the parks of no length that stand where parks are not recorded: they say that a worker
/// has parked, and not when.
fn take_off_noticed_parks(builder: &mut Builder) {
    for lane in &mut builder.lanes {
        lane.parks.retain(|park| park.start < park.end);
    }
}

/// Takes off the brackets in which no future was polled, but dropped.
///
/// Tokio enters a task's span once more to drop the future, whether it returned
/// or was aborted. The recorder leaves that out where hooks show what is a poll;
/// elsewhere it is the last bracket of every task that has ended. (The end itself
/// may be recorded later, and on another thread: something can outlive the task and
/// hold on to its span. Where events were dropped this may take off one too many.)
fn take_off_drops(builder: &mut Builder) {
    let mut last: HashMap<TaskIx, (Nanos, usize)> = HashMap::default();
    for (position, poll) in builder.polls.iter().enumerate() {
        let ended = builder.tasks[poll.task.get()].end.is_some();
        if ended && poll.source == Source::Span {
            let latest = last.entry(poll.task).or_insert((poll.start, position));
            *latest = (*latest).max((poll.start, position));
        }
    }
    let drops: HashSet<usize> = last.into_values().map(|(_, position)| position).collect();
    let mut position = 0;
    builder.polls.retain(|_| {
        position += 1;
        !drops.contains(&(position - 1))
    });
}

/// Takes off the brackets that a hook reports after its task has ended.
///
/// A runtime that shuts down ends its tasks on one thread, while others may still
/// take them out of their queues, and find nothing to poll. The recorder knows
/// that where the task has a span. (One that began before the end may well be a
/// poll: a bracket can last longer than its poll, in which time another worker
/// takes up the task.)
fn take_off_late_brackets(builder: &mut Builder) {
    let Builder { polls, tasks, .. } = builder;
    polls.retain(|poll| {
        let end = tasks[poll.task.get()].end;
        poll.source != Source::Hook
            || poll.how != PollEnd::Pending
            || end.is_none_or(|end| poll.start < end.time)
    });
}

/// Puts tasks into the order of their spawns, those that are older than the
/// recording first. A file has them in the order in which threads wrote
/// their blocks.
fn order_tasks(builder: &mut Builder) {
    let mut order: Vec<u32> = (0..builder.tasks.len() as u32).collect();
    order.sort_by_key(|&old| {
        let task = &builder.tasks[old as usize];
        (task.spawned, task.id)
    });
    let mut new = vec![TaskIx(0); order.len()];
    for (position, &old) in order.iter().enumerate() {
        new[old as usize] = TaskIx(position as u32);
    }
    let renumber = |task: &mut TaskIx| *task = new[task.get()];

    builder.tasks.iter_mut().filter_map(|task| task.parent.as_mut()).for_each(renumber);
    builder.polls.iter_mut().for_each(|poll| renumber(&mut poll.task));
    builder.waits.iter_mut().for_each(|wait| renumber(&mut wait.task));
    builder.spans.renumber_tasks(renumber);
    builder.before.iter_mut().for_each(|(task, _)| renumber(task));
    for wake in &mut builder.wakes {
        renumber(&mut wake.task);
        if let Waker::Task(task) = &mut wake.by {
            renumber(task);
        }
    }
    let mut tasks: Vec<Option<Task>> = builder.tasks.drain(..).map(Some).collect();
    builder.tasks = order.iter().filter_map(|&old| tasks[old as usize].take()).collect();
}

/// Puts runtimes into the order of their numbers, so that the same program looks
/// the same each time. Which of their threads is first in a file is chance.
fn order_runtimes(builder: &mut Builder) {
    let mut order: Vec<u32> = (0..builder.runtimes.len() as u32).collect();
    order.sort_by_key(|&old| builder.runtimes[old as usize].id);
    let mut new = vec![0; order.len()];
    for (position, &old) in order.iter().enumerate() {
        new[old as usize] = position as u32;
    }
    let renumber = |runtime: &mut u32| *runtime = new[*runtime as usize];

    builder.tasks.iter_mut().filter_map(|task| task.runtime.as_mut()).for_each(renumber);
    for lane in &mut builder.lanes {
        if let LaneKind::Worker { runtime, .. } = &mut lane.kind {
            renumber(runtime);
        }
    }
    builder.runtimes.sort_by_key(|runtime| runtime.id);
}

/// Puts lanes into the order in which people read them: workers by runtime and
/// index, then the other threads.
fn order_lanes(builder: &mut Builder) {
    let mut order: Vec<usize> = (0..builder.lanes.len()).collect();
    order.sort_by_key(|&old| builder.lanes[old].kind);
    let mut new = vec![LaneIx(0); order.len()];
    for (position, &old) in order.iter().enumerate() {
        new[old] = LaneIx(position as u16);
    }
    let renumber = |lane: &mut LaneIx| *lane = new[lane.get()];

    builder.polls.iter_mut().for_each(|poll| renumber(&mut poll.lane));
    builder.spans.renumber_lanes(renumber);
    builder.tasks.iter_mut().filter_map(|task| task.spawned_on.as_mut()).for_each(renumber);
    for wake in &mut builder.wakes {
        wake.lane.iter_mut().for_each(renumber);
        wake.worker.iter_mut().for_each(renumber);
        if let Waker::Driver(lane) = &mut wake.by {
            renumber(lane);
        }
    }
    builder.drops.iter_mut().filter_map(|drop| drop.lane.as_mut()).for_each(renumber);
    builder.gaps.iter_mut().filter_map(|gap| gap.lane.as_mut()).for_each(renumber);
    let mut lanes: Vec<Option<RawLane>> = builder.lanes.drain(..).map(Some).collect();
    builder.lanes = order.iter().filter_map(|&old| lanes[old].take()).collect();
}

/// The positions of things by their task, in the order in which they come.
fn group_by_task<Ix>(
    count: usize,
    tasks: impl Iterator<Item = TaskIx> + Clone,
    index: fn(u32) -> Ix,
) -> (Vec<Range<u32>>, Vec<Ix>) {
    let mut ends = vec![0u32; count];
    tasks.clone().for_each(|task| ends[task.get()] += 1);
    let mut total = 0;
    let mut ranges: Vec<Range<u32>> = ends
        .iter()
        .map(|&count| {
            let start = total;
            total += count;
            start..start
        })
        .collect();
    let mut slots: Vec<u32> = vec![0; total as usize];
    for (position, task) in tasks.enumerate() {
        let range = &mut ranges[task.get()];
        slots[range.end as usize] = position as u32;
        range.end += 1;
    }
    (ranges, slots.into_iter().map(index).collect())
}

/// A bracket from a span doesn't know that its poll was the last; the task's
/// end does.
fn end_last_poll(task: &Task, polls: &[PollIx], raw_polls: &mut [RawPoll]) {
    let (Some(end), Some(last)) = (task.end, polls.last()) else { return };
    let last = &mut raw_polls[last.get()];
    match end.kind {
        EndKind::Returned => last.how = PollEnd::Ready,
        EndKind::Panicked => last.how = PollEnd::Panicked,
        EndKind::Cancelled if last.how == PollEnd::Pending => last.how = PollEnd::Cancelled,
        EndKind::Cancelled | EndKind::Unknown => {}
    }
}

fn finished_lanes(raw: Vec<RawLane>, polls: &[Poll], busy: &[Nanos]) -> Vec<Lane> {
    let mut begin = 0;
    let lane = |(position, lane): (usize, RawLane)| {
        let RawLane { kind, mut parks, mut threads } = lane;
        threads.sort_unstable();
        threads.dedup_by_key(|behind| behind.thread);
        let after = polls.partition_point(|poll| poll.lane.get() <= position);
        let polls = begin as u32..after as u32;
        begin = after;
        parks.sort_by_key(|park| park.start);
        let parked = occupancy::union(parks.iter().map(|park| park.start..park.end));
        let busy = busy.get(position).copied().unwrap_or(0);
        Lane { kind, polls, parks, threads, busy, parked }
    };
    raw.into_iter().enumerate().map(lane).collect()
}

/// Finds the hops, and adds up each task's figures on the way.
fn hops(tasks: &mut [Task], polls: &[Poll], polls_by_task: &[PollIx], lanes: &[Lane]) -> Vec<Hop> {
    let runtime_of = |poll: PollIx| match lanes[polls[poll.get()].lane.get()].kind {
        LaneKind::Worker { runtime, .. } => Some(runtime),
        LaneKind::Thread(_) => None,
    };
    let mut hops = Vec::new();
    for task in tasks {
        let of_task = &polls_by_task[task.polls.start as usize..task.polls.end as usize];
        for &poll in of_task {
            let poll = &polls[poll.get()];
            task.busy = task.busy.saturating_add(poll.duration());
            task.longest = task.longest.max(poll.duration());
        }
        let before = hops.len();
        // A part moves with its task, whose hops these are.
        if task.kind == TaskKind::Task && !task.is_part {
            hops.extend(of_task.windows(2).filter_map(|pair| {
                let (from, to) = (pair[0], pair[1]);
                // To another worker of its runtime. Where no runtime of Tokio's
                // polls it, to another thread.
                let moved = polls[from.get()].lane != polls[to.get()].lane
                    && runtime_of(from) == runtime_of(to);
                moved.then_some(Hop { from, to })
            }));
        }
        task.hops = (hops.len() - before) as u32;
        task.runtime = task.runtime.or_else(|| of_task.first().and_then(|&poll| runtime_of(poll)));
    }
    hops.sort_by_key(|hop| polls[hop.to.get()].start);
    hops
}
