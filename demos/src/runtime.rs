//! Runtimes for the demos, and work for their tasks.

use std::hint;
use std::io;
use std::time::{Duration, Instant};

use taskscope::Recording;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tracing::Dispatch;
use tracing::subscriber::NoSubscriber;

/// A multi-thread runtime that is recorded.
pub(crate) fn multi_thread(
    recording: &Recording,
    name: &str,
    workers: usize,
) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).thread_name(format!("{name}-worker")).enable_all();
    carry_subscriber(&mut builder);
    recording.named_hooks(&mut builder, name);
    builder.build()
}

/// A current-thread runtime that is recorded.
pub(crate) fn current_thread(recording: &Recording, name: &str) -> io::Result<Runtime> {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    recording.named_hooks(&mut builder, name);
    builder.build()
}

/// Spawns a task with a name. (Names need an unstable part of Tokio, which the recorder needs too.)
///
/// # Errors
/// What Tokio gives where it cannot spawn.
#[track_caller]
pub(crate) fn spawn<T: Send + 'static>(
    set: &mut JoinSet<T>,
    name: &str,
    task: impl Future<Output = T> + Send + 'static,
) -> io::Result<()> {
    #[cfg(tokio_unstable)]
    set.build_task().name(name).spawn(task)?;
    #[cfg(not(tokio_unstable))]
    {
        let _ = name;
        set.spawn(task);
    }
    Ok(())
}

/// The same for a task that nobody waits for.
///
/// # Errors
/// Likewise.
#[track_caller]
pub(crate) fn detach(
    name: &str,
    task: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    #[cfg(tokio_unstable)]
    tokio::task::Builder::new().name(name).spawn(task).map(drop)?;
    #[cfg(not(tokio_unstable))]
    {
        let _ = name;
        tokio::spawn(task);
    }
    Ok(())
}

/// A program has one subscriber for all threads, and then there is nothing to
/// do. A test that gives only its own thread one has it on the workers too.
fn carry_subscriber(builder: &mut Builder) {
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    builder.on_thread_start(move || {
        let has_none = tracing::dispatcher::get_default(Dispatch::is::<NoSubscriber>);
        if has_none {
            // In place until the thread ends.
            std::mem::forget(tracing::dispatcher::set_default(&dispatch));
        }
    });
}

/// Keeps the processor busy, as computing something would.
pub(crate) fn work(micros: u64) {
    let (begun, duration) = (Instant::now(), Duration::from_micros(micros));
    while begun.elapsed() < duration {
        hint::spin_loop();
    }
}
