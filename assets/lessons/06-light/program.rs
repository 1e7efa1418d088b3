//! What a task takes: the allocations and bytes of a spawn, counted by the program's allocator, and those of a thread.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::Span;
use tracing::subscriber::{NoSubscriber, with_default};

use crate::counting::{Allocations, counted};
use crate::support::{multi_thread, spawn};
use crate::{Parameter, Program, Values};

/// Has nothing to remember.
async fn empty() {}

/// Has to remember 1,000 bytes while it waits.
async fn large() -> u8 {
    let data = [1; 1_000];
    yield_now().await;
    data.iter().fold(0, |sum, byte| sum ^ byte)
}

/// Counts what it takes to spawn a task, a larger one, and a thread.
async fn measure() -> [Allocations; 3] {
    let (task, of_empty) = counted(|| tokio::spawn(empty()));
    let _ = task.await;
    let (task, of_large) = counted(|| tokio::spawn(large()));
    let _ = task.await;
    let (thread, of_thread) = counted(|| thread::spawn(|| ()));
    let _ = thread.join();
    [of_empty, of_large, of_thread]
}

/// Spawns tasks, one after the other, and waits for all of them.
async fn boss(tasks: u64) {
    let handles: Vec<_> = (0..tasks).map(|_| tokio::spawn(empty())).collect();
    for handle in handles {
        let _ = handle.await;
    }
}

/// So many are spawned before what was recorded of them is written: many more, and events would be dropped.
const AT_ONCE: u64 = 8_000;

async fn many(tasks: u64, file: Option<PathBuf>) {
    for begun in (0..tasks).step_by(AT_ONCE as usize) {
        let before = length(file.as_deref());
        let _ = spawn("boss", boss(AT_ONCE.min(tasks - begun))).await;
        while begun + AT_ONCE < tasks && length(file.as_deref()) == before {
            sleep(Duration::from_millis(1)).await;
        }
    }
}

fn length(file: Option<&Path>) -> Option<u64> {
    fs::metadata(file?).map(|file| file.len()).ok()
}

fn report([of_empty, of_large, of_thread]: [Allocations; 3]) {
    tracing::info!(
        empty_future = size_of_val(&empty()),
        empty_allocations = of_empty.count,
        empty_bytes = of_empty.bytes,
        span = size_of::<Span>(),
        "an empty task takes {} allocation of {} bytes",
        of_empty.count,
        of_empty.bytes
    );
    tracing::info!(
        large_future = size_of_val(&large()),
        large_allocations = of_large.count,
        large_bytes = of_large.bytes,
        "a larger task takes {} allocation of {} bytes",
        of_large.count,
        of_large.bytes
    );
    tracing::info!(
        thread_allocations = of_thread.count,
        thread_bytes = of_thread.bytes,
        "a thread takes {} allocations, {} bytes in all, without its stack",
        of_thread.count,
        of_thread.bytes
    );
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 2, range: (1, 16) },
        Parameter { name: "tasks", about: "tasks", usual: 1_000, range: (1, 1_000_000) },
    ],
    runs: &["tasks"],
    run: |recording, _, values: &Values| {
        tracing::info!("counts what tasks and a thread take");
        // On a runtime that is not recorded: to record a task takes memory, too.
        let measured = with_default(NoSubscriber::new(), || {
            let runtime = Builder::new_current_thread().build()?;
            Ok::<_, std::io::Error>(runtime.block_on(measure()))
        })?;
        report(measured);
        let runtime = multi_thread(recording, values.get("workers"))?;
        runtime.block_on(many(values.get("tasks"), recording.path()));
        Ok(())
    },
};
