//! What each task is doing at an instant.
//!
//! # The problem
//! A task's state follows from its last poll before the instant and its next. A task finds its poll at a time
//! in up to 63 steps from poll to poll, and each is a miss of the cache: for a hundred thousand tasks
//! that is a third of a second.
//!
//! # The plan
//! Most tasks are polled soon, or never again. So the lanes are walked from the instant on: a task's first
//! poll there is its next, and names the one before. It goes on as long as that finds tasks faster than the
//! tasks would; those that are left then are asked. Tasks that are not polled again have their last poll at hand.

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::activity::Activity;
use super::cells::STATES;
use super::each;
use super::facts::Facts;
use super::steps::{Before, Next, between};
use crate::store::polls::NONE;
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx, ResourceIx, TaskIx, TextIx, WakeAt, WakeIx};
use crate::{State, StateSpan, WaitedFor};

/// What each task is doing at an instant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instant {
    /// The tasks that are alive then, in the order of their numbers.
    pub tasks: Vec<TaskState>,
    /// How many are in each state: see [`count`](Self::count).
    counts: [u64; STATES],
    /// The same for the tasks that were spawned at one place, those with the most tasks first.
    pub places: Vec<PlaceCount>,
    /// What those wait for that are [`Waiting`](State::Waiting), the most frequent first. A task that waits for
    /// any of several things counts for each.
    pub waits: Vec<WaitCount>,
}

impl Instant {
    /// How many tasks are in a state.
    pub fn count(&self, state: State) -> u64 {
        self.counts[state as usize]
    }
}

/// What a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskState {
    /// The task.
    pub task: TaskIx,
    /// What, since when, and until when: as in [`Trace::states`](crate::Trace::states).
    pub span: StateSpan,
    /// The last of its polls that had begun.
    pub before: Option<PollIx>,
    /// The first of its polls that was yet to begin.
    pub next: Option<PollIx>,
}

/// How many of the tasks that were spawned at a place are in each state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaceCount {
    /// The place; `None` for tasks of which it is not known.
    pub place: Option<PlaceIx>,
    counts: [u64; STATES],
}

impl PlaceCount {
    /// How many are in a state.
    pub fn count(&self, state: State) -> u64 {
        self.counts[state as usize]
    }

    /// How many there are.
    pub fn all(&self) -> u64 {
        self.counts.iter().sum()
    }
}

/// What tasks wait for: as in [`WaitedFor`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitsFor {
    /// An operation on a resource of one kind (type, and place where it was made). Recorded.
    Operation {
        /// The first of these resources.
        resource: ResourceIx,
        /// Tokio's name of the operation.
        operation: Option<TextIx>,
    },
    /// The end of another task. Inferred.
    Join,
    /// A socket, a pipe, a process, a signal. Inferred.
    Io,
    /// Something else, or nothing.
    Unknown,
}

/// How many tasks wait for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitCount {
    /// What.
    pub what: WaitsFor,
    /// How many.
    pub tasks: u64,
}

/// What each task is doing at a time: those of which [`Trace::states`](crate::Trace::states) has a state then. At the
/// end of the trace those that are alive still do what they did last.
///
/// Without an [`Activity`] of this very trace each task is asked, which takes a microsecond or more for each.
pub async fn instant(trace: &Trace, activity: Option<&Activity>, time: Nanos) -> Instant {
    let is_end = time == trace.span.end;
    // What is done at the end is what was done just before.
    let at = if is_end { time.saturating_sub(1) } else { time };
    let is_asked = |task: u32| !is_end || trace.tasks[task as usize].end.is_none();
    let made;
    let activity = activity.filter(|activity| activity.is_of(trace));
    let facts = match activity {
        Some(activity) => &activity.facts,
        None => {
            made = Facts::new(trace).await;
            &made
        }
    };
    let (candidates, nexts) = match activity {
        Some(activity) => look_ahead(trace, activity, at).await,
        None => ((0..trace.task_count() as u32).collect(), Vec::new()),
    };
    let is_odd = |task: &u32| activity.is_none_or(|activity| activity.odd.contains(task));

    let portions: Vec<&[u32]> = candidates.chunks(2048).collect();
    let work = |portion: &&[u32]| {
        let mut part = Part::default();
        for &task in portion.iter().filter(|task| is_asked(**task)) {
            let state = match is_odd(&task) {
                true => slow(trace, TaskIx(task), at),
                false => {
                    let next = nexts.get(task as usize).map_or(UNKNOWN, |(next, _)| *next);
                    state_of(trace, facts, task, next, at)
                }
            };
            if let Some((span, before, next)) = state {
                part.add(trace, facts, task, span, before, next);
            }
        }
        part
    };
    let mut all = Part::default();
    each(&portions, work, |part| all.add_all(part)).await;
    all.finish()
}

/// The task's next poll is not known.
const UNKNOWN: u32 = NONE;
/// The task has none.
const NEVER: u32 = NONE - 1;
/// Not alive: not asked about.
const DEAD: u32 = NONE - 2;

