//! What is counted once of a finished trace, so that questions need not read all of it.
//!
//! # What it holds
//! - How many tasks were in each state for how long, in up to 2^17 *buckets* of time, for all tasks and for
//!   the seven places with the most polls: [`curves`](super::curves()) reads it.
//! - Sums over the polls of each *block* (131,072 polls, about): [`range`](super::range()) and
//!   [`find_poll`](super::find_poll) read them.
//! - For each task when it lived, for [`instant`](super::instant()).
//!
//! # How it is made
//! One pass over all polls, block by block, on all processors. Each poll gives its [steps](super::steps), for
//! which it needs the poll before: a miss of the cache, which is what the pass takes most of its time for. A step
//! that lies in an earlier block (a task that was scheduled for long) is put aside, and added when the
//! blocks are joined.
//!
//! # What it takes
//! About half a byte a poll, 20 bytes a task, and 8 for the drop of one that was not polled to its end;
//! [`Activity::bytes`] has the sum. While it is made, that and about 1.2 bytes a poll.

use std::sync::Arc;

use foldhash::HashSet;
use taskscope_format::Nanos;

use super::blocks::Blocks;
use super::cells::{Cell, Grid, STATES, sums};
use super::each;
use super::facts::Facts;
use super::lives::Lives;
use super::steps::{self, Before};
use super::sums::Sums;
use crate::State;
use crate::store::flat::Flat;
use crate::store::polls::{Flags, NONE};
use crate::trace::Trace;
use crate::types::{Hot, PlaceIx, PollIx, TaskIx};

/// So many polls have a bucket of time, on average.
const POLLS_A_BUCKET: u64 = 512;
const MOST_BUCKETS: usize = 1 << 17;
const LEAST_BUCKETS: usize = 1 << 8;
/// So many places have buckets of their own.
const MOST_PLACES: usize = 7;
/// Every so many buckets the number of tasks in each state is kept.
pub(crate) const COUNTED: usize = 16;

/// What is counted once of a finished trace: see the crate's `questions/activity.rs`.
#[derive(Debug)]
pub struct Activity {
    of: Arc<Flat<Hot>>,
    pub(crate) facts: Facts,
    pub(crate) grid: Grid,
    /// The first is of all tasks.
    pub(crate) groups: Vec<GroupTimes>,
    /// Places with groups of their own: that at 0 has the second group.
    pub(crate) places: Vec<PlaceIx>,
    pub(crate) blocks: Blocks,
    pub(crate) sums: Vec<Sums>,
    /// The time of the earliest step of a chunk's polls.
    pub(crate) reach: Vec<Nanos>,
    /// Polls that gave their worker away, with their ends, by their start.
    pub(crate) off_lane: Vec<(PollIx, Nanos)>,
    /// Tasks whose polls overlap.
    pub(crate) odd: HashSet<u32>,
    pub(crate) lives: Lives,
    /// What looked like a poll but was the drop of a future, with its task: sorted by that. (Wakers can be called
    /// in it.)
    pub(crate) gone: Vec<(u32, PollIx)>,
    /// For each [`FURTHER`] of the further wakes (`Trace::more_wakes`), how many came too late.
    pub(crate) too_late: Vec<u32>,
}

/// See [`Activity::too_late`].
pub(crate) const FURTHER: usize = 4096;

/// The tasks of a group in time.
#[derive(Clone, Debug, Default)]
pub(crate) struct GroupTimes {
    /// By bucket: for how long tasks were in each state, as part of the bucket's length. (So 2.5 is two tasks all
    /// the time and one for half of it.)
    often: Vec<[f32; OFTEN]>,
    /// Likewise for the states that most recordings do not have; empty where none is in one.
    seldom: Vec<[f32; STATES - OFTEN]>,
    /// The tasks in each state when a bucket begins, for each 16th.
    pub(crate) counts: Vec<[u32; STATES]>,
}

/// The first states of [`State::ALL`]: all but those for which something is not recorded.
const OFTEN: usize = 4;

/// What a block adds.
struct OfBlock {
    sums: Sums,
    /// The first cell, and from there on all groups of one cell after the other.
    first: usize,
    cells: Vec<Cell>,
    /// Steps in earlier cells or later ones.
    outside: Vec<(Nanos, u8, State, i8)>,
    reach: Vec<(u32, Nanos)>,
    off_lane: Vec<(PollIx, Nanos)>,
    odd: Vec<u32>,
    gone: Vec<(u32, PollIx)>,
    /// First polls of tasks whose spawn was not recorded.
    firsts: Vec<(u32, Nanos)>,
}

