//! How many tasks of a group are in which state over a window, column by column.
//!
//! # How exact a column is
//! Where few polls lie in the window it is exact to the nanosecond ([`Curves::blur`] is 0): the number of tasks in
//! each state is known at a bucket's beginning shortly before the window, and the steps of all polls from there to
//! the window's end are followed. Polls that begin behind the window can have steps in it, too (a task that
//! was woken in it): for each chunk of polls it is known how far back its steps reach.
//!
//! Where there are more than half a million, or a column is four buckets wide or more, columns are read from the
//! buckets of an [`Activity`]. Whole buckets are exact (but for the rounding to 24 bits); of a bucket that lies
//! in two columns each gets what its share of the bucket's time is. So no time is lost or counted twice,
//! but it may stand in the column beside, by less than the length of one bucket: that is `blur`. (A bucket has 512
//! polls on average, and 770 where there are a hundred million. So of 1,600 columns over a bit more than half a
//! million polls two or three share a bucket.)
//!
//! Places without buckets of their own have few polls: the tasks that were spawned there are followed, one by one.

use std::ops::Range;

use taskscope_format::Nanos;

use super::activity::{Activity, COUNTED};
use super::cells::{Cell, Grid, STATES, sums};
use super::each;
use super::steps::{self, Before};
use crate::State;
use crate::store::polls::{Chunk, Flags, GROUP, NONE, WakerKind};
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx, TaskIx};

/// Tasks that are asked about together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// All.
    All,
    /// Those that were spawned at a place.
    Place(PlaceIx),
}

/// How many tasks are in which state over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    grid: Grid,
    columns: Vec<[f64; STATES]>,
    /// What a column has may have happened in another, by less than this time (nanoseconds). 0 where
    /// columns are exact.
    pub blur: Nanos,
}

impl Curves {
    /// How many columns.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The time of a column.
    pub fn times(&self, column: usize) -> Range<Nanos> {
        self.grid.edge(column)..self.grid.edge(column + 1)
    }

    /// For how long tasks were in a state in a column, in nanoseconds times tasks.
    pub fn time(&self, column: usize, state: State) -> f64 {
        self.columns[column][state as usize]
    }

    /// How many tasks were in a state in a column, on average over its time.
    pub fn tasks(&self, column: usize, state: State) -> f64 {
        let times = self.times(column);
        self.time(column, state) / (times.end - times.start).max(1) as f64
    }

    /// How many could run: scheduled, or deferred.
    pub fn runnable(&self, column: usize) -> f64 {
        self.tasks(column, State::Scheduled) + self.tasks(column, State::Deferred)
    }

    /// How many were alive.
    pub fn alive(&self, column: usize) -> f64 {
        State::ALL.iter().map(|&state| self.tasks(column, state)).sum()
    }
}

/// So many polls are followed one by one at most.
const MOST_POLLS: u64 = 1 << 19;

/// How many tasks of a group are in which state over a window, in so many columns.
///
/// `None` where that takes more than a moment: where there is no [`Activity`] of this very trace yet and the polls
/// of the group's tasks are many, or where a place has no buckets of its own and its tasks have more than half a
/// million polls.
pub async fn curves(
    trace: &Trace,
    activity: Option<&Activity>,
    group: Group,
    window: Range<Nanos>,
    columns: usize,
) -> Option<Curves> {
    let grid = Grid::new(window.start..window.end.max(window.start), columns);
    let Some(activity) = activity.filter(|activity| activity.is_of(trace)) else {
        let in_group = |task: TaskIx| match group {
            Group::All => true,
            Group::Place(place) => trace.task(task).place == Some(place),
        };
        let tasks = (0..trace.task_count() as u32).map(TaskIx).filter(|&task| in_group(task));
        return one_by_one(trace, tasks, grid).await;
    };
    let number = match group {
        Group::All => 0,
        Group::Place(place) => match activity.places.iter().position(|other| *other == place) {
            Some(position) => position + 1,
            None => return one_by_one(trace, activity.facts.tasks_of(place), grid).await,
        },
    };
    if let Some(parts) = near(trace, activity, window.clone(), &grid) {
        return Some(exact(trace, activity, (group, number), grid, parts).await);
    }
    Some(blurred(activity, number, grid))
}

/// The same for tasks that have nothing in common that is known beforehand; `None` where they have more than half a million
/// polls up to the end of the window.
pub async fn curves_of(
    trace: &Trace,
    tasks: &[TaskIx],
    window: Range<Nanos>,
    columns: usize,
) -> Option<Curves> {
    let grid = Grid::new(window.start..window.end.max(window.start), columns);
    one_by_one(trace, tasks.iter().copied(), grid).await
}

