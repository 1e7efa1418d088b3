//! Moments that are named by what happens then: `hop 3`, `end of 'slow' - 2us`.
//!
//! A lesson is shown over its own trace and over any other run of its program, in which nothing happens at the same
//! nanosecond. So its steps name events.

use std::fmt;
use std::str::FromStr;

use taskscope_model::questions::Outcome;
use taskscope_model::{LaneIx, Nanos, PollEnd, PollIx, Queue, TaskIx, Trace};

use crate::claims::{Token, Value, lex};
use crate::error::ClaimError;
use crate::globs;
use crate::traces::Traces;

/// A moment of a trace, by what happens then.
#[derive(Clone, Debug, PartialEq)]
pub struct Moment {
    text: String,
    trace: Option<String>,
    event: Event,
    /// The how manyth, from 1.
    number: usize,
    /// Of these tasks alone.
    of: Option<String>,
    /// So much later, in nanoseconds.
    offset: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    /// The first or last moment of the trace; with a task, of that.
    Start,
    End,
    /// A time since the start, in nanoseconds.
    Time(f64),
    /// A part of the whole.
    Part(f64),
    Spawn,
    Poll,
    PollEnd,
    Wake,
    Hop,
    Steal,
    Yield,
    Panic,
    Abort,
    Said,
}

/// Something that happened: when, to which task, and in which poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Happened {
    time: Nanos,
    task: Option<TaskIx>,
    poll: Option<PollIx>,
}

impl Happened {
    fn to(task: TaskIx, time: Nanos) -> Self {
        Self { time, task: Some(task), poll: None }
    }
}

/// Events by their names.
const EVENTS: &[(&str, Event)] = &[
    ("start", Event::Start),
    ("end", Event::End),
    ("spawn", Event::Spawn),
    ("poll", Event::Poll),
    ("poll_end", Event::PollEnd),
    ("wake", Event::Wake),
    ("hop", Event::Hop),
    ("steal", Event::Steal),
    ("yield", Event::Yield),
    ("panic", Event::Panic),
    ("abort", Event::Abort),
    ("said", Event::Said),
];

impl FromStr for Moment {
    type Err = ClaimError;