impl Activity {
    /// Counts what there is to count in a trace.
    pub async fn new(trace: &Trace) -> Self {
        let facts = Facts::new(trace).await;
        let mut lives = Lives::new(trace, &facts).await;
        let blocks = Blocks::new(trace);
        let places = places_with_most_polls(trace, &facts);
        let count = (trace.poll_count / POLLS_A_BUCKET) as usize;
        let count = count.clamp(LEAST_BUCKETS, MOST_BUCKETS);
        let grid = Grid::new(trace.span.start..trace.span.end.max(trace.span.start + 1), count);

        // All tasks, those of each place, and the others.
        let rest = places.len() as u8;
        let mut group_of = vec![rest; trace.places.len() + 1];
        for (group, place) in places.iter().enumerate() {
            group_of[place.get() + 1] = group as u8;
        }
        let groups = places.len() + 1;
        let mut cells = vec![Cell::default(); count * groups];
        let step = |cells: &mut [Cell], time: Nanos, group: u8, state: State, by: i32| {
            // What is there when the first cell begins stands there from the beginning.
            let time = time.max(grid.edge(0));
            // (Nothing comes behind the last.)
            if time < grid.edge(count) {
                let cell = grid.cell(time);
                let left = grid.edge(cell + 1) - time;
                cells[cell * groups + usize::from(group)].step(state, by, left);
            }
        };

        let mut all_sums = Vec::with_capacity(blocks.len());
        let mut reach = vec![Nanos::MAX; trace.polls.chunks().len()];
        let (mut off_lane, mut gone, mut odd) = (Vec::new(), Vec::new(), HashSet::default());
        let numbers: Vec<usize> = (0..blocks.len()).collect();
        let work =
            |&block: &usize| of_block(trace, &facts, &blocks, block, &grid, &group_of, groups);
        each(&numbers, work, |of: OfBlock| {
            let to = &mut cells[of.first * groups..];
            to.iter_mut().zip(&of.cells).for_each(|(sum, cell)| sum.add(cell));
            for (time, group, state, by) in of.outside {
                step(&mut cells, time, group, state, by.into());
            }
            for (chunk, time) in of.reach {
                let reach = &mut reach[chunk as usize];
                *reach = (*reach).min(time);
            }
            off_lane.extend(of.off_lane);
            odd.extend(of.odd);
            gone.extend(of.gone);
            for (task, time) in of.firsts {
                lives.set_begin(task, time);
            }
            all_sums.push(of.sums);
        })
        .await;
        lives.sort();
        super::pause().await;

        for task in 0..trace.task_count() as u32 {
            let group = group_of[facts.place(task)];
            steps::of_task(trace, &facts, TaskIx(task), |time, state, by| {
                step(&mut cells, time, group, state, by);
            });
            if task % 8192 == 8191 {
                super::pause().await;
            }
        }
        for &task in &odd {
            let group = group_of[facts.place(task)];
            let mut step = |time, state, by| step(&mut cells, time, group, state, by);
            steps::undo(trace, &facts, TaskIx(task), &mut step);
            steps::of_odd(trace, TaskIx(task), &mut step);
            super::pause().await;
        }
        gone.sort_unstable();
        gone.shrink_to_fit();
        off_lane.sort_unstable_by_key(|&(poll, _)| (trace.polls.start(poll), poll));

        let mut all = Vec::with_capacity(count);
        for cell in cells.chunks_exact(groups) {
            let mut sum = Cell::default();
            cell.iter().for_each(|of_group| sum.add(of_group));
            all.push(sum);
        }
        let mut times = vec![GroupTimes::new(all.iter(), &grid)];
        for group in 0..places.len() {
            super::pause().await;
            times.push(GroupTimes::new(cells.iter().skip(group).step_by(groups), &grid));
        }
        let too_late = too_late(trace).await;
        let of = trace.hot.clone();
        let (groups, sums) = (times, all_sums);
        Self {
            of,
            facts,
            grid,
            groups,
            places,
            blocks,
            sums,
            reach,
            off_lane,
            odd,
            lives,
            gone,
            too_late,
        }
    }

    /// Whether it was made of this very trace, and not of an earlier or a later part of it.
    pub fn is_of(&self, trace: &Trace) -> bool {
        Arc::ptr_eq(&self.of, &trace.hot)
    }

    /// Memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        let groups = self.groups.iter().map(GroupTimes::bytes);
        groups.sum::<usize>()
            + self.grid.bytes()
            + 4 * self.too_late.capacity()
            + self.facts.bytes()
            + self.lives.bytes()
            + self.sums.iter().map(|sums| size_of::<Sums>() + sums.bytes()).sum::<usize>()
            + 8 * self.reach.capacity()
            + 16 * self.off_lane.capacity()
            + 8 * self.gone.capacity()
            + 4 * self.odd.capacity()
    }

    /// The places with buckets of their own, those with the most polls first.
    pub fn places(&self) -> &[PlaceIx] {
        &self.places
    }
}

