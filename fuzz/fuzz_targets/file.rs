//! Any bytes as a file: the reader comes to its end, and says no more than is
//! there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use taskscope_format::Reader;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let mut records = 0;
    while let Some(record) = reader.next() {
        std::hint::black_box(record);
        records += 1;
        assert!(reader.position() <= bytes.len());
    }
    assert_eq!(reader.report().records, records);
    // The shortest record is a tag and a time.
    assert!(records <= bytes.len() as u64 / 2);
    assert!(reader.report().damages.len() <= 64);
    assert_eq!(reader.next(), None, "the end stays the end");
});
