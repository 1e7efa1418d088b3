//! An `axum` server: `#[taskscope::main]` in place of `#[tokio::main]`, and all
//! else as it was.
//!
//! This one has clients of its own and ends when they are content.
//!
//! ```sh
//! cargo run -p taskscope --example axum
//! ```

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
const REQUESTS: usize = 5;

#[taskscope::main(worker_threads = 2)]
async fn main() -> io::Result<()> {
    let app =
        Router::new().route("/", get(|| async { "Hello!" })).route("/count/{number}", get(count));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    println!("serving http://{address}");

    axum::serve(listener, app)
        .with_graceful_shutdown(async move {
            if let Err(error) = clients(address).await {
                eprintln!("a client failed: {error}");
            }
        })
        .await?;

    let file = std::env::var("TASKSCOPE_FILE")
        .unwrap_or_else(|_| format!("axum-{}.tscope", std::process::id()));
    println!("To watch it: cargo run --release -- view {file}");
    Ok(())
}

/// Takes a while, some of it waiting and some of it working.
async fn count(Path(number): Path<u64>) -> String {
    tokio::time::sleep(Duration::from_millis(number)).await;
    let sum: u64 = (0..number * 1_000).sum();
    format!("{sum}")
}

async fn clients(address: SocketAddr) -> io::Result<()> {
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        // A name is worth having in a trace, and needs Tokio's `Builder`.
        clients.build_task().name(&format!("client {number}")).spawn(client(address))?;
    }
    while let Some(answers) = clients.join_next().await {
        println!("{} bytes of answers", answers??);
    }
    Ok(())
}

/// Makes its requests one after another. Returns how long the answers were.
async fn client(address: SocketAddr) -> io::Result<usize> {
    let mut length = 0;
    for number in 0..REQUESTS {
        let mut stream = TcpStream::connect(address).await?;
        let request =
            format!("GET /count/{number} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        if !answer.starts_with("HTTP/1.1 200 OK") {
            return Err(io::Error::other(answer));
        }
        length += answer.len();
    }
    Ok(length)
}
