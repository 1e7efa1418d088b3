//! The state of a wrapped future; see [`crate::sources::wrapper`].
//!
//! Nothing of the program's is called while this thread's state is borrowed: what
//! there is to record is recorded, and then the future is polled, or the waker
//! called.

use std::panic::Location as Caller;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};

use taskscope_format::{
    EndKind, Event, Location, PollResult, Source, Spawn, TaskId, TaskKind, WakeOp,
};

use crate::Detail;
use crate::tracker::open_poll::{Ending, OpenPoll, PollSource};
use crate::tracker::shared::Shared;
use crate::tracker::slot::Slot;
use crate::tracker::thread::{ThreadState, record};
use crate::tracker::{active_recordings, ids};

/// What a wrapped future has beside itself, up to the moment in which it is
/// dropped. Empty where there is nothing to record it.
#[derive(Debug)]
pub(crate) struct WrapperState {
    wrapper: Option<Arc<WrapperShared>>,
    /// What the spawn will say, as long as it hasn't.
    spawn: Option<Box<PendingSpawn>>,
    /// The waker that the future was last given, as it is and as the future sees
    /// it.
    waker: Option<(Arc<TaskWaker>, Waker)>,
}

/// What is known when a future is wrapped.
#[derive(Debug)]
struct PendingSpawn {
    name: Option<String>,
    place: &'static Caller<'static>,
    size: usize,
    parent: Option<TaskId>,
}

/// What the wrapper and its wakers share.
#[derive(Debug)]
struct WrapperShared {
    slot: Arc<Slot>,
    task: TaskId,
    wakes: bool,
    /// See [`stage`].
    stage: AtomicU8,
}

/// How far a future is. Relaxed access is enough: polling and dropping it
/// come one after the other, and a waker that is called meanwhile may see either.
mod stage {
    /// It may be polled, woken and dropped.
    pub(super) const ALIVE: u8 = 0;
    /// It is being dropped, before it has returned.
    pub(super) const DROPPING: u8 = 1;
    /// There is nothing more to record of it.
    pub(super) const DONE: u8 = 2;
    /// It is a whole task that Tokio reports.
    pub(super) const REPORTED: u8 = 3;
}

impl WrapperShared {
    fn is(&self, stage: u8) -> bool {
        self.stage.load(Ordering::Relaxed) == stage
    }

    fn set(&self, stage: u8) {
        self.stage.store(stage, Ordering::Relaxed);
    }

    fn record(&self, event: impl FnOnce(&mut ThreadState, &Shared)) {
        record(&self.slot, event);
    }
}

impl WrapperState {
    /// Of a future that is being wrapped, to be recorded in `slot` or else by the newest
    /// recorder. The second half belongs behind it.
    pub(crate) fn begin(
        slot: Option<Arc<Slot>>,
        name: Option<String>,
        place: &'static Caller<'static>,
        size: usize,
    ) -> (Self, DropGuard) {
        static NEXT: AtomicU64 = AtomicU64::new(TaskId::WRAPPED + 1);
        let Some(slot) = slot.or_else(active_recordings::newest) else {
            return Self::not_recorded();
        };
        let task = TaskId(NEXT.fetch_add(1, Ordering::Relaxed));
        let (wakes, stage) = (slot.detail == Detail::Full, AtomicU8::new(stage::ALIVE));
        let wrapper = Arc::new(WrapperShared { slot, task, wakes, stage });
        let mut parent = None;
        wrapper.record(|thread, _| parent = thread.running());
        let spawn = Box::new(PendingSpawn { name, place, size, parent });
        let spawn = if cfg!(tokio_unstable) {
            Some(spawn)
        } else {
            spawn.write(&wrapper, false);
            None
        };
        let guard = DropGuard(Some(Arc::clone(&wrapper)));
        (Self { wrapper: Some(wrapper), spawn, waker: None }, guard)
    }

    pub(crate) fn not_recorded() -> (Self, DropGuard) {
        (Self { wrapper: None, spawn: None, waker: None }, DropGuard(None))
    }

