//! What the recorder keeps for a thread: its stream, which worker it is, and
//! which polls are open on it.
//!
//! [`record`] finds it. A process can run several recordings at a time, so a
//! thread has a list, with one entry in nearly every program.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use taskscope_format::{Event, Nanos, RuntimeId, TaskId};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::stream::Stream;
use crate::tracker::open_poll::{Ending, LastVisit, OpenPoll};
use crate::tracker::park_count::ParkCount;
use crate::tracker::runtimes::HookSet;
use crate::tracker::shared::Shared;
use crate::tracker::slot::Slot;
use crate::tracker::span_stack::SpanStack;
use crate::tracker::task::Task;

thread_local! {
    static THREAD: RefCell<Vec<Attached>> = const { RefCell::new(Vec::new()) };
}

/// What this thread has of the recording in one slot.
#[derive(Debug)]
struct Attached {
    slot: Arc<Slot>,
    recording: u64,
    shared: Arc<Shared>,
    state: ThreadState,
}

impl Drop for Attached {
    fn drop(&mut self) {
        self.slot.attached.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets `event` record something that happens on this thread now, if a recording is under way.
///
/// It reads the clock itself, if it comes to writing something.
///
/// Never blocks and never panics. An event that comes while this thread is in
/// the middle of recording another (an allocator or a signal handler that
/// traces), or while its thread-locals are being destroyed, is counted as
/// missed.
#[inline]
pub(crate) fn record(slot: &Arc<Slot>, event: impl FnOnce(&mut ThreadState, &Shared)) {
    if slot.is_idle() {
        return;
    }
    let found = THREAD.try_with(|thread| {
        let Ok(mut all) = thread.try_borrow_mut() else { return false };
        let position = all.iter().position(|attached| Arc::ptr_eq(&attached.slot, slot));
        let is_current = |&position: &usize| {
            all.get(position).is_some_and(|attached| attached.recording == slot.current())
        };
        let position = match position.filter(is_current) {
            Some(position) => position,
            None => match attach_or_detach(&mut all, slot, position) {
                Ok(position) => position,
                Err(is_counted) => return is_counted,
            },
        };
        let Some(Attached { shared, state, .. }) = all.get_mut(position) else { return false };
        event(state, shared);
        true
    });
    if !found.unwrap_or(false)
        && let Some(shared) = slot.shared()
    {
        shared.miss_event();
    }
}

/// The first event of a thread in a recording, or the first after its end: where the thread's
/// state is now, or whether all is well without.
#[cold]
fn attach_or_detach(
    all: &mut Vec<Attached>,
    slot: &Arc<Slot>,
    position: Option<usize>,
) -> Result<usize, bool> {
    // The ring's memory is given back as soon as the thread comes by.
    position.map(|position| all.swap_remove(position));
    let Some(shared) = slot.shared() else { return Err(true) };
    let state = ThreadState::first(&shared).ok_or(false)?;
    slot.attached.fetch_add(1, Ordering::Relaxed);
    all.push(Attached { slot: Arc::clone(slot), recording: shared.recording, shared, state });
    Ok(all.len() - 1)
}

/// One thread in one recording.
#[derive(Debug)]
pub(crate) struct ThreadState {
    pub(crate) stream: Stream,
    known_worker: KnownWorker,
    pub(super) parks: ParkCount,
    /// The polls open on this thread, innermost last.
    pub(crate) open: Vec<OpenPoll>,
    pub(crate) span_stack: SpanStack,
    /// Counts the calls of the layer, to see whether two of them followed each
    /// other at once.
    pub(crate) calls: u64,
    pub(crate) last_visit: Option<LastVisit>,
    /// This is a worker, and the last that it did was to call a waker outside of any
    /// poll.
    pub(crate) wakes: bool,
    /// The last tasks whose end was written here, so that a second source
    /// doesn't write it again. The two report it within a few calls, with at
    /// most the ends of what the task owned between them.
    ended: [TaskId; 8],
    next_ended: usize,
    /// The task whose span has just been made, for the hook that follows.
    pub(crate) last_span_spawn: Option<Task>,
}

/// Which worker the thread was when that was last asked.
#[derive(Debug, Default)]
struct KnownWorker {
    /// The answer must be asked for again.
    stale: bool,
    index: Option<u32>,
    /// [`HookSet::number`] of the hooks that vouched for the runtime, or 0.
    hooks: u32,
    /// The runtime has one worker: the thread that drives it, for that time. So
    /// another one's may have the same index.
    current_thread: bool,
    /// The worker that the thread gave away (`block_in_place`), though Tokio
    /// still answers with its index.
    given_away: Option<(RuntimeId, u32)>,
}

impl ThreadState {
    /// The state of a thread that has recorded nothing so far; `None` while there is no
    /// writer.
    #[cold]
    fn first(shared: &Shared) -> Option<Self> {
        Some(Self {
            stream: shared.new_stream()?,
            known_worker: KnownWorker { stale: true, ..KnownWorker::default() },
            parks: ParkCount::default(),
            open: Vec::new(),
            span_stack: SpanStack::default(),
            calls: 0,
            last_visit: None,
            wakes: false,
            ended: [TaskId(0); 8],
            next_ended: 0,
            last_span_spawn: None,
        })
    }

    /// Finds out which worker this thread is. `hooks` are those that are
    /// speaking, where some are: they belong to the current runtime.
    ///
    /// The index is cheap to ask for and asked for each time. The runtime is
    /// not, so its last answer is kept while nothing has happened that could
    /// change it: another index, other hooks, or the layer's
    /// [`worker_may_have_changed`](Self::worker_may_have_changed).
    pub(crate) fn find_worker(&mut self, shared: &Shared, hooks: Option<&HookSet>) {
        self.wakes = false;
        let index = tokio::runtime::worker_index().and_then(|index| u32::try_from(index).ok());
        let same_hooks = hooks.is_none_or(|hooks| hooks.number == self.known_worker.hooks);
        if !self.known_worker.stale && index == self.known_worker.index && same_hooks {
            return;
        }
        let before = self.stream.worker();
        let runtime = index.and_then(|_| Handle::try_current().ok());
        let current_thread = runtime
            .as_ref()
            .is_some_and(|handle| handle.runtime_flavor() == RuntimeFlavor::CurrentThread);
        let number = |handle| shared.runtimes().number(shared.recording, handle, hooks);
        let mut worker = runtime.as_ref().map(number).zip(index);
        let given_away = self.known_worker.given_away.filter(|_| index.is_some());
        if worker == given_away {
            worker = None;
        }
        self.stream.set_worker(worker);
        if worker != before {
            self.parks.forget();
        }
        let known_hooks = if worker == before { self.known_worker.hooks } else { 0 };
        let hooks = hooks.map_or(known_hooks, |hooks| hooks.number);
        self.parks.of(runtime.as_ref().filter(|_| hooks == 0));
        self.known_worker = KnownWorker { stale: false, index, hooks, current_thread, given_away };
    }

    /// The thread may have entered or left a runtime.
    pub(crate) fn worker_may_have_changed(&mut self) {
        self.known_worker.stale = true;
        self.parks.of(None);
        self.wakes = false;
    }

    /// A poll begins that Tokio has not announced, so it may be on another runtime
    /// than the last.
    pub(crate) fn acts_unannounced(&mut self) {
        self.acts_as_worker();
        if self.known_worker.current_thread && self.open.is_empty() {
            self.worker_may_have_changed();
        }
    }

    /// `block_in_place` gives the worker to another thread. If this thread gets
    /// it back, that is not reported; it has it for sure when it next takes up a task
    /// or parks. (Within the poll it may well run another runtime.)
    pub(crate) fn give_worker_away(&mut self, time: Nanos) {
        self.known_worker.given_away = self.stream.worker();
        if self.stream.set_worker(None) {
            self.stream.write_worker(time);
        }
    }

    /// The thread takes up a task, or parks.
    pub(crate) fn acts_as_worker(&mut self) {
        if self.known_worker.given_away.is_some() && self.open.is_empty() {
            self.known_worker = KnownWorker { stale: true, ..KnownWorker::default() };
        }
    }

    /// Writes the end of a task; any source may have reported it.
    pub(crate) fn write_end(&mut self, time: Nanos, task: TaskId, ending: Ending) {
        let Ending { end, inferred, cancelled_by } = ending;
        self.stream.write(time, &Event::TaskEnd { task, end, inferred, cancelled_by });
        self.ended[self.next_ended] = task;
        self.next_ended = (self.next_ended + 1) % self.ended.len();
    }

    pub(crate) fn has_written_end(&self, task: TaskId) -> bool {
        self.ended.contains(&task)
    }
}
