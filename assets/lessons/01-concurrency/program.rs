//! The same tasks twice: on one thread, and on several.

use std::time::Duration;

use crate::support::{current_thread, multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn count(steps: u64, time: Duration) {
    for _ in 0..steps {
        work(time);
        // Here another task may go on.
        tokio::task::yield_now().await;
    }
}

async fn count_in_tasks(tasks: u64, steps: u64, time: Duration) {
    let mut handles = Vec::new();
    for number in 1..=tasks {
        handles.push(spawn(&format!("task {number}"), count(steps, time)));
    }
    for handle in handles {
        let _ = handle.await;
    }
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers in B", usual: 2, range: (1, 16) },
        Parameter { name: "tasks", about: "tasks", usual: 4, range: (1, 64) },
        Parameter { name: "steps", about: "steps of each", usual: 6, range: (1, 100) },
        Parameter {
            name: "work", about: "µs of work in a step", usual: 2_000, range: (1, 20_000)
        },
    ],
    runs: &["one-thread", "several-threads"],
    run: |recording, run, values: &Values| {
        let runtime = match run {
            "one-thread" => current_thread(recording)?,
            _ => multi_thread(recording, values.get("workers"))?,
        };
        let time = Duration::from_micros(values.get("work"));
        runtime.block_on(count_in_tasks(values.get("tasks"), values.get("steps"), time));
        Ok(())
    },
};
