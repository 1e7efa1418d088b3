//! A trace in figures, by the places where its tasks were spawned.

use std::collections::BTreeSet;

use taskscope_format::{Nanos, TaskKind};

use super::overlap::{self, Overlap};
use crate::questions::{Blocks, Facts, Histogram, each, pause};
use crate::store::polls::{Chunk, NONE};
use crate::task_times::TaskTimes;
use crate::trace::{Trace, short_function};
use crate::types::{LaneIx, Place, PlaceIx, PollIx, TaskIx, TaskView};

/// So many tasks of a place are asked for their names.
const MOST_NAMED: u64 = 64;

/// Sums over the polls of some tasks. Times are in nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How many tasks, polled or not.
    pub tasks: u64,
    /// How many polls.
    pub polls: u64,
    /// How long they took together.
    pub busy: Nanos,
    /// How long the tasks were scheduled together: ready, and not yet polled.
    pub scheduled: Nanos,
    /// How long they were not woken.
    pub waiting: Nanos,
    /// How many polls were on another worker than the task's poll before.
    pub hops: u64,
    /// How long each poll took.
    pub times: Histogram,
    /// How long the task had been scheduled before each poll of which that is known: from its spawn or its wake,
    /// but not before the end of the poll before; or as Tokio measured it.
    pub delays: Histogram,
    /// Time in polls of each task that was spawned in the recording and ended in it.
    pub lives: Histogram,
    /// The longest poll; of equally long ones that with the least number.
    pub longest: Option<(PollIx, Nanos)>,
    /// The poll that came latest after its task was scheduled, likewise.
    pub latest: Option<(PollIx, Nanos)>,
}

impl Figures {
    /// How long that part of the polls took at most, to a sixteenth; see [`Histogram::quantile`].
    pub fn poll_quantile(&self, part: f64) -> Option<Nanos> {
        bounded(&self.times, part, self.longest)
    }

    /// The same for how long tasks were scheduled before their polls.
    pub fn delay_quantile(&self, part: f64) -> Option<Nanos> {
        bounded(&self.delays, part, self.latest)
    }

    fn add_poll(&mut self, trace: &Trace, (chunk, slot): (&Chunk, usize), ix: PollIx) {
        let row = &chunk.rows[slot];
        let duration = chunk.duration(slot);
        self.polls += 1;
        self.busy = self.busy.saturating_add(duration);
        self.hops += u64::from(row.is_hop());
        self.times.add(duration);
        keep_longest(&mut self.longest, Some((ix, duration)));
        if let Some(delay) = delay(trace, (chunk, slot)) {
            self.delays.add(delay);
            keep_longest(&mut self.latest, Some((ix, delay)));
        }
    }

    fn add_task(&mut self, task: TaskView<'_>, times: &TaskTimes, ix: TaskIx) {
        let times = times.get(ix);
        self.tasks += 1;
        self.scheduled = self.scheduled.saturating_add(times.scheduled);
        self.waiting = self.waiting.saturating_add(times.waiting);
        if task.spawned.is_some() && task.end.is_some() {
            self.lives.add(task.busy());
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.tasks += other.tasks;
        self.polls += other.polls;
        self.busy = self.busy.saturating_add(other.busy);
        self.scheduled = self.scheduled.saturating_add(other.scheduled);
        self.waiting = self.waiting.saturating_add(other.waiting);
        self.hops += other.hops;
        self.times.add_all(&other.times);
        self.delays.add_all(&other.delays);
        self.lives.add_all(&other.lives);
        keep_longest(&mut self.longest, other.longest);
        keep_longest(&mut self.latest, other.latest);
    }
}

fn keep_longest(longest: &mut Option<(PollIx, Nanos)>, other: Option<(PollIx, Nanos)>) {
    let key = |of: (PollIx, Nanos)| (of.1, std::cmp::Reverse(of.0));
    *longest = [*longest, other].into_iter().flatten().max_by_key(|&of| key(of));
}

/// A bar of a histogram may end later than its last time.
fn bounded(of: &Histogram, part: f64, most: Option<(PollIx, Nanos)>) -> Option<Nanos> {
    let quantile = of.quantile(part)?;
    Some(most.map_or(quantile, |(_, most)| quantile.min(most)))
}

/// The tasks that were spawned at a place.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceFigures {
    /// The place; `None` for tasks of which it is not known.
    pub place: Option<Place>,
    /// What sort of tasks they are; those that are more than others, the first of them.
    pub kind: TaskKind,
    /// What they or their functions are called, with `#` for each number: those of the first 64 that have a name.
    pub names: BTreeSet<String>,
    /// Their figures.
    pub sums: Figures,
}

impl PlaceFigures {
    /// What a person calls the place: `server.rs:40 (connection)`.
    pub fn title(&self) -> String {
        let place = match (&self.place, self.kind) {
            (Some(place), _) => place.short(),
            (None, TaskKind::BlockOn) => "block_on, place not recorded".to_owned(),
            (None, _) => "place not recorded".to_owned(),
        };
        match self.name() {
            Some(name) => format!("{place} ({name})"),
            None => place,
        }
    }

