//! What each lesson claims, of its own traces and of fresh runs of its program.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskscope::Recorder;
use taskscope_lesson::{Lesson, Traces, check};
use taskscope_lessons::{LESSONS, Shipped};
use taskscope_model::Trace;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;

/// Lesson 6 counts with it.
#[global_allocator]
static ALLOCATOR: taskscope_lessons::CountingAllocator = taskscope_lessons::CountingAllocator;

/// So often a lesson's program is run anew.
const RUNS: usize = 10;

fn folder(lesson: &Shipped) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(lesson.folder)
}

#[test]
fn nothing_is_wrong_with_the_lessons() {
    for lesson in LESSONS {
        let faults = check(&folder(lesson));
        let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert!(said.is_empty(), "{}", said.join("\n"));
    }
}

#[test]
fn lessons_are_numbered_and_have_the_traces_that_they_name() {
    for (lesson, number) in LESSONS.iter().zip(1..) {
        let parsed = Lesson::parse(lesson.texts[0].1).unwrap();
        assert_eq!(parsed.program.as_deref(), Some(lesson.folder));
        assert_eq!(parsed.source.as_deref(), Some("program.rs"));
        assert!(lesson.folder.starts_with(&format!("{:02}-", lesson.number)), "{number}");
        let files = |stem: &&str| format!("{stem}.tscope");
        let recorded: Vec<String> = lesson.program.runs.iter().map(files).collect();
        for (_, file) in &parsed.traces {
            assert!(recorded.contains(file), "{}: no run makes {file}", lesson.folder);
            assert!(lesson.traces.iter().any(|(name, _)| name == file));
        }
    }
}

/// A parameter that a translation forgets would be called in English, and one that it misspells, too.
#[test]
fn translations_name_every_parameter_of_the_program() {
    for lesson in LESSONS {
        let known: Vec<&str> = lesson.program.parameters.iter().map(|of| of.name).collect();
        for (language, text) in lesson.texts.iter().skip(1) {
            let labels = Lesson::parse(text).unwrap().labels;
            let mut named: Vec<&str> = labels.keys().map(String::as_str).collect();
            let mut known = known.clone();
            named.sort_unstable();
            known.sort_unstable();
            assert_eq!(named, known, "{} in {language}", lesson.folder);
        }
    }
}

/// Records the runs of a lesson's program in this process.
fn fresh(lesson: &Shipped) -> Vec<(String, Arc<Trace>)> {
    let parsed = Lesson::parse(lesson.texts[0].1).unwrap();
    let values = lesson.program.values(&parsed.parameters).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut traces: BTreeMap<String, Arc<Trace>> = BTreeMap::new();
    for run in lesson.program.runs {
        let path = directory.path().join(format!("{run}.tscope"));
        let targets = Targets::new().with_target("taskscope_lessons", LevelFilter::INFO);
        let recording =
            Recorder::builder().targets(targets).flight(None).file(&path).start().unwrap();
        let subscriber = tracing_subscriber::registry().with(recording.layer());
        tracing::subscriber::with_default(subscriber, || {
            lesson.program.run(&recording, run, &values).unwrap();
        });
        recording.finish().unwrap();
        let trace = Trace::from_bytes(&std::fs::read(&path).unwrap()).unwrap();
        traces.insert(format!("{run}.tscope"), Arc::new(trace));
    }
    let named = parsed.traces.iter().map(|(name, file)| (name.clone(), traces[file].clone()));
    named.collect()
}

#[test]
fn fresh_runs_keep_what_the_lessons_claim() {
    for lesson in LESSONS {
        let parsed = Lesson::parse(lesson.texts[0].1).unwrap();
        let file = folder(lesson).join("lesson.md");
        for run in 0..RUNS {
            let traces = Traces::new(fresh(lesson));
            let faults = parsed.faults(&file, &traces);
            let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!(said.is_empty(), "run {run} of {}:\n{}", lesson.folder, said.join("\n"));
        }
    }
}
