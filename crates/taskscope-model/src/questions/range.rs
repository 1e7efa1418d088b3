//! The polls that begin in a range of time: how many, how long, how they came, which were the longest.
//!
//! A poll counts where it begins, with all of its time: so two ranges side by side add up to both
//! together, and the range of everything has what [`Trace::task`](crate::Trace::task) and the summary have.
//!
//! Whole blocks of polls are read from an [`Activity`], and the polls of the two that are cut by the
//! range's ends one by one; all of them where there is none. Sums by task do not stand in blocks (there would be as
//! many as polls): for these the polls are read in any case, but of each only its task and its time.

use std::ops::Range;

use taskscope_format::Nanos;

use super::activity::Activity;
use super::blocks::Blocks;
use super::each;
use super::facts::Facts;
use super::histogram::Histogram;
use super::sums::{HopCount, PlaceSum, Sums};
use crate::PollEnd;
use crate::parallel;
use crate::store::polls::Flags;
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx, TaskIx};

/// Sums over the polls that begin in a range of time. All of it is recorded, but for
/// [`HopCount::queue`] and yields, which are inferred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RangeSums {
    /// How many polls.
    pub polls: u64,
    /// How long they took together, in nanoseconds. Polls within others count by themselves.
    pub busy: Nanos,
    /// How many ended how: by [`PollEnd::position`].
    pub ends: [u64; PollEnd::ALL.len()],
    /// How long they took.
    pub times: Histogram,
    /// How long they came after the wake that scheduled them, for those of which one is known. (A task that is
    /// woken in a poll is scheduled only when that ends: from there, this counts too long.)
    pub delays: Histogram,
    /// The longest, in nanoseconds, the longest first: [`MOST_LISTED`](super::MOST_LISTED) at most.
    pub longest: Vec<(PollIx, Nanos)>,
    /// Those with the longest time since their wake, likewise.
    pub latest: Vec<(PollIx, Nanos)>,
    /// Hops by the workers they lead from and to, and by queue; sorted.
    pub hops: Vec<HopCount>,
    /// By the place where the tasks were spawned, those with the most time in polls first.
    pub places: Vec<PlaceSum>,
    /// By task, in the order of their numbers: those that have polls in the range. Empty where they were not asked for.
    pub tasks: Vec<TaskSum>,
}

/// Sums over the polls of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskSum {
    /// The task.
    pub task: TaskIx,
    /// How many polls.
    pub polls: u32,
    /// How many of them were on another worker than its poll before.
    pub hops: u32,
    /// How long they took together, in nanoseconds.
    pub busy: Nanos,
    /// The longest of them, in nanoseconds, and of four seconds or more (4,294,967,295 ns) that.
    pub longest: u32,
}

/// Adds up over the polls that begin in a range of time; by task, too, if `by_task`.
pub async fn range(
    trace: &Trace,
    activity: Option<&Activity>,
    range: Range<Nanos>,
    by_task: bool,
) -> RangeSums {
    let activity = activity.filter(|activity| activity.is_of(trace));
    let made;
    let (facts, blocks) = match activity {
        Some(activity) => (&activity.facts, &activity.blocks),
        None => {
            made = (Facts::new(trace).await, Blocks::new(trace));
            (&made.0, &made.1)
        }
    };
    let parts = blocks.parts(range.clone());
    let (mut sums, mut rest) = (Sums::default(), Vec::new());
    for (block, part, is_whole) in parts {
        match activity.filter(|_| is_whole) {
            Some(activity) => sums.add_all(&activity.sums[block]),
            None => rest.extend(pieces(part)),
        }
    }
    super::pause().await;
    each(&rest, |part| of_part(trace, facts, part.clone()), |part| sums.add_all(&part)).await;
    let tasks = if by_task { tasks(trace, blocks, range).await } else { Vec::new() };

    let mut hops: Vec<_> = sums.hops.iter().collect();
    hops.sort_unstable();
    let hops = hops.into_iter();
    let hops = hops.map(|(&(from, to, queue), &count)| HopCount { from, to, queue, count });
    let mut places: Vec<_> = sums.places.iter().copied().zip(0u32..).collect();
    places.retain(|(place, _)| place.polls > 0);
    places.sort_by_key(|(place, number)| (std::cmp::Reverse(place.busy), *number));
    let places = places
        .into_iter()
        .map(|(sum, number)| PlaceSum { place: number.checked_sub(1).map(PlaceIx), ..sum });
    RangeSums {
        polls: sums.polls,
        busy: sums.busy,
        ends: sums.ends,
        longest: sums.longest.list(),
        latest: sums.latest.list(),
        hops: hops.collect(),
        places: places.collect(),
        times: sums.times,
        delays: sums.delays,
        tasks,
    }
}

