//! A search for tasks and for stretches of their lives, written in a small language.
//!
//! ```text
//! state:scheduled  poll>1ms  place:server.rs  worker:2  ended:panicked  waits:Mutex  hops>3  name:"conn 1*"  t>1.2s
//! ```
//!
//! # The language
//! A search is some terms with blanks between, all of which have to hold. A term with a minus before it has not
//! to hold. Several values with commas between mean any of them. A bare word is looked for in names, places and ids.
//! [`WORDS`] has all other words.
//!
//! Words speak of tasks (`hops`), or of *stretches* of their lives (`poll`), which are polls and the times
//! between. What is said of stretches of one state has to hold for one and the same stretch: `poll>1ms worker:2` finds
//! polls of more than a millisecond on worker 2. What is said of stretches of several states asks for tasks that have
//! each of them: `poll>1ms waits:Mutex` finds tasks that have had a long poll and have waited for a lock, and these
//! polls and waits. `t` and `lasts` hold for stretches of any state.
//!
//! # The plan
//! Terms of tasks are the cheap ones: a bare word is looked for in one long text of all names. Then either the polls are
//! read where they lie, if nothing else is asked for, block by block, and blocks are skipped that cannot have any; or each task
//! that is left is followed through its states. Both on all processors.

mod complete;
mod hits;
mod names;
mod parse;
mod query;
mod words;

use taskscope_format::Nanos;

use super::{Activity, Blocks, each};
use crate::State;
use crate::trace::Trace;
use crate::types::{PollIx, TaskIx};

pub use complete::{Completion, complete};
use hits::Found;
pub use hits::{Hit, HitList, Hits};
pub use names::Names;
pub use parse::QueryError;
pub use query::Query;
use query::{Group, Stretch, TaskTerm};
pub use words::{Choice, Takes, WORDS, Word};

/// What satisfies a search, where the playhead is at `moment`.
///
/// Without `names`, which may be older than the trace, names are put together for each task. Without an
/// [`Activity`] of this very trace no block is skipped.
pub async fn search(
    trace: &Trace,
    activity: Option<&Activity>,
    names: Option<&Names>,
    query: &Query,
    moment: Nanos,
) -> Hits {
    let mut is_wanted = wanted(trace, names, query, moment).await;
    let is_of_stretches = query.is_of_stretches();
    let found = match &query.groups[..] {
        // Whole tasks: all that they do is found with them.
        [] => Found::default(),
        [group] if group.state == Some(State::Running) => {
            polls(trace, activity, group, &mut is_wanted).await
        }
        _ => lives(trace, query, &mut is_wanted).await,
    };
    let tasks = (0..).map(TaskIx).zip(is_wanted).filter_map(|(task, is)| is.then_some(task));
    Hits::new(trace, tasks.collect(), found, is_of_stretches)
}

/// Which tasks satisfy the terms of tasks.
async fn wanted(trace: &Trace, names: Option<&Names>, query: &Query, moment: Nanos) -> Vec<bool> {
    let mut is_wanted = vec![true; trace.task_count()];
    let mut rest = query.clone();
    if let Some(names) = names {
        for not in &query.tasks {
            if let TaskTerm::Word(text) = &not.term
                && text.pattern.is_none()
            {
                let found = names.find(trace, &text.lower).await;
                // A task that is newer than the names has none of them.
                let found = found.into_iter().chain(std::iter::repeat(false));
                is_wanted.iter_mut().zip(found).for_each(|(is, found)| *is &= found != not.is_not);
            }
        }
        let by_name =
            |term: &TaskTerm| matches!(term, TaskTerm::Word(text) if text.pattern.is_none());
        rest.tasks.retain(|not| !by_name(&not.term));
    }
    if rest.tasks.is_empty() {
        return is_wanted;
    }
    let tasks: Vec<u32> =
        (0..).zip(&is_wanted).filter_map(|(task, is)| is.then_some(task)).collect();
    let portions: Vec<&[u32]> = tasks.chunks(2048).collect();
    let work = |portion: &&[u32]| {
        let holds = |task: &u32| rest.holds_for_task(trace, TaskIx(*task), moment);
        portion.iter().copied().filter(|task| !holds(task)).collect::<Vec<u32>>()
    };
    let mut unwanted = Vec::new();
    each(&portions, work, |not| unwanted.extend(not)).await;
    unwanted.into_iter().for_each(|task| is_wanted[task as usize] = false);
    is_wanted
}

