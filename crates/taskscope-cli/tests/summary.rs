//! `taskscope summary`, and the figures of the demos in it.

mod common;

use common::{Run, Sandbox};
use serde_json::Value;
use taskscope_demos::{DEMOS, Size, Truth};

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> =
        value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Scripts rely on these. Keys may be added here, and none may go.
#[test]
fn the_json_has_the_keys_that_are_documented() {
    let summary = Sandbox::with_trace().summary("a.tscope");
    let expected = [
        "damaged_parts",
        "detail",
        "dropped_events",
        "drops",
        "dump",
        "duration_ns",
        "events",
        "forced_yields",
        "format_version",
        "gaps",
        "hops",
        "longest_poll_ns",
        "poll_ends",
        "polls",
        "program",
        "runtimes",
        "schedule_latency",
        "tasks",
        "threads",
        "truncated",
        "waits",
        "wakes",
    ];
    assert_eq!(keys(&summary), expected);
    assert_eq!(keys(&summary["runtimes"][0]), ["flavor", "id", "name", "workers"]);
    let worker = &summary["runtimes"][0]["workers"][0];
    assert_eq!(keys(worker), ["busy_ns", "index", "name", "parks", "polls"]);
    let expected = [
        "aborted",
        "alive",
        "blocking",
        "cancelled",
        "dropped_at_shutdown",
        "ended",
        "inferred",
        "panicked",
        "parts",
        "returned",
        "spawned",
    ];
    assert_eq!(keys(&summary["tasks"]), expected);
    let expected = [
        "budget",
        "cancelled",
        "open",
        "panicked",
        "pending",
        "ready",
        "yielded",
        "yielded_inferred",
    ];
    assert_eq!(keys(&summary["poll_ends"]), expected);
    let ends = summary["poll_ends"].as_object().expect("an object").values();
    let sum: u64 = ends.map(|count| count.as_u64().expect("a number")).sum();
    assert_eq!(summary["polls"], sum, "each poll ended in one way");
    assert_eq!(summary["format_version"], 1);
    assert_eq!(summary["program"], "taskscope");
    assert_eq!(summary["runtimes"][0]["flavor"], "multi_thread");
}

/// What is true of a demo by construction. The same seed and size make the same
/// truth in any process.
fn truth(name: &str, size: &Size) -> Truth {
    let sandbox = Sandbox::new();
    let recording = taskscope::Recorder::builder()
        .file(sandbox.path("own.tscope"))
        .start()
        .expect("a file in a new directory can be made");
    let demo = taskscope_demos::find(name).expect("there is such a demo");
    let truth = demo.run(&recording, size).expect("the demo runs");
    recording.finish().expect("the file can be written");
    truth
}

#[test]
fn each_demo_is_summed_up_as_it_was() {
    for demo in DEMOS {
        let (seed, tasks) = (7, demo.default_tasks / 2);
        let truth = truth(demo.name, &Size { seed, tasks: Some(tasks) });
        let sandbox = Sandbox::new();
        let (seed, tasks) = (seed.to_string(), tasks.to_string());
        let size = ["--seed", &seed, "--size", &tasks];
        let command = [&["demo", demo.name, "--no-view", "--out", "a.tscope"][..], &size].concat();
        sandbox.run(&command).done();

        let summary = sandbox.summary("a.tscope");
        let number = |value: &Value| value.as_u64().expect("a number");
        let name = demo.name;
        assert_eq!(number(&summary["tasks"]["spawned"]), truth.spawned, "{name}");
        assert_eq!(number(&summary["tasks"]["returned"]), truth.returned, "{name}");
        assert_eq!(number(&summary["tasks"]["blocking"]), 0, "{name}");
        assert_eq!(number(&summary["dropped_events"]), 0, "{name}");
        assert_eq!(summary["truncated"], false, "{name}");
        let polls = number(&summary["polls"]);
        match truth.polls {
            Some(exact) => assert_eq!(polls, exact, "{name}"),
            None => assert!(polls >= truth.least_polls, "{name}: {polls}"),
        }
        let runtimes = summary["runtimes"].as_array().expect("an array");
        let workers = runtimes.iter().flat_map(|r| r["workers"].as_array().expect("an array"));
        assert_eq!(runtimes.len(), truth.runtimes as usize, "{name}");
        assert_eq!(workers.clone().count(), truth.workers as usize, "{name}");
        assert_eq!(workers.map(|worker| number(&worker["polls"])).sum::<u64>(), polls, "{name}");
        if truth.workers == 1 {
            assert_eq!(summary["hops"], 0, "{name}: nowhere to hop to");
        }
    }
}

#[test]
fn people_read_the_same_figures() {
    let sandbox = Sandbox::with_trace();
    let text = sandbox.run(&["summary", "a.tscope"]).done().out;
    // 20 tasks, each of which yields 20 times and returns.
    for line in ["tasks ", "20 returned", "420", "runtime yields (multi thread, 4 workers)"] {
        assert!(text.contains(line), "`{line}` is not in:\n{text}");
    }
    let header =
        text.lines().find(|line| line.trim_start().starts_with("worker ")).expect("a header");
    let below = text.lines().skip_while(|line| *line != header).skip(1);
    assert_eq!(below.count(), 4, "a line for each worker:\n{text}");
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let sandbox = Sandbox::with_trace();
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let mut command = sandbox.command(&["summary", "a.tscope"]);
    let child = command.stdout(writer).stderr(std::process::Stdio::piped()).spawn();
    let output = child.expect("it starts").wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    let run = |arguments: &[&str]| -> Run { sandbox.run(arguments) };
    run(&["summary"]).misused(&["<FILE>", "--help"]);
    run(&["summary", "a", "b"]).misused(&["unexpected argument 'b'"]);
    run(&["summary", "a", "--xml"]).misused(&["--xml"]);
    run(&["sumary", "a"]).misused(&["sumary", "summary"]);
}