    /// Begins a poll; `None` where it is not to be recorded.
    pub(crate) fn poll(&mut self, context: &Context<'_>) -> Option<Poll<'_>> {
        let wrapper = self.wrapper.as_deref()?;
        if !wrapper.is(stage::ALIVE) || wrapper.slot.is_idle() {
            return None;
        }
        if let Some(spawn) = self.spawn.take() {
            let mut within = None;
            wrapper.record(|thread, _| within = thread.poll_around_wrapper());
            match within {
                Some(Around { task, by_part }) if !by_part && spawn.parent != Some(task) => {
                    wrapper.set(stage::REPORTED);
                    spawn.name_task(wrapper, task);
                    return None;
                }
                _ => spawn.write(wrapper, within.is_some()),
            }
        }
        if wrapper.wakes
            && self.waker.as_ref().is_none_or(|(own, _)| !own.waker.will_wake(context.waker()))
        {
            let wrapper = Arc::clone(self.wrapper.as_ref()?);
            let own = Arc::new(TaskWaker { wrapper, waker: context.waker().clone() });
            self.waker = Some((Arc::clone(&own), own.into()));
        }
        let waker = self.waker.as_ref();
        let held = waker.map_or(0, |(own, _)| Arc::strong_count(own));
        wrapper.record(|thread, shared| thread.wrapper_begins(shared, wrapper.task));
        Some(Poll { wrapper, waker, held, result: PollResult::Panicked })
    }
}

impl WrapperState {
    /// A future of which no poll is recorded here has returned.
    pub(crate) fn returned(&self) {
        if let Some(wrapper) = self.wrapper.as_deref().filter(|it| it.is(stage::REPORTED)) {
            wrapper.set(stage::DONE);
            wrapper.record(|thread, _| thread.whole_task_returned());
        }
    }
}

impl Drop for WrapperState {
    fn drop(&mut self) {
        let Some(wrapper) = self.wrapper.as_deref().filter(|wrapper| wrapper.is(stage::ALIVE))
        else {
            return;
        };
        if self.spawn.is_some() {
            // It has never been polled. Perhaps Tokio reports it.
            wrapper.set(stage::DONE);
        } else {
            wrapper.set(stage::DROPPING);
            wrapper.record(|thread, shared| thread.wrapper_begins(shared, wrapper.task));
        }
    }
}

/// What is dropped after the future.
#[derive(Debug)]
pub(crate) struct DropGuard(Option<Arc<WrapperShared>>);

impl Drop for DropGuard {
    fn drop(&mut self) {
        if let Some(wrapper) = self.0.as_deref().filter(|wrapper| wrapper.is(stage::DROPPING)) {
            wrapper.set(stage::DONE);
            let how = (PollResult::OnlyDropped, Some(EndKind::Cancelled), false);
            wrapper.record(|thread, shared| thread.wrapper_ends(shared, wrapper.task, how));
        }
    }
}

impl PendingSpawn {
    fn write(&self, wrapper: &WrapperShared, is_part: bool) {
        let place = self.place;
        let spawn = Spawn {
            parent: self.parent,
            name: self.name.as_deref(),
            location: Some(Location {
                file: place.file(),
                line: place.line(),
                column: place.column(),
            }),
            size: Some(self.size as u64),
            is_part,
            ..Spawn::new(wrapper.task, TaskKind::Task, Source::Hook)
        };
        wrapper.record(|thread, shared| thread.wrapper_spawned(shared, spawn));
    }

    /// Adds its name to what Tokio reports of a task.
    fn name_task(&self, wrapper: &WrapperShared, task: TaskId) {
        let Some(name) = &self.name else { return };
        let spawn = Spawn {
            parent: self.parent,
            name: Some(name),
            ..Spawn::new(task, TaskKind::Task, Source::Hook)
        };
        wrapper.record(|thread, shared| thread.wrapper_spawned(shared, spawn));
    }
}

/// A poll that is under way.
pub(crate) struct Poll<'a> {
    wrapper: &'a WrapperShared,
    waker: Option<&'a (Arc<TaskWaker>, Waker)>,
    /// How many hold the waker as the poll begins.
    held: usize,
    /// How it ends if nothing else is said: by a panic that unwinds through here.
    result: PollResult,
}