/// Some parts of a stretch of time, so that each processor has its own.
pub(super) fn pieces(part: Range<Nanos>) -> impl Iterator<Item = Range<Nanos>> {
    const PIECES: u64 = 4;
    // (Nothing is known of how long the last block is.)
    let length = part.end - part.start;
    let edge = move |piece| part.start + (length / PIECES) * piece;
    (0..PIECES).map(move |piece| match piece + 1 {
        PIECES => edge(piece)..part.end,
        next => edge(piece)..edge(next),
    })
}

fn of_part(trace: &Trace, facts: &Facts, times: Range<Nanos>) -> Sums {
    let mut sums = Sums::default();
    for (number, chunk, slots) in trace.rows_in(times) {
        for slot in slots.filter(|&slot| !chunk.is_gone(slot)) {
            sums.add(trace, facts, (chunk, slot), PollIx::new(number, slot));
        }
    }
    sums
}

/// What a task's polls add up to so far.
#[derive(Clone, Copy, Default)]
struct Sum {
    busy: Nanos,
    polls: u32,
    hops: u32,
    longest: u32,
}

/// Sums by task. Each processor has sums of its own, over a share of the blocks.
async fn tasks(trace: &Trace, blocks: &Blocks, range: Range<Nanos>) -> Vec<TaskSum> {
    let parts = blocks.parts(range);
    let threads = parallel::processors().min(parts.len()).clamp(1, 4);
    let mut all = vec![vec![Sum::default(); trace.task_count()]; threads];
    for parts in parts.chunks(8 * threads) {
        parallel::for_each_of(&mut all, |thread, sums| {
            let parts = parts.iter().skip(thread).step_by(threads);
            parts.for_each(|(_, part, _)| add_tasks(trace, part.clone(), sums));
        });
        super::pause().await;
    }
    let mut tasks = Vec::new();
    for task in 0..trace.task_count() {
        let mut sum = TaskSum { task: TaskIx(task as u32), polls: 0, hops: 0, busy: 0, longest: 0 };
        for of in all.iter().map(|sums| &sums[task]) {
            sum.polls += of.polls;
            sum.hops += of.hops;
            sum.busy = sum.busy.saturating_add(of.busy);
            sum.longest = sum.longest.max(of.longest);
        }
        if sum.polls > 0 {
            tasks.push(sum);
        }
        if task % 65_536 == 65_535 {
            super::pause().await;
        }
    }
    tasks
}

fn add_tasks(trace: &Trace, times: Range<Nanos>, sums: &mut [Sum]) {
    for (_, chunk, slots) in trace.rows_in(times) {
        for slot in slots {
            let row = &chunk.rows[slot];
            if row.flags.has(Flags::GONE) {
                continue;
            }
            let duration = chunk.duration(slot);
            let sum = &mut sums[row.task as usize];
            sum.busy = sum.busy.saturating_add(duration);
            sum.polls += 1;
            sum.hops += u32::from(row.is_hop());
            sum.longest = sum.longest.max(u32::try_from(duration).unwrap_or(u32::MAX));
        }
    }
}
