//! The wakes of a task, and of a trace, in the order of time.
//!
//! The wake that scheduled a poll stands in the row of that poll; those that came while the task was
//! going to be polled anyway stand apart, by the poll after which they came. See
//! [`crate::store::polls`].

use taskscope_format::{Nanos, ThreadId, WakeOp};

use crate::store::polls::{Flags, NONE, WakerKind};
use crate::trace::Trace;
use crate::types::{LaneIx, PollIx, TaskIx, Wake, WakeAt, WakeIx, Waker};

impl Trace {
    /// How many wakes there are.
    pub fn wake_count(&self) -> u64 {
        self.wake_count
    }

    /// A wake.
    pub fn wake(&self, wake: WakeIx) -> Wake {
        match wake.0 {
            WakeAt::Led(poll) => {
                let chunk = self.polls.chunk(poll.chunk());
                let row = &chunk.rows[poll.slot()];
                let time = chunk.start(poll.slot()) - chunk.delay(poll.slot()).unwrap_or(0);
                self.made_wake((time, row.task), row.before, row.waker, row.flags)
            }
            WakeAt::More(at) => {
                let more = &self.more_wakes[at as usize];
                self.made_wake((more.time, more.task), u32::MAX, more.waker, more.flags)
            }
            WakeAt::Pending(task) => {
                let of = self.task(task);
                let pending = of.hot.pending().unwrap_or_default();
                self.made_wake((pending.time, task.0), of.hot.last, pending.waker, pending.flags)
            }
        }
    }

    /// A wake of a row: the first since the poll `after` began.
    fn made_wake(&self, (time, task): (Nanos, u32), after: u32, waker: u32, flags: Flags) -> Wake {
        let (by, lane) = match flags.waker() {
            WakerKind::Poll => {
                let poll = PollIx(waker);
                let row = self.polls.row(poll);
                (Waker::Task(TaskIx(row.task)), Some(self.polls.chunk(poll.chunk()).lane))
            }
            WakerKind::Driver | WakerKind::None => {
                let lane = LaneIx(waker as u16);
                let deferred = after != u32::MAX && {
                    let row = self.polls.row(PollIx(after));
                    self.yielded(row.task, row.flags)
                };
                (if deferred { Waker::Deferred(lane) } else { Waker::Driver(lane) }, Some(lane))
            }
            WakerKind::Thread => (Waker::Thread(ThreadId(waker)), None),
        };
        let worker = match () {
            () if flags.has(Flags::WAKER_NO_WORKER) => None,
            () if flags.has(Flags::WAKER_ODD) => self.odd_wakers.get(&(task, time)).copied(),
            () => lane,
        };
        let op = if flags.has(Flags::BY_REF) { WakeOp::ByRef } else { WakeOp::ByValue };
        Wake { time, task: TaskIx(task), by, op, lane, worker }
    }

    /// The wake that came first after the task's poll before began, and so led to this poll.
    pub fn wake_before(&self, poll: PollIx) -> Option<WakeIx> {
        let has_wake = self.polls.row(poll).flags.waker() != WakerKind::None;
        has_wake.then_some(WakeIx(WakeAt::Led(poll)))
    }

    /// When that wake came.
    pub(crate) fn woken(&self, poll: PollIx) -> Option<Nanos> {
        let chunk = self.polls.chunk(poll.chunk());
        Some(chunk.start(poll.slot()) - chunk.delay(poll.slot())?)
    }

    /// The first wake after a poll of a task began, whether or not it led to another.
    pub fn wake_after(&self, poll: PollIx) -> Option<WakeIx> {
        let task = TaskIx(self.polls.row(poll).task);
        match self.poll_after(poll) {
            Some(next) => self.wake_before(next),
            None => self.task(task).hot.pending().map(|_| WakeIx(WakeAt::Pending(task))),
        }
    }

    /// Wakes of a task, in the order of time: from those on that came after the poll with the number
    /// `from` began, or from the first. They are made as they are asked for.
    pub fn task_wakes_from(
        &self,
        task: TaskIx,
        from: Option<usize>,
    ) -> impl Iterator<Item = WakeIx> {
        let of = self.task(task);
        let polls = self.task_polls(task);
        // Before the first poll, and behind each one: the wake that led there, and the others.
        let first = from.map_or(0, |from| from + 1);
        let leading = polls.iter_from(first).map(Some).chain([None]);
        let mut before = from.and_then(|from| polls.get(from));
        leading.flat_map(move |next| {
            let led = match next {
                Some(poll) => self.wake_before(poll),
                None => of.hot.pending().map(|_| WakeIx(WakeAt::Pending(task))),
            };
            let others = match std::mem::replace(&mut before, next) {
                Some(poll) => self.more_wakes_after(poll),
                None => self.chain(of.last_early),
            };
            // The one that led there is the first.
            led.into_iter().chain(others)
        })
    }

    /// The wakes of a task, in the order of time.
    pub fn task_wakes(&self, task: TaskIx) -> impl Iterator<Item = WakeIx> {
        self.task_wakes_from(task, None)
    }

    fn more_wakes_after(&self, poll: PollIx) -> Vec<WakeIx> {
        let last = self.polls.chunk(poll.chunk()).last_more_wake(poll.slot());
        self.chain(last.unwrap_or(NONE))
    }

    fn chain(&self, last: u32) -> Vec<WakeIx> {
        let next = |at: u32| (at != NONE).then_some(at);
        let chain =
            std::iter::successors(next(last), |&at| next(self.more_wakes.get(at as usize)?.before));
        let mut wakes: Vec<_> = chain.map(|at| WakeIx(WakeAt::More(at))).collect();
        wakes.reverse();
        wakes
    }

    /// The next poll of the same task.
    pub fn poll_after(&self, poll: PollIx) -> Option<PollIx> {
        let polls = self.task_polls(TaskIx(self.polls.row(poll).task));
        if polls.last() == Some(poll) {
            return None;
        }
        // (Two polls of a task can begin at one time, where the clock is coarse.)
        let begun = polls.begun_before(self.polls.start(poll));
        let mut from = polls.iter_from(begun);
        from.by_ref().find(|other| *other == poll);
        from.next()
    }

    /// The poll of the same task before this one.
    pub fn poll_before(&self, poll: PollIx) -> Option<PollIx> {
        let before = self.polls.row(poll).before;
        (before != NONE).then_some(PollIx(before))
    }

    /// All wakes, in no order that means anything, as they are kept.
    pub fn wakes(&self) -> impl Iterator<Item = WakeIx> {
        let led = self.polls.chunks().iter().enumerate().flat_map(|(number, chunk)| {
            let slots = 0..chunk.rows.len();
            slots.map(move |slot| PollIx::new(number, slot))
        });
        let led = led.filter_map(|poll| self.wake_before(poll));
        let more = (0..self.more_wakes.len()).map(|at| WakeIx(WakeAt::More(at as u32)));
        let tasks = (0..self.tasks.len()).map(|at| TaskIx(at as u32));
        let pending = tasks.filter(|&task| self.task(task).hot.pending().is_some());
        led.chain(more).chain(pending.map(|task| WakeIx(WakeAt::Pending(task))))
    }
}
