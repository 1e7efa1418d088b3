//! The tasks that live, in slots that are used again.

/// A task that may have ended: its slot may hold another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    pub(crate) slot: u32,
    pub(crate) id: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It waits to be woken.
    Idle,
    /// It is in a queue.
    Scheduled,
    Running,
    /// The slot is free.
    Ended,
}

#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: u64,
    /// Index into the table of places.
    pub(crate) place: u8,
    pub(crate) runtime: u8,
    pub(crate) state: State,
    /// How far its current poll is.
    pub(crate) stage: u8,
    /// It was woken while it ran.
    pub(crate) is_notified: bool,
    pub(crate) is_aborted: bool,
    pub(crate) was_polled: bool,
    /// It is to be polled once and to return.
    pub(crate) is_brief: bool,
    /// It holds a lock that it goes on to use in its next poll.
    pub(crate) holds_lock: bool,
    /// It waits for nothing that others must be told of if it is dropped.
    pub(crate) can_be_aborted: bool,
    /// Counts its waits, so that a timer that it no longer waits for does not wake it.
    pub(crate) wait: u32,
    pub(crate) polls: u32,
    /// About so many polls it has in its life.
    pub(crate) quota: u32,
    /// What it does at the moment: yields that are left, children that are, and the like.
    pub(crate) count: u32,
    /// The lock or channel that it uses.
    pub(crate) resource: u32,
    /// A span of the program's own that it is in, over several polls; 0 for none, else one more
    /// than its number.
    pub(crate) span: u64,
    pub(crate) joiner: Option<Handle>,
}

/// A slab of tasks.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    slots: Vec<Task>,
    free: Vec<u32>,
    /// How many live, by runtime.
    live_of: [u64; 4],
}

impl Tasks {
    /// Puts a task into a slot. Its waits go on to be counted from the one that was there before.
    pub(crate) fn insert(&mut self, mut task: Task) -> u32 {
        self.live_of[usize::from(task.runtime)] += 1;
        match self.free.pop() {
            Some(slot) => {
                task.wait = self.slots[slot as usize].wait.wrapping_add(1);
                self.slots[slot as usize] = task;
                slot
            }
            None => {
                self.slots.push(task);
                (self.slots.len() - 1) as u32
            }
        }
    }

    pub(crate) fn end(&mut self, slot: u32) {
        let task = &mut self.slots[slot as usize];
        task.state = State::Ended;
        self.live_of[usize::from(task.runtime)] -= 1;
        self.free.push(slot);
    }

    pub(crate) fn live(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn live_of(&self) -> [u64; 4] {
        self.live_of
    }

    pub(crate) fn handle(&self, slot: u32) -> Handle {
        Handle { slot, id: self[slot].id }
    }

    /// The task of a handle, if it lives.
    pub(crate) fn get(&self, handle: Handle) -> Option<&Task> {
        let task = &self.slots[handle.slot as usize];
        (task.id == handle.id && task.state != State::Ended).then_some(task)
    }

    /// The slots of those that live.
    pub(crate) fn slots(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.slots.len() as u32).filter(|&slot| self[slot].state != State::Ended)
    }
}

impl std::ops::Index<u32> for Tasks {
    type Output = Task;

    #[inline]
    fn index(&self, slot: u32) -> &Task {
        &self.slots[slot as usize]
    }
}

impl std::ops::IndexMut<u32> for Tasks {
    #[inline]
    fn index_mut(&mut self, slot: u32) -> &mut Task {
        &mut self.slots[slot as usize]
    }
}
