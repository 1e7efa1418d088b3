//! Which tasks yielded, and which waited.
//!
//! # The problem
//! A task that wakes itself during its poll has yielded: that is recorded. But `yield_now`, and
//! an operation that finds the task's budget spent, leave the task's waker with the worker. The
//! worker calls it later, between two polls, just as it calls the wakers of tasks whose sockets and
//! timers its driver finds ready. Nothing in the recording sets the one call apart from the other.
//! (That a budget was spent is recorded.)
//!
//! # What is known
//! Tokio 1.54 keeps the deferred wakers of a worker in a list. Whenever the worker has run the
//! driver, because it has run out of tasks or every 61 ticks, it empties the list, *last in, first
//! out*. So a worker calls wakers in batches, and in each batch those of sockets and timers come
//! first, then all tasks that have yielded since the batch before, in the reverse order of their
//! polls. A worker that has deferred wakers does not park. Hence a yield
//!
//! - left the poll pending, with a clone of its waker kept;
//! - is followed by a wake on the same thread, in its next batch, with no park between (in recordings
//!   of older recorders parks of runtimes without hooks are missing: no silence as long as a park);
//! - lies in the *tail* of the batch: the longest run up to its end in which each task's poll came
//!   later than that of the task woken after it.
//!
//! # What is left
//! The last wake of a batch forms a tail whether it is a yield or not, and with a chance of 1 : 2, 1 : 6, … so
//! do the last two, three, … sockets. A server that is never idle and never yields has one or two
//! such wakes in each batch. What tells them apart is habit. Tasks that were spawned at one place do
//! the same things: if their wakes stand in tails no more often than chance puts them there, none
//! of them is a yield ([`Habit`]). Tasks that always yield are always in the tail, and where some
//! wakes are yields there are more in tails than chance explains. Then all in the tail are taken for
//! yields, up to 1 : 2 too many a batch. `crates/taskscope/tests/yields.rs` measures both errors.

use foldhash::HashMap;

use taskscope_format::Nanos;

use super::raw::{RawPoll, RawWake};
use crate::types::{LaneIx, PlaceIx, PollEnd, PollIx, Task, TaskIx, WakeIx, Waker};

/// What the decision rests on.
pub(super) struct Recording<'a> {
    pub(super) tasks: &'a [Task],
    pub(super) polls_by_task: &'a [PollIx],
    pub(super) wakes_by_task: &'a [WakeIx],
    /// Whether the parks of a lane's worker are recorded.
    pub(super) records_parks: &'a dyn Fn(LaneIx) -> bool,
}

/// A wake by a worker between two polls, of a task that a poll had left pending with its waker
/// kept.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    wake: WakeIx,
    poll: PollIx,
    task: TaskIx,
    /// It comes in the next batch after the poll.
    is_next: bool,
    /// It comes so soon after the poll that nothing can have been waited for.
    at_once: bool,
    records_parks: bool,
    in_tail: bool,
    /// The chance that it would be in the tail if it were a socket's.
    chance: f32,
}

/// Marks polls that yielded, and the wakes that the worker deferred.
pub(super) fn infer(recording: &Recording<'_>, polls: &mut [RawPoll], wakes: &mut [RawWake]) {
    let mut candidates = Vec::new();
    for (task, of) in (0..).map(TaskIx).zip(recording.tasks) {
        candidates_of(recording, task, of, (&mut *polls, &*wakes), &mut candidates);
    }
    mark_tails(&mut candidates, polls, wakes);
    let habits = Habits::new(recording.tasks, &candidates);
    for candidate in candidates.iter().filter(|candidate| candidate.in_tail) {
        let poll = &mut polls[candidate.poll.get()];
        let wake = &mut wakes[candidate.wake.get()];
        let Waker::Driver(lane) = wake.by else { continue };
        if poll.budget_spent || habits.yields(candidate) {
            wake.by = Waker::Deferred(lane);
            poll.how = PollEnd::Yielded { inferred: true };
        }
    }
}

/// A worker that has nothing else to do calls the waker of a task that yielded within this time.
/// A packet that comes back takes longer.
const AT_ONCE: Nanos = 10_000;

/// Finds the candidates of a task, and marks the polls in which it woke itself.
fn candidates_of(
    recording: &Recording<'_>,
    task: TaskIx,
    of: &Task,
    (polls, wakes): (&mut [RawPoll], &[RawWake]),
    candidates: &mut Vec<Candidate>,
) {
    let its_polls = &recording.polls_by_task[of.polls.start as usize..of.polls.end as usize];
    let its_wakes = &recording.wakes_by_task[of.wakes.start as usize..of.wakes.end as usize];
    let mut its_wakes = its_wakes.iter().copied().peekable();
    for &ix in its_polls {
        let poll = &mut polls[ix.get()];
        while its_wakes.next_if(|wake| wakes[wake.get()].time < poll.start).is_some() {}
        let Some(&wake_ix) = its_wakes.peek() else { return };
        let wake = &wakes[wake_ix.get()];
        if poll.how != PollEnd::Pending {
            continue;
        }
        if wake.time <= poll.end && wake.by == Waker::Task(poll.task) {
            poll.how = PollEnd::Yielded { inferred: false };
        } else if let Waker::Driver(lane) = wake.by
            && poll.kept_waker
        {
            let records_parks = (recording.records_parks)(lane);
            candidates.push(Candidate {
                wake: wake_ix,
                poll: ix,
                task,
                is_next: wake.moment.is_same(poll.moment, records_parks),
                at_once: wake.time.saturating_sub(poll.end) < AT_ONCE,
                records_parks,
                in_tail: false,
                chance: 0.0,
            });
        }
    }
}

