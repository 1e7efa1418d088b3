//! Record how Tokio schedules your tasks, to watch it afterwards.
//!
//! ```no_run
//! #[taskscope::main]
//! async fn main() {
//!     for number in 1..=3 {
//!         tokio::spawn(async move { println!("task {number}") });
//!     }
//! }
//! ```
//!
//! The program runs as under `#[tokio::main]`, and leaves a file
//! `<program>-<pid>.tscope`. `taskscope view` shows it; `taskscope run -- COMMAND` starts a
//! program and shows it while it runs.
//!
//! # What there is to see
//! A *task* is a future that a runtime drives. The runtime has a few threads for
//! that, its *workers*. A worker takes a task from its queue and *polls* it: it
//! lets the future run until that returns or has to wait. In the first case the
//! task has ended. In the second it has left a *waker* with the thing that it waits
//! for: a socket, a timer, a lock, another task. When that is ready, it calls the
//! waker; the task is put in a queue again, and some worker, perhaps another than
//! before, polls it once more. A worker without work takes (*steals*) some from
//! another's queue, and one that finds none *parks* until it is called.
//!
//! All of this is invisible from outside. A recording holds it event by event,
//! each with its time, its thread and its worker:
//!
//! | event | from | what is recorded |
//! | --- | --- | --- |
//! | spawn | both | name, place in the source, size, the task that spawned it |
//! | poll | hooks, or else layer | begin, end, whether the task ended in it, whether its budget was spent |
//! | wait | layer | which lock, channel or timer the task waits for, and where that was made |
//! | wake | layer | who woke whom, and by which call |
//! | end | both | whether the future returned, panicked, was aborted or dropped at shutdown |
//! | park | hooks | when a worker slept |
//! | span, message | layer | the program's own, of the [targets](RecorderBuilder::targets) that it names |
//!
//! This is what Tokio reports. [`RecordExt::recorded`] wraps a single future, and records
//! all of this but the parks, on any executor.
//!
//! # Two sources
//! Tokio reports what it does in two ways. A *layer* for `tracing_subscriber` receives
//! spans and events; it needs nothing from the runtime, and is the only source of wakes
//! and names. *Hooks* on `tokio::runtime::Builder` are called around each poll; they are
//! exact where spans are not, cost little, and are the only source of parks. Use both
//! where you can. The recorder merges them.
//!
//! | | layer | hooks | for |
//! | --- | --- | --- | --- |
//! | [`#[taskscope::main]`](macro@main) | yes | yes | a program that has `#[tokio::main]` |
//! | [`init`] | yes | no | one line in any program |
//! | [`Recorder`] | [`Recording::layer`] | [`Recording::hooks`] | your own subscriber and runtimes |
//!
//! [`Recording::subscriber`] takes the layer's place in a program that has no
//! subscriber. [`Detail::Polls`] leaves `tracing` out, for a recording that is
//! always on.
//!
//! With a subscriber and a runtime of your own:
//!
//! ```no_run
//! use tracing_subscriber::prelude::*;
//!
//! let recording = taskscope::Recorder::builder().file("app.tscope").start()?;
//! tracing_subscriber::registry()
//!     // .with(fmt::layer().with_filter(EnvFilter::from_default_env()))
//!     .with(recording.layer())
//!     .init();
//! let mut builder = tokio::runtime::Builder::new_multi_thread();
//! recording.hooks(builder.enable_all());
//! let runtime = builder.build()?;
//! runtime.block_on(async { /* ... */ });
//! drop(runtime);
//! recording.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # `tokio_unstable`
//! Tokio emits task events only if the whole program is compiled with
//! `--cfg tokio_unstable`, which no library can switch on. Put this in
//! `.cargo/config.toml` at the root of your workspace, beside the `Cargo.lock`:
//!
//! ```toml
//! [build]
//! rustflags = ["--cfg", "tokio_unstable"]
//! ```
//!
//! Without it there is a recording all the same, of those futures that the program
//! wraps: what it spawns with [`spawn`], and what is [`RecordExt::recorded`]. [`init`]
//! and the attribute say so on stderr, and the trace does.
//!
//! ```no_run
//! use taskscope::RecordExt;
//!
//! #[taskscope::main]
//! async fn main() {
//!     let answer = taskscope::spawn(async { 6 * 7 });
//!     let sleep = tokio::time::sleep(std::time::Duration::from_millis(1));
//!     tokio::spawn(sleep.recorded_as("a short sleep"));
//!     println!("{:?}", answer.await);
//! }
//! ```
//!
//! The same works on executors that are not Tokio. A task that Tokio reports is not
//! recorded once more by the wrapper.
//!
//! # Overhead and failures
//! A recorded thread writes into a buffer of its own, without a lock and without
//! waiting. A thread of the recorder empties these buffers into the file, every 50 ms
//! and when one fills up. Events that come faster than they can be written are dropped
//! and counted, and the file has their number and the time in which they are missing. A
//! program that is killed leaves a file that opens and lacks at most what was recorded since
//! the buffers were last emptied. Only [`RecorderBuilder::start`], [`Recording::finish`] and
//! the calls that write a file ([`Recording::dump`], [`Recorder::pause`], …) return errors.
//!
//! # Keeping only the newest events
//! A [`FlightConfig`] keeps the newest events in memory and writes them to a file
//! when something happens: a call, a signal, a panic, a poll that lasts too long.
//!
//! # After a crash
//! A [`BlackBoxConfig`] keeps them in a file that outlives the process, so that nothing
//! that was recorded is lost with it: see [`RecorderBuilder::black_box`].
//!
//! # Limits
//! * Without `tokio_unstable`, and on other executors, only wrapped futures are
//!   recorded, and parks only on runtimes with hooks.
//! * Tokio does not report waits for some of its resources (1.54: I/O, joins, `Notify`,
//!   `watch`, `broadcast`, the receiving end of `mpsc`), nor from which queue a worker
//!   takes a task. What a reader infers of both is marked as inferred.
//! * Tasks spawned before the layer is in place have no name and no wakes.
//! * The tasks of a `LocalSet`, `block_on` and `spawn_blocking` have no hooks: only the
//!   layer records them.
//! * How a task without hooks ended is inferred. With hooks, an abort in the middle of a
//!   poll looks like a return: so a return is inferred if the last poll left a waker behind, woke
//!   its own task or lasted 20 µs or more. The trace says so. The end of a future that is
//!   [`recorded`](RecordExt::recorded) is always exact.
//! * The layer learns the end of a task from its span. What was begun inside the
//!   task can hold on to that: a span of your own, a `spawn_blocking`. Then, if
//!   there are no hooks, the end is late.
//! * Hooks alone do not know how a task ended, nor about a visit that only drops
//!   an aborted task, which counts as a poll.

// Without it there are no events of Tokio's, and so some parts are not called.
#![cfg_attr(not(tokio_unstable), allow(dead_code))]

mod builder;
mod detail;
mod error;
mod fork;
mod init;
mod output;
mod recorder;
mod recording;
mod schedule;
mod sources;
mod stderr;
mod stream;
mod tracker;
mod units;
mod unstable;
mod user_signal;

pub use builder::RecorderBuilder;
pub use detail::Detail;
pub use error::Error;
pub use init::{init, try_init};
pub use output::black_box::BlackBoxConfig;
pub use output::flight::FlightConfig;
pub use output::report::{Report, ThreadDrops};
pub use recorder::Recorder;
pub use recording::Recording;
pub use sources::hooks::Hooks;
pub use sources::tracing::layer::TaskLayer;
pub use sources::wrapper::{RecordExt, Recorded, spawn};
#[cfg(feature = "macros")]
pub use taskscope_macros::main;
pub use user_signal::UserSignal;

/// Only for the expansion of `#[taskscope::main]`.
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod __private {
    pub use tokio;

    pub use crate::init::{MainRuntime, run_main};
}
