//! The polls of a trace, in rows.
//!
//! A chunk holds up to 4,096 polls that lie on one lane at one depth, so no two of them overlap, and
//! they stand in the order of their starts. The number of a poll is that of its chunk and its place
//! in it. It is given when the poll begins, and never changes.
//!
//! Times are 32 bits from the start of the chunk. A lane that rests for four seconds begins another
//! chunk; the few polls that last longer, or had been scheduled for longer, have their times in lists
//! beside the rows.
//!
//! A row also holds the wake that scheduled the poll, which is one for nearly every poll. The
//! others (of a task that was going to be polled anyway) stand apart: [`super::super::types::Wake`].

use bytemuck::{Pod, Zeroable};
use taskscope_format::Nanos;

use super::blocks::BLOCK;
pub(crate) use super::flags::{Flags, RawEnd, WakerKind};
use super::lean::Lean;
use super::page::{Page, copy_with_room, make_room};
use crate::types::{LaneIx, PollIx};

/// No task, no poll.
pub(crate) const NONE: u32 = u32::MAX;

const SLOT_BITS: u32 = 12;
/// So many polls make a chunk.
pub(crate) const CHUNK: usize = 1 << SLOT_BITS;
/// So many polls make a [`Group`].
pub(crate) const GROUP: usize = 64;

/// A poll.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Row {
    pub(crate) start: u32,
    pub(crate) duration: u32,
    pub(crate) task: u32,
    /// The poll of the same task before.
    pub(crate) before: u32,
    /// How long before its start it was woken.
    pub(crate) delay: u32,
    /// By whom: see [`WakerKind`].
    pub(crate) waker: u32,
    pub(crate) flags: Flags,
}

impl Row {
    /// Whether it begins earlier than so long after the start of its chunk.
    #[inline]
    pub(crate) fn begins_before(&self, time: Nanos) -> bool {
        Nanos::from(self.start) < time
    }

    /// Whether the poll before was on another worker. (Where polls of a task lie within one another, the one
    /// before may have turned out to be none.)
    #[inline]
    pub(crate) fn is_hop(&self) -> bool {
        self.flags.has(Flags::HOP) && self.before != NONE
    }
}

/// An operation that was pending in a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WaitRow {
    pub(crate) slot: u16,
    /// Position in `Trace::wait_kinds`.
    pub(crate) kind: u32,
}

/// Sums over 64 polls, for questions about many.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Group {
    /// Time for which the polls of the chunk before this group occupied the lane.
    pub(crate) busy_before: Nanos,
    /// The longest such time.
    pub(crate) longest: Nanos,
    /// The slot of that poll.
    pub(crate) longest_at: u16,
    /// How many of the chunk before this group are no polls.
    pub(crate) gone_before: u16,
    /// The longest that one of them had been scheduled.
    pub(crate) delay: u32,
    /// When the first begins, from the start of the chunk.
    pub(crate) start: u32,
    /// The task of the longest.
    pub(crate) longest_of: u32,
}

/// Up to 4,096 polls: see [the module](self).
#[derive(Clone, Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) lane: LaneIx,
    pub(crate) depth: u8,
    pub(crate) base: Nanos,
    pub(crate) rows: Vec<Row>,
    pub(crate) long: Vec<(u16, Nanos)>,
    pub(crate) late: Vec<(u16, Nanos)>,
    /// When polls gave their worker away.
    pub(crate) left: Vec<(u16, Nanos)>,
    /// By slot, and for one poll in the order of time.
    pub(crate) waits: Vec<WaitRow>,
    /// The last of the further wakes behind a poll: a position in `Trace::more_wakes`.
    pub(crate) more_wakes: Vec<(u16, u32)>,
    /// Before polls, for how long their tasks had been scheduled by Tokio's own measure; empty where
    /// that is not recorded.
    pub(crate) scheduled: Vec<(u16, Nanos)>,
    pub(crate) groups: Vec<Group>,
    /// When the first poll of each block begins, and when the last stops occupying the lane.
    pub(crate) block_bounds: Vec<(Nanos, Nanos)>,
    /// Over all groups.
    pub(crate) sum: Group,
    pub(crate) is_summed: bool,
}

