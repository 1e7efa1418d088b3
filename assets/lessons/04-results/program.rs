//! Four tasks that end differently, and what their handles give.

use std::future::pending;
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::info;

use crate::support::{current_thread, panics_quietly, spawn, work};
use crate::{Parameter, Program, Values};

async fn four_tasks(time: Duration) -> JoinHandle<u64> {
    let left_behind = spawn("left behind", waits_for_ever(time));
    let aborted = spawn("aborted", waits_for_ever(time));

    let returns = spawn("returns", returns(time));
    info!("returns: {:?}", returns.await);

    let panics = spawn("panics", panics(time));
    info!("panics: {:?}", panics.await);

    work(time);
    aborted.abort();
    info!("aborted: {:?}", aborted.await);

    work(time);
    left_behind
}

async fn returns(time: Duration) -> u64 {
    work(time);
    42
}

async fn panics(time: Duration) -> u64 {
    work(time);
    panic!("no luck")
}

async fn waits_for_ever(time: Duration) -> u64 {
    work(time);
    pending().await
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[Parameter {
        name: "work",
        about: "µs of work",
        usual: 1_000,
        range: (1, 50_000),
    }],
    runs: &["four-ends"],
    run: |recording, _, values: &Values| {
        panics_quietly("no luck");
        let time = Duration::from_micros(values.get("work"));
        let runtime = current_thread(recording)?;
        let left_behind = runtime.block_on(four_tasks(time));
        drop(runtime);
        // A handle outlives its runtime: it can be awaited on another.
        current_thread(recording)?.block_on(async {
            info!("left behind: {:?}", left_behind.await);
            work(time);
        });
        Ok(())
    },
};
