//! What a panel sees of the window, and how it changes it.

use std::sync::Arc;

use taskscope_model::questions::Way;
use taskscope_model::{LaneIx, PollEnd, PollIx, TaskIx, Trace};

use crate::command::{Commands, TraceCommand};
use crate::jobs::Jobs;
use crate::open_trace::OpenTrace;
use crate::prepared::Prepared;
use crate::replay::Replay;
use crate::task_polls;
use crate::time_view::TimeView;
use crate::workspace::Stops;

/// What a panel sees while it is drawn: its trace, and where the window is in time.
///
/// A panel reads this and sends commands; nothing changes while the frame is drawn.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) open: &'a OpenTrace,
    /// At which events the replay pauses.
    pub(crate) stops: Stops,
    /// Whether it goes from event to event of the selected task alone.
    pub(crate) follows_task: bool,
    /// The stretch in view, in the trace's own time.
    pub(crate) view: TimeView,
    /// The playhead, in the trace's own time.
    pub(crate) replay: Replay,
    /// A stretch that was dragged over, in the trace's own time.
    pub(crate) measured: Option<(f64, f64)>,
    /// What the trace is called beside others; `None` while it is the only one.
    pub(crate) label: Option<&'a str>,
    /// The trace that it is compared with, in panels where there is one.
    pub(crate) other: Option<Other<'a>>,
    pub(crate) commands: &'a Commands,
    pub(crate) jobs: &'a Jobs,
}

/// A trace beside the one that a panel shows.
#[derive(Clone, Copy)]
pub(crate) struct Other<'a> {
    pub(crate) open: &'a OpenTrace,
    pub(crate) label: &'a str,
    /// Whether it stands before that one.
    pub(crate) is_first: bool,
}

impl<'a> Context<'a> {
    pub(crate) fn trace(&self) -> &'a Trace {
        self.open.trace()
    }

    pub(crate) fn prepared(&self) -> &'a Prepared {
        self.open.prepared()
    }

    /// Sends a command to the trace that the panel shows.
    pub(crate) fn send(&self, command: TraceCommand) {
        self.commands.send_to(self.open.id, command);
    }

    /// Puts the playhead at a moment of the trace, and the view where it can be seen.
    pub(crate) fn seek(&self, moment: f64) {
        self.send(TraceCommand::Seek(moment));
    }

    /// Selects a task, or none.
    pub(crate) fn select(&self, task: Option<TaskIx>) {
        self.send(TraceCommand::Select(task));
    }

    /// The poll of the selected task at the playhead, or the last before it.
    pub(crate) fn current_poll(&self) -> Option<PollIx> {
        task_polls::last_begun(self.trace(), self.open.selected?, self.replay.moment())
    }

    /// What happened on the way to that poll.
    pub(crate) fn way(&self) -> Option<Arc<Way>> {
        let poll = self.current_poll()?;
        Some(self.open.ways.to(self.trace(), self.open.revision, poll))
    }

    /// What runs on a lane at the playhead.
    pub(crate) fn running(&self, lane: LaneIx) -> Option<PollIx> {
        let (trace, moment) = (self.trace(), self.replay.moment());
        trace.poll_at(lane, moment).or_else(|| {
            // A poll that is open when the recording ends still runs at its last moment.
            let last = trace.poll_at(lane, moment.checked_sub(1)?)?;
            let poll = trace.poll(last);
            (moment == trace.span().end && poll.end == moment && poll.how == PollEnd::Open)
                .then_some(last)
        })
    }
}
