//! Traces for unit tests: what those outside of the crate make, too.

#[path = "../tests/common/any_trace.rs"]
pub(crate) mod any_trace;
#[path = "../tests/common/mod.rs"]
pub(crate) mod common;
#[path = "../../taskscope-format/tests/common/events.rs"]
#[allow(clippy::unwrap_used, dead_code, reason = "it is for all tests")]
pub(crate) mod events;
#[path = "../tests/common/facts.rs"]
#[allow(clippy::unwrap_used, dead_code, reason = "it is for all tests")]
pub(crate) mod facts;