/// The value in a short list that is sorted by slot.
fn beside(list: &[(u16, Nanos)], slot: usize) -> Option<Nanos> {
    let at = list.binary_search_by_key(&slot, |&(slot, _)| usize::from(slot)).ok()?;
    list.get(at).map(|&(_, value)| value)
}

fn put_beside<V>(list: &mut Vec<(u16, V)>, slot: usize, value: V) {
    match list.binary_search_by_key(&slot, |(slot, _)| usize::from(*slot)) {
        Ok(at) => list[at].1 = value,
        Err(at) => list.insert(at, (slot as u16, value)),
    }
}

impl Chunk {
    pub(super) fn new(lane: LaneIx, depth: u8, base: Nanos, room: usize) -> Self {
        Self { lane, depth, base, rows: Vec::with_capacity(room), ..Self::default() }
    }

    /// A copy to which polls will be added.
    fn copy_to_grow(&self) -> Self {
        let rows = copy_with_room(&self.rows, CHUNK);
        let Self { long, late, left, waits, more_wakes, scheduled, .. } = self;
        Self {
            rows,
            long: long.clone(),
            late: late.clone(),
            left: left.clone(),
            waits: waits.clone(),
            more_wakes: more_wakes.clone(),
            scheduled: scheduled.clone(),
            // They will be made anew.
            groups: Vec::new(),
            block_bounds: Vec::new(),
            is_summed: self.is_summed,
            ..*self
        }
    }

    #[inline]
    fn push(&mut self, start: u32, poll: &NewPoll) {
        let NewPoll { task, before, waker, flags, .. } = *poll;
        let slot = self.rows.len();
        make_room(&mut self.rows, CHUNK);
        let (Ok(duration), Ok(delay)) = (poll.duration.try_into(), poll.delay.try_into()) else {
            self.rows.push(Row { start, duration: 0, task, before, delay: 0, waker, flags });
            self.set_duration(slot, poll.duration);
            self.set_delay(slot, poll.delay);
            return;
        };
        self.rows.push(Row { start, duration, task, before, delay, waker, flags });
    }

    #[inline]
    pub(crate) fn start(&self, slot: usize) -> Nanos {
        self.base + Nanos::from(self.rows[slot].start)
    }

    #[inline]
    pub(crate) fn duration(&self, slot: usize) -> Nanos {
        let row = &self.rows[slot];
        match row.flags.has(Flags::LONG) {
            false => row.duration.into(),
            true => beside(&self.long, slot).unwrap_or(0),
        }
    }

    #[inline]
    pub(crate) fn end(&self, slot: usize) -> Nanos {
        self.start(slot) + self.duration(slot)
    }

    /// For how long it occupied its lane.
    #[inline]
    pub(crate) fn occupied(&self, slot: usize) -> Nanos {
        let duration = self.duration(slot);
        match self.rows[slot].flags.has(Flags::GAVE_AWAY) {
            false => duration,
            true => {
                let left = beside(&self.left, slot).unwrap_or(Nanos::MAX);
                left.saturating_sub(self.start(slot)).min(duration)
            }
        }
    }

    /// How long before its start it was woken, if it was.
    #[inline]
    pub(crate) fn delay(&self, slot: usize) -> Option<Nanos> {
        let row = &self.rows[slot];
        match row.flags.waker() {
            WakerKind::None => None,
            _ if row.flags.has(Flags::LATE) => beside(&self.late, slot),
            _ => Some(row.delay.into()),
        }
    }

    pub(crate) fn scheduled(&self, slot: usize) -> Option<Nanos> {
        beside(&self.scheduled, slot)
    }

    pub(crate) fn all_scheduled(&self) -> &[(u16, Nanos)] {
        &self.scheduled
    }

    pub(crate) fn is_gone(&self, slot: usize) -> bool {
        self.rows[slot].flags.has(Flags::GONE)
    }

