//! A thread of the blocking pool whose closure never returns: it runs a `LocalSet` in a `block_on`.
//! So one poll, that of the closure, encloses those of the `block_on`, and each of these those of
//! up to 61 local tasks.
//!
//! Local tasks have spans and no hooks, so each that ends has one more bracket, in which its future
//! is dropped. A task of a `LocalSet` that yields is woken within its poll.

use std::collections::VecDeque;

use taskscope_format::{
    CancelledBy, EndKind, Event, Nanos, PollResult, Source, Spawn, TaskId, TaskKind, WakeOp,
};

use crate::places::{LOCAL_BLOCK_ON, LOCAL_CLOSURE};
use crate::world::{LOCAL, World};

/// Local tasks that one poll of a `LocalSet` polls.
const MOST_IN_A_ROW: u32 = 61;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It has not begun; there may be no such thread.
    Absent,
    Begins,
    /// The `block_on` waits.
    Waits,
    /// The `block_on` is to be polled.
    Enters,
    /// It is being polled, and looks for the next task.
    Looks,
    Polls(u32),
}

#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) actor: usize,
    phase: Phase,
    queue: VecDeque<u32>,
    /// Tasks that it is to spawn.
    to_spawn: u64,
    /// How many more tasks this poll of the `block_on` polls.
    left: u32,
    poll_began: Nanos,
    closure: u64,
    block_on: u64,
}

impl Local {
    pub(crate) fn new(actor: usize, exists: bool) -> Self {
        let phase = if exists { Phase::Begins } else { Phase::Absent };
        let queue = VecDeque::new();
        Self { actor, phase, queue, to_spawn: 0, left: 0, poll_began: 0, closure: 0, block_on: 0 }
    }

    pub(crate) fn is_polling(&self) -> bool {
        matches!(self.phase, Phase::Polls(_))
    }

    /// How many tasks it has been asked to spawn and has not yet spawned.
    pub(crate) fn to_spawn(&self) -> u64 {
        self.to_spawn
    }
}

