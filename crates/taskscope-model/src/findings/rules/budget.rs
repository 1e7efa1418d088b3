//! Tasks that Tokio made yield, since they had used up their budget.
//!
//! It is how Tokio keeps a task whose sources are always ready from holding its worker, and no fault by itself: a
//! note. It says where such tasks are from.

use foldhash::HashMap;

use super::Rule;
use crate::PollEnd;
use crate::findings::seen::Seen;
use crate::findings::{Finding, Kind, Known};
use crate::store::polls::Flags;
use crate::types::{PlaceIx, PollIx, TaskIx};
use crate::units::plural;

/// Fewer are not worth a note.
const LEAST: u64 = 10;

#[derive(Clone, Copy)]
struct Forced {
    polls: u64,
    first: PollIx,
    task: TaskIx,
}

/// By place.
#[derive(Default)]
pub(super) struct Budget(HashMap<Option<PlaceIx>, Forced>);

impl Rule for Budget {
    #[inline]
    fn poll(&mut self, seen: &Seen<'_>) {
        let flags = seen.row().flags;
        if flags.has(Flags::BUDGET)
            && seen.trace.poll_end(seen.row().task, flags) == PollEnd::BudgetSpent
        {
            let new = Forced { polls: 0, first: seen.poll, task: seen.task() };
            self.0.entry(seen.place()).or_insert(new).polls += 1;
        }
    }

    fn join(&mut self, other: Self) {
        for (place, of) in other.0 {
            self.0.entry(place).or_insert(Forced { polls: 0, ..of }).polls += of.polls;
        }
    }

    fn findings(self, known: &Known<'_>) -> Vec<Finding> {
        let trace = known.trace;
        let often = self.0.into_iter().filter(|(_, of)| of.polls >= LEAST);
        let findings = often.map(|(place, of)| {
            let poll = trace.poll(of.first);
            let whose = match place {
                Some(place) => format!("tasks from {}", trace.place(place).short()),
                None => "tasks like this".to_owned(),
            };
            let evidence = format!(
                "{} used up its budget in this poll, so that Tokio made it yield; {} of {whose} ended so",
                trace.quoted(of.task),
                plural(of.polls, "poll"),
            );
            Finding {
                task: Some(of.task),
                poll: Some(of.first),
                place,
                worker: Some(poll.lane).filter(|&lane| trace.is_worker(lane)),
                start: poll.start,
                end: poll.end,
                count: of.polls,
                cost: of.polls,
                ..Finding::new(Kind::ForcedYields, evidence)
            }
        });
        findings.collect()
    }
}
