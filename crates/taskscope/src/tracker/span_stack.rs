//! The spans that a thread has entered, but for those of tasks.

use taskscope_format::{Nanos, ResourceId, SpanId};

use crate::tracker::op_names::OpName;
use crate::tracker::open_poll::OpenPoll;
use crate::tracker::task::SpanKind;

/// The spans that a thread is inside of, but for those of tasks, innermost last.
///
/// A guard that is held across an `.await` enters its span in one poll and leaves it in another,
/// perhaps on another thread, or never. So an entry counts while the poll lasts in which it was
/// made. It is kept for a while after that, since it may be left here all the same.
#[derive(Debug, Default)]
pub(crate) struct SpanStack {
    entries: Vec<Entry>,
    /// When this many are there, those that do not count any more are let go.
    prune_at: usize,
}

#[derive(Debug)]
struct Entry {
    span: u64,
    mark: SpanKind,
    /// The poll in which it was entered, by its beginning.
    poll: Option<Nanos>,
}

/// How many entries may be left over.
const LEFT_OVER: usize = 64;

impl SpanStack {
    /// `open`: the polls that are open on this thread, innermost last.
    pub(crate) fn enter(&mut self, span: u64, mark: SpanKind, open: &[OpenPoll]) {
        if self.entries.len() >= self.prune_at.max(LEFT_OVER) {
            self.entries.retain(|entry| entry.counts(open));
            self.prune_at = 2 * self.entries.len();
        }
        let poll = open.last().map(|open| open.begun);
        self.entries.push(Entry { span, mark, poll });
    }

    /// Leaves a span, if it is one of these.
    #[inline]
    pub(crate) fn leave(&mut self, span: u64) -> Option<SpanKind> {
        // Nearly always empty, or it is the innermost.
        let position = self.entries.iter().rposition(|entry| entry.span == span)?;
        Some(self.entries.remove(position).mark)
    }

    /// The innermost span of the program's own, by the number that the recorder
    /// gave it.
    pub(crate) fn innermost_span(&self, open: &[OpenPoll]) -> Option<SpanId> {
        self.innermost(open).map(|(_, id)| id)
    }

    /// The same, by its id.
    pub(crate) fn current_span(&self, open: &[OpenPoll]) -> Option<u64> {
        self.innermost(open).map(|(span, _)| span)
    }

    fn innermost(&self, open: &[OpenPoll]) -> Option<(u64, SpanId)> {
        self.entries.iter().rev().find_map(|entry| match entry.mark {
            SpanKind::Span(id) if entry.counts(open) => Some((entry.span, id)),
            _ => None,
        })
    }

    /// The only resource, and the innermost operation on it.
    pub(crate) fn only_resource(&self) -> Option<(ResourceId, Option<OpName>)> {
        let mut only = None;
        let mut operation = None;
        for entry in &self.entries {
            match entry.mark {
                SpanKind::Resource(_) if only.is_some() => return None,
                SpanKind::Resource(id) => only = Some(id),
                SpanKind::Operation(word) => operation = Some(word),
                SpanKind::Task(_) | SpanKind::Span(_) => {}
            }
        }
        Some((only?, operation))
    }
}

impl Entry {
    fn counts(&self, open: &[OpenPoll]) -> bool {
        self.poll.is_none_or(|poll| open.iter().any(|open| open.begun == poll))
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::TaskId;

    use super::*;
    use crate::tracker::open_poll::PollSource;

    #[test]
    fn what_was_entered_in_a_poll_counts_while_that_lasts() {
        let poll = |begun| OpenPoll::new(TaskId(1), PollSource::Wrapper, begun);
        let span = |number| SpanKind::Span(SpanId(number));
        let mut stack = SpanStack::default();
        stack.enter(10, span(0), &[]);
        stack.enter(11, span(1), &[poll(5)]);
        assert_eq!(stack.innermost_span(&[poll(5), poll(7)]), Some(SpanId(1)));
        assert_eq!(stack.current_span(&[poll(9)]), Some(10), "the guard is in a future");
        assert_eq!(stack.leave(11), Some(span(1)), "and dropped here");
        assert_eq!(stack.leave(11), None);
    }

    #[test]
    fn what_is_never_left_does_not_add_up() {
        let mut stack = SpanStack::default();
        for number in 0..10_000 {
            let poll = OpenPoll::new(TaskId(1), PollSource::Wrapper, number);
            stack.enter(number, SpanKind::Span(SpanId(number)), &[poll]);
        }
        assert!(stack.entries.len() <= LEFT_OVER);
    }
}
