//! Why a poll happened when it did, and what came of a wake.

use taskscope_format::Nanos;

use crate::trace::Trace;
use crate::types::{PollIx, TaskIx, WakeIx};

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

impl Trace {
    /// Since when the task had been scheduled for this poll, where Tokio measured that
    /// (`schedule-latency`). Nanoseconds since the start of the recording.
    pub fn scheduled_since(&self, poll: PollIx) -> Option<Nanos> {
        let key = (self.poll(poll).task, self.poll(poll).start);
        let at = self.scheduled.partition_point(|&(task, start, _)| (task, start) < key);
        self.scheduled.get(at).filter(|entry| (entry.0, entry.1) == key).map(|entry| entry.2)
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
        let (time, task) = (self.wake(wake).time, self.wake(wake).task);
        if self.task(task).end.is_some_and(|end| end.time <= time) {
            return WakeEffect::TooLate;
        }
        let polls = self.task_polls(task);
        let begun = polls.partition_point(|&poll| self.poll(poll).start <= time);
        let last = begun.checked_sub(1).and_then(|last| polls.get(last)).map(|&p| self.poll(p));
        // Scheduled by its spawn.
        let Some(last) = last else {
            return match self.task(task).spawned {
                Some(_) => WakeEffect::Duplicate,
                None => WakeEffect::Scheduled,
            };
        };
        let wakes = self.task_wakes(task);
        let first = wakes.partition_point(|&other| self.wake(other).time < last.start);
        let is_first = wakes.get(first).is_some_and(|&first| first == wake);
        match () {
            () if !is_first => WakeEffect::Duplicate,
            () if time < last.end => WakeEffect::WhileRunning,
            () => WakeEffect::Scheduled,
        }
    }
}
