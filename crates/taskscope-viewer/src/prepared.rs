//! What is worked out once for a trace, or for a newer snapshot of it: it takes a look at each
//! task, or at each poll.

use std::cmp::Reverse;

use taskscope_model::{LaneIx, PlaceIx, Summary, TaskIx, TaskTimes, Trace};

use crate::jobs::pause;
use crate::notices;

/// What gives a poll its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColourBy {
    /// Where its task was spawned: tasks with one role look alike.
    Place,
    /// Its task: neighbours look different.
    Task,
    /// The worker that polls it; elsewhere, the one that polled the task last.
    Worker,
    /// How long it takes; elsewhere, the longest poll of the task.
    Length,
}

impl ColourBy {
    /// The next one, by key.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Place => Self::Task,
            Self::Task => Self::Worker,
            Self::Worker => Self::Length,
            Self::Length => Self::Place,
        }
    }
}

const NO_CATEGORY: u16 = u16::MAX;

/// What is worked out once.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) summary: Summary,
    /// The places where tasks were spawned, by how many polls these tasks had, with that
    /// number; `None` stands for tasks whose place was not recorded. Places whose tasks were
    /// never polled are left out.
    pub(crate) places: Vec<(Option<PlaceIx>, u64)>,
    /// Which category each place has.
    categories: Vec<usize>,
    /// And each task, or [`NO_CATEGORY`]: thousands are asked for in each frame.
    of_tasks: Vec<u16>,
    /// What is not as it should be with the trace, in sentences.
    pub(crate) details: Vec<String>,
    /// The lanes of whose threads events were dropped, sorted.
    lanes_with_drops: Vec<LaneIx>,
    /// Where to begin with the trace: a moment and how much time to show, in nanoseconds.
    pub(crate) first_look: (f64, f64),
}

impl Prepared {
    pub(crate) async fn new(trace: &Trace) -> Self {
        pause().await;
        // The last entry stands for tasks whose place was not recorded.
        let unknown = trace.places().len();
        let mut polls = vec![0u64; unknown + 1];
        for task in trace.tasks() {
            polls[task.place.map_or(unknown, PlaceIx::get)] += u64::from(task.poll_count());
        }
        let known = (0..).map(PlaceIx).map(Some).take(unknown);
        let mut places: Vec<_> = known.chain([None]).zip(polls).collect();
        // Ties by what people read, so that the colours are the same each time.
        places.sort_by_key(|&(place, polls)| {
            (Reverse(polls), place.is_none(), place.map(|place| trace.place(place).clone()))
        });
        let mut categories = vec![0; unknown];
        let ranked = places.iter().filter_map(|&(place, _)| place);
        for (category, place) in ranked.enumerate() {
            categories[place.get()] = category;
        }
        let of_task = |place: Option<PlaceIx>| {
            let category = place.and_then(|place| u16::try_from(categories[place.get()]).ok());
            category.unwrap_or(NO_CATEGORY)
        };
        let of_tasks = trace.tasks().map(|task| of_task(task.place)).collect();
        // Places where resources were made have no polls.
        places.retain(|&(_, polls)| polls > 0);
        let mut lanes_with_drops: Vec<_> =
            trace.drops().iter().filter_map(|drop| drop.lane).collect();
        lanes_with_drops.sort_unstable();
        lanes_with_drops.dedup();
        Self {
            summary: trace.summary(),
            places,
            categories,
            of_tasks,
            details: notices::details(trace),
            lanes_with_drops,
            first_look: first_look(trace),
        }
    }

    /// What tells polls apart best. Where one place has nearly all polls, its colour would
    /// be nearly all there is to see.
    pub(crate) fn colour_by(&self) -> ColourBy {
        const NEARLY_ALL: f64 = 0.8;
        let polls: u64 = self.places.iter().map(|(_, polls)| polls).sum();
        match self.places.first() {
            Some(&(_, most)) if most as f64 >= NEARLY_ALL * polls as f64 => ColourBy::Task,
            _ => ColourBy::Place,
        }
    }

    /// The category of a place: its rank by polls, so that the places one sees
    /// most differ in colour. A place that is newer than this has the one after the last.
    pub(crate) fn category(&self, place: PlaceIx) -> usize {
        self.categories.get(place.get()).copied().unwrap_or(self.categories.len())
    }

