//! The recorder's own subscriber records what its layer records: all that holds for
//! that, once more for this.

#[path = "traps/main.rs"]
mod traps;
