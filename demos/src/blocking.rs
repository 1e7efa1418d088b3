//! Sick: a server that now and then computes for long in a poll.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use taskscope::Recording;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::random::Random;
use crate::{Demo, Truth, runtime};

pub(crate) const DEMO: Demo = Demo {
    name: "blocking",
    summary: "sick: a server that hashes a password in a poll, for 30 ms; others wait meanwhile",
    look_for: "what is wrong stands at the right: a login held its worker, and requests that take \
               microseconds were late because of it",
    default_tasks: 24,
    finding: Some("held-worker"),
    recording: include_bytes!("../recordings/blocking.tscope"),
    run,
};

const WORKERS: u32 = 2;
const REQUESTS: u32 = 12;
/// One client of so many logs in, at its fourth and its ninth request.
const LOGS_IN: u32 = 4;
const HASHING: Duration = Duration::from_millis(30);

const PAGE: u8 = 1;
const LOGIN: u8 = 2;

fn run(recording: &Recording, seed: u64, clients: u32) -> io::Result<Truth> {
    let server = runtime::multi_thread(recording, "shop", WORKERS as usize)?;
    let listener = server.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
    let address = listener.local_addr()?;
    let accepting = server.spawn(accept(listener, clients));
    let outside = runtime::current_thread(recording, "clients")?;
    outside.block_on(call_all(address, seed, clients))?;
    server.block_on(accepting).map_err(io::Error::other)??;
    let clients = u64::from(clients);
    let spawned = 1 + clients + clients;
    Ok(Truth {
        spawned,
        returned: spawned,
        least_polls: spawned,
        connections: clients,
        runtimes: 2,
        workers: WORKERS + 1,
        ..Truth::default()
    })
}

async fn accept(listener: TcpListener, connections: u32) -> io::Result<()> {
    let mut serving = JoinSet::new();
    for number in 0..connections {
        let (stream, _) = listener.accept().await?;
        runtime::spawn_on(&mut serving, &format!("connection {number}"), handle_connection(stream));
    }
    while let Some(served) = serving.join_next().await {
        served.map_err(io::Error::other)??;
    }
    Ok(())
}

/// Answers requests until the client hangs up.
async fn handle_connection(mut stream: TcpStream) -> io::Result<()> {
    loop {
        match stream.read_u8().await {
            Ok(LOGIN) => hash_password(),
            Ok(_) => runtime::work(40),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
        stream.write_u8(0).await?;
    }
}

/// Slow, as it has to be; so it would belong on a thread of the blocking pool.
fn hash_password() {
    let _span = tracing::info_span!("hash_password").entered();
    runtime::work(HASHING.as_micros() as u64);
}

async fn call_all(server: SocketAddr, seed: u64, clients: u32) -> io::Result<()> {
    let mut calling = JoinSet::new();
    for number in 0..clients {
        let client = call(server, number, Random::new(seed, number.into()));
        runtime::spawn_on(&mut calling, &format!("client {number}"), client);
    }
    while let Some(called) = calling.join_next().await {
        called.map_err(io::Error::other)??;
    }
    Ok(())
}

/// One client: connects, and sends requests with pauses.
async fn call(server: SocketAddr, number: u32, mut random: Random) -> io::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    for request in 0..REQUESTS {
        tokio::time::sleep(Duration::from_millis(random.between(2, 14))).await;
        let logs_in = number.is_multiple_of(LOGS_IN) && matches!(request, 3 | 8);
        stream.write_u8(if logs_in { LOGIN } else { PAGE }).await?;
        stream.read_u8().await?;
    }
    Ok(())
}
