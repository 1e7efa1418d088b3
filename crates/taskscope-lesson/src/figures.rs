//! The figures that claims are made of: each has a name, and is counted from the trace alone.
//!
//! One table has them all: what they are called, whether they ask for a task, and what they are. `FORMAT.md` is compared
//! with it by a test.

use taskscope_model::questions::{HopQueue, RangeSums, now, range};
use taskscope_model::{
    EndKind, LaneIx, LaneKind, Message, PollEnd, State, TaskIx, TaskKind, TaskTimes, Trace, Waker,
};

use crate::claims::Value;
use crate::error::ClaimError;
use crate::globs;
use crate::moment::Moment;
use crate::traces::Named;

/// What is worked out once of a trace.
#[derive(Debug)]
pub(crate) struct Worked {
    sums: RangeSums,
    times: TaskTimes,
    /// The most tasks that ran at once, and for how long at least two did, in nanoseconds.
    running: (u64, u64),
    /// The most tasks that had been polled and had not ended.
    begun: u64,
}

impl Worked {
    pub(crate) fn new(trace: &Trace) -> Self {
        let span = trace.span();
        let sums = now(range(trace, None, span.start..span.end.saturating_add(1), false));
        let mut times = TaskTimes::new(trace);
        while !times.step(trace) {}
        Self { sums, times, running: running(trace), begun: begun(trace) }
    }
}

/// The most tasks that workers polled at once, and how long at least two were.
fn running(trace: &Trace) -> (u64, u64) {
    let outer = trace.polls().filter(|(_, poll)| poll.depth == 0 && trace.is_worker(poll.lane));
    at_once(outer.flat_map(|(_, poll)| [(poll.start, true), (poll.end, false)]).collect())
}

/// The most spawned tasks that had been polled at least once and had not ended.
fn begun(trace: &Trace) -> u64 {
    let spawned = (0..trace.task_count() as u32).map(TaskIx);
    let spawned = spawned.filter(|&task| trace.task(task).is_async());
    let lives = spawned.filter_map(|task| {
        let first = trace.poll(trace.task_polls(task).first()?).start;
        let end = trace.task(task).end.map_or(trace.span().end, |end| end.time);
        Some([(first, true), (end, false)])
    });
    at_once(lives.flatten().collect()).0
}

/// Of what begins (`true`) and ends at these times: the most at once, and for how long there were two or more.
fn at_once(mut changes: Vec<(u64, bool)>) -> (u64, u64) {
    // One that ends when another begins does not run beside it.
    changes.sort_unstable();
    let (mut now, mut most, mut together, mut since) = (0u64, 0, 0, 0);
    for (time, begins) in changes {
        if now >= 2 {
            together += time - since;
        }
        since = time;
        now = if begins { now + 1 } else { now.saturating_sub(1) };
        most = most.max(now);
    }
    (most, together)
}

/// What a figure may be asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asks {
    /// The whole trace.
    Trace,
    /// The whole trace, or the tasks of a name.
    TraceOrTasks,
    /// The tasks of a name.
    Tasks,
    /// The tasks of one name and those of another.
    Two,
    /// A text.
    Text,
    /// An event, as moments are named.
    Event,
}

/// A figure.
struct Figure {
    name: &'static str,
    asks: Asks,
    count: fn(&Asked<'_>) -> Result<Value, ClaimError>,
}

/// What a figure is asked of.
struct Asked<'a> {
    name: &'static str,
    of: &'a Named,
    texts: &'a [String],
}

