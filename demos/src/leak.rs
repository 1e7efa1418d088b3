//! Tasks that are spawned and never end.

use std::io;
use std::time::Duration;

use taskscope::Recording;
use tokio::sync::oneshot;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "leak",
    summary: "a task for each session that waits for the session's end, which nobody announces",
    look_for: "the count of tasks that wait only grows; each was polled once, and is dropped when the \
               runtime ends",
    findings: &["leak"],
    default_tasks: 240,
    recording: include_bytes!("../recordings/leak.tscope"),
    run,
};

const WORKERS: u32 = 2;
const EVERY: Duration = Duration::from_millis(2);

fn run(recording: &Recording, _seed: u64, sessions: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "leak", WORKERS as usize)?;
    // What is wrong here: who keeps these never sends, and never drops them.
    let ends = runtime.block_on(async {
        tokio::spawn(open_sessions(sessions)).await.map_err(io::Error::other)?
    })?;
    // The runtime drops what has not ended.
    drop(runtime);
    drop(ends);
    let sessions = u64::from(sessions);
    Ok(Truth {
        spawned: 1 + sessions,
        returned: 1,
        dropped: sessions,
        // The last may not have been polled.
        least_polls: 1,
        runtimes: 1,
        workers: WORKERS,
        ..Truth::default()
    })
}

async fn open_sessions(sessions: u32) -> io::Result<Vec<oneshot::Sender<()>>> {
    let mut ends = Vec::new();
    for number in 0..sessions {
        let (end, ended) = oneshot::channel();
        runtime::detach(&format!("session {number}"), clean_up(ended))?;
        ends.push(end);
        tokio::time::sleep(EVERY).await;
    }
    Ok(ends)
}

async fn clean_up(ended: oneshot::Receiver<()>) {
    // It is the same whether it was sent or dropped.
    ended.await.unwrap_or_default();
}
