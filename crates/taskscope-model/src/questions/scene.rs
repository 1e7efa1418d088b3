//! Where each task is at an instant: the scheduler as a place.
//!
//! # The problem
//! A stage shows each task somewhere: in a worker's slot, in a queue, in a room where it waits. Tokio reports
//! polls and wakes, and what a pending poll was waiting for. It does not report what is in its queues, nor in
//! which order.
//!
//! # The plan
//! What each task does is [`instant`]'s answer. A task that is *running* is in the slot of its worker: recorded.
//! One that is *scheduled* is in the queue into which Tokio's rules put it ([`Trace::arrival`]): inferred, and so is
//! its place in it, which is that of the time since when it is scheduled. One that *waits* is in the room of what its
//! poll had left pending: recorded, or inferred for joins and I/O ([`WaitedFor`]). Where a token came from and
//! where it goes next follow in the same way from the poll before and the next, so that a scene depends on nothing but its time: it is
//! the same however one comes there, forwards, backwards or by seeking.

use taskscope_format::{Nanos, TaskKind};

use super::activity::Activity;
use super::each;
use super::instant::{TaskState, instant, state_at};
use super::stage::{Outcome, Stage, outcome};
use crate::trace::Trace;
use crate::types::{LaneIx, Poll, PollIx, ResourceIx, TaskIx, WakeAt, WakeIx};
use crate::{Cause, State, StateSpan, WaitedFor};

/// A place in which a task can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// It is being polled on a lane, and the lane is at it. Recorded.
    Slot(LaneIx),
    /// Its poll goes on on a lane that is at another poll within it, or whose worker has gone on with
    /// another thread. Recorded.
    Below(LaneIx),
    /// In a worker's own queue. Inferred.
    Own(LaneIx),
    /// It has yielded, and this worker will call its waker. Inferred where the yield is.
    Deferred(LaneIx),
    /// In the queue that all workers of a runtime share, by its position in [`Trace::runtimes`]; `None` where it is not
    /// known which runtime. Inferred.
    Injection(Option<u32>),
    /// A closure that waits for a thread of the blocking pool. Recorded.
    Pool,
    /// A task of a `LocalSet`, or the future of a `block_on`, that its thread will poll. Recorded.
    Local,
    /// It can run, and what scheduled it was not recorded.
    Scheduled,
    /// It waits.
    Room(Room),
    /// What it does was not recorded.
    Unknown,
    /// It is not there: not spawned yet, or ended.
    Outside,
}

/// A room in which tasks wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// For a time to come. Recorded.
    Timers,
    /// For a lock, a channel or another resource of Tokio's, or for any of those that were made at the same line.
    /// Recorded.
    Resource(ResourceIx),
    /// For a socket, a pipe, a process, a signal. Inferred.
    Io,
    /// For the end of another task. Inferred.
    Joins,
    /// For something of which Tokio does not report what it is.
    Other,
}

/// A task at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// The task.
    pub task: TaskIx,
    /// What it does, since when, and until when.
    pub span: StateSpan,
    /// Where it is.
    pub spot: Spot,
    /// Whether that is inferred and not recorded.
    pub inferred: bool,
    /// Where it was before [`span`](Self::span) began.
    pub from: Spot,
    /// Where it is when that ends.
    pub to: Spot,
    /// The poll before this, or the one that goes on.
    pub before: Option<PollIx>,
    /// The next poll.
    pub next: Option<PollIx>,
    /// The wake that scheduled it, if it is scheduled.
    pub wake: Option<WakeIx>,
}

/// A task that has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaver {
    /// The task.
    pub task: TaskIx,
    /// When it ended.
    pub time: Nanos,
    /// How.
    pub outcome: Outcome,
    /// Whether that is inferred and not recorded.
    pub inferred: bool,
    /// Where it was.
    pub from: Spot,
}

/// All tasks at an instant, and where they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scene {
    /// The instant.
    pub time: Nanos,
    /// The tasks that are alive, in the order of their numbers. Parts of tasks ([`Task::is_part`](crate::Task::is_part)) are
    /// where their tasks are, and are left out.
    pub tokens: Vec<Token>,
    /// Those that ended within the time before that was asked for, in the order of their ends: the last of
    /// them, where they are many.
    pub leavers: Vec<Leaver>,
    /// How many have ended, by [`Outcome`]. As in [`Trace::summary`], this counts what was spawned as a task.
    pub outcomes: [u64; Outcome::ALL.len()],
}