    /// What all of its tasks are called, without their numbers.
    fn name(&self) -> Option<&str> {
        let mut names = self.names.iter();
        let name = names.next()?.trim_end_matches(['#', ' ', '-', '_', ':']);
        (names.next().is_none() && !name.is_empty()).then_some(name)
    }
}

/// A trace in figures.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceFigures {
    /// From its first event to its last, in nanoseconds.
    pub wall: Nanos,
    /// How many workers polled at once, for how long.
    pub overlap: Overlap,
    /// Of all tasks.
    pub all: Figures,
    /// By spawn place, in the order in which the trace names them.
    pub places: Vec<PlaceFigures>,
    /// Whether wakes were recorded. If not, little is known of when tasks were scheduled.
    pub records_wakes: bool,
}

/// Adds up a trace by spawn place. `times` are those of all its tasks, if they are known already.
///
/// Like any [question](crate::questions) it can be stopped at its pauses.
pub async fn figures(trace: &Trace, times: Option<&TaskTimes>) -> TraceFigures {
    let facts = Facts::new(trace).await;
    let blocks = Blocks::new(trace);
    let numbers: Vec<usize> = (0..blocks.len()).collect();
    let workers: Vec<LaneIx> =
        trace.lane_order().iter().copied().filter(|&lane| trace.is_worker(lane)).collect();
    let work = |&block: &usize| {
        let times = blocks.times(block);
        (of_block(trace, &facts, times.clone()), overlap::within(trace, &workers, times))
    };
    // By place, of which the first is for none.
    let mut sums = vec![Figures::default(); trace.places().len() + 1];
    let mut overlap = Overlap::default();
    each(&numbers, work, |(of_block, overlaps)| {
        sums.iter_mut().zip(&of_block).for_each(|(sum, of)| sum.add_all(of));
        overlap.add_all(&overlaps);
    })
    .await;

    let made;
    let times = match times {
        Some(times) => times,
        None => {
            let mut all = TaskTimes::new(trace);
            while !all.step(trace) {
                pause().await;
            }
            made = all;
            &made
        }
    };
    let mut kinds: Vec<Option<TaskKind>> = vec![None; sums.len()];
    let mut names = vec![BTreeSet::new(); sums.len()];
    for (number, task) in (0u32..).zip(trace.tasks()) {
        let place = facts.place(number);
        sums[place].add_task(task, times, TaskIx(number));
        kinds[place].get_or_insert(task.kind);
        if sums[place].tasks <= MOST_NAMED
            && let Some(name) = task.name().or(task.function().map(short_function))
        {
            names[place].insert(without_numbers(name));
        }
        if number % 8_192 == 8_191 {
            pause().await;
        }
    }
    let mut all = Figures::default();
    sums.iter().for_each(|of| all.add_all(of));
    let places = sums.into_iter().zip(kinds).zip(names).zip(0u32..);
    let places = places.filter_map(|(((sums, kind), names), number)| {
        let place = number.checked_sub(1).map(|number| trace.place(PlaceIx(number)).clone());
        // (A place may be that of a lock.)
        Some(PlaceFigures { place, kind: kind?, names, sums })
    });
    TraceFigures {
        wall: trace.span().end - trace.span().start,
        overlap,
        all,
        places: places.collect(),
        records_wakes: trace.records_wakes(),
    }
}

fn of_block(trace: &Trace, facts: &Facts, times: std::ops::Range<Nanos>) -> Vec<Figures> {
    let mut sums = Vec::new();
    for (number, chunk, slots) in trace.rows_in(times) {
        for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
            let place = facts.place(chunk.rows[slot].task);
            if place >= sums.len() {
                sums.resize_with(place + 1, Figures::default);
            }
            sums[place].add_poll(trace, (chunk, slot), PollIx::new(number, slot));
        }
    }
    sums
}

/// For how long a task had been scheduled before a poll, if that is known.
fn delay(trace: &Trace, (chunk, slot): (&Chunk, usize)) -> Option<Nanos> {
    let (start, row) = (chunk.start(slot), &chunk.rows[slot]);
    let since = match row.before {
        NONE => {
            // (A wake between its spawn and its first poll changes nothing.)
            let woken = || Some(start - chunk.delay(slot)?);
            let spawned = trace.task(TaskIx(row.task)).spawned;
            spawned.or_else(woken).or_else(|| chunk.scheduled(slot))
        }
        before => {
            let before = PollIx(before);
            let ended = trace.polls.end(before);
            let how = trace.poll_end(row.task, trace.polls.row(before).flags);
            // (Where polls of a task overlap, nothing is known of what is between them.)
            (ended <= start).then(|| chunk.scheduled_since(slot, ended, how)).flatten()
        }
    };
    since.map(|since| start.saturating_sub(since))
}

/// `connection 12` as `connection #`.
fn without_numbers(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for char in name.chars() {
        match char.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(char),
        }
    }
    text
}
