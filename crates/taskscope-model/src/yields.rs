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
//!
//! # How it is decided
//! Habits change as more is read, and a poll may have been read long ago. So a poll only keeps that the
//! wake behind it stands in a tail, and the habits are asked when the poll is ([`Decisions`]).

use foldhash::HashMap;
use taskscope_format::Nanos;

use crate::prefetch::prefetch;
use crate::store::flat::Flat;
use crate::store::polls::Flags;
use crate::types::{Hot, PlaceIx, PollIx, TaskIx, TaskView};

/// A wake by a worker between two polls, of a task that its last poll had left pending with its waker
/// kept; the first since that poll.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) poll: PollIx,
    /// When that poll ended.
    pub(crate) end: Nanos,
    pub(crate) task: TaskIx,
    /// It comes in the next batch after the poll.
    pub(crate) is_next: bool,
    /// It comes so soon after the poll that nothing can have been waited for: see [`AT_ONCE`].
    pub(crate) at_once: bool,
    pub(crate) records_parks: bool,
}

/// A worker that has nothing else to do calls the waker of a task that yielded within this time.
/// A packet that comes back takes longer.
pub(crate) const AT_ONCE: Nanos = 10_000;

/// The wakes that a worker makes between two polls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batch {
    candidates: Vec<Candidate>,
    /// The last wake was no candidate: such a wake breaks the tail.
    is_broken: bool,
}

impl Batch {
    /// Takes in the next wake.
    pub(crate) fn add(&mut self, candidate: Option<Candidate>) {
        self.is_broken = candidate.is_none();
        self.candidates.extend(candidate);
    }

    /// The polls of its candidates.
    pub(crate) fn polls(&self) -> impl Iterator<Item = PollIx> {
        self.candidates.iter().map(|candidate| candidate.poll)
    }

    pub(crate) fn polls_mut(&mut self) -> impl Iterator<Item = &mut PollIx> {
        self.candidates.iter_mut().map(|candidate| &mut candidate.poll)
    }

    /// The tasks of its candidates.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = TaskIx> {
        self.candidates.iter().map(|candidate| candidate.task)
    }

    /// Ends the batch: adds its candidates to the habits of their tasks and of the places where these
    /// were spawned, and gives those of its tail to `mark`.
    pub(crate) fn end(
        &mut self,
        habits: &mut Habits,
        tasks: &mut Flat<Hot>,
        place: impl Fn(TaskIx) -> Option<PlaceIx>,
        mut mark: impl FnMut(&Candidate),
    ) {
        if self.candidates.is_empty() {
            return;
        }
        let count = self.candidates.len();
        let possible = self.candidates.iter().filter(|one| one.is_next).count();
        // The length that the tail of a batch of sockets has on average, spread over them.
        let (mut expected, mut term) = (0.0, 1.0);
        for length in 1..=count.min(8) {
            term *= (possible as f64 / count as f64) / length as f64;
            expected += term;
        }
        let mut later_than = 0;
        let in_tail = self.candidates.iter().rev().take_while(|one| {
            let follows = one.is_next && one.end >= later_than;
            later_than = one.end;
            follows
        });
        let tail = if self.is_broken { 0 } else { in_tail.count() };
        for (position, candidate) in self.candidates.drain(..).enumerate() {
            let in_tail = position + tail >= count;
            let chance =
                if candidate.is_next { (expected / possible as f64).min(1.0) } else { 0.0 };
            habits.add(&candidate, (in_tail, chance), &mut tasks[candidate.task.get()], &place);
            if in_tail {
                mark(&candidate);
            }
        }
    }
}

/// How often the wakes of some tasks are in tails, beside how often chance would put them there.
#[derive(Clone, Copy, Debug, Default)]
struct Habit {
    count: u64,
    in_tail: u64,
    by_chance: f64,
    variance: f64,
    /// Wakes that cannot be those of yields.
    elsewhere: u64,
    /// Wakes that came at once: see [`AT_ONCE`].
    at_once: u64,
}

impl Habit {
    fn add(&mut self, candidate: &Candidate, in_tail: bool, chance: f64) {
        self.count += 1;
        self.in_tail += u64::from(in_tail);
        self.by_chance += chance;
        self.variance += chance * (1.0 - chance);
        self.elsewhere += u64::from(!candidate.is_next);
        self.at_once += u64::from(candidate.at_once);
    }

    /// Whether there are more wakes in tails than chance explains; `None` where too little is
    /// known.
    fn yields(&self) -> Option<bool> {
        const ENOUGH: f64 = 4.0;
        if self.variance + (self.elsewhere as f64) < ENOUGH {
            return None;
        }
        let in_tail = self.in_tail as f64;
        let more = in_tail - self.by_chance;
        Some(more > 3.0 * self.variance.sqrt() && in_tail > 1.4 * self.by_chance)
    }

