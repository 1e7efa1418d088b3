//! Running and recording the program of a lesson.
//!
//! Each of its runs has a process of its own: a program has one subscriber and one recording.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use taskscope::Recorder;
use taskscope_lessons::{Shipped, Values};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::args::RecordArgs;
use super::find;
use crate::error::Error;
use crate::output;

pub(super) fn run(args: &RecordArgs) -> Result<(), Error> {
    let lesson = find(args.number)?;
    if !cfg!(tokio_unstable) {
        return Err(Error::DemoNeedsTokioUnstable { option: "lesson record" });
    }
    let chosen: BTreeMap<String, u64> = args.set.iter().cloned().collect();
    if let Some(run) = &args.run {
        return run_here(lesson, run, &chosen, &args.out);
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|source| Error::Keep { path: args.out.clone(), source })?;
    for file in record(lesson, &chosen, &args.out)? {
        output::print(&format!("recorded to {}\n", file.display()))?;
    }
    Ok(())
}

/// Does one run in this process.
fn run_here(
    lesson: &Shipped,
    run: &str,
    chosen: &BTreeMap<String, u64>,
    out: &Path,
) -> Result<(), Error> {
    let number = lesson.number;
    let values = values(lesson, chosen)?;
    let targets = Targets::new().with_target("taskscope_lessons", LevelFilter::INFO);
    let recording =
        Recorder::builder().targets(targets).flight(None).file(file(out, run)).start()?;
    tracing_subscriber::registry()
        .with(recording.layer())
        .try_init()
        .map_err(|_| Error::Subscriber)?;
    lesson
        .program
        .run(&recording, run, &values)
        .map_err(|source| Error::LessonProgram { number, source })?;
    recording.finish()?;
    Ok(())
}

/// The values that were chosen, and the usual ones for the rest.
fn values(lesson: &Shipped, chosen: &BTreeMap<String, u64>) -> Result<Values, Error> {
    lesson.program.values(chosen).map_err(|name| {
        let known = lesson.program.parameters.iter().map(|of| of.name.to_owned()).collect();
        Error::NoParameter { number: lesson.number, name, known }
    })
}

fn file(out: &Path, run: &str) -> PathBuf {
    out.join(format!("{run}.{}", taskscope_format::EXTENSION))
}

/// Does all runs, one after the other; gives back the files.
fn record(
    lesson: &Shipped,
    chosen: &BTreeMap<String, u64>,
    out: &Path,
) -> Result<Vec<PathBuf>, Error> {
    // What is wrong is said here, once, and not by each of them.
    values(lesson, chosen)?;
    let program = std::env::current_exe().map_err(|source| Error::Start {
        program: "taskscope".into(),
        source,
        hint: "it must not be moved while it runs",
    })?;
    let mut files = Vec::new();
    for run in lesson.program.runs {
        let mut command = Command::new(&program);
        command
            .args(["lesson", "record", &lesson.number.to_string(), "--run", run, "--out"])
            .arg(out);
        for (name, value) in chosen {
            command.args(["--set", &format!("{name}={value}")]);
        }
        // What would make this process record elsewhere concerns only that.
        for name in ["TASKSCOPE_FILE", "TASKSCOPE_FLIGHT", "TASKSCOPE_DETAIL"] {
            command.env_remove(name);
        }
        let status =
            command.stdin(Stdio::null()).stdout(Stdio::null()).status().map_err(|source| {
                Error::Start {
                    program: program.display().to_string(),
                    source,
                    hint: "is it executable?",
                }
            })?;
        if !status.success() {
            return Err(Error::LessonProcess { status });
        }
        files.push(file(out, run));
    }
    Ok(files)
}

/// Runs the program for the window; gives back the files.
pub(super) fn elsewhere(
    number: u32,
    chosen: &BTreeMap<String, u64>,
) -> Result<Vec<PathBuf>, String> {
    static RUN: AtomicU32 = AtomicU32::new(0);
    let run = RUN.fetch_add(1, Ordering::Relaxed);
    let name = format!("taskscope-lesson-{number}-{}-{run}", std::process::id());
    let out = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&out).map_err(|error| error.to_string())?;
    let recorded = find(number).and_then(|lesson| record(lesson, chosen, &out));
    recorded.map_err(|error| error.to_string())
}
