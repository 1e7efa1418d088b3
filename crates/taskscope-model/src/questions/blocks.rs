//! A trace in blocks: stretches of time in each of which about as many polls begin.

use std::borrow::Cow;
use std::ops::Range;

use taskscope_format::Nanos;

use super::activity::Activity;
use crate::store::level::LevelView;
use crate::store::polls::Chunk;
use crate::trace::Trace;
use crate::types::LaneIx;

/// A block has about so many polls, but where a trace is small.
const MOST: u64 = 1 << 17;
const LEAST: u64 = 1 << 12;

/// The blocks of a trace, one after another: from its first poll, or before, to its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Blocks {
    begins: Vec<Nanos>,
    /// No poll begins here or later.
    end: Nanos,
}

impl Blocks {
    pub(crate) fn new(trace: &Trace) -> Self {
        let chunks = trace.lanes.iter().flat_map(|lane| &lane.levels).flat_map(|l| &l.chunks);
        let chunks = chunks.map(|&number| trace.polls.chunk(number as usize));
        let mut bases: Vec<_> = chunks.map(|chunk| (chunk.base, chunk.rows.len() as u64)).collect();
        bases.sort_unstable();
        let enough = (trace.poll_count / 64).clamp(LEAST, MOST);
        let first = bases.first().map_or(trace.span.start, |&(base, _)| base.min(trace.span.start));
        let (mut begins, mut polls) = (vec![first], 0);
        for (base, count) in bases {
            if polls >= enough && begins.last().is_some_and(|&last| last < base) {
                begins.push(base);
                polls = 0;
            }
            polls += count;
        }
        Self { begins, end: trace.span.end.saturating_add(1) }
    }

    /// Those of an activity, if there is one.
    pub(crate) fn of<'a>(trace: &Trace, activity: Option<&'a Activity>) -> Cow<'a, Self> {
        match activity {
            Some(activity) => Cow::Borrowed(&activity.blocks),
            None => Cow::Owned(Self::new(trace)),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.begins.len()
    }

    /// When a block begins and where the next does.
    pub(crate) fn times(&self, block: usize) -> Range<Nanos> {
        let begin = self.begins.get(block).copied().unwrap_or(self.end);
        begin..self.begins.get(block + 1).copied().unwrap_or(self.end)
    }

    /// The block in which a time lies.
    pub(crate) fn at(&self, time: Nanos) -> usize {
        self.begins.partition_point(|&begin| begin <= time).saturating_sub(1)
    }

    /// The parts of blocks that make up a range of time, with whether a part is a whole block.
    pub(crate) fn parts(&self, range: Range<Nanos>) -> Vec<(usize, Range<Nanos>, bool)> {
        let first = self.begins.first().copied().unwrap_or(0);
        let range = range.start.max(first)..range.end.min(self.end);
        if range.is_empty() {
            return Vec::new();
        }
        let blocks = self.at(range.start)..self.at(range.end - 1) + 1;
        let part = |block| {
            let whole = self.times(block);
            let part = whole.start.max(range.start)..whole.end.min(range.end);
            let is_whole = part == whole;
            (block, part, is_whole)
        };
        blocks.map(part).collect()
    }
}

impl Trace {
    /// The polls that begin in a stretch of time, in slices of chunks, lane by lane: each chunk's number, the
    /// chunk, and the slots of it. There may be slots among them that are no polls.
    pub(crate) fn rows_in(
        &self,
        times: Range<Nanos>,
    ) -> impl Iterator<Item = (usize, &Chunk, Range<usize>)> {
        self.all_levels().flat_map(move |level| {
            level.slices(level.begun_at(times.start)..level.begun_at(times.end))
        })
    }

    /// The levels of all lanes.
    pub(crate) fn all_levels(&self) -> impl Iterator<Item = LevelView<'_>> {
        (0..self.lanes.len()).flat_map(|lane| self.levels(LaneIx(lane as u16)))
    }
}
