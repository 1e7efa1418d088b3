//! Jobs that meet again and again. The last one to come wakes all others, on one worker; the others take their share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Barrier;

use crate::support::{multi_thread, spawn, work};
use crate::{Parameter, Program, Values};

/// Works, and waits for the others.
async fn job(meeting: Arc<Meeting>) {
    for round in 1..=meeting.rounds {
        meeting.begun.fetch_add(1, Ordering::Relaxed);
        work(meeting.work);
        // The last one to come wakes all others and goes on at once.
        if meeting.barrier.wait().await.is_leader() {
            meeting.keep_busy(round);
        }
    }
}

/// Spawns all jobs, and waits for them.
async fn boss(jobs: u64, meeting: Arc<Meeting>) {
    let mut handles = Vec::new();
    for number in 1..=jobs {
        let name = format!("job {number}");
        handles.push(spawn(&name, job(meeting.clone())));
    }
    for handle in handles {
        let _ = handle.await;
    }
}

struct Meeting {
    jobs: u64,
    rounds: u64,
    work: Duration,
    barrier: Barrier,
    begun: AtomicU64,
}

impl Meeting {
    /// Works until half of the jobs have begun the next round: on other workers, since this one is busy.
    fn keep_busy(&self, round: u64) {
        let enough = round * self.jobs + self.jobs / 2;
        while round < self.rounds && self.begun.load(Ordering::Relaxed) < enough {
            work(Duration::from_micros(10));
        }
    }
}

pub(crate) const PROGRAM: Program = Program {
    parameters: &[
        Parameter { name: "workers", about: "workers", usual: 4, range: (2, 16) },
        Parameter { name: "jobs", about: "jobs", usual: 12, range: (1, 200) },
        Parameter { name: "rounds", about: "rounds", usual: 5, range: (1, 100) },
        Parameter { name: "work", about: "µs of work in a poll", usual: 200, range: (1, 20_000) },
    ],
    runs: &["moves"],
    run: |recording, _, values: &Values| {
        let runtime = multi_thread(recording, values.get("workers"))?;
        let jobs = values.get("jobs");
        let meeting = Arc::new(Meeting {
            jobs,
            rounds: values.get("rounds"),
            work: Duration::from_micros(values.get("work")),
            barrier: Barrier::new(jobs as usize),
            begun: AtomicU64::new(0),
        });
        let boss = boss(jobs, meeting);
        runtime.block_on(async { drop(spawn("boss", boss).await) });
        Ok(())
    },
};
