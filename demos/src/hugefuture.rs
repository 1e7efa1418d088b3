//! Futures that carry their buffers with them.

use std::hint::black_box;
use std::io;

use taskscope::Recording;
use tokio::task::{JoinSet, yield_now};

use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "hugefuture",
    summary: "uploads, each with a buffer of 64 KiB in its future",
    look_for: "the size of the tasks: each spawn copies 64 KiB, before Tokio puts the future on the heap",
    findings: &["huge_future"],
    default_tasks: 16,
    recording: include_bytes!("../recordings/hugefuture.tscope"),
    run,
};

const WORKERS: u32 = 2;
const BUFFER: usize = 64 * 1024;
const PARTS: u64 = 4;

fn run(recording: &Recording, _seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "hugefuture", WORKERS as usize)?;
    runtime.block_on(async {
        let mut uploading = JoinSet::new();
        for number in 0..tasks {
            runtime::spawn(&mut uploading, &format!("upload {number}"), upload())?;
        }
        while uploading.join_next().await.is_some() {}
        io::Result::Ok(())
    })?;
    Ok(Truth::uniform(WORKERS, tasks, PARTS + 1))
}

async fn upload() {
    // What is wrong here: it lives across an await, and so in the future.
    let mut buffer = [0_u8; BUFFER];
    for part in 0..PARTS {
        buffer.fill(part as u8);
        black_box(&buffer);
        yield_now().await;
    }
}
