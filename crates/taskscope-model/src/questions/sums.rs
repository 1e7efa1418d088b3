//! What is added up over the polls that begin in a stretch of time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use foldhash::HashMap;
use taskscope_format::Nanos;

use super::facts::Facts;
use super::histogram::Histogram;
use crate::store::polls::{Chunk, Flags, WakerKind};
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx, WakeAt};
use crate::{PollEnd, WakeIx};

/// So many of the longest are listed.
pub const MOST_LISTED: usize = 100;

/// The queue through which a task came to another worker. Inferred: see
/// [`Trace::arrival`](crate::Trace::arrival).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HopQueue {
    /// That of the worker it came to: it was woken there.
    Own,
    /// That of another worker, from which it was stolen.
    Stolen,
    /// The one that all workers share.
    Injection,
    /// Not known, since it is not known what scheduled it.
    Unknown,
}

/// How many hops went from one worker to another by one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HopCount {
    /// The lane of the poll before.
    pub from: LaneIx,
    /// The lane that the task came to.
    pub to: LaneIx,
    /// How.
    pub queue: HopQueue,
    /// How many.
    pub count: u64,
}

/// Sums over the polls of the tasks that were spawned at one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PlaceSum {
    /// The place; `None` for tasks of which it is not known.
    pub place: Option<PlaceIx>,
    /// How many polls.
    pub polls: u64,
    /// How long they took together, in nanoseconds.
    pub busy: Nanos,
    /// The longest of them.
    pub longest: Nanos,
    /// How many of them were on another worker than the task's poll before.
    pub hops: u64,
    /// How many of them are known to have been woken.
    pub woken: u64,
    /// How long these came after the wakes together, in nanoseconds.
    pub delay: Nanos,
    /// The longest of these times.
    pub longest_delay: Nanos,
}

/// The longest of some times, with their polls; of equally long ones those with the least numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Longest {
    /// The least stands in front.
    heap: BinaryHeap<Reverse<(Nanos, Reverse<PollIx>)>>,
}

impl Longest {
    #[inline]
    pub(crate) fn add(&mut self, time: Nanos, poll: PollIx) {
        let new = Reverse((time, Reverse(poll)));
        if self.heap.len() < MOST_LISTED {
            self.heap.push(new);
        } else if let Some(mut least) = self.heap.peek_mut()
            && new < *least
        {
            *least = new;
        }
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        other.heap.iter().for_each(|&Reverse((time, Reverse(poll)))| self.add(time, poll));
    }

    /// The longest first.
    pub(crate) fn list(&self) -> Vec<(PollIx, Nanos)> {
        let mut all = self.heap.clone().into_vec();
        all.sort_unstable();
        all.into_iter().map(|Reverse((time, Reverse(poll)))| (poll, time)).collect()
    }

    pub(crate) fn most(&self) -> Nanos {
        self.heap.iter().map(|Reverse((time, _))| *time).max().unwrap_or(0)
    }
}

/// Sums over polls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sums {
    pub(crate) polls: u64,
    pub(crate) busy: Nanos,
    /// By [`PollEnd::position`].
    pub(crate) ends: [u64; PollEnd::ALL.len()],
    pub(crate) times: Histogram,
    pub(crate) delays: Histogram,
    pub(crate) longest: Longest,
    pub(crate) latest: Longest,
    /// Wakes by who called the waker: by [`WakerKind`], of which the first is for none.
    pub(crate) wakes: [u64; 4],
    /// Polls whose tasks were woken when they had ended.
    pub(crate) too_late: u64,
    pub(crate) hops: HashMap<(LaneIx, LaneIx, HopQueue), u64>,
    /// By place, of which the first is for none.
    pub(crate) places: Vec<PlaceSum>,
}