/// What one task is doing at a time.
pub(super) fn state_at(trace: &Trace, task: TaskIx, time: Nanos) -> Option<TaskState> {
    let is_end = time == trace.span.end && trace.task(task).end.is_none();
    let at = if is_end { time.saturating_sub(1) } else { time };
    let span = trace.states_from(task, at).take_while(|span| span.start <= at);
    let span = span.filter(|span| at < span.end).last()?;
    let (before, next) = trace.task_polls(task).around(at);
    Some(TaskState { task, span, before, next })
}

/// Tasks that may be alive at a time, and the next poll of each as far as it is found quickly.
async fn look_ahead(
    trace: &Trace,
    activity: &Activity,
    time: Nanos,
) -> (Vec<u32>, Vec<(u32, u32)>) {
    let lives = &activity.lives;
    let short = lives.short(time);
    // With how long after the instant it begins.
    let mut nexts = vec![(DEAD, 0); trace.task_count()];
    let mut candidates = Vec::new();
    let mut left = 0u64;
    for (task, &(begin, end)) in lives.of_task.iter().enumerate() {
        if begin <= short && short <= end {
            candidates.push(task as u32);
            let hot = &trace.hot[task];
            let is_last = hot.last == NONE || hot.last_start <= time;
            nexts[task].0 = if is_last { NEVER } else { UNKNOWN };
            left += u64::from(!is_last);
        }
        if task % 262_144 == 262_143 {
            super::pause().await;
        }
    }
    // (Odd ones may live longer than their last poll says.)
    let odd = activity.odd.iter().filter(|task| nexts[**task as usize].0 == DEAD);
    candidates.extend(odd);
    if !activity.odd.is_empty() {
        candidates.sort_unstable();
    }
    super::pause().await;

    // Several polls of a task can begin at one time, as far as is known here: such tasks are asked.
    let mut tied = Vec::new();
    let mut from = time.saturating_add(1);
    let mut length = (trace.span.end - trace.span.start) / (trace.poll_count / 4096).max(1) + 1;
    while left > 0 && from <= trace.span.end {
        let until = from.saturating_add(length);
        let (mut found, mut rows) = (0u64, 0);
        for (number, chunk, slots) in trace.rows_in(from..until) {
            rows += slots.len() as u64;
            for slot in slots {
                let task = chunk.rows[slot].task;
                let (next, begins) = &mut nexts[task as usize];
                if *next == NEVER || *next == DEAD || chunk.is_gone(slot) {
                    continue;
                }
                let after = u32::try_from(chunk.start(slot) - time).unwrap_or(u32::MAX);
                if *next == UNKNOWN {
                    found += 1;
                } else if after == *begins {
                    tied.push(task);
                } else if after > *begins {
                    continue;
                }
                (*next, *begins) = (PollIx::new(number, slot).0, after);
            }
        }
        left = left.saturating_sub(found);
        // A task that is asked takes as long as some hundred rows.
        if rows > 4096 && found * 256 < rows {
            break;
        }
        (from, length) = (until, length.saturating_mul(2));
        super::pause().await;
    }
    tied.into_iter().for_each(|task| nexts[task as usize].0 = UNKNOWN);
    (candidates, nexts)
}

type Found = (StateSpan, Option<PollIx>, Option<PollIx>);

/// What a task is doing at a time, with its last poll and its next.
fn state_of(trace: &Trace, facts: &Facts, task: u32, next: u32, time: Nanos) -> Option<Found> {
    let of = trace.task(TaskIx(task));
    let some = |poll: u32| (poll != NONE).then_some(PollIx(poll));
    let (before, next) = match next {
        UNKNOWN | DEAD => trace.task_polls(TaskIx(task)).around(time),
        NEVER => (some(of.hot.last), None),
        next => (some(trace.polls.row(PollIx(next)).before), Some(PollIx(next))),
    };
    let span = |state, start, end, poll| {
        (start <= time && time < end).then_some((
            StateSpan { state, start, end, poll },
            before,
            next,
        ))
    };
    let until = |begin: Nanos| match next {
        Some(next) => trace.polls.start(next),
        None => of.end.map_or(trace.span.end, |end| end.time).max(begin),
    };
    let gap = |last: Before| {
        let until = until(last.end);
        if until <= last.end {
            return None;
        }
        let behind = match next {
            Some(next) => Next::poll(trace.polls.chunk(next.chunk()), next.slot()),
            None => Next::end(trace, TaskIx(task)),
        };
        let gap = between(trace, last, until, behind);
        match gap.first {
            State::Scheduled => span(State::Scheduled, last.end, until, None),
            first if time < gap.turn => span(first, last.end, gap.turn, None),
            _ => span(State::Scheduled, gap.turn, until, None),
        }
    };
    match (before, of.spawned) {
        (Some(poll), _) => {
            let last = Before::new(trace, facts, poll);
            match time < last.end {
                true => span(State::Running, trace.polls.start(poll), last.end, Some(poll)),
                false => gap(last),
            }
        }
        (None, Some(spawned)) => span(State::Scheduled, spawned, until(spawned), None),
        // Known from its first poll on, which is yet to come.
        (None, None) if next.is_some() => None,
        (None, None) => {
            gap(Before { end: trace.first_seen(TaskIx(task)), unwoken: State::Waiting })
        }
    }
}

