//! What the measured process does.

use std::io::BufRead;

use clap::ValueEnum;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::variant::Spawner;

/// A program to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Workload {
    /// 20,000 tasks that give way 100 times each: 2.02 million polls, which do
    /// nothing else. No program schedules more.
    Storm,
    /// One million tasks that return at once, at most 1,000 of them alive.
    Spawns,
    /// A server under load from another process: a task a connection, which
    /// asks a shared task at each request.
    Server,
}

const YIELDS: u64 = 100;
const ALIVE: u64 = 1_000;

/// Bytes of a request and of its answer.
pub const MESSAGE: usize = 128;

impl Workload {
    /// How often it does what it does: polls, spawns, requests.
    pub fn operations(self, quick: bool) -> u64 {
        let operations = match self {
            Self::Storm => 20_000 * (YIELDS + 1),
            Self::Spawns => 1_000_000,
            Self::Server => 200_000,
        };
        if quick { operations / 10 } else { operations }
    }

    /// The word for one of [`operations`](Self::operations).
    pub fn operation(self) -> &'static str {
        match self {
            Self::Storm => "poll",
            Self::Spawns => "spawn",
            Self::Server => "request",
        }
    }

    /// Does it, on the current runtime.
    pub async fn run(
        self,
        quick: bool,
        spawner: Spawner,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let operations = self.operations(quick);
        match self {
            Self::Storm => storm(operations / (YIELDS + 1), spawner).await,
            Self::Spawns => spawns(operations, spawner).await,
            Self::Server => serve(spawner).await?,
        }
        Ok(())
    }
}

async fn storm(tasks: u64, spawner: Spawner) {
    join(
        (0..tasks)
            .map(|_| {
                spawner.spawn(async {
                    for _ in 0..YIELDS {
                        yield_now().await;
                    }
                })
            })
            .collect(),
    )
    .await;
}

async fn spawns(tasks: u64, spawner: Spawner) {
    // From a worker: from outside, each spawn wakes a worker of its own.
    let all = spawner.spawn(async move {
        for _ in 0..tasks / ALIVE {
            join((0..ALIVE).map(|_| spawner.spawn(async {})).collect()).await;
        }
    });
    join(vec![all]).await;
}

async fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        // A task that panicked has said so.
        let _ = handle.await;
    }
}

type Question = (u8, oneshot::Sender<u8>);

/// Answers clients, until a line comes in on standard input.
async fn serve(spawner: Spawner) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let (ask, mut questions) = mpsc::channel::<Question>(64);
    spawner.spawn(async move {
        while let Some((question, answer)) = questions.recv().await {
            let _ = answer.send(question.wrapping_add(1));
        }
    });
    spawner.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let ask = ask.clone();
            spawner.spawn(async move {
                // The client has gone.
                let _ = connection(stream, ask).await;
            });
        }
    });
    let (stop, stopped) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = std::io::stdin().lock().read_line(&mut String::new());
        let _ = stop.send(());
    });
    let _ = stopped.await;
    Ok(())
}

async fn connection(mut stream: TcpStream, ask: mpsc::Sender<Question>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut message = [0; MESSAGE];
    loop {
        stream.read_exact(&mut message).await?;
        let (answer, answered) = oneshot::channel();
        if ask.send((message[0], answer)).await.is_err() {
            return Ok(());
        }
        message[0] = answered.await.unwrap_or_default();
        stream.write_all(&message).await?;
    }
}
