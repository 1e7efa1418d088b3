//! `taskscope view` where there is no display, and the help.

mod common;

use common::{Run, Sandbox};

const INSTEAD: [&str; 4] = ["DISPLAY", "taskscope render", "taskscope summary", "xvfb-run"];

#[test]
fn without_a_display_it_says_what_is_missing_and_what_to_do_instead() {
    let sandbox = Sandbox::with_trace();
    for command in [&["view", "a.tscope"][..], &["view"], &[]] {
        sandbox.run(command).failed(&INSTEAD);
    }
}

#[test]
fn a_display_that_is_named_and_not_there_is_reported() {
    let sandbox = Sandbox::with_trace();
    let mut command = sandbox.command(&["view", "a.tscope"]);
    command.env("DISPLAY", ":65000");
    let run = Run::of(command);
    assert_eq!(run.code, Some(1), "{run:?}");
    let run =
        run.says(&["error: no window can be opened", "`:65000`", "DISPLAY", "taskscope render"]);
    for path in ["registry", ".rs", "winit"] {
        assert!(!run.err.contains(path), "{path} says nothing to a user: {}", run.err);
    }
}

#[test]
fn help_has_every_command_and_examples() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["--help"]).done().out;
    for word in ["view", "demo", "summary", "render", "Examples:", "taskscope::init()"] {
        assert!(help.contains(word), "`{word}` is not in:\n{help}");
    }
    for command in ["run", "demo", "summary", "render"] {
        let help = sandbox.run(&[command, "--help"]).done().out;
        assert!(help.contains("Examples:"), "{help}");
    }
    let version = sandbox.run(&["--version"]).done().out;
    assert_eq!(version, format!("taskscope {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_file_without_a_command_hints_at_view() {
    let sandbox = Sandbox::with_trace();
    sandbox.run(&["a.tscope"]).misused(&["a.tscope", "taskscope view a.tscope"]);
    sandbox.run(&["none.tscope"]).misused(&["none.tscope", "taskscope view none.tscope"]);
    // What looks like no trace is taken for a command.
    let run = sandbox.run(&["vie"]).misused(&["vie", "view"]);
    assert!(!run.err.contains("taskscope view vie"), "{}", run.err);
}

#[test]
fn only_a_file_can_be_followed() {
    let sandbox = Sandbox::new();
    sandbox.run(&["view", "--follow"]).misused(&["<FILE>"]);
    // One that is not there is waited for: it is the display that is missing.
    sandbox.run(&["view", "none.tscope", "--follow"]).failed(&INSTEAD);
    sandbox.run(&["view", "none.tscope"]).failed(&["none.tscope"]);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    sandbox.run(&["vieww"]).misused(&["vieww", "view"]);
}
