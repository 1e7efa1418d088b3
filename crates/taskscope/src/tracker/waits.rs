//! What a task waits for.
//!
//! Most of Tokio's resources (locks, channels, timers) have a span each, and so has
//! every operation on them. While an operation is polled both are entered, and if it
//! is pending an event says so:
//!
//! ```text
//! enter Mutex   enter Mutex::lock
//!     enter Semaphore   enter Acquire::new     the mutex is made of it
//!     event: poll_acquire is pending
//!     exit, exit
//! event: poll is pending
//! exit, exit
//! ```
//!
//! So a thread keeps a stack of those that it has entered. An operation that is
//! pending is written, with the name that its span gave it, if it is the outermost:
//! that is the one that the user called.

use taskscope_format::{Event, Resource};

use crate::tracker::op_names::OpName;
use crate::tracker::shared::Shared;
use crate::tracker::thread::ThreadState;

impl ThreadState {
    pub(crate) fn new_resource(&mut self, shared: &Shared, resource: Resource<'_>) {
        self.find_worker(shared, None);
        self.stream.write(shared.now(), &Event::Resource(resource));
    }

    /// `name` is Tokio's word for what was polled, where the operation has none.
    pub(crate) fn operation_pending(&mut self, shared: &Shared, name: OpName) {
        if self.open.is_empty() {
            return;
        }
        if let Some((resource, operation)) = self.span_stack.only_resource() {
            let operation = operation.unwrap_or(name).text();
            self.stream.write(shared.now(), &Event::Wait { resource, operation });
        }
    }
}
