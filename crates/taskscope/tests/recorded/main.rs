//! Wrapped futures, against futures that count their own polls. Tokio reports
//! nothing here but in `beside_tokio.rs`: all the rest holds with and without
//! `--cfg tokio_unstable`.
//!
//! ```sh
//! RUSTFLAGS="" cargo test -p taskscope --test recorded
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[cfg(tokio_unstable)]
mod beside_tokio;
#[path = "../common/mod.rs"]
mod common;
mod counts;
mod tasks;
mod wakes;

use std::sync::{Mutex, MutexGuard, PoisonError};

use common::{Hooks, Recorded, record_with};
use taskscope_format::TaskId;
use taskscope_model::{TaskIx, Waker};

/// A wrapped future goes into the recording that began last in its process, so
/// there is one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records a program of whose runtime Tokio reports nothing.
fn wrapped(program: impl FnOnce()) -> Recorded {
    let _alone = alone();
    record_with(Hooks, |_| program())
}

fn find(recorded: &Recorded, name: &str) -> (TaskIx, TaskId) {
    let named = |task: taskscope_model::TaskView<'_>| task.name() == Some(name);
    let position = recorded.trace.tasks().position(named).unwrap();
    let task = TaskIx(position as u32);
    (task, recorded.trace.task(task).id)
}

/// Who woke a task, call by call.
fn woken_by(recorded: &Recorded, task: TaskIx) -> Vec<Waker> {
    let trace = &recorded.trace;
    trace.task_wakes(task).map(|wake| trace.wake(wake).by).collect()
}
