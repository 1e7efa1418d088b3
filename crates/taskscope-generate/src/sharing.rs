//! What tasks do that have to do with others: locks, channels, joins, closures on the blocking
//! pool.

use taskscope_format::{Event, Nanos};

use crate::behaviour::{BUDGET, KEPT, Next};
use crate::places;
use crate::world::{MAIN, World};

impl World<'_> {
    /// Takes a lock and works under it; once in a while it holds it over an await.
    pub(crate) fn use_lock(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        if stage == 1 {
            // It was handed the lock, or has kept it.
            if !self.tasks[slot].holds_lock && !self.lock(actor, slot, now) {
                return KEPT;
            }
            let length = self.poll_length(slot);
            return Next::Work(length / 2);
        }
        if self.random.one_in(6) {
            // Not as long as for a socket: others wait for the lock.
            let length = self.random.spread(40_000, 300);
            self.wake_at(slot, now + length);
            return KEPT;
        }
        self.unlock(actor, slot, now);
        self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 1))
    }

    /// Sends a few messages in a row.
    pub(crate) fn send_some(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        if let Some(channel) = self.channel_of(slot) {
            if !self.send((actor, slot), now, channel, false) {
                return KEPT;
            }
            if stage < 12 && !self.random.one_in(4) {
                return Next::Work(500);
            }
        }
        self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 2))
    }

    /// Receives until the channel is empty or the budget spent.
    pub(crate) fn receive_some(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        let channels = &self.resources.channels;
        let own = channels.iter().position(|channel| channel.receiver == slot);
        match own {
            None => self.sleep(actor, slot, now),
            Some(_) if stage >= BUDGET => {
                self.event(actor, now, &Event::BudgetSpent);
                self.defer(actor, slot, now)
            }
            Some(channel) if self.receive(actor, now, channel) => {
                let length = self.random.spread(600, 300);
                Next::Work(length)
            }
            Some(_) => KEPT,
        }
    }

    /// Sends a request to a consumer, with a oneshot channel for the answer.
    pub(crate) fn ask(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        let has_asked = self.tasks[slot].count > 0;
        match self.channel_of(slot) {
            Some(channel) if stage == 1 && !has_asked => {
                self.tasks[slot].count = 1;
                let location = places::ONESHOT;
                let kind = ("Sender|Receiver", "Sync");
                let resource = self.new_resource(actor, now, kind, Some(location));
                let wait = Event::Wait { resource, operation: "Receiver::await" };
                self.send((actor, slot), now, channel, true);
                self.event(actor, now, &wait);
                KEPT
            }
            _ => {
                self.tasks[slot].count = 0;
                self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 2))
            }
        }
    }

    /// Spawns children, some of which do the same, and waits until all have ended.
    pub(crate) fn spawn_and_join(
        &mut self,
        actor: usize,
        slot: u32,
        now: Nanos,
        stage: u8,
    ) -> Next {
        if stage == 1 {
            if self.tasks[slot].count > 0 {
                return KEPT;
            }
            if self.is_over(slot) {
                return Next::Ready;
            }
            self.tasks[slot].resource = self.random.between(2, 9) as u32;
        }
        if self.tasks[slot].resource > 0 && self.may_spawn() {
            self.tasks[slot].resource -= 1;
            self.tasks[slot].count += 1;
            self.progress.by_tasks += 1;
            let position = if self.random.one_in(10) { places::JOB } else { places::CHILD };
            let parent = self.tasks.handle(slot);
            self.spawn(actor, now, MAIN, position, (parent.id, Some(parent)));
            return Next::Work(2_400);
        }
        match self.tasks[slot].count {
            0 => self.wait_for_socket(slot, now, 3),
            _ => KEPT,
        }
    }

    pub(crate) fn run_blocking(&mut self, actor: usize, slot: u32, now: Nanos, stage: u8) -> Next {
        match stage {
            1 if self.tasks[slot].count == 0 && !self.random.one_in(4) => {
                if self.spawn_blocking(actor, slot, now) {
                    self.tasks[slot].count = 1;
                }
                Next::Work(2_000)
            }
            2 if self.tasks[slot].count > 0 => KEPT,
            _ => {
                self.tasks[slot].count = 0;
                self.maybe_end_or(slot, |world| world.wait_for_socket(slot, now, 4))
            }
        }
    }
}
