//! What is searched for, and whether a task or a stretch of its life is that.

use std::ops::Range;

use taskscope_format::{Nanos, TaskId, TaskKind};
use wildmatch::WildMatchPattern;

use super::parse::{self, QueryError};
use super::words;
use crate::questions::Outcome;
use crate::trace::Trace;
use crate::types::{LaneIx, LaneKind, PlaceIx, PollEnd, PollIx, TaskIx};
use crate::{Queue, State, WaitedFor};

/// A search that was read.
#[derive(Clone, Debug, Default)]
pub struct Query {
    pub(super) tasks: Vec<Not<TaskTerm>>,
    /// One for each state that something is said of.
    pub(super) groups: Vec<Group>,
    /// What is said of stretches of any state.
    any: Vec<Not<StretchTerm>>,
}

/// Stretches of one state, or of any, and what is said of them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) state: Option<State>,
    terms: Vec<Not<StretchTerm>>,
}

/// Something that is said, or its opposite.
#[derive(Clone, Debug)]
pub(super) struct Not<T> {
    pub(super) term: T,
    pub(super) is_not: bool,
}

/// One term as it was read.
pub(super) struct Term {
    pub(super) which: Which,
    pub(super) is_not: bool,
}

pub(super) enum Which {
    Task(TaskTerm),
    /// Stretches of this state.
    State(State),
    /// Of stretches of a state, or of any.
    Stretch(Option<State>, StretchTerm),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
}

/// A figure to compare with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Compare {
    pub(super) op: Op,
    pub(super) number: u64,
}

impl Compare {
    fn holds(self, number: u64) -> bool {
        match self.op {
            Op::Above => number > self.number,
            Op::AtLeast => number >= self.number,
            Op::Below => number < self.number,
            Op::AtMost => number <= self.number,
            Op::Equal => number == self.number,
        }
    }

    /// Whether some of a stretch lies there.
    fn meets(self, stretch: Range<Nanos>) -> bool {
        // What takes no time lies where it begins.
        let last = stretch.end.max(stretch.start + 1) - 1;
        match self.op {
            Op::Above => last > self.number,
            Op::AtLeast => last >= self.number,
            Op::Below => stretch.start < self.number,
            Op::AtMost => stretch.start <= self.number,
            Op::Equal => (stretch.start..=last).contains(&self.number),
        }
    }

    /// Nothing below this is meant.
    pub(super) fn least(self) -> u64 {
        match self.op {
            Op::Above => self.number.saturating_add(1),
            Op::AtLeast | Op::Equal => self.number,
            Op::Below | Op::AtMost => 0,
        }
    }
}

/// A text to look for, in upper or lower case: anywhere, or with stars from beginning to end.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) lower: String,
    pub(super) pattern: Option<WildMatchPattern<'*', '\0'>>,
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
        let pattern = text.contains('*').then(|| WildMatchPattern::new_case_insensitive(text));
        Self { lower: text.to_lowercase(), pattern }
    }

    fn is_in(&self, text: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.matches(text),
            None => text.to_lowercase().contains(&self.lower),
        }
    }
}

fn any_is_in(texts: &[Text], text: &str) -> bool {
    texts.iter().any(|of| of.is_in(text))
}

/// What is said of a task.
#[derive(Clone, Debug)]
pub(super) enum TaskTerm {
    /// Its name, its place, or its id.
    Word(Text),
    Name(Vec<Text>),
    Place(Vec<Text>),
    Parent(Vec<Text>),
    Runtime(Vec<Text>),
    Id(Vec<TaskId>),
    Kind(Vec<&'static str>),
    Ended(Vec<&'static str>),
    Now(Vec<State>),
    Polls(Compare),
    Hops(Compare),
    Wakes(Compare),
    Busy(Compare),
    Longest(Compare),
    Size(Compare),
}

/// What is said of a stretch of a task's life.
#[derive(Clone, Debug)]
pub(super) enum StretchTerm {
    State(Vec<State>),
    Lasts(Compare),
    /// By the time from the start of the recording.
    At(Compare),
    Worker(Vec<Text>),
    Waits(Vec<Text>),
    Span(Vec<Text>),
    How(Vec<PollEnd>),
    From(Vec<&'static str>),
    Hop,
}

/// A stretch of a task's life.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) state: State,
    pub(super) start: Nanos,
    pub(super) end: Nanos,
    /// The poll that it is, or that it comes after.
    pub(super) poll: Option<PollIx>,
}

impl Query {
    /// Reads a search: see [the module](super).
    ///
    /// # Errors
    /// [`QueryError`] says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let mut query = parse::parse(text)?;
        query.finish();
        Ok(query)
    }

    /// Whether it asks for nothing, so that all tasks satisfy it.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.groups.is_empty()
    }

