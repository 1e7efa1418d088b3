//! Sick: everybody needs the same lock, and holds it across an `.await`.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use taskscope::Recording;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "convoy",
    summary: "sick: tasks hold one lock across an .await, and all others queue for it",
    look_for: "four workers, and hardly one of them is busy: whoever releases the lock wakes the \
               next in line; the curve of what waits is nearly all there is",
    default_tasks: 16,
    finding: Some("lock-convoy"),
    recording: include_bytes!("../recordings/convoy.tscope"),
    run,
};

const WORKERS: u32 = 4;
const ROUNDS: u64 = 8;

fn run(recording: &Recording, _: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "convoy", WORKERS as usize)?;
    runtime.block_on(async {
        let stock = Arc::new(Mutex::new(0u64));
        let mut all = JoinSet::new();
        for number in 0..tasks {
            runtime::spawn_on(&mut all, &format!("order {number}"), order(stock.clone()));
        }
        while all.join_next().await.is_some() {}
    });
    let spawned = u64::from(tasks);
    Ok(Truth {
        spawned,
        returned: spawned,
        // Each round waits for the timer once.
        least_polls: spawned * (ROUNDS + 1),
        runtimes: 1,
        workers: WORKERS,
        ..Truth::default()
    })
}

async fn order(stock: Arc<Mutex<u64>>) {
    for _ in 0..ROUNDS {
        let mut stock = stock.lock().await;
        // As a query to a database would, while the lock is held.
        sleep(Duration::from_millis(2)).await;
        *stock += 1;
    }
}