    /// Reads a moment: an event, its number, `of` a task, and a time to be added.
    fn from_str(text: &str) -> Result<Self, ClaimError> {
        let tokens = lex(text)?;
        let mut rest = &tokens[..];
        let end = text.chars().count() + 1;
        let error = |rest: &[(usize, Token)], expected: &str| ClaimError::Syntax {
            claim: text.to_owned(),
            at: rest.first().map_or(end, |(at, _)| *at),
            expected: expected.to_owned(),
        };
        let mut trace = None;
        if let [(_, Token::Name(name)), (_, Token::Sign(".")), after @ ..] = rest {
            (trace, rest) = (Some(name.clone()), after);
        }
        let expected = "an event (start, end, spawn, poll, poll_end, wake, hop, steal, yield, panic, \
                        abort, said), a time or a part such as 30%";
        let event = match rest {
            [(_, Token::Name(name)), after @ ..] => {
                let event = EVENTS.iter().find(|(known, _)| known == name);
                let event = event.map(|(_, event)| *event).ok_or_else(|| error(rest, expected))?;
                rest = after;
                event
            }
            [(_, Token::Value(Value::Time(time))), after @ ..] => {
                rest = after;
                Event::Time(*time)
            }
            [(_, Token::Value(Value::Number(part))), after @ ..] if *part <= 1.0 => {
                rest = after;
                Event::Part(*part)
            }
            _ => return Err(error(rest, expected)),
        };
        let mut number = 1;
        if let [(_, Token::Value(Value::Number(given))), after @ ..] = rest {
            if given.fract() != 0.0 || *given < 1.0 {
                return Err(error(rest, "a whole number from 1"));
            }
            (number, rest) = (*given as usize, after);
        }
        let mut of = None;
        if let [(_, Token::Name(word)), (_, Token::Text(task)), after @ ..] = rest
            && word == "of"
        {
            (of, rest) = (Some(task.clone()), after);
        }
        let mut offset = 0.0;
        if let [
            (_, Token::Sign(sign @ ("+" | "-"))),
            (_, Token::Value(Value::Time(time))),
            after @ ..,
        ] = rest
        {
            (offset, rest) = (if *sign == "+" { *time } else { -time }, after);
        }
        if !rest.is_empty() {
            return Err(error(rest, "a number, `of 'task'`, `+` or `-` a time, or the end"));
        }
        if event == Event::Said && of.is_none() {
            return Err(error(rest, "`of` and a part of what is said, in single quotes"));
        }
        Ok(Self { text: text.trim().to_owned(), trace, event, number, of, offset })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Moment {
    /// When it is, on the clock of its trace.
    ///
    /// # Errors
    /// [`ClaimError`] where nothing like it happens in the trace.
    pub fn find(&self, traces: &Traces) -> Result<Nanos, ClaimError> {
        let named = traces.find(self.trace.as_deref())?;
        let span = named.trace.span();
        let length = (span.end - span.start) as f64;
        let at = match (self.event, &self.of) {
            (Event::Time(time), _) => span.start as f64 + time,
            (Event::Part(part), _) => span.start as f64 + part * length,
            (Event::Start, None) => span.start as f64,
            (Event::End, None) => span.end as f64,
            _ => self.happened(&named.trace, &named.name)?.time as f64,
        };
        Ok((at + self.offset).clamp(span.start as f64, span.end as f64) as Nanos)
    }

    /// The task that its event is about, if it is about one.
    pub fn task(&self, traces: &Traces) -> Option<TaskIx> {
        let named = traces.find(self.trace.as_deref()).ok()?;
        self.happened(&named.trace, &named.name).ok()?.task
    }

    /// Where its event was: the lane of the poll, and that of the task's poll before.
    pub(crate) fn lanes(
        &self,
        trace: &Trace,
        name: &str,
    ) -> Result<(LaneIx, Option<LaneIx>), ClaimError> {
        let happened = self.happened(trace, name)?;
        let (task, poll) =
            happened.task.zip(happened.poll).ok_or_else(|| ClaimError::NoMoment {
                trace: name.to_owned(),
                what: format!("poll that `{}` is about", self.text),
            })?;
        let before = trace.task_polls(task).iter().take_while(|&before| before != poll).last();
        Ok((trace.poll(poll).lane, before.map(|before| trace.poll(before).lane)))
    }

    /// What it names, in a trace of this name.
    fn happened(&self, trace: &Trace, name: &str) -> Result<Happened, ClaimError> {
        let tasks = match &self.of {
            Some(of) if self.event != Event::Said => {
                let found: Vec<TaskIx> = globs::tasks(trace, of).collect();
                if found.is_empty() {
                    return Err(ClaimError::NoTask { trace: name.to_owned(), name: of.clone() });
                }
                Some(found)
            }
            _ => None,
        };
        let mut all = self.all(trace, tasks.as_deref());
        all.sort_unstable();
        all.get(self.number - 1).copied().ok_or_else(|| ClaimError::NoMoment {
            trace: name.to_owned(),
            what: format!("moment `{}`", self.text),
        })
    }

    /// The trace that it is in; `None` for the first.
    pub fn trace(&self) -> Option<&str> {
        self.trace.as_deref()
    }

    /// All that is called so.
    fn all(&self, trace: &Trace, tasks: Option<&[TaskIx]>) -> Vec<Happened> {
        let all = || (0..trace.task_count() as u32).map(TaskIx);
        let tasks: Vec<TaskIx> = tasks.map_or_else(|| all().collect(), <[TaskIx]>::to_vec);
        let polls = |is: &dyn Fn(PollIx) -> bool, time: &dyn Fn(PollIx) -> Nanos| {
            let polls = tasks
                .iter()
                .flat_map(|&task| trace.task_polls(task).iter().map(move |poll| (task, poll)));
            let happened =
                |(task, poll)| Happened { poll: Some(poll), ..Happened::to(task, time(poll)) };
            polls.filter(|&(_, poll)| is(poll)).map(happened).collect::<Vec<_>>()
        };
        let start = |poll: PollIx| trace.poll(poll).start;
        let end = |poll: PollIx| trace.poll(poll).end;
        let ended = |is: &dyn Fn(Outcome) -> bool| {
            let ends = tasks.iter().filter_map(|&task| Some((task, trace.task(task).end?)));
            ends.filter(|(_, end)| is(Outcome::of(*end)))
                .map(|(task, end)| Happened::to(task, end.time))
                .collect::<Vec<_>>()
        };
        match self.event {
            Event::Start => {
                tasks.iter().map(|&task| Happened::to(task, trace.first_seen(task))).collect()
            }
            Event::End => ended(&|_| true),
            Event::Spawn => {
                let spawned = |&task: &TaskIx| Some(Happened::to(task, trace.task(task).spawned?));
                tasks.iter().filter_map(spawned).collect()
            }
            Event::Poll => polls(&|_| true, &start),
            Event::PollEnd => polls(&|_| true, &end),
            Event::Wake => {
                let wakes = tasks
                    .iter()
                    .flat_map(|&task| trace.task_wakes(task).map(move |wake| (task, wake)));
                wakes.map(|(task, wake)| Happened::to(task, trace.wake(wake).time)).collect()
            }
            Event::Hop => polls(&|poll| trace.is_hop(poll), &start),
            Event::Steal => {
                let is_stolen = |poll| {
                    trace.is_hop(poll)
                        && matches!(
                            trace.arrival(poll).map(|arrival| arrival.queue),
                            Some(Queue::Stolen { .. })
                        )
                };
                polls(&is_stolen, &start)
            }
            Event::Yield => {
                polls(&|poll| matches!(trace.poll(poll).how, PollEnd::Yielded { .. }), &end)
            }
            Event::Panic => ended(&|outcome| outcome == Outcome::Panicked),
            Event::Abort => ended(&|outcome| outcome == Outcome::Aborted),
            Event::Said => {
                let text = self.of.as_deref().unwrap_or_default();
                let said = trace.messages().filter(|said| said.text.contains(text));
                said.map(|said| Happened { time: said.time, task: None, poll: None }).collect()
            }
            Event::Time(_) | Event::Part(_) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use taskscope_generate::{Options, generate};

    use super::*;

    #[test]
    fn moments_are_where_their_events_are() {
        let mut file = Vec::new();
        let options = Options { polls: 8_000, tasks: 300, workers: 3, seed: 2 };
        generate(&options, &mut file).expect("it can be generated");
        let trace = Trace::from_bytes(&file).expect("it opens");
        let traces = Traces::of(&trace);
        let find = |text: &str| text.parse::<Moment>().and_then(|moment| moment.find(&traces));
        let span = trace.span();
        assert_eq!(find("start"), Ok(span.start));
        assert_eq!(find("end"), Ok(span.end));
        assert_eq!(find("start + 5us"), Ok(span.start + 5_000));
        assert_eq!(find("1ms"), Ok(span.start + 1_000_000));
        assert_eq!(find("A.50%"), Ok(span.start + (span.end - span.start) / 2));
        let hops: Vec<_> = trace.hops().map(|hop| trace.poll(hop.to).start).collect();
        assert_eq!(find("hop"), Ok(hops[0]));
        assert_eq!(find("hop 3"), Ok(hops[2]));
        let third = trace.hops().nth(2).expect("it has three");
        let moment = |text: &str| text.parse::<Moment>().expect("it is well-formed");
        assert_eq!(moment("hop 3 - 5us").task(&traces), Some(trace.poll(third.to).task));
        let lanes = moment("hop 3").lanes(&trace, "A");
        assert_eq!(lanes, Ok((trace.poll(third.to).lane, Some(trace.poll(third.from).lane))));
        assert_eq!(moment("start").task(&traces), Some(TaskIx(0)));
        let task = trace.task_name(TaskIx(5));
        let polls = trace.task_polls(TaskIx(5));
        let first = polls.first().map(|poll| trace.poll(poll));
        if let Some(first) = first {
            let found = find(&format!("poll of '{task}'")).expect("it has polls");
            assert!(found <= first.start);
        }
        for (wrong, says) in [
            ("", "expected an event"),
            ("jump", "expected an event"),
            ("hop 0", "a whole number from 1"),
            ("hop 3 of", "expected a number"),
            ("hop 1000000", "no moment"),
            ("poll of 'nobody'", "no task called"),
            ("said", "expected `of`"),
        ] {
            let error = find(wrong).expect_err(wrong).to_string();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