impl Asked<'_> {
    fn trace(&self) -> &Trace {
        &self.of.trace
    }

    /// The tasks of the name that is the argument with this number; all that were spawned if there is
    /// none.
    fn tasks(&self, number: usize) -> Result<Vec<TaskIx>, ClaimError> {
        let trace = self.trace();
        let Some(name) = self.texts.get(number) else {
            let all = (0..trace.task_count() as u32).map(TaskIx);
            return Ok(all.filter(|&task| trace.task(task).is_async()).collect());
        };
        let found: Vec<TaskIx> = globs::tasks(trace, name).collect();
        match found.is_empty() {
            true => Err(ClaimError::NoTask { trace: self.of.name.clone(), name: name.clone() }),
            false => Ok(found),
        }
    }

    fn sum(&self, of: impl Fn(&Trace, TaskIx) -> u64) -> Result<Value, ClaimError> {
        let tasks = self.tasks(0)?;
        Ok(Value::Number(tasks.into_iter().map(|task| of(self.trace(), task)).sum::<u64>() as f64))
    }

    fn time(&self, of: impl Fn(TaskIx) -> u64) -> Result<Value, ClaimError> {
        Ok(Value::Time(self.tasks(0)?.into_iter().map(of).sum::<u64>() as f64))
    }

    fn time_in(&self, state: State) -> Result<Value, ClaimError> {
        let times = &self.of.worked().times;
        self.time(|task| times.get(task).get(state))
    }

    fn longest(&self, state: State) -> Result<Value, ClaimError> {
        let trace = self.trace();
        let of_task = |task| {
            let spans = trace.states(task).filter(|span| span.state == state);
            spans.map(|span| span.end - span.start).max().unwrap_or(0)
        };
        Ok(Value::Time(self.tasks(0)?.into_iter().map(of_task).max().unwrap_or(0) as f64))
    }

    fn ended(&self, so: impl Fn(taskscope_model::End) -> bool) -> Result<Value, ClaimError> {
        self.sum(|trace, task| u64::from(trace.task(task).end.is_some_and(&so)))
    }

    fn poll_ends(&self, so: impl Fn(PollEnd) -> bool) -> Result<Value, ClaimError> {
        self.sum(|trace, task| {
            let polls = trace.task_polls(task).iter();
            polls.filter(|&poll| so(trace.poll(poll).how)).count() as u64
        })
    }

    fn hops_by(&self, queue: HopQueue) -> Result<Value, ClaimError> {
        let hops = self.of.worked().sums.hops.iter().filter(|hop| hop.queue == queue);
        Ok(Value::Number(hops.map(|hop| hop.count).sum::<u64>() as f64))
    }

    /// Where the event was that is the argument, and where its task was polled before.
    fn lanes(&self) -> Result<(LaneIx, Option<LaneIx>), ClaimError> {
        self.texts[0].parse::<Moment>()?.lanes(self.trace(), &self.of.name)
    }

    /// The number of a worker.
    fn worker(&self, lane: Option<LaneIx>) -> Result<Value, ClaimError> {
        match lane.map(|lane| self.trace().lane(lane).kind) {
            Some(LaneKind::Worker { index, .. }) => number(u64::from(index)),
            _ => Err(ClaimError::NoMoment {
                trace: self.of.name.clone(),
                what: format!("worker at the moment `{}`", self.texts[0]),
            }),
        }
    }

    fn one_task(&self) -> Result<TaskIx, ClaimError> {
        match self.tasks(0)?[..] {
            [one] => Ok(one),
            _ => Err(ClaimError::Argument {
                name: self.name.to_owned(),
                expected: "is about one task, and several have this name",
            }),
        }
    }
}

