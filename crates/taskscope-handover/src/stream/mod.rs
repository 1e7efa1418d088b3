//! The recorder's ring, with the sizes and types of [`sync`] here.

#[path = "../../../taskscope/src/stream/ring.rs"]
pub(crate) mod ring;
pub(crate) mod sync;
