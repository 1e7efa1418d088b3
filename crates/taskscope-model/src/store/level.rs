//! The polls of a lane that lie within equally many others, and sums over them.
//!
//! They do not overlap, so that a binary search finds what runs at a time. Sums stand beside each
//! group of 64 polls and each chunk of 4,096, as running totals, so that the time for which any number
//! of polls occupied the lane is one subtraction; the longest of them is found over groups and chunks.

use std::ops::Range;

use taskscope_format::Nanos;

use super::blocks::{BLOCK, Blocks};
use super::polls::{CHUNK, Chunk, GROUP, Polls};
use crate::types::PollIx;

/// A level of a lane.
#[derive(Clone, Debug, Default)]
pub(crate) struct Level {
    /// The numbers of its chunks, in the order of time.
    pub(crate) chunks: Vec<u32>,
    /// One for each that [`Level::index`] has seen.
    nodes: Vec<Node>,
    pub(super) blocks: Blocks,
    /// How many polls, in these.
    pub(crate) count: u64,
    /// Time for which they occupied the lane.
    pub(crate) busy: Nanos,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    base: Nanos,
    /// Time for which the polls of earlier chunks occupied the lane.
    busy_before: Nanos,
    /// How many they are.
    count_before: u64,
    longest: Nanos,
    longest_at: u16,
    longest_of: u32,
    delay: u32,
}

/// A place in a level: before a poll, or at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct At {
    /// Position in the level's list of chunks.
    pub(super) chunk: usize,
    pub(super) slot: usize,
}

/// Some polls of a level that stand side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum {
    pub(crate) count: u64,
    pub(crate) busy: Nanos,
    /// The one that occupied the lane longest.
    pub(crate) longest: Option<Longest>,
}

/// The longest of some polls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Longest {
    pub(crate) length: Nanos,
    pub(crate) poll: PollIx,
    pub(crate) task: u32,
}

impl Level {
    /// From here on a copy costs next to nothing.
    pub(crate) fn share(&mut self) {
        self.blocks.share();
    }

    /// Sums from the chunk with this number on are to be made again.
    pub(crate) fn forget_from(&mut self, number: u32) {
        let at = self.chunks.partition_point(|&chunk| chunk < number);
        if let Some(node) = self.nodes.get(at) {
            (self.busy, self.count) = (node.busy_before, node.count_before);
            self.nodes.truncate(at);
            self.blocks.truncate(at);
        }
    }

    /// Makes the sums that are not there, for which those of the chunks must have been made.
    pub(crate) fn index(&mut self, polls: &Polls) {
        let (mut busy, mut count) = (self.busy, self.count);
        for &number in self.chunks.iter().skip(self.nodes.len()) {
            let chunk = polls.chunk(number as usize);
            self.nodes.push(Node {
                base: chunk.base,
                busy_before: busy,
                count_before: count,
                longest: chunk.sum.longest,
                longest_at: chunk.sum.longest_at,
                longest_of: chunk.sum.longest_of,
                delay: chunk.sum.delay,
            });
            self.blocks.add(number as usize, chunk);
            busy = busy.saturating_add(chunk.sum.busy_before);
            count += (chunk.rows.len() - usize::from(chunk.sum.gone_before)) as u64;
        }
        (self.busy, self.count) = (busy, count);
    }
}

/// A level with the polls that it is made of.
#[derive(Clone, Copy)]
pub(crate) struct LevelView<'a> {
    pub(crate) polls: &'a Polls,
    pub(crate) level: &'a Level,
}