const fn figure(
    name: &'static str,
    asks: Asks,
    count: fn(&Asked<'_>) -> Result<Value, ClaimError>,
) -> Figure {
    Figure { name, asks, count }
}

fn number(count: u64) -> Result<Value, ClaimError> {
    Ok(Value::Number(count as f64))
}

/// All figures, in the order in which `FORMAT.md` lists them.
const FIGURES: &[Figure] = &[
    figure("workers", Asks::Trace, |of| {
        let workers = of.trace().runtimes().iter().map(|runtime| runtime.workers.len());
        number(workers.sum::<usize>() as u64)
    }),
    figure("runtimes", Asks::Trace, |of| number(of.trace().runtimes().len() as u64)),
    figure("wall", Asks::Trace, |of| {
        let span = of.trace().span();
        Ok(Value::Time((span.end - span.start) as f64))
    }),
    figure("dropped", Asks::Trace, |of| number(of.trace().report().dropped)),
    figure("most_running", Asks::Trace, |of| number(of.of.worked().running.0)),
    figure("overlap", Asks::Trace, |of| Ok(Value::Time(of.of.worked().running.1 as f64))),
    figure("most_begun", Asks::Trace, |of| number(of.of.worked().begun)),
    figure("tasks", Asks::TraceOrTasks, |of| match of.texts {
        // None is a number here, too.
        [name] => number(globs::tasks(of.trace(), name).count() as u64),
        _ => number(of.tasks(0)?.len() as u64),
    }),
    figure("blocking", Asks::Trace, |of| {
        let blocking = of.trace().tasks().filter(|task| task.kind == TaskKind::Blocking);
        number(blocking.count() as u64)
    }),
    figure("polls", Asks::TraceOrTasks, |of| {
        of.sum(|trace, task| u64::from(trace.task(task).poll_count()))
    }),
    figure("hops", Asks::TraceOrTasks, |of| match of.texts {
        [] => number(of.trace().hop_count()),
        _ => of.sum(|trace, task| {
            trace.task_polls(task).iter().filter(|&poll| trace.is_hop(poll)).count() as u64
        }),
    }),
    figure("stolen", Asks::Trace, |of| of.hops_by(HopQueue::Stolen)),
    figure("injected", Asks::Trace, |of| of.hops_by(HopQueue::Injection)),
    figure("woken_elsewhere", Asks::Trace, |of| of.hops_by(HopQueue::Own)),
    figure("workers_of", Asks::Tasks, |of| {
        let trace = of.trace();
        let mut lanes: Vec<_> = of
            .tasks(0)?
            .into_iter()
            .flat_map(|task| trace.task_polls(task).iter())
            .map(|poll| trace.poll(poll).lane)
            .collect();
        lanes.sort_unstable();
        lanes.dedup();
        number(lanes.len() as u64)
    }),
    figure("busy", Asks::TraceOrTasks, |of| of.time_in(State::Running)),
    figure("scheduled", Asks::TraceOrTasks, |of| of.time_in(State::Scheduled)),
    figure("waiting", Asks::TraceOrTasks, |of| of.time_in(State::Waiting)),
    figure("longest_poll", Asks::TraceOrTasks, |of| of.longest(State::Running)),
    figure("longest_scheduled", Asks::TraceOrTasks, |of| of.longest(State::Scheduled)),
    figure("longest_wait", Asks::TraceOrTasks, |of| of.longest(State::Waiting)),
    figure("ready", Asks::TraceOrTasks, |of| of.poll_ends(|how| how == PollEnd::Ready)),
    figure("pending", Asks::TraceOrTasks, |of| of.poll_ends(|how| how == PollEnd::Pending)),
    figure("yielded", Asks::TraceOrTasks, |of| {
        of.poll_ends(|how| matches!(how, PollEnd::Yielded { .. }))
    }),
    figure("budget", Asks::TraceOrTasks, |of| of.poll_ends(|how| how == PollEnd::BudgetSpent)),
    figure("returned", Asks::TraceOrTasks, |of| of.ended(|end| end.kind == EndKind::Returned)),
    figure("panicked", Asks::TraceOrTasks, |of| of.ended(|end| end.kind == EndKind::Panicked)),
    figure("cancelled", Asks::TraceOrTasks, |of| of.ended(|end| end.kind == EndKind::Cancelled)),
    figure("aborted", Asks::TraceOrTasks, |of| {
        of.ended(|end| {
            end.kind == EndKind::Cancelled
                && end.cancelled_by == taskscope_model::CancelledBy::Abort
        })
    }),
    figure("dropped_at_shutdown", Asks::TraceOrTasks, |of| {
        of.ended(|end| {
            end.kind == EndKind::Cancelled
                && end.cancelled_by == taskscope_model::CancelledBy::Shutdown
        })
    }),
    figure("waits", Asks::Text, |of| {
        let waits = of.trace().summary().waits.unwrap_or_default();
        let these = waits.iter().filter(|wait| wait.operation == of.texts[0]);
        number(these.map(|wait| wait.count).sum())
    }),
    figure("wakes", Asks::TraceOrTasks, |of| {
        of.sum(|trace, task| trace.task_wakes(task).count() as u64)
    }),
    figure("wakes_by", Asks::Two, |of| {
        let (woken, by) = (of.tasks(0)?, of.tasks(1)?);
        let trace = of.trace();
        let wakes = woken.into_iter().flat_map(|task| trace.task_wakes(task));
        let is_by = |wake| matches!(trace.wake(wake).by, Waker::Task(task) if by.contains(&task));
        number(wakes.filter(|&wake| is_by(wake)).count() as u64)
    }),
    figure("children", Asks::Tasks, |of| {
        let parents = of.tasks(0)?;
        let is_child = |parent: Option<TaskIx>| parent.is_some_and(|task| parents.contains(&task));
        number(of.trace().tasks().filter(|task| is_child(task.parent)).count() as u64)
    }),
    figure("spawned_by", Asks::Two, |of| {
        let (children, parents) = (of.tasks(0)?, of.tasks(1)?);
        let parent = |task: TaskIx| of.trace().task(task).parent;
        let is_child = |task: &TaskIx| parent(*task).is_some_and(|by| parents.contains(&by));
        number(children.into_iter().filter(is_child).count() as u64)
    }),
    figure("size", Asks::Tasks, |of| {
        let sizes = of.tasks(0)?.into_iter().map(|task| of.trace().task(task).size);
        match sizes.flatten().max() {
            Some(size) => Ok(Value::Bytes(size as f64)),
            None => Err(ClaimError::NotRecorded {
                trace: of.of.name.clone(),
                what: "the sizes of futures",
            }),
        }
    }),
    figure("spawned_at", Asks::Tasks, |of| {
        let task = of.one_task()?;
        Ok(Value::Time((of.trace().first_seen(task) - of.trace().span().start) as f64))
    }),
    figure("ended_at", Asks::Tasks, |of| {
        let task = of.one_task()?;
        let end = of.trace().task(task).end.map_or(of.trace().span().end, |end| end.time);
        Ok(Value::Time((end - of.trace().span().start) as f64))
    }),
    figure("scheduled_p50", Asks::Trace, |of| {
        Ok(Value::Time(of.of.worked().sums.delays.quantile(0.5).unwrap_or(0) as f64))
    }),
    figure("scheduled_p99", Asks::Trace, |of| {
        Ok(Value::Time(of.of.worked().sums.delays.quantile(0.99).unwrap_or(0) as f64))
    }),
    figure("poll_p99", Asks::Trace, |of| {
        Ok(Value::Time(of.of.worked().sums.times.quantile(0.99).unwrap_or(0) as f64))
    }),
    figure("worker", Asks::Event, |of| {
        let (lane, _) = of.lanes()?;
        of.worker(Some(lane))
    }),
    figure("worker_before", Asks::Event, |of| {
        let (_, before) = of.lanes()?;
        of.worker(before)
    }),
    figure("said", Asks::Text, |of| {
        let said = of.trace().messages().filter(|said| said.text.contains(&*of.texts[0]));
        number(said.count() as u64)
    }),
    figure("said_at", Asks::Text, |of| {
        let text = &*of.texts[0];
        let first = of.trace().messages().find(|said| said.text.contains(text));
        let since = |said: &Message| (said.time - of.trace().span().start) as f64;
        first.map(|said| Value::Time(since(said))).ok_or_else(|| ClaimError::NoMoment {
            trace: of.of.name.clone(),
            what: format!("message with the words `{text}`"),
        })
    }),
    figure("value", Asks::Text, said_value),
];

/// The number that the program itself reported as a field of one of its messages: the last of that name.
fn said_value(of: &Asked<'_>) -> Result<Value, ClaimError> {
    let field = format!("{}=", of.texts[0]);
    let value = |text: &str| {
        let starts = |(at, _): &(usize, &str)| {
            *at == 0 || !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
        };
        let (at, _) = text.match_indices(&field).find(starts)?;
        let rest = &text[at + field.len()..];
        let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-')));
        rest[..end.unwrap_or(rest.len())].parse::<f64>().ok()
    };
    let found = of.trace().messages().rev().find_map(|said| value(&said.text));
    found.map(Value::Number).ok_or_else(|| ClaimError::NoMoment {
        trace: of.of.name.clone(),
        what: format!("message with a field `{}`", of.texts[0]),
    })
}

/// The names of all figures.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    FIGURES.iter().map(|figure| figure.name)
}

