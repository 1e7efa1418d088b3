//! What `.await` gives away, and when: three tasks that yield, and one that does not.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{spawn_blocking, yield_now};
use tokio::time::sleep;

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

/// Waits for a timer: pending until that fires.
async fn sleeper(time: Duration) {
    for _ in 1..=3 {
        work(time);
        sleep(Duration::from_millis(1)).await;
    }
}

/// Could go on, and lets the others run first.
async fn polite(time: Duration) {
    for step in 1..=3 {
        work(time);
        tracing::info!("stops after step {step}");
        yield_now().await;
        tracing::info!("goes on after step {step}");
    }
}

/// Takes what is there already: it need not wait once.
async fn reader(mut messages: mpsc::Receiver<u32>, time: Duration) {
    while let Some(_message) = messages.recv().await {
        work(time / 20);
    }
}

/// Computes for long. There is an `.await` after each step, but nothing to wait for.
async fn greedy(steps: u64, time: Duration) {
    for _ in 0..steps {
        step(time).await;
    }
}

async fn step(time: Duration) {
    work(time);
}

/// The first cure: let others run after each step.
async fn greedy_that_yields(steps: u64, time: Duration) {
    for _ in 0..steps {
        step(time).await;
        yield_now().await;
    }
}

/// The second cure: compute on a thread that no task needs.
async fn greedy_elsewhere(steps: u64, time: Duration) {
    let computed = spawn_blocking(move || {
        for _ in 0..steps {
            work(time);
        }
    });
    let _ = computed.await;
}

/// The neighbour: has little to do, every now and then.
async fn ticker() {
    for _ in 1..=3 {
        sleep(Duration::from_millis(1)).await;
        work(Duration::from_micros(50));
    }
}

async fn three_ways(messages: u64, time: Duration) {
    let (send, receive) = mpsc::channel(messages as usize);
    for number in 0..messages as u32 {
        let _ = send.try_send(number);
    }
    drop(send);
    let sleeper = spawn("sleeper", sleeper(time));
    let polite = spawn("polite", polite(time));
    let reader = spawn("reader", reader(receive, time));
    let _ = tokio::join!(sleeper, polite, reader);
}

async fn two_tasks(run: String, steps: u64, time: Duration) {
    let greedy = match &*run {
        "yield_now" => spawn("greedy", greedy_that_yields(steps, time)),
        "spawn_blocking" => spawn("greedy", greedy_elsewhere(steps, time)),
        _ => spawn("greedy", greedy(steps, time)),
    };
    // Spawned last, it is polled first.
    let ticker = spawn("ticker", ticker());
    let _ = tokio::join!(greedy, ticker);
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 1, range: (1, 16) },
        Parameter { name: "steps", about: "steps of greedy", usual: 40, range: (1, 1_000) },
        Parameter { name: "messages", about: "messages", usual: 300, range: (1, 10_000) },
        Parameter { name: "work", about: "µs of work in a step", usual: 500, range: (1, 20_000) },
    ],
    runs: &["three-ways", "never", "yield_now", "spawn_blocking"],
    run: |recording, run, values: &Values| {
        let runtime = multi_thread(recording, values.get("workers"))?;
        let time = Duration::from_micros(values.get("work"));
        let (steps, messages) = (values.get("steps"), values.get("messages"));
        let run = run.to_owned();
        runtime.block_on(async move {
            let boss = match &*run {
                "three-ways" => spawn("boss", three_ways(messages, time / 5)),
                _ => spawn("boss", two_tasks(run, steps, time)),
            };
            let _ = boss.await;
        });
        Ok(())
    },
};
