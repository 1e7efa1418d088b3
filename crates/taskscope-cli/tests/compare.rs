//! `taskscope compare`, on fresh recordings of two builds of a program: this test binary, as a process of its own.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::Sandbox;
use serde_json::Value;

/// Keeps the processor busy.
fn work(micros: u64) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(micros) {
        std::hint::spin_loop();
    }
}

/// Serves so many requests, each by three tasks, of which one got slower; and does a few long things beside it.
#[test]
#[ignore = "run by the tests below, in a process of its own"]
fn child() {
    let Ok(requests) = std::env::var("REQUESTS") else { return };
    let requests: u64 = requests.parse().unwrap();
    let is_slow = std::env::var("BUILD").unwrap() == "slow";
    let recording = taskscope::init();
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    recording.hooks(builder.worker_threads(2).enable_all());
    builder.build().unwrap().block_on(async move {
        // Polled once, and much longer in the slow build: of one poll nothing is said.
        tokio::spawn(async move { work(if is_slow { 9_000 } else { 1_000 }) }).await.unwrap();
        for _ in 0..requests {
            let parse = tokio::spawn(async { work(40) });
            let render = tokio::spawn(async move { work(if is_slow { 900 } else { 150 }) });
            let store = tokio::spawn(async { work(80) });
            parse.await.unwrap();
            render.await.unwrap();
            store.await.unwrap();
        }
    });
    // It writes what it still has.
    drop(recording);
    std::process::exit(0);
}

/// Records a run of the program above.
fn record(sandbox: &Sandbox, file: &str, build: &str, requests: u64) {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
    program.env("TASKSCOPE_FILE", sandbox.path(file)).current_dir(sandbox.path("."));
    program.env("BUILD", build).env("REQUESTS", requests.to_string());
    assert!(program.output().unwrap().status.success());
}

/// The line of the source that has these words.
fn line(words: &str) -> u64 {
    let source = include_str!("compare.rs");
    source.lines().position(|line| line.contains(words)).unwrap() as u64 + 1
}

fn place(line: u64) -> String {
    format!("compare.rs:{line}")
}

fn json(sandbox: &Sandbox, a: &str, b: &str) -> Value {
    serde_json::from_str(&sandbox.run(&["compare", "--json", a, b]).done().out).unwrap()
}

/// A test's processor may be taken away, and the trace shows it: the more polls, the less that matters.
#[test]
fn the_place_that_was_made_slower_is_on_top_though_more_was_to_do() {
    let sandbox = Sandbox::new();
    record(&sandbox, "a.tscope", "usual", 150);
    record(&sandbox, "b.tscope", "slow", 220);
    let slower = place(line("let render ="));
    let out = sandbox.run(&["compare", "a.tscope", "b.tscope"]).done().out;
    let first = out.lines().next().unwrap();
    assert!(first.starts_with(&format!("{slower}: a poll takes ")), "{out}");
    assert!(first.contains(" × as long ("), "{out}");
    let of = json(&sandbox, "a.tscope", "b.tscope");
    let top = &of["places"][0];
    assert_eq!((&top["change"], &top["moved_from_line"]), (&"slower".into(), &Value::Null));
    assert_eq!((&top["a"]["polls"], &top["b"]["polls"]), (&150.into(), &220.into()));
    assert!(top["ratio"].as_f64().unwrap() > 2.0, "{top}");
    // What was polled once in each is not among what got slower.
    let once = place(line("is_slow { 9_000 }"));
    let is_once = |row: &&Value| row["title"] == once.as_str();
    let row = of["places"].as_array().unwrap().iter().find(is_once).unwrap();
    assert_eq!(row["change"], "few polls");
}

#[test]
fn people_read_a_sentence_the_files_and_the_places() {
    let sandbox = Sandbox::with_trace();
    std::fs::copy(sandbox.path("a.tscope"), sandbox.path("b.tscope")).unwrap();
    let out = sandbox.run(&["compare", "a.tscope", "b.tscope"]).done().out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "No spawn place got slower by more than chance would explain.");
    assert_eq!(lines[2..4], ["A: a.tscope", "B: b.tscope"]);
    for words in ["  wall ", "  overlap ", "  scheduled 99 % ", "  same  ", " yields.rs:"] {
        assert!(out.contains(words), "`{words}` is not in:\n{out}");
    }
    assert_eq!(sandbox.files(), ["a.tscope", "b.tscope"]);
}

/// Scripts rely on these. Keys may be added here, and none may go.
#[test]
fn the_json_has_the_keys_that_are_documented() {
    let sandbox = Sandbox::with_trace();
    let of = json(&sandbox, "a.tscope", "a.tscope");
    let keys = |of: &Value| {
        let mut keys: Vec<String> = of.as_object().unwrap().keys().cloned().collect();
        keys.sort_unstable();
        keys.join(" ")
    };
    assert_eq!(keys(&of), "a b places sentence");
    let sums = "busy_ns delay_ns hops poll_ns polls scheduled_ns tasks waiting_ns";
    let whole = "busy_ns delay_ns file hops mean_workers overlap_ns poll_ns polls scheduled_ns tasks \
                 waiting_ns wall_ns workers_at_once_ns";
    assert_eq!(keys(&of["a"]), whole);
    let row = &of["places"][0];
    assert_eq!(keys(row), "a b change moved_from_line place ratio says title weight_ns");
    assert_eq!(keys(&row["b"]), sums);
    assert_eq!(keys(&row["b"]["poll_ns"]), "longest mean p50 p90 p99");
    assert_eq!(row["a"], row["b"]);
    // The places add up to the whole.
    let rows = of["places"].as_array().unwrap();
    let sum = |key: &str| rows.iter().map(|row| row["a"][key].as_u64().unwrap()).sum::<u64>();
    for key in ["tasks", "polls", "busy_ns", "hops", "scheduled_ns"] {
        assert_eq!(sum(key), of["a"][key].as_u64().unwrap(), "{key}");
    }
}

#[test]
fn wrong_usage_and_files_that_are_none() {
    let sandbox = Sandbox::with_trace();
    sandbox.write("b.tscope", b"something else");
    sandbox.run(&["compare"]).misused(&["<A>", "<B>", "--help"]);
    sandbox.run(&["compare", "a.tscope"]).misused(&["<B>"]);
    sandbox.run(&["compare", "a.tscope", "none.tscope"]).failed(&["none.tscope", "No such file"]);
    sandbox.run(&["compare", "b.tscope", "a.tscope"]).failed(&["b.tscope"]);
}
