//! The next or previous wake that satisfies a filter.
//!
//! Wakes stand in the rows of the polls that they led to, which begin later: how much later at most is
//! known for each block, so that the search ends where nothing that is left can be nearer. Wakes of tasks
//! that were going to be polled anyway stand in a list of their own by time, and those that have
//! led to no poll yet with their tasks; both are gone through only if the times of such wakes say so.

use std::ops::Range;

use foldhash::HashSet;
use taskscope_format::Nanos;

use super::activity::{Activity, FURTHER};
use super::blocks::Blocks;
use super::each;
use super::find::Nearest;
use super::sums::Sums;
use crate::store::polls::{Flags, RawEnd, Row, WakerKind};
use crate::trace::Trace;
use crate::types::{LaneIx, PlaceIx, PollIx, TaskIx, WakeAt, WakeIx, Waker};
use crate::{Direction, WakeEffect};

/// Who called a waker: for a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WokenBy {
    /// Any task.
    AnyTask,
    /// This task.
    Task(TaskIx),
    /// A worker between two polls: its driver, or because the task had yielded (which is inferred).
    Worker,
    /// A thread that is no worker.
    Thread,
}

/// Which wakes are wanted: those that satisfy all that is set. The default is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WakeFilter {
    /// Of this task.
    pub task: Option<TaskIx>,
    /// Of tasks that were spawned at this place.
    pub place: Option<PlaceIx>,
    /// By these.
    pub by: Option<WokenBy>,
    /// By a thread on this lane.
    pub lane: Option<LaneIx>,
    /// Of which this came.
    pub effect: Option<WakeEffect>,
}

impl WakeFilter {
    /// Whether a wake is wanted.
    pub fn holds(&self, trace: &Trace, wake: WakeIx) -> bool {
        let task = match wake.0 {
            WakeAt::Led(poll) => TaskIx(trace.polls.row(poll).task),
            WakeAt::More(at) => TaskIx(trace.more_wakes[at as usize].task),
            WakeAt::Pending(task) => task,
        };
        self.task.is_none_or(|wanted| wanted == task)
            && self.place.is_none_or(|place| trace.tasks[task.get()].place == Some(place))
            && self.holds_for_caller(trace, wake)
            && self.effect.is_none_or(|effect| self::effect(trace, wake) == effect)
    }

    /// Whether there may be one among those that led to some polls.
    fn may_be_in(&self, sums: &Sums) -> bool {
        let [_, by_task, by_worker, by_thread] = sums.wakes;
        let wakes = match self.by {
            None => by_task + by_worker + by_thread,
            Some(WokenBy::AnyTask | WokenBy::Task(_)) => by_task,
            Some(WokenBy::Worker) => by_worker,
            Some(WokenBy::Thread) => by_thread,
        };
        let of_place = self.place.map(|place| sums.places.get(place.get() + 1));
        wakes > 0
            && (self.effect != Some(WakeEffect::TooLate) || sums.too_late > 0)
            && of_place.is_none_or(|of| of.is_some_and(|of| of.woken > 0))
    }

    fn holds_for_caller(&self, trace: &Trace, wake: WakeIx) -> bool {
        if self.by.is_none() && self.lane.is_none() {
            return true;
        }
        let wake = trace.wake(wake);
        let by = match self.by {
            None => true,
            Some(WokenBy::AnyTask) => matches!(wake.by, Waker::Task(_)),
            Some(WokenBy::Task(task)) => wake.by == Waker::Task(task),
            Some(WokenBy::Worker) => matches!(wake.by, Waker::Driver(_) | Waker::Deferred(_)),
            Some(WokenBy::Thread) => matches!(wake.by, Waker::Thread(_)),
        };
        by && self.lane.is_none_or(|lane| wake.lane == Some(lane))
    }
}

/// As [`Trace::wake_effect`] has it, but of a further wake without a look at who called the waker.
fn effect(trace: &Trace, wake: WakeIx) -> WakeEffect {
    let WakeAt::More(at) = wake.0 else { return trace.wake_effect(wake) };
    let more = &trace.more_wakes[at as usize];
    match trace.tasks[more.task as usize].end {
        Some(end) if end.time <= more.time => WakeEffect::TooLate,
        _ => WakeEffect::Duplicate,
    }
}

