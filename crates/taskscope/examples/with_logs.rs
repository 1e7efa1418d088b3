//! A program with logs of its own, recorded by `#[taskscope::main]`.
//!
//! The attribute would set the process's `tracing` subscriber, and so would
//! `tracing_subscriber::fmt::init()`; a process has one. So `logs` sets it, with both layers.
//!
//! ```sh
//! cargo run -p taskscope --example with_logs
//! ```

use std::time::Duration;

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{fmt, registry};

#[taskscope::main(worker_threads = 2, subscriber = logs)]
async fn main() {
    let works: Vec<_> = (1..=5)
        .map(|number| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(number)).await;
                tracing::info!(number, "has slept");
            })
        })
        .collect();
    for work in works {
        if let Err(error) = work.await {
            tracing::error!(%error, "a task did not return");
        }
    }
}

/// The filter stands on the layer that it is for: the recorder needs Tokio's spans, which are of
/// the level `TRACE`.
fn logs(recording: &taskscope::Recording) {
    registry().with(fmt::layer().with_filter(LevelFilter::INFO)).with(recording.layer()).init();
}