    /// The operations that were pending in a poll.
    pub(crate) fn waits_of(&self, slot: usize) -> &[WaitRow] {
        if !self.rows[slot].flags.has(Flags::WAITS) {
            return &[];
        }
        let first = self.waits.partition_point(|wait| usize::from(wait.slot) < slot);
        let after = self.waits.partition_point(|wait| usize::from(wait.slot) <= slot);
        &self.waits[first..after]
    }

    pub(crate) fn last_more_wake(&self, slot: usize) -> Option<u32> {
        if !self.rows[slot].flags.has(Flags::MORE_WAKES) {
            return None;
        }
        let found = self.more_wakes.binary_search_by_key(&slot, |(slot, _)| usize::from(*slot));
        found.ok().map(|at| self.more_wakes[at].1)
    }

    pub(crate) fn set_last_more_wake(&mut self, slot: usize, wake: u32) {
        self.rows[slot].flags.set(Flags::MORE_WAKES);
        put_beside(&mut self.more_wakes, slot, wake);
    }

    pub(crate) fn set_duration(&mut self, slot: usize, duration: Nanos) {
        let row = &mut self.rows[slot];
        match u32::try_from(duration) {
            Ok(short) => {
                row.duration = short;
                row.flags.clear(Flags::LONG);
            }
            Err(_) => {
                row.flags.set(Flags::LONG);
                put_beside(&mut self.long, slot, duration);
            }
        }
    }

    pub(crate) fn set_left(&mut self, slot: usize, time: Nanos) {
        self.rows[slot].flags.set(Flags::GAVE_AWAY);
        put_beside(&mut self.left, slot, time);
    }

    pub(crate) fn set_delay(&mut self, slot: usize, delay: Nanos) {
        let row = &mut self.rows[slot];
        match u32::try_from(delay) {
            Ok(short) => row.delay = short,
            Err(_) => {
                row.delay = u32::MAX;
                row.flags.set(Flags::LATE);
                put_beside(&mut self.late, slot, delay);
            }
        }
    }

    pub(crate) fn set_scheduled(&mut self, slot: usize, since: Nanos) {
        put_beside(&mut self.scheduled, slot, since);
    }

    pub(crate) fn add_wait(&mut self, slot: usize, kind: u32) {
        self.rows[slot].flags.set(Flags::WAITS);
        let after = self.waits.partition_point(|wait| usize::from(wait.slot) <= slot);
        self.waits.insert(after, WaitRow { slot: slot as u16, kind });
    }

    /// Makes the sums, where something has changed since they were made.
    pub(crate) fn sum_up(&mut self) {
        self.groups.clear();
        self.block_bounds.clear();
        for first in (0..self.rows.len()).step_by(BLOCK) {
            let mut slots = first..self.rows.len().min(first + BLOCK);
            let begin = slots.clone().find(|&slot| !self.is_gone(slot)).unwrap_or(first);
            let last = slots.rfind(|&slot| !self.is_gone(slot));
            let ends = last.map(|slot| self.start(slot).saturating_add(self.occupied(slot)));
            let begins = self.start(begin);
            self.block_bounds.push((begins, ends.unwrap_or(begins)));
        }
        self.groups.reserve_exact(self.rows.len().div_ceil(GROUP));
        let mut all = Group::default();
        for first in (0..self.rows.len()).step_by(GROUP) {
            let (busy_before, gone_before) = (all.busy_before, all.gone_before);
            let (longest_at, start) = (first as u16, self.rows[first].start);
            let mut group =
                Group { busy_before, gone_before, longest_at, start, ..Group::default() };
            for slot in first..self.rows.len().min(first + GROUP) {
                if self.is_gone(slot) {
                    all.gone_before += 1;
                    continue;
                }
                let occupied = self.occupied(slot);
                all.busy_before = all.busy_before.saturating_add(occupied);
                if occupied >= group.longest {
                    (group.longest, group.longest_at) = (occupied, slot as u16);
                    group.longest_of = self.rows[slot].task;
                }
                if self.rows[slot].flags.waker() != WakerKind::None {
                    group.delay = group.delay.max(self.rows[slot].delay);
                }
            }
            all.delay = all.delay.max(group.delay);
            if group.longest >= all.longest {
                (all.longest, all.longest_at) = (group.longest, group.longest_at);
                all.longest_of = group.longest_of;
            }
            self.groups.push(group);
        }
        self.sum = all;
        self.is_summed = true;
    }
}