/// The next wake that satisfies `filter` after a time, or before it.
///
/// `from` is a time, and the wake that was found last, at that time. Without a wake, those that
/// come just then are passed over.
pub async fn find_wake(
    trace: &Trace,
    activity: Option<&Activity>,
    filter: WakeFilter,
    from: (Nanos, Option<WakeIx>),
    direction: Direction,
) -> Option<WakeIx> {
    let mut nearest = Nearest::new(direction, from);
    if let Some(task) = filter.task {
        if task.get() >= trace.task_count() {
            return None;
        }
        of_task(trace, task, filter, &mut nearest).await;
        return nearest.best.map(|(_, wake)| wake);
    }
    let activity = activity.filter(|activity| activity.is_of(trace));
    let blocks = Blocks::of(trace, activity);
    further(trace, activity, filter, &mut nearest).await;
    in_rows(trace, activity, &blocks, filter, &mut nearest).await;
    if any_apart(trace, &nearest) {
        apart(trace, filter, &mut nearest).await;
    }
    nearest.best.map(|(_, wake)| wake)
}

/// What the rows of wakes say of who called the wakers, without a look at other rows.
enum Callers {
    Anyone,
    Kind(WakerKind),
    /// In these polls of one task. By their starts, with the end of the last to end up to there.
    Polls(HashSet<u32>, Vec<(Nanos, Nanos)>),
}

impl Callers {
    /// A task with more polls than this has called wakers all over the place.
    const MOST: u32 = 1 << 16;

    fn new(trace: &Trace, activity: Option<&Activity>, by: Option<WokenBy>) -> Self {
        if let (Some(activity), Some(WokenBy::Task(task))) = (activity, by)
            && trace.hot.get(task.get()).is_some_and(|hot| hot.polls <= Self::MOST)
        {
            let gone = &activity.gone;
            let first = gone.partition_point(|(of, _)| *of < task.0);
            let gone = gone[first..].iter().take_while(|(of, _)| *of == task.0);
            let all = trace.task_polls(task).rev().chain(gone.map(|&(_, poll)| poll));
            let (mut polls, mut times) = (HashSet::default(), Vec::new());
            for poll in all {
                polls.insert(poll.0);
                let flags = trace.polls.row(poll).flags;
                // Where the end was not recorded, what it woke may have come later.
                let is_known = !flags.has(Flags::GONE) && flags.end() != RawEnd::Open;
                let end = if is_known { trace.polls.end(poll) } else { Nanos::MAX };
                times.push((trace.polls.start(poll), end));
            }
            times.sort_unstable();
            let mut latest = 0;
            for (_, end) in &mut times {
                latest = latest.max(*end);
                *end = latest;
            }
            return Self::Polls(polls, times);
        }
        match by {
            None => Self::Anyone,
            Some(WokenBy::Task(_) | WokenBy::AnyTask) => Self::Kind(WakerKind::Poll),
            Some(WokenBy::Worker) => Self::Kind(WakerKind::Driver),
            Some(WokenBy::Thread) => Self::Kind(WakerKind::Thread),
        }
    }

    /// Whether they can have called one from a time on and before another.
    fn may_call(&self, times: impl FnOnce() -> Range<Nanos>) -> bool {
        let Self::Polls(_, polls) = self else { return true };
        let times = times();
        let begun = polls.partition_point(|(start, _)| *start < times.end);
        polls[..begun].last().is_some_and(|(_, latest)| *latest >= times.start)
    }

    #[inline]
    fn may_be(&self, row: &Row) -> bool {
        let kind = row.flags.waker();
        match self {
            Self::Anyone => kind != WakerKind::None,
            Self::Kind(wanted) => kind == *wanted,
            Self::Polls(polls, _) => kind == WakerKind::Poll && polls.contains(&row.waker),
        }
    }
}

