//! Tasks that hold a lock while they wait for something else.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use taskscope::Recording;
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "convoy",
    summary: "twenty tasks that need the same Mutex, and hold it while they sleep",
    look_for: "the workers are idle, and all tasks but one wait for the lock; each is woken by the one \
               that lets it go",
    findings: &["lock_convoy"],
    default_tasks: 20,
    recording: include_bytes!("../recordings/convoy.tscope"),
    run,
};

const WORKERS: u32 = 2;
const ENTRIES: u64 = 5;

fn run(recording: &Recording, _seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "convoy", WORKERS as usize)?;
    runtime.block_on(async {
        let ledger = Arc::new(Mutex::new(0));
        let mut writing = JoinSet::new();
        for number in 0..tasks {
            let writer = write_entries(Arc::clone(&ledger));
            runtime::spawn(&mut writing, &format!("writer {number}"), writer)?;
        }
        while writing.join_next().await.is_some() {}
        io::Result::Ok(())
    })?;
    let tasks = u64::from(tasks);
    Ok(Truth {
        spawned: tasks,
        returned: tasks,
        // Each sleep ends a poll.
        least_polls: tasks * (ENTRIES + 1),
        runtimes: 1,
        workers: WORKERS,
        ..Truth::default()
    })
}

async fn write_entries(ledger: Arc<Mutex<u64>>) {
    for _ in 0..ENTRIES {
        let mut entries = ledger.lock().await;
        // What is wrong here: it is awaited while the lock is held.
        send_to_disk().await;
        *entries += 1;
    }
}

async fn send_to_disk() {
    tokio::time::sleep(Duration::from_millis(2)).await;
}
