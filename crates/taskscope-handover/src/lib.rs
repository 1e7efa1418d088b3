//! The recorder hands events between threads without a lock, and with as few
//! orderings of memory as will do. Tests on real processors say little of that: on
//! x86-64 most orderings are free and cannot be left out.
//!
//! So the two modules that do it are compiled here once more, with the atomics of
//! [loom], which runs a test again and again, with every order of its threads'
//! steps (with a bounded number of interruptions) and every value that the rules
//! allow a load to find. Each ordering that is weakened fails a check, but for four:
//!
//! * those of the ring's `head`. They keep a load of the consumer's from finding what
//!   the producer stores later. Loom does not try that; it only ever finds what has
//!   been stored.
//! * the fence of `is_abandoned`, since loom's `Arc` orders more than the standard
//!   library's promises to.
//! * the release fence of the producer, behind which it writes over what was taken. It keeps who
//!   looks on from finding new bytes and then an old head, which loom does not try either.
//! * the release when a span is removed. The release when it was entered reaches
//!   the thread that takes the place next, over the removal.

#![allow(dead_code, reason = "the checks use a part of the modules")]

mod stream;
mod tracker;

use loom::thread;
use stream::ring::{Consumer, ring};
use stream::sync::{self, Arc, Ordering, fence};
use taskscope_format::{Encoder, Event, Source, TaskId};
use tracker::span_index::SpanIndex;
use tracker::task::SpanKind;

/// How often a thread may be interrupted where it could have gone on. Mistakes
/// of ordering nearly always show with two.
const INTERRUPTIONS: usize = 3;

fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(INTERRUPTIONS);
    builder.check(model);
}

/// Bytes that show where they belong.
fn piece(from: usize, length: usize) -> Vec<u8> {
    (from..from + length).map(|number| number as u8 + 1).collect()
}

/// More than a ring can hold.
const ALL: usize = sync::RING_BYTES;

/// Takes what there is, up to `bytes`.
fn take(consumer: &mut Consumer, bytes: usize, into: &mut Vec<u8>) {
    let before = into.len();
    let there = consumer.len();
    consumer.take(bytes, into);
    assert!(into.len() - before >= there.min(bytes), "what was seen to be there is there");
}

/// One thread puts bytes of all lengths, over the end of the ring, while another
/// takes them. They come out as they went in.
pub fn bytes_arrive_whole_and_in_order() {
    check(|| {
        let (mut producer, mut consumer) = ring(sync::RING_BYTES);
        // The words have been used before, and the next piece begins inside one.
        assert!(producer.push(&piece(100, 21)));
        consumer.take(21, &mut Vec::new());
        let puts = thread::spawn(move || {
            let mut expected = Vec::new();
            for length in [3, 9, 8, 12] {
                let piece = piece(expected.len(), length);
                // Full, if the consumer has not got so far.
                if producer.push(&piece) {
                    expected.extend(piece);
                }
            }
            expected
        });
        let mut taken = Vec::new();
        take(&mut consumer, 5, &mut taken);
        take(&mut consumer, ALL, &mut taken);
        let Ok(expected) = puts.join() else { return };
        take(&mut consumer, ALL, &mut taken);
        assert_eq!(taken, expected);
    });
}

/// The same for records that are put from registers.
pub fn records_arrive_whole() {
    check(|| {
        let (mut producer, mut consumer) = ring(sync::RING_BYTES);
        let (mut encoder, mut expected) = (Encoder::new(), Vec::new());
        let tasks = [3, 3_000, 900_000_000];
        let starts =
            tasks.map(|task| Event::PollStart { task: TaskId(task), source: Source::Hook });
        let records: Vec<_> =
            starts.iter().filter_map(|start| encoder.brief(1_000, start)).collect();
        records.iter().for_each(|record| record.put(&mut expected));
        let puts = thread::spawn(move || {
            for record in records {
                assert!(producer.push_brief(record));
            }
        });
        let mut taken = Vec::new();
        take(&mut consumer, ALL, &mut taken);
        assert!(puts.join().is_ok());
        take(&mut consumer, ALL, &mut taken);
        assert_eq!(taken, expected);
    });
}

