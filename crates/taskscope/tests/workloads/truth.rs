//! What the tasks of a workload know of themselves.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};

use taskscope_format::TaskId;
use tokio::runtime::Handle;

use crate::common::number;

/// The name of a runtime and the index of a worker; `None` on a thread that is no
/// worker.
pub type Worker = Option<(String, u32)>;

/// One task.
#[derive(Debug, Default)]
pub struct Known {
    pub parent: Option<TaskId>,
    pub polls: BTreeMap<Worker, u32>,
    pub end: Option<End>,
    /// `abort` was called, at any time.
    pub aborted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Returned,
    Panicked,
    /// Dropped half-way or before it began, while its runtime was running.
    Dropped,
    /// The same, at a time when its runtime was shut down.
    DroppedAtShutdown,
}

thread_local! {
    /// This thread is shutting down a runtime that has no other.
    pub static SHUTS_DOWN: Cell<bool> = const { Cell::new(false) };
}

/// All tasks of a workload.
#[derive(Debug, Default)]
pub struct Truth {
    tasks: Mutex<Vec<(TaskId, Arc<Mutex<Known>>)>>,
    pub shuts_down: AtomicBool,
    /// Spans of the program's own were entered, which hold on to the spans of tasks.
    pub holds_spans: AtomicBool,
}

impl Truth {
    /// Wraps a future that is to be spawned.
    pub fn watch<F: Future>(self: &Arc<Self>, future: F) -> (Watched<F>, Arc<Mutex<Known>>) {
        let parent = tokio::task::try_id().map(number);
        let known = Arc::new(Mutex::new(Known { parent, ..Known::default() }));
        let watched = Watched {
            future: Box::pin(future),
            known: Arc::clone(&known),
            truth: Arc::clone(self),
        };
        (watched, known)
    }

    /// Now the task has an id.
    pub fn spawned(&self, id: tokio::task::Id, known: Arc<Mutex<Known>>) {
        lock(&self.tasks).push((number(id), known));
    }

    /// A task aborts itself.
    pub fn aborts(&self, id: tokio::task::Id) {
        let id = number(id);
        for (_, known) in lock(&self.tasks).iter().filter(|(task, _)| *task == id) {
            lock(known).aborted = true;
        }
    }

    /// All tasks, with what they know.
    pub fn tasks(&self) -> Vec<(TaskId, Arc<Mutex<Known>>)> {
        lock(&self.tasks).clone()
    }
}

/// Some futures panic on purpose, and not within these locks.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap()
}

/// A future that counts its polls and notes its end.
pub struct Watched<F> {
    future: Pin<Box<F>>,
    known: Arc<Mutex<Known>>,
    truth: Arc<Truth>,
}

impl<F: Future> Future for Watched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        *lock(&self.known).polls.entry(worker()).or_default() += 1;
        let polled = self.future.as_mut().poll(cx);
        if polled.is_ready() {
            lock(&self.known).end = Some(End::Returned);
        }
        polled
    }
}

impl<F> Drop for Watched<F> {
    fn drop(&mut self) {
        let end = match () {
            () if std::thread::panicking() => End::Panicked,
            () if SHUTS_DOWN.get() => End::DroppedAtShutdown,
            () if self.truth.shuts_down.load(Ordering::Acquire) => End::DroppedAtShutdown,
            () => End::Dropped,
        };
        lock(&self.known).end.get_or_insert(end);
    }
}

fn worker() -> Worker {
    let index = tokio::runtime::worker_index()?;
    let name = Handle::current().name().unwrap().to_owned();
    Some((name, u32::try_from(index).unwrap()))
}
