//! The way to the poll at the playhead, as the window keeps it: where it begins, and whether it is drawn over the lanes.

use std::cell::RefCell;
use std::sync::Arc;

use taskscope_model::questions::{Way, way};
use taskscope_model::{PollIx, Trace};

/// What is chosen of ways, and the last one.
#[derive(Debug, Default)]
pub(crate) struct Ways {
    /// Whether it is drawn over the lanes.
    pub(crate) are_drawn: bool,
    /// Where it begins; at its root if that was not chosen.
    pub(crate) from: Option<PollIx>,
    /// The inspector and the lanes ask for the same one, in each frame.
    last: RefCell<Option<Known>>,
}

#[derive(Debug)]
struct Known {
    revision: u64,
    poll: PollIx,
    from: Option<PollIx>,
    way: Arc<Way>,
}

impl Ways {
    /// What happened on the way to a poll: since its root, or since the poll that was chosen, if that is earlier.
    pub(crate) fn to(&self, trace: &Trace, revision: u64, poll: PollIx) -> Arc<Way> {
        let start = |poll: PollIx| trace.poll(poll).start;
        let from = self.from.filter(|from| start(*from) < start(poll));
        let mut last = self.last.borrow_mut();
        let asked = (revision, poll, from);
        if let Some(known) = last.as_ref().filter(|of| (of.revision, of.poll, of.from) == asked) {
            return known.way.clone();
        }
        let way = Arc::new(way(trace, poll, from.map(start)));
        *last = Some(Known { revision, poll, from, way: way.clone() });
        way
    }
}
