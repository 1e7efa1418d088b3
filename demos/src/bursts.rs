//! The tasks of the demos `migration` and `single`: uneven work that comes in
//! bursts.

use std::time::Duration;

use tokio::task::{JoinSet, yield_now};

use crate::Truth;
use crate::random::Random;
use crate::runtime::work;

/// Tasks that come at once.
const BURST: u32 = 12;
/// Producers, each of which brings its share of the bursts.
const PRODUCERS: u32 = 4;

/// Runs `tasks` jobs, brought by four producers.
pub(crate) async fn run(seed: u64, tasks: u32) {
    let mut producers = JoinSet::new();
    for producer in 0..PRODUCERS {
        let jobs = (producer..tasks).step_by(PRODUCERS as usize).collect();
        producers.spawn(produce(seed, producer, jobs));
    }
    while producers.join_next().await.is_some() {}
}

/// Spawns a burst, waits until half of it is done, spawns the next.
///
/// All of a burst lands in the queue of the one worker that runs the producer.
/// The others, idle until then, steal from it.
async fn produce(seed: u64, producer: u32, jobs: Vec<u32>) {
    let mut random = Random::new(seed, u64::from(producer) | 1 << 32);
    let mut running = JoinSet::new();
    for burst in jobs.chunks(BURST as usize) {
        for &number in burst {
            running.spawn(job(seed, number));
        }
        while running.len() > burst.len() / 2 {
            running.join_next().await;
        }
        tokio::time::sleep(Duration::from_millis(random.between(1, 6))).await;
    }
    while running.join_next().await.is_some() {}
}

/// A few pieces of work, most small, some large, with a way to wait between.
async fn job(seed: u64, number: u32) {
    let mut random = Random::new(seed, u64::from(number));
    for _ in 0..pieces(&mut random) {
        let large = random.between(0, 8) == 0;
        work(if large { random.between(400, 1_200) } else { random.between(20, 160) });
        if random.between(0, 3) == 0 {
            tokio::time::sleep(Duration::from_millis(random.between(1, 8))).await;
        } else {
            yield_now().await;
        }
    }
}

fn pieces(random: &mut Random) -> u64 {
    random.between(2, 7)
}

/// What [`run`] does for sure.
pub(crate) fn truth(seed: u64, tasks: u32) -> Truth {
    let spawned = u64::from(PRODUCERS + tasks);
    // Each pause ends a poll, and a timer may have fired before it was asked.
    let yields: u64 = (0..tasks).map(|number| Random::new(seed, number.into())).map(yields).sum();
    Truth { spawned, returned: spawned, least_polls: spawned + yields, ..Truth::default() }
}

/// How often a job yields: what `job` draws, without the work.
fn yields(mut random: Random) -> u64 {
    let mut yields = 0;
    for _ in 0..pieces(&mut random) {
        let large = random.between(0, 8) == 0;
        if large {
            random.between(400, 1_200)
        } else {
            random.between(20, 160)
        };
        if random.between(0, 3) == 0 {
            random.between(1, 8);
        } else {
            yields += 1;
        }
    }
    yields
}
