//! Sick: more is ready than one worker can run, and who needs little has to stand in line.

use std::io;
use std::time::Duration;

use taskscope::Recording;
use tokio::task::{JoinSet, yield_now};
use tokio::time::{MissedTickBehavior, interval};

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "starving",
    summary: "sick: tasks that compute take turns on one worker, and a heartbeat stands in line",
    look_for: "the heartbeat is ready every 5 ms, and is polled when all the others have had their \
               turn: its lane is amber nearly all the time",
    default_tasks: 16,
    finding: Some("starved"),
    recording: include_bytes!("../recordings/starving.tscope"),
    run,
};

const TURNS: u64 = 16;
const BEATS: u64 = 12;

fn run(recording: &Recording, _: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::current_thread(recording, "starving")?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        runtime::spawn_on(&mut all, "heartbeat", heartbeat());
        for number in 0..tasks {
            runtime::spawn_on(&mut all, &format!("report {number}"), report());
        }
        while all.join_next().await.is_some() {}
    });
    let spawned = 1 + u64::from(tasks);
    // Each turn of a report ends a poll, and its return one more.
    let least_polls = u64::from(tasks) * (TURNS + 1) + BEATS;
    Ok(Truth {
        spawned,
        returned: spawned,
        least_polls,
        runtimes: 1,
        workers: 1,
        ..Truth::default()
    })
}

/// Computes, and gives way every 3 ms: often enough, were it alone.
async fn report() {
    for _ in 0..TURNS {
        runtime::work(3_000);
        yield_now().await;
    }
}

async fn heartbeat() {
    let mut beat = interval(Duration::from_millis(5));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..BEATS {
        beat.tick().await;
    }
}