impl Poll<'_> {
    /// The waker to give to the future, if it isn't that of the executor.
    pub(crate) fn waker(&self) -> Option<&Waker> {
        self.waker.map(|(_, seen)| seen)
    }

    /// The future came back.
    pub(crate) fn returns(mut self, is_ready: bool) {
        self.result = if is_ready { PollResult::Ready } else { PollResult::Pending };
    }
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        let wrapper = self.wrapper;
        let end = match self.result {
            PollResult::Ready => Some(EndKind::Returned),
            PollResult::Panicked => Some(EndKind::Panicked),
            _ => None,
        };
        if end.is_some() {
            wrapper.set(stage::DONE);
        }
        let kept_waker = self.waker.is_some_and(|(own, _)| Arc::strong_count(own) > self.held);
        let how = (self.result, end, kept_waker);
        wrapper.record(|thread, shared| thread.wrapper_ends(shared, wrapper.task, how));
    }
}

/// The waker that a wrapped future sees.
#[derive(Debug)]
struct TaskWaker {
    wrapper: Arc<WrapperShared>,
    /// The one that was given to the wrapper.
    waker: Waker,
}

impl TaskWaker {
    fn record_wake(&self, op: WakeOp) {
        if !self.wrapper.is(stage::DONE) {
            self.wrapper.record(|thread, shared| thread.wake(shared, self.wrapper.task, op));
        }
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.record_wake(WakeOp::ByValue);
        match Arc::try_unwrap(self) {
            Ok(last) => last.waker.wake(),
            Err(others) => others.waker.wake_by_ref(),
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.record_wake(WakeOp::ByRef);
        self.waker.wake_by_ref();
    }
}

/// What the wrapper reports.
impl ThreadState {
    fn wrapper_spawned(&mut self, shared: &Shared, spawn: Spawn<'_>) {
        self.find_worker(shared, None);
        self.stream.write(shared.now(), &Event::Spawn(spawn));
    }

    fn wrapper_begins(&mut self, shared: &Shared, task: TaskId) {
        self.acts_unannounced();
        self.find_worker(shared, None);
        let start = Event::PollStart { task, source: Source::Hook };
        let time = shared.now_in_order();
        self.stream.write(time, &start);
        self.push_open(|| OpenPoll::new(task, PollSource::Wrapper, time));
    }

    fn wrapper_ends(
        &mut self,
        shared: &Shared,
        task: TaskId,
        (result, end, kept_waker): (PollResult, Option<EndKind>, bool),
    ) {
        let ours =
            |open: &OpenPoll| open.task == task && matches!(open.source, PollSource::Wrapper);
        let position = self.open.iter().rposition(ours);
        if let Some(above) = position.map(|position| position + 1)
            && above < self.open.len()
        {
            self.end_polls(shared, above);
        }
        let time = shared.now();
        if let Some(end) = end {
            self.write_end(time, task, Ending::new(end, false));
        }
        if position.is_some() {
            self.note_budget(time);
            self.note_park(time);
            self.stream.write(time, &Event::PollEnd { result, kept_waker });
            self.open.pop();
        }
    }

    /// The poll of Tokio's to which what is being polled here belongs, if one is recorded: that of
    /// the current task, or that of a `block_on`.
    fn poll_around_wrapper(&self) -> Option<Around> {
        let open = self.tokio_poll()?;
        let by_part = matches!(self.open.last()?.source, PollSource::Wrapper);
        let is_current = match tokio::task::try_id() {
            Some(current) => ids::task(current) == open.task,
            None => !by_part,
        };
        is_current.then_some(Around { task: open.task, by_part })
    }

    fn whole_task_returned(&mut self) {
        let is_of_tokio = |open: &&mut OpenPoll| !matches!(open.source, PollSource::Wrapper);
        let Some(open) = self.open.iter_mut().rev().find(is_of_tokio) else { return };
        open.returned = true;
        if let PollSource::Span { task, .. } = &open.source {
            task.set_returned();
        }
    }

    /// The innermost poll that hooks or layer have reported.
    fn tokio_poll(&self) -> Option<&OpenPoll> {
        self.open.iter().rev().find(|open| !matches!(open.source, PollSource::Wrapper))
    }
}

/// Where a wrapped future is polled first.
#[derive(Clone, Copy, Debug)]
struct Around {
    /// The task that Tokio polls.
    task: TaskId,
    /// Another wrapped part of that task polls this one.
    by_part: bool,
}
