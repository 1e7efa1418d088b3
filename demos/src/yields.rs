//! Tasks that do next to nothing but give way.

use std::io;

use taskscope::Recording;
use tokio::task::{JoinSet, yield_now};

use crate::random::Random;
use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "yields",
    summary: "a storm of yield_now: every task gives way twenty times",
    look_for: "each poll is short, and the tasks take turns round after round; a worker that runs \
               out steals half of another's queue, so that tasks hop in groups",
    findings: &[],
    default_tasks: 200,
    recording: include_bytes!("../recordings/yields.tscope"),
    run,
};

const WORKERS: u32 = 4;
const YIELDS: u64 = 20;

fn run(recording: &Recording, seed: u64, tasks: u32) -> io::Result<Truth> {
    let runtime = runtime::multi_thread(recording, "yields", WORKERS as usize)?;
    runtime.block_on(async {
        // Spawned from a thread that is no worker: through the injection queue.
        let mut storm = JoinSet::new();
        for number in 0..tasks {
            storm.spawn(give_way(Random::new(seed, number.into())));
        }
        while storm.join_next().await.is_some() {}
    });
    // Each yield ends a poll, and the return ends one more.
    Ok(Truth::uniform(WORKERS, tasks, YIELDS + 1))
}

async fn give_way(mut random: Random) {
    for _ in 0..YIELDS {
        runtime::work(random.between(5, 40));
        yield_now().await;
    }
}
