//! In a program that has it all: logs by `fmt`, filtered, and `tokio-console`.
//!
//! Each layer gets what it is meant to get. `fmt` has its filter to itself,
//! `console_subscriber::spawn()` brings one along, and so does the recorder.
//!
//! ```sh
//! cargo run -p taskscope --example with_console
//! ```

use std::error::Error;

use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tracing::{debug, info};
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

fn main() -> Result<(), Box<dyn Error>> {
    let recording = taskscope::Recorder::builder().start()?;
    tracing_subscriber::registry()
        // In place of `console_subscriber::init()`, which would be alone.
        .with(console_subscriber::spawn())
        .with(fmt::layer().with_filter(EnvFilter::new("info")))
        .with(recording.layer())
        .init();

    let mut builder = Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    let runtime = builder.build()?;
    let sum = runtime.block_on(program())?;
    info!(sum, "all have answered");

    // The runtime first, so that its shutdown is recorded too.
    drop(runtime);
    if let Some(path) = recording.finish()?.path {
        println!("To watch it: cargo run --release -- view {}", path.display());
    }
    Ok(())
}

/// A few senders, one receiver, and a channel that is too narrow for them.
async fn program() -> Result<u64, Box<dyn Error>> {
    let (sender, mut receiver) = mpsc::channel(2);
    for number in 1..=8 {
        let sender = sender.clone();
        let send = async move {
            for round in 1..=50 {
                debug!(number, round, "below the level of the logs");
                if sender.send(number * round).await.is_err() {
                    return;
                }
            }
        };
        tokio::task::Builder::new().name(&format!("sender {number}")).spawn(send)?;
    }
    drop(sender);
    let sum = async move {
        let mut sum = 0;
        while let Some(number) = receiver.recv().await {
            sum += number;
        }
        sum
    };
    Ok(tokio::task::Builder::new().name("receiver").spawn(sum)?.await?)
}
