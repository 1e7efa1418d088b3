//! Where the window is in time: one stretch in view, one playhead, one measured stretch, for
//! all traces.
//!
//! Traces have clocks of their own. Each lies on the shared axis at an *offset*: its own time
//! plus the offset is the time of the axis. The clock of the trace that was opened first *is*
//! the axis (its offset is 0), so that a single trace is shown with no arithmetic in between. A
//! panel works in the time of its own trace: it gets the shared clock, shifted.

use crate::replay::Replay;
use crate::time_view::TimeView;
use crate::workspace::Stops;

/// A view, a playhead and a measured stretch, on the shared axis or on a trace's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    pub(crate) view: TimeView,
    pub(crate) replay: Replay,
    /// A stretch of time that was dragged over, from where to where.
    pub(crate) measured: Option<(f64, f64)>,
    /// At which events the replay pauses.
    pub(crate) stops: Stops,
    /// The moment at which it pauses.
    pub(crate) until: Option<f64>,
    /// Whether the events at which it goes from one to the next are those of the selected task alone.
    pub(crate) follows_task: bool,
}

impl Clock {
    /// The same for a clock that is `by` nanoseconds ahead.
    pub(crate) fn shifted(self, by: f64) -> Self {
        // The usual case, without a rounding.
        if by == 0.0 {
            return self;
        }
        Self {
            view: self.view.shifted(by),
            replay: self.replay.shifted(by),
            until: self.until.map(|until| until + by),
            measured: self.measured.map(|(from, to)| (from + by, to + by)),
            ..self
        }
    }

    /// Lets the view and the playhead go from the first to the last of these moments.
    pub(crate) fn set_bounds(&mut self, bounds: (f64, f64)) {
        self.view.set_bounds(bounds);
        self.replay.set_bounds(bounds);
    }

    /// Puts the playhead somewhere, and the view where it can be seen.
    pub(crate) fn seek(&mut self, moment: f64) {
        self.replay.pause();
        self.replay.seek(moment);
        self.view.reveal(self.replay.playhead());
    }

    /// Marks a stretch, and shows it with a little before and after.
    pub(crate) fn show_and_mark(&mut self, from: f64, to: f64) {
        let margin = 0.05 * (to - from);
        self.view.show(from - margin, to - from + 2.0 * margin);
        self.measured = Some((from, to));
    }

    /// Keyboard zoom goes to the playhead while it is in sight.
    pub(crate) fn zoom(&mut self, factor: f64) {
        let (view, playhead) = (self.view, self.replay.playhead());
        let centre = match (view.start()..=view.end()).contains(&playhead) {
            true => playhead,
            false => view.start() + view.width() / 2.0,
        };
        self.view.zoom(factor, centre);
    }
}
