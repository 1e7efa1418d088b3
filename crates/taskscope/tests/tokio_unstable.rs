//! With and without `--cfg tokio_unstable`. Unlike the other tests these can be
//! built either way:
//!
//! ```sh
//! RUSTFLAGS="" cargo test -p taskscope --test tokio_unstable
//! ```

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::process::Command;

use taskscope::{RecordExt, Recorder};
use taskscope_format::meta;
use taskscope_model::Trace;
use tokio::runtime::Builder;

fn trace(path: &Path) -> Trace {
    Trace::from_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// Whether the mend for a program without the flag is in a text.
fn says_what_to_do(message: &str) -> bool {
    let mend =
        ["--cfg tokio_unstable", ".cargo/config.toml", "[build]", "rustflags = [", ".recorded()"];
    mend.iter().all(|line| message.contains(line))
}

#[test]
fn trap_14_without_tokio_unstable_the_trace_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    Recorder::builder().file(&path).start().unwrap().finish().unwrap();
    let trace = trace(&path);
    let notice = trace.info().get(meta::NOTICE);
    assert_eq!(notice.is_some_and(says_what_to_do), cfg!(not(tokio_unstable)), "{notice:?}");
}

#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child_records_both_ways() {
    let recording = taskscope::init();
    let mut builder = Builder::new_current_thread();
    recording.hooks(&mut builder);
    let runtime = builder.build().unwrap();
    let seven = runtime.block_on(async {
        tokio::spawn(async {}).await.unwrap();
        tokio::spawn(async { 7 }.recorded()).await.unwrap()
    });
    assert_eq!(seven, 7);
    drop(runtime);
    recording.finish().unwrap();
}

#[test]
fn the_program_runs_either_way_and_records_what_it_can() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("trace.tscope");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_records_both_ways", "--ignored", "--nocapture"])
        .env("TASKSCOPE_FILE", &path)
        .env_remove("TASKSCOPE_DETAIL")
        .output()
        .unwrap();
    let complained = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{complained}");
    let mends = complained.matches("taskscope: ").filter(|_| says_what_to_do(&complained)).count();
    assert_eq!(mends, usize::from(cfg!(not(tokio_unstable))), "{complained}");
    let summary = trace(&path).summary();
    let tasks = if cfg!(tokio_unstable) { 2 } else { 1 };
    assert_eq!((summary.tasks.spawned, summary.tasks.returned), (tasks, Some(tasks)));
    assert_eq!(summary.polls, tasks);
    assert_eq!(summary.runtimes.len(), 1);
}
