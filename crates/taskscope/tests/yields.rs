//! How often a reader is wrong about yields.
//!
//! Tokio doesn't say why the worker called a task's waker: because the task had yielded, or because
//! the driver found its socket ready. The model infers it (`taskscope-model/src/builder/yields.rs`).
//! Here tasks count their own yields, and the two errors are bounded: yields that the trace does
//! not show, and waits for I/O that it takes for yields.
//!
//! `cargo test --release -p taskscope --test yields -- --nocapture` prints both for each program.

#![cfg(tokio_unstable)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use common::{Both, Layer, Recorded, Sources, carry_subscriber, current_thread, multi_thread};
use taskscope_model::{PollEnd, Trace};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::task::yield_now;

/// Yields by task.
static TRUTH: Mutex<Option<HashMap<u64, u64>>> = Mutex::new(None);

async fn counted_yield() {
    let id: u64 = tokio::task::id().to_string().parse().unwrap();
    *TRUTH.lock().unwrap().get_or_insert_default().entry(id).or_default() += 1;
    yield_now().await;
}

/// What the trace says beside what is so.
#[derive(Debug, Default)]
struct Errors {
    driver_wakes: u64,
    yields: u64,
    missed: u64,
    invented: u64,
}

fn errors(trace: &Trace) -> Errors {
    let truth = TRUTH.lock().unwrap();
    let mut errors = Errors::default();
    for (ix, task) in (0..).map(taskscope_model::TaskIx).zip(trace.tasks()) {
        let polls = trace.task_polls(ix).iter().map(|poll| trace.poll(poll));
        let shown = polls.filter(|poll| matches!(poll.how, PollEnd::Yielded { .. })).count() as u64;
        let known = truth.as_ref().and_then(|truth| truth.get(&task.id.0)).copied().unwrap_or(0);
        let wakes = trace.task_wakes(ix).map(|wake| trace.wake(wake).by);
        errors.driver_wakes += wakes
            .filter(|by| {
                matches!(
                    by,
                    taskscope_model::Waker::Driver(_) | taskscope_model::Waker::Deferred(_)
                )
            })
            .count() as u64;
        errors.yields += known;
        errors.missed += known.saturating_sub(shown);
        errors.invented += shown.saturating_sub(known);
    }
    errors
}

/// A server in which each request is answered at once, after some work and some yields.
#[derive(Clone, Copy, Debug, Default)]
struct Server {
    connections: usize,
    requests: usize,
    burn: Duration,
    /// Every so many requests yield; 0 for none.
    yields_each: usize,
}

fn burn(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {}
}

async fn serve(server: Server, mut stream: TcpStream) {
    let mut request = [0; 64];
    let mut number = 0;
    while let Ok(1..) = stream.read(&mut request).await {
        burn(server.burn);
        number += 1;
        if server.yields_each > 0 && number % server.yields_each == 0 {
            counted_yield().await;
        }
        if stream.write_all(b"answer").await.is_err() {
            return;
        }
    }
}

async fn ask(address: SocketAddr, requests: usize) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let mut answer = [0; 6];
    for _ in 0..requests {
        stream.write_all(b"request").await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
    }
}

impl Server {
    async fn run(self) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for _ in 0..self.connections {
                let (stream, _) = listener.accept().await.unwrap();
                stream.set_nodelay(true).unwrap();
                tokio::spawn(serve(self, stream));
            }
        });
        // On a runtime of its own, as if it were another process; it waits for I/O and never yields.
        let clients = std::thread::spawn(move || {
            current_thread().build().unwrap().block_on(async move {
                let asks = (0..self.connections).map(|_| tokio::spawn(ask(address, self.requests)));
                for ask in asks.collect::<Vec<_>>() {
                    ask.await.unwrap();
                }
            });
        });
        server.await.unwrap();
        tokio::task::spawn_blocking(|| clients.join().unwrap()).await.unwrap();
    }
}

async fn yield_many(tasks: usize, yields: usize) {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            tokio::spawn(async move {
                for _ in 0..yields {
                    counted_yield().await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn record(sources: Sources, mut builder: Builder, program: impl Future<Output = ()>) -> Recorded {
    *TRUTH.lock().unwrap() = None;
    carry_subscriber(&mut builder);
    common::record(sources, builder, |runtime| runtime.block_on(program))
}

fn server(connections: usize, requests: usize, burn: u64, yields_each: usize) -> Server {
    Server { connections, requests, burn: Duration::from_micros(burn), yields_each }
}

type Program = std::pin::Pin<Box<dyn Future<Output = ()>>>;

/// In percent.
#[derive(Clone, Copy)]
struct Bounds {
    missed: f64,
    invented: f64,
}

#[test]
fn yields_are_distinguished_from_waits_for_io() {
    // One test, since the count of yields is one for the process.
    for sources in [Both, Layer] {
        for workers in [0, 1, 2] {
            let runtime = || if workers == 0 { current_thread() } else { multi_thread(workers) };
            let check = |name: &str, program: Program, most: Bounds| {
                let recorded = record(sources, runtime(), program);
                let errors = errors(&recorded.trace);
                let missed = 100.0 * errors.missed as f64 / errors.yields.max(1) as f64;
                let others = errors.driver_wakes.saturating_sub(errors.yields).max(1);
                let invented = 100.0 * errors.invented as f64 / others as f64;
                println!(
                    "{sources:?}, {workers} workers, {name}: {} of {} yields missed ({missed:.2} \
                     %), {} of {others} other wakes taken for yields ({invented:.2} %)",
                    errors.missed, errors.yields, errors.invented,
                );
                assert!(missed <= most.missed && invented <= most.invented, "{name}: {errors:?}");
            };
            let certain = Bounds { missed: 3.0, invented: 3.0 };
            check("many yields", Box::pin(yield_many(500, 20)), certain);
            check("one task yields", Box::pin(yield_many(1, 500)), certain);
            for burn in [0, 5, 20, 50] {
                let name = format!("saturated, {burn} us a request");
                check(&name, Box::pin(server(64, 60, burn, 0).run()), certain);
            }
            // Batches of one or two, in which order says little, and parks say nearly all.
            let few = Bounds { missed: 0.0, invented: 10.0 };
            for connections in [1, 2, 4] {
                let name = format!("{connections} connections");
                check(&name, Box::pin(server(connections, 1000, 0, 0).run()), few);
            }
            // Here chance adds to the tails.
            let mixed = Bounds { missed: 10.0, invented: 20.0 };
            check("each request yields", Box::pin(server(32, 60, 5, 1).run()), mixed);
            check("some requests yield", Box::pin(server(32, 60, 5, 10).run()), mixed);
            let beside = async move {
                let yields = tokio::spawn(yield_many(20, 200));
                server(32, 60, 5, 0).run().await;
                yields.await.unwrap();
            };
            check("yields beside a server", Box::pin(beside), mixed);
        }
    }
}
