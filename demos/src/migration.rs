//! Tasks that hop between workers.

use std::io;

use taskscope::Recording;

use crate::{Demo, Truth, bursts, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "migration",
    summary: "bursts of uneven tasks on four workers, which steal them from one another",
    look_for: "a burst begins on one worker's lane and spreads over the others; select a task and \
               follow its path from lane to lane",
    findings: &[],
    default_tasks: 160,
    recording: include_bytes!("../recordings/migration.tscope"),
    run,
};

/// Four workers on any number of cores, so that there are workers that steal.
const WORKERS: u32 = 4;

fn run(recording: &Recording, seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "migration", WORKERS as usize)?;
    runtime.block_on(bursts::run(seed, tasks));
    Ok(Truth { runtimes: 1, workers: WORKERS, ..bursts::truth(seed, tasks) })
}
