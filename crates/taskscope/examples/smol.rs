//! On an executor that is not Tokio: each future that is to be seen says so, with
//! `.recorded()` or a name. The same goes for Tokio in a program that is not built
//! with `--cfg tokio_unstable`.
//!
//! ```sh
//! cargo run -p taskscope --example smol
//! ```

use std::time::Duration;

use smol::channel::{self, Receiver};
use smol::{Executor, Timer};
use taskscope::{RecordExt, Recorder};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let recording = Recorder::builder().start()?;
    let executor = Executor::new();
    let (stop, stopped) = channel::bounded::<()>(1);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let thread = std::thread::Builder::new().name(format!("smol-{number}"));
            let run = executor.run(stopped.recv());
            thread.spawn_scoped(scope, || smol::block_on(run))?;
        }
        smol::block_on(program(&executor));
        drop(stop);
        Ok::<_, std::io::Error>(())
    })?;
    if let Some(path) = recording.finish()?.path {
        println!("To watch it: cargo run --release -- view {}", path.display());
    }
    Ok(())
}

/// Some that make numbers, one of which is slow, and one that adds them up.
async fn program(executor: &Executor<'_>) {
    let (sender, receiver) = channel::bounded(2);
    let sum = executor.spawn(sum(receiver).recorded_as("sum"));
    for number in 0..6 {
        let sender = sender.clone();
        let make = async move {
            for round in 0..10 {
                Timer::after(Duration::from_micros(200 * number)).await;
                let made = (0..2_000 * number).fold(round, u64::wrapping_add);
                if sender.send(made).await.is_err() {
                    return;
                }
            }
        };
        executor.spawn(make.recorded_as(format!("maker {number}"))).detach();
    }
    drop(sender);
    println!("the sum is {}", sum.await);
}

async fn sum(numbers: Receiver<u64>) -> u64 {
    let mut sum = 0u64;
    while let Ok(number) = numbers.recv().await {
        sum = sum.wrapping_add(number);
    }
    sum
}
