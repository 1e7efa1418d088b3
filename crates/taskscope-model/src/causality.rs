//! Why a poll happened when it did, and what came of a wake.

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{PollIx, TaskIx, Wake, WakeAt, WakeIx};

/// What scheduled the task for a poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It had just been spawned.
    Spawned {
        /// When.
        time: Nanos,
        /// By which task, if by any.
        by: Option<TaskIx>,
    },
    /// It was woken. Of several wakes, the first is the one that counted.
    Woken(WakeIx),
    /// It was not recorded.
    Unknown,
}

impl Trace {
    /// What scheduled the task for this poll.
    pub fn cause(&self, poll: PollIx) -> Cause {
        let row = self.polls.row(poll);
        let task = self.task(TaskIx(row.task));
        let spawned = task.spawned.filter(|_| self.poll_before(poll).is_none());
        match (spawned, self.wake_before(poll)) {
            (Some(time), _) => Cause::Spawned { time, by: task.parent },
            (None, Some(wake)) => Cause::Woken(wake),
            (None, None) => Cause::Unknown,
        }
    }

    /// Since when the task had been scheduled for this poll, where Tokio measured that
    /// (`schedule-latency`). Nanoseconds since the start of the recording.
    pub fn scheduled_since(&self, poll: PollIx) -> Option<Nanos> {
        self.polls.chunk(poll.chunk()).scheduled(poll.slot())
    }
}

/// What came of a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WakeEffect {
    /// The task had waited, and was scheduled.
    Scheduled,
    /// The task was running; it will be polled once more.
    WhileRunning,
    /// The task was going to be polled anyway.
    Duplicate,
    /// The task had ended.
    TooLate,
}

impl WakeEffect {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 4] =
        [Self::Scheduled, Self::WhileRunning, Self::Duplicate, Self::TooLate];
}

impl Trace {
    /// What came of a wake.
    pub fn wake_effect(&self, wake: WakeIx) -> WakeEffect {
        let Wake { time, task, .. } = self.wake(wake);
        let of = self.task(task);
        if of.end.is_some_and(|end| end.time <= time) {
            return WakeEffect::TooLate;
        }
        let before = match wake.0 {
            WakeAt::More(_) => return WakeEffect::Duplicate,
            WakeAt::Led(poll) => self.poll_before(poll),
            WakeAt::Pending(task) => self.task_polls(task).last(),
        };
        match before {
            Some(before) if time < self.polls.end(before) => WakeEffect::WhileRunning,
            // Scheduled by its spawn.
            None if of.spawned.is_some() => WakeEffect::Duplicate,
            _ => WakeEffect::Scheduled,
        }
    }
}
