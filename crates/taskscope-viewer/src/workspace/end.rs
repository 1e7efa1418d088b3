//! The end of a trace that grows, in sight until a person looks elsewhere.

use super::Workspace;
use crate::clock::Clock;
use crate::open_trace::TraceId;

/// So much of a trace is shown that is followed, in nanoseconds, until a person zooms.
const FOLLOWED: f64 = 5e9;

impl Workspace {
    /// Shows the end of a trace, and puts the playhead there.
    pub(crate) fn show_end(&mut self, id: TraceId) {
        let Some(member) = self.member(id) else { return };
        let (first, last) = member.open.bounds();
        let width = FOLLOWED.min(last - first);
        self.clock.view.show(last - width, width);
        self.clock.replay.pause();
        self.clock.replay.seek(last);
    }

    /// A trace has grown that ended at `end` of the axis. What was at its end stays there; what was
    /// elsewhere stays, too.
    pub(super) fn keep_end(&mut self, id: TraceId, before: Clock, end: f64) {
        let Some(member) = self.member(id) else { return };
        let new_end = member.open.bounds().1;
        let view = before.view;
        // Sums of fractions of nanoseconds are not exact.
        let slack = 1e-6 * view.width() + 1.0;
        let is_long = self.clock.view.width() > FOLLOWED;
        if view.is_whole() && (view.width() > FOLLOWED || !is_long) {
            // It shows all: see `replace`.
        } else if view.is_whole() {
            self.clock.view.show(new_end - FOLLOWED, FOLLOWED);
        } else if view.start() <= end && end <= view.end() + slack {
            self.clock.view.show(view.start() + (new_end - end), view.width());
        }
        let replay = &mut self.clock.replay;
        if !replay.is_playing() && before.replay.playhead() >= end - slack {
            replay.seek(new_end);
        }
    }
}
