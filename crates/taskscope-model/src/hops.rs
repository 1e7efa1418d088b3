//! Hops: polls on another worker than the task's poll before.

use std::ops::Range;

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{Hop, PollIx};

impl Trace {
    /// How many hops there are.
    pub fn hop_count(&self) -> u64 {
        self.hop_count
    }

    /// All hops, sorted by the start of the poll that they lead to.
    pub fn hops(&self) -> impl DoubleEndedIterator<Item = Hop> {
        self.hops.iter().filter(|&&to| self.is_hop(to)).map(|&to| self.hop(to))
    }

    /// The hops that arrive in `window`: the poll that they lead to begins in it.
    pub fn hops_arriving(&self, window: Range<Nanos>) -> impl Iterator<Item = Hop> {
        let first = self.hops.partition_point(|&to| self.polls.start(to) < window.start);
        let hops = self.hops.iter_from(first).copied();
        hops.take_while(move |&to| self.polls.start(to) < window.end)
            .filter(|&to| self.is_hop(to))
            .map(|to| self.hop(to))
    }

    /// The hop that leads to a poll, which must be marked so.
    fn hop(&self, to: PollIx) -> Hop {
        Hop { from: PollIx(self.polls.row(to).before), to }
    }

    /// Whether this poll was on another worker than the task's poll before.
    pub fn is_hop(&self, poll: PollIx) -> bool {
        self.polls.row(poll).is_hop()
    }
}