/// Those that led to polls.
async fn in_rows(
    trace: &Trace,
    activity: Option<&Activity>,
    blocks: &Blocks,
    filter: WakeFilter,
    nearest: &mut Nearest<WakeIx>,
) {
    let delay = |block: usize| match activity {
        Some(activity) => activity.sums[block].latest.most(),
        // In 32 bits; the most is more.
        None => {
            let chunks = trace.rows_in(blocks.times(block));
            let delays = chunks.map(|(_, chunk, _)| match chunk.sum.delay {
                u32::MAX => Nanos::MAX,
                delay => delay.into(),
            });
            delays.max().unwrap_or(0)
        }
    };
    // Before this, no wake of a block was.
    let first = |block: usize| blocks.times(block).start.saturating_sub(delay(block));
    let at = blocks.at(nearest.from.0);
    let order: Vec<(usize, Nanos)> = match nearest.direction {
        Direction::Forward => {
            let mut order: Vec<_> = (at..blocks.len()).map(|block| (block, first(block))).collect();
            // Nor of those behind it.
            let mut least = Nanos::MAX;
            for (_, first) in order.iter_mut().rev() {
                least = least.min(*first);
                *first = least;
            }
            order
        }
        Direction::Back => {
            let behind = (at + 1..blocks.len()).filter(|&block| first(block) <= nearest.from.0);
            let behind = behind.map(|block| (block, Nanos::MAX));
            // A wake comes before its poll begins.
            let before = (0..=at).rev().map(|block| (block, blocks.times(block).end));
            behind.chain(before).collect()
        }
    };
    let may_be_in =
        |block: usize| activity.is_none_or(|activity| filter.may_be_in(&activity.sums[block]));
    let callers = Callers::new(trace, activity, filter.by);
    let may_be_in = |block: usize| {
        may_be_in(block) && callers.may_call(|| first(block)..blocks.times(block).end)
    };
    let order: Vec<_> = order.into_iter().filter(|(block, _)| may_be_in(*block)).collect();
    let mut rest = &order[..];
    let mut size = 1;
    while let Some((_, limit)) = rest.first()
        && !nearest.is_past(*limit)
    {
        let (batch, behind) = rest.split_at(size.min(rest.len()));
        (rest, size) = (behind, (size * 2).min(32));
        let so_far = *nearest;
        let search = |&(block, _): &(usize, Nanos)| {
            let mut nearest = so_far;
            in_block(trace, blocks.times(block), (filter, &callers), &mut nearest);
            nearest.best
        };
        each(batch, search, |best| best.into_iter().for_each(|best| nearest.offer(best))).await;
    }
}

fn in_block(
    trace: &Trace,
    times: Range<Nanos>,
    (filter, callers): (WakeFilter, &Callers),
    nearest: &mut Nearest<WakeIx>,
) {
    for (number, chunk, slots) in trace.rows_in(times) {
        for slot in slots {
            let row = &chunk.rows[slot];
            if !callers.may_be(row) || chunk.is_gone(slot) {
                continue;
            }
            let time = chunk.start(slot) - chunk.delay(slot).unwrap_or(0);
            let wake = WakeIx(WakeAt::Led(PollIx::new(number, slot)));
            if nearest.wants((time, wake)) && filter.holds(trace, wake) {
                nearest.offer((time, wake));
            }
        }
    }
}

/// Those of tasks that were going to be polled anyway, where they stand in their place.
async fn further(
    trace: &Trace,
    activity: Option<&Activity>,
    filter: WakeFilter,
    nearest: &mut Nearest<WakeIx>,
) {
    let list = &trace.more_wakes;
    if matches!(filter.effect, Some(WakeEffect::Scheduled | WakeEffect::WhileRunning)) {
        return;
    }
    let mut rest: Range<usize> = match nearest.direction {
        Direction::Forward => list.partition_point(|more| more.order < nearest.from.0)..list.len(),
        Direction::Back => 0..list.partition_point(|more| more.order <= nearest.from.0),
    };
    let has_none = |part: usize| match activity {
        Some(activity) if filter.effect == Some(WakeEffect::TooLate) => {
            activity.too_late[part] == 0
        }
        _ => false,
    };
    let mut turn = 0;
    while !rest.is_empty() {
        let at = match nearest.direction {
            Direction::Forward => rest.start,
            Direction::Back => rest.end - 1,
        };
        let part = at / FURTHER;
        let is_skipped = has_none(part);
        match nearest.direction {
            Direction::Forward if is_skipped => rest.start = (part + 1) * FURTHER,
            Direction::Forward => rest.start += 1,
            Direction::Back if is_skipped => rest.end = (part * FURTHER).max(rest.start),
            Direction::Back => rest.end -= 1,
        }
        if is_skipped {
            continue;
        }
        let more = &list[at];
        if nearest.is_past(more.order) {
            break;
        }
        let wake = WakeIx(WakeAt::More(at as u32));
        let key = (more.time, wake);
        if more.time == more.order && nearest.wants(key) && filter.holds(trace, wake) {
            nearest.offer(key);
        }
        turn += 1;
        if turn % 16_384 == 0 {
            super::pause().await;
        }
    }
}