    /// What it says of a task, for `Hot::habit`.
    fn bits(&self) -> u8 {
        let yields = self.yields();
        // Chance explains all that is in tails.
        let never = yields == Some(false) && self.in_tail as f64 <= self.by_chance;
        let at_once = self.at_once as f64 >= 0.8 * self.count as f64;
        [(yields == Some(true), YIELDS), (never, NEVER), (at_once, AT_ONCE_MOSTLY)]
            .into_iter()
            .filter(|(holds, _)| *holds)
            .fold(0, |bits, (_, bit)| bits | bit)
    }
}

const YIELDS: u8 = 1;
const NEVER: u8 = 2;
const AT_ONCE_MOSTLY: u8 = 4;

/// So many tasks make a chunk of [`Habits`].
const CHUNK: usize = 512;

/// The habits of tasks and of places where tasks were spawned.
#[derive(Debug, Default)]
pub(crate) struct Habits {
    /// Of tasks that have one, by [`Hot::habit`] less one, with the place where the task was spawned; in
    /// chunks, so that none is moved. (They are in no copy, so that these are no pages.)
    of_task: Vec<Vec<(Habit, u32)>>,
    /// In a copy, those that it may need, by [`Hot::habit`].
    few: Option<HashMap<u32, (Habit, u32)>>,
    /// How many tasks have one.
    count: u32,
    /// By place: the first is for none.
    of_place: Vec<Habit>,
}

impl Habits {
    /// What is known of a task will be needed when its batch ends.
    #[inline]
    pub(crate) fn prefetch(&self, hot: &Hot) {
        prefetch(self.of_task(hot.habit));
    }

    /// What is known of a task, by [`Hot::habit`].
    #[inline]
    fn of_task(&self, number: u32) -> Option<&(Habit, u32)> {
        let at = (number as usize).checked_sub(1)?;
        self.of_task.get(at / CHUNK)?.get(at % CHUNK)
    }

    /// Takes in a candidate. `place` is asked for where its task was spawned, once.
    fn add(
        &mut self,
        candidate: &Candidate,
        (in_tail, chance): (bool, f64),
        hot: &mut Hot,
        place: impl Fn(TaskIx) -> Option<PlaceIx>,
    ) {
        if hot.habit == 0 {
            let place = place(candidate.task).map_or(0, |place| place.0 + 1);
            self.count += 1;
            hot.habit = self.count;
            match &mut self.few {
                Some(few) => drop(few.insert(hot.habit, (Habit::default(), place))),
                None => {
                    if ((self.count - 1) as usize).is_multiple_of(CHUNK) {
                        // Most traces have few.
                        let room = if self.count == 1 { 1 } else { CHUNK };
                        self.of_task.push(Vec::with_capacity(room));
                    }
                    let last = self.of_task.last_mut();
                    last.into_iter().for_each(|last| last.push((Habit::default(), place)));
                }
            }
        }
        let known = match &mut self.few {
            Some(few) => few.get_mut(&hot.habit),
            None => {
                let at = hot.habit as usize - 1;
                self.of_task.get_mut(at / CHUNK).and_then(|chunk| chunk.get_mut(at % CHUNK))
            }
        };
        let Some((habit, place)) = known else { return };
        habit.add(candidate, in_tail, chance);
        hot.set_habits(habit.bits());
        let place = *place as usize;
        if self.of_place.len() <= place {
            self.of_place.resize_with(place + 1, Habit::default);
        }
        self.of_place[place].add(candidate, in_tail, chance);
    }

    /// What the habits of places say now.
    pub(crate) fn decisions(&self) -> Decisions {
        Decisions { of_place: self.of_place.iter().map(Habit::yields).collect() }
    }

    /// A copy with those of these tasks alone, by [`Hot::habit`].
    pub(crate) fn of_few(&self, numbers: impl Iterator<Item = u32>) -> Self {
        let few = numbers.filter_map(|number| Some((number, *self.of_task(number)?))).collect();
        let (of_place, count) = (self.of_place.clone(), self.count);
        Self { few: Some(few), of_place, count, ..Self::default() }
    }
}

/// What habits say, at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decisions {
    pub(crate) of_place: Vec<Option<bool>>,
}

impl Decisions {
    /// Whether a wake in a tail is that of a yield. `flags` are those of the poll before it.
    pub(crate) fn yields(&self, task: TaskView<'_>, flags: Flags) -> bool {
        let says = |bit: u8| task.hot.habits() & bit != 0;
        let place = task.place.map_or(0, |place| place.get() + 1);
        match self.of_place.get(place).copied().flatten() {
            // Different tasks can be spawned at one place, by a library say.
            Some(true) => !says(NEVER),
            Some(false) => says(YIELDS),
            // Batches of one say nothing, but that the worker did not park before.
            None if flags.has(Flags::TAIL_PARKS) => true,
            None => flags.has(Flags::TAIL_AT_ONCE) && says(AT_ONCE_MOSTLY),
        }
    }
}
