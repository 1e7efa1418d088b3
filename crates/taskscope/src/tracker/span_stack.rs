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

use taskscope_format::{Event, Resource, ResourceId, SpanId};

use crate::tracker::op_names::Word;
use crate::tracker::shared::Shared;
use crate::tracker::task::Mark;
use crate::tracker::thread::ThreadState;

/// The spans that a thread is inside of, but for those of tasks, innermost last.
#[derive(Debug, Default)]
pub(crate) struct Inside(Vec<(u64, Mark)>);

impl Inside {
    pub(crate) fn enter(&mut self, span: u64, mark: Mark) {
        self.0.push((span, mark));
    }

    /// Leaves a span, if it is one of these.
    #[inline]
    pub(crate) fn leave(&mut self, span: u64) -> Option<Mark> {
        // Nearly always empty, or it is the innermost.
        let position = self.0.iter().rposition(|(entered, _)| *entered == span)?;
        Some(self.0.remove(position).1)
    }

    /// The innermost span of the program's own, by the number that the recorder
    /// gave it.
    pub(crate) fn innermost_span(&self) -> Option<SpanId> {
        self.0.iter().rev().find_map(|(_, mark)| match mark {
            Mark::Span(id) => Some(*id),
            _ => None,
        })
    }

    /// The same, by its id.
    pub(crate) fn current_span(&self) -> Option<u64> {
        let own = |(_, mark): &&(u64, Mark)| matches!(mark, Mark::Span(_));
        self.0.iter().rev().find(own).map(|(span, _)| *span)
    }

    /// The only resource, and the innermost operation on it.
    fn only_resource(&self) -> Option<(ResourceId, Option<Word>)> {
        let mut only = None;
        let mut operation = None;
        for (_, mark) in &self.0 {
            match *mark {
                Mark::Resource(_) if only.is_some() => return None,
                Mark::Resource(id) => only = Some(id),
                Mark::Operation(word) => operation = Some(word),
                Mark::Task(_) | Mark::Span(_) => {}
            }
        }
        Some((only?, operation))
    }
}

impl ThreadState {
    pub(crate) fn resource_made(&mut self, shared: &Shared, resource: Resource<'_>) {
        self.find_worker(shared, None);
        self.stream.write(shared.now(), &Event::Resource(resource));
    }

    /// `name` is Tokio's word for what was polled, where the operation has none.
    pub(crate) fn operation_pends(&mut self, shared: &Shared, name: Word) {
        if self.open.is_empty() {
            return;
        }
        if let Some((resource, operation)) = self.inside.only_resource() {
            let operation = operation.unwrap_or(name).text();
            self.stream.write(shared.now(), &Event::Wait { resource, operation });
        }
    }
}
