//! What the recorder hears through `tracing`: from Tokio, and from the program itself.
//!
//! The [`layer`] hears it beside the layers of others, the [`subscriber`] where there
//! are none; both pass it on to the [`listener`], which knows the spans and finds the
//! thread that each thing happens to.

pub(crate) mod fields;
pub(crate) mod hidden;
pub(crate) mod layer;
pub(crate) mod listener;
pub(crate) mod messages;
pub(crate) mod subscriber;
pub(crate) mod waker_callsites;
pub(crate) mod wanted;
pub(crate) mod words;
