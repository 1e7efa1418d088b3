//! Polls, against futures that count their own, on several executors.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use taskscope::RecordExt;
use taskscope_format::EndKind;
use taskscope_model::{LaneKind, PollEnd};
use tokio::sync::mpsc;

use crate::common::{Recorded, current_thread, multi_thread};
use crate::{find, wrapped};

/// Counts polls by name.
#[derive(Clone, Default)]
struct Oracle(Arc<Mutex<HashMap<String, Arc<AtomicU32>>>>);

impl Oracle {
    /// A future that counts its polls, recorded under a name.
    fn counted<F: Future>(&self, name: String, future: F) -> taskscope::Recorded<Counted<F>> {
        let polls = Arc::clone(self.0.lock().unwrap().entry(name.clone()).or_default());
        Counted { future: Box::pin(future), polls }.recorded_as(name)
    }

    /// All of them were recorded as they were polled, and returned.
    fn check(&self, recorded: &Recorded) {
        let counts = self.0.lock().unwrap();
        assert_eq!(recorded.trace.task_count(), counts.len());
        for (name, polls) in counts.iter() {
            let (task, id) = find(recorded, name);
            assert_eq!(recorded.trace.task(task).poll_count(), polls.load(Ordering::Relaxed));
            assert_eq!(recorded.ends(id), [(EndKind::Returned, false)], "{name}");
            let polls = recorded.trace.task_polls(task);
            let how = |(position, poll)| match recorded.trace.poll(poll).how {
                PollEnd::Ready => position + 1 == polls.len(),
                _ => position + 1 < polls.len(),
            };
            assert!(polls.iter().enumerate().all(how), "{name}");
        }
    }
}

struct Counted<F> {
    future: Pin<Box<F>>,
    polls: Arc<AtomicU32>,
}

impl<F: Future> Future for Counted<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.polls.fetch_add(1, Ordering::Relaxed);
        self.future.as_mut().poll(context)
    }
}

/// Some turns for the executor, of every sort that needs no runtime: a channel
/// that is too narrow, and wakes of its own.
async fn busy(sender: mpsc::Sender<u32>, rounds: u32) {
    for round in 0..rounds {
        sender.send(round).await.unwrap();
        smol::future::yield_now().await;
    }
}

async fn take_all(mut receiver: mpsc::Receiver<u32>) -> u32 {
    let mut taken = 0;
    while receiver.recv().await.is_some() {
        taken += 1;
    }
    taken
}

fn counts_on_tokio(builder: &mut tokio::runtime::Builder) {
    let oracle = Oracle::default();
    let recorded = wrapped(|| {
        let runtime = builder.build().unwrap();
        let taken = runtime.block_on(async {
            let (sender, receiver) = mpsc::channel(2);
            for number in 0..20 {
                let busy = busy(sender.clone(), 30);
                tokio::spawn(oracle.counted(format!("sender {number}"), busy));
            }
            drop(sender);
            tokio::spawn(oracle.counted("receiver".to_owned(), take_all(receiver))).await.unwrap()
        });
        assert_eq!(taken, 20 * 30);
    });
    oracle.check(&recorded);
    let trace = &recorded.trace;
    assert!(
        trace.polls().map(|(_, poll)| poll).all(|poll| trace.is_worker(poll.lane)),
        "Tokio was asked"
    );
    assert_eq!(trace.summary().polls, trace.poll_count());
}

#[test]
fn polls_on_the_workers_of_tokio() {
    counts_on_tokio(&mut multi_thread(2));
}

#[test]
fn polls_on_the_current_thread() {
    counts_on_tokio(&mut current_thread());
}

/// Runs `main` on an executor of two threads that is not Tokio's.
fn on_smol(main: impl Future<Output = ()>, executor: &smol::Executor<'_>) {
    let (stop, stopped) = smol::channel::bounded::<()>(1);
    std::thread::scope(|scope| {
        for number in 0..2 {
            let thread = std::thread::Builder::new().name(format!("smol-{number}"));
            let stopped = stopped.clone();
            let run = async move {
                let _ = executor.run(stopped.recv()).await;
            };
            thread.spawn_scoped(scope, || smol::block_on(run)).unwrap();
        }
        smol::block_on(main);
        drop(stop);
    });
}

#[test]
fn polls_on_an_executor_that_is_not_tokio() {
    let oracle = Oracle::default();
    let recorded = wrapped(|| {
        let executor = smol::Executor::new();
        let main = async {
            let (sender, receiver) = mpsc::channel(2);
            for number in 0..20 {
                let busy = busy(sender.clone(), 30);
                executor.spawn(oracle.counted(format!("sender {number}"), busy)).detach();
            }
            drop(sender);
            let taken = oracle.counted("receiver".to_owned(), take_all(receiver));
            assert_eq!(executor.spawn(taken).await, 20 * 30);
        };
        on_smol(main, &executor);
    });
    oracle.check(&recorded);
    let trace = &recorded.trace;
    assert!(trace.runtimes().is_empty());
    for (_, poll) in trace.polls() {
        let LaneKind::Thread(thread) = trace.lane(poll.lane).kind else { panic!("{poll:?}") };
        assert!(trace.thread_name(thread).starts_with("thread smol-"));
    }
    // The figures know them, and what they sum up to.
    let summary = trace.summary();
    assert_eq!(summary.polls, trace.poll_count());
    assert_eq!(summary.threads.iter().map(|thread| thread.polls).sum::<u64>(), summary.polls);
    assert_eq!(summary.tasks.returned, Some(21));
    let longest = trace.polls().map(|(_, poll)| poll).map(|poll| poll.duration()).max();
    assert_eq!(Some(summary.longest_poll_ns), longest);
    // Each that yielded says so.
    let yields = trace
        .polls()
        .map(|(_, poll)| poll)
        .filter(|poll| matches!(poll.how, PollEnd::Yielded { .. }));
    assert!(yields.count() >= 20 * 30);
}