/// Whether any that do not stand in their place may be nearer.
fn any_apart(trace: &Trace, nearest: &Nearest<WakeIx>) -> bool {
    let (time, _) = nearest.from;
    let best = nearest.best.map(|(best, _)| best);
    let times = match nearest.direction {
        Direction::Forward => time..=best.unwrap_or(Nanos::MAX),
        Direction::Back => best.unwrap_or(0)..=time,
    };
    let odd_times = trace.odd_times();
    let first = odd_times.partition_point(|time| time < times.start());
    odd_times.get(first).is_some_and(|time| times.contains(time))
}

/// Those that do not stand in their place: of tasks that have not been polled since, and a few others.
async fn apart(trace: &Trace, filter: WakeFilter, nearest: &mut Nearest<WakeIx>) {
    let mut offer = |time, wake| {
        if nearest.wants((time, wake)) && filter.holds(trace, wake) {
            nearest.offer((time, wake));
        }
    };
    for (at, hot) in trace.hot.iter().enumerate() {
        if let Some(pending) = hot.pending() {
            offer(pending.time, WakeIx(WakeAt::Pending(TaskIx(at as u32))));
        }
        if at % 65_536 == 65_535 {
            super::pause().await;
        }
    }
    for (at, more) in trace.more_wakes.iter().enumerate() {
        if more.time != more.order {
            offer(more.time, WakeIx(WakeAt::More(at as u32)));
        }
        if at % 65_536 == 65_535 {
            super::pause().await;
        }
    }
}

/// Those of one task.
async fn of_task(trace: &Trace, task: TaskIx, filter: WakeFilter, nearest: &mut Nearest<WakeIx>) {
    let polls = trace.task_polls(task);
    let look = |nearest: &mut Nearest<WakeIx>, wake: WakeIx| {
        let time = trace.wake(wake).time;
        if nearest.wants((time, wake)) && filter.holds(trace, wake) {
            nearest.offer((time, wake));
        }
    };
    if nearest.direction == Direction::Forward {
        let from = polls.begun_before(nearest.from.0).checked_sub(1);
        for (turn, wake) in trace.task_wakes_from(task, from).enumerate() {
            // Wakes behind a poll come after its start, but not always in the order of time.
            let behind = match wake.0 {
                WakeAt::Led(poll) => trace.poll_before(poll),
                WakeAt::More(_) | WakeAt::Pending(_) => None,
            };
            if behind.is_some_and(|behind| nearest.is_past(trace.polls.start(behind))) {
                break;
            }
            look(nearest, wake);
            if turn % 4096 == 4095 {
                super::pause().await;
            }
        }
        return;
    }
    // Some polls at a time, from the last that had begun.
    const SOME: usize = 64;
    let mut until = polls.begun_at(nearest.from.0);
    loop {
        // (`None` is before the first.)
        let from = until.checked_sub(SOME);
        let end = polls.get(until);
        for wake in trace.task_wakes_from(task, from) {
            let behind = match wake.0 {
                WakeAt::Led(poll) => trace.poll_before(poll),
                WakeAt::More(_) | WakeAt::Pending(_) => None,
            };
            if behind.is_some() && behind == end {
                break;
            }
            look(nearest, wake);
        }
        let (Some(from), None) = (from, nearest.best) else { break };
        until = from;
        super::pause().await;
    }
}
