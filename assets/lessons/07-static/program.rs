//! A task owns what it uses, and drops it when it ends.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::info;

use crate::support::{current_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn parent(time: Duration) -> JoinHandle<()> {
    let list = List(vec![1, 2, 3]);
    let child = spawn("child", async move {
        work(time);
        sleep(time).await;
        info!("the child reads {list:?}");
        work(time);
    });
    work(time);
    info!("the parent returns");
    child
}

#[derive(Debug)]
#[expect(dead_code, reason = "the numbers are only printed")]
struct List(Vec<u64>);

impl Drop for List {
    fn drop(&mut self) {
        info!("the list is dropped");
    }
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[Parameter {
        name: "work",
        about: "µs of work",
        usual: 1_000,
        range: (1, 50_000),
    }],
    runs: &["moved"],
    run: |recording, _, values: &Values| {
        let time = Duration::from_micros(values.get("work"));
        let runtime = current_thread(recording)?;
        runtime.block_on(async {
            let child = spawn("parent", parent(time)).await?;
            child.await?;
            work(2 * time);
            Ok(())
        })
    },
};
