//! Sick: tasks are spawned, and none of them ever ends.

use std::future::pending;
use std::io;
use std::time::Duration;

use taskscope::Recording;
use tokio::time::sleep;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "leak",
    summary: "sick: a session is spawned for each visitor, and none of them ever ends",
    look_for: "the curve of the sessions only grows; each of them waits, and nobody will wake it",
    default_tasks: 240,
    finding: Some("growing-tasks"),
    recording: include_bytes!("../recordings/leak.tscope"),
    run,
};

const WORKERS: u32 = 2;

fn run(recording: &Recording, _: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "leak", WORKERS as usize)?;
    let door = runtime.spawn(door(tasks));
    runtime.block_on(door).map_err(io::Error::other)?;
    // All sessions are dropped here.
    drop(runtime);
    let tasks = u64::from(tasks);
    Ok(Truth {
        spawned: tasks + 1,
        returned: 1,
        cancelled: tasks,
        least_polls: 1,
        runtimes: 1,
        workers: WORKERS,
        ..Truth::default()
    })
}

/// Lets visitors in, one every millisecond.
async fn door(visitors: u32) {
    for number in 0..visitors {
        drop(runtime::spawn(&format!("session {number}"), session()));
        sleep(Duration::from_millis(1)).await;
    }
}

/// Greets, then waits for a message that nobody sends.
async fn session() {
    runtime::work(20);
    pending::<()>().await;
}
