//! `taskscope generate`.

mod common;

use common::Sandbox;

#[test]
fn it_writes_what_summary_then_counts() {
    let sandbox = Sandbox::new();
    let arguments = ["generate", "--polls", "20k", "--tasks", "1_500", "--workers", "3"];
    let said = sandbox.run(&[&arguments[..], &["--seed", "7", "-o", "a.tscope"]].concat()).done();
    assert!(said.out.starts_with("generated a.tscope: 20,000 polls of 1,500 tasks, "), "{said:?}");
    assert_eq!(said.err, "");
    let summary = sandbox.summary("a.tscope");
    assert_eq!((&summary["polls"], &summary["tasks"]["spawned"]), (&20_000.into(), &1_500.into()));
    assert_eq!(summary["runtimes"][0]["workers"].as_array().map(Vec::len), Some(3));
    assert_eq!((&summary["truncated"], &summary["damaged_parts"]), (&false.into(), &0.into()));
    assert_eq!((&summary["program"], &summary["detail"]), (&"generated".into(), &"full".into()));

    // An existing file is replaced, by the same bytes.
    let first = sandbox.read("a.tscope");
    sandbox.write("b.tscope", b"something else");
    sandbox.run(&[&arguments[..], &["--seed=7", "--out", "b.tscope"]].concat()).done();
    assert_eq!(sandbox.read("b.tscope"), first);
    sandbox.run(&[&arguments[..], &["-o", "b.tscope"]].concat()).done();
    assert_ne!(sandbox.read("b.tscope"), first, "the seed is 1 where none is given");
    sandbox.run(&["render", "a.tscope", "-o", "a.png"]).done();
}

#[test]
fn what_cannot_be_is_refused_and_replaces_no_file() {
    let sandbox = Sandbox::new();
    sandbox.write("a.tscope", b"mine");
    let run = |arguments: &[&str]| {
        sandbox.run(&[&["generate", "-o", "a.tscope"][..], arguments].concat())
    };
    run(&["--polls", "10", "--tasks", "11"]).failed(&["11 tasks", "10 polls", "no more tasks"]);
    run(&["--workers", "0"]).failed(&["0 workers", "1 to 1000"]);
    run(&["--polls", "0"]).failed(&["without tasks"]);
    run(&["--polls", "many"]).misused(&["--polls", "a whole number such as"]);
    assert_eq!(sandbox.read("a.tscope"), b"mine");
    sandbox.run(&["generate"]).misused(&["--out <FILE>"]);
    sandbox
        .run(&["generate", "--polls", "10", "-o", "none/a.tscope"])
        .failed(&["cannot write none/a.tscope", "a directory that exists"]);
    assert_eq!(sandbox.files(), ["a.tscope"]);
}
