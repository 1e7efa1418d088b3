//! From the id of a span to the data attached to it, without a lock and in a few
//! nanoseconds.
//!
//! [`Spans`](crate::tracker::spans::Spans) knows that of each open span, and takes tens
//! of nanoseconds for that: more than all the rest of an event. This table stands
//! in front of it. It has one place for each span,
//! found from the id; where two spans share a place, the second is not in it and
//! is asked for the slow way.
//!
//! # Reading without a lock
//! A place is a span and its mark, a number. A writer first empties the place,
//! then writes the mark, then the span. A reader reads span, mark and span again, and
//! takes the mark if it finds the same span both times. (For it to be deceived,
//! the span would have to close, its id be given to another, and that be entered
//! in the same place, all between two neighbouring loads. That nothing else deceives
//! it is checked by `crates/taskscope-handover`.)

use crate::stream::sync::{AtomicU64, Ordering, SPAN_PLACES, fence, zeroed};
use crate::tracker::task::SpanKind;

/// In the place of a span: there is none, or a thread is writing it. Neither is
/// the id of a span.
const FREE: u64 = 0;
const BUSY: u64 = u64::MAX;

/// The table.
#[derive(Debug)]
pub(crate) struct SpanIndex {
    /// Spans and marks by turns.
    places: Box<[AtomicU64]>,
}

impl SpanIndex {
    pub(crate) fn new() -> Self {
        Self { places: zeroed(2 * SPAN_PLACES) }
    }

    /// What is behind a span; `None` where it isn't here.
    #[inline]
    pub(crate) fn find(&self, span: u64) -> Option<SpanKind> {
        let (of, mark) = self.place(span)?;
        let before = of.load(Ordering::Acquire);
        let found = mark.load(Ordering::Relaxed);
        // With that of a writer: a thread that sees its mark sees its span or BUSY.
        fence(Ordering::Acquire);
        (before == span && of.load(Ordering::Relaxed) == span).then(|| SpanKind::from_bits(found))
    }

    /// Enters a new span, if its place is free.
    pub(crate) fn insert(&self, span: u64, mark: SpanKind) {
        let Some((of, place)) = self.place(span) else { return };
        if of.compare_exchange(FREE, BUSY, Ordering::Acquire, Ordering::Relaxed).is_ok() {
            fence(Ordering::Release);
            place.store(mark.to_bits(), Ordering::Relaxed);
            of.store(span, Ordering::Release);
        }
    }

    /// Takes out a span that has closed.
    pub(crate) fn remove(&self, span: u64) {
        if let Some((of, _)) = self.place(span) {
            // Fails for a span that had found its place taken.
            let _ = of.compare_exchange(span, FREE, Ordering::Release, Ordering::Relaxed);
        }
    }

    /// Ids that are counted up, as all are at first, lie side by side. The upper
    /// half tells the shards and generations of a `Registry` apart.
    #[inline]
    fn place(&self, span: u64) -> Option<(&AtomicU64, &AtomicU64)> {
        let spread = (span >> 32).wrapping_mul(0x9e37_79b1);
        let first = 2 * (span.wrapping_add(spread) as usize % SPAN_PLACES);
        Some((self.places.get(first)?, self.places.get(first + 1)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use taskscope_format::{ResourceId, TaskId};

    use super::*;

    fn task(id: u64) -> SpanKind {
        SpanKind::Task(TaskId(id))
    }

    #[test]
    fn a_span_is_found_while_it_lives() {
        let index = SpanIndex::new();
        for mark in [task(70), SpanKind::Resource(ResourceId(70))] {
            index.insert(7, mark);
            assert_eq!(index.find(7), Some(mark));
            assert_eq!(index.find(8), None);
            index.remove(7);
            assert_eq!(index.find(7), None);
        }
    }

    #[test]
    fn the_first_span_keeps_a_place_that_two_want() {
        let index = SpanIndex::new();
        let (first, second) = (3, 3 + SPAN_PLACES as u64);
        index.insert(first, task(1));
        index.insert(second, task(2));
        index.remove(second);
        assert_eq!((index.find(first), index.find(second)), (Some(task(1)), None));
    }

    #[test]
    fn a_reader_never_sees_the_task_of_another_span() {
        let index = SpanIndex::new();
        let done = AtomicBool::new(false);
        // All of these want the same place.
        let spans: Vec<_> = (0..4).map(|number| 5 + number * SPAN_PLACES as u64).collect();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    for &span in &spans {
                        let found = index.find(span);
                        assert!(found.is_none_or(|found| found == task(span * 10)), "{found:?}");
                    }
                }
            });
            for _ in 0..50_000 {
                for &span in &spans {
                    index.insert(span, task(span * 10));
                    index.remove(span);
                }
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}
