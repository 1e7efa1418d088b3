//! Why a poll came when it did, and not before: what happened on the way to it, and for how long; and what came of it.
//!
//! # The way to a poll
//! A poll was waited for by somebody all the time since something else began. Its task stood in a queue since it was woken; whoever
//! woke it was being polled, up to that moment; and before that stood in a queue. So the way goes back, leg by leg, each ending
//! where the next begins: what held the poll up is what stands on it, and nothing else. Where a task was woken
//! while it ran, or had yielded, its own poll before is what it came from.
//!
//! It begins at a *root*: a timer, a socket or a thread woke a task, or it was spawned from outside. What the task
//! waited for is the first leg then. Asked for the way since a time, it goes on behind roots: to the poll of the same task
//! before.

use taskscope_format::{Nanos, ThreadId};

use super::activity::Activity;
use super::chain::links;
use super::find_wake::{WakeFilter, WokenBy, find_wake};
use crate::causality::Cause;
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx, WakeAt, WakeIx, Waker};
use crate::{Direction, State};

/// No way is longer: nobody reads it, and what a damaged recording says could go on for ever.
const MOST: usize = 400;

/// A part of the way to a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The task that was on its way.
    pub task: TaskIx,
    /// What it did, as in [`Trace::states`](crate::Trace::states). A leg of a running task ends when it woke or spawned the
    /// next, or with its poll.
    pub state: State,
    /// From when.
    pub start: Nanos,
    /// Until when: where the next leg begins.
    pub end: Nanos,
    /// The poll that ran, or the one that the task was on its way to.
    pub poll: PollIx,
}

/// Where a way begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The driver of a worker (a timer, I/O) woke the task.
    Driver(LaneIx),
    /// A thread that polls no tasks woke it.
    Thread(ThreadId),
    /// It was spawned, by no task, or by one of which that poll is not known.
    Spawned,
    /// What came before was not recorded.
    Unknown,
    /// The way was asked for since a time, and reaches it.
    Since,
    /// It is longer than anybody would read.
    Cut,
}

/// What happened on the way to a poll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Where it begins.
    pub root: Root,
    /// The oldest first; the last one ends where the poll begins.
    pub legs: Vec<Leg>,
}

impl Way {
    /// How long tasks were in a state on it, in nanoseconds.
    pub fn time(&self, state: State) -> Nanos {
        self.legs.iter().filter(|leg| leg.state == state).map(|leg| leg.end - leg.start).sum()
    }

    /// How long it took.
    pub fn total(&self) -> Nanos {
        self.legs.iter().map(|leg| leg.end - leg.start).sum()
    }

    /// Whether it leads through a poll.
    pub fn passes(&self, poll: PollIx) -> bool {
        self.legs.iter().any(|leg| leg.state == State::Running && leg.poll == poll)
    }
}

/// What happened on the way to a poll: since its root, or since a time. It costs some microseconds a leg.
pub fn way(trace: &Trace, poll: PollIx, since: Option<Nanos>) -> Way {
    let mut walk =
        Walk { trace, legs: Vec::new(), since: since.unwrap_or(0), goes_on: since.is_some() };
    let mut at = poll;
    let root = loop {
        if walk.legs.len() >= MOST {
            break Root::Cut;
        }
        let (root, before) = walk.step(at);
        if since.is_some_and(|since| walk.reached() <= since) {
            break Root::Since;
        }
        let next = match (root, before) {
            (None, Some(before)) => before,
            (Some(_), Some(before)) if since.is_some() => before,
            (root, _) => break root.unwrap_or(Root::Unknown),
        };
        // Only a damaged recording has causes that come later.
        if trace.poll(next).start >= trace.poll(at).start {
            break Root::Unknown;
        }
        at = next;
    };
    walk.legs.reverse();
    Way { root, legs: walk.legs }
}

/// The way, as far as it has been followed back.
struct Walk<'a> {
    trace: &'a Trace,
    /// The latest first.
    legs: Vec<Leg>,
    since: Nanos,
    /// Behind roots, too.
    goes_on: bool,
}

