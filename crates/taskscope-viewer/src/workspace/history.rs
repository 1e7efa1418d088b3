//! Where somebody was before a jump, to go back there: view, playhead, what is marked and selected, and how the traces lay.

use taskscope_model::TaskIx;

use super::Workspace;
use crate::open_trace::TraceId;
use crate::time_view::TimeView;

/// So many places are remembered.
const MOST: usize = 100;

/// Where the window is.
#[derive(Clone, Debug, PartialEq)]
struct Place {
    view: TimeView,
    playhead: f64,
    measured: Option<(f64, f64)>,
    active: TraceId,
    selected: Option<TaskIx>,
    /// Where the anchors lie on the axis, which they are, and the moment of the wall clock that they are.
    anchor: f64,
    anchors: Vec<(TraceId, f64)>,
    wall_clock: Option<u64>,
}

/// Places before the last jumps, and after those that were taken back.
#[derive(Debug, Default)]
pub(crate) struct History {
    back: Vec<Place>,
    forward: Vec<Place>,
}

impl Workspace {
    fn place(&self) -> Place {
        Place {
            view: self.clock.view,
            playhead: self.clock.replay.playhead(),
            measured: self.clock.measured,
            active: self.active,
            selected: self.active().and_then(|open| open.selected),
            anchor: self.anchor,
            anchors: self.members.iter().map(|of| (of.open.id, of.open.anchor)).collect(),
            wall_clock: self.wall_clock,
        }
    }

    /// Remembers where the window is, before a jump.
    pub(crate) fn remember(&mut self) {
        let here = self.place();
        if self.history.back.last() != Some(&here) {
            self.history.back.push(here);
            let more = self.history.back.len().saturating_sub(MOST);
            self.history.back.drain(..more);
        }
        self.history.forward.clear();
    }

    /// Goes back to where it was before the last jump, or on again.
    pub(crate) fn travel(&mut self, back: bool) {
        let here = self.place();
        let History { back: before, forward: after } = &mut self.history;
        let (from, to) = if back { (before, after) } else { (after, before) };
        // A place that the window has not left is none to go to.
        let Some(place) = std::iter::from_fn(|| from.pop()).find(|place| *place != here) else {
            return;
        };
        to.push(here);
        if self.member(place.active).is_none() {
            return;
        }
        (self.anchor, self.wall_clock) = (place.anchor, place.wall_clock);
        for (id, anchor) in place.anchors {
            if let Some(member) = self.member_mut(id) {
                member.open.anchor = anchor;
            }
        }
        self.align();
        self.activate(place.active);
        self.select(place.active, place.selected);
        self.clock.replay.pause();
        self.clock.replay.seek(place.playhead);
        self.clock.view.show(place.view.start(), place.view.width());
        self.clock.measured = place.measured;
    }
}