impl Sums {
    /// Adds a poll, of which `before` is the poll before.
    #[inline]
    pub(crate) fn add(
        &mut self,
        trace: &Trace,
        facts: &Facts,
        (chunk, slot): (&Chunk, usize),
        ix: PollIx,
    ) {
        let row = &chunk.rows[slot];
        let duration = chunk.duration(slot);
        let delay = chunk.delay(slot);
        let is_hop = row.is_hop();
        self.polls += 1;
        self.busy = self.busy.saturating_add(duration);
        self.ends[trace.poll_end(row.task, row.flags).position()] += 1;
        self.times.add(duration);
        self.longest.add(duration, ix);
        self.wakes[row.flags.waker() as usize] += 1;
        if let Some(delay) = delay {
            let is_late = facts.is_polled_too_late(row.task)
                && trace.tasks[row.task as usize]
                    .end
                    .is_some_and(|end| end.time <= chunk.start(slot) - delay);
            self.too_late += u64::from(is_late);
            self.delays.add(delay);
            self.latest.add(delay, ix);
        }
        if is_hop {
            let hop = hop(trace, (chunk, slot), ix);
            *self.hops.entry(hop).or_default() += 1;
        }
        let place = facts.place(row.task);
        if place >= self.places.len() {
            self.places.resize_with(place + 1, PlaceSum::default);
        }
        let of = &mut self.places[place];
        of.polls += 1;
        of.busy = of.busy.saturating_add(duration);
        of.longest = of.longest.max(duration);
        of.hops += u64::from(is_hop);
        of.woken += u64::from(delay.is_some());
        of.delay = of.delay.saturating_add(delay.unwrap_or(0));
        of.longest_delay = of.longest_delay.max(delay.unwrap_or(0));
    }

    pub(crate) fn add_all(&mut self, other: &Self) {
        self.polls += other.polls;
        self.busy = self.busy.saturating_add(other.busy);
        self.ends.iter_mut().zip(other.ends).for_each(|(sum, count)| *sum += count);
        self.times.add_all(&other.times);
        self.delays.add_all(&other.delays);
        self.longest.add_all(&other.longest);
        self.latest.add_all(&other.latest);
        self.wakes.iter_mut().zip(other.wakes).for_each(|(sum, count)| *sum += count);
        self.too_late += other.too_late;
        for (&hop, count) in &other.hops {
            *self.hops.entry(hop).or_default() += count;
        }
        if self.places.len() < other.places.len() {
            self.places.resize_with(other.places.len(), PlaceSum::default);
        }
        for (sum, other) in self.places.iter_mut().zip(&other.places) {
            sum.polls += other.polls;
            sum.busy = sum.busy.saturating_add(other.busy);
            sum.longest = sum.longest.max(other.longest);
            sum.hops += other.hops;
            sum.woken += other.woken;
            sum.delay = sum.delay.saturating_add(other.delay);
            sum.longest_delay = sum.longest_delay.max(other.longest_delay);
        }
    }

    /// Memory, in bytes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.times.bytes()
            + self.delays.bytes()
            + (self.longest.heap.capacity() + self.latest.heap.capacity()) * 16
            + self.hops.capacity() * 17
            + self.places.capacity() * size_of::<PlaceSum>()
    }

    /// Gives back memory that was taken in reserve.
    pub(crate) fn shrink(&mut self) {
        self.times.shrink();
        self.delays.shrink();
        self.hops.shrink_to_fit();
        self.places.shrink_to_fit();
        self.longest.heap.shrink_to_fit();
        self.latest.heap.shrink_to_fit();
    }
}

/// From where a poll hopped, to where, and how: as [`Trace::arrival`] has it, but without looking at the
/// polls before and that of the waker where their lanes are enough.
fn hop(trace: &Trace, (chunk, slot): (&Chunk, usize), ix: PollIx) -> (LaneIx, LaneIx, HopQueue) {
    let row = &chunk.rows[slot];
    let to = chunk.lane;
    let before = PollIx(row.before);
    let before_chunk = trace.polls.chunk(before.chunk());
    let from = before_chunk.lane;
    let (Some(runtime), Some(delay)) = (trace.worker_runtime(to), chunk.delay(slot)) else {
        return (from, to, HopQueue::Unknown);
    };
    let time = chunk.start(slot) - delay;
    let flags = row.flags;
    let scheduled_on = match () {
        () if time < before_chunk.end(before.slot()) => {
            let gave_away = before_chunk.rows[before.slot()].flags.has(Flags::GAVE_AWAY);
            (!gave_away).then_some(from)
        }
        () if flags.has(Flags::WAKER_NO_WORKER) => None,
        () if flags.has(Flags::WAKER_ODD) => trace.wake(WakeIx(WakeAt::Led(ix))).worker,
        () => match flags.waker() {
            WakerKind::Poll => Some(trace.polls.chunk(PollIx(row.waker).chunk()).lane),
            WakerKind::Driver | WakerKind::None => Some(LaneIx(row.waker as u16)),
            WakerKind::Thread => None,
        },
    };
    let queue = match scheduled_on.filter(|&on| trace.worker_runtime(on) == Some(runtime)) {
        Some(on) if on == to => HopQueue::Own,
        Some(_) => HopQueue::Stolen,
        None => HopQueue::Injection,
    };
    (from, to, queue)
}