impl World<'_> {
    /// Spawns the closure, on the main thread.
    pub(crate) fn spawn_local_thread(&mut self, actor: usize, now: Nanos, parent: u64) {
        let id = self.new_id();
        self.local.closure = id;
        let spawn = Spawn {
            parent: Some(TaskId(parent)),
            location: Some(LOCAL_CLOSURE),
            size: Some(48),
            function: Some("app::script::run::{{closure}}"),
            ..Spawn::new(TaskId(id), TaskKind::Blocking, Source::Span)
        };
        self.event(actor, now, &Event::Spawn(spawn));
        self.clocks.set(self.local.actor, now + 40_000);
    }

    /// Has the thread of the `LocalSet` spawn some tasks.
    pub(crate) fn ask_local_to_spawn(&mut self, actor: usize, now: Nanos, count: u64) {
        self.local.to_spawn += count;
        self.wake_local(actor, now);
    }

    /// Something has been put into its queue, or it is to spawn.
    fn wake_local(&mut self, actor: usize, now: Nanos) {
        if self.local.phase == Phase::Waits {
            self.local.phase = Phase::Enters;
            let task = TaskId(self.local.block_on);
            self.event(actor, now, &Event::Wake { task, op: WakeOp::ByValue });
            let latency = self.random.between(4_000, 20_000);
            self.clocks.set(self.local.actor, now + latency);
        }
    }

    pub(crate) fn schedule_local(&mut self, actor: usize, now: Nanos, slot: u32) {
        self.local.queue.push_back(slot);
        self.wake_local(actor, now);
    }

    pub(crate) fn local_step(&mut self, now: Nanos) {
        let actor = self.local.actor;
        let thread = self.threads[actor];
        match self.local.phase {
            Phase::Absent | Phase::Waits => self.stop(actor),
            Phase::Begins => {
                self.out.poll_start(thread, now, self.local.closure, Source::Span);
                let id = self.new_id();
                self.local.block_on = id;
                let spawn = Spawn {
                    parent: Some(TaskId(self.local.closure)),
                    location: Some(LOCAL_BLOCK_ON),
                    size: Some(112),
                    ..Spawn::new(TaskId(id), TaskKind::BlockOn, Source::Span)
                };
                self.event(actor, now, &Event::Spawn(spawn));
                self.local.phase = Phase::Enters;
                self.clocks.set(actor, now + 2_000);
            }
            Phase::Enters => {
                self.out.poll_start(thread, now, self.local.block_on, Source::Span);
                self.local.left = MOST_IN_A_ROW;
                self.local.phase = Phase::Looks;
                self.clocks.set(actor, now + 900);
            }
            Phase::Looks => self.look_for_local_task(now),
            Phase::Polls(slot) => self.go_on(actor, slot, now),
        }
    }

    fn look_for_local_task(&mut self, now: Nanos) {
        let actor = self.local.actor;
        if self.local.to_spawn > 0 {
            self.local.to_spawn -= 1;
            if self.progress.unspawned() > 0 {
                let position = self.choose_place(LOCAL);
                self.spawn(actor, now, LOCAL, position, (self.local.block_on, None));
            }
            return self.clocks.set(actor, now + 2_500);
        }
        if self.local.left > 0
            && let Some(slot) = self.local.queue.pop_front()
        {
            self.local.left -= 1;
            if self.begin_poll(actor, slot, now) {
                self.local.phase = Phase::Polls(slot);
                self.local.poll_began = now;
                self.go_on(actor, slot, now);
            } else {
                self.clocks.set(actor, now + 200);
            }
            return;
        }
        let thread = self.threads[actor];
        let goes_on = !self.local.queue.is_empty();
        if goes_on {
            let task = TaskId(self.local.block_on);
            self.event(actor, now, &Event::Wake { task, op: WakeOp::ByRef });
        }
        self.out.poll_end(thread, now, PollResult::Pending, !goes_on);
        if goes_on {
            self.local.phase = Phase::Enters;
            self.clocks.set(actor, now + 1_200);
        } else {
            self.local.phase = Phase::Waits;
            self.stop(actor);
        }
    }

    /// The poll of a local task has ended.
    pub(crate) fn end_local_poll(&mut self, now: Nanos) {
        let load = &mut self.loads[usize::from(LOCAL)];
        load.busy += now - self.local.poll_began;
        load.polls += 1;
        self.local.phase = Phase::Looks;
        self.clocks.set(self.local.actor, now + 300);
    }

    /// A local task returns or panics.
    pub(crate) fn end_local_task(&mut self, now: Nanos, id: u64, end: EndKind) {
        let actor = self.local.actor;
        let thread = self.threads[actor];
        self.out.poll_end(thread, now, PollResult::Pending, false);
        self.out.poll_start(thread, now, id, Source::Span);
        self.out.poll_end(thread, now + 100, PollResult::Pending, false);
        // Without a hook, that it has returned is inferred.
        let inferred = end == EndKind::Returned;
        let (task, cancelled_by) = (TaskId(id), CancelledBy::Unknown);
        self.event(actor, now + 100, &Event::TaskEnd { task, end, inferred, cancelled_by });
    }

    /// Drops the `LocalSet` with all its tasks, and returns from the closure.
    pub(crate) fn end_local(&mut self, now: Nanos) {
        if matches!(self.local.phase, Phase::Absent | Phase::Begins) {
            return;
        }
        let actor = self.local.actor;
        let thread = self.threads[actor];
        if self.local.phase != Phase::Looks {
            self.out.poll_start(thread, now, self.local.block_on, Source::Span);
        }
        let of_local = |&slot: &u32| self.tasks[slot].runtime == LOCAL;
        let slots: Vec<u32> = self.tasks.slots().filter(of_local).collect();
        for slot in slots {
            let id = self.tasks[slot].id;
            self.close_span(actor, slot, now);
            self.out.poll_start(thread, now, id, Source::Span);
            self.out.poll_end(thread, now, PollResult::Pending, false);
            self.end_event(actor, now, id, (EndKind::Cancelled, CancelledBy::Shutdown));
            self.tasks.end(slot);
        }
        self.out.poll_end(thread, now, PollResult::Pending, false);
        for (id, wakes) in [(self.local.block_on, false), (self.local.closure, true)] {
            if wakes {
                self.out.poll_end(thread, now, PollResult::Pending, false);
            }
            self.out.poll_start(thread, now, id, Source::Span);
            self.out.poll_end(thread, now, PollResult::Pending, false);
            self.end_event(actor, now, id, (EndKind::Returned, CancelledBy::Unknown));
        }
    }
}
