//! A task spawns another, goes on, and then waits for what the other returns.

use std::time::Duration;

use tokio::task::{JoinError, JoinHandle};
use tokio::time::sleep;
use tracing::info;

use crate::support::{current_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn parent(time: Duration) -> Result<(), JoinError> {
    let child: JoinHandle<u64> = spawn("child", async move {
        work(time);
        sleep(time).await;
        work(time);
        6 * 7
    });
    work(time);
    let value = child.await?;
    info!(value, "the parent has it");
    work(time);
    Ok(())
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[Parameter {
        name: "work",
        about: "µs of work",
        usual: 1_000,
        range: (1, 50_000),
    }],
    runs: &["parent-and-child"],
    run: |recording, _, values: &Values| {
        let time = Duration::from_micros(values.get("work"));
        let runtime = current_thread(recording)?;
        runtime.block_on(async {
            spawn("parent", parent(time)).await??;
            work(2 * time);
            Ok(())
        })
    },
};
