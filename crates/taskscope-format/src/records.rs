//! The records of one thread's blocks, without a file around them.

use crate::decode::{Decoder, Step, begins_with_sync};
use crate::event::{Event, Nanos};

/// Reads blocks of one thread in their order: for a caller that holds blocks before they are written,
/// as a flight recorder does.
///
/// It ends early where something is no record. (Only a file can be damaged; see
/// [`Reader`](crate::Reader) for these.)
///
/// ```
/// use taskscope_format::{Encoder, Event, Records};
///
/// let (mut encoder, mut block) = (Encoder::new(), Vec::new());
/// encoder.sync(5, &mut block);
/// encoder.event(10, &Event::Park, &mut block);
/// let records: Vec<_> = Records::new([&*block]).collect();
/// assert_eq!(records, [(10, Event::Park)]);
/// ```
#[derive(Debug)]
pub struct Records<'a, I> {
    decoder: Decoder<'a>,
    rest: &'a [u8],
    blocks: I,
}

impl<'a, I: Iterator<Item = &'a [u8]>> Records<'a, I> {
    /// The records of `blocks`, the first of which must
    /// [stand alone](stands_alone).
    pub fn new(blocks: impl IntoIterator<IntoIter = I>) -> Self {
        Self { decoder: Decoder::default(), rest: &[], blocks: blocks.into_iter() }
    }
}

impl<'a, I: Iterator<Item = &'a [u8]>> Iterator for Records<'a, I> {
    type Item = (Nanos, Event<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            while self.rest.is_empty() {
                self.rest = self.blocks.next()?;
            }
            match self.decoder.next(&mut self.rest) {
                Step::Event(time, event) => return Some((time, event)),
                Step::Other => {}
                Step::Malformed => return None,
            }
        }
    }
}

/// Whether a block can be understood without the one before it.
pub fn stands_alone(block: &[u8]) -> bool {
    begins_with_sync(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Encoder, Source, TaskId};

    #[test]
    fn a_block_that_leans_on_another_is_read_behind_it() {
        let (mut encoder, mut first, mut second) = (Encoder::new(), Vec::new(), Vec::new());
        let poll = |task| Event::PollStart { task: TaskId(task), source: Source::Hook };
        encoder.sync(3, &mut first);
        encoder.event(4, &poll(7), &mut first);
        encoder.event(6, &poll(9), &mut second);
        assert!(stands_alone(&first) && !stands_alone(&second));
        let records: Vec<_> = Records::new([&*first, &[], &*second]).collect();
        assert_eq!(records, [(4, poll(7)), (6, poll(9))]);
    }

    #[test]
    fn it_ends_where_something_is_no_record() {
        assert_eq!(Records::new([&[0x0f, 0][..]]).next(), None);
        assert_eq!(Records::new([]).next(), None);
    }
}
