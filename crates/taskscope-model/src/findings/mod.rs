//! What is wrong in a recorded program.
//!
//! # The problem
//! A trace shows everything, and somebody who has never seen a stall does not know where to look. So each known
//! way in which a Tokio program goes wrong has a *rule*, which says what it found: the evidence with its
//! figures, the place, what to do, and how sure it is. A list of alarms of which half are false is read once
//! and never again. So a rule keeps silent unless the trace shows harm, and each says in its essay why a healthy
//! program does not set it off.
//!
//! # The plan
//! Polls are looked at twice, tasks once, block by block, on all processors, and none of them are sorted:
//!
//! 1. Each task is shown to each rule.
//! 2. Each poll is shown to each rule. The few *long polls* are kept aside, by lane: see `long.rs`.
//! 3. Each *stay* of a task in a queue is shown to each rule, if it was long, or if it lies across a long poll: see
//!    `stay.rs`. So a rule can say who waited while a worker was held, without asking of each long poll which of all tasks
//!    waited then.
//!
//! A rule adds up what it sees. Each block has rules of its own, which are joined in the order of the blocks, so that
//! the answer is the same on any machine. At the end each rule makes its findings: one for each place and
//! cause, with the worst case as evidence and a count of the others.
//!
//! Why no question for each rule: each would read all polls again, and of a hundred million that takes a second
//! every time.
//!
//! # Sure or not
//! A finding is *certain* if what it says was recorded, and no events are missing where it says so. What
//! it concludes (that a lock was held by the task that woke the next, say) makes it uncertain. Where events were
//! dropped or the file is damaged, nothing is certain.

mod affected;
mod kind;
mod late;
mod long;
mod rules;
mod seen;
mod stay;
mod sure;

#[cfg(test)]
mod tests;

use taskscope_format::Nanos;

use crate::questions::{Blocks, Facts, each, pause};
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx, TaskIx};

pub use affected::affected;
pub use kind::{Kind, Severity};
use long::{LongPoll, LongPolls};
use rules::Rules;
use seen::Seen;

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// How bad it is: at most as bad as [`Kind::severity`].
    pub severity: Severity,
    /// Whether it was recorded, and not concluded: see [the module](self).
    pub certain: bool,
    /// The task that shows it best.
    pub task: Option<TaskIx>,
    /// The poll that shows it best; after it where what is wrong lies between two polls.
    pub poll: Option<PollIx>,
    /// Where to look: where the span of the program's own is made in which it happened, the task was spawned, or the thing that it
    /// waits for was made.
    pub place: Option<PlaceIx>,
    /// The worker that it is about.
    pub worker: Option<LaneIx>,
    /// When it began, in the time of the trace.
    pub start: Nanos,
    /// When it ended.
    pub end: Nanos,
    /// How many cases are folded into this one.
    pub count: u64,
    /// What it cost in all, by which equally bad ones are sorted: nanoseconds of workers or of tasks, and for what costs
    /// memory, or nothing that can be measured, a count.
    pub cost: Nanos,
    /// What was seen, in a sentence with its figures.
    pub evidence: String,
}

impl Finding {
    /// What to do about it, in a sentence.
    pub fn advice(&self) -> &'static str {
        self.kind.advice()
    }

    /// Whether it is more than a note.
    pub fn is_alarm(&self) -> bool {
        self.severity > Severity::Note
    }

    /// One about nothing in particular yet.
    fn new(kind: Kind, evidence: String) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            certain: true,
            task: None,
            poll: None,
            place: None,
            worker: None,
            start: 0,
            end: 0,
            count: 1,
            cost: 0,
            evidence,
        }
    }
}

/// What the rules may ask when they are shown something.
struct Known<'a> {
    trace: &'a Trace,
    facts: &'a Facts,
    long: &'a LongPolls,
}

/// How many rules look at a trace.
pub const RULES: usize = rules::COUNT;

/// What is wrong in a trace: the worst first, and of equally bad ones that which cost most.
///
/// Like any [question](crate::questions) it can be stopped at its pauses. It needs no
/// [`Activity`](crate::questions::Activity), and may be asked of a trace that is still being read.
pub async fn findings(trace: &Trace) -> Vec<Finding> {
    let mut rules = Rules::default();
    for task in 0..trace.task_count() as u32 {
        rules.task(trace, TaskIx(task));
        if task % 8_192 == 8_191 {
            pause().await;
        }
    }
    let facts = Facts::new(trace).await;
    let blocks = Blocks::new(trace);
    let numbers: Vec<usize> = (0..blocks.len()).collect();

    let mut long = Vec::new();
    let of_block = |block: &usize| polls(trace, &facts, &blocks, *block);
    each(&numbers, of_block, |(of_block, of_long)| {
        rules.join(of_block);
        long.extend(of_long);
    })
    .await;

    let long = LongPolls::new(long);
    let known = Known { trace, facts: &facts, long: &long };
    each(&numbers, |block| stays(&known, &blocks, *block), |of_block| rules.join(of_block)).await;
    for (task, number) in (0..trace.task_count() as u32).zip(1u32..) {
        if let Some(stay) = stay::unended(trace, TaskIx(task)) {
            rules.stay(&known, &stay);
        }
        if number.is_multiple_of(8_192) {
            pause().await;
        }
    }
    pause().await;
    let mut findings = rules.findings(&known);
    findings.sort_by_key(|of| (std::cmp::Reverse((of.severity, of.cost)), of.kind, of.start));
    findings
}

fn polls(trace: &Trace, facts: &Facts, blocks: &Blocks, block: usize) -> (Rules, Vec<LongPoll>) {
    let (mut rules, mut long) = (Rules::default(), Vec::new());
    for (number, chunk, slots) in trace.rows_in(blocks.times(block)) {
        for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
            let seen = Seen { trace, facts, chunk, slot, poll: PollIx::new(number, slot) };
            long.extend(LongPoll::of(&seen));
            rules.poll(&seen);
        }
    }
    (rules, long)
}

fn stays(known: &Known<'_>, blocks: &Blocks, block: usize) -> Rules {
    let &Known { trace, facts, .. } = known;
    let mut rules = Rules::default();
    for (number, chunk, slots) in trace.rows_in(blocks.times(block)) {
        for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
            let seen = Seen { trace, facts, chunk, slot, poll: PollIx::new(number, slot) };
            if let Some(stay) = stay::before(known, &seen) {
                rules.stay(known, &stay);
            }
        }
    }
    rules
}
