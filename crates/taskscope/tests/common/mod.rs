//! Recording a small program within a test.

#![allow(dead_code, unused_imports, reason = "each test file uses its own part of this")]

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use taskscope::{Recorder, Recording};
use taskscope_format::{EndKind, Event, Reader, Record, Source, TaskId, TaskKind};
use taskscope_model::Trace;
use tokio::runtime::{Builder, Runtime};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// Which of the recorder's two sources a test uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    Layer,
    Hooks,
    Both,
}

pub use Sources::{Both, Hooks, Layer};

/// What a test has recorded.
pub struct Recorded {
    pub records: Vec<Record<'static>>,
    pub trace: Trace,
}

pub fn current_thread() -> Builder {
    let mut builder = Builder::new_current_thread();
    builder.enable_all();
    builder
}

pub fn multi_thread(workers: usize) -> Builder {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).enable_all();
    builder
}

/// Gives the threads of a runtime the subscriber of the calling thread. A test
/// has a subscriber of its own, beside those of other tests in its process.
pub fn carry_subscriber(builder: &mut Builder) {
    let dispatch = tracing::dispatcher::get_default(Clone::clone);
    builder.on_thread_start(move || {
        std::mem::forget(tracing::dispatcher::set_default(&dispatch));
    });
}

/// Builds a runtime, runs `program` with it, shuts it down, and reads back what
/// was recorded.
pub fn record(sources: Sources, mut builder: Builder, program: impl FnOnce(&Runtime)) -> Recorded {
    record_with(sources, |recording| {
        carry_subscriber(&mut builder);
        if sources != Layer {
            recording.hooks(&mut builder);
        }
        let runtime = builder.build().unwrap();
        program(&runtime);
    })
}

/// Like [`record`], for a program that builds its runtimes itself.
pub fn record_with(sources: Sources, program: impl FnOnce(&Recording)) -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let dispatch = if sources == Hooks { Dispatch::none() } else { subscriber(&recording) };
    tracing::dispatcher::with_default(&dispatch, || program(&recording));
    let report = recording.finish().unwrap();
    assert_eq!(report.dropped_events, 0);
    read(std::fs::read(path).unwrap())
}

/// The recorder's layer over a registry; in `own_subscriber.rs` the recorder's own
/// subscriber.
fn subscriber(recording: &Recording) -> Dispatch {
    if module_path!().starts_with("own_subscriber") {
        recording.subscriber()
    } else {
        Dispatch::new(tracing_subscriber::registry().with(recording.layer()))
    }
}

/// Like [`record`], in a subscriber where every span is enabled.
#[cfg(tokio_unstable)]
pub fn record_beside_all_spans(sources: Sources, program: impl FnOnce(&Runtime)) -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let all = tracing_subscriber::fmt::layer().with_writer(std::io::sink);
    let subscriber = tracing_subscriber::registry().with(all).with(recording.layer());
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        if sources != Layer {
            recording.hooks(&mut builder);
        }
        program(&builder.build().unwrap());
    });
    recording.finish().unwrap();
    read(std::fs::read(path).unwrap())
}

/// Reads a file that must be whole.
pub fn read(file: Vec<u8>) -> Recorded {
    let file: &'static [u8] = file.leak();
    let mut reader = Reader::new(file).unwrap();
    let records: Vec<_> = reader.by_ref().collect();
    let report = reader.report();
    assert!(report.complete && report.damages.is_empty(), "{report:?}");
    Recorded { records, trace: Trace::from_bytes(file).unwrap() }
}

/// A command that runs one of a test file's `child_…` tests in a process of its own, without any
/// variable of the environment that concerns the recorder. `module` is the test's `module_path!()`.
pub fn child(module: &str, name: &str, directory: &Path) -> Command {
    let within = module.split_once("::").map(|(_, within)| format!("{within}::"));
    let name = within.unwrap_or_default() + name;
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.current_dir(directory);
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("TASKSCOPE") {
            command.env_remove(variable);
        }
    }
    command
}

