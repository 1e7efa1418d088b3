//! A poll, as rules see it.

use taskscope_format::Nanos;

use crate::questions::Facts;
use crate::store::polls::{Chunk, NONE, Row};
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx, TaskIx};

/// A poll, and the trace that it is of.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) trace: &'a Trace,
    pub(super) facts: &'a Facts,
    pub(super) chunk: &'a Chunk,
    pub(super) slot: usize,
    pub(super) poll: PollIx,
}

impl<'a> Seen<'a> {
    #[inline]
    pub(super) fn row(&self) -> &'a Row {
        &self.chunk.rows[self.slot]
    }

    #[inline]
    pub(super) fn task(&self) -> TaskIx {
        TaskIx(self.row().task)
    }

    #[inline]
    pub(super) fn start(&self) -> Nanos {
        self.chunk.start(self.slot)
    }

    #[inline]
    pub(super) fn duration(&self) -> Nanos {
        self.chunk.duration(self.slot)
    }

    /// The poll of the same task before it.
    #[inline]
    pub(super) fn before(&self) -> Option<PollIx> {
        let before = self.row().before;
        (before != NONE).then_some(PollIx(before))
    }

    /// Where its task was spawned.
    #[inline]
    pub(super) fn place(&self) -> Option<PlaceIx> {
        let place = self.facts.place(self.row().task);
        place.checked_sub(1).map(|place| PlaceIx(place as u32))
    }
}
