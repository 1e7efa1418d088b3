//! The window used as a person would use it: by the words on it, on a trace
//! that a real program recorded.

mod beside;
mod comparison;
mod findings;
mod follow;
mod frame_time;
mod harness;
mod inspector;
pub(crate) mod jobs;
mod lag;
mod lesson;
mod lesson_steps;
mod marks;
mod measure;
mod messages;
mod missing_ranges;
mod moving;
mod open;
mod parts;
mod replay;
mod search;
mod session;
mod settings;
mod sizes;
mod slots;
mod stage;
mod table;
mod timeline;
mod tree;
mod why;
