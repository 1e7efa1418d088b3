//! What tasks wait for: locks and channels that several share, and timers and oneshots of their
//! own.

use std::collections::VecDeque;

use taskscope_format::{Event, Location, Nanos, Resource, ResourceId, WakeOp};

use crate::tasks::Handle;
use crate::watch::Watched;
use crate::world::{MAIN, World};

/// Messages that a channel holds.
const CAPACITY: u32 = 16;

#[derive(Debug)]
pub(crate) struct Lock {
    pub(crate) id: ResourceId,
    pub(crate) is_held: bool,
    pub(crate) waiters: VecDeque<u32>,
}

#[derive(Clone, Copy, Debug)]
struct Message {
    /// Who waits for an answer.
    reply: Option<Handle>,
    /// It took one of the places of the channel.
    has_place: bool,
}

/// A bounded channel with the one task that receives from it.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) semaphore: ResourceId,
    pub(crate) receiver: u32,
    receiver_waits: bool,
    places: u32,
    messages: VecDeque<Message>,
    /// Those who wait for a place.
    waiters: VecDeque<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Resources {
    next: u64,
    pub(crate) watched: Watched,
    pub(crate) locks: Vec<Lock>,
    pub(crate) channels: Vec<Channel>,
}

impl World<'_> {
    /// Records a new resource of Tokio's.
    pub(crate) fn new_resource(
        &mut self,
        actor: usize,
        now: Nanos,
        (concrete_type, kind): (&str, &str),
        location: Option<Location<'_>>,
    ) -> ResourceId {
        let id = ResourceId(self.resources.next);
        self.resources.next += 1;
        // What has no place of its own is a part of something that has.
        let is_internal = location.is_none();
        let resource = Resource { id, concrete_type, kind, is_internal, location };
        self.event(actor, now, &Event::Resource(resource));
        id
    }

    pub(crate) fn make_locks(&mut self, actor: usize, now: Nanos) {
        // More where more tasks run at a time, so that about as many of them find theirs held.
        let count = (3 * self.runtimes[usize::from(MAIN)].workers as u32).max(6);
        for number in 0..count {
            let location = Location { file: "src/db/pool.rs", line: 18 + number, column: 20 };
            let id = self.new_resource(actor, now, ("Mutex", "Sync"), Some(location));
            self.new_resource(actor, now, ("Semaphore", "Sync"), None);
            self.resources.locks.push(Lock { id, is_held: false, waiters: VecDeque::new() });
        }
    }

    pub(crate) fn make_channel(&mut self, actor: usize, now: Nanos, receiver: u32) {
        let semaphore = self.new_resource(actor, now, ("Semaphore", "Sync"), None);
        self.tasks[receiver].resource = self.resources.channels.len() as u32;
        self.resources.channels.push(Channel {
            semaphore,
            receiver,
            receiver_waits: false,
            places: CAPACITY,
            messages: VecDeque::new(),
            waiters: VecDeque::new(),
        });
    }

    /// The channel that a task sends into; `None` where there is none.
    pub(crate) fn channel_of(&self, slot: u32) -> Option<usize> {
        let count = self.resources.channels.len();
        (count > 0).then(|| self.tasks[slot].resource as usize % count)
    }

    /// Sends a message. A request waits for no place. Returns false if the channel is full: then
    /// the task waits for a place.
    pub(crate) fn send(
        &mut self,
        (actor, slot): (usize, u32),
        now: Nanos,
        channel: usize,
        is_request: bool,
    ) -> bool {
        let reply = is_request.then(|| self.tasks.handle(slot));
        let has_place = !is_request;
        let Channel { places, messages, waiters, receiver, receiver_waits, semaphore } =
            &mut self.resources.channels[channel];
        // A place was kept for a task that waited for one.
        let was_kept = has_place && std::mem::take(&mut self.tasks[slot].holds_lock);
        if has_place && !was_kept {
            if *places == 0 {
                waiters.push_back(slot);
                let wait = Event::Wait { resource: *semaphore, operation: "Acquire::new" };
                self.event(actor, now, &wait);
                return false;
            }
            *places -= 1;
        }
        messages.push_back(Message { reply, has_place });
        let receiver = *receiver;
        if std::mem::take(receiver_waits) {
            let handle = self.tasks.handle(receiver);
            self.wake(actor, now, handle, WakeOp::ByValue);
        }
        true
    }

    /// Receives a message and answers it; false if there is none.
    pub(crate) fn receive(&mut self, actor: usize, now: Nanos, channel: usize) -> bool {
        let of = &mut self.resources.channels[channel];
        let Some(Message { reply, has_place }) = of.messages.pop_front() else {
            of.receiver_waits = true;
            return false;
        };
        let mut to_wake = reply;
        if has_place {
            match of.waiters.pop_front() {
                Some(waiter) => {
                    self.tasks[waiter].holds_lock = true;
                    to_wake = Some(self.tasks.handle(waiter));
                }
                None => of.places += 1,
            }
        }
        if let Some(handle) = to_wake {
            self.wake(actor, now, handle, WakeOp::ByValue);
        }
        true
    }

    /// Takes a lock, or waits for it.
    pub(crate) fn lock(&mut self, actor: usize, slot: u32, now: Nanos) -> bool {
        let number = self.tasks[slot].resource as usize % self.resources.locks.len();
        let lock = &mut self.resources.locks[number];
        if !lock.is_held {
            lock.is_held = true;
            self.tasks[slot].holds_lock = true;
            return true;
        }
        lock.waiters.push_back(slot);
        let wait = Event::Wait { resource: lock.id, operation: "Mutex::lock" };
        self.event(actor, now, &wait);
        false
    }

    /// Lets a lock go, to the task that has waited longest, which is woken.
    pub(crate) fn unlock(&mut self, actor: usize, slot: u32, now: Nanos) {
        self.tasks[slot].holds_lock = false;
        let number = self.tasks[slot].resource as usize % self.resources.locks.len();
        let lock = &mut self.resources.locks[number];
        match lock.waiters.pop_front() {
            Some(waiter) => {
                self.tasks[waiter].holds_lock = true;
                let handle = self.tasks.handle(waiter);
                self.wake(actor, now, handle, WakeOp::ByValue);
            }
            None => lock.is_held = false,
        }
    }
}
