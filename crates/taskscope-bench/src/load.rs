//! Clients for the measured server, in a process that nothing records.

use std::error::Error;
use std::time::Instant;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::workload::MESSAGE;

const CONNECTIONS: u64 = 64;

/// What the clients saw.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct Load {
    /// Answers each second, over all connections.
    pub requests_per_second: f64,
    /// How long 99 of 100 requests took at most.
    pub p99_ns: u64,
}

/// Sends `requests` to a port of this machine: on each connection one after the
/// other, as fast as the answers come.
pub fn run(port: u16, requests: u64) -> Result<Load, Box<dyn Error>> {
    // One thread: the server keeps a core to itself on the smallest machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for _ in 0..CONNECTIONS {
            clients.spawn(client(port, requests / CONNECTIONS));
        }
        let mut all = Histogram::<u64>::new(3)?;
        while let Some(latencies) = clients.join_next().await {
            all.add(latencies??)?;
        }
        Ok(Load {
            requests_per_second: all.len() as f64 / begun.elapsed().as_secs_f64(),
            p99_ns: all.value_at_quantile(0.99),
        })
    })
}

async fn client(port: u16, requests: u64) -> std::io::Result<Histogram<u64>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut latencies = Histogram::new(3).map_err(std::io::Error::other)?;
    let mut message = [0; MESSAGE];
    for _ in 0..requests {
        let sent = Instant::now();
        stream.write_all(&message).await?;
        stream.read_exact(&mut message).await?;
        let nanos = u64::try_from(sent.elapsed().as_nanos()).unwrap_or(u64::MAX);
        latencies.record(nanos).map_err(std::io::Error::other)?;
    }
    Ok(latencies)
}
