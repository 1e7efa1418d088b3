//! From what Tokio's two sources report to polls and ends of tasks.
//!
//! # The problem
//! A *visit* is what Tokio shows of a worker taking up a task: the task's span
//! is entered and exited. Polls are not visits. `Instrumented` enters its span
//! once more to drop the future, so a task that returns shows one visit more
//! than it had polls, and a task that was aborted while it waited shows a visit
//! without a poll. The hooks on a runtime bracket what really is one turn of a
//! task on a worker, but say nothing of how it ended; and half of all tasks
//! have no hooks: those of `block_on`, of a `LocalSet`, of the blocking pool, of
//! runtimes that a library built.
//!
//! ```text
//! pending         before-poll  enter exit                                  after-poll
//! returned        before-poll  enter exit  enter exit  close  terminate    after-poll
//! panicked        the same, unwinding from the first exit on
//! aborted, idle   before-poll              enter exit  close  terminate    after-poll
//! at shutdown                              enter exit  close  terminate
//! ```
//!
//! # The plan
//! Each thread keeps a stack of its open polls. Where the hooks have opened one,
//! they alone make it a poll; visits of the same task inside it are counted and
//! not written. At the end the count shows how the task ended: one visit only
//! dropped it, more polled it first. A visit of a hooked task outside of a
//! bracket is the shutdown of its runtime, and no poll.
//!
//! Without hooks each visit is written as a poll whose source is a span, the
//! last one included; a reader takes that one off when it sees the end. How the
//! task ended is then an inference: a visit that follows the one before without
//! anything between them on the thread dropped what had just returned.
//!
//! One thing neither source reports: a task that is aborted, or whose runtime shuts
//! down, *while* it is polled is dropped right after that poll, as if it had
//! returned. Such a poll nearly always leaves a waker behind or has woken its own
//! task, and one that returns seldom does; and `abort` hits the longer polls. So the
//! end of a task that kept or called its waker in its last poll, or whose last poll was
//! not a short one, is written as returned, and as inferred. Where a wrapper stands around
//! the whole task, it sees the future return, and nothing is inferred.
//!
//! # Why the end is written where it is
//! A returning task wakes the one that joins it after its span has closed and before
//! its bracket does. So the end comes first, then the wake, then the end of the
//! poll, and the wake stands where it belongs: inside the finished task's poll.

use taskscope_format::{EndKind, Event, Location, Nanos, Source, Spawn, TaskId, TaskKind, WakeOp};
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::tracker::open_poll::{AT_ONCE, Ending, LastVisit, OpenPoll, PollSource};
use crate::tracker::runtimes::HookSet;
use crate::tracker::shared::Shared;
use crate::tracker::task::{SpanData, SpanKind, Task};
use crate::tracker::thread::ThreadState;

