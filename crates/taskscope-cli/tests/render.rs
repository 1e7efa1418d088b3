//! `taskscope render`: pictures without a display.

mod common;

use common::{Picture, Sandbox};

fn draw(sandbox: &Sandbox, arguments: &[&str]) -> Picture {
    let command = [&["render", "a.tscope", "-o", "a.png"][..], arguments].concat();
    let run = sandbox.run(&command).done();
    assert_eq!((run.out.as_str(), run.err.as_str()), ("picture written to a.png\n", ""));
    Picture::open(&sandbox.path("a.png"))
}

#[test]
fn a_picture_has_the_size_that_was_asked_for_and_something_on_it() {
    let sandbox = Sandbox::with_trace();
    let usual = draw(&sandbox, &[]);
    assert_eq!(usual.size, (1600, 1000));
    assert!(usual.colours() > 50, "{} colours", usual.colours());
    assert!(usual.pixels.iter().all(|pixel| pixel[3] == 255), "nothing shines through");
    let small = draw(&sandbox, &["--size", "800x600"]);
    assert_eq!(small.size, (800, 600));
    let sharp = draw(&sandbox, &["--size", "800x600", "--scale", "2"]);
    assert_eq!(sharp.size, (1600, 1200));
    assert!(sharp.colours() > 50, "{} colours", sharp.colours());
}

#[test]
fn what_is_asked_for_shows() {
    let sandbox = Sandbox::with_trace();
    let usual = draw(&sandbox, &[]);
    assert_eq!(usual.pixels_unlike(&draw(&sandbox, &[])), 0, "the same each time");

    let light = draw(&sandbox, &["--theme", "light"]);
    assert!(usual.brightness() < 90, "dark: {}", usual.brightness());
    assert!(light.brightness() > 160, "light: {}", light.brightness());

    let start = draw(&sandbox, &["--at", "0"]);
    let later = draw(&sandbox, &["--at", "200us"]);
    assert!(start.pixels_unlike(&later) > 100);

    let selected = draw(&sandbox, &["--select", &some_task(&sandbox)]);
    assert!(usual.pixels_unlike(&selected) > 1000);
}

#[test]
fn the_timeline_shows_as_much_time_as_was_asked_for() {
    let sandbox = Sandbox::with_trace();
    let at = ["--size", "640x400", "--at", "200us"];
    let draw = |span: &[&str]| draw(&sandbox, &[&at[..], span].concat());
    let (some, short, long) = (draw(&[]), draw(&["--span", "20us"]), draw(&["--span", "300us"]));
    assert!(some.pixels_unlike(&short) > 1000);
    assert!(short.pixels_unlike(&long) > 1000);
    // More than there is is all there is.
    assert_eq!(draw(&["--span", "100s"]).pixels_unlike(&draw(&["--span", "200s"])), 0);
}

/// The id of a task of the trace: the error for a name that no task has lists some.
fn some_task(sandbox: &Sandbox) -> String {
    let command = ["render", "a.tscope", "-o", "no.png", "--select", "nobody"];
    let said = sandbox.run(&command).failed(&["a.tscope", "`nobody`", ", task "]).err;
    let id = said.split(", task ").nth(1).and_then(|rest| rest.split(',').next());
    id.expect("a task").to_owned()
}

#[test]
fn a_task_is_selected_by_its_name() {
    let sandbox = Sandbox::new();
    sandbox.run(&["demo", "server", "--size", "3", "--no-view", "--out", "a.tscope"]).done();
    let usual = draw(&sandbox, &["--at", "5ms"]);
    let selected = draw(&sandbox, &["--at", "5ms", "--select", "connection 1"]);
    assert!(usual.pixels_unlike(&selected) > 1000);
}