impl Scene {
    /// How many tokens are in a state.
    pub fn count(&self, state: State) -> usize {
        self.tokens.iter().filter(|token| token.span.state == state).count()
    }
}

/// So many leavers are named at most.
const MOST_LEAVERS: usize = 256;

/// Where each task is at a time, and which have ended since `since`.
///
/// Costs what [`instant`] costs and about half as much again.
pub async fn scene(
    trace: &Trace,
    activity: Option<&Activity>,
    stage: &Stage,
    since: Nanos,
    time: Nanos,
) -> Scene {
    let tasks = instant(trace, activity, time).await.tasks;
    let portions: Vec<&[TaskState]> = tasks.chunks(1024).collect();
    let mut tokens = Vec::with_capacity(tasks.len());
    let place = |portion: &&[TaskState]| -> Vec<Token> {
        let whole = portion.iter().filter(|state| !trace.task(state.task).is_part);
        whole.map(|state| token(trace, stage, state, time)).collect()
    };
    each(&portions, place, |portion| tokens.extend(portion)).await;
    let left = stage.ended(trace, since.saturating_add(1)..time.saturating_add(1));
    let left = &left[left.len().saturating_sub(MOST_LEAVERS)..];
    let leavers = left.iter().map(|&task| leaver(trace, stage, task)).collect();
    Scene { time, tokens, leavers, outcomes: stage.outcomes(trace, time) }
}

/// Where one task is at a time; `None` where it is not alive, or a part of another. In a microsecond or so: for
/// what has changed since a scene. (Of a task that is polled on two threads at once, which only damaged
/// recordings have, it may go by another poll than [`scene`].)
pub fn token_at(trace: &Trace, stage: &Stage, task: TaskIx, time: Nanos) -> Option<Token> {
    let state = state_at(trace, task, time).filter(|_| !trace.task(task).is_part)?;
    Some(token(trace, stage, &state, time))
}

fn leaver(trace: &Trace, stage: &Stage, task: TaskIx) -> Leaver {
    let end = trace.task(task).end;
    let time = end.map_or(trace.span.end, |end| end.time);
    let (before, _) = trace.task_polls(task).around(time.saturating_sub(1));
    let from = match before.map(|before| (before, trace.poll(before))) {
        // A poll that ends with its task, or that goes on until its future has been dropped.
        Some((_, poll)) if poll.end >= time => Spot::Slot(poll.lane),
        Some((before, _)) => {
            let woken = trace.wake_after(before).is_some_and(|wake| trace.wake(wake).time < time);
            match woken {
                true => line(trace, task, Some(before), None),
                false => Spot::Room(room(trace, stage, before, None).0),
            }
        }
        None => line(trace, task, None, None),
    };
    let inferred = end.is_some_and(|end| end.inferred);
    Leaver { task, time, outcome: outcome(trace, task), inferred, from }
}

fn token(trace: &Trace, stage: &Stage, state: &TaskState, time: Nanos) -> Token {
    let TaskState { task, span, before, next } = *state;
    let slot = |poll: PollIx| Spot::Slot(trace.poll(poll).lane);
    let came_off = before.map_or(Spot::Outside, slot);
    let mut token = Token {
        task,
        span,
        spot: Spot::Unknown,
        inferred: false,
        from: came_off,
        to: Spot::Outside,
        before,
        next,
        wake: None,
    };
    if let Some(next) = next.filter(|&next| trace.polls.start(next) == span.end) {
        token.to = slot(next);
    }
    match span.state {
        State::Running => {
            let poll = span.poll.or(before);
            token.spot = poll.map_or(Spot::Unknown, |poll| on_lane(trace, poll, span, time));
            token.from = poll.map_or(Spot::Unknown, |poll| {
                line(trace, task, trace.poll_before(poll), Some(poll))
            });
        }
        State::Deferred => {
            let lane = before.map(|before| trace.poll(before).lane);
            token.spot = lane.map_or(Spot::Scheduled, Spot::Deferred);
            token.inferred = before.is_some_and(|poll| trace.poll(poll).how.is_inferred());
        }
        State::Scheduled => {
            token.spot = line(trace, task, before, next);
            token.inferred = !matches!(token.spot, Spot::Pool | Spot::Local | Spot::Scheduled);
            token.wake = wake(trace, task, next);
            token.from = match before {
                // The spawn puts it there, from where the parent runs.
                None => trace.task(task).spawned_on.map_or(Spot::Outside, Spot::Slot),
                Some(before) if trace.polls.end(before) >= span.start => came_off,
                Some(before) if trace.poll(before).how.is_wait() => {
                    Spot::Room(room(trace, stage, before, next).0)
                }
                Some(before) => Spot::Deferred(trace.poll(before).lane),
            };
        }
        State::Waiting => {
            let (room, inferred) =
                before.map_or((Room::Other, false), |before| room(trace, stage, before, next));
            (token.spot, token.inferred) = (Spot::Room(room), inferred);
            if token.to == Spot::Outside && span.end < trace.span.end {
                token.to = line(trace, task, before, next);
            }
        }
        State::Idle | State::Unknown => {}
    }
    token
}

