//! `taskscope boxes`, and black boxes in the other commands.

mod common;

use common::Sandbox;
use serde_json::Value;

/// One of a process that ended while task 48 was polled by its thread 3.
const BOX: &[u8] = include_bytes!("../../taskscope-format/tests/golden/box-v1.tscope");

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with_trace();
    sandbox.write("server.tscope", BOX);
    sandbox.write("notes.txt", b"notes");
    sandbox
}

#[test]
fn it_lists_boxes_and_nothing_else() {
    let said = sandbox().run(&["boxes"]).done().out;
    let lines: Vec<_> = said.lines().collect();
    let [process, last, command] = &lines[..] else { panic!("{said}") };
    assert!(process.starts_with("server  (process 4711) "), "{said}");
    assert!(process.contains("ended without finishing at 2025-06-15 15:06:40 UTC"), "{said}");
    assert!(last.contains("0 tasks runnable"), "{said}");
    assert!(command.ends_with("taskscope view ./server.tscope"), "{said}");
}

/// Scripts rely on these. Keys may be added here, and none may go.
#[test]
fn the_json_has_the_keys_that_are_documented() {
    let said = sandbox().run(&["boxes", ".", "--json"]).done().out;
    let found: Value = serde_json::from_str(&said).expect("JSON");
    let [found] = &found.as_array().expect("an array")[..] else { panic!("{said}") };
    let mut keys: Vec<_> = found.as_object().expect("an object").keys().collect();
    keys.sort_unstable();
    let expected = [
        "command",
        "dropped_events",
        "duration_ns",
        "ending",
        "events",
        "last_seen_unix_ns",
        "longest_open_poll",
        "path",
        "process",
        "program",
        "runnable",
        "started_unix_ns",
        "workers",
    ];
    assert_eq!(keys, expected);
    assert_eq!((&found["ending"], &found["process"]), (&"killed".into(), &4711.into()));
    assert_eq!(found["dropped_events"], 5);
}

#[cfg(unix)]
#[test]
fn a_box_whose_process_holds_its_lock_is_that_of_a_living_one() {
    let sandbox = sandbox();
    let file = std::fs::File::open(sandbox.path("server.tscope")).expect("the box");
    file.lock().expect("its lock");
    let said = sandbox.run(&["boxes"]).done().out;
    assert!(said.contains("server  (process 4711) is alive"), "{said}");
    let said = sandbox.run(&["summary", "server.tscope"]).done().out;
    assert!(said.contains("the black box of a process that is alive"), "{said}");
}

#[test]
fn the_other_commands_take_a_box_for_a_trace() {
    let sandbox = sandbox();
    let summary = sandbox.summary("server.tscope");
    assert_eq!(summary["program"], "server");
    assert_eq!(summary["dump"], "the process ended without finishing");
    assert_eq!(summary["truncated"], true);
    sandbox.run(&["render", "server.tscope", "-o", "server.png"]).done();
}

#[test]
fn where_there_are_none_it_says_how_to_get_one() {
    let said = Sandbox::new().run(&["boxes"]).done().out;
    assert!(said.contains("no black boxes in .") && said.contains("TASKSCOPE_BLACK_BOX"), "{said}");
    let run = Sandbox::new().run(&["boxes", "nowhere"]);
    assert_eq!(run.code, Some(1));
    assert!(run.err.contains("cannot list nowhere"), "{}", run.err);
}
