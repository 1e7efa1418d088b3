//! One task spawns many. All of them start in the queue of one worker, and the others take their share.

use std::time::Duration;

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn boss(jobs: u64, time: Duration) {
    let mut handles = Vec::new();
    for number in 1..=jobs {
        handles.push(spawn(&format!("job {number}"), job(time)));
    }
    for handle in handles {
        let _ = handle.await;
    }
}

async fn job(time: Duration) {
    work(time);
    tokio::time::sleep(Duration::from_millis(1)).await;
    work(time);
    tokio::task::yield_now().await;
    work(time);
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 4, range: (1, 16) },
        Parameter { name: "jobs", about: "jobs", usual: 24, range: (1, 500) },
        Parameter { name: "work", about: "µs of work in a poll", usual: 200, range: (1, 20_000) },
    ],
    runs: &["moves"],
    run: |recording, _, values: &Values| {
        let runtime = multi_thread(recording, values.get("workers"))?;
        let time = Duration::from_micros(values.get("work"));
        let boss = boss(values.get("jobs"), time);
        runtime.block_on(async { drop(spawn("boss", boss).await) });
        Ok(())
    },
};