    /// Whether what satisfies it depends on where the playhead is.
    pub fn asks_for_now(&self) -> bool {
        self.tasks.iter().any(|not| matches!(not.term, TaskTerm::Now(_)))
    }

    /// Whether it speaks of stretches of tasks' lives, and not of whole tasks alone.
    pub fn is_of_stretches(&self) -> bool {
        !self.groups.is_empty()
    }

    pub(super) fn add(&mut self, Term { which, is_not }: Term) {
        match which {
            Which::Task(term) => self.tasks.push(Not { term, is_not }),
            Which::State(state) => _ = self.group(state),
            Which::Stretch(Some(state), term) => self.group(state).terms.push(Not { term, is_not }),
            Which::Stretch(None, term) => self.any.push(Not { term, is_not }),
        }
    }

    fn group(&mut self, state: State) -> &mut Group {
        let known = self.groups.iter().position(|group| group.state == Some(state));
        let at = known.unwrap_or_else(|| {
            self.groups.push(Group { state: Some(state), terms: Vec::new() });
            self.groups.len() - 1
        });
        &mut self.groups[at]
    }

    /// What is said of any stretch is said of those of each group.
    fn finish(&mut self) {
        if self.groups.is_empty() && !self.any.is_empty() {
            self.groups.push(Group { state: None, terms: Vec::new() });
        }
        for group in &mut self.groups {
            group.terms.extend(self.any.iter().cloned());
        }
        self.any.clear();
    }

    /// Whether a task is one of those, as far as it can be told from the task alone.
    pub(super) fn holds_for_task(&self, trace: &Trace, task: TaskIx, moment: Nanos) -> bool {
        self.tasks.iter().all(|not| not.term.holds(trace, task, moment) != not.is_not)
    }
}

impl Group {
    pub(super) fn holds(&self, trace: &Trace, stretch: &Stretch) -> bool {
        self.state.is_none_or(|state| state == stretch.state)
            && self.terms.iter().all(|not| not.term.holds(trace, stretch) != not.is_not)
    }

    /// Nothing shorter is meant.
    pub(super) fn at_least(&self) -> Nanos {
        let least = self.terms.iter().filter(|not| !not.is_not).map(|not| match not.term {
            StretchTerm::Lasts(compare) => compare.least(),
            _ => 0,
        });
        least.max().unwrap_or(0)
    }

    /// Whether only hops are meant.
    pub(super) fn is_of_hops(&self) -> bool {
        self.terms.iter().any(|not| !not.is_not && matches!(not.term, StretchTerm::Hop))
    }
}

impl TaskTerm {
    fn holds(&self, trace: &Trace, ix: TaskIx, moment: Nanos) -> bool {
        let task = trace.task(ix);
        match self {
            Self::Word(text) => {
                let is_id = || super::names::parse_id(&text.lower) == Some(task.id);
                text.is_in(&trace.task_name(ix)) || is_at(trace, task.place, text) || is_id()
            }
            Self::Name(texts) => any_is_in(texts, &trace.task_name(ix)),
            Self::Place(texts) => texts.iter().any(|text| is_at(trace, task.place, text)),
            Self::Parent(texts) => {
                task.parent.is_some_and(|parent| any_is_in(texts, &trace.task_name(parent)))
            }
            Self::Runtime(texts) => task.runtime.is_some_and(|runtime| {
                let runtime = &trace.runtimes()[runtime as usize];
                let name = || runtime.name.as_deref().is_some_and(|name| any_is_in(texts, name));
                texts.iter().any(|text| text.lower == runtime.id.to_string()) || name()
            }),
            Self::Id(ids) => ids.contains(&task.id),
            Self::Kind(kinds) => {
                let kind = match task.kind {
                    _ if task.is_part => "part",
                    TaskKind::Task => "task",
                    TaskKind::Local => "local",
                    TaskKind::Blocking => "blocking",
                    TaskKind::BlockOn => "block_on",
                };
                kinds.contains(&kind)
            }
            Self::Ended(ends) => ends.contains(&words::ended(task.end.map(Outcome::of))),
            Self::Now(states) => {
                trace.state_at(ix, moment).is_some_and(|span| states.contains(&span.state))
            }
            Self::Polls(compare) => compare.holds(task.poll_count().into()),
            Self::Hops(compare) => compare.holds(task.hop_count().into()),
            Self::Wakes(compare) => compare.holds(task.wake_count().into()),
            Self::Busy(compare) => compare.holds(task.busy()),
            Self::Longest(compare) => compare.holds(task.longest()),
            // A size that is not known is neither more nor less than anything.
            Self::Size(compare) => task.size.is_some_and(|size| compare.holds(size)),
        }
    }
}

