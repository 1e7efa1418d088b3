//! What the recorder knows of tasks, polls and workers, thread by thread.
//!
//! The tracker merges what the [`sources`](crate::sources) report into one sequence of events,
//! and writes each into the [`stream`](crate::stream) of its thread.

pub(crate) mod active_recordings;
pub(crate) mod ids;
pub(crate) mod op_names;
pub(crate) mod open_poll;
pub(crate) mod park_count;
pub(crate) mod polls;
pub(crate) mod runtimes;
pub(crate) mod set_up;
pub(crate) mod shared;
pub(crate) mod slot;
pub(crate) mod span_index;
pub(crate) mod span_stack;
pub(crate) mod spans;
pub(crate) mod task;
pub(crate) mod thread;
pub(crate) mod user_spans;
pub(crate) mod waits;