impl Recorded {
    pub fn events(&self) -> impl Iterator<Item = Event<'static>> {
        self.records.iter().map(|record| record.event)
    }

    pub fn count(&self, wanted: impl Fn(&Event<'_>) -> bool) -> usize {
        self.events().filter(|event| wanted(event)).count()
    }

    /// Polls as the hooks reported them.
    pub fn hook_polls(&self, task: TaskId) -> usize {
        self.count(|event| *event == Event::PollStart { task, source: Source::Hook })
    }

    /// Visits as the layer reported them.
    pub fn span_polls(&self, task: TaskId) -> usize {
        self.count(|event| *event == Event::PollStart { task, source: Source::Span })
    }

    /// The ends of a task: one, or something is wrong.
    pub fn ends(&self, task: TaskId) -> Vec<(EndKind, bool)> {
        self.events()
            .filter_map(|event| match event {
                Event::TaskEnd { task: ended, end, inferred, .. } if ended == task => {
                    Some((end, inferred))
                }
                _ => None,
            })
            .collect()
    }

    /// The tasks of a kind, as the layer reported them, in the order of their ids.
    pub fn spawned(&self, kind: TaskKind) -> Vec<TaskId> {
        let mut tasks: Vec<_> = self
            .events()
            .filter_map(|event| match event {
                Event::Spawn(spawn) if spawn.kind == kind && spawn.source == Source::Span => {
                    Some(spawn.task)
                }
                _ => None,
            })
            .collect();
        tasks.sort();
        tasks
    }

    /// The stream of the thread on which `wanted` happened first, without the
    /// events that only introduce something.
    pub fn stream_with(&self, wanted: impl Fn(&Event<'_>) -> bool) -> Vec<Event<'static>> {
        let thread = self.records.iter().find(|record| wanted(&record.event)).unwrap().thread;
        let mut worker = None;
        self.records
            .iter()
            .filter(|record| record.thread == thread)
            .map(|record| record.event)
            .filter(|event| match event {
                Event::Thread { .. } => false,
                // Said again at the start of a block.
                Event::Worker(now) => worker.replace(*now) != Some(*now),
                _ => true,
            })
            .collect()
    }

    /// Whether the last poll of a task was so long that an abort may have hit it, so that its return
    /// is inferred. Any poll is, now and then, if the system takes the processor away.
    pub fn ended_in_a_long_poll(&self, task: TaskId) -> bool {
        let task = self.trace.find_task(task).unwrap();
        let last = self.trace.poll(self.trace.task_polls(task).last().unwrap());
        self.trace.task(task).end.unwrap().time - last.start >= 20_000
    }

    /// How often the model says that a task was polled.
    pub fn polls(&self, task: TaskId) -> u32 {
        let task = self.trace.find_task(task).unwrap();
        self.trace.task(task).poll_count()
    }
}

/// The number of a task of the current program.
pub fn number(id: tokio::task::Id) -> TaskId {
    TaskId(id.to_string().parse().unwrap())
}

/// Keeps the task's waker as long as it can, and is ready at once.
pub async fn keep_waker() {
    std::future::poll_fn(|context| {
        std::mem::forget(context.waker().clone());
        Poll::Ready(())
    })
    .await;
}

/// Polls of wrapped futures, by `worker_index()`.
#[derive(Debug, Default)]
pub struct Tally([AtomicU64; 8]);

impl Tally {
    pub fn of_worker(&self, index: usize) -> u64 {
        self.0[index].load(Ordering::Relaxed)
    }

    pub fn total(&self) -> u64 {
        (0..8).map(|index| self.of_worker(index)).sum()
    }

    /// A future that counts its own polls.
    pub fn count<F: Future>(
        self: &Arc<Self>,
        future: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        Counted { future: Box::pin(future), tally: Arc::clone(self) }
    }
}

struct Counted<F> {
    future: Pin<Box<F>>,
    tally: Arc<Tally>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let worker = tokio::runtime::worker_index().unwrap();
        self.tally.0[worker].fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(cx)
    }
}