/// What the hooks report.
impl ThreadState {
    pub(crate) fn hook_spawn(
        &mut self,
        shared: &Shared,
        hooks: &HookSet,
        (task, location): (TaskId, Location<'_>),
    ) {
        self.find_worker(shared, None);
        shared.hooks_report.note();
        let mut spawn = Spawn::new(task, TaskKind::Task, Source::Hook);
        spawn.runtime = hooks.runtime(shared.recording);
        match self.last_span_spawn.take() {
            // The layer has just recorded all but the runtime.
            Some(announced) if announced.id == task => announced.set_hooked(),
            _ => {
                shared.note_spanless();
                spawn.parent = self.running();
                spawn.location = Some(location);
            }
        }
        self.stream.write(shared.now(), &Event::Spawn(spawn));
    }

    #[inline]
    pub(crate) fn before_poll(
        &mut self,
        shared: &Shared,
        hooks: &HookSet,
        task: TaskId,
        scheduled: Option<Nanos>,
    ) {
        self.acts_as_worker();
        self.find_worker(shared, Some(hooks));
        let start = Event::PollStart { task, source: Source::Hook };
        let time = shared.now_in_order();
        if let Some(ago) = scheduled {
            self.stream.write(time, &Event::Scheduled { ago });
        }
        self.stream.write(time, &start);
        self.push_open(|| OpenPoll::new(task, PollSource::Hook, time));
    }

    #[inline]
    pub(crate) fn after_poll(&mut self, shared: &Shared, task: TaskId) {
        // Nearly always the innermost, and without news.
        if let Some(open) = self.open.last()
            && open.task == task
            && matches!(open.source, PollSource::Hook)
        {
            let result = open.result(|| shared.all_have_spans());
            let kept_waker = open.kept_waker;
            let time = shared.now();
            self.note_budget(time);
            self.stream.write(time, &Event::PollEnd { result, kept_waker });
            self.open.truncate(self.open.len() - 1);
        } else if let Some(position) = self.bracket_of(task) {
            self.end_polls(shared, position);
        }
    }

    pub(crate) fn terminate(&mut self, shared: &Shared, task: TaskId) {
        let time = shared.now();
        if let Some(position) = self.bracket_of(task) {
            self.end_in_bracket(time, position);
        } else if !self.has_written_end(task) {
            let visit = self.last_visit.as_ref().filter(|visit| visit.task == task);
            let ending = match visit {
                Some(visit) => {
                    if let Some(task) = &visit.of {
                        task.set_ended();
                    }
                    visit.ending()
                }
                // A thread of the blocking pool has done what it was given. If
                // that had no span, it was a worker's loop, or something that
                // was spawned before there was a layer.
                None if self.is_of_blocking_pool() => return,
                // A runtime that ends a task without taking it up shuts down.
                None => Ending::SHUTDOWN,
            };
            self.write_end(time, task, ending);
        }
    }

    pub(crate) fn park(&mut self, shared: &Shared, hooks: &HookSet, event: &Event<'_>) {
        self.acts_as_worker();
        self.find_worker(shared, Some(hooks));
        if self.stream.worker().is_some() {
            self.stream.write(shared.now_in_order(), event);
        }
    }
}

/// What the layer reports.
impl ThreadState {
    pub(crate) fn span_spawn(&mut self, shared: &Shared, task: Task, mut spawn: Spawn<'_>) {
        shared.spans_report.note();
        self.calls += 1;
        if task.kind == TaskKind::BlockOn {
            self.worker_may_have_changed();
        }
        self.find_worker(shared, None);
        spawn.parent = self.running();
        self.stream.write(shared.now(), &Event::Spawn(spawn));
        self.last_span_spawn = Some(task);
    }

    /// A blocking task was made to run a worker's loop.
    pub(crate) fn worker_thread_spawned(&mut self, shared: &Shared, by_block_in_place: bool) {
        self.calls += 1;
        if by_block_in_place && self.stream.worker().is_some() {
            self.give_worker_away(shared.now());
        }
    }

    /// Whether `span` is being visited inside a bracket of the hooks, in which
    /// case the visit is counted. Spares looking up the span.
    #[inline]
    pub(crate) fn enter_again(&mut self, span: u64) -> bool {
        match self.open.last_mut() {
            Some(open) if open.span == span && matches!(open.source, PollSource::Hook) => {
                self.calls += 1;
                open.visits += 1;
                true
            }
            _ => false,
        }
    }

