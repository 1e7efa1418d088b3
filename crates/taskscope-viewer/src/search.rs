//! What is searched for in a trace, and what was found.
//!
//! What is typed becomes a query with each key. One that cannot be read changes nothing but what is said of it: what was
//! found last stays in sight, since most of what cannot be read is half of what can.

use std::cell::Cell;
use std::sync::Arc;

use taskscope_model::questions::Activity;
use taskscope_model::questions::search::{Hit, Hits, Names, Query, QueryError, search};
use taskscope_model::{Direction, Trace};

use crate::jobs::{Jobs, Question, Snapshot};

/// What an answer depends on, beside the trace.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    text: String,
    /// The playhead, where it counts.
    moment: Option<u64>,
}

/// The search in one trace.
#[derive(Debug, Default)]
pub(crate) struct Search {
    text: String,
    error: Option<QueryError>,
    /// The last that could be read, and its text.
    query: Query,
    query_text: String,
    names: Question<(), Arc<Names>>,
    wants_names: Cell<bool>,
    hits: Question<Asked, Arc<Hits>>,
    /// The hit that was gone to last, by its number.
    at: Option<usize>,
}

impl Search {
    /// What stands in the field.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with that, and where.
    pub(crate) fn error(&self) -> Option<&QueryError> {
        self.error.as_ref()
    }

    /// Searches for this from now on.
    pub(crate) fn set(&mut self, text: String) {
        match Query::parse(&text) {
            Ok(query) => {
                self.error = None;
                self.query = query;
                self.query_text.clone_from(&text);
                self.at = None;
            }
            Err(error) => self.error = Some(error),
        }
        self.text = text;
    }

    /// Whether anything is searched for.
    pub(crate) fn is_on(&self) -> bool {
        !self.query.is_empty()
    }

    /// Somebody is about to search: names are put together.
    pub(crate) fn prepare(&self) {
        self.wants_names.set(true);
    }

    /// Asks anew where something has changed. `moment` is that of the playhead, unless the recording plays.
    pub(crate) fn refresh(
        &mut self,
        jobs: &Jobs,
        snapshot: Snapshot,
        trace: &Arc<Trace>,
        activity: Option<Arc<Activity>>,
        moment: Option<u64>,
    ) {
        if !self.is_on() && !self.wants_names.get() {
            return;
        }
        let of = trace.clone();
        let make = || async move { Arc::new(Names::new(&of).await) };
        let names = self.names.ask(jobs, snapshot, &(), make).map(|answer| answer.value.clone());
        if !self.is_on() || names.is_none() {
            return;
        }
        let asked_before = self.hits.answer().map(|answer| &answer.key);
        let moment = match self.query.asks_for_now() {
            // Rows must not jump about while the recording plays.
            true => moment.or(asked_before.and_then(|asked| asked.moment)).or(Some(0)),
            false => None,
        };
        let asked = Asked { text: self.query_text.clone(), moment };
        let (trace, query) = (trace.clone(), self.query.clone());
        let work = || async move {
            let (activity, names) = (activity.as_deref(), names.as_deref());
            Arc::new(search(&trace, activity, names, &query, moment.unwrap_or(0)).await)
        };
        self.hits.ask(jobs, snapshot, &asked, work);
    }

    /// What was found, if anything is searched for and that is known; and how to tell it from what was found
    /// before.
    pub(crate) fn found(&self) -> Option<(&Arc<Hits>, Found)> {
        let answer = self.hits.answer().filter(|_| self.is_on())?;
        Some((&answer.value, Found { asked: answer.key.clone(), revision: answer.revision }))
    }

    /// What was found, if anything is searched for and that is known.
    pub(crate) fn hits(&self) -> Option<&Hits> {
        self.found().map(|(hits, _)| &**hits)
    }

    /// Whether what is found is not yet that of what is searched for.
    pub(crate) fn is_busy(&self) -> bool {
        self.is_on() && (self.hits.is_running() || self.names.is_running())
    }

    /// The number of the hit that was gone to last.
    pub(crate) fn at(&self) -> Option<usize> {
        self.at
    }

    /// Goes on to the next hit from a moment, or back: to the next task, if only tasks are searched for.
    pub(crate) fn go(&mut self, trace: &Trace, moment: u64, direction: Direction) -> Option<Hit> {
        let hits = self.hits()?;
        let is_next = |at: usize, count: usize| match direction {
            Direction::Forward => (at + 1) % count,
            Direction::Back => (at + count - 1) % count,
        };
        let (at, hit) = match hits.is_of_stretches {
            false => {
                let count = hits.tasks.len();
                let first =
                    if direction == Direction::Forward { 0 } else { count.checked_sub(1)? };
                let at = self.at.filter(|at| *at < count).map_or(first, |at| is_next(at, count));
                (at, whole(trace, *hits.tasks.get(at)?))
            }
            true => {
                let stretches = hits.stretches();
                // Whoever has gone elsewhere meanwhile goes on from there.
                let is_here =
                    |at: &usize| stretches.get(*at).is_some_and(|hit| hit.start == moment);
                let at = match self.at.filter(is_here) {
                    Some(at) => is_next(at, stretches.len()),
                    None => hits.next(moment, direction)?,
                };
                (at, stretches[at])
            }
        };
        self.at = Some(at);
        Some(hit)
    }
}

/// The life of a task as one stretch, from its first poll on where it has one.
fn whole(trace: &Trace, task: taskscope_model::TaskIx) -> Hit {
    let poll = trace.task_polls(task).iter().next();
    let start = poll.map_or(trace.first_seen(task), |poll| trace.poll(poll).start);
    let end = trace.task(task).end.map_or(trace.span().end, |end| end.time).max(start);
    Hit { start, end, task, poll, state: taskscope_model::State::Running }
}

/// Tells what was found from what was found before.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) asked: Asked,
    pub(crate) revision: u64,
}
