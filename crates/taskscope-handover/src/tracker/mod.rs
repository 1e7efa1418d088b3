//! The recorder's index of spans, with the kinds of [`task`] here.

#[path = "../../../taskscope/src/tracker/span_index.rs"]
pub(crate) mod span_index;
pub(crate) mod task;
