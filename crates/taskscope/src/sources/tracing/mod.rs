//! What arrives through `tracing`: Tokio's own spans and events, and those of the program.
//!
//! The [`layer`] receives it beside the layers of others, the [`subscriber`] in a program that
//! has no other; both pass it on to the [`span_collector`], which knows the open spans and
//! finds the thread that each event concerns.

pub(crate) mod filter_check;
pub(crate) mod interest;
pub(crate) mod layer;
pub(crate) mod span_collector;
pub(crate) mod subscriber;
pub(crate) mod user_spans;
pub(crate) mod visitors;
pub(crate) mod waker_callsites;