    /// Whether this is the first visit to the task of `span`, inside a bracket
    /// that the hooks have opened for it.
    ///
    /// `task` need not be the span's task any more, as long as it once was: a
    /// task that is in a bracket is alive, and has the one span it always had.
    #[inline]
    pub(crate) fn enter_first(&mut self, span: u64, task: TaskId) -> bool {
        match self.open.last_mut() {
            Some(open) if open.task == task && matches!(open.source, PollSource::Hook) => {
                self.calls += 1;
                open.span = span;
                open.visits += 1;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn enter(&mut self, shared: &Shared, span: u64, of: SpanData) {
        match &of {
            SpanData::Task(task) if self.enter_first(span, task.id) => return,
            SpanData::Resource(_) | SpanData::Operation(_) => {
                let Some(mark) = of.kind() else { return };
                return self.span_stack.enter(span, mark, &self.open);
            }
            SpanData::Span(id, _) => return self.enter_user_span(shared, span, *id),
            _ => {}
        }
        self.calls += 1;
        let SpanData::Task(task) = of else {
            self.worker_may_have_changed();
            return;
        };
        if task.is_hooked() {
            self.push_visit(span, OpenPoll::new(task.id, PollSource::Shutdown, shared.now()));
            return;
        }
        if task.kind == TaskKind::BlockOn {
            self.worker_may_have_changed();
        } else {
            self.acts_as_worker();
        }
        self.find_worker(shared, None);
        let time = shared.now_in_order();
        let follows_own = self.last_visit.as_ref().is_some_and(|last| {
            last.task == task.id
                && last.calls + 1 == self.calls
                && !(last.kept_waker && time.saturating_sub(last.at) > AT_ONCE)
        });
        let follows_own = follows_own && !self.note_park(time);
        self.stream.write(time, &Event::PollStart { task: task.id, source: Source::Span });
        let again = task.set_entered();
        let (id, source) = (task.id, PollSource::Span { task, follows_own, again });
        self.push_visit(span, OpenPoll::new(id, source, time));
    }

    /// Says whether the span was known to be entered.
    #[inline]
    pub(crate) fn exit(&mut self, shared: &Shared, span: u64) -> bool {
        match self.span_stack.leave(span) {
            Some(SpanKind::Span(id)) => {
                self.stream.write(shared.now(), &Event::SpanExit(id));
                return true;
            }
            Some(_) => return true,
            None => {}
        }
        let Some(position) = self.open.iter().rposition(|open| open.span == span) else {
            return false;
        };
        self.calls += 1;
        let open = &mut self.open[position];
        open.note_panic();
        if !matches!(open.source, PollSource::Hook) {
            self.end_polls(shared, position);
        }
        true
    }

    /// A span was left that is not known to be entered: that of a worker thread,
    /// which has come to the end of its loop, or one that was entered before
    /// this recording began.
    #[cold]
    pub(crate) fn exit_unknown(&mut self, shared: &Shared) {
        self.calls += 1;
        self.worker_may_have_changed();
        self.find_worker(shared, None);
        self.stream.write_worker(shared.now());
    }

    pub(crate) fn close(&mut self, shared: &Shared, task: &Task) {
        self.calls += 1;
        if let Some(position) = self.bracket_of(task.id) {
            self.end_in_bracket(shared.now(), position);
            return;
        }
        let visit = self.last_visit.as_ref().filter(|visit| visit.task == task.id);
        // A clone of a span outlives its task if something keeps it (a span
        // made inside the task does). The hooks report the end all the same.
        if task.is_hooked() && visit.is_none() || self.has_written_end(task.id) {
            return;
        }
        if task.set_ended() {
            return;
        }
        let ending = match visit {
            Some(visit) => visit.ending(),
            None => Ending::new(task.outcome(), true),
        };
        if task.kind == TaskKind::BlockOn {
            self.worker_may_have_changed();
        }
        self.find_worker(shared, None);
        self.write_end(shared.now(), task.id, ending);
    }

    /// The task whose waker is being cloned: if it is running here, it keeps it.
    pub(crate) fn waker_cloned(&mut self, span: u64) {
        self.calls += 1;
        if let Some(open) = self.open.iter_mut().rev().find(|open| open.span == span) {
            open.kept_waker = true;
        }
    }

    pub(crate) fn waker_dropped(&mut self) {
        self.calls += 1;
    }

    /// The task that runs here and has this span.
    ///
    /// It is about to be woken, by itself.
    pub(crate) fn wakes_itself(&mut self, span: u64) -> Option<TaskId> {
        let open = self.open.iter_mut().rev().find(|open| open.span == span)?;
        open.woke_itself = true;
        Some(open.task)
    }

    #[inline]
    pub(crate) fn wake(&mut self, shared: &Shared, task: TaskId, op: WakeOp) {
        self.calls += 1;
        // A driver, or a worker after some yields, wakes several at one go: nothing has
        // been taken over in between, and the thread is what it was.
        let goes_on = self.wakes;
        if !goes_on {
            self.find_worker(shared, None);
            self.wakes = self.open.is_empty() && self.stream.worker().is_some();
        }
        let time = match self.open.is_empty() && !goes_on {
            true => shared.now_in_order(),
            false => shared.now(),
        };
        if self.open.is_empty() && !goes_on {
            self.note_park(time);
        }
        self.stream.write(time, &Event::Wake { task, op });
    }
}

/// The stack of open polls, and the thread below it.
impl ThreadState {
    /// Whether this is a thread of a runtime and no worker of it. The thread
    /// that drops a current-thread runtime looks the same to Tokio, but has
    /// been its worker until then. (Or that of another: then an end is written
    /// that belongs to no task that was ever spawned, and readers ignore it.)
    fn is_of_blocking_pool(&self) -> bool {
        let of_current_thread = |handle: &Handle| {
            handle.runtime_flavor() == RuntimeFlavor::CurrentThread
                && self.stream.worker().is_some()
        };
        tokio::runtime::worker_index().is_none()
            && Handle::try_current().is_ok_and(|handle| !of_current_thread(&handle))
    }

    /// The task that runs on this thread.
    pub(crate) fn running(&self) -> Option<TaskId> {
        self.open
            .last()
            .filter(|open| !matches!(open.source, PollSource::Shutdown))
            .map(|open| open.task)
    }

    fn bracket_of(&self, task: TaskId) -> Option<usize> {
        self.open
            .iter()
            .rposition(|open| open.task == task && matches!(open.source, PollSource::Hook))
    }

    /// Opens a poll.
    ///
    /// `Vec::push` would take it by value, build it aside (for the case that the vector must grow
    /// and that panics), and copy it in pieces that do not match those it was written in: the
    /// processor has to wait for these, which took as long as reading its counter.
    #[inline(always)]
    pub(crate) fn push_open(&mut self, open: impl FnOnce() -> OpenPoll) {
        self.open.extend(std::iter::once_with(open));
    }

    fn push_visit(&mut self, span: u64, mut open: OpenPoll) {
        open.span = span;
        open.visits = 1;
        self.open.push(open);
    }

    /// Records whether the poll that is about to end has used up its budget. Here that can
    /// be asked: hooks are called and spans are left before Tokio gives the next
    /// task a new one.
    #[inline]
    pub(crate) fn note_budget(&mut self, time: Nanos) {
        if !tokio::task::coop::has_budget_remaining() {
            self.stream.write(time, &Event::BudgetSpent);
        }
    }

    fn end_in_bracket(&mut self, time: Nanos, position: usize) {
        let open = &mut self.open[position];
        if open.end.is_some() {
            return;
        }
        let (task, ending) = (open.task, open.end_in_bracket(time));
        open.end = Some(ending.end);
        self.write_end(time, task, ending);
    }

    /// Ends the poll at `position`, and those above it that were left open, so
    /// that beginnings and ends in the stream always match.
    pub(crate) fn end_polls(&mut self, shared: &Shared, position: usize) {
        let time = shared.now();
        self.note_budget(time);
        while self.open.len() > position {
            let Some(open) = self.open.pop() else { return };
            let result = open.result(|| shared.all_have_spans());
            let kept_waker = open.kept_waker;
            if matches!(open.source, PollSource::Span { .. } | PollSource::Wrapper) {
                self.note_park(time);
            }
            if !matches!(open.source, PollSource::Shutdown) {
                self.stream.write(time, &Event::PollEnd { result, kept_waker });
            }
            self.note_visit(time, open);
        }
    }

    fn note_visit(&mut self, at: Nanos, open: OpenPoll) {
        let (end, of) = match open.source {
            PollSource::Hook | PollSource::Wrapper => return,
            PollSource::Shutdown => (EndKind::Cancelled, None),
            // The visit that drops a panicked future begins while unwinding.
            PollSource::Span { task, .. }
                if open.panicked || task.outcome() == EndKind::Panicked =>
            {
                (EndKind::Panicked, Some(task))
            }
            PollSource::Span { task, follows_own, again } => {
                let returned = match task.kind {
                    _ if task.has_returned() => true,
                    // Polled until it returns.
                    TaskKind::BlockOn => true,
                    // Polled once or never.
                    TaskKind::Blocking => again,
                    TaskKind::Task | TaskKind::Local => follows_own,
                };
                (if returned { EndKind::Returned } else { EndKind::Cancelled }, Some(task))
            }
        };
        if let Some(task) = &of {
            task.set_outcome(end);
        }
        let (task, kept_waker) = (open.task, open.kept_waker);
        self.last_visit = Some(LastVisit { task, calls: self.calls, at, kept_waker, end, of });
    }
}
