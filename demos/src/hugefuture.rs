//! Sick: tasks that hold a large buffer across an `.await`.

use std::io;

use taskscope::Recording;
use tokio::task::{JoinSet, yield_now};

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "hugefuture",
    summary: "sick: uploads hold an array of 64 kB across an .await, so that each is a huge future",
    look_for: "the column Future of the table: the uploads take a thousand times what the others do",
    default_tasks: 20,
    finding: Some("huge-future"),
    recording: include_bytes!("../recordings/hugefuture.tscope"),
    run,
};

const WORKERS: u32 = 2;
const BUFFER: usize = 64 * 1024;
const PIECES: u64 = 4;

fn run(recording: &Recording, _: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "hugefuture", WORKERS as usize)?;
    runtime.block_on(async {
        let mut all = JoinSet::new();
        for number in 0..tasks {
            runtime::spawn_on(&mut all, &format!("download {number}"), download());
            #[allow(clippy::large_futures, reason = "that is what this demo is about")]
            runtime::spawn_on(&mut all, &format!("upload {number}"), upload());
        }
        while all.join_next().await.is_some() {}
    });
    let spawned = 2 * u64::from(tasks);
    // Each piece ends a poll, and the return one more.
    let polls = spawned * (PIECES + 1);
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

#[allow(clippy::large_stack_arrays, reason = "that is what this demo is about")]
async fn upload() {
    let mut buffer = [0u8; BUFFER];
    for piece in 0..PIECES {
        buffer[piece as usize] = 1;
        runtime::work(20);
        yield_now().await;
    }
    std::hint::black_box(&buffer);
}

async fn download() {
    for _ in 0..PIECES {
        runtime::work(20);
        yield_now().await;
    }
}
