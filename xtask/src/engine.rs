//! What a large trace costs, held against bounds: so that no order of magnitude is lost unseen.
//!
//! The bounds are some ten times what a machine with two processors needs. A machine that is busy with
//! other things stays below them.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The trace, of ten million polls.
const POLLS: &str = "10M";

/// A figure of `taskscope bench --json`, by its keys, and the most that it may be.
const BOUNDS: &[(&[&str], f64)] = &[
    (&["open_ms"], 40_000.0),
    (&["open_again_ms"], 5_000.0),
    (&["first_picture_ms"], 5_000.0),
    (&["bytes_per_poll"], 150.0),
    (&["frame_ms", "p50"], 15.0),
    (&["frame_ms", "p99"], 100.0),
    (&["seek_ms", "p99"], 50.0),
    (&["sort_ms", "max"], 20_000.0),
    (&["search_ms", "all"], 1_000.0),
    (&["follow_lag_ms"], 20_000.0),
    (&["summary_ms"], 4_000.0),
    (&["stage_ms", "p99"], 100.0),
    (&["stage_seek_ms", "p99"], 1_000.0),
];

/// Generates a trace, measures it, and says whether all figures are within their bounds.
pub(crate) fn check(root: &Path) -> bool {
    let trace = std::env::temp_dir().join(format!("taskscope-bench-{}.tscope", std::process::id()));
    let measured = taskscope(root, &["generate", "--polls", POLLS, "-o"], &trace)
        .and_then(|_| taskscope(root, &["bench", "--json"], &trace));
    // It is no error if there is none.
    let _ = std::fs::remove_file(&trace);
    let Some(measured) = measured else { return false };
    println!("{measured}");
    let Ok(measured) = serde_json::from_str::<Value>(&measured) else {
        eprintln!("`taskscope bench --json` has printed no JSON");
        return false;
    };
    let mut all_hold = true;
    for (keys, most) in BOUNDS {
        let figure = keys.iter().try_fold(&measured, |value, key| value.get(key));
        let name = keys.join(".");
        match figure {
            Some(Value::Null) => eprintln!("{name} is not known on this machine"),
            figure => match figure.and_then(Value::as_f64) {
                Some(figure) if figure <= *most => {}
                Some(figure) => {
                    eprintln!("{name} is {figure}, and must not be more than {most}");
                    all_hold = false;
                }
                None => {
                    eprintln!("`taskscope bench --json` has printed no number {name}");
                    all_hold = false;
                }
            },
        }
    }
    all_hold
}

/// Runs a command with a file; what it has printed, or nothing if it has failed.
fn taskscope(root: &Path, arguments: &[&str], file: &Path) -> Option<String> {
    // Without tokio-console, which takes a minute to build and is not measured.
    let own = ["run", "--release", "-p", "taskscope-cli", "--no-default-features", "--"];
    let mut command = Command::new("cargo");
    command.args(own).args(arguments).arg(file).current_dir(root).stderr(Stdio::inherit());
    let output = command.output().map_err(|error| eprintln!("cannot run cargo: {error}")).ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}