/// Follows tasks one by one.
async fn one_by_one(
    trace: &Trace,
    tasks: impl Iterator<Item = TaskIx>,
    grid: Grid,
) -> Option<Curves> {
    let mut cells = vec![Cell::default(); grid.len()];
    let end = grid.edge(grid.len());
    let mut followed = 0u64;
    for task in tasks {
        for span in trace.states(task).take_while(|span| span.start < end) {
            for (time, by) in [(span.start, 1), (span.end, -1)] {
                put(&mut cells, &grid, time, span.state, by);
            }
            followed += 1;
            if followed.is_multiple_of(8192) {
                super::pause().await;
            }
        }
        followed += 1;
        if followed > MOST_POLLS {
            return None;
        }
    }
    Some(finish(&cells, grid, [0; STATES]))
}

/// Adds a step. What lies before the grid stands there from its beginning.
#[inline]
fn put(cells: &mut [Cell], grid: &Grid, time: Nanos, state: State, by: i32) {
    let time = time.max(grid.edge(0));
    if time < grid.edge(grid.len()) {
        let cell = grid.cell(time);
        cells[cell].step(state, by, grid.edge(cell + 1) - time);
    }
}

fn finish(cells: &[Cell], grid: Grid, tasks: [i64; STATES]) -> Curves {
    let columns = sums(cells.iter(), &grid, tasks).map(|(_, times)| times.map(|t| t as f64));
    Curves { columns: columns.collect(), grid, blur: 0 }
}

/// Rows whose steps may lie in a window: the numbers of chunks, and slots of these.
struct Near {
    /// The bucket whose number of tasks is known.
    bucket: usize,
    rows: Vec<(u32, Range<u16>)>,
}

impl Near {
    fn has(&self, poll: PollIx) -> bool {
        let is_in = |(number, slots): &(u32, Range<u16>)| {
            *number as usize == poll.chunk() && slots.contains(&(poll.slot() as u16))
        };
        self.rows.iter().any(is_in)
    }
}

/// The rows whose steps lie between a bucket's beginning and the end of a window; `None` if they are many.
fn near(trace: &Trace, activity: &Activity, window: Range<Nanos>, grid: &Grid) -> Option<Near> {
    let bucket = activity.grid.cell(window.start) / COUNTED * COUNTED;
    let begin = activity.grid.edge(bucket);
    let buckets = activity.grid.cell(window.end) - activity.grid.cell(window.start);
    // The buckets are fine enough.
    if buckets >= 4 * grid.len() {
        return None;
    }
    let mut rows: Vec<(u32, Range<u16>)> = Vec::new();
    let mut count = 0;
    let mut add = |number: usize, slots: Range<usize>| {
        count += slots.len() as u64;
        match rows.last_mut() {
            Some((last, old))
                if *last as usize == number && usize::from(old.end) == slots.start =>
            {
                old.end = slots.end as u16;
            }
            _ => rows.push((number as u32, slots.start as u16..slots.end as u16)),
        }
        (count <= MOST_POLLS).then_some(())
    };
    for level in trace.all_levels() {
        let end = level.begun_at(window.end);
        let first = level.begun_at(begin);
        // The one before may end behind the bucket's beginning.
        let first = level.before(first).unwrap_or(first);
        for (number, _, slots) in level.slices(first..end.max(first)) {
            add(number, slots)?;
        }
        let behind = level.begun_at(Nanos::MAX);
        for (number, chunk, slots) in level.slices(end..behind) {
            if activity.reach[number] >= window.end {
                continue;
            }
            for group in slots.start / GROUP..slots.end.div_ceil(GROUP) {
                let of_group = slots.start.max(group * GROUP)..slots.end.min((group + 1) * GROUP);
                if reaches(chunk, of_group.clone(), window.end) {
                    add(number, of_group)?;
                }
            }
        }
    }
    Some(Near { bucket, rows })
}

/// Whether polls of a group may have steps before `time`, which is before they begin.
fn reaches(chunk: &Chunk, slots: Range<usize>, time: Nanos) -> bool {
    let delay = chunk.groups[slots.start / GROUP].delay;
    let start = chunk.start(slots.start);
    // Where Tokio measured since when they were scheduled, and where no wake is known.
    let odd = |slot: usize| chunk.rows[slot].flags.waker() == WakerKind::None;
    delay == u32::MAX
        || start.saturating_sub(delay.into()) < time
        || !chunk.all_scheduled().is_empty()
        || slots.into_iter().any(odd)
}

