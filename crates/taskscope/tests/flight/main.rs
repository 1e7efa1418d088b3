//! The flight recorder: what it keeps, and what makes it write that.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod dumps;
mod triggers;
mod window;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Recorded, carry_subscriber, current_thread, multi_thread, read};
use taskscope::{FlightConfig, Recorder, Recording};
use taskscope_model::{Trace, meta};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

/// The least there can be.
const LEAST: usize = 4 << 20;

/// Records `program` with a flight recorder that writes into `directory`.
fn fly(
    directory: &Path,
    flight: FlightConfig,
    workers: usize,
    program: impl FnOnce(&Recording, &Runtime),
) -> taskscope::Report {
    let recording =
        Recorder::builder().file(directory.join("app.tscope")).flight(flight).start().unwrap();
    assert_eq!(recording.path(), None);
    tracing::dispatcher::with_default(&recording.subscriber(), || {
        let mut builder = if workers == 0 { current_thread() } else { multi_thread(workers) };
        carry_subscriber(&mut builder);
        recording.hooks(&mut builder);
        program(&recording, &builder.build().unwrap());
    });
    recording.finish().unwrap()
}

/// Tries until nothing was dropped: where a machine is busy, the writer may come too late. The
/// file is the first dump.
fn undisturbed<T>(fly: impl Fn(&Path) -> (taskscope::Report, T)) -> (Recorded, T) {
    for _ in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        let (report, more) = fly(directory.path());
        let path = std::path::absolute(directory.path().join("app-1.tscope")).unwrap();
        assert_eq!((report.dumps, report.path), (vec![path.clone()], None));
        let recorded = open(&path);
        assert_eq!(recorded.trace.report().dropped, report.dropped_events);
        if report.dropped_events == 0 {
            return (recorded, more);
        }
    }
    panic!("events were dropped in each of 20 tries");
}

fn open(path: &Path) -> Recorded {
    read(std::fs::read(path).unwrap())
}

/// Waits for a dump that another thread or process makes.
fn wait_for(path: &Path) -> Recorded {
    let begun = Instant::now();
    loop {
        let file = std::fs::read(path).unwrap_or_default();
        if Trace::from_bytes(&file).is_ok_and(|trace| trace.report().complete) {
            return read(file);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "there is no {}", path.display());
        std::thread::yield_now();
    }
}

fn cause(trace: &Trace) -> &str {
    trace.info().get(meta::DUMP).unwrap()
}

#[track_caller]
fn named(name: &str, future: impl Future<Output = ()> + Send + 'static) -> tokio::task::Id {
    tokio::task::Builder::new().name(name).spawn(future).unwrap().id()
}

/// Enough of it to push everything before it out.
async fn storm(tasks: u32) {
    for _ in 0..tasks {
        tokio::spawn(async {
            for _ in 0..100 {
                yield_now().await;
            }
        })
        .await
        .unwrap();
    }
}
