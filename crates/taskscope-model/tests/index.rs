//! What is read from an index is the trace that was written, or nothing is read.

mod common;
#[path = "../../taskscope-format/tests/common/events.rs"]
mod events;
#[path = "common/facts.rs"]
mod facts;

use std::io;

use common::Recording;
use facts::{anything, difference, facts, file};
use proptest::prelude::*;
use taskscope_model::{IndexError, Trace};

const TAG: &[u8] = b"some file";

fn index(trace: &Trace) -> Vec<u8> {
    let mut index = Vec::new();
    trace.write_index(TAG, &mut index).expect("memory can be written to");
    index
}

fn two_polls() -> Trace {
    Recording::new()
        .thread(0, |t| t.worker(0).at(5).poll(1).at(9).pending().at(12).poll(1).at(20).ready())
        .trace()
}

proptest! {
    #[test]
    fn a_trace_comes_back_as_it_was(events in anything(), length in 1..40usize) {
        let trace = Trace::from_bytes(&file(&events, length)).unwrap();
        let back = Trace::read_index(&index(&trace), TAG).unwrap();
        let (back_facts, was) = (facts(&back), facts(&trace));
        prop_assert_eq!(difference(&back_facts, &was), None);
        // What was read can be kept again.
        let again = Trace::read_index(&index(&back), TAG).unwrap();
        prop_assert_eq!(facts(&again), was);
    }

    /// Each byte is covered by a checksum.
    #[test]
    fn a_damaged_index_is_not_read(
        events in anything(), flips in prop::collection::vec((any::<usize>(), 1..=255u8), 1..4),
    ) {
        let trace = Trace::from_bytes(&file(&events, 20)).unwrap();
        let whole = index(&trace);
        let mut damaged = whole.clone();
        for (at, flip) in flips {
            damaged[at % whole.len()] ^= flip;
        }
        prop_assume!(damaged != whole);
        prop_assert!(Trace::read_index(&damaged, TAG).is_err());
    }
}

#[test]
fn an_index_that_is_cut_or_longer_is_not_read() {
    let whole = index(&two_polls());
    for length in 0..whole.len() {
        assert!(Trace::read_index(&whole[..length].to_vec(), TAG).is_err(), "{length} bytes");
    }
    for more in [&b"\0"[..], &whole] {
        let longer = [more, &whole].concat();
        assert!(Trace::read_index(&longer, TAG).is_err(), "{} bytes", longer.len());
    }
    assert_eq!(facts(&Trace::read_index(&whole, TAG).unwrap()), facts(&two_polls()));
}

#[test]
fn an_index_of_something_else_is_stale() {
    let other = Trace::read_index(&index(&two_polls()), b"another file");
    assert!(matches!(other, Err(IndexError::Stale)), "{other:?}");
    let none = Trace::read_index(&b"no index at all, but as long as one is".to_vec(), TAG);
    assert!(matches!(none, Err(IndexError::OtherVersion)), "{none:?}");
}

#[test]
fn the_error_of_a_full_disk_is_given_back() {
    struct Full(usize);
    impl io::Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let trace = two_polls();
    let length = index(&trace).len();
    for room in 0..length {
        let error = trace.write_index(TAG, &mut Full(room)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    trace.write_index(TAG, &mut Full(length)).unwrap();
}