impl GroupTimes {
    fn new<'a>(cells: impl Iterator<Item = &'a Cell> + 'a, grid: &'a Grid) -> Self {
        let mut of = Self { often: Vec::with_capacity(grid.len()), ..Self::default() };
        let mut seldom = Vec::with_capacity(grid.len());
        for (at, (tasks, times)) in sums(cells, grid, [0; STATES]).enumerate() {
            let width = (grid.edge(at + 1) - grid.edge(at)).max(1);
            let means = times.map(|time| (time as f64 / width as f64) as f32);
            of.often.push(std::array::from_fn(|state| means[state]));
            seldom.push(std::array::from_fn(|state| means[OFTEN + state]));
            if at % COUNTED == 0 {
                of.counts.push(tasks.map(|tasks| tasks.max(0) as u32));
            }
        }
        if seldom.iter().flatten().any(|&mean| mean > 0.0) {
            of.seldom = seldom;
        }
        of.counts.shrink_to_fit();
        of
    }

    /// By state, for a bucket: how many tasks on average.
    pub(crate) fn means(&self, bucket: usize) -> [f32; STATES] {
        let (often, seldom) = (self.often[bucket], self.seldom.get(bucket));
        std::array::from_fn(|state| match often.get(state) {
            Some(mean) => *mean,
            None => seldom.map_or(0.0, |seldom| seldom[state - OFTEN]),
        })
    }

    fn bytes(&self) -> usize {
        16 * self.often.capacity() + 8 * self.seldom.capacity() + 24 * self.counts.capacity()
    }
}

async fn too_late(trace: &Trace) -> Vec<u32> {
    let parts: Vec<usize> = (0..trace.more_wakes.len()).step_by(FURTHER).collect();
    let count = |first: &usize| {
        let wakes = trace.more_wakes.iter_from(*first).take(FURTHER);
        let end = |task: u32| trace.tasks[task as usize].end;
        let is_late = |task, time| end(task).is_some_and(|end| end.time <= time);
        wakes.filter(|more| is_late(more.task, more.time)).count() as u32
    };
    let mut counts = Vec::with_capacity(parts.len());
    each(&parts, count, |count| counts.push(count)).await;
    counts
}

fn places_with_most_polls(trace: &Trace, facts: &Facts) -> Vec<PlaceIx> {
    let mut polls = vec![0u64; trace.places.len() + 1];
    for (task, hot) in trace.hot.iter().enumerate() {
        polls[facts.place(task as u32)] += u64::from(hot.polls);
    }
    let mut places: Vec<_> = (0..trace.places.len() as u32).map(PlaceIx).collect();
    places.retain(|place| polls[place.get() + 1] > 0);
    places.sort_by_key(|place| std::cmp::Reverse(polls[place.get() + 1]));
    places.truncate(MOST_PLACES);
    places
}

fn of_block(
    trace: &Trace,
    facts: &Facts,
    blocks: &Blocks,
    block: usize,
    grid: &Grid,
    group_of: &[u8],
    groups: usize,
) -> OfBlock {
    let times = blocks.times(block);
    let first = grid.cell(times.start);
    let last = grid.cell(times.end);
    let mut of = OfBlock {
        sums: Sums::default(),
        first,
        cells: vec![Cell::default(); (last + 1 - first) * groups],
        outside: Vec::new(),
        reach: Vec::new(),
        off_lane: Vec::new(),
        odd: Vec::new(),
        gone: Vec::new(),
        firsts: Vec::new(),
    };
    let begin = grid.edge(first);
    let end = grid.edge(last + 1);
    // Steps of a lane come nearly in the order of time.
    let (mut cell, mut from, mut until) = (first, begin, grid.edge(first + 1));
    let mut befores: Vec<Option<Before>> = Vec::new();
    for (number, chunk, slots) in trace.rows_in(times) {
        // Apart from what follows, so that many misses of the cache are under way at once.
        befores.clear();
        befores.extend(slots.clone().map(|slot| {
            let before = chunk.rows[slot].before;
            (before != NONE).then(|| Before::new(trace, facts, PollIx(before)))
        }));
        let mut earliest = Nanos::MAX;
        for (slot, &before) in slots.zip(&befores) {
            let row = &chunk.rows[slot];
            let ix = PollIx::new(number, slot);
            if row.flags.has(Flags::GONE) {
                of.gone.push((row.task, ix));
                continue;
            }
            of.sums.add(trace, facts, (chunk, slot), ix);
            if row.flags.has(Flags::GAVE_AWAY) {
                of.off_lane.push((ix, chunk.end(slot)));
            }
            let group = group_of[facts.place(row.task)];
            let step = |time: Nanos, state, by| {
                if time < begin || time >= end {
                    of.outside.push((time, group, state, by as i8));
                    return;
                }
                if time < from || time >= until {
                    cell = grid.cell(time);
                    (from, until) = (grid.edge(cell), grid.edge(cell + 1));
                }
                let at = (cell - first) * groups + usize::from(group);
                of.cells[at].step(state, by, until - time);
            };
            let stepped = steps::of_poll(trace, facts, (chunk, slot), before, step);
            earliest = earliest.min(stepped.earliest);
            if before.is_none() && trace.tasks[row.task as usize].spawned.is_none() {
                of.firsts.push((row.task, chunk.start(slot)));
            }
            if stepped.is_odd {
                of.odd.push(row.task);
            }
        }
        of.reach.push((number as u32, earliest));
    }
    of.sums.shrink();
    of
}
