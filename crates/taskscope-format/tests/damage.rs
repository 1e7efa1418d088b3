//! Files that were cut, overwritten or glued together: what is whole is read,
//! what is not is reported.

mod common;

use common::{BLOCK_HEADER, EVENTS, FILE_HEADER, Sample, block, block_header, file_header, read};
use proptest::prelude::*;
use taskscope_format::{DamageKind, OpenError, Reader, ThreadId};

#[test]
fn a_file_cut_anywhere_opens_up_to_the_cut() {
    let sample = Sample::new(false);
    let file = sample.file();
    let (whole, report) = read(&file);
    assert!(report.complete && whole.len() == 30, "{report:?}");
    for cut in 1..file.len() {
        let (records, report) = read(&file[..cut]);
        // All blocks that end before the cut, and nothing else.
        let before = sample.part_at(cut).checked_sub(1);
        let expected = before.map_or(0, |part| sample.records_up_to[part]);
        assert_eq!(records, whole[..expected], "cut at {cut}");
        assert!(!report.complete, "cut at {cut}");
        assert_eq!(report.damages, [], "a cut is no damage; cut at {cut}");
    }
}

#[test]
fn a_file_cut_within_its_header_opens_empty() {
    let header = file_header(1);
    for cut in 1..header.len() {
        let mut reader = Reader::new(&header[..cut]).expect("a cut header opens");
        assert_eq!(reader.header(), None, "cut at {cut}");
        assert_eq!(reader.next(), None, "cut at {cut}");
        assert!(!reader.report().complete, "cut at {cut}");
    }
}

#[test]
fn a_file_of_no_bytes_is_told_apart_from_a_cut_one() {
    assert_eq!(Reader::new(&[]).expect_err("nothing to open"), OpenError::Empty);
}

/// A flipped byte makes the block it lies in unreadable, and no other.
#[test]
fn a_flipped_byte_costs_its_block_and_no_more() {
    let sample = Sample::new(true);
    let file = sample.file();
    let (whole, _) = read(&file);
    for offset in 0..file.len() {
        for mask in [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff] {
            let mut broken = file.clone();
            broken[offset] ^= mask;
            if offset < FILE_HEADER {
                let error = Reader::new(&broken).expect_err("the header is broken");
                assert_ne!(error, OpenError::Empty, "{offset} ^ {mask:#x}");
                continue;
            }
            let part = sample.part_at(offset);
            let lost = sample.records_of(part);
            let expected = [&whole[..lost.start], &whole[lost.end..]].concat();
            let (records, report) = read(&broken);
            assert_eq!(records, expected, "{offset} ^ {mask:#x}");
            let [damage] = &report.damages[..] else {
                panic!("one damage at {offset} ^ {mask:#x}, not {:?}", report.damages)
            };
            let begin: usize = sample.parts[..part].iter().map(Vec::len).sum();
            assert_eq!(damage.offset, begin as u64, "{offset} ^ {mask:#x}");
            assert_eq!(damage.length, sample.parts[part].len() as u64, "{offset} ^ {mask:#x}");
            let end_marker = part == sample.parts.len() - 1;
            assert_eq!(report.complete, !end_marker, "{offset} ^ {mask:#x}");
        }
    }
}

/// A disk that was full for a while leaves a piece of a block amid whole ones.
#[test]
fn a_piece_of_a_block_costs_that_block_and_no_more() {
    let sample = Sample::new(true);
    let file = sample.file();
    let (whole, _) = read(&file);
    for part in 1..sample.parts.len() - 1 {
        for length in 1..sample.parts[part].len() {
            let mut parts = sample.parts.clone();
            parts[part].truncate(length);
            let broken = parts.concat();
            let (records, report) = read(&broken);
            let lost = sample.records_of(part);
            let expected = [&whole[..lost.start], &whole[lost.end..]].concat();
            assert_eq!(records, expected, "{length} bytes of part {part}");
            let [damage] = &report.damages[..] else { panic!("{:?}", report.damages) };
            let kind = if length < BLOCK_HEADER { DamageKind::NoBlock } else { DamageKind::Piece };
            assert_eq!((damage.what, damage.length), (kind, length as u64));
            assert!(report.complete);
        }
    }
}

