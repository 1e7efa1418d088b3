//! The window used as a person would use it: by the words on it, on a trace
//! that a real program recorded.

mod dropped_ranges;
mod harness;
mod inspector;
mod open;
mod replay;
mod sizes;
mod slots;
mod table;
mod timeline;
