//! The recorder's own subscriber tells what its layer tells: all that holds for
//! that, once more for this.

#[path = "traps.rs"]
mod traps;
