//! More computing than one worker can do, so that everyone waits.

use std::io;

use taskscope::Recording;
use tokio::task::{JoinSet, yield_now};

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "starving",
    summary: "sixty tasks that compute, and one that only wants to tick, on one worker",
    look_for: "no poll is long, and the worker is never idle; the heartbeat is scheduled nearly all of the \
               time, and polled once a round",
    findings: &["starved"],
    default_tasks: 60,
    recording: include_bytes!("../recordings/starving.tscope"),
    run,
};

/// How often each task computes, and the heartbeat ticks.
const ROUNDS: u64 = 2;
/// With sixty tasks a round takes 240 ms: whoever is scheduled waits for so long.
const STEP_MICROS: u64 = 4_000;

fn run(recording: &Recording, _seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::current_thread(recording, "starving")?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for number in 0..tasks {
            runtime::spawn(&mut all, &format!("thumbnail {number}"), scale_image())?;
        }
        runtime::spawn(&mut all, "heartbeat", beat())?;
        while all.join_next().await.is_some() {}
        io::Result::Ok(())
    })?;
    // Each yield ends a poll, and the return ends one more.
    Ok(Truth::uniform(1, tasks + 1, ROUNDS + 1))
}

async fn scale_image() {
    for _ in 0..ROUNDS {
        runtime::work(STEP_MICROS);
        yield_now().await;
    }
}

async fn beat() {
    for _ in 0..ROUNDS {
        yield_now().await;
    }
}
