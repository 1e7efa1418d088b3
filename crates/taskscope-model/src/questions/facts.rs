//! What the rows of polls are asked about their tasks, in four bytes a task.
//!
//! A task and its figures take four lines of the cache, and the polls of a lane are of one task after
//! another. What a pass over polls needs of them is the place where the task was spawned, and
//! what its habits say of its yields.

use crate::store::polls::{Flags, NONE, RawEnd};
use crate::trace::Trace;
use crate::types::{PlaceIx, PollIx, TaskIx, TaskView};
use crate::{PollEnd, State};

/// See [the module](self).
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    of_task: Vec<u32>,
}

const ALWAYS: u32 = 1;
const PARKS: u32 = 2;
const AT_ONCE: u32 = 4;
/// A poll of it begins when it has ended, which only damaged recordings have.
const TOO_LATE: u32 = 8;
const BITS: u32 = 4;

impl Facts {
    pub(crate) async fn new(trace: &Trace) -> Self {
        let flags = |bits: u32| {
            let mut flags = Flags::default();
            flags.set(bits);
            flags
        };
        let cases = [
            (ALWAYS, flags(0)),
            (PARKS, flags(Flags::TAIL_PARKS)),
            (AT_ONCE, flags(Flags::TAIL_AT_ONCE)),
        ];
        let says = |task: TaskView<'_>| {
            let yields = |flags| trace.habits.yields(task, flags);
            let place = task.place.map_or(0, |place| place.0 + 1);
            let last = (task.hot.last != NONE).then_some(PollIx(task.hot.last));
            let begin = last.map(|last| trace.polls.start(last));
            let is_late = begin.is_some_and(|last| task.end.is_some_and(|end| end.time <= last));
            let late = if is_late { TOO_LATE } else { 0 };
            let yields = cases.iter().filter(|(_, flags)| yields(*flags));
            yields.fold(place << BITS | late, |all, (bit, _)| all | bit)
        };
        let mut of_task = Vec::with_capacity(trace.task_count());
        for task in trace.tasks() {
            of_task.push(says(task));
            if of_task.len().is_multiple_of(32_768) {
                super::pause().await;
            }
        }
        Self { of_task }
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.of_task.capacity() * size_of::<u32>()
    }

    /// 0 for none, else one more than its number.
    #[inline]
    pub(crate) fn place(&self, task: u32) -> usize {
        (self.of_task[task as usize] >> BITS) as usize
    }

    /// What a task does from the end of a poll until it is woken: as [`Trace::states`] has it.
    #[inline]
    pub(crate) fn unwoken(&self, trace: &Trace, task: u32, flags: Flags) -> State {
        if flags.has(Flags::LAST) {
            return match trace.poll_end(task, flags) {
                PollEnd::Open => State::Unknown,
                how if how.is_yield() => State::Deferred,
                _ => State::Waiting,
            };
        }
        match flags.end() {
            RawEnd::Open => State::Unknown,
            RawEnd::Ready | RawEnd::Panicked => State::Waiting,
            RawEnd::Pending if flags.has(Flags::SELF_WOKEN | Flags::BUDGET) => State::Deferred,
            RawEnd::Pending if flags.has(Flags::TAIL) && self.yields(task, flags) => {
                State::Deferred
            }
            RawEnd::Pending => State::Waiting,
        }
    }

    fn yields(&self, task: u32, flags: Flags) -> bool {
        let says = self.of_task[task as usize];
        says & ALWAYS != 0
            || says & PARKS != 0 && flags.has(Flags::TAIL_PARKS)
            || says & AT_ONCE != 0 && flags.has(Flags::TAIL_AT_ONCE)
    }

    /// Whether a poll of the task begins when the task has ended.
    pub(crate) fn is_polled_too_late(&self, task: u32) -> bool {
        self.of_task[task as usize] & TOO_LATE != 0
    }

    /// Tasks that were spawned at a place.
    pub(crate) fn tasks_of(&self, place: PlaceIx) -> impl Iterator<Item = TaskIx> {
        let tasks = (0..self.of_task.len() as u32).map(TaskIx);
        tasks.filter(move |task| self.place(task.0) == place.get() + 1)
    }
}
