//! Starting, finishing, and what can go wrong with the file.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../common/mod.rs"]
mod common;
mod contents;
mod file;
mod programs;

use std::path::Path;
use std::process::{Command, Output};

use tokio::task::yield_now;

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

/// The trace files of a directory, by name.
fn traces(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

async fn three_tasks() {
    for _ in 0..3 {
        tokio::spawn(yield_now()).await.unwrap();
    }
}
