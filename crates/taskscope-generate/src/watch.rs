//! Whom a supervisor remembers: tasks that it can abort, and some that have ended.

use crate::random::Random;
use crate::resources::Resources;
use crate::tasks::Handle;

/// So many of each.
const MOST: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Watched {
    to_abort: Vec<Handle>,
    ended: Option<Handle>,
}

impl Resources {
    /// A task has ended.
    pub(crate) fn remember(&mut self, ended: Handle) {
        self.watched.ended = Some(ended);
    }

    /// The last task that has ended.
    pub(crate) fn ended(&self) -> Option<Handle> {
        self.watched.ended
    }

    /// A task waits for something, and can be aborted.
    pub(crate) fn may_be_aborted(&mut self, handle: Handle, random: &mut Random) {
        let to_abort = &mut self.watched.to_abort;
        if to_abort.len() < MOST {
            to_abort.push(handle);
        } else {
            let position = random.below(MOST as u64) as usize;
            to_abort[position] = handle;
        }
    }

    pub(crate) fn next_to_abort(&mut self) -> Option<Handle> {
        let to_abort = &mut self.watched.to_abort;
        (!to_abort.is_empty()).then(|| to_abort.swap_remove(to_abort.len() / 2))
    }
}
