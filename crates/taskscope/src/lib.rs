//! Record how Tokio schedules your tasks.
// Without it there is no recording, and so there are parts that nobody calls.
#![cfg_attr(not(tokio_unstable), allow(dead_code))]

mod clock;
mod error;
mod fields;
mod hooks;
mod ids;
mod init;
mod layer;
mod polls;
mod recording;
mod runtimes;
mod shared;
mod stream;
mod target;
mod task;
mod thread;
mod writer;

pub use error::Error;
pub use init::init;
pub use recording::{Recorder, Recording, Report};
pub use taskscope_macros::main;

#[doc(hidden)]
pub mod __private {
    pub use crate::init::{MainRuntime, run_main};
}