fn is_at(trace: &Trace, place: Option<PlaceIx>, text: &Text) -> bool {
    place.is_some_and(|place| {
        let place = trace.place(place);
        let is_in = |file: &str| text.is_in(&format!("{file}:{}", place.line));
        // With stars it is the whole that has to be so: people know a file by its last name.
        is_in(&place.file) || text.pattern.is_some() && text.is_in(&place.short())
    })
}

impl StretchTerm {
    fn holds(&self, trace: &Trace, stretch: &Stretch) -> bool {
        match self {
            Self::State(states) => states.contains(&stretch.state),
            Self::Lasts(compare) => compare.holds(stretch.end - stretch.start),
            Self::At(compare) => {
                let origin = trace.span().start;
                let from = |time: Nanos| time.saturating_sub(origin);
                compare.meets(from(stretch.start)..from(stretch.end))
            }
            Self::Worker(texts) => stretch.poll.is_some_and(|poll| {
                let lane = trace.poll(poll).lane;
                texts.iter().any(|text| is_lane(trace, lane, text))
            }),
            Self::Waits(texts) => stretch.poll.is_some_and(|poll| waits_for(trace, poll, texts)),
            Self::Span(texts) => stretch.poll.is_some_and(|poll| {
                let lane = trace.poll(poll).lane;
                let visits = trace.lane_visits(lane, stretch.start..stretch.end);
                // Those at the front may have ended before.
                let mut within = visits.filter(|visit| visit.end > stretch.start);
                within.any(|visit| any_is_in(texts, &trace.span_of(visit.span).name))
            }),
            Self::How(ends) => {
                stretch.poll.is_some_and(|poll| ends.contains(&trace.poll(poll).how))
            }
            Self::From(queues) => {
                let arrival = stretch.poll.and_then(|poll| trace.arrival(poll));
                arrival.is_some_and(|arrival| {
                    queues.contains(&match arrival.queue {
                        Queue::Own => "own",
                        Queue::Stolen { .. } => "stolen",
                        Queue::Injection => "injection",
                    })
                })
            }
            Self::Hop => stretch.poll.is_some_and(|poll| trace.is_hop(poll)),
        }
    }
}

/// Whether a lane is called so: a worker by its number, a thread by its name.
fn is_lane(trace: &Trace, lane: LaneIx, text: &Text) -> bool {
    match trace.lane(lane).kind {
        LaneKind::Worker { index, .. } if text.lower.parse() == Ok(index) => true,
        _ if text.lower.parse::<u32>().is_ok() => false,
        _ => text.is_in(&trace.lane_name(lane)),
    }
}

/// Whether what a task waits for after a poll is called so.
fn waits_for(trace: &Trace, poll: PollIx, texts: &[Text]) -> bool {
    match trace.waited_for(poll) {
        Some(WaitedFor::Operations(waits)) => waits.iter().any(|wait| {
            let resource = trace.resource(wait.resource);
            any_is_in(texts, &resource.concrete_type)
                || any_is_in(texts, resource.operation(wait.operation))
                || texts.iter().any(|text| is_at(trace, resource.place, text))
        }),
        Some(WaitedFor::Join(by)) => {
            any_is_in(texts, "join") || any_is_in(texts, &trace.task_name(by))
        }
        Some(WaitedFor::Io) => any_is_in(texts, "I/O") || any_is_in(texts, "io"),
        Some(WaitedFor::Unknown) => any_is_in(texts, "unknown"),
        None => false,
    }
}