    /// The category of the place of a task; `None` where that is not known here.
    pub(crate) fn category_of(&self, task: TaskIx) -> Option<usize> {
        let category = self.of_tasks.get(task.get()).copied();
        category.filter(|category| *category != NO_CATEGORY).map(usize::from)
    }

    /// Whether events of a lane's threads were dropped.
    pub(crate) fn has_drops(&self, lane: LaneIx) -> bool {
        self.lanes_with_drops.binary_search(&lane).is_ok()
    }

    /// How many tasks there were.
    pub(crate) fn task_count(&self) -> usize {
        self.of_tasks.len()
    }
}

/// How long each task was in each state.
pub(crate) async fn times(trace: &Trace) -> TaskTimes {
    let mut times = TaskTimes::new(trace);
    while !times.step(trace) {
        pause().await;
    }
    times
}

/// How many polls a freshly opened view shows of the busiest worker.
const FIRST_POLLS: f64 = 14.0;

/// Of so many hops, those are looked for that lie closest together.
const FIRST_HOPS: usize = 1 << 20;

/// Where to begin with a trace: the moment at which a task arrives where tasks
/// hop most, and a width of the window in which single polls can be told apart.
fn first_look(trace: &Trace) -> (f64, f64) {
    let span = trace.span();
    let (start, whole) = (span.start as f64, (span.end - span.start) as f64);
    let busiest = trace.lanes().iter().map(|lane| lane.poll_count()).max().unwrap_or(0);
    let polls = busiest as f64;
    if polls <= 2.0 * FIRST_POLLS {
        return (start + 0.25 * whole, whole);
    }
    let width = whole * FIRST_POLLS / polls;
    // By their arrivals: a task may have waited long before it hopped.
    let hops: Vec<(f64, f64)> = trace
        .hops()
        .take(FIRST_HOPS)
        .map(|hop| trace.poll(hop.to).start as f64)
        .map(|arrives| (arrives, arrives))
        .collect();
    let first = match busiest_stretch(&hops, 0.7 * width) {
        Some(position) => hops[position].1,
        None => trace.first_poll().map_or(span.start, |poll| trace.poll(poll).start) as f64,
    };
    (first, width)
}

/// Of hops sorted by time, the first of those that lie closest together: the
/// most of them that leave and arrive within `width` nanoseconds. `None` where
/// none is as short.
pub(crate) fn busiest_stretch(hops: &[(f64, f64)], width: f64) -> Option<usize> {
    /// It is nearly always so near to where that of the hop before ends.
    const NEAR: usize = 16;
    let (mut until, mut best) = (0, None);
    for (position, (left, _)) in hops.iter().enumerate() {
        let is_inside = |(_, entered): &(f64, f64)| *entered <= left + width;
        let near = hops[until..].iter().take(NEAR).take_while(|hop| is_inside(hop)).count();
        let begins_here = until == 0 || is_inside(&hops[until - 1]);
        until = match begins_here && near < NEAR {
            true => until + near,
            false => hops.partition_point(is_inside),
        };
        let inside = until.saturating_sub(position);
        // Of equal ones the earliest: what comes first explains what comes later.
        if best.is_none_or(|(most, _)| inside > most) {
            best = Some((inside, position));
        }
    }
    best.filter(|(inside, _)| *inside > 0).map(|(_, position)| position)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::busiest_stretch;

    proptest! {
        /// Each hop leaves before it arrives, and they are sorted by their arrivals.
        #[test]
        fn the_busiest_stretch_is_that_of_all(
            mut hops in prop::collection::vec((0..400u32, 0..60u32), 0..80), width in 0..100u32,
        ) {
            hops.sort_unstable();
            let hops: Vec<(f64, f64)> = hops
                .iter()
                .map(|&(arrives, took)| (f64::from(arrives.saturating_sub(took)), f64::from(arrives)))
                .collect();
            let width = f64::from(width);
            let inside = |from: usize| {
                let until = hops.iter().filter(|hop| hop.1 <= hops[from].0 + width).count();
                until.saturating_sub(from)
            };
            let most = (0..hops.len()).map(inside).max().filter(|most| *most > 0);
            let first = most.and_then(|most| (0..hops.len()).find(|&from| inside(from) == most));
            prop_assert_eq!(busiest_stretch(&hops, width), first);
        }
    }
}
