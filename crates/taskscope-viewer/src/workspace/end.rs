//! The end of traces that grow, in sight until a person looks elsewhere.
//!
//! Several traces may grow on one axis. What is kept in sight is the *growing end*: the last moment
//! of any trace that is followed. Whether a person looks elsewhere is seen and not kept: the end is
//! in the view, or it is not.

use super::Workspace;
use crate::clock::Clock;
use crate::open_trace::TraceId;

/// So much of a trace is shown that is followed, in nanoseconds, until a person zooms.
const FOLLOWED: f64 = 5e9;

/// Where the window was in time before its traces changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    clock: Clock,
    /// The growing end.
    end: Option<f64>,
}

impl Before {
    /// Whether any trace was followed.
    pub(crate) fn has_end(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the growing end was in sight.
    fn shows_end(&self) -> bool {
        self.end.is_some_and(|end| shows(&self.clock, end))
    }
}

/// Sums of fractions of nanoseconds are not exact.
fn slack(clock: &Clock) -> f64 {
    1e-6 * clock.view.width() + 1.0
}

fn shows(clock: &Clock, end: f64) -> bool {
    let view = clock.view;
    view.start() <= end && end <= view.end() + slack(clock)
}

impl Workspace {
    pub(crate) fn before(&self) -> Before {
        Before { clock: self.clock, end: self.growing_end() }
    }

    /// The last moment of the traces that are followed.
    fn growing_end(&self) -> Option<f64> {
        let followed = self.members.iter().filter(|member| member.open.followed_since().is_some());
        followed.map(|member| member.open.bounds().1).reduce(f64::max)
    }

    /// Whether traces grow out of sight.
    pub(crate) fn has_lost_the_end(&self) -> bool {
        self.growing_end().is_some_and(|end| !shows(&self.clock, end))
    }

    /// Shows the end of a trace, and puts the playhead there. Of traces that grow it is the last.
    pub(crate) fn show_end(&mut self, id: TraceId) {
        let Some(member) = self.member(id) else { return };
        let (first, mut last) = member.open.bounds();
        if member.open.followed_since().is_some() {
            last = self.growing_end().unwrap_or(last);
        }
        let width = FOLLOWED.min(last - first);
        self.clock.view.show(last - width, width);
        self.clock.replay.pause();
        self.clock.replay.seek(last);
    }

    /// Shows the growing end again, at the zoom there is.
    pub(crate) fn back_to_the_end(&mut self) {
        let Some(end) = self.growing_end() else { return };
        let width = self.clock.view.width();
        self.clock.view.show(end - width, width);
        self.clock.replay.pause();
        self.clock.replay.seek(end);
    }

    /// Traces have grown, or more of them grow. A view of the growing end shows the new one, and
    /// one of all there was shows all there is; what was elsewhere stays.
    pub(crate) fn keep_end(&mut self, before: &Before) {
        let view = before.clock.view;
        if view.is_whole() {
            self.clock.view.fit();
        }
        let (Some(end), Some(new_end)) = (before.end, self.growing_end()) else { return };
        let is_long = self.clock.view.width() > FOLLOWED;
        if view.is_whole() && (view.width() > FOLLOWED || !is_long) {
            // It shows all.
        } else if view.is_whole() {
            self.clock.view.show(new_end - FOLLOWED, FOLLOWED);
        } else if before.shows_end() {
            self.clock.view.show(view.start() + (new_end - end), view.width());
        }
        let replay = &mut self.clock.replay;
        if !replay.is_playing() && before.clock.replay.playhead() >= end - slack(&before.clock) {
            replay.seek(new_end);
        }
    }
}
