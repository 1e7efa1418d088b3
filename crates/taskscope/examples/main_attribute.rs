//! The shortest way to a full recording: `#[taskscope::main]` in place of
//! `#[tokio::main]`.
//!
//! ```sh
//! cargo run -p taskscope --example main_attribute
//! ```

use std::time::Duration;

#[taskscope::main(worker_threads = 2)]
async fn main() {
    let greetings: Vec<_> = (1..=5)
        .map(|number| {
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(number)).await;
                format!("task {number} greets")
            })
        })
        .collect();
    for greeting in greetings {
        match greeting.await {
            Ok(text) => println!("{text}"),
            Err(error) => eprintln!("{error}"),
        }
    }
}
