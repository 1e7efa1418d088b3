//! What a task holds across an `.await` is saved in it.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::yield_now;
use tracing::info;

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn rc_in_a_scope(time: Duration) {
    let length = {
        let word = Rc::new("hello");
        word.len()
    }; // Here the `Rc` is dropped.
    work(time);
    yield_now().await;
    work(time);
    info!("the word has {length} letters");
}

async fn holds<const BYTES: usize>(time: Duration) {
    let buffer = [1u8; BYTES];
    work(time);
    yield_now().await;
    work(time);
    info!("the sum is {}", sum(&buffer));
}

async fn scope<const BYTES: usize>(time: Duration) {
    let sum = {
        let buffer = [1u8; BYTES];
        sum(&buffer)
    };
    work(time);
    yield_now().await;
    work(time);
    info!("the sum is {sum}");
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte)).sum()
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 2, range: (1, 16) },
        Parameter { name: "work", about: "µs of work", usual: 500, range: (1, 20_000) },
    ],
    runs: &["sizes"],
    run: |recording, _, values: &Values| {
        let time = Duration::from_micros(values.get("work"));
        let runtime = multi_thread(recording, values.get("workers"))?;
        runtime.block_on(async {
            let tasks = [
                spawn("scoped Rc", rc_in_a_scope(time)),
                spawn("holds 16", holds::<16>(time)),
                spawn("holds 256", holds::<256>(time)),
                spawn("holds 1024", holds::<1024>(time)),
                spawn("scoped 1024", scope::<1024>(time)),
            ];
            for task in tasks {
                let _ = task.await;
            }
            work(2 * time);
        });
        Ok(())
    },
};
