//! `taskscope findings`: nothing on what is healthy, and on each sick demo what it has.

mod common;

use common::{Run, Sandbox};
use serde_json::Value;
use taskscope_demos::DEMOS;

/// Records a demo, and finds.
fn found(sandbox: &Sandbox, demo: &str) -> Vec<Value> {
    sandbox.run(&["demo", demo, "--no-view", "--out", "a.tscope"]).done();
    let out = sandbox.run(&["findings", "--json", "a.tscope"]).done().out;
    serde_json::from_str(&out).expect("a list of objects")
}

/// The kinds of those that are more than a note.
fn alarms(found: &[Value]) -> Vec<&str> {
    let is_alarm = |of: &&Value| of["severity"] != "note";
    let mut kinds: Vec<&str> =
        found.iter().filter(is_alarm).filter_map(|of| of["kind"].as_str()).collect();
    kinds.dedup();
    kinds
}

/// The system may take the processor from a thread for as long as a sick poll takes. It does so once, and not in each
/// of three runs.
const RUNS: usize = 3;

#[test]
fn each_demo_has_what_it_is_made_to_have_and_nothing_else() {
    for demo in DEMOS {
        let sandbox = Sandbox::new();
        let expected: Vec<&str> = demo.finding.into_iter().collect();
        let mut said = Vec::new();
        let is_right = (0..RUNS).any(|_| {
            let found = found(&sandbox, demo.name);
            let is_right = alarms(&found) == expected;
            said.push(found);
            is_right
        });
        assert!(is_right, "{}: expected {expected:?}, found {said:#?}", demo.name);
    }
}

/// Scripts rely on these. Keys may be added here, and none may go.
#[test]
fn the_json_has_the_keys_that_are_documented() {
    let sandbox = Sandbox::new();
    let found = found(&sandbox, "convoy");
    let mut keys: Vec<&str> =
        found[0].as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "advice", "affected", "certain", "end_ns", "evidence", "kind", "place", "severity",
        "start_ns", "task", "task_id", "worker",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn people_read_what_was_seen_where_and_what_to_do() {
    let sandbox = Sandbox::new();
    sandbox.run(&["demo", "hugefuture", "--no-view", "--out", "a.tscope"]).done();
    let Run { out, .. } = sandbox.run(&["findings", "a.tscope"]).done();
    for said in
        ["Huge future  (warning)", "`upload 0`", "hugefuture.rs:", "Do not hold large buffers"]
    {
        assert!(out.contains(said), "`{said}` is not in:\n{out}");
    }
    let selected = sandbox.run(&["findings", "--json", "a.tscope"]).done().out;
    assert_eq!(selected.matches("\"kind\"").count(), out.matches("  at ").count());
}

/// A lesson's trace is always the same, and nothing is wrong in it.
#[test]
fn where_nothing_is_wrong_it_says_who_looked() {
    let trace = include_bytes!("../../../assets/lessons/03-join-handle/parent-and-child.tscope");
    let sandbox = Sandbox::new();
    sandbox.write("a.tscope", trace);
    let Run { out, .. } = sandbox.run(&["findings", "a.tscope"]).done();
    assert!(out.contains("rules looked at") && out.contains("nothing is wrong"), "{out}");
    assert_eq!(sandbox.run(&["findings", "--json", "a.tscope"]).done().out, "[]\n");
}
