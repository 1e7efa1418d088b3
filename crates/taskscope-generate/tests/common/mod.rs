//! Generates files in memory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "each test binary uses a part of this")]

use taskscope_generate::{Generated, Options, generate};
use taskscope_model::{Summary, Trace};

pub fn file(options: &Options) -> (Vec<u8>, Generated) {
    let mut file = Vec::new();
    let generated = generate(options, &mut file).unwrap();
    assert_eq!(generated.bytes, file.len() as u64);
    (file, generated)
}

pub fn summary(options: &Options) -> (Summary, Generated) {
    let (file, generated) = file(options);
    (Trace::from_bytes(&file).unwrap().summary(), generated)
}
