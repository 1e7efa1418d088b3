//! Where somebody was before a jump, to go back there: view, playhead, what is marked and selected.

use taskscope_model::TaskIx;

use super::Workspace;
use crate::open_trace::TraceId;
use crate::time_view::TimeView;

/// So many places are remembered.
const MOST: usize = 100;

/// Where the window is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    view: TimeView,
    playhead: f64,
    measured: Option<(f64, f64)>,
    active: TraceId,
    selected: Option<TaskIx>,
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
        self.activate(place.active);
        self.select(place.active, place.selected);
        self.clock.replay.pause();
        self.clock.replay.seek(place.playhead);
        self.clock.view.show(place.view.start(), place.view.width());
        self.clock.measured = place.measured;
    }
}
