//! How much is recorded.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Recorded, carry_subscriber, multi_thread, read};
use taskscope::{Detail, Recorder, Recording};
use taskscope_format::{Event, Source};
use tokio::task::yield_now;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;

/// Records two tasks, with hooks and with what `subscriber` makes.
fn two_tasks(detail: Detail, subscriber: impl FnOnce(&Recording) -> Dispatch) -> Recorded {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().detail(detail).file(&path).start().unwrap();
    tracing::dispatcher::with_default(&subscriber(&recording), || {
        let mut builder = multi_thread(1);
        carry_subscriber(&mut builder);
        recording.hooks(&mut builder);
        builder.build().unwrap().block_on(async {
            for _ in 0..2 {
                tokio::spawn(yield_now()).await.unwrap();
            }
        });
    });
    recording.finish().unwrap();
    read(std::fs::read(path).unwrap())
}

fn over_registry(recording: &Recording) -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(recording.layer()))
}

#[test]
fn polls_come_from_the_hooks_alone_whatever_subscriber_there_is() {
    for subscriber in [over_registry, Recording::subscriber] {
        let recorded = two_tasks(Detail::Polls, subscriber);
        let told_by_span = |event: &Event<'_>| {
            matches!(event, Event::Wake { .. } | Event::PollStart { source: Source::Span, .. })
                || matches!(event, Event::Spawn(spawn) if spawn.source == Source::Span)
        };
        assert_eq!(recorded.count(told_by_span), 0);
        assert_eq!(recorded.count(|event| matches!(event, Event::Spawn(_))), 2);
        assert_eq!(recorded.count(|event| matches!(event, Event::PollStart { .. })), 4);
        assert_eq!(recorded.count(|event| matches!(event, Event::TaskEnd { .. })), 2);
        assert!(!recorded.trace.records_wakes(), "there may have been some");
    }
}

#[test]
fn everything_comes_from_both() {
    for subscriber in [over_registry, Recording::subscriber] {
        let recorded = two_tasks(Detail::Full, subscriber);
        assert!(recorded.count(|event| matches!(event, Event::Wake { .. })) >= 2);
        assert!(recorded.trace.records_wakes());
        assert_eq!(
            recorded.count(|event| matches!(event, Event::PollStart { source: Source::Hook, .. })),
            4
        );
    }
}

/// Tokio measures what no wake shows here.
#[cfg(feature = "schedule-latency")]
#[test]
fn polls_know_how_long_their_task_was_scheduled() {
    use std::time::{Duration, Instant};
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("test.tscope");
    let recording = Recorder::builder().detail(Detail::Polls).file(&path).start().unwrap();
    let mut builder = common::current_thread();
    recording.hooks(&mut builder);
    let busy = || {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_millis(5) {}
    };
    builder.build().unwrap().block_on(async {
        let (sender, receiver) = tokio::sync::oneshot::channel::<()>();
        let woken = tokio::spawn(receiver);
        yield_now().await;
        sender.send(()).unwrap();
        busy();
        woken.await.unwrap().unwrap();
    });
    recording.finish().unwrap();
    let trace = read(std::fs::read(path).unwrap()).trace;
    let latency = trace.summary().schedule_latency.unwrap();
    assert_eq!((latency.polls, trace.summary().polls), (2, 2));
    assert!(latency.longest_ns >= 4_900_000 && latency.total_ns >= latency.longest_ns);
    let id = trace.tasks().find(|task| task.poll_count() == 2).unwrap().id;
    let task = trace.find_task(id).unwrap();
    let times = trace.state_times(task);
    assert!((4_900_000..).contains(&times.scheduled), "{times:?}");
    assert_eq!(times.total(), times.running + times.scheduled + times.waiting);
}
