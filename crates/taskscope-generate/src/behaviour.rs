//! What tasks do in their polls.
//!
//! A task is asked again and again what it does next, until its poll ends: work for a while, or end
//! in some way. Its `stage` counts the answers in a poll, `count` holds what goes on over several
//! polls.

use taskscope_format::{
    CancelledBy, EndKind, Event, Level, Location, Nanos, PollResult, Span, SpanId, TaskId, WakeOp,
};

use crate::places::{self, Behaviour, REQUEST, place};
use crate::tasks::State;
use crate::world::{LOCAL, MAIN, Progress, World};

/// What a task does next in its poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It runs for so many nanoseconds, and is asked again.
    Work(Nanos),
    /// It goes on to run on another thread, which asks it again.
    Moved,
    Pending {
        kept_waker: bool,
    },
    Ready,
}

pub(crate) const KEPT: Next = Next::Pending { kept_waker: true };

/// What spans of requests say.
const FIELDS: [&str; 8] = [
    "method=GET path=\"/\"",
    "method=GET path=\"/search\"",
    "method=GET path=\"/items/17\"",
    "method=POST path=\"/items\"",
    "method=PUT path=\"/items/17\"",
    "method=DELETE path=\"/items/4\"",
    "method=GET path=\"/health\"",
    "method=GET path=\"/users/me\"",
];

/// Messages that a receiver takes in one poll before its budget is spent.
pub(crate) const BUDGET: u8 = 128;

