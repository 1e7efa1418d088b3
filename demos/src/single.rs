//! The tasks of `migration`, on one thread.

use std::io;

use taskscope::Recording;

use crate::{Demo, Truth, bursts, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "single",
    summary: "the tasks of `migration` on a current-thread runtime",
    look_for: "one lane: a large piece of work holds up every task behind it, and no worker can steal them",
    findings: &[],
    default_tasks: 160,
    recording: include_bytes!("../recordings/single.tscope"),
    run,
};

fn run(recording: &Recording, seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::current_thread(recording, "single")?;
    runtime.block_on(bursts::run(seed, tasks));
    Ok(Truth { runtimes: 1, workers: 1, ..bursts::truth(seed, tasks) })
}