/// Whether there is such a figure that can be asked with so many texts.
pub(crate) fn is_sound(name: &str, texts: usize) -> Result<(), ClaimError> {
    let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) else {
        let near = names().find(|other| near(other, name)).map(str::to_owned);
        return Err(ClaimError::NoFigure { name: name.to_owned(), near });
    };
    let (fits, expected) = match figure.asks {
        Asks::Trace => (texts == 0, "is about the whole trace and takes no name"),
        Asks::TraceOrTasks => (texts <= 1, "takes no name or one"),
        Asks::Tasks => (texts == 1, "takes the name of a task"),
        Asks::Two => (texts == 2, "takes the names of two tasks"),
        Asks::Text => (texts == 1, "takes a text"),
        Asks::Event => (texts == 1, "takes an event such as 'hop 1'"),
    };
    if fits { Ok(()) } else { Err(ClaimError::Argument { name: name.to_owned(), expected }) }
}

/// Whether two names differ by little: a letter or two, or an ending.
fn near(a: &str, b: &str) -> bool {
    let common = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    common >= 3 && common + 3 >= a.len().max(b.len())
}

/// Counts a figure of a trace.
pub(crate) fn count(name: &str, of: &Named, texts: &[String]) -> Result<Value, ClaimError> {
    is_sound(name, texts.len())?;
    let figure = FIGURES.iter().find(|figure| figure.name == name);
    match figure {
        Some(figure) => (figure.count)(&Asked { name: figure.name, of, texts }),
        None => Err(ClaimError::NoFigure { name: name.to_owned(), near: None }),
    }
}
