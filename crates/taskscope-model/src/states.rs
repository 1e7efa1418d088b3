//! What a task was doing, from its spawn to its end.
//!
//! A task is *running* in a poll, *scheduled* from the moment it is woken (or
//! spawned: the first scheduling has no wake) until a worker polls it, and
//! *waiting* between the end of a poll and the next wake. A wake that comes
//! during a poll schedules the task when that poll ends.
//!
//! A task that yields (`yield_now`, or its budget is spent) neither waits nor stands in
//! a queue: the worker keeps its waker, and calls it once it has run the driver. Until
//! then the task is *deferred*.

use std::iter::Peekable;

use taskscope_format::Nanos;

use crate::store::task_polls::TaskPollsFrom;
use crate::trace::Trace;
use crate::types::{PollEnd, PollIx, TaskIx};

/// What a task is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// A worker polls it.
    Running,
    /// It yielded, and its worker has not called its waker yet.
    Deferred,
    /// It could run, and no worker has taken it yet.
    Scheduled,
    /// It waits to be woken.
    Waiting,
    /// It is not being polled, and which of the two that means isn't recorded:
    /// it was polled again with no wake in between (wakes are recorded by the
    /// `tracing` layer, not by hooks).
    Idle,
    /// Events are missing: a poll was open when they went missing, and it is not known when it
    /// ended nor what came then.
    Unknown,
}

impl State {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Deferred, Self::Scheduled, Self::Waiting, Self::Idle, Self::Unknown];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Deferred => "deferred",
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Idle => "not running",
            Self::Unknown => "not recorded",
        }
    }
}

/// A time in which a task was in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateSpan {
    /// The state.
    pub state: State,
    /// From when.
    pub start: Nanos,
    /// Until when.
    pub end: Nanos,
    /// For [`State::Running`], the poll.
    pub poll: Option<PollIx>,
}

/// How long a task was in each state, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateTimes {
    /// In polls.
    pub running: Nanos,
    /// Yielded, and its waker not yet called.
    pub deferred: Nanos,
    /// Woken, and not yet polled.
    pub scheduled: Nanos,
    /// Not woken.
    pub waiting: Nanos,
    /// Not in polls; deferred, scheduled or waiting, unknown which.
    pub idle: Nanos,
    /// Where events are missing.
    pub unknown: Nanos,
}

impl StateTimes {
    /// The time in `state`.
    pub fn get(&self, state: State) -> Nanos {
        match state {
            State::Running => self.running,
            State::Deferred => self.deferred,
            State::Scheduled => self.scheduled,
            State::Waiting => self.waiting,
            State::Idle => self.idle,
            State::Unknown => self.unknown,
        }
    }

    /// All states together: how long the task has been alive.
    pub fn total(&self) -> Nanos {
        State::ALL.iter().map(|&state| self.get(state)).sum()
    }
}

impl Trace {
    /// The states of a task, in order and without gaps, from its spawn (or
    /// first poll) to its end (or that of the trace).
    pub fn states(&self, task: TaskIx) -> impl Iterator<Item = StateSpan> + '_ {
        self.states_from(task, 0)
    }

    /// The same from the last poll that began at `from` or before; all of them
    /// where there is none. Costs as much as what is asked of it, however often
    /// the task was polled before.
    pub fn states_from(&self, task: TaskIx, from: Nanos) -> impl Iterator<Item = StateSpan> + '_ {
        let polls = self.task_polls(task);
        let end = self.task(task).end.map_or(self.span.end, |end| end.time);
        let (first, now, woken) = match polls.begun_at(from).checked_sub(1) {
            None => {
                let begin = self.first_seen(task);
                (0, begin, self.task(task).spawned.map(|_| begin))
            }
            Some(last) => {
                let begin = polls.get(last).map_or(0, |poll| self.polls.start(poll));
                (last, begin, None)
            }
        };
        States {
            trace: self,
            task,
            polls: polls.iter_from(first).peekable(),
            now,
            end: end.max(now),
            woken,
            unwoken: State::Waiting,
            queued: None,
        }
    }

    /// When the trace first knows of a task: its spawn, else its first poll, else
    /// its first wake.
    pub fn first_seen(&self, task: TaskIx) -> Nanos {
        let of = self.task(task);
        // (To the first poll it can be 63 steps.)
        let poll = || self.task_polls(task).first().map(|first| self.polls.start(first));
        let wake = || of.hot.pending().map(|wake| wake.time);
        of.spawned.or_else(poll).or_else(wake).unwrap_or(self.span.start)
    }

    /// How long a task was in each state.
    pub fn state_times(&self, task: TaskIx) -> StateTimes {
        let mut times = StateTimes::default();
        for span in self.states(task) {
            let length = span.end - span.start;
            match span.state {
                State::Running => times.running += length,
                State::Deferred => times.deferred += length,
                State::Scheduled => times.scheduled += length,
                State::Waiting => times.waiting += length,
                State::Idle => times.idle += length,
                State::Unknown => times.unknown += length,
            }
        }
        times
    }

    /// What a task is doing at `time`; `None` before its spawn and after its end.
    pub fn state_at(&self, task: TaskIx, time: Nanos) -> Option<StateSpan> {
        let spans = self.states_from(task, time).take_while(|span| span.start <= time);
        // A task that is alive when the recording ends is still doing it then.
        let alive = self.task(task).end.is_none();
        spans.last().filter(|span| time < span.end || (alive && time == self.span.end))
    }
}