impl Walk<'_> {
    /// How far back it has been followed.
    fn reached(&self) -> Nanos {
        self.legs.last().map_or(Nanos::MAX, |leg| leg.start)
    }

    fn push(&mut self, leg: Leg) {
        let start = leg.start.max(self.since).min(leg.end);
        // A poll of no time is still one that woke another.
        if start < leg.end || leg.state == State::Running && leg.start >= self.since {
            self.legs.push(Leg { start, ..leg });
        }
    }

    /// What the task of a poll did from a time up to the poll.
    fn states(&mut self, poll: PollIx, from: Nanos) {
        let of = self.trace.poll(poll);
        let spans = self.trace.states_from(of.task, from);
        let spans = spans.take_while(|span| span.start < of.start);
        let spans: Vec<_> = spans.filter(|span| span.end > from).collect();
        // A task whose spawn was not recorded has no states before its first poll, but may have been woken for it; and a
        // damaged recording may say of it that it had ended.
        let ready = |start, end| Leg { task: of.task, state: State::Scheduled, start, end, poll };
        let mut covered = of.start;
        for span in spans.into_iter().rev() {
            let (start, end) = (span.start.max(from), span.end.min(of.start));
            self.push(ready(end, covered));
            self.push(Leg { state: span.state, ..ready(start, end) });
            covered = start;
        }
        self.push(ready(from.min(covered), covered));
    }

    /// A poll up to the moment when it woke or spawned the next.
    fn ran(&mut self, poll: PollIx, until: Nanos) {
        let of = self.trace.poll(poll);
        self.push(Leg { task: of.task, state: State::Running, start: of.start, end: until, poll });
    }

    /// One step back from the beginning of a poll: a root, if it begins there, and the poll to go on with.
    fn step(&mut self, poll: PollIx) -> (Option<Root>, Option<PollIx>) {
        let trace = self.trace;
        let own = trace.poll_before(poll);
        let own_end = own.map(|own| trace.poll(own).end);
        let Some(link) = links(trace, poll).next() else { return (Some(Root::Unknown), None) };
        let (time, root) = match link.cause {
            Cause::Spawned { time, .. } => (Some(time), Root::Spawned),
            Cause::Woken(wake) => {
                let wake = trace.wake(wake);
                match wake.by {
                    Waker::Driver(lane) => (Some(wake.time), Root::Driver(lane)),
                    Waker::Thread(thread) => (Some(wake.time), Root::Thread(thread)),
                    // That of a yield: it comes from its own poll.
                    Waker::Deferred(_) => (None, Root::Unknown),
                    Waker::Task(_) => (Some(wake.time), Root::Unknown),
                }
            }
            Cause::Unknown => (None, Root::Unknown),
        };
        let begin = trace.poll(poll).start;
        let from_other =
            time.filter(|time| *time <= begin && own_end.is_none_or(|end| end <= *time));
        match (from_other, link.by, own) {
            // Another task, in a poll that had begun.
            (Some(time), Some(by), _) if trace.poll(by).start <= time && Some(by) != own => {
                self.states(poll, time);
                self.ran(by, time);
                (None, Some(by))
            }
            // It waited; the driver or a thread ended that.
            (Some(_), _, Some(own)) => {
                let end = trace.poll(own).end.min(begin);
                self.states(poll, end);
                if self.goes_on {
                    self.ran(own, end);
                }
                (Some(root), Some(own))
            }
            (Some(time), _, None) => {
                self.states(poll, time);
                (Some(root), None)
            }
            // Woken while it ran, or by itself: it comes from its own poll.
            (None, _, Some(own)) if link.cause != Cause::Unknown => {
                let end = trace.poll(own).end.min(begin);
                self.states(poll, end);
                self.ran(own, end);
                (None, Some(own))
            }
            (None, _, own) => {
                if let Some(own) = own {
                    // In a damaged recording polls of a task can overlap.
                    let end = trace.poll(own).end.min(begin);
                    self.states(poll, end);
                    if self.goes_on {
                        self.ran(own, end);
                    }
                }
                (Some(Root::Unknown), own)
            }
        }
    }
}

/// Something that a task did to another in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// When.
    pub time: Nanos,
    /// To this task.
    pub task: TaskIx,
    /// The wake; `None` where it spawned the task.
    pub wake: Option<WakeIx>,
    /// The poll that this led to.
    pub led_to: Option<PollIx>,
}

/// More effects of one poll are not listed.
pub const MOST_EFFECTS: usize = 100;

/// What came of a poll: the tasks that it spawned and woke, in the order of time, and the polls that this led to.
///
/// At most [`MOST_EFFECTS`]. Each wake costs as much as [`find_wake`]; all tasks are looked through for those that it spawned.
pub async fn effects(trace: &Trace, activity: Option<&Activity>, poll: PollIx) -> Vec<Effect> {
    let of = trace.poll(poll);
    // A task calls wakers at its end, too: right behind its last poll.
    let is_last = trace.poll_after(poll).is_none();
    let until = if is_last { Nanos::MAX } else { of.end };
    let mut effects = Vec::new();
    for (number, task) in trace.tasks().enumerate() {
        let is_here = |time: &Nanos| (of.start..=of.end).contains(time);
        if task.parent == Some(of.task)
            && let Some(time) = task.spawned.filter(is_here)
        {
            let task = TaskIx(number as u32);
            let led_to = trace.task_polls(task).iter().next();
            effects.push(Effect { time, task, wake: None, led_to });
        }
        if number % 8_192 == 8_191 {
            super::pause().await;
        }
    }
    let filter = WakeFilter { by: Some(WokenBy::Task(of.task)), ..WakeFilter::default() };
    let mut from = (of.start.saturating_sub(1), None);
    while effects.len() < MOST_EFFECTS
        && let Some(found) = find_wake(trace, activity, filter, from, Direction::Forward).await
    {
        let wake = trace.wake(found);
        if wake.time > until {
            break;
        }
        let led_to = match found.0 {
            WakeAt::Led(poll) => Some(poll),
            WakeAt::More(_) | WakeAt::Pending(_) => None,
        };
        effects.push(Effect { time: wake.time, task: wake.task, wake: Some(found), led_to });
        from = (wake.time, Some(found));
    }
    effects.sort_by_key(|effect| (effect.time, effect.task));
    effects.truncate(MOST_EFFECTS);
    effects
}