#[test]
fn a_time_behind_the_end_and_a_task_that_is_not_there() {
    let sandbox = Sandbox::with_trace();
    let out = ["render", "a.tscope", "-o", "no.png"];
    let behind = [&out[..], &["--at", "1000s"]].concat();
    sandbox.run(&behind).failed(&["a.tscope", "lasts", "1000 s", "within"]);
    let unknown = [&out[..], &["--select", "99999999"]].concat();
    sandbox.run(&unknown).failed(&["a.tscope", "`99999999`", "and 13 more"]);
    assert_eq!(sandbox.files(), ["a.tscope"], "no picture of something else");
}

#[test]
fn an_output_that_cannot_be_written() {
    let sandbox = Sandbox::with_trace();
    let out = ["render", "a.tscope", "-o", "no/such/directory/a.png"];
    sandbox.run(&out).failed(&["no/such/directory/a.png", "No such file", "directory that exists"]);
}

#[test]
fn a_picture_that_is_too_large() {
    let sandbox = Sandbox::with_trace();
    let command = ["render", "a.tscope", "-o", "a.png", "--size", "100000x10"];
    sandbox.run(&command).failed(&["100000x10", "16384"]);
    assert_eq!(sandbox.files(), ["a.tscope"]);
}

#[test]
fn wrong_usage() {
    let sandbox = Sandbox::new();
    let with = |arguments: &[&str]| sandbox.run(&[&["render", "a"][..], arguments].concat());
    with(&[]).misused(&["--out"]);
    with(&["-o", "b", "--size", "big"]).misused(&["big", "1600x1000"]);
    with(&["-o", "b", "--size", "0x5"]).misused(&["0x5", "1600x1000"]);
    with(&["-o", "b", "--at", "5"]).misused(&["'5'", "12.5ms"]);
    with(&["-o", "b", "--span", "0ms"]).misused(&["'0ms'", "12.5ms"]);
    with(&["-o", "b", "--scale", "3"]).misused(&["3", "1..=2"]);
    with(&["-o", "b", "--theme", "pink"]).misused(&["pink", "dark, light"]);
}

#[test]
fn a_film_has_the_same_bytes_each_time() {
    let sandbox = Sandbox::with_trace();
    let film = |name: &str, more: &[&str]| {
        let usual = ["render", "a.tscope", "-o", name, "--size", "320x200", "--film", "0us..300us"];
        let run = sandbox.run(&[&usual[..], more].concat()).done();
        assert!(run.out.starts_with("film of "), "{}", run.out);
        run.out
    };
    let pace = ["--seconds", "0.5", "--fps", "8"];
    film("a.gif", &pace);
    film("b.gif", &pace);
    let (first, second) = (sandbox.path("a.gif"), sandbox.path("b.gif"));
    let (first, second) = (std::fs::read(first).unwrap(), std::fs::read(second).unwrap());
    assert!(first.starts_with(b"GIF89a") && first == second);

    let said = film("frame-%d.png", &pace);
    let frames: Vec<Picture> = (0..)
        .map(|number| sandbox.path(&format!("frame-{number:05}.png")))
        .take_while(|path| path.exists())
        .map(|path| Picture::open(&path))
        .collect();
    assert!(said.starts_with(&format!("film of {} frames", frames.len())), "{said}");
    assert!(frames.len() >= 4 && frames[0].size == (320, 200));
    assert!(frames[0].pixels_unlike(&frames[frames.len() - 1]) > 10, "something moves");
    film("events.gif", &["--events", "20", "--fps", "4"]);
}

#[test]
fn a_film_that_cannot_be_made_says_why() {
    let sandbox = Sandbox::with_trace();
    for (out, stretch, says) in [
        ("a.gif", "1ms..100s", "ask for a stretch within it"),
        ("a.mp4", "0us..1us", "call it OUT.gif"),
        ("a.png", "0us..1us", "call it OUT.gif"),
    ] {
        let run = ["render", "a.tscope", "-o", out, "--film", stretch];
        sandbox.run(&run).failed(&[says]);
    }
}

#[test]
fn the_stage_can_be_drawn() {
    let sandbox = Sandbox::with_trace();
    let (usual, stage) = (draw(&sandbox, &[]), draw(&sandbox, &["--stage"]));
    assert!(usual.pixels_unlike(&stage) > 10_000);
}
