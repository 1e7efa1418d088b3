//! Any bytes as what a process has left in its black box: it becomes a trace that is hardly longer,
//! and that is read to its end.
//!
//! The header, with its checksum, is always that of a small box, and so are the markers of blocks
//! where the bytes ask for one: what a fuzzer would never find by itself.

#![no_main]

use libfuzzer_sys::fuzz_target;
use taskscope_format::black_box::layout::Rings;
use taskscope_format::black_box::{
    self, BlockHeader, Header, Layout, Life, NO_OFFSET, SlotHeader, VERSION, checksum,
};
use taskscope_format::{Reader, ThreadId};

const BYTES: u64 = 28 << 10;
const NONCE: u64 = 7;

fuzz_target!(|bytes: &[u8]| {
    let small = Rings { count: 2, bytes: 256 };
    let large = Rings { count: 1, bytes: 1024 };
    let Some(layout) = Layout::with_sizes(BYTES, small, large, 4096) else { return };
    let header = Header {
        version: VERSION,
        process: 1,
        started_unix_ns: 1,
        nonce: NONCE,
        program: String::new(),
        layout: layout.clone(),
    };
    let mut file = vec![0; BYTES as usize];
    for (to, from) in file.iter_mut().zip(bytes) {
        *to = *from;
    }
    // What is behind the box says where blocks are: their place, their length, what they lean on.
    let more = bytes.get(BYTES as usize..).unwrap_or_default();
    for (number, wish) in (0..).zip(more.chunks_exact(8)) {
        let at = layout.blocks.start as usize + usize::from(wish[0]) * 64 % 8192;
        let length = usize::from(wish[1]) * 4;
        let Some(payload) = file.get(at + 64..at + 64 + length) else { continue };
        let checksum = checksum(payload);
        let length = length as u32;
        let header = if wish[2] & 1 == 0 {
            let offset = if wish[3] == 0 { NO_OFFSET } else { u64::from(wish[3]) * 16 };
            let (thread, chain) = (ThreadId(u32::from(wish[4] % 4)), u64::from(wish[5]));
            BlockHeader { number, chain, offset, came: wish[6].into(), thread, length, checksum }
                .to_bytes(NONCE)
        } else {
            let (covers, gone) = (wish[3].into(), wish[4].into());
            SlotHeader { number, covers, gone, unknown: 0, length, checksum }.to_bytes(NONCE)
        };
        let at = if wish[2] & 1 == 0 { at } else { layout.slot(number).start as usize };
        file[at..at + 64].copy_from_slice(&header);
    }
    file[..256].copy_from_slice(&header.to_bytes());
    let glance = file.clone();
    for life in [Life::Dead, Life::Unknown, Life::Alive { glance: &glance }] {
        let Ok(trace) = black_box::unpack(&file, life) else { continue };
        // What is carried over and what is left of the first blocks is written anew.
        assert!(trace.len() <= 40 * file.len());
        let Ok(mut reader) = Reader::new(&trace) else { panic!("no trace") };
        let records = reader.by_ref().count();
        assert_eq!(records as u64, reader.report().records);
    }
    // And as it is.
    let _ = black_box::unpack(bytes, Life::Unknown);
});
