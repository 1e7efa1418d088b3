//! A server on this machine, and clients that connect to it. Each connection is a task.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::Barrier;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

async fn serve(listener: TcpListener, clients: u64, time: Duration) -> io::Result<()> {
    let mut handles = Vec::new();
    for number in 1..=clients {
        let (stream, _) = listener.accept().await?;
        handles.push(spawn(&format!("connection {number}"), talk(stream, time)));
    }
    for handle in handles {
        handle.await??;
    }
    Ok(())
}

async fn talk(stream: TcpStream, time: Duration) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"Who are you?\n").await?;
    let mut name = String::new();
    stream.read_line(&mut name).await?;
    work(time);
    stream.write_all(format!("Hello, {name}").as_bytes()).await
}

/// A client, on a thread of its own. No one answers before all have been asked.
fn client(server: SocketAddr, number: u64, all_asked: &Barrier) -> io::Result<()> {
    let mut stream = io::BufReader::new(std::net::TcpStream::connect(server)?);
    let mut line = String::new();
    stream.read_line(&mut line)?;
    all_asked.wait();
    std::thread::sleep(Duration::from_micros(700 * number));
    stream.get_mut().write_all(format!("client {number}\n").as_bytes())?;
    stream.read_line(&mut line).map(drop)
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 2, range: (1, 16) },
        Parameter { name: "clients", about: "clients", usual: 6, range: (1, 100) },
        Parameter {
            name: "work",
            about: "µs of work for an answer",
            usual: 500,
            range: (1, 20_000),
        },
    ],
    runs: &["server"],
    run: |recording, _, values: &Values| {
        let runtime = multi_thread(recording, values.get("workers"))?;
        let (clients, time) = (values.get("clients"), Duration::from_micros(values.get("work")));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let server = listener.local_addr()?;
        let all_asked = Barrier::new(clients as usize);
        std::thread::scope(|threads| {
            for number in 1..=clients {
                let all_asked = &all_asked;
                threads.spawn(move || client(server, number, all_asked));
            }
            runtime.block_on(async { spawn("accept", serve(listener, clients, time)).await? })
        })
    },
};