impl<'a> LevelView<'a> {
    fn chunk(&self, position: usize) -> Option<&'a Chunk> {
        self.level.chunks.get(position).map(|&number| self.polls.chunk(number as usize))
    }

    pub(crate) fn begin(&self) -> At {
        At { chunk: 0, slot: 0 }
    }

    /// The first poll.
    pub(crate) fn first(&self) -> Option<PollIx> {
        let mut at = self.begin();
        loop {
            let (chunk, slot) = self.get(at)?;
            if !chunk.is_gone(slot) {
                return Some(self.ix(at));
            }
            at = self.next(at);
        }
    }

    /// The poll behind a place, with its chunk and its slot there; `None` at the end.
    #[inline]
    pub(crate) fn get(&self, at: At) -> Option<(&'a Chunk, usize)> {
        self.chunk(at.chunk).map(|chunk| (chunk, at.slot))
    }

    pub(crate) fn ix(&self, at: At) -> PollIx {
        PollIx::new(self.level.chunks.get(at.chunk).map_or(0, |&chunk| chunk as usize), at.slot)
    }

    #[inline]
    pub(crate) fn next(&self, at: At) -> At {
        let length = self.chunk(at.chunk).map_or(0, |chunk| chunk.rows.len());
        match at.slot + 1 < length {
            true => At { slot: at.slot + 1, ..at },
            false => At { chunk: at.chunk + 1, slot: 0 },
        }
    }

    pub(crate) fn before(&self, at: At) -> Option<At> {
        if let Some(slot) = at.slot.checked_sub(1) {
            return Some(At { slot, ..at });
        }
        let chunk = at.chunk.checked_sub(1)?;
        Some(At { chunk, slot: self.chunk(chunk)?.rows.len().checked_sub(1)? })
    }

    /// The first poll whose start does not satisfy `is_before`.
    fn search(&self, is_before: impl Fn(Nanos) -> bool) -> At {
        let after = self.level.nodes.partition_point(|node| is_before(node.base));
        let Some(position) = after.checked_sub(1) else { return self.begin() };
        let Some(chunk) = self.chunk(position) else { return self.begin() };
        let slot = partition(chunk.rows.len(), |slot| is_before(chunk.start(slot)));
        match slot < chunk.rows.len() {
            true => At { chunk: position, slot },
            false => At { chunk: position + 1, slot: 0 },
        }
    }

    /// The first poll that begins at `time` or later.
    pub(crate) fn begun_at(&self, time: Nanos) -> At {
        self.search(|start| start < time)
    }

    /// The same from a poll on that begins earlier. What is near is found soonest.
    ///
    /// Where many polls lie between, the end of a group or of a chunk is given instead of the poll
    /// itself, which is less than a quarter of them further: so that sums need no look at single polls.
    pub(crate) fn roughly_begun_at(&self, from: At, time: Nanos) -> At {
        const MANY: usize = 4;
        let nodes = self.level.nodes.get(from.chunk + 1..).unwrap_or_default();
        let chunks = partition_near(nodes, |node| node.base < time);
        let chunk = from.chunk + chunks;
        let after = At { chunk: chunk + 1, slot: 0 };
        let Some(rows) = self.chunk(chunk) else { return after };
        let count_before = |chunk: usize| self.level.nodes[chunk].count_before as usize;
        let passed = count_before(chunk) - count_before(from.chunk);
        // (More than there are, where some are no polls.)
        let passed = passed.saturating_sub(from.slot);
        if passed >= MANY * rows.rows.len() {
            return after;
        }
        let first = if chunks == 0 { from.slot } else { 0 };
        let from_base = time.saturating_sub(rows.base);
        let groups = rows.groups.get(first / GROUP + 1..).unwrap_or_default();
        let groups = partition_near(groups, |group| Nanos::from(group.start) < from_base);
        let group = first / GROUP + groups;
        let begin = first.max(group * GROUP);
        let slot = match passed + (begin - first) {
            many if many >= MANY * BLOCK => (begin / BLOCK + 1) * BLOCK,
            many if many >= MANY * GROUP => (group + 1) * GROUP,
            _ => {
                let until = rows.rows.len().min((group + 1) * GROUP);
                let rows = rows.rows.get(begin..until).unwrap_or_default();
                begin + rows.partition_point(|row| row.begins_before(from_base))
            }
        };
        if slot < rows.rows.len() { At { chunk, slot } } else { after }
    }

    /// The first poll that begins later than `time`.
    pub(crate) fn begun_after(&self, time: Nanos) -> At {
        self.search(|start| start <= time)
    }

    /// The poll that occupies the lane at `time`.
    pub(crate) fn at(&self, time: Nanos) -> Option<At> {
        let at = self.before(self.begun_after(time))?;
        let (chunk, slot) = self.get(at)?;
        let ends = chunk.start(slot).saturating_add(chunk.occupied(slot));
        (ends > time && !chunk.is_gone(slot)).then_some(at)
    }

    /// The first poll that has not left the lane at `time`.
    pub(crate) fn first_after(&self, time: Nanos) -> At {
        self.at(time).unwrap_or_else(|| self.begun_after(time))
    }

    /// How many polls stand before a place, and for how long they occupied the lane.
    fn before_all(&self, at: At) -> (u64, Nanos) {
        let (Some(node), Some(chunk)) = (self.level.nodes.get(at.chunk), self.chunk(at.chunk))
        else {
            return (self.level.count, self.level.busy);
        };
        let first = at.slot / GROUP * GROUP;
        let group = chunk.groups.get(at.slot / GROUP).copied().unwrap_or_default();
        let mut busy = node.busy_before.saturating_add(group.busy_before);
        let mut gone = u64::from(group.gone_before);
        for slot in first..at.slot {
            match chunk.is_gone(slot) {
                true => gone += 1,
                false => busy = busy.saturating_add(chunk.occupied(slot)),
            }
        }
        (node.count_before + at.slot as u64 - gone, busy)
    }

    /// Sums over the polls of a range.
    pub(crate) fn sum(&self, range: Range<At>) -> Sum {
        let (count, busy) = self.before_all(range.end);
        let (count_before, busy_before) = self.before_all(range.start);
        let mut longest: Option<Longest> = None;
        self.visit(range, |of_part, _| {
            if longest.is_none_or(|longest| of_part.length >= longest.length) {
                longest = Some(of_part);
            }
            None::<()>
        });
        Sum { count: count - count_before, busy: busy.saturating_sub(busy_before), longest }
    }

    /// The first poll in a range that occupied the lane for `length` or longer.
    pub(crate) fn first_long(&self, range: Range<At>, length: Nanos) -> Option<At> {
        self.visit(range, |longest, part| match part {
            _ if longest.length < length => None,
            Part::Poll(at) => Some(Found::Poll(at)),
            Part::Many(range) => Some(Found::Within(range)),
        })
        .and_then(|found| match found {
            Found::Poll(at) => Some(at),
            Found::Within(mut at) => {
                while at.start < at.end {
                    let (chunk, slot) = self.get(at.start)?;
                    let group = &chunk.groups[slot / GROUP];
                    if slot.is_multiple_of(GROUP) && group.longest < length {
                        let after = slot + GROUP;
                        at.start = match after < chunk.rows.len() {
                            true => At { slot: after, ..at.start },
                            false => At { chunk: at.start.chunk + 1, slot: 0 },
                        };
                        continue;
                    }
                    if chunk.occupied(slot) >= length && !chunk.is_gone(slot) {
                        return Some(at.start);
                    }
                    at.start = self.next(at.start);
                }
                None
            }
        })
    }

    /// Visits a range in parts as large as there are sums for, with the longest poll of each, until
    /// one gives an answer.
    fn visit<A>(
        &self,
        range: Range<At>,
        mut look: impl FnMut(Longest, Part) -> Option<A>,
    ) -> Option<A> {
        let mut at = range.start;
        while at < range.end {
            let chunk = self.chunk(at.chunk)?;
            let length = chunk.rows.len();
            let number = self.level.chunks[at.chunk] as usize;
            let next_chunk = At { chunk: at.chunk + 1, slot: 0 };
            if at.slot == 0 && next_chunk <= range.end {
                let node = &self.level.nodes[at.chunk];
                let poll = PollIx::new(number, node.longest_at.into());
                let longest = Longest { length: node.longest, poll, task: node.longest_of };
                if let Some(answer) = look(longest, Part::Many(at..next_chunk)) {
                    return Some(answer);
                }
                at = next_chunk;
                continue;
            }
            let end = if range.end.chunk == at.chunk { range.end.slot } else { length };
            let group_end = (at.slot + GROUP).min(length);
            if at.slot.is_multiple_of(GROUP) && group_end <= end {
                let group = &chunk.groups[at.slot / GROUP];
                let poll = PollIx::new(number, group.longest_at.into());
                let longest = Longest { length: group.longest, poll, task: group.longest_of };
                let after = At { slot: group_end, ..at };
                if let Some(answer) = look(longest, Part::Many(at..after)) {
                    return Some(answer);
                }
                at.slot = group_end;
            } else {
                if !chunk.is_gone(at.slot) {
                    let poll = PollIx::new(number, at.slot);
                    let (length, task) = (chunk.occupied(at.slot), chunk.rows[at.slot].task);
                    let longest = Longest { length, poll, task };
                    if let Some(answer) = look(longest, Part::Poll(at)) {
                        return Some(answer);
                    }
                }
                at.slot += 1;
            }
            if at.slot == length {
                at = next_chunk;
            }
        }
        None
    }

    /// The earliest time after `time` at which a task was woken for one of these polls, if it is
    /// earlier than `limit`.
    pub(crate) fn next_wake(&self, time: Nanos, limit: Nanos) -> Option<Nanos> {
        let mut best = limit;
        let mut at = self.begun_after(time);
        let longest = self.level.nodes.iter().map(|node| node.delay).max().unwrap_or(0);
        while let Some((chunk, slot)) = self.get(at) {
            let node = &self.level.nodes[at.chunk];
            // All later ones were woken later, as far as the sums say.
            let reach = |start: Nanos, delay: u32| match delay {
                u32::MAX => 0,
                delay => start.saturating_sub(delay.into()),
            };
            if reach(chunk.start(slot), node.delay) < best {
                let groups = slot / GROUP..chunk.groups.len();
                for group in groups {
                    let slots = slot.max(group * GROUP)..chunk.rows.len().min((group + 1) * GROUP);
                    if reach(chunk.start(slots.start), chunk.groups[group].delay) >= best {
                        continue;
                    }
                    for slot in slots {
                        let woken = chunk.delay(slot).map(|delay| chunk.start(slot) - delay);
                        let woken = woken.filter(|woken| *woken > time && !chunk.is_gone(slot));
                        best = woken.map_or(best, |woken| woken.min(best));
                    }
                }
            }
            at = At { chunk: at.chunk + 1, slot: 0 };
            let base = self.level.nodes.get(at.chunk).map_or(Nanos::MAX, |node| node.base);
            if reach(base, longest) >= best {
                break;
            }
        }
        (best < limit).then_some(best)
    }

    /// The latest time before `time` at which a task was woken for one of these polls, if it is
    /// later than `limit`.
    pub(crate) fn previous_wake(&self, time: Nanos, limit: Option<Nanos>) -> Option<Nanos> {
        let mut best = limit;
        // Those that begin later may have been woken earlier all the same.
        let longest = self.level.nodes.iter().map(|node| node.delay).max().unwrap_or(0);
        let reach = match longest {
            u32::MAX => Nanos::MAX,
            delay => time.saturating_add(delay.into()),
        };
        let mut chunk = self.level.nodes.partition_point(|node| node.base <= reach);
        while let Some(position) = chunk.checked_sub(1) {
            chunk = position;
            let rows = self.chunk(position)?;
            let last = rows.rows.len() - 1;
            if best.is_some_and(|best| rows.start(last) <= best) {
                break;
            }
            let begins = |slot: usize, delay: u32| match delay {
                u32::MAX => 0,
                delay => rows.start(slot).saturating_sub(delay.into()),
            };
            for group in (0..rows.groups.len()).rev() {
                let slots = group * GROUP..rows.rows.len().min((group + 1) * GROUP);
                let nothing = begins(slots.start, rows.groups[group].delay) >= time
                    || best.is_some_and(|best| rows.start(slots.end - 1) <= best);
                if nothing {
                    continue;
                }
                for slot in slots {
                    let woken = rows.delay(slot).map(|delay| rows.start(slot) - delay);
                    let woken = woken.filter(|woken| *woken < time && !rows.is_gone(slot));
                    best = best.max(woken);
                }
            }
        }
        best.filter(|best| Some(*best) > limit)
    }
}