/// What a new poll is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewPoll {
    pub(crate) start: Nanos,
    /// 0 where the poll goes on.
    pub(crate) duration: Nanos,
    pub(crate) task: u32,
    pub(crate) before: u32,
    pub(crate) delay: Nanos,
    pub(crate) waker: u32,
    pub(crate) flags: Flags,
}

/// All polls.
#[derive(Clone, Debug)]
pub(crate) struct Polls {
    pub(super) chunks: Vec<Page<Chunk>>,
    /// Chunks that have changed since the sums of their levels were made, in any order.
    pub(super) touched: Vec<u32>,
    /// Chunks with polls that had left their lane, in any order.
    pub(super) with_left: Vec<u32>,
    /// So many polls fill a chunk: fewer in tests.
    pub(super) most_rows: usize,
    /// Where rows are let go: see [`super::lean`].
    pub(super) lean: Option<Lean>,
}

impl Default for Polls {
    fn default() -> Self {
        let (chunks, touched, with_left) = Default::default();
        Self { chunks, touched, with_left, most_rows: CHUNK, lean: None }
    }
}

impl PollIx {
    #[inline]
    pub(crate) fn new(chunk: usize, slot: usize) -> Self {
        Self((chunk << SLOT_BITS | slot) as u32)
    }

    #[inline]
    pub(crate) fn chunk(self) -> usize {
        self.get() >> SLOT_BITS
    }

    #[inline]
    pub(crate) fn slot(self) -> usize {
        self.get() & (CHUNK - 1)
    }
}

impl Polls {
    /// The most chunks that numbers reach, one less, since one number stands for none.
    pub(crate) const MOST: usize = (1 << (32 - SLOT_BITS)) - 1;

    #[inline]
    pub(crate) fn chunk(&self, chunk: usize) -> &Chunk {
        &self.chunks[chunk]
    }

    pub(crate) fn chunks(&self) -> &[Page<Chunk>] {
        &self.chunks
    }

    /// Polls that were kept elsewhere. The sums of their chunks must have been made.
    pub(crate) fn of_chunks(chunks: impl Iterator<Item = Chunk>) -> Self {
        Self { chunks: chunks.map(Page::shared).collect(), ..Self::default() }
    }

    #[inline]
    pub(crate) fn row(&self, poll: PollIx) -> &Row {
        &self.chunks[poll.chunk()].rows[poll.slot()]
    }

    #[inline]
    pub(crate) fn start(&self, poll: PollIx) -> Nanos {
        self.chunks[poll.chunk()].start(poll.slot())
    }

