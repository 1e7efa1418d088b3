//! What a dump holds: the newest events, and what still holds of the older ones.

use std::time::{Duration, Instant};

use taskscope::{FlightConfig, Recorder};
use taskscope_model::{EndKind, meta};
use tokio::task::yield_now;

use crate::common::{self, current_thread};
use crate::{LEAST, cause, fly, named, open, storm, undisturbed};

#[test]
fn a_dump_holds_the_newest_events_and_the_names_of_tasks_that_are_older() {
    let (recorded, length) = undisturbed(|directory| {
        let mut length = 0;
        let flight = FlightConfig::new().keep_bytes(LEAST);
        let report = fly(directory, flight, 1, |recording, runtime| {
            runtime.block_on(async {
                let storm = tokio::spawn(async {
                    named("the oldest", std::future::pending());
                    storm(7_000).await;
                });
                storm.await.unwrap();
                tokio::spawn(async { named("the newest", async {}) }).await.unwrap();
                while runtime.metrics().num_alive_tasks() > 1 {
                    yield_now().await;
                }
                length = recording.dump().unwrap().metadata().unwrap().len() as usize;
            });
        });
        (report, length)
    });
    // What goes, goes by blocks, and the writer brings up to a quarter of this at once. And some
    // is taken by what is remembered of older events.
    assert!(length > LEAST / 4 && length < LEAST + (64 << 10), "{length} bytes");

    let trace = recorded.trace;
    let task = |name: &str| trace.tasks().find(|task| task.name() == Some(name));
    let oldest = task("the oldest").unwrap();
    assert_eq!((oldest.spawned, oldest.end), (None, None));
    assert_eq!(&*trace.place(oldest.place.unwrap()).file, file!());
    assert!(oldest.runtime.is_some() && oldest.size.is_some());
    let newest = task("the newest").unwrap();
    assert_eq!(newest.end.unwrap().kind, EndKind::Returned);
    assert_eq!(cause(&trace), "the program asked for it");
    assert_eq!(trace.info().get(meta::NOTICE), None);
    let window: u64 = trace.info().get(meta::WINDOW).unwrap().parse().unwrap();
    assert!(window > 0 && trace.span().start == window);
    assert_eq!(trace.runtimes()[0].workers.len(), 1);
    assert!(trace.threads().iter().any(|thread| thread.name.is_some()));
}

#[test]
fn nothing_is_missing_within_the_window() {
    let (recorded, ids) = undisturbed(|directory| {
        let flight = FlightConfig::new().keep_bytes(LEAST);
        let mut ids = Vec::new();
        let report = fly(directory, flight, 0, |recording, runtime| {
            runtime.block_on(async {
                for _ in 0..120_000 {
                    let task = tokio::spawn(yield_now());
                    ids.push(common::number(task.id()));
                    task.await.unwrap();
                }
            });
            recording.dump().unwrap();
        });
        (report, ids)
    });
    let trace = recorded.trace;
    // Each task is spawned, polled twice, and ends, before the next one is spawned.
    let whole: Vec<_> = trace
        .tasks()
        .filter(|task| task.is_async() && task.spawned.is_some())
        .inspect(|task| {
            assert_eq!(task.end.unwrap().kind, EndKind::Returned, "{task:?}");
            assert_eq!(task.poll_count(), 2, "{task:?}");
        })
        .map(|task| task.id)
        .collect();
    assert!(whole.len() > 1_000 && whole.len() < ids.len(), "{}", whole.len());
    assert_eq!(whole, ids[ids.len() - whole.len()..]);
    // At most the one that was in the middle when the window begins.
    let others = trace.tasks().filter(|task| task.is_async() && task.spawned.is_none());
    assert!(others.count() <= 1);
}

#[test]
fn what_is_older_than_the_time_goes() {
    let directory = tempfile::tempdir().unwrap();
    let window = Duration::from_millis(300);
    let flight = FlightConfig::new().keep_for(window);
    fly(directory.path(), flight, 0, |recording, runtime| {
        let begun = Instant::now();
        while begun.elapsed() < 4 * window {
            runtime.block_on(async { tokio::spawn(yield_now()).await.unwrap() });
            std::thread::sleep(Duration::from_millis(1));
        }
        recording.dump().unwrap();
    });
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let span = Duration::from_nanos(trace.span().end - trace.span().start);
    assert!(span >= window, "{span:?} of {window:?}");
    assert!(span < 3 * window, "{span:?} of {window:?}");
}

#[test]
fn a_program_in_which_nothing_happens_is_seen_to_do_nothing_until_now() {
    let directory = tempfile::tempdir().unwrap();
    let window = Duration::from_millis(50);
    fly(directory.path(), FlightConfig::new().keep_for(window), 1, |recording, runtime| {
        runtime.block_on(async { named("asleep", std::future::pending()) });
        // Until all that was recorded is older than the window.
        std::thread::sleep(8 * window);
        recording.dump().unwrap();
    });
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    let lane = trace.runtimes()[0].workers[0];
    let parks: Vec<_> = trace.lane(lane).parks().collect();
    let [park] = parks[..] else { panic!("{parks:?}") };
    assert_eq!((park.start, park.end), (trace.span().start, trace.span().end));
    let slept = Duration::from_nanos(park.end - park.start);
    assert!(slept >= window && slept < 7 * window, "{slept:?}");
    let [task] = &trace.tasks().filter(|task| task.is_async()).collect::<Vec<_>>()[..] else {
        panic!("one task")
    };
    assert_eq!((task.name(), task.spawned, task.end), (Some("asleep"), None, None));
}

#[test]
fn spans_and_resources_that_are_older_have_their_names() {
    let directory = tempfile::tempdir().unwrap();
    let recording = Recorder::builder()
        .file(directory.path().join("app.tscope"))
        .flight(FlightConfig::new().keep_for(Duration::from_millis(100)))
        .targets("flight=info".parse().unwrap())
        .start()
        .unwrap();
    tracing::dispatcher::with_default(&recording.subscriber(), || {
        let mut builder = current_thread();
        recording.hooks(&mut builder);
        builder.build().unwrap().block_on(async {
            let lock = std::sync::Arc::new(tokio::sync::Mutex::new(()));
            let span = tracing::info_span!("request", path = "/users");
            let held = std::sync::Arc::clone(&lock).lock_owned().await;
            let waits = async move {
                loop {
                    drop(tokio::time::timeout(Duration::from_millis(1), lock.lock()).await);
                }
            };
            tokio::spawn(tracing::Instrument::instrument(waits, span));
            tokio::time::sleep(Duration::from_millis(500)).await;
            recording.dump().unwrap();
            drop(held);
        });
    });
    recording.finish().unwrap();
    let trace = open(&directory.path().join("app-1.tscope")).trace;
    assert_eq!(trace.span_count(), 1);
    let span = trace.spans().next().unwrap();
    assert_eq!((&*span.name, &*span.fields), ("request", "path=\"/users\""));
    assert_eq!(span.opened, trace.span().start, "or before");
    assert!(trace.resources().any(|resource| &*resource.concrete_type == "Mutex"));
}
