//! Each demo, recorded, against what is true of it by construction.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;

use taskscope::Recorder;
use taskscope_demos::{DEMOS, Demo, Size, Truth, find};
use taskscope_format::{EndKind, Event, PollResult, Reader, Record, Source, TaskKind};
use tracing_subscriber::layer::SubscriberExt;

fn demo(name: &str) -> &'static Demo {
    find(name).unwrap()
}

/// Runs a demo with layer and hooks, and hands its records to `check`.
fn recorded(demo: &Demo, size: Size, check: impl FnOnce(&Truth, &[Record<'_>])) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("demo.tscope");
    let recording = Recorder::builder().file(&path).start().unwrap();
    let subscriber = tracing_subscriber::registry().with(recording.layer());
    let truth =
        tracing::subscriber::with_default(subscriber, || demo.run(&recording, &size)).unwrap();
    let report = recording.finish().unwrap();
    assert_eq!(report.dropped_events, 0);
    let file = std::fs::read(&path).unwrap();
    let mut reader = Reader::new(&file).unwrap();
    let records: Vec<_> = reader.by_ref().collect();
    assert!(reader.report().complete && reader.report().damages.is_empty());
    check(&truth, &records);
}

fn agrees(truth: &Truth, records: &[Record<'_>]) {
    let events = || records.iter().map(|record| record.event);
    // Both sources report task spawns.
    let spawned = |source| {
        events()
            .filter_map(|event| match event {
                Event::Spawn(spawn) if spawn.kind == TaskKind::Task && spawn.source == source => {
                    Some(spawn.task)
                }
                _ => None,
            })
            .collect::<HashSet<_>>()
    };
    let tasks = spawned(Source::Hook);
    assert_eq!(tasks.len() as u64, truth.spawned);
    assert_eq!(tasks, spawned(Source::Span));

    let ended = |kind| {
        events()
            .filter(|event| {
                matches!(event, Event::TaskEnd { task, end, .. }
                    if *end == kind && tasks.contains(task))
            })
            .count() as u64
    };
    assert_eq!(ended(EndKind::Returned), truth.returned);
    assert_eq!(ended(EndKind::Cancelled), truth.dropped);
    for other in [EndKind::Panicked, EndKind::Unknown] {
        assert_eq!(ended(other), 0, "{other:?}");
    }

    let polls = events()
        .filter(|event| matches!(event, Event::PollStart { source: Source::Hook, .. }))
        .count() as u64;
    assert!(polls >= truth.least_polls, "{polls} polls, at least {}", truth.least_polls);
    if let Some(exactly) = truth.polls {
        assert_eq!(polls, exactly);
    }
    let ready = events()
        .filter(|event| matches!(event, Event::PollEnd { result: PollResult::Ready, .. }))
        .count() as u64;
    assert_eq!(ready, truth.returned);

    let runtimes: HashSet<_> = events()
        .filter_map(|event| match event {
            Event::Runtime { id, workers, hooked: true, .. } => Some((id, workers)),
            _ => None,
        })
        .collect();
    assert_eq!(runtimes.len(), truth.runtimes as usize);
    assert_eq!(runtimes.iter().map(|(_, workers)| workers).sum::<u32>(), truth.workers);
}

#[test]
fn migration_is_recorded_as_it_was() {
    recorded(demo("migration"), Size::default(), agrees);
}

#[test]
fn server_is_recorded_as_it_was() {
    recorded(demo("server"), Size::default(), |truth, records| {
        agrees(truth, records);
        let named = records
            .iter()
            .filter(|record| {
                matches!(record.event, Event::Spawn(spawn)
                    if spawn.name.is_some_and(|name| name.starts_with("connection ")))
            })
            .count() as u64;
        assert_eq!(named, truth.connections);
    });
}

#[test]
fn yields_is_recorded_as_it_was() {
    recorded(demo("yields"), Size::default(), agrees);
}

#[test]
fn single_is_recorded_as_it_was() {
    recorded(demo("single"), Size::default(), |truth, records| {
        agrees(truth, records);
        let workers: HashSet<_> = records
            .iter()
            .filter_map(|record| match record.event {
                Event::Worker(worker) => worker,
                _ => None,
            })
            .collect();
        assert_eq!(workers.len(), 1, "one lane: {workers:?}");
    });
}

#[test]
fn what_is_sick_is_recorded_as_it_was() {
    for demo in DEMOS.iter().filter(|demo| !demo.findings.is_empty()) {
        recorded(demo, Size::default(), agrees);
    }
}

#[test]
fn the_size_of_a_demo_can_be_chosen() {
    for demo in DEMOS {
        for tasks in [1, 7] {
            recorded(demo, Size { seed: 5, tasks: Some(tasks) }, agrees);
        }
    }
}

#[test]
fn names_are_found_and_are_different() {
    let names: HashSet<_> = DEMOS.iter().map(|demo| demo.name).collect();
    assert_eq!(names.len(), DEMOS.len());
    assert!(names.iter().all(|name| find(name).is_some()));
    assert!(find("no such demo").is_none());
}
