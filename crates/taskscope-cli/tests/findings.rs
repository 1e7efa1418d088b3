//! `taskscope findings`, and what it says of each demo.

mod common;

use common::{Run, Sandbox};
use serde_json::Value;
use taskscope_demos::{DEMOS, Demo};

fn findings(sandbox: &Sandbox, file: &str) -> Vec<Value> {
    let out = sandbox.run(&["findings", file, "--json"]).done().out;
    serde_json::from_str::<Vec<Value>>(&out).expect("an array")
}

/// The kinds of those that are more than a note.
fn alarms(findings: &[Value]) -> Vec<&str> {
    let alarms = findings.iter().filter(|of| of["severity"] != "note");
    alarms.map(|of| of["kind"].as_str().expect("a text")).collect()
}

/// The sandbox with the demo's recording that comes with it.
fn kept(demo: &Demo) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("a.tscope", demo.recording);
    sandbox
}

#[test]
fn the_recording_of_each_demo_has_the_findings_that_it_should() {
    for demo in DEMOS {
        let findings = findings(&kept(demo), "a.tscope");
        assert_eq!(alarms(&findings), demo.findings, "{}: {findings:#?}", demo.name);
    }
}

/// On a machine that has other things to do, a demo's threads may stand still for as long as a sick program's would,
/// and the trace shows that they did. What a rule takes wrongly for a finding is there in each run.
#[test]
fn each_demo_has_these_findings_when_it_is_recorded_anew() {
    const RUNS: usize = 5;
    for demo in DEMOS {
        let sandbox = Sandbox::new();
        let mut runs = (0..RUNS).map(|_| {
            sandbox.run(&["demo", demo.name, "--no-view", "--out", "a.tscope"]).done();
            findings(&sandbox, "a.tscope")
        });
        let found = runs.find(|findings| alarms(findings) == demo.findings);
        assert!(found.is_some(), "{}: not in {RUNS} runs {:?}", demo.name, demo.findings);
    }
}

/// What is true of the demos by construction stands in the evidence.
#[test]
fn the_evidence_has_the_figures_of_the_demo() {
    for (name, evidence) in [
        // (A report spawns eight queries and computes for 30 ms.)
        (
            "blocking",
            &["`connection ", " held worker ", "8 tasks were scheduled there", "6 polls of 1 task"]
                [..],
        ),
        ("starving", &["`heartbeat` was scheduled for 2", "polled others 61 times"]),
        ("convoy", &["tasks stood in line for one Mutex made at convoy.rs", "of 20 tasks"]),
        ("selfwake", &["`device ", " woke itself in 1,500 of its 1,501 polls", "1 other task"]),
        ("leak", &["tasks from leak.rs", "240 at its end, of 240 spawned", "`session 0`"]),
        ("hugefuture", &["`upload 0`", "16 such tasks from this place"]),
    ] {
        let demo = taskscope_demos::find(name).expect("there is such a demo");
        let said = kept(demo).run(&["findings", "a.tscope"]).done().out;
        for part in evidence {
            assert!(said.contains(part), "`{part}` is not in:\n{said}");
        }
    }
}

/// Scripts rely on these. Keys may be added here, and none may go.
#[test]
fn the_json_has_the_keys_that_are_documented() {
    let demo = taskscope_demos::find("blocking").expect("there is such a demo");
    let findings = findings(&kept(demo), "a.tscope");
    let first = findings[0].as_object().expect("an object");
    let mut keys: Vec<&str> = first.keys().map(String::as_str).collect();
    keys.sort_unstable();
    let expected = [
        "advice", "certain", "count", "end_ns", "evidence", "kind", "place", "runtime", "severity",
        "start_ns", "task", "task_id", "worker",
    ];
    assert_eq!(keys, expected);
    assert_eq!(first["kind"], "held_worker");
    assert_eq!(first["severity"], "severe");
    assert_eq!(first["certain"], true);
    assert_eq!(first["runtime"], "server");
    assert_eq!(first["count"], 6);
    assert!(first["worker"].as_u64() < Some(2), "one of two workers");
    let time = |key: &str| first[key].as_u64().expect("a time");
    assert!(time("end_ns") - time("start_ns") >= 30_000_000);
    let place = first["place"].as_str().expect("a place");
    assert!(place.starts_with("demos/src/blocking.rs:"), "{place}");
    assert!(first["task"].as_str().is_some_and(|task| task.starts_with("connection ")));
}

#[test]
fn people_read_a_sentence_the_place_and_the_cure() {
    let demo = taskscope_demos::find("blocking").expect("there is such a demo");
    let out = kept(demo).run(&["findings", "a.tscope"]).done().out;
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[0], "severe: a poll held its worker");
    assert!(lines[1].starts_with("  `connection ") && lines[1].ends_with('.'), "{out}");
    assert!(lines[2].starts_with("  at demos/src/blocking.rs:"), "{out}");
    assert!(lines[2].contains(" for 30.") && lines[2].contains(", worker "), "{out}");
    assert!(lines[3].starts_with("  cure: Move the work"), "{out}");
    assert!(out.ends_with("1 severe finding; 12 rules looked\n"), "{out}");
}

#[test]
fn where_nothing_is_wrong_it_says_so() {
    let demo = taskscope_demos::find("single").expect("there is such a demo");
    let sandbox = kept(demo);
    let out = sandbox.run(&["findings", "a.tscope"]).done().out;
    assert_eq!(out, "nothing is wrong that these rules know; 12 rules looked\n");
    assert_eq!(sandbox.run(&["findings", "--json", "a.tscope"]).done().out, "[]\n");
    assert_eq!(sandbox.files(), ["a.tscope"]);
}

#[test]
fn wrong_usage_and_files_that_are_none() {
    let sandbox = Sandbox::new();
    sandbox.write("b.tscope", b"something else");
    let run = |arguments: &[&str]| -> Run { sandbox.run(arguments) };
    run(&["findings"]).misused(&["<FILE>", "--help"]);
    run(&["findings", "a", "--xml"]).misused(&["--xml"]);
    run(&["findings", "a.tscope"]).failed(&["a.tscope", "No such file"]);
    run(&["findings", "b.tscope"]).failed(&["b.tscope"]);
}