/// Each header claims all that follows it; reading them all would take the
/// square of the file's length.
#[test]
fn blocks_within_blocks_are_read_in_time() {
    let header = block_header(EVENTS, 0, 0, 1 << 20, 0);
    let file = [file_header(1), header.repeat((32 << 20) / BLOCK_HEADER)].concat();
    let begun = std::time::Instant::now();
    let (records, report) = read(&file);
    assert_eq!(records, []);
    assert!(!report.damages.is_empty() && !report.complete);
    // Less than a second; with no bound to the searching, two minutes.
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn a_missing_block_costs_its_thread_what_leans_on_it() {
    let sample = Sample::new(false);
    let file = sample.file();
    let (whole, _) = read(&file);
    // Parts 1, 3 and 5 are thread 0's; without 3, nothing explains 5.
    let parts: Vec<_> = (0..sample.parts.len()).filter(|&part| part != 3).collect();
    let broken = parts.iter().map(|&part| sample.parts[part].as_slice()).collect::<Vec<_>>();
    let broken = broken.concat();
    let (records, report) = read(&broken);
    let expected: Vec<_> = [1, 2, 4, 6]
        .into_iter()
        .flat_map(|part| whole[sample.records_of(part)].iter().copied())
        .collect();
    assert_eq!(records, expected);
    let kinds: Vec<_> = report.damages.iter().map(|damage| damage.what).collect();
    assert_eq!(kinds, [DamageKind::MissingBlock]);
    assert!(report.complete);
}

#[test]
fn a_missing_block_costs_nothing_else_where_blocks_begin_with_a_sync() {
    let sample = Sample::new(true);
    let file = sample.file();
    let (whole, _) = read(&file);
    let broken = [&sample.parts[..3], &sample.parts[4..]].concat().concat();
    let (records, report) = read(&broken);
    let lost = sample.records_of(3);
    assert_eq!(records, [&whole[..lost.start], &whole[lost.end..]].concat());
    assert_eq!(report.damages, []);
}

/// The gap stands before the first record behind it, and says since when records are missing.
#[test]
fn a_lost_block_leaves_a_gap_in_its_thread() {
    let sample = Sample::new(true);
    let whole_file = sample.file();
    let (whole, _) = read(&whole_file);
    // Parts 1, 3 and 5 are thread 0's.
    for (lost, entirely) in [(1, true), (3, true), (5, true), (3, false)] {
        let mut parts = sample.parts.clone();
        if entirely {
            parts.remove(lost);
        } else {
            let last = parts[lost].len() - 1;
            parts[lost][last] ^= 1;
        }
        let file = parts.concat();
        let mut reader = Reader::new(&file).expect("the header is whole");
        let mut gaps = Vec::new();
        while let Some(record) = reader.next() {
            gaps.extend(reader.gap().map(|since| (since, record)));
        }
        let before = whole[..sample.records_of(lost).start].iter();
        let since = before.rev().find(|r| r.thread == ThreadId(0)).map_or(0, |r| r.time);
        let next = whole[sample.records_of(lost).end..].iter().find(|r| r.thread == ThreadId(0));
        let expected: Vec<_> = next.map(|next| (since, *next)).into_iter().collect();
        assert_eq!(gaps, expected, "without part {lost}");
        // Nothing says that a block is missing that is the last of its thread, and not there.
        assert_eq!(reader.report().unread_ends, []);
    }
    let mut parts = sample.parts.clone();
    let last = parts[5].len() - 1;
    parts[5][last] ^= 1;
    let file = parts.concat();
    let (records, report) = read(&file);
    let end = records.iter().filter(|r| r.thread == ThreadId(0)).map(|r| r.time).max();
    assert_eq!(report.unread_ends, [(ThreadId(0), end.expect("thread 0 has records"))]);
}

#[test]
fn bytes_behind_the_end_marker_are_reported_and_not_read() {
    let sample = Sample::new(true);
    let mut file = sample.file();
    let end = file.len() as u64;
    file.extend(&sample.parts[1]);
    let (records, report) = read(&file);
    assert_eq!(records.len(), 30);
    let [damage] = &report.damages[..] else { panic!("{:?}", report.damages) };
    assert_eq!((damage.what, damage.offset), (DamageKind::BehindEnd, end));
    assert!(report.complete);
}

#[test]
fn a_record_that_makes_no_sense_ends_its_block_only() {
    // A sync at 0, a park, then a short record of a kind that does not exist.
    let nonsense = [0x80, 1, 0, 0x04, 9, 0x0f, 0];
    let sample = Sample::new(true);
    let file =
        [file_header(1), block(EVENTS, 7, 0, &nonsense), sample.parts[1..].concat()].concat();
    let (records, report) = read(&file);
    assert_eq!(records.len(), 1 + 30);
    let [damage] = &report.damages[..] else { panic!("{:?}", report.damages) };
    assert_eq!(damage.what, DamageKind::Record);
    assert_eq!((damage.offset, damage.length), ((FILE_HEADER + BLOCK_HEADER) as u64 + 5, 2));
}

#[test]
fn a_thousand_damages_are_counted_and_64_kept() {
    let one = block(EVENTS, 0, 0, &[0x0f]);
    let file = [file_header(1), one.repeat(1000)].concat();
    let (records, report) = read(&file);
    assert_eq!((records.len(), report.damages.len(), report.more_damage), (0, 64, 936));
}

proptest! {
    #[test]
    fn garbage_between_blocks_costs_nothing_but_itself(
        at in 1..8usize,
        garbage in prop::collection::vec(any::<u8>(), 1..100),
    ) {
        let sample = Sample::new(true);
        let file = sample.file();
        let mut parts = sample.parts;
        parts.insert(at, garbage);
        let broken = parts.concat();
        let (records, report) = read(&broken);
        prop_assert_eq!(records, read(&file).0);
        prop_assert_eq!(report.damages.len(), 1);
        prop_assert!(report.complete);
    }

    /// Behind a valid header there may be anything: the reader comes to its end, and
    /// what it says of the file lies in the file.
    #[test]
    fn any_bytes_behind_a_header_are_read_to_their_end(
        pieces in prop::collection::vec(piece(), 0..12),
    ) {
        let file = [file_header(1), pieces.concat()].concat();
        let mut reader = Reader::new(&file).expect("the header is whole");
        let records = reader.by_ref().count();
        prop_assert!(records <= file.len() / 2, "a record has two bytes at least");
        prop_assert_eq!(reader.position(), file.len());
        let mut end = FILE_HEADER as u64;
        for damage in &reader.report().damages {
            prop_assert!(damage.offset >= end, "{:?}", reader.report());
            prop_assert!(damage.length > 0);
            end = damage.offset + damage.length;
        }
        prop_assert!(end <= file.len() as u64);
    }
}

/// Noise, pieces of a frame, whole blocks with any payload, and real ones.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..80);
    let synced = bytes().prop_map(|bytes| [&[0x80, 1, 0][..], &bytes].concat());
    prop_oneof![
        bytes(),
        Just(b"BLK\x1f".to_vec()),
        (any::<u8>(), 0..3u32, 0..3u32, bytes())
            .prop_map(|(kind, thread, sequence, payload)| block(kind, thread, sequence, &payload)),
        (0..3u32, 0..3u32, synced)
            .prop_map(|(thread, sequence, payload)| block(EVENTS, thread, sequence, &payload)),
        (1..7usize).prop_map(|part| Sample::new(true).parts[part].clone()),
    ]
}