/// Polls of the tasks that are wanted; afterwards those are wanted that have some.
async fn polls(
    trace: &Trace,
    activity: Option<&Activity>,
    group: &Group,
    is_wanted: &mut [bool],
) -> Found {
    let activity = activity.filter(|activity| activity.is_of(trace));
    let blocks = Blocks::of(trace, activity);
    let may_be_in = |block: &usize| {
        activity.is_none_or(|activity| {
            let sums = &activity.sums[*block];
            sums.longest.most() >= group.at_least() && !(group.is_of_hops() && sums.hops.is_empty())
        })
    };
    let numbers: Vec<usize> = (0..blocks.len()).filter(may_be_in).collect();
    let wanted = &*is_wanted;
    let work = |block: &usize| {
        let mut found = Found::default();
        for (number, chunk, slots) in trace.rows_in(blocks.times(*block)) {
            for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
                let task = TaskIx(chunk.rows[slot].task);
                let (start, end) = (chunk.start(slot), chunk.end(slot));
                let poll = Some(PollIx::new(number, slot));
                let stretch = Stretch { state: State::Running, start, end, poll };
                let is_hit = wanted[task.get()] && group.holds(trace, &stretch);
                if is_hit {
                    found.add(Hit::new(task, stretch));
                }
            }
        }
        found
    };
    let mut found = Found::default();
    let mut has = vec![false; is_wanted.len()];
    each(&numbers, work, |of_block| {
        of_block.stretches.iter().for_each(|hit| has[hit.task.get()] = true);
        found.join(of_block);
    })
    .await;
    is_wanted.iter_mut().zip(has).for_each(|(is, has)| *is &= has);
    found
}

/// Stretches of the lives of the tasks that are wanted; afterwards those are wanted that have some for each group.
async fn lives(trace: &Trace, query: &Query, is_wanted: &mut [bool]) -> Found {
    let tasks: Vec<u32> =
        (0..).zip(&*is_wanted).filter_map(|(task, is)| is.then_some(task)).collect();
    let portions: Vec<&[u32]> = tasks.chunks(256).collect();
    let work = |portion: &&[u32]| {
        let (mut found, mut without) = (Found::default(), Vec::new());
        for &task in *portion {
            match life(trace, query, TaskIx(task)) {
                Some(of_task) => found.join(of_task),
                None => without.push(task),
            }
        }
        (found, without)
    };
    let (mut found, mut unwanted) = (Found::default(), Vec::new());
    each(&portions, work, |(of_portion, without)| {
        found.join(of_portion);
        unwanted.extend(without);
    })
    .await;
    unwanted.into_iter().for_each(|task| is_wanted[task as usize] = false);
    found
}

/// The stretches of a task's life that satisfy one of the groups; `None` if one has none.
fn life(trace: &Trace, query: &Query, task: TaskIx) -> Option<Found> {
    let mut found = Found::default();
    let mut has = vec![false; query.groups.len()];
    let mut look_at = |stretch: Stretch| {
        let mut is_hit = false;
        for (group, has) in query.groups.iter().zip(&mut has) {
            if group.holds(trace, &stretch) {
                (is_hit, *has) = (true, true);
            }
        }
        if is_hit {
            found.add(Hit::new(task, stretch));
        }
    };
    // Polls as they are; states let one of two that overlap go on.
    for poll in trace.task_polls(task) {
        let (start, end) = (trace.polls.start(poll), trace.polls.end(poll));
        look_at(Stretch { state: State::Running, start, end, poll: Some(poll) });
    }
    let mut before = None;
    for span in trace.states(task) {
        match span.poll {
            Some(poll) => before = Some(poll),
            None => {
                let (state, start, end) = (span.state, span.start, span.end);
                look_at(Stretch { state, start, end, poll: before });
            }
        }
    }
    has.into_iter().all(|has| has).then_some(found)
}
