//! What is in a file beside tasks, and what is not.

use std::sync::{Arc, Mutex};

use taskscope::Recorder;
use taskscope_format::{Event, TaskKind, meta};
use tokio::task::yield_now;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::common::{Both, carry_subscriber, current_thread, multi_thread, read, record};
use crate::three_tasks;

#[test]
fn the_file_says_what_it_is_a_recording_of() {
    let recorded = record(Both, current_thread(), |_| ());
    let value = |wanted: &str| {
        recorded
            .events()
            .find_map(|event| match event {
                Event::Meta { key, value } if key == wanted => Some(value),
                _ => None,
            })
            .unwrap()
    };
    assert!(value(meta::PROGRAM).starts_with("recording"));
    assert_eq!(value(meta::PID), std::process::id().to_string());
    assert!(value(meta::RECORDER).starts_with("taskscope "));
    assert!(value(meta::PLATFORM).starts_with(std::env::consts::OS));
}

#[test]
fn threads_are_introduced() {
    let mut builder = multi_thread(1);
    builder.thread_name("a-worker");
    let recorded = record(Both, builder, |runtime| runtime.block_on(three_tasks()));
    let threads: Vec<_> = recorded
        .events()
        .filter_map(|event| match event {
            Event::Thread { os_id, name } => Some((os_id, name)),
            _ => None,
        })
        .collect();
    assert!(threads.iter().any(|(_, name)| *name == "a-worker"), "{threads:?}");
    if cfg!(target_os = "linux") {
        assert!(threads.iter().all(|(os_id, _)| *os_id != 0));
    }
}

#[test]
fn an_event_of_a_dying_thread_breaks_nothing_and_is_counted() {
    /// Spawns a task when its thread ends.
    struct Last(tokio::runtime::Handle);
    impl Drop for Last {
        fn drop(&mut self) {
            self.0.spawn(async {});
        }
    }
    thread_local! {
        static LAST: std::cell::OnceCell<Last> = const { std::cell::OnceCell::new() };
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let mut builder = current_thread();
    recording.hooks(&mut builder);
    let runtime = builder.build().unwrap();
    let handle = runtime.handle().clone();
    let dying = std::thread::spawn(move || {
        // Made before the recorder's own, and so destroyed behind it.
        LAST.with(|last| assert!(last.set(Last(handle.clone())).is_ok()));
        handle.spawn(async {});
    });
    dying.join().unwrap();
    runtime.block_on(yield_now());
    drop(runtime);
    let report = recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    let spawned = recorded.count(|event| matches!(event, Event::Spawn(_))) as u64;
    assert_eq!(spawned + report.dropped_events, 2);
    assert_eq!(recorded.trace.report().dropped, report.dropped_events);
    let [dropped] = &report.drops[..] else { panic!("{:?}", report.drops) };
    assert_eq!((dropped.thread, dropped.events), (None, report.dropped_events));
    assert!(dropped.since <= dropped.until);
    let [drop] = recorded.trace.drops() else { panic!("{:?}", recorded.trace.drops()) };
    assert_eq!((drop.thread, drop.lane, drop.count), (None, None, report.dropped_events));
}

#[test]
fn two_recordings_run_side_by_side() {
    let directory = tempfile::tempdir().unwrap();
    let paths = ["first", "second"].map(|name| directory.path().join(name));
    let [first, second] =
        paths.each_ref().map(|path| Recorder::builder().file(path).start().unwrap());
    // Both receive all events; each has hooks on a runtime of its own.
    let subscriber = tracing_subscriber::registry().with(first.layer()).with(second.layer());
    tracing::subscriber::with_default(subscriber, || {
        for recording in [&first, &second] {
            let mut builder = multi_thread(1);
            carry_subscriber(&mut builder);
            recording.hooks(&mut builder);
            builder.build().unwrap().block_on(three_tasks());
        }
    });
    first.finish().unwrap();
    second.finish().unwrap();
    for path in paths {
        let summary = read(std::fs::read(path).unwrap()).trace.summary();
        assert_eq!((summary.tasks.spawned, summary.tasks.returned), (6, Some(6)));
        assert_eq!(summary.polls, 12);
        assert_eq!(summary.runtimes.len(), 2);
    }
}

#[test]
fn after_the_end_nothing_is_recorded_and_nothing_breaks() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let subscriber = tracing_subscriber::registry().with(recording.layer());
    tracing::subscriber::with_default(subscriber, || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        let runtime = builder.build().unwrap();
        runtime.block_on(three_tasks());
        recording.finish().unwrap();
        runtime.block_on(three_tasks());
    });
    assert_eq!(read(std::fs::read(path).unwrap()).trace.summary().tasks.spawned, 3);
}

/// What a `fmt` layer printed.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn info_to<S>(printed: &Printed) -> impl Layer<S> + Send + Sync + use<S>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let writer = printed.clone();
    fmt::layer()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .with_filter(EnvFilter::new("info"))
}

#[test]
fn the_layer_and_fmt_leave_each_other_alone() {
    for recorder_first in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("trace.tscope");
        let recording = Recorder::builder().file(&path).start().unwrap();
        let printed = Printed::default();
        let dispatch: tracing::Dispatch = if recorder_first {
            tracing_subscriber::registry().with(recording.layer()).with(info_to(&printed)).into()
        } else {
            tracing_subscriber::registry().with(info_to(&printed)).with(recording.layer()).into()
        };
        tracing::dispatcher::with_default(&dispatch, || {
            current_thread().build().unwrap().block_on(async {
                three_tasks().await;
                tracing::info!("said");
                tracing::debug!("unsaid");
                tracing::trace!(target: "tokio::task", "unsaid");
            });
        });
        recording.finish().unwrap();
        let recorded = read(std::fs::read(path).unwrap());
        assert_eq!(recorded.spawned(TaskKind::Task).len(), 3);
        let printed = String::from_utf8(printed.0.lock().unwrap().clone()).unwrap();
        assert_eq!(printed.lines().count(), 1, "{printed}");
        assert!(printed.contains("said") && !printed.contains("unsaid"), "{printed}");
    }
}
