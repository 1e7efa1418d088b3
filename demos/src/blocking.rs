//! A TCP server of which one handler computes without awaiting.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use taskscope::Recording;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::random::Random;
use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "blocking",
    summary: "a TCP server that answers quickly, but for its reports, which it computes for 30 ms without awaiting",
    look_for: "most polls are too short to see, and six are not: whoever stands behind one of these in \
               the queue of its worker waits for 30 ms",
    findings: &["held_worker"],
    default_tasks: 24,
    recording: include_bytes!("../recordings/blocking.tscope"),
    run,
};

const SERVER_WORKERS: u32 = 2;
const REQUESTS: u64 = 12;
/// All from one client, one after another, so that there are never two at once.
const REPORTS: u64 = 6;
/// A report is made of the answers to so many queries, each a task.
const QUERIES: u64 = 8;
/// Longer than the 20 ms from which taskscope calls it an alarm.
const REPORT_MICROS: u64 = 30_000;

/// What a client sends to ask for an item, and for a report.
const ITEM: u8 = 0;
const REPORT: u8 = 1;

fn run(recording: &Recording, seed: u64, clients: u32) -> io::Result<Truth> {
    let server = runtime::multi_thread(recording, "server", SERVER_WORKERS as usize)?;
    let listener = server.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    // The clients, and the dashboard.
    let connections = clients + 1;
    let accepting = server.spawn(accept(listener, connections));
    let outside = runtime::current_thread(recording, "clients")?;
    outside.block_on(call_all(address, seed, clients))?;
    server.block_on(accepting).map_err(io::Error::other)??;
    let connections = u64::from(connections);
    // The task that accepts, the connections, the clients, and the queries.
    let spawned = 1 + connections + connections + REPORTS * QUERIES;
    Ok(Truth {
        spawned,
        returned: spawned,
        least_polls: spawned,
        connections,
        runtimes: 2,
        workers: SERVER_WORKERS + 1,
        ..Truth::default()
    })
}

async fn accept(listener: TcpListener, connections: u32) -> io::Result<()> {
    let mut serving = JoinSet::new();
    for number in 0..connections {
        let (stream, _) = listener.accept().await?;
        runtime::spawn(&mut serving, &format!("connection {number}"), serve(stream))?;
    }
    while let Some(served) = serving.join_next().await {
        served.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Answers requests until the client hangs up.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let request = match stream.read_u8().await {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        let path = if request == REPORT { "/report" } else { "/item" };
        let span = tracing::info_span!("request", path);
        handle(&mut stream, request).instrument(span).await?;
    }
}

async fn handle(stream: &mut TcpStream, request: u8) -> io::Result<()> {
    if request == REPORT {
        report().await?
    } else {
        look_up_item()
    }
    stream.write_u8(request).await
}

async fn report() -> io::Result<()> {
    let mut querying = JoinSet::new();
    // They stand in the queue of this worker when the computing begins. The other steals all but the last: that has the
    // LIFO slot, from which none is stolen.
    for number in 0..QUERIES {
        runtime::spawn(&mut querying, &format!("query {number}"), query())?;
    }
    compute_report();
    while let Some(answered) = querying.join_next().await {
        answered.map_err(io::Error::other)?;
    }
    Ok(())
}

fn look_up_item() {
    runtime::work(30);
}

/// What is wrong here: it belongs into `spawn_blocking`.
fn compute_report() {
    runtime::work(REPORT_MICROS);
}

async fn query() {
    runtime::work(20);
}

async fn call_all(server: SocketAddr, seed: u64, clients: u32) -> io::Result<()> {
    let mut calling = JoinSet::new();
    for number in 0..clients {
        let random = Random::new(seed, number.into());
        runtime::spawn(&mut calling, &format!("client {number}"), browse(server, random))?;
    }
    runtime::spawn(&mut calling, "dashboard", watch_reports(server))?;
    while let Some(called) = calling.join_next().await {
        called.map_err(io::Error::other)??;
    }
    Ok(())
}

/// A client that asks for items, with pauses.
async fn browse(server: SocketAddr, mut random: Random) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    for _ in 0..REQUESTS {
        ask(&mut stream, ITEM).await?;
        tokio::time::sleep(Duration::from_millis(random.between(10, 30))).await;
    }
    Ok(())
}

/// The client that asks for reports.
async fn watch_reports(server: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    for _ in 0..REPORTS {
        tokio::time::sleep(Duration::from_millis(15)).await;
        ask(&mut stream, REPORT).await?;
    }
    Ok(())
}

async fn ask(stream: &mut TcpStream, request: u8) -> io::Result<()> {
    stream.write_u8(request).await?;
    stream.read_u8().await.map(drop)
}
