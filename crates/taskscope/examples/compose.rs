//! Beside other layers, and on a runtime of one's own making.
//!
//! `fmt` has its level as a filter of its own. So it prints what it always
//! printed, and the recorder, which needs Tokio's `TRACE` spans, sees them.
//!
//! ```sh
//! RUST_LOG=info cargo run -p taskscope --example compose
//! ```

use std::error::Error;

use tokio::runtime::Builder;
use tracing::info;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, fmt};

fn main() -> Result<(), Box<dyn Error>> {
    let recording = taskscope::Recorder::builder().start()?;
    tracing_subscriber::registry()
        .with(fmt::layer().with_filter(EnvFilter::from_default_env()))
        .with(recording.layer())
        .init();

    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_all();
    recording.named_hooks(&mut builder, "workers");
    let runtime = builder.build()?;

    runtime.block_on(async {
        let sum = tokio::spawn(async { (1..=100).sum::<u32>() }).await?;
        info!(sum, "the task has returned");
        Ok::<_, tokio::task::JoinError>(())
    })?;

    // The runtime first, so that its shutdown is recorded too.
    drop(runtime);
    let report = recording.finish()?;
    if let Some(path) = report.path {
        println!("{} bytes of events in {}", report.bytes, path.display());
    }
    Ok(())
}