struct States<'a> {
    trace: &'a Trace,
    task: TaskIx,
    polls: Peekable<TaskPollsFrom<'a>>,
    /// The states up to here have been given out.
    now: Nanos,
    end: Nanos,
    /// Since when the task is scheduled.
    woken: Option<Nanos>,
    /// What it does between the last poll and the next wake.
    unwoken: State,
    /// A span that follows the one just returned.
    queued: Option<StateSpan>,
}

impl Iterator for States<'_> {
    type Item = StateSpan;

    fn next(&mut self) -> Option<StateSpan> {
        loop {
            let span = match self.queued.take() {
                Some(span) => span,
                None => self.advance()?,
            };
            self.now = self.now.max(span.end);
            // Two events can share a time; an empty span says nothing.
            if span.start < span.end {
                return Some(span);
            }
        }
    }
}

impl States<'_> {
    fn advance(&mut self) -> Option<StateSpan> {
        let until = match self.polls.peek() {
            Some(&poll) => self.trace.polls.start(poll),
            None => self.end,
        };
        if self.now < until {
            return Some(self.gap(until));
        }
        let ix = self.polls.next()?;
        let poll = self.trace.poll(ix);
        self.unwoken = match poll.how {
            PollEnd::Open => State::Unknown,
            how if how.is_yield() => State::Deferred,
            _ => State::Waiting,
        };
        // A wake during the poll takes effect when it ends.
        self.woken = self.next_wake().filter(|&time| time < poll.end).map(|_| poll.end);
        Some(StateSpan {
            state: State::Running,
            start: poll.start.max(self.now),
            end: poll.end.max(self.now),
            poll: Some(ix),
        })
    }

    /// The first wake since the last poll began.
    fn next_wake(&mut self) -> Option<Nanos> {
        match self.polls.peek() {
            Some(&poll) => self.trace.woken(poll),
            None => self.trace.task(self.task).hot.pending().map(|wake| wake.time),
        }
    }

    /// The time between two polls: waiting (or deferred) up to the wake, then scheduled.
    fn gap(&mut self, until: Nanos) -> StateSpan {
        let span = |state, start, end| StateSpan { state, start, end, poll: None };
        let polled_next = self.polls.peek().copied();
        let woken = match self.woken.take() {
            Some(time) => Some(time.max(self.now)),
            // A wake says nothing of a task that may be running.
            None if self.unwoken == State::Unknown => None,
            None => self.next_wake().filter(|&time| time <= until),
        };
        // Without wakes, Tokio's own measurement; its clock may differ a little from the recorder's.
        let measured = polled_next.and_then(|poll| self.trace.scheduled_since(poll));
        let woken = woken.or(measured.map(|time| time.clamp(self.now, until)));
        match woken {
            Some(time) if time <= self.now => span(State::Scheduled, self.now, until),
            Some(time) => {
                self.queued = Some(span(State::Scheduled, time, until));
                span(self.unwoken, self.now, time)
            }
            None if self.unwoken == State::Unknown => span(State::Unknown, self.now, until),
            None if polled_next.is_some() || !self.trace.records_wakes() => {
                span(State::Idle, self.now, until)
            }
            None => span(self.unwoken, self.now, until),
        }
    }
}