impl World<'_> {
    /// Goes on with the poll of a task on this actor.
    pub(crate) fn go_on(&mut self, actor: usize, slot: u32, now: Nanos) {
        if self.tasks[slot].is_aborted {
            return self.drop_aborted(actor, slot, now);
        }
        match self.next(actor, slot, now) {
            Next::Work(length) => self.clocks.set(actor, now + length.max(20)),
            Next::Moved => {}
            Next::Pending { kept_waker } => {
                let task = &mut self.tasks[slot];
                task.state = State::Idle;
                let is_notified = std::mem::take(&mut task.is_notified);
                let result = PollResult::Pending;
                self.out.poll_end(self.threads[actor], now, result, kept_waker);
                if is_notified {
                    self.wake_up(actor, now, slot, false);
                }
                self.end_poll(actor, now);
            }
            Next::Ready => self.end_task(actor, slot, now),
        }
    }

    fn end_poll(&mut self, actor: usize, now: Nanos) {
        if actor < self.workers.len() {
            self.end_worker_poll(actor, now);
        } else if actor == self.local.actor {
            self.end_local_poll(now);
        } else {
            self.end_pool_poll(actor, now);
        }
    }

    fn end_task(&mut self, actor: usize, slot: u32, now: Nanos) {
        self.close_span(actor, slot, now);
        let panics = self.random.one_in(150) && !self.progress.is_closing;
        let (end, result) = match panics {
            true => (EndKind::Panicked, PollResult::Panicked),
            false => (EndKind::Returned, PollResult::Ready),
        };
        let id = self.tasks[slot].id;
        if self.tasks[slot].runtime == LOCAL {
            self.tasks.end(slot);
            self.end_local_task(now, id, end);
            return self.end_local_poll(now + 100);
        }
        self.end_event(actor, now, id, (end, CancelledBy::Unknown));
        self.wake_joiner(actor, slot, now);
        self.resources.remember(self.tasks.handle(slot));
        self.tasks.end(slot);
        self.out.poll_end(self.threads[actor], now, result, false);
        self.end_poll(actor, now);
    }

    fn wake_joiner(&mut self, actor: usize, slot: u32, now: Nanos) {
        let Some(joiner) = self.tasks[slot].joiner else { return };
        if self.tasks.get(joiner).is_some() {
            let count = &mut self.tasks[joiner.slot].count;
            *count = count.saturating_sub(1);
            self.wake(actor, now, joiner, WakeOp::ByRef);
        }
    }

    /// The worker has taken up an aborted task, and drops its future.
    fn drop_aborted(&mut self, actor: usize, slot: u32, now: Nanos) {
        if self.tasks[slot].stage == 0 {
            self.tasks[slot].stage = 1;
            return self.clocks.set(actor, now + 600);
        }
        self.close_span(actor, slot, now);
        let id = self.tasks[slot].id;
        self.end_event(actor, now, id, (EndKind::Cancelled, CancelledBy::Abort));
        self.wake_joiner(actor, slot, now);
        if place(self.tasks[slot].place).behaviour == Behaviour::WaitsForEver {
            self.for_ever -= 1;
        }
        self.tasks.end(slot);
        self.out.poll_end(self.threads[actor], now, PollResult::OnlyDropped, false);
        self.end_poll(actor, now);
    }

    /// Whether a task has had about the polls that it has in its life, and may end.
    pub(crate) fn is_over(&self, slot: u32) -> bool {
        let task = &self.tasks[slot];
        let (live, target) = (self.tasks.live(), self.live_target);
        let quota = match live {
            _ if live > 2 * target => task.quota / 2,
            // Someone must be left.
            _ if live <= target / 4 + 1 => return false,
            _ if live < target / 2 => task.quota.saturating_mul(2),
            _ => task.quota,
        };
        task.quota > 0 && task.polls >= quota
    }

    pub(crate) fn poll_length(&mut self, slot: u32) -> Nanos {
        let median = place(self.tasks[slot].place).poll;
        if self.random.one_in(150_000) {
            return self.random.between(10_000_000, 60_000_000);
        }
        self.random.spread(median, 380).max(100)
    }

    fn next(&mut self, actor: usize, slot: u32, now: Nanos) -> Next {
        let task = &mut self.tasks[slot];
        let stage = task.stage;
        task.stage = stage.saturating_add(1);
        let is_first = stage == 0;
        if task.is_brief {
            return if is_first { Next::Work(self.poll_length(slot)) } else { Next::Ready };
        }
        let behaviour = place(task.place).behaviour;
        if is_first && behaviour != Behaviour::Computes {
            if behaviour == Behaviour::Connection {
                self.enter_span(actor, slot, now);
            }
            let length = self.poll_length(slot);
            // The others do something in the middle of their polls.
            return match behaviour {
                Behaviour::WakesItself | Behaviour::Locks => Next::Work(length / 2),
                _ => Next::Work(length),
            };
        }
        match behaviour {
            Behaviour::Connection => {
                self.leave_span(actor, slot, now);
                self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 1))
            }
            Behaviour::Listener => {
                if stage < 8 && self.may_spawn() && self.random.one_in(2) {
                    let parent = self.tasks[slot].id;
                    self.progress.by_tasks += 1;
                    self.spawn(actor, now, MAIN, places::CONNECTION, (parent, None));
                    return Next::Work(2_200);
                }
                self.wait_for_socket(slot, now, 1)
            }
            Behaviour::Yields => match self.one_less(slot) {
                true => self.defer(actor, slot, now),
                false => self.maybe_end_or(slot, |world| {
                    world.tasks[slot].count = world.random.between(4, 40) as u32;
                    match world.random.one_in(8) {
                        true => world.sleep(actor, slot, now),
                        false => world.wait_for_socket(slot, now, 4),
                    }
                }),
            },
            Behaviour::WakesItself => self.wake_itself(actor, slot, now, stage),
            Behaviour::Sleeps => self.maybe_end_or(slot, |world| world.sleep(actor, slot, now)),
            Behaviour::Locks => self.use_lock(actor, slot, now, stage),
            Behaviour::Sends => self.send_some(actor, slot, now, stage),
            Behaviour::Receives => self.receive_some(actor, slot, now, stage),
            Behaviour::Asks => self.ask(actor, slot, now, stage),
            Behaviour::Joins => self.spawn_and_join(actor, slot, now, stage),
            Behaviour::SpendsBudget => match self.one_less(slot) {
                true => {
                    self.event(actor, now, &Event::BudgetSpent);
                    self.defer(actor, slot, now)
                }
                false => self.maybe_end_or(slot, |world| {
                    world.tasks[slot].count = world.random.between(2, 10) as u32;
                    world.wait_for_socket(slot, now, 4)
                }),
            },
            Behaviour::Computes if is_first => {
                // Not where it would be most of the trace, nor all that is left of it.
                let Progress { polls, polled, .. } = self.progress;
                let each = polls / self.runtimes[usize::from(MAIN)].workers as u64;
                let is_large = each >= 500_000 && polled < polls / 4 * 3;
                Next::Work(match self.random.below(300) {
                    0..3 if is_large => self.random.between(700_000_000, 2_500_000_000),
                    0..100 => self.random.between(12_000_000, 60_000_000),
                    _ if self.tasks[slot].polls == 1 => self.random.between(12_000_000, 40_000_000),
                    _ => self.poll_length(slot),
                })
            }
            Behaviour::Computes => self.maybe_end_or(slot, |world| world.sleep(actor, slot, now)),
            Behaviour::WaitsForEver => {
                self.for_ever += 1;
                self.tasks[slot].can_be_aborted = true;
                self.resources.may_be_aborted(self.tasks.handle(slot), &mut self.random);
                KEPT
            }
            Behaviour::Supervises => self.supervise(actor, slot, now, stage),
            Behaviour::BlocksInPlace => {
                if stage == 1 && self.block_in_place(actor, slot, now) {
                    return Next::Moved;
                }
                self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 8))
            }
            Behaviour::SpawnsBlocking => self.run_blocking(actor, slot, now, stage),
        }
    }

    pub(crate) fn maybe_end_or(
        &mut self,
        slot: u32,
        go_on: impl FnOnce(&mut Self) -> Next,
    ) -> Next {
        if self.is_over(slot) { Next::Ready } else { go_on(self) }
    }

    /// Counts down what a task has left to do; false where nothing is.
    fn one_less(&mut self, slot: u32) -> bool {
        let count = &mut self.tasks[slot].count;
        let is_left = *count > 0;
        *count = count.saturating_sub(1);
        is_left
    }

    /// Waits for a socket, `times` as long as others do.
    pub(crate) fn wait_for_socket(&mut self, slot: u32, now: Nanos, times: u64) -> Next {
        let wait = self.loads[usize::from(self.tasks[slot].runtime)].wait;
        let length = self.random.spread(wait * times, 380).max(4_000);
        self.wake_at(slot, now + length);
        let task = &mut self.tasks[slot];
        // What never ends is not aborted either.
        if task.runtime == MAIN && !task.is_notified && task.quota > 0 {
            task.can_be_aborted = true;
            if task.polls % 64 == 1 {
                self.resources.may_be_aborted(self.tasks.handle(slot), &mut self.random);
            }
        }
        KEPT
    }

    /// `tokio::time::sleep`, whose grain is a millisecond.
    pub(crate) fn sleep(&mut self, actor: usize, slot: u32, now: Nanos) -> Next {
        const GRAIN: Nanos = 1_000_000;
        let Location { file, line, .. } = place(self.tasks[slot].place).location;
        let location = Location { file, line: line + 6, column: 33 };
        let resource = self.new_resource(actor, now, ("Sleep", "timer"), Some(location));
        self.event(actor, now, &Event::Wait { resource, operation: "Sleep::new_timeout" });
        let wait = self.loads[usize::from(self.tasks[slot].runtime)].wait;
        let length = self.random.spread(2 * wait, 300);
        self.wake_at(slot, (now + length).div_ceil(GRAIN) * GRAIN + 50_000);
        KEPT
    }

    /// Leaves the task's waker with the worker, as `yield_now` does. Where no worker polls it, it
    /// is woken at once.
    pub(crate) fn defer(&mut self, actor: usize, slot: u32, now: Nanos) -> Next {
        match self.workers.get_mut(actor) {
            Some(worker) => worker.deferred.push(slot),
            None => {
                let handle = self.tasks.handle(slot);
                self.wake(actor, now, handle, WakeOp::ByValue);
            }
        }
        KEPT
    }

    fn wake_itself(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        if stage > 1 {
            return Next::Pending { kept_waker: false };
        }
        if self.one_less(slot) {
            let handle = self.tasks.handle(slot);
            self.wake(actor, now, handle, WakeOp::ByRef);
            let length = self.poll_length(slot);
            return Next::Work(length / 2);
        }
        self.maybe_end_or(slot, |world| {
            world.tasks[slot].count = world.random.between(3, 30) as u32;
            world.wait_for_socket(slot, now, 4)
        })
    }

    /// Enters the span of a request, a new one now and then.
    fn enter_span(&mut self, actor: usize, slot: u32, now: Nanos) {
        let known = self.tasks[slot].span;
        if known == 0 {
            if !self.random.one_in(24) || self.out.is_dropping(self.threads[actor]) {
                return;
            }
            self.next_span += 1;
            self.tasks[slot].span = self.next_span;
            let fields = FIELDS[self.random.below(FIELDS.len() as u64) as usize];
            let span = Span {
                id: SpanId(self.next_span - 1),
                parent: None,
                level: Level::Info,
                name: "request",
                target: "app::server",
                fields,
                location: Some(REQUEST),
            };
            self.event(actor, now, &Event::Span(span));
        }
        let span = SpanId(self.tasks[slot].span - 1);
        self.event(actor, now, &Event::SpanEnter(span));
    }

    fn leave_span(&mut self, actor: usize, slot: u32, now: Nanos) {
        let Some(span) = self.tasks[slot].span.checked_sub(1) else { return };
        if self.random.one_in(3) {
            let (level, text) = match self.random.below(20) {
                0 => (Level::Warn, "upstream is slow retries=1"),
                1..8 => (Level::Debug, "cache miss"),
                _ => (Level::Info, "answered status=200"),
            };
            self.event(actor, now, &Event::Message { level, target: "app::server", text });
        }
        self.event(actor, now, &Event::SpanExit(SpanId(span)));
        if self.random.one_in(3) {
            self.close_span(actor, slot, now);
        }
    }

    /// Closes the span that a task is in, if it is in one.
    pub(crate) fn close_span(&mut self, actor: usize, slot: u32, now: Nanos) {
        if let Some(span) = std::mem::take(&mut self.tasks[slot].span).checked_sub(1) {
            self.event(actor, now, &Event::SpanClose(SpanId(span)));
        }
    }

    /// Aborts a task, wakes one that is scheduled, and one that has ended: each of these once in a
    /// while.
    fn supervise(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        if stage == 1
            && self.random.one_in(3)
            && let Some(handle) = self.resources.next_to_abort()
            && self.tasks.get(handle).is_some_and(|task| task.can_be_aborted)
        {
            let task = &mut self.tasks[handle.slot];
            task.is_aborted = true;
            task.can_be_aborted = false;
            task.wait = task.wait.wrapping_add(1);
            task.state = State::Scheduled;
            self.schedule(actor, now, handle.slot, true);
        }
        let ended = self.resources.ended();
        match (stage, ended) {
            // Scheduled a moment ago.
            (1, _) if self.tasks.live() > 2 => {
                let first = self.runtimes[usize::from(MAIN)].injection.front().copied();
                if let Some(other) = first.or_else(|| self.workers[0].last_in_queue()) {
                    let handle = self.tasks.handle(other);
                    self.wake(actor, now, handle, WakeOp::ByRef);
                }
                Next::Work(900)
            }
            (2, Some(handle)) => {
                let task = TaskId(handle.id);
                self.event(actor, now, &Event::Wake { task, op: WakeOp::ByRef });
                Next::Work(400)
            }
            _ => self.sleep(actor, slot, now),
        }
    }
}
