//! A TCP server and its clients.

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
    name: "server",
    summary: "a TCP server on loopback with a task per connection, and clients that call it",
    look_for: "a connection's task waits most of the time; each request wakes it for a short \
               poll, on whichever worker the I/O driver runs",
    findings: &[],
    default_tasks: 40,
    recording: include_bytes!("../recordings/server.tscope"),
    run,
};

const SERVER_WORKERS: u32 = 3;
const REQUESTS: u64 = 6;

fn run(recording: &Recording, seed: u64, clients: u32) -> io::Result<Truth> {
    let server = runtime::multi_thread(recording, "server", SERVER_WORKERS as usize)?;
    let listener = server.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let accepting = server.spawn(accept(listener, clients));
    // The clients have a runtime of their own, as they would in other programs.
    let outside = runtime::current_thread(recording, "clients")?;
    outside.block_on(call_all(address, seed, clients))?;
    server.block_on(accepting).map_err(io::Error::other)??;
    let clients = u64::from(clients);
    // The task that accepts, the connections, the clients.
    let spawned = 1 + clients + clients;
    Ok(Truth {
        spawned,
        returned: spawned,
        least_polls: spawned,
        connections: clients,
        runtimes: 2,
        workers: SERVER_WORKERS + 1,
        ..Truth::default()
    })
}

/// Accepts `connections` connections and waits until all are closed.
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

/// Answers requests until the client hangs up. A request is a number of
/// microseconds to compute for.
async fn serve(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let micros = match stream.read_u16().await {
            Ok(micros) => micros,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        };
        // As a web framework has one for each request.
        let request = tracing::info_span!("request", micros);
        answer(&mut stream, micros).instrument(request).await?;
    }
}

async fn answer(stream: &mut TcpStream, micros: u16) -> io::Result<()> {
    runtime::work(micros.into());
    stream.write_u8(1).await?;
    tracing::info!("answered");
    Ok(())
}

async fn call_all(server: SocketAddr, seed: u64, clients: u32) -> io::Result<()> {
    let mut calling = JoinSet::new();
    for number in 0..clients {
        calling.spawn(call(server, Random::new(seed, number.into())));
    }
    while let Some(called) = calling.join_next().await {
        called.map_err(io::Error::other)??;
    }
    Ok(())
}

/// One client: connects, and sends requests with pauses.
async fn call(server: SocketAddr, mut random: Random) -> io::Result<()> {
    tokio::time::sleep(Duration::from_millis(random.between(0, 40))).await;
    let mut stream = TcpStream::connect(server).await?;
    for _ in 0..REQUESTS {
        let micros = u16::try_from(random.between(30, 500)).unwrap_or(u16::MAX);
        stream.write_u16(micros).await?;
        stream.read_u8().await?;
        tokio::time::sleep(Duration::from_millis(random.between(1, 12))).await;
    }
    Ok(())
}
