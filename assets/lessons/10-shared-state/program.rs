//! Clients add to one total, in four ways: behind a lock of the standard library, behind one of Tokio, behind several
//! locks, and by messages to the task that owns it. A fifth program holds Tokio's lock across an `.await`.

use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Barrier, Mutex, mpsc, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

/// A: who finds the lock taken waits with the whole thread.
async fn with_std_mutex(total: Arc<StdMutex<u64>>, plan: Arc<Plan>) {
    plan.start.wait().await;
    for _ in 0..plan.rounds {
        let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
        work(plan.work);
        *total += 1;
    }
}

/// B: who finds the lock taken waits as a task.
async fn with_tokio_mutex(total: Arc<Mutex<u64>>, plan: Arc<Plan>) {
    plan.start.wait().await;
    for _ in 0..plan.rounds {
        let mut total = total.lock().await;
        work(plan.work);
        *total += 1;
    }
}

/// E: the same, and the lock is held across an `.await`.
async fn held_across_await(total: Arc<Mutex<u64>>, plan: Arc<Plan>) {
    plan.start.wait().await;
    for _ in 0..plan.rounds {
        let mut total = total.lock().await;
        work(plan.work);
        yield_now().await;
        *total += 1;
    }
}

/// C: several locks, each for a part of the data.
async fn with_shards(shards: Arc<Vec<StdMutex<u64>>>, number: usize, plan: Arc<Plan>) {
    plan.start.wait().await;
    for _ in 0..plan.rounds {
        let shard = &shards[number % shards.len()];
        let mut part = shard.lock().unwrap_or_else(PoisonError::into_inner);
        work(plan.work);
        *part += 1;
    }
}

/// D: no lock. One task owns the data, and the others send it messages.
async fn owner(mut requests: mpsc::Receiver<oneshot::Sender<u64>>, plan: Arc<Plan>) -> u64 {
    let mut total = 0;
    while let Some(answer) = requests.recv().await {
        work(plan.work);
        total += 1;
        let _ = answer.send(total);
    }
    total
}

async fn with_messages(owner: mpsc::Sender<oneshot::Sender<u64>>, plan: Arc<Plan>) {
    plan.start.wait().await;
    for _ in 0..plan.rounds {
        let (answer, total) = oneshot::channel();
        let _ = owner.send(answer).await;
        let _ = total.await;
    }
}

struct Plan {
    clients: usize,
    rounds: u64,
    work: Duration,
    start: Barrier,
}

impl Plan {
    /// Spawns the clients and waits for all of them.
    async fn run<F>(&self, client: impl Fn(usize) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let named = |number| spawn(&format!("client {number}"), client(number));
        let clients: Vec<JoinHandle<()>> = (1..=self.clients).map(named).collect();
        for client in clients {
            let _ = client.await;
        }
    }
}

async fn boss(run: String, plan: Arc<Plan>) {
    let total = match &*run {
        "std-mutex" => {
            let total = Arc::new(StdMutex::new(0));
            plan.run(|_| with_std_mutex(total.clone(), plan.clone())).await;
            sum([&*total])
        }
        "tokio-mutex" => {
            let total = Arc::new(Mutex::new(0));
            plan.run(|_| with_tokio_mutex(total.clone(), plan.clone())).await;
            *total.lock().await
        }
        "held" => {
            let total = Arc::new(Mutex::new(0));
            plan.run(|_| held_across_await(total.clone(), plan.clone())).await;
            *total.lock().await
        }
        "shards" => {
            let shards: Vec<StdMutex<u64>> = (0..plan.clients).map(|_| StdMutex::new(0)).collect();
            let shards = Arc::new(shards);
            plan.run(|number| with_shards(shards.clone(), number, plan.clone())).await;
            sum(&*shards)
        }
        _ => {
            let (requests, receive) = mpsc::channel(plan.clients);
            let owner = spawn("owner", owner(receive, plan.clone()));
            plan.run(|_| with_messages(requests.clone(), plan.clone())).await;
            // The owner returns when nobody can send any more.
            drop(requests);
            owner.await.unwrap_or(0)
        }
    };
    tracing::info!(total, "all is added");
}

fn sum<'a>(parts: impl IntoIterator<Item = &'a StdMutex<u64>>) -> u64 {
    parts.into_iter().map(|part| *part.lock().unwrap_or_else(PoisonError::into_inner)).sum()
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 2, range: (1, 16) },
        Parameter { name: "clients", about: "clients", usual: 8, range: (1, 200) },
        Parameter { name: "rounds", about: "additions of each", usual: 10, range: (1, 1_000) },
        Parameter {
            name: "work",
            about: "µs in which the data is used",
            usual: 50,
            range: (1, 5_000),
        },
    ],
    runs: &["std-mutex", "tokio-mutex", "shards", "owner", "held"],
    run: |recording, run, values: &Values| {
        let runtime = multi_thread(recording, values.get("workers"))?;
        let clients = values.get("clients") as usize;
        let plan = Arc::new(Plan {
            clients,
            rounds: values.get("rounds"),
            work: Duration::from_micros(values.get("work")),
            start: Barrier::new(clients),
        });
        let boss = boss(run.to_owned(), plan);
        runtime.block_on(async { drop(spawn("boss", boss).await) });
        Ok(())
    },
};
