//! An index that makes no sense, and whose checksums are right: somebody has made it so.

use proptest::prelude::*;

use super::directory::Directory;
use super::{MAGIC, build};
use crate::testing::facts;
use crate::trace::Trace;

/// The bytes of an index, taken apart.
struct Parts {
    body: Vec<u8>,
    directory: Directory,
}

impl Parts {
    fn of(trace: &Trace) -> Self {
        let mut body = Vec::new();
        trace.write_index(b"", &mut body).unwrap();
        let (directory, end) = super::read::directory(&body).unwrap();
        body.truncate(end as usize);
        Self { body, directory }
    }

    /// With checksums that are right, of whatever stands there now.
    fn together(mut self) -> Vec<u8> {
        let mut at = 0;
        for chunk in &mut self.directory.chunks {
            let end = at + chunk.bytes() as usize;
            chunk.set_sum(&self.body[at..end]);
            at = end;
        }
        let arrays = self.directory.arrays.all_mut();
        arrays.into_iter().for_each(|array| array.set_sums(&self.body));
        let directory = postcard::to_stdvec(&self.directory).unwrap();
        let mut index = self.body;
        index.extend(&directory);
        let mut trailer = Vec::new();
        trailer.extend((directory.len() as u64).to_le_bytes());
        trailer.extend(crc32fast::hash(&directory).to_le_bytes());
        trailer.extend(build().to_le_bytes());
        trailer.extend(crc32fast::hash(&trailer).to_le_bytes());
        trailer.extend(MAGIC);
        [index, trailer].concat()
    }
}

/// What an index may be forged with: something near what is there, or something far from all.
fn forgery() -> impl Strategy<Value = (usize, u8)> {
    (any::<usize>(), prop_oneof![1..=8u8, Just(0x80), Just(0xff)])
}

proptest! {
    #![proptest_config(ProptestConfig { ..ProptestConfig::default() })]

    #[test]
    fn a_forged_index_is_refused_or_can_be_asked(
        events in facts::anything(), forgeries in prop::collection::vec(forgery(), 0..3),
    ) {
        let trace = Trace::from_bytes(&facts::file(&events, 20)).unwrap();
        let mut parts = Parts::of(&trace);
        // Marks are believed.
        let marks = parts.directory.arrays.marks.bytes();
        for (at, flip) in forgeries {
            let at = at % parts.body.len().max(1);
            if !marks.contains(&at) && let Some(byte) = parts.body.get_mut(at) {
                *byte ^= flip;
            }
        }
        if let Ok(forged) = Trace::read_index(&parts.together(), b"") {
            facts::facts(&forged);
        }
    }
}
