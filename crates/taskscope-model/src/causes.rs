//! Why a poll happened when it did.

use taskscope_format::Nanos;

use crate::parts::{PollIx, TaskIx, WakeIx};
use crate::trace::Trace;

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
    /// The recording doesn't tell.
    Unknown,
}

impl Trace {
    /// What scheduled the task for this poll.
    pub fn cause(&self, poll: PollIx) -> Cause {
        let start = self.poll(poll).start;
        let task = self.poll(poll).task;
        let polls = self.task_polls(task);
        let position = polls.partition_point(|&other| self.poll(other).start < start);
        // A wake during the poll before already scheduled this one.
        let since = match position.checked_sub(1).and_then(|before| polls.get(before)) {
            Some(&before) => self.poll(before).start,
            None => 0,
        };
        let wakes = self.task_wakes(task);
        let first = wakes.partition_point(|&wake| self.wake(wake).time <= since);
        let spawned = self.task(task).spawned.filter(|_| position == 0);
        match (spawned, wakes.get(first)) {
            (Some(time), _) => Cause::Spawned { time, by: self.task(task).parent },
            (None, Some(&wake)) if self.wake(wake).time <= start => Cause::Woken(wake),
            _ => Cause::Unknown,
        }
    }
}
