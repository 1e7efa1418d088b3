//! Files that cannot be opened, and those that can but are not whole, as every
//! command that takes a trace meets them.

mod common;

use common::Sandbox;

/// Each command that opens a file, with the arguments around it.
fn commands(file: &str) -> [Vec<&str>; 4] {
    [
        vec!["summary", file],
        vec!["summary", "--json", file],
        vec!["render", file, "-o", "out.png"],
        vec!["view", file],
    ]
}

#[test]
fn a_file_that_is_not_there() {
    let sandbox = Sandbox::new();
    for command in commands("none.tscope") {
        sandbox.run(&command).failed(&["none.tscope", "No such file", "taskscope demo"]);
    }
    assert_eq!(sandbox.files(), [""; 0]);
}

#[test]
fn a_directory() {
    let sandbox = Sandbox::new();
    for command in commands(".") {
        sandbox.run(&command).failed(&["cannot read .:", "directory"]);
    }
}

#[test]
fn a_file_that_is_no_trace() {
    let sandbox = Sandbox::new();
    sandbox.write("notes.txt", b"Dear diary,\x1b[31m");
    for command in commands("notes.txt") {
        let expected = ["notes.txt", "not a taskscope trace", "Dear dia", r"\x89TSCOP"];
        sandbox.run(&command).failed(&expected);
    }
}

#[test]
fn a_file_without_a_byte() {
    let sandbox = Sandbox::new();
    sandbox.write("empty.tscope", b"");
    for command in commands("empty.tscope") {
        sandbox.run(&command).failed(&["empty.tscope", "is empty"]);
    }
}

#[test]
fn a_trace_of_a_newer_version() {
    let sandbox = Sandbox::with_trace();
    let mut bytes = sandbox.read("a.tscope");
    bytes[8..10].copy_from_slice(&9u16.to_le_bytes());
    sandbox.write("new.tscope", &bytes);
    for command in commands("new.tscope") {
        let expected = ["new.tscope", "version 9", "up to 1", "newer taskscope"];
        sandbox.run(&command).failed(&expected);
    }
}

#[test]
fn a_trace_whose_header_is_damaged() {
    let sandbox = Sandbox::with_trace();
    let mut bytes = sandbox.read("a.tscope");
    bytes[14] ^= 1;
    sandbox.write("hurt.tscope", &bytes);
    for command in commands("hurt.tscope") {
        sandbox.run(&command).failed(&["hurt.tscope", "header", "damaged"]);
    }
}

#[test]
fn a_cut_trace_opens_up_to_the_cut_with_a_note() {
    let sandbox = Sandbox::with_trace();
    let bytes = sandbox.read("a.tscope");
    let whole = sandbox.summary("a.tscope");
    assert_eq!(whole["truncated"], false);
    // The end marker is cut, a block, the header.
    for cut in [bytes.len() - 1, bytes.len() / 2, 11] {
        sandbox.write("cut.tscope", &bytes[..cut]);
        let note = ["note: ", "cut.tscope", "before its recording was finished"];
        sandbox.run(&["summary", "cut.tscope"]).done().says(&note);
        sandbox.run(&["render", "cut.tscope", "-o", "cut.png"]).done().says(&note);
        let summary = sandbox.summary("cut.tscope");
        assert_eq!(summary["truncated"], true);
        assert!(summary["events"].as_u64() <= whole["events"].as_u64());
    }
    assert_eq!(sandbox.summary("cut.tscope")["events"], 0, "cut within the header");
}

#[test]
fn a_damaged_block_is_passed_over_with_a_note() {
    let sandbox = Sandbox::with_trace();
    let mut bytes = sandbox.read("a.tscope");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    sandbox.write("hurt.tscope", &bytes);
    let note = ["note: ", "hurt.tscope is damaged", "offset"];
    sandbox.run(&["summary", "hurt.tscope"]).done().says(&note);
    assert_ne!(sandbox.summary("hurt.tscope")["damaged_parts"], 0);
    assert_eq!(sandbox.summary("hurt.tscope")["truncated"], false);
}
