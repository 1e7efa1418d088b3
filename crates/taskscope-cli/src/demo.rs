//! `taskscope demo`: runs a demo, records it, prints its figures and shows the trace.

use std::path::{Path, PathBuf};

use taskscope::{Recorder, Recording};
use taskscope_demos::{DEMOS, Demo, Size};
use taskscope_model::Trace;
use taskscope_viewer::{Options, RenderOptions};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::{DemoArgs, DemoSize};
use crate::error::Error;
use crate::{console, human, output, render, summary, trace, view};

pub(crate) fn run(args: &DemoArgs) -> Result<(), Error> {
    if args.list {
        return output::print(&list());
    }
    // The command line takes no other names.
    let demo = taskscope_demos::find(&args.name).unwrap_or(&DEMOS[0]);
    let file = if cfg!(tokio_unstable) {
        record(demo, args)?
    } else {
        // As `cargo install` builds it.
        take_recording(demo, args)?
    };

    let trace = trace::open(&file)?;
    output::print(&format!(
        "demo {}: {}\n\n{}\nlook for: {}\n\nrecorded to {} ({})\n",
        demo.name,
        demo.summary,
        summary::text(&trace.summary()),
        demo.look_for,
        file.display(),
        human::bytes(file.metadata().map_or(0, |metadata| metadata.len())),
    ))?;
    // The window keeps the process, and with it the console, going.
    let windowless = args.no_view || show(demo, trace, &file)? == Shown::Picture;
    if args.console() && windowless {
        console::linger();
    }
    Ok(())
}

/// Runs the demo in this process; returns the file with its trace.
fn record(demo: &'static Demo, args: &DemoArgs) -> Result<PathBuf, Error> {
    let console = args.console().then(console::layer).transpose()?;
    let targets = Targets::new().with_target("taskscope_demos", LevelFilter::INFO);
    let mut recorder = Recorder::builder().targets(targets).flight(None);
    // As for any program that records itself: `taskscope run -- taskscope demo`.
    let is_named = std::env::var_os("TASKSCOPE_FILE").is_some_and(|name| !name.is_empty());
    let own = || (!is_named).then(|| free_name(demo.name));
    let file = args.out.clone().or_else(own);
    if let Some(file) = &file {
        recorder = recorder.file(file);
    }
    let recording = recorder.start()?;
    let file = file.or_else(|| recording.path());
    tracing_subscriber::registry()
        .with(recording.layer())
        .with(console)
        .try_init()
        .map_err(|_| Error::Subscriber)?;
    let size = Size { seed: args.seed, tasks: args.size.map(|size| tasks(demo, size)) };
    run_recorded(demo, &recording, &size)?;
    recording.finish()?;
    // There is a path: it was named, by one or the other.
    Ok(file.unwrap_or_else(|| free_name(demo.name)))
}

/// Leaves a trace in a file that was recorded before: Tokio emits task events only in programs that
/// are compiled with `--cfg tokio_unstable`, which this one is not.
fn take_recording(demo: &Demo, args: &DemoArgs) -> Result<PathBuf, Error> {
    if args.console() {
        return Err(Error::DemoNeedsTokioUnstable { option: "--console" });
    }
    if args.size.is_some() {
        return Err(Error::DemoNeedsTokioUnstable { option: "--size" });
    }
    let file = args.out.clone().unwrap_or_else(|| free_name(demo.name));
    std::fs::write(&file, demo.recording)
        .map_err(|source| Error::Write { path: file.clone(), source })?;
    output::print(
        "this build of taskscope cannot record its demos (it was compiled without --cfg \
         tokio_unstable): here is a recording that comes with it\n\n",
    )?;
    Ok(file)
}

fn run_recorded(demo: &'static Demo, recording: &Recording, size: &Size) -> Result<(), Error> {
    let failed = |source| Error::Demo { name: demo.name, source };
    // What must be true of the run is for the tests to check.
    demo.run(recording, size).map(|_truth| ()).map_err(failed)
}

fn tasks(demo: &Demo, size: DemoSize) -> u32 {
    match size {
        DemoSize::Tasks(tasks) => tasks,
        DemoSize::Times(factor) => demo.default_tasks.saturating_mul(factor),
    }
}

/// How a trace was shown.
#[derive(PartialEq, Eq)]
enum Shown {
    Window,
    Picture,
}

/// The window; where there can be none, a picture beside the trace.
fn show(demo: &Demo, trace: Trace, file: &Path) -> Result<Shown, Error> {
    // A display that is named and not there shows only when it is tried.
    let why = match taskscope_viewer::display_missing() {
        Some(missing) => missing,
        None => {
            let options = Options {
                files: vec![file.to_owned()],
                // Where something is wrong it is to be found, and not to be watched.
                play: demo.findings.is_empty(),
                look_for: Some(demo.look_for.to_owned()),
                ..Options::default()
            };
            match view::window(options) {
                Err(Error::View { source }) => source.to_string(),
                other => return other.map(|()| Shown::Window),
            }
        }
    };
    let picture = file.with_extension("png");
    render::picture(trace, file, &picture, &RenderOptions::default())?;
    output::print(&format!(
        "picture written to {}, since no window can be opened: {why}\n",
        picture.display()
    ))?;
    Ok(Shown::Picture)
}

/// The name of a file that does not exist yet, in the current directory: no run replaces the
/// recording of an earlier one, except by `--out`.
fn free_name(demo: &str) -> PathBuf {
    let name = |number: u32| {
        let number = if number == 1 { String::new() } else { format!("-{number}") };
        PathBuf::from(format!("taskscope-demo-{demo}{number}.{}", taskscope_format::EXTENSION))
    };
    let free = |path: &PathBuf| !path.exists() && !path.with_extension("png").exists();
    (1..1_000).map(name).find(free).unwrap_or_else(|| name(std::process::id()))
}

fn list() -> String {
    let entry = |demo: &Demo| {
        let Demo { name, summary, look_for, default_tasks, .. } = demo;
        format!("{name}\n  {summary}\n  look for: {look_for}\n  usual size: {default_tasks}\n")
    };
    DEMOS.iter().map(entry).collect::<Vec<_>>().join("\n")
}
