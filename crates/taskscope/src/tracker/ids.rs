//! The numbers behind Tokio's opaque ids.
//!
//! `tokio::task::Id` and `tokio::runtime::Id` show their number only as text.
//! Printing and parsing it at each poll would cost more than all the rest of a
//! record. Their `Hash`, however, hands exactly that number to a hasher, so a
//! hasher that keeps what it is given is as good as an accessor. That is how
//! the types are written today and no promise; so the first id is compared
//! with its text, and if they ever differ, the text is parsed each time.

use std::fmt::Display;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

use taskscope_format::TaskId;

pub(crate) fn task(id: tokio::task::Id) -> TaskId {
    TaskId(number(&id))
}

/// The number of a runtime, unique among the runtimes alive.
pub(crate) fn runtime(id: tokio::runtime::Id) -> u64 {
    number(&id)
}

fn number<T: Hash + Display>(id: &T) -> u64 {
    static HASH_IS_NUMBER: OnceLock<bool> = OnceLock::new();
    let hashed = hashed(id);
    if *HASH_IS_NUMBER.get_or_init(|| parsed(id) == hashed) { hashed } else { parsed(id) }
}

fn parsed(id: &impl Display) -> u64 {
    id.to_string().parse().unwrap_or(0)
}

fn hashed(id: &impl Hash) -> u64 {
    struct Keep(u64);
    impl Hasher for Keep {
        fn write(&mut self, _: &[u8]) {}
        fn write_u64(&mut self, number: u64) {
            self.0 = number;
        }
        fn finish(&self) -> u64 {
            self.0
        }
    }
    let mut keep = Keep(0);
    id.hash(&mut keep);
    keep.finish()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_id_hashes_to_the_number_that_it_shows() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let task = runtime.spawn(async {});
        assert_eq!(hashed(&task.id()), parsed(&task.id()));
        assert_eq!(hashed(&runtime.handle().id()), parsed(&runtime.handle().id()));
        assert_ne!(parsed(&task.id()), 0);
    }
}