/// Finds the tail of each batch.
fn mark_tails(candidates: &mut [Candidate], polls: &[RawPoll], wakes: &[RawWake]) {
    let moment = |wake: WakeIx| wakes[wake.get()].moment;
    // Wakes that are no candidates break a tail, too.
    let mut last_of_batch: HashMap<_, WakeIx> = HashMap::default();
    for (ix, wake) in (0..).map(WakeIx).zip(wakes) {
        if matches!(wake.by, Waker::Driver(_)) {
            last_of_batch.insert(wake.moment.batch(), ix);
        }
    }
    // Wakes are in the order of time, and of a thread's own at one time in that of the thread.
    candidates.sort_by_key(|candidate| (moment(candidate.wake).batch(), candidate.wake));
    for batch in candidates.chunk_by_mut(|a, b| moment(a.wake).batch() == moment(b.wake).batch()) {
        let count = batch.len() as f32;
        let possible = batch.iter().filter(|candidate| candidate.is_next).count() as f32;
        // The length that the tail of a batch of sockets has on average, spread over them.
        let mut expected = 0.0;
        let mut term = 1.0;
        for length in 1..=batch.len().min(8) {
            term *= (possible / count) / length as f32;
            expected += term;
        }
        for candidate in batch.iter_mut().filter(|candidate| candidate.is_next) {
            candidate.chance = (expected / possible).min(1.0);
        }
        let last = batch.last().map(|candidate| candidate.wake);
        if last != last.and_then(|last| last_of_batch.get(&moment(last).batch()).copied()) {
            continue;
        }
        let mut later_than = 0;
        for candidate in batch.iter_mut().rev() {
            let end = polls[candidate.poll.get()].end;
            if !candidate.is_next || end < later_than {
                break;
            }
            later_than = end;
            candidate.in_tail = true;
        }
    }
}

/// How often the wakes of some tasks are in tails, beside how often chance would put them there.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    count: f32,
    in_tail: f32,
    by_chance: f32,
    variance: f32,
    /// Wakes that cannot be those of yields.
    elsewhere: f32,
    /// Wakes that came at once: see [`AT_ONCE`].
    at_once: f32,
}

impl Habit {
    fn add(&mut self, candidate: &Candidate) {
        let one_if = |yes: bool| f32::from(u8::from(yes));
        self.count += 1.0;
        self.in_tail += one_if(candidate.in_tail);
        self.by_chance += candidate.chance;
        self.variance += candidate.chance * (1.0 - candidate.chance);
        self.elsewhere += one_if(!candidate.is_next);
        self.at_once += one_if(candidate.at_once);
    }

    /// Whether there are more wakes in tails than chance explains; `None` where too little is
    /// known.
    fn yields(&self) -> Option<bool> {
        const ENOUGH: f32 = 4.0;
        if self.variance + self.elsewhere < ENOUGH {
            return None;
        }
        let more = self.in_tail - self.by_chance;
        Some(more > 3.0 * self.variance.sqrt() && self.in_tail > 1.4 * self.by_chance)
    }

    /// Whether chance explains all that is in tails.
    fn never_yields(&self) -> bool {
        self.yields() == Some(false) && self.in_tail <= self.by_chance
    }

    fn is_mostly_at_once(&self) -> bool {
        self.at_once >= 0.8 * self.count
    }
}

/// The habits of tasks and of places where tasks were spawned.
struct Habits<'a> {
    tasks: &'a [Task],
    of_task: HashMap<TaskIx, Habit>,
    of_place: HashMap<Option<PlaceIx>, Habit>,
}

impl<'a> Habits<'a> {
    fn new(tasks: &'a [Task], candidates: &[Candidate]) -> Self {
        let (mut of_task, mut of_place): (HashMap<_, Habit>, HashMap<_, Habit>) =
            Default::default();
        for candidate in candidates {
            of_task.entry(candidate.task).or_default().add(candidate);
            of_place.entry(tasks[candidate.task.get()].place).or_default().add(candidate);
        }
        Self { tasks, of_task, of_place }
    }

    /// Whether a wake in a tail is that of a yield.
    fn yields(&self, candidate: &Candidate) -> bool {
        let place = self.tasks[candidate.task.get()].place;
        let (Some(of_task), Some(of_place)) =
            (self.of_task.get(&candidate.task), self.of_place.get(&place))
        else {
            return false;
        };
        match of_place.yields() {
            // Different tasks can be spawned at one place, by a library say.
            Some(true) => !of_task.never_yields(),
            Some(false) => of_task.yields() == Some(true),
            // Batches of one say nothing, but that the worker did not park before.
            None if candidate.records_parks => true,
            None => candidate.at_once && of_task.is_mostly_at_once(),
        }
    }
}
