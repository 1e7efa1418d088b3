//! Where events come from: Tokio's spans and hooks, and the wrapper around a future.
//!
//! A source decides what an event means and which thread it concerns, and passes it on to the
//! [`tracker`](crate::tracker).

pub(crate) mod hooks;
pub(crate) mod tracing;
pub(crate) mod wrapper;
