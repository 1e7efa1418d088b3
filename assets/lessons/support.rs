//! What the programs of the lessons share. None of it is what a lesson is about.

use std::io;
use std::time::{Duration, Instant};

use taskscope::Recording;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// A multi-thread runtime that is recorded.
pub(crate) fn multi_thread(recording: &Recording, workers: u64) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers as usize).enable_all();
    recorded(recording, builder)
}

/// A current-thread runtime that is recorded.
#[expect(dead_code, reason = "the first lesson will use it")]
pub(crate) fn current_thread(recording: &Recording) -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    recorded(recording, builder)
}

fn recorded(recording: &Recording, mut builder: Builder) -> io::Result<Runtime> {
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    // A program has one subscriber for all threads; a test gives only its own thread one.
    builder.on_thread_start(move || {
        if tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>) {
            // In place until the thread ends.
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        }
    });
    recording.hooks(&mut builder);
    builder.build()
}

/// Spawns a task with a name, where Tokio has names for tasks (with `tokio_unstable`).
#[track_caller]
pub(crate) fn spawn<F>(name: &str, future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[cfg(tokio_unstable)]
    {
        let spawned = tokio::task::Builder::new().name(name).spawn(future);
        spawned.unwrap_or_else(|_| unreachable!("spawning on the current runtime does not fail"))
    }
    #[cfg(not(tokio_unstable))]
    {
        let _ = name;
        tokio::spawn(future)
    }
}

/// Keeps the processor busy, as computing something would.
pub(crate) fn work(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}
