//! Files of other programs and of other versions.

mod common;

use common::{END, EVENTS, block, block_header, encoded, file_header, read};
use taskscope_format::{DamageKind, Event, OpenError, Reader};

#[test]
fn a_file_that_is_no_trace_is_refused_with_what_it_begins_with() {
    let error = Reader::new(b"\x7fELF\x02\x01\x01\0 and so on").expect_err("no trace");
    assert_eq!(error, OpenError::NotATrace { found: b"\x7fELF\x02\x01\x01\0".to_vec() });
    let message = error.to_string();
    assert!(message.contains(r#"\x7fELF"#) && message.contains(r#"\x89TSCOP"#), "{message}");
    // Also one of fewer bytes than the signature has.
    assert!(matches!(Reader::new(b"hi"), Err(OpenError::NotATrace { .. })));
}

#[test]
fn a_trace_that_went_through_a_text_conversion_is_refused() {
    let mut file = file_header(1);
    file.remove(6);
    assert!(matches!(Reader::new(&file), Err(OpenError::NotATrace { .. })));
}

#[test]
fn a_newer_version_is_refused_with_both_versions() {
    let error = Reader::new(&file_header(2)).expect_err("of a later version");
    assert_eq!(error, OpenError::NewerVersion { found: 2 });
    let message = error.to_string();
    assert!(message.contains("version 2") && message.contains("up to 1"), "{message}");
    // Its header may have another length and another checksum.
    let error = Reader::new(&file_header(900)[..10]).expect_err("of a much later version");
    assert_eq!(error, OpenError::NewerVersion { found: 900 });
}

#[test]
fn a_broken_header_is_told_apart_from_a_foreign_file() {
    let mut file = file_header(1);
    file[15] ^= 1;
    assert!(matches!(Reader::new(&file), Err(OpenError::DamagedHeader { .. })));
}

#[test]
fn flags_that_are_not_known_yet_are_ignored() {
    let mut header = file_header(1);
    header.truncate(20);
    header[10] = 0xff;
    header.extend(crc32fast::hash(&header).to_le_bytes());
    let mut events = block_header(EVENTS, 0, 0, 5, crc32fast::hash(&[0x80, 1, 0, 0x74, 9]));
    events.truncate(24);
    events[5..8].fill(0xff);
    events.extend(crc32fast::hash(&events).to_le_bytes());
    // The payload: a sync at 0, and a park whose tag has unknown flags.
    events.extend([0x80, 1, 0, 0x74, 9]);
    let file = [header, events].concat();
    let (records, report) = read(&file);
    assert_eq!(records.iter().map(|r| (r.time, r.event)).collect::<Vec<_>>(), [(9, Event::Park)]);
    assert_eq!(report.damages, []);
}

#[test]
fn a_long_record_that_is_not_known_is_passed_over_and_its_time_counts() {
    // Tag 0xf0, 4 bytes: 20 ns later, and three bytes of who knows what.
    let payload = [encoded(&[(5, Event::Park)]), vec![0xf0, 4, 20, 1, 2, 3, 0x05, 1]].concat();
    let file = [file_header(1), block(EVENTS, 0, 0, &payload), block(END, 0, 0, &[])].concat();
    let (records, report) = read(&file);
    let entries: Vec<_> = records.iter().map(|record| (record.time, record.event)).collect();
    assert_eq!(entries, [(5, Event::Park), (26, Event::Unpark)]);
    assert_eq!((report.damages.len(), report.complete), (0, true));
}

#[test]
fn fields_that_were_added_to_a_record_are_passed_over() {
    // The dropped record of version 1 has two fields behind its time: 7 and 3.
    let payload = [encoded(&[]), vec![0x88, 5, 1, 7, 3, 99, 99]].concat();
    let file = [file_header(1), block(EVENTS, 0, 0, &payload)].concat();
    let (records, report) = read(&file);
    assert_eq!(records[0].event, Event::Dropped { count: 7, since: 3 });
    assert_eq!((records.len(), report.dropped, report.damages.len()), (1, 7, 0));
}

#[test]
fn a_block_kind_that_is_not_known_is_passed_over() {
    let first = encoded(&[(5, Event::Park)]);
    let file = [
        file_header(1),
        block(EVENTS, 0, 0, &first),
        // It counts for no thread's sequence.
        block(77, 0, 0, b"an index, say"),
        block(EVENTS, 0, 1, &[0x05, 3]),
        block(END, 0, 0, &[]),
    ];
    let file = file.concat();
    let (records, report) = read(&file);
    let entries: Vec<_> = records.iter().map(|record| (record.time, record.event)).collect();
    assert_eq!(entries, [(5, Event::Park), (8, Event::Unpark)]);
    assert_eq!((report.damages.len(), report.complete), (0, true));
}

#[test]
fn a_block_may_be_empty() {
    let parks = encoded(&[(5, Event::Park)]);
    let file = [file_header(1), block(EVENTS, 0, 0, &[]), block(EVENTS, 0, 1, &parks)].concat();
    let (records, report) = read(&file);
    assert_eq!((records.len(), report.damages), (1, vec![]));
}

#[test]
fn a_length_beyond_all_bounds_is_no_block() {
    for length in [(1 << 20) + 1, u32::MAX] {
        let parks = encoded(&[(5, Event::Park)]);
        let hostile = block_header(EVENTS, 0, 0, length, 0);
        let file = [file_header(1), hostile, block(EVENTS, 1, 0, &parks)].concat();
        let (records, report) = read(&file);
        assert_eq!(records.len(), 1, "the block behind it is read");
        assert_eq!(report.damages[0].what, DamageKind::NoBlock);
    }
}

#[test]
fn a_length_within_a_record_that_exceeds_its_block_is_no_record() {
    // A string that claims 2^63 bytes.
    let hostile = [&[0x80, 1, 0, 0x81][..], &[0x80; 9], &[0x01]].concat();
    let file = [file_header(1), block(EVENTS, 0, 0, &hostile)].concat();
    let (records, report) = read(&file);
    assert_eq!(records.len(), 0);
    assert_eq!(report.damages[0].what, DamageKind::Record);
}

#[test]
fn a_time_beyond_64_bits_is_no_record() {
    // A sync at 1, then a park u64::MAX later.
    let hostile = [&[0x80, 1, 1, 0x04][..], &[0xff; 9], &[0x01]].concat();
    let file = [file_header(1), block(EVENTS, 0, 0, &hostile)].concat();
    let (records, report) = read(&file);
    assert_eq!(records.len(), 0);
    assert_eq!(report.damages[0].what, DamageKind::Record);
}
