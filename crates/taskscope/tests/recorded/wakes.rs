//! Calls of the wakers that wrapped futures are given.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::Waker as StdWaker;
use std::task::{Context, Poll, Wake};

use taskscope::{Detail, RecordExt, Recorder};
use taskscope_format::EndKind;
use taskscope_model::{State, Waker};
use tokio::sync::oneshot;

use crate::common::{current_thread, read};
use crate::{alone, find, woken_by, wrapped};

#[test]
fn wakes_name_who_called_the_waker() {
    let recorded = wrapped(|| {
        current_thread().build().unwrap().block_on(async {
            let (by_task, first) = oneshot::channel();
            let (by_thread, second) = oneshot::channel();
            let waits = async {
                first.await.unwrap();
                second.await.unwrap();
            };
            let waits = tokio::spawn(waits.recorded_as("waits"));
            tokio::task::yield_now().await;
            let sends = async { by_task.send(()).unwrap() };
            tokio::spawn(sends.recorded_as("sends")).await.unwrap();
            tokio::task::yield_now().await;
            let thread = std::thread::Builder::new().name("calls".to_owned());
            let thread = thread.spawn(|| by_thread.send(()).unwrap()).unwrap();
            waits.await.unwrap();
            thread.join().unwrap();
        });
    });
    let (waits, _) = find(&recorded, "waits");
    let (sends, _) = find(&recorded, "sends");
    let [Waker::Task(task), Waker::Thread(thread)] = woken_by(&recorded, waits)[..] else {
        panic!("{:?}", woken_by(&recorded, waits))
    };
    assert_eq!(task, sends);
    assert_eq!(recorded.trace.thread_name(thread), "thread calls");
    // It was polled for the first time, then once for each wake.
    let states: Vec<_> = recorded.trace.states(waits).map(|span| span.state).collect();
    use State::{Running, Scheduled, Waiting};
    let turn = [Running, Waiting, Scheduled];
    assert_eq!(states, [&[Scheduled][..], &turn, &turn, &[Running]].concat());
}

/// Counts the calls of it.
#[derive(Default)]
struct CallsOfWaker(AtomicU32);

impl Wake for CallsOfWaker {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn every_call_of_a_waker_arrives_and_none_is_recorded_after_the_end() {
    let executor = [Arc::new(CallsOfWaker::default()), Arc::default()];
    let recorded = wrapped(|| {
        let mut kept: Vec<StdWaker> = Vec::new();
        let mut turn = 0;
        let mut future = Box::pin(
            poll_fn(|context| {
                kept.push(context.waker().clone());
                turn += 1;
                if turn == 4 { Poll::Ready(()) } else { Poll::Pending }
            })
            .recorded_as("keeps"),
        );
        // It moves from one executor to another, and each gets its own calls.
        for number in [0, 0, 1, 1] {
            let waker = StdWaker::from(Arc::clone(&executor[number]));
            let _ = future.as_mut().poll(&mut Context::from_waker(&waker));
        }
        drop(future);
        kept.swap(0, 3);
        let after_the_end = kept.pop().unwrap();
        after_the_end.wake_by_ref();
        after_the_end.wake();
        kept.into_iter().for_each(StdWaker::wake);
    });
    let calls = |number: usize| executor[number].0.load(Ordering::Relaxed);
    assert_eq!([calls(0), calls(1)], [3, 2]);
    let (task, _) = find(&recorded, "keeps");
    assert_eq!(recorded.trace.task_wakes(task).count(), 0);
    assert_eq!(recorded.trace.task(task).poll_count(), 4);
}

#[test]
fn without_wakes_where_polls_are_all_that_is_wanted() {
    let _alone = alone();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().file(&path).detail(Detail::Polls).start().unwrap();
    smol::block_on(smol::future::yield_now().recorded_as("yields"));
    recording.finish().unwrap();
    let recorded = read(std::fs::read(path).unwrap());
    let (task, id) = find(&recorded, "yields");
    assert_eq!(recorded.trace.task(task).poll_count(), 2);
    assert_eq!(recorded.ends(id), [(EndKind::Returned, false)]);
    assert!(recorded.trace.wake_count() == 0);
}
