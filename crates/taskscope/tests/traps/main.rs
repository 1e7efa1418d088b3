//! What a naive observer of Tokio gets wrong: fourteen traps, each by number.
//! The last stands in `tokio_unstable.rs`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod ends;
mod tasks;
mod wakes;
mod workers;

use taskscope_format::{Event, TaskId};

fn starts(task: TaskId) -> impl Fn(&Event<'_>) -> bool {
    move |event| matches!(event, Event::PollStart { task: started, .. } if *started == task)
}