/// The same for a task whose polls may overlap.
fn slow(trace: &Trace, task: TaskIx, time: Nanos) -> Option<Found> {
    let mut spans = trace.states(task).take_while(|span| span.start <= time);
    let span = spans.find(|span| time < span.end)?;
    let (before, next) = trace.task_polls(task).around(time);
    Some((span, before, next))
}

/// What is counted of some tasks.
#[derive(Default)]
struct Part {
    tasks: Vec<TaskState>,
    places: Vec<[u64; STATES]>,
    waits: HashMap<Wait, (ResourceIx, u64)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Wait {
    Operation(u32, Option<TextIx>),
    Join,
    Io,
    Unknown,
}

impl Part {
    fn add(
        &mut self,
        trace: &Trace,
        facts: &Facts,
        task: u32,
        span: StateSpan,
        before: Option<PollIx>,
        next: Option<PollIx>,
    ) {
        self.tasks.push(TaskState { task: TaskIx(task), span, before, next });
        let place = facts.place(task);
        if place >= self.places.len() {
            self.places.resize(place + 1, [0; STATES]);
        }
        self.places[place][span.state as usize] += 1;
        if span.state != State::Waiting {
            return;
        }
        let row = |poll: PollIx| trace.polls.row(poll);
        let is_wait = |poll: &PollIx| trace.poll_end(task, row(*poll).flags).is_wait();
        let Some(before) = before.filter(is_wait) else {
            return self.add_wait(Wait::Unknown, ResourceIx(0));
        };
        let waits = trace.polls.chunk(before.chunk()).waits_of(before.slot());
        for wait in waits {
            let (resource, operation) = trace.wait_kind(wait.kind);
            let kind = trace.resources[resource.get()].kind;
            self.add_wait(Wait::Operation(kind, operation), resource);
        }
        if waits.is_empty() {
            let wake = match next {
                Some(next) => trace.wake_before(next),
                None => {
                    let pending = trace.hot[task as usize].pending();
                    pending.map(|_| WakeIx(WakeAt::Pending(TaskIx(task))))
                }
            };
            let wait = match trace.woken_from(before, wake) {
                WaitedFor::Join(_) => Wait::Join,
                WaitedFor::Io => Wait::Io,
                WaitedFor::Operations(_) | WaitedFor::Unknown => Wait::Unknown,
            };
            self.add_wait(wait, ResourceIx(0));
        }
    }

    fn add_wait(&mut self, wait: Wait, resource: ResourceIx) {
        let (first, count) = self.waits.entry(wait).or_insert((resource, 0));
        (*first, *count) = ((*first).min(resource), *count + 1);
    }

    fn add_all(&mut self, other: Self) {
        self.tasks.extend(other.tasks);
        if self.places.len() < other.places.len() {
            self.places.resize(other.places.len(), [0; STATES]);
        }
        for (sum, other) in self.places.iter_mut().zip(other.places) {
            sum.iter_mut().zip(other).for_each(|(sum, count)| *sum += count);
        }
        for (wait, (resource, count)) in other.waits {
            let (first, sum) = self.waits.entry(wait).or_insert((resource, 0));
            (*first, *sum) = ((*first).min(resource), *sum + count);
        }
    }

    fn finish(self) -> Instant {
        let mut counts = [0; STATES];
        for of_place in &self.places {
            counts.iter_mut().zip(of_place).for_each(|(sum, count)| *sum += count);
        }
        let places = self.places.iter().zip(0u32..).map(|(&counts, number)| PlaceCount {
            place: number.checked_sub(1).map(PlaceIx),
            counts,
        });
        let mut places: Vec<_> = places.filter(|place| place.all() > 0).collect();
        places.sort_by_key(|place| (std::cmp::Reverse(place.all()), place.place));
        let waits = self.waits.into_iter().map(|(wait, (resource, tasks))| {
            let what = match wait {
                Wait::Operation(_, operation) => WaitsFor::Operation { resource, operation },
                Wait::Join => WaitsFor::Join,
                Wait::Io => WaitsFor::Io,
                Wait::Unknown => WaitsFor::Unknown,
            };
            WaitCount { what, tasks }
        });
        let mut waits: Vec<_> = waits.collect();
        waits.sort_unstable_by_key(|wait| (std::cmp::Reverse(wait.tasks), wait.what));
        Instant { tasks: self.tasks, counts, places, waits }
    }
}
