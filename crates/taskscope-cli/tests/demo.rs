//! `taskscope demo`: runs a demo, records it, prints its figures and shows the trace.

mod common;

use std::process::Stdio;

use common::{Picture, Run, Sandbox, until};

#[test]
fn without_a_display_a_demo_leaves_its_picture_beside_the_trace() {
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["demo", "--size", "40"]).done().out;
    for said in [
        "demo migration: ",
        "44 returned",
        "look for: ",
        "recorded to taskscope-demo-migration.tscope",
        "picture written to taskscope-demo-migration.png",
        "no display",
    ] {
        assert!(out.contains(said), "`{said}` is not in:\n{out}");
    }
    assert_eq!(
        sandbox.files(),
        ["taskscope-demo-migration.png", "taskscope-demo-migration.tscope"]
    );
    let picture = Picture::open(&sandbox.path("taskscope-demo-migration.png"));
    assert_eq!(picture.size, (1600, 1000));
    assert!(picture.colours() > 50, "{} colours", picture.colours());
}

#[test]
fn a_display_that_is_named_and_not_there_is_none() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["demo", "yields", "--size", "5", "--out", "a.tscope"]);
    command.env("DISPLAY", ":65000");
    let run = Run::of(command).done();
    assert!(run.out.contains("picture written to a.png"), "{run:?}");
    assert_eq!(sandbox.files(), ["a.png", "a.tscope"]);
}

#[test]
fn a_second_run_leaves_the_first_one_alone() {
    let sandbox = Sandbox::new();
    let demo = ["demo", "yields", "--size", "5", "--no-view"];
    sandbox.run(&demo).done();
    let first = sandbox.read("taskscope-demo-yields.tscope");
    let said = sandbox.run(&demo).done().out;
    assert!(said.contains("taskscope-demo-yields-2.tscope"), "{said}");
    let files = ["taskscope-demo-yields-2.tscope", "taskscope-demo-yields.tscope"];
    assert_eq!(sandbox.files(), files);
    assert_eq!(sandbox.read("taskscope-demo-yields.tscope"), first);
}

#[test]
fn a_file_that_was_named_is_replaced() {
    let sandbox = Sandbox::new();
    sandbox.write("a.tscope", b"something else");
    sandbox.run(&["demo", "yields", "--size", "5", "--no-view", "--out", "a.tscope"]).done();
    assert_eq!(sandbox.summary("a.tscope")["polls"], 5 * 21);
}

#[test]
fn a_size_can_be_a_factor() {
    let sandbox = Sandbox::new();
    let demo = ["demo", "yields", "--size", "2x", "--no-view", "--out", "a.tscope"];
    sandbox.run(&demo).done();
    let usual = taskscope_demos::find("yields").expect("there is such a demo").default_tasks;
    assert_eq!(sandbox.summary("a.tscope")["tasks"]["spawned"], 2 * usual);
}

#[test]
fn the_list_has_every_demo_and_records_none() {
    let sandbox = Sandbox::new();
    let out = sandbox.run(&["demo", "--list"]).done().out;
    for demo in taskscope_demos::DEMOS {
        assert!(out.contains(demo.name) && out.contains(demo.summary), "{out}");
    }
    assert_eq!(sandbox.files(), [""; 0]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = Sandbox::new();
    let demo = ["demo", "yields", "--no-view", "--out", "no/such/directory/a.tscope"];
    sandbox.run(&demo).failed(&["no/such/directory/a.tscope", "No such file"]);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    let names = "migration, server, yields, single";
    sandbox.run(&["demo", "migrations"]).misused(&["migrations", names]);
    sandbox.run(&["demo", "--size", "0"]).misused(&["'0'", "such as 200"]);
    sandbox.run(&["demo", "--seed", "x"]).misused(&["'x'"]);
    assert_eq!(sandbox.files(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn the_recording_of_a_program_that_was_killed_opens() {
    let sandbox = Sandbox::new();
    let demo = ["demo", "yields", "--size", "100x", "--no-view", "--out", "a.tscope"];
    let mut child = sandbox.command(&demo).stdout(Stdio::null()).spawn().expect("it starts");
    // It opens while it is being written, too.
    until("polls to be written", || {
        let run = sandbox.run(&["summary", "a.tscope", "--json"]);
        let summary: serde_json::Value = serde_json::from_str(&run.out).ok()?;
        (summary["polls"].as_u64()? > 1_000).then_some(())
    });
    // SIGKILL: it cannot tidy up.
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let note = ["note: ", "before its recording was finished"];
    sandbox.run(&["summary", "a.tscope"]).done().says(&note);
    let summary = sandbox.summary("a.tscope");
    assert_eq!(summary["truncated"], true);
    assert_eq!(summary["damaged_parts"], 0);
    assert!(summary["polls"].as_u64() > Some(1_000), "{summary}");
}