/// Where a task is that is being polled. A lane is at one poll at a time.
fn on_lane(trace: &Trace, poll: PollIx, span: StateSpan, time: Nanos) -> Spot {
    let lane = trace.poll(poll).lane;
    // At the end of the trace it is what was just before.
    let at = if time >= span.end { span.end.saturating_sub(1).max(span.start) } else { time };
    let mut innermost = trace.poll_at(lane, at).map(|poll| trace.poll(poll).task);
    while let Some(part) = innermost.filter(|&task| trace.task(task).is_part) {
        innermost = trace.task(part).parent.filter(|&parent| parent != part);
    }
    match innermost == Some(trace.poll(poll).task) {
        true => Spot::Slot(lane),
        false => Spot::Below(lane),
    }
}

/// The wake that schedules a task between two polls.
fn wake(trace: &Trace, task: TaskIx, next: Option<PollIx>) -> Option<WakeIx> {
    match next {
        Some(next) => trace.wake_before(next),
        None => trace.task(task).hot.pending().map(|_| WakeIx(WakeAt::Pending(task))),
    }
}

/// Where a task stands in line for its poll `next`, of which `before` is the one before.
fn line(trace: &Trace, task: TaskIx, before: Option<PollIx>, next: Option<PollIx>) -> Spot {
    let of = trace.task(task);
    match of.kind {
        TaskKind::Blocking => return Spot::Pool,
        _ if !of.is_queued() => return Spot::Local,
        _ => {}
    }
    let cause = match (before, of.spawned) {
        (None, Some(time)) => Cause::Spawned { time, by: of.parent },
        _ => wake(trace, task, next).map_or(Cause::Unknown, Cause::Woken),
    };
    let Some(on) = trace.scheduled_on(cause, task, before) else { return Spot::Scheduled };
    let of_poll = |poll: PollIx| trace.worker_runtime(trace.poll(poll).lane);
    let runtime = next.and_then(of_poll).or(of.runtime).or_else(|| before.and_then(of_poll));
    let its = |on: &LaneIx| {
        let of_worker = trace.worker_runtime(*on);
        of_worker.is_some() && (runtime.is_none() || of_worker == runtime)
    };
    match on.filter(its) {
        Some(worker) => Spot::Own(worker),
        None => Spot::Injection(runtime),
    }
}

/// The room in which a task waits after a poll and before the next, and whether that is inferred: as
/// [`Trace::waited_for`] has it, for one who knows the next poll already.
fn room(trace: &Trace, stage: &Stage, before: PollIx, next: Option<PollIx>) -> (Room, bool) {
    let Poll { task, how, .. } = trace.poll(before);
    if !how.is_wait() {
        return (Room::Other, false);
    }
    // Of several the first; a timer only if there is nothing else: it is most often a limit to a wait.
    let mut waits = trace.poll_waits(before).peekable();
    if waits.peek().is_some() {
        let room = waits.find_map(|wait| stage.room(wait.resource));
        return (room.map_or(Room::Timers, Room::Resource), false);
    }
    let waited = trace.woken_from(before, wake(trace, task, next));
    let room = match waited {
        WaitedFor::Join(_) => Room::Joins,
        WaitedFor::Io => Room::Io,
        WaitedFor::Operations(_) | WaitedFor::Unknown => Room::Other,
    };
    (room, waited.is_inferred())
}
