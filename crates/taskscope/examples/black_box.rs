//! Why did it die? A small service with a black box, whose third request brings it down.
//!
//! ```sh
//! cargo run -p taskscope --example black_box     # ends by SIGABRT, and leaves black_box.tscope
//! taskscope boxes .                              # what ended, and what it was at
//! taskscope view black_box.tscope                # its last moments
//! ```
//!
//! Nothing here runs when the process dies. It is as well for `kill -9`, for the kernel that is out
//! of memory, and for a segmentation fault.

use std::error::Error;
use std::time::Duration;

use taskscope::{BlackBoxConfig, Recorder};
use tokio::runtime::Builder;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::var_os("TASKSCOPE_BLACK_BOX").unwrap_or("black_box.tscope".into());
    let recording =
        Recorder::builder().black_box(BlackBoxConfig::new(path).bytes(8 << 20)).start()?;
    tracing::dispatcher::set_global_default(recording.subscriber())?;
    let mut builder = Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    builder.build()?.block_on(async {
        tokio::spawn(serve()).await?;
        Ok(())
    })
}

/// Answers a request each 20 ms.
async fn serve() {
    for number in 0.. {
        let request =
            tokio::task::Builder::new().name(&format!("request {number}")).spawn(answer(number));
        if let Err(error) = request {
            println!("cannot answer request {number}: {error}");
        }
        println!("request {number} has come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn answer(number: u32) {
    tokio::time::sleep(Duration::from_millis(5)).await;
    if number == 3 {
        // A C library that blocks its worker, and then gives up on the whole process.
        std::thread::sleep(Duration::from_millis(300));
        std::process::abort();
    }
}
