//! Sick: a future that asks again and again instead of waiting.

use std::future::poll_fn;
use std::io;
use std::task::Poll;
use std::time::Duration;

use taskscope::Recording;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "selfwake",
    summary: "sick: a future that wakes itself in each poll, instead of waiting for an event",
    look_for: "the lane of the spinner is blue from end to end: it is polled, finds nothing, and \
               wakes itself, thousands of times",
    default_tasks: 2,
    finding: Some("self-wake-loop"),
    recording: include_bytes!("../recordings/selfwake.tscope"),
    run,
};

const WORKERS: u32 = 2;
const TRIES: u64 = 3_000;
const NAPS: u64 = 5;

fn run(recording: &Recording, _: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "selfwake", WORKERS as usize)?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        runtime::spawn_on(&mut all, "patient", patient());
        for number in 0..tasks {
            runtime::spawn_on(&mut all, &format!("spinner {number}"), spinner());
        }
        while all.join_next().await.is_some() {}
    });
    let spawned = 1 + u64::from(tasks);
    // Each try is a poll. The patient task has one for each nap, and returns in the last.
    let polls = u64::from(tasks) * (TRIES + 1) + NAPS + 1;
    Ok(Truth {
        spawned,
        returned: spawned,
        polls: Some(polls),
        least_polls: polls,
        runtimes: 1,
        workers: WORKERS,
        ..Truth::default()
    })
}

/// Looks whether something is there yet, and wakes itself to look again.
async fn spinner() {
    let mut tries = 0;
    poll_fn(|cx| {
        runtime::work(3);
        tries += 1;
        if tries > TRIES {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn patient() {
    for _ in 0..NAPS {
        sleep(Duration::from_millis(2)).await;
    }
}