    /// A poll and those of the same task before it, the latest first.
    pub(crate) fn back_from(&self, last: u32) -> impl Iterator<Item = PollIx> + use<'_> {
        let some = |poll: u32| (poll != NONE).then_some(PollIx(poll));
        std::iter::successors(some(last), move |poll| some(self.row(*poll).before))
    }

    #[inline]
    pub(crate) fn duration(&self, poll: PollIx) -> Nanos {
        self.chunks[poll.chunk()].duration(poll.slot())
    }

    #[inline]
    pub(crate) fn end(&self, poll: PollIx) -> Nanos {
        self.chunks[poll.chunk()].end(poll.slot())
    }

    /// The chunk of a poll, to be changed.
    #[inline]
    pub(crate) fn change(&mut self, poll: PollIx) -> &mut Chunk {
        let chunk = self.chunks[poll.chunk()].edit();
        if std::mem::take(&mut chunk.is_summed) {
            self.touched.push(poll.chunk() as u32);
        }
        chunk
    }

    /// Likewise where nothing is changed that sums are made of: neither times nor who woke whom.
    #[inline]
    pub(crate) fn annotate(&mut self, poll: PollIx) -> &mut Chunk {
        self.chunks[poll.chunk()].edit()
    }

    /// The same for the flags of a poll alone.
    #[inline]
    pub(crate) fn flags_mut(&mut self, poll: PollIx) -> &mut Flags {
        &mut self.annotate(poll).rows[poll.slot()].flags
    }

    /// The thread of a poll has stopped being its worker.
    pub(crate) fn set_left(&mut self, poll: PollIx, time: Nanos) {
        let number = poll.chunk() as u32;
        if self.chunks[poll.chunk()].left.is_empty() {
            self.with_left.push(number);
        }
        self.change(poll).set_left(poll.slot(), time);
    }

    /// Forgets what has changed: where no sums are made of polls.
    pub(crate) fn forget_changes(&mut self) {
        self.touched.clear();
        self.with_left.clear();
    }

    /// The number that a poll will have that begins at `start` in the last chunk of a list of chunks,
    /// or in a new one, which it adds to the list: [`put`](Self::put) it there next. `None` if there
    /// are more polls than numbers.
    #[inline]
    pub(crate) fn spot(
        &mut self,
        list: &mut Vec<u32>,
        (lane, depth): (LaneIx, u8),
        start: Nanos,
    ) -> Option<PollIx> {
        if let Some(&last) = list.last() {
            let chunk = &mut self.chunks[last as usize];
            let slot = chunk.rows.len();
            if slot < self.most_rows && start.saturating_sub(chunk.base) <= u32::MAX.into() {
                return Some(PollIx::new(last as usize, slot));
            }
            match &mut self.lean {
                Some(lean) => lean.closed(chunk),
                // It will hardly change any more.
                None => chunk.edit().sum_up(),
            }
        }
        let number = match &mut self.lean {
            Some(lean) => lean.number(self.chunks.len())?,
            None => Some(self.chunks.len()).filter(|number| *number < Self::MOST)?,
        };
        // A list whose chunks have been full fills the next one, too.
        let was_full =
            list.last().is_some_and(|&last| self.chunks[last as usize].rows.len() == CHUNK);
        let chunk = Chunk::new(lane, depth, start, if was_full { CHUNK } else { 1 });
        match self.chunks.get_mut(number) {
            Some(free) => *free = Page::new(chunk),
            None => self.chunks.push(Page::new(chunk)),
        }
        self.touched.push(number as u32);
        list.push(number as u32);
        Some(PollIx::new(number, 0))
    }

    /// Puts a poll into its spot.
    #[inline]
    pub(crate) fn put(&mut self, at: PollIx, poll: &NewPoll) {
        let chunk = self.chunks[at.chunk()].edit_by(Chunk::copy_to_grow);
        if std::mem::take(&mut chunk.is_summed) {
            self.touched.push(at.chunk() as u32);
        }
        let start = poll.start.saturating_sub(chunk.base).min(u32::MAX.into()) as u32;
        chunk.push(start, poll);
    }

    /// When polls ended that had left their lane, sorted.
    pub(crate) fn ends_off_lane(&self) -> Vec<Nanos> {
        let left = self.with_left.iter().flat_map(|&number| {
            let chunk = self.chunk(number as usize);
            let slots = chunk.left.iter().map(|&(slot, _)| usize::from(slot));
            let flags = |slot: &usize| chunk.rows[*slot].flags;
            slots
                .filter(move |slot| {
                    flags(slot).has(Flags::GAVE_AWAY) && !flags(slot).has(Flags::GONE)
                })
                .map(|slot| chunk.end(slot))
        });
        let mut ends: Vec<_> = left.collect();
        ends.sort_unstable();
        ends
    }

    /// Makes the sums of all chunks that have changed, and gives their numbers: those of their levels
    /// are to be made.
    pub(crate) fn sum_up(&mut self) -> Vec<u32> {
        let mut touched = std::mem::take(&mut self.touched);
        if self.lean.is_some() {
            // Rows move from chunk to chunk there, and sums are made once.
            touched = (0..self.chunks.len() as u32).collect();
        }
        for &number in &touched {
            if !self.chunk(number as usize).is_summed {
                self.chunks[number as usize].edit().sum_up();
            }
        }
        touched
    }

    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.chunks.iter_mut().for_each(Page::share);
    }
}