/// A thread that sees that there is no producer any more sees all that it has put.
pub fn an_abandoned_ring_has_all_its_bytes() {
    check(|| {
        let (mut producer, mut consumer) = ring(sync::RING_BYTES);
        let puts = thread::spawn(move || {
            assert!(producer.push(&piece(0, 9)));
            assert!(producer.push(&piece(9, 2)));
        });
        let mut taken = Vec::new();
        take(&mut consumer, ALL, &mut taken);
        if consumer.is_abandoned() {
            take(&mut consumer, ALL, &mut taken);
            assert_eq!(taken, piece(0, 11));
        }
        let _ = puts.join();
    });
}

/// Somebody looks on while one thread puts and another takes, as whoever reads a black box does:
/// tail, bytes, head. What lies between the two is what was put there.
pub fn who_looks_on_sees_what_was_put() {
    check(|| {
        let (mut producer, mut consumer) = ring(sync::RING_BYTES);
        assert!(producer.push(&piece(0, 20)));
        let ring = consumer.share();
        let puts = thread::spawn(move || {
            // Over the end of the ring, onto what the consumer may have taken.
            let mut put = 20;
            for length in [9, 11] {
                if producer.push(&piece(put, length)) {
                    put += length;
                }
            }
        });
        let takes = thread::spawn(move || {
            consumer.copy(13, &mut Vec::new());
            consumer.free();
            consumer.copy(ALL, &mut Vec::new());
            consumer.free();
        });
        let memory = &ring.memory;
        let tail = memory.tail().load(Ordering::Acquire);
        let words: Vec<_> =
            memory.words().iter().map(|word| word.load(Ordering::Relaxed).to_le_bytes()).collect();
        fence(Ordering::Acquire);
        let head = memory.head().load(Ordering::Relaxed);
        let bytes = words.concat();
        for at in head..tail {
            let byte = bytes[at as usize % bytes.len()];
            assert_eq!(byte, piece(at as usize, 1)[0], "byte {at} of {head}..{tail}");
        }
        let _ = (puts.join(), takes.join());
    });
}

/// A block is written, and then the bytes in it are given back; whoever takes the head and then the
/// block finds all before the head in the block.
pub fn what_is_before_the_head_is_in_a_block() {
    check(|| {
        let (mut producer, mut consumer) = ring(sync::RING_BYTES);
        assert!(producer.push(&piece(0, 12)));
        let ring = consumer.share();
        // How many bytes are in the block. (Its bytes have a checksum.)
        let block = Arc::new(sync::AtomicU64::new(0));
        let written = Arc::clone(&block);
        let takes = thread::spawn(move || {
            for length in [5, 7] {
                consumer.copy(length, &mut Vec::new());
                let before = written.load(Ordering::Relaxed);
                written.store(before + length as u64, Ordering::Relaxed);
                consumer.free();
            }
        });
        let head = ring.memory.head().load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        assert!(block.load(Ordering::Relaxed) >= head);
        let _ = takes.join();
    });
}

/// Spans that want the same place, as [`sync::SPAN_PLACES`] are few.
const SPANS: [u64; 2] = [1, 1 + sync::SPAN_PLACES as u64];

fn mark_of(span: u64) -> SpanKind {
    SpanKind::Task(TaskId(span * 10))
}

fn is_right(index: &SpanIndex, span: u64) {
    let found = index.find(span);
    assert!(found.is_none_or(|mark| mark == mark_of(span)), "{found:?} for span {span}");
}

/// A place passes from span to span, while others look for one of them. They find
/// the mark of that, or none.
pub fn a_reader_never_sees_the_mark_of_another_span() {
    check(|| {
        let index = Arc::new(SpanIndex::new());
        let [first, second] = SPANS;
        index.insert(first, mark_of(first));
        let writer = {
            let index = Arc::clone(&index);
            thread::spawn(move || {
                index.remove(first);
                index.insert(second, mark_of(second));
            })
        };
        is_right(&index, first);
        is_right(&index, second);
        let _ = writer.join();
        assert_eq!((index.find(first), index.find(second)), (None, Some(mark_of(second))));
    });
}

/// Two threads want the same place at a time, and one gets it.
pub fn two_writers_do_not_mix() {
    check(|| {
        let index = Arc::new(SpanIndex::new());
        let writers = SPANS.map(|span| {
            let index = Arc::clone(&index);
            thread::spawn(move || {
                index.insert(span, mark_of(span));
                is_right(&index, span);
                index.remove(span);
            })
        });
        SPANS.iter().for_each(|&span| is_right(&index, span));
        for writer in writers {
            let _ = writer.join();
        }
        SPANS.iter().for_each(|&span| assert_eq!(index.find(span), None));
    });
}
