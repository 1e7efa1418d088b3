//! One line in a program that stays as it is.
//!
//! The runtime is running before the recording begins, so there are no hooks:
//! no parks, and the poll that a joining task is woken from is not known. See
//! `main_attribute.rs` for both.
//!
//! ```sh
//! cargo run -p taskscope --example init
//! ```

use tokio::sync::mpsc;

#[tokio::main]
async fn main() {
    let recording = taskscope::init();
    if let Some(path) = recording.path() {
        println!("recording to {}", path.display());
    }

    let (sender, mut receiver) = mpsc::channel(4);
    for number in 1..=3 {
        let sender = sender.clone();
        tokio::spawn(async move {
            for round in 1..=3 {
                if sender.send((number, round)).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    drop(sender);
    while let Some((number, round)) = receiver.recv().await {
        println!("task {number}, round {round}");
    }
}