impl<'a> LevelView<'a> {
    /// A range in slices of chunks: each chunk's number, the chunk, and the slots of it.
    pub(crate) fn slices(
        &self,
        range: Range<At>,
    ) -> impl Iterator<Item = (usize, &'a Chunk, Range<usize>)> + use<'a> {
        let polls = self.polls;
        let last = if range.end.slot == 0 { range.end.chunk } else { range.end.chunk + 1 };
        let chunks = self.level.chunks.get(range.start.chunk..last).unwrap_or_default();
        chunks.iter().zip(range.start.chunk..).map(move |(&number, position)| {
            let chunk = polls.chunk(number as usize);
            let first = if position == range.start.chunk { range.start.slot } else { 0 };
            let end = match position == range.end.chunk {
                true => range.end.slot,
                false => chunk.rows.len(),
            };
            (number as usize, chunk, first..end)
        })
    }
}

/// What [`LevelView::visit`] looks at.
enum Part {
    Poll(At),
    Many(Range<At>),
}

enum Found {
    Poll(At),
    Within(Range<At>),
}

/// Like `partition_point`, and sooner where the answer is near the begin.
pub(super) fn partition_near<T>(list: &[T], holds: impl Fn(&T) -> bool) -> usize {
    let mut reach = 1;
    while list.get(reach - 1).is_some_and(&holds) {
        reach *= 2;
    }
    list[..list.len().min(reach)].partition_point(holds)
}

/// The first of `length` numbers for which `holds` does not hold.
fn partition(length: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, length.min(CHUNK));
    while low < high {
        let middle = usize::midpoint(low, high);
        match holds(middle) {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    low
}