/// Follows the steps of some rows.
async fn exact(
    trace: &Trace,
    activity: &Activity,
    (group, number): (Group, usize),
    grid: Grid,
    near: Near,
) -> Curves {
    let Activity { facts, odd, lives, .. } = activity;
    let in_group = |task: u32| match group {
        Group::All => true,
        Group::Place(place) => facts.place(task) == place.get() + 1,
    };
    // Odd ones are followed by themselves.
    let any_odd = !odd.is_empty();
    let of_group = |task: u32| in_group(task) && !(any_odd && odd.contains(&task));
    let begin = activity.grid.edge(near.bucket);
    let end = grid.edge(grid.len());
    let tasks: [i64; STATES] = match near.bucket {
        // What is older than the trace is among the steps of the first bucket.
        0 => [0; STATES],
        bucket => {
            let counts = &activity.groups[number].counts;
            counts.get(bucket / COUNTED).map_or([0; STATES], |counts| counts.map(i64::from))
        }
    };
    let is_first = near.bucket == 0;
    let counts = |time: Nanos| (is_first || time >= begin) && time < end;

    // The steps of rows, in portions.
    let mut portions: Vec<&[(u32, Range<u16>)]> = Vec::new();
    let mut rest = &near.rows[..];
    while !rest.is_empty() {
        let mut polls = 0;
        let split = rest.iter().position(|(_, slots)| {
            polls += slots.len();
            polls > 1 << 15
        });
        let (portion, behind) = rest.split_at(split.map_or(rest.len(), |split| split + 1));
        portions.push(portion);
        rest = behind;
    }
    let mut cells = vec![Cell::default(); grid.len()];
    let work = |portion: &&[(u32, Range<u16>)]| {
        let mut cells = vec![Cell::default(); grid.len()];
        let mut befores: Vec<Option<Before>> = Vec::new();
        for (number, slots) in portion.iter() {
            let chunk = trace.polls.chunk(*number as usize);
            let slots = usize::from(slots.start)..usize::from(slots.end);
            befores.clear();
            befores.extend(slots.clone().map(|slot| {
                let before = chunk.rows[slot].before;
                let is_asked = of_group(chunk.rows[slot].task);
                (is_asked && before != NONE).then(|| Before::new(trace, facts, PollIx(before)))
            }));
            for (slot, &before) in slots.zip(&befores) {
                let row = &chunk.rows[slot];
                if row.flags.has(Flags::GONE) || !of_group(row.task) {
                    continue;
                }
                steps::of_poll(trace, facts, (chunk, slot), before, |time, state, by| {
                    if counts(time) {
                        put(&mut cells, &grid, time, state, by);
                    }
                });
            }
        }
        cells
    };
    each(&portions, work, |part| cells.iter_mut().zip(&part).for_each(|(sum, c)| sum.add(c))).await;
    let mut step = |time: Nanos, state, by| {
        if counts(time) {
            put(&mut cells, &grid, time, state, by);
        }
    };

    // Polls off their lane that the levels did not find: they began before, and end later.
    let begun = activity.off_lane.partition_point(|&(poll, _)| trace.polls.start(poll) < begin);
    for &(poll, ends) in &activity.off_lane[..begun] {
        let chunk = trace.polls.chunk(poll.chunk());
        let row = &chunk.rows[poll.slot()];
        if ends < begin || !of_group(row.task) || near.has(poll) {
            continue;
        }
        let before = (row.before != NONE).then(|| Before::new(trace, facts, PollIx(row.before)));
        steps::of_poll(trace, facts, (chunk, poll.slot()), before, &mut step);
    }
    super::pause().await;

    // The steps of tasks.
    let (first, last) = (lives.short(begin), lives.short(end));
    let short = |task: &u32| lives.of_task[*task as usize];
    let from = lives.begins.partition_point(|task| !is_first && short(task).0 < first);
    let begins = lives.begins[from..].iter().take_while(|task| short(task).0 <= last);
    for &task in begins.filter(|task| of_group(**task)) {
        steps::of_begin(trace, TaskIx(task), &mut step);
    }
    // Behind their last polls: by their last steps, and by what comes before those.
    let is_early = |task: &u32| lives.early.binary_search(task).is_ok();
    let from = lives.ends.partition_point(|task| !is_first && short(task).1 < first);
    let ends = lives.ends[from..].iter().take_while(|task| short(task).1 <= last);
    let ends = ends.filter(|task| !is_early(task)).chain(&lives.early);
    for &task in ends.filter(|task| of_group(**task)) {
        steps::behind_last(trace, facts, TaskIx(task), &mut step);
    }
    super::pause().await;

    for &task in odd.iter().filter(|task| in_group(**task)) {
        steps::of_odd(trace, TaskIx(task), &mut step);
        super::pause().await;
    }
    finish(&cells, grid, tasks)
}

/// Reads buckets.
fn blurred(activity: &Activity, number: usize, grid: Grid) -> Curves {
    let times = &activity.groups[number];
    let buckets = &activity.grid;
    let (begin, end) = (buckets.edge(0), buckets.edge(buckets.len()));
    let mut columns = vec![[0.0; STATES]; grid.len()];
    let mut blur = 0;
    for (at, column) in columns.iter_mut().enumerate() {
        let (from, until) = (grid.edge(at).max(begin), grid.edge(at + 1).min(end));
        if from >= until {
            continue;
        }
        for bucket in buckets.cell(from)..=buckets.cell(until - 1) {
            let (first, last) = (buckets.edge(bucket), buckets.edge(bucket + 1));
            blur = blur.max(last - first);
            let share = last.min(until).saturating_sub(first.max(from)) as f64;
            for (sum, mean) in column.iter_mut().zip(times.means(bucket)) {
                *sum += f64::from(mean) * share;
            }
        }
    }
    Curves { columns, grid, blur }
}
