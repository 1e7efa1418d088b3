//! Opening: files as argument, typed, dropped; demos; and what is no trace.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use egui::Key;
use egui_kittest::kittest::Queryable;

use super::harness::{
    Dropped, Window, click, clock, document, press, recorded, wait_until_open, window, window_on,
};
use crate::{DemoEntry, Options};

#[test]
fn a_file_given_as_argument_opens() {
    let mut window = window_on(Options { files: vec![recorded()], ..Options::default() });
    wait_until_open(&mut window);
    assert_eq!(document(&mut window).name, "migration.tscope");
    for worker in ["Lane worker 0", "Lane worker 1", "Lane worker 2", "Lane worker 3"] {
        window.get_by_label(worker);
    }
}

#[test]
fn a_path_that_is_typed_opens() {
    let mut window = window_on(Options::default());
    let field = window.get_by_label("Path of a trace");
    field.focus();
    field.type_text(&recorded().to_string_lossy());
    window.step();
    window.key_press(Key::Enter);
    window.run_steps(2);
    wait_until_open(&mut window);
    document(&mut window);
}

#[test]
fn a_file_dropped_on_the_window_opens() {
    let mut window = window_on(Options::default());
    window.input_mut().dropped_files.push(Arc::new(Dropped(recorded())));
    window.step();
    wait_until_open(&mut window);
    document(&mut window);
}

#[test]
fn a_demo_is_recorded_and_opened() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    let mut window = window_on(Options {
        demos: vec![DemoEntry {
            name: "migration".into(),
            description: "tasks hop".into(),
            look_for: "tasks with `hops`".into(),
            is_sick: false,
        }],
        run_demo: Some(Arc::new(move |name: &str| {
            log.lock().unwrap().push(name.to_owned());
            Ok(recorded())
        })),
        ..Options::default()
    });
    click(&mut window, "Record and watch migration");
    wait_until_open(&mut window);
    document(&mut window);
    assert_eq!(*asked.lock().unwrap(), ["migration"]);
    assert!(clock(&mut window).replay.is_playing(), "a demo is there to be watched");
    window.get_by_label("Look for: tasks with hops");
    click(&mut window, "Got it");
    assert!(window.query_by_label_contains("Look for").is_none());
}

#[test]
fn a_demo_that_fails_says_why() {
    let mut window = window_on(Options {
        demos: vec![DemoEntry { name: "server".into(), ..DemoEntry::default() }],
        run_demo: Some(Arc::new(|_: &str| Err("no port is free".to_owned()))),
        ..Options::default()
    });
    click(&mut window, "Record and watch server");
    wait_until_open(&mut window);
    window.get_by_label("no port is free");
}

#[test]
fn what_is_no_trace_is_refused_with_its_name() {
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    let mut window = window_on(Options { files: vec![file], ..Options::default() });
    wait_until_open(&mut window);
    window.get_by_label_contains("Cargo.toml: this is not a taskscope trace");
}

#[test]
fn a_cut_file_opens_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cut.tscope");
    let bytes = std::fs::read(recorded()).unwrap();
    std::fs::write(&file, &bytes[..bytes.len() * 2 / 3]).unwrap();
    let mut window = window_on(Options { files: vec![file], ..Options::default() });
    wait_until_open(&mut window);
    assert!(document(&mut window).trace().poll_count() > 100);
    window.get_by_label_contains("cut short");
}

#[test]
fn a_file_that_does_not_open_leaves_the_open_trace_where_it_was() {
    let mut window = window();
    let dropped = Dropped(PathBuf::from("no-such-file.tscope"));
    window.input_mut().dropped_files.push(Arc::new(dropped));
    window.step();
    wait_until_open(&mut window);
    window.get_by_label_contains("no-such-file.tscope cannot be read");
    assert_eq!(document(&mut window).name, "migration");
    click(&mut window, "Close");
    assert!(window.query_by_label_contains("cannot be read").is_none());
}

#[test]
fn the_page_of_keys_closes_on_the_welcome_page_too() {
    let mut window = window_on(Options::default());
    press(&mut window, Key::F1);
    window.get_by_label("Zoom at the pointer");
    press(&mut window, Key::Escape);
    assert!(window.query_by_label("Zoom at the pointer").is_none());
}

/// Types a path on the welcome page and presses Enter.
fn type_path(path: &str) -> Window {
    let mut window = window_on(Options::default());
    let field = window.get_by_label("Path of a trace");
    field.focus();
    field.type_text(path);
    window.step();
    window.key_press(Key::Enter);
    window.run_steps(2);
    wait_until_open(&mut window);
    window
}

#[test]
fn paths_in_quotes_and_urls_of_files_open() {
    let path = std::fs::canonicalize(recorded()).unwrap();
    let path = path.to_string_lossy();
    for typed in [format!("  '{path}' "), format!("file://{path}")] {
        let mut window = type_path(&typed);
        assert_eq!(document(&mut window).name, "migration.tscope", "{typed}");
    }
}

#[test]
fn the_title_names_the_file() {
    let mut window = window_on(Options { files: vec![recorded()], ..Options::default() });
    wait_until_open(&mut window);
    let app = window.state_mut().as_mut().unwrap();
    assert_eq!(app.title(), "migration.tscope – taskscope");
    super::harness::press_with(
        &mut window,
        egui::Modifiers::COMMAND | egui::Modifiers::SHIFT,
        Key::P,
    );
    window.get_by_label("Find a command").type_text("welcome");
    window.run_steps(2);
    press(&mut window, Key::Enter);
    assert_eq!(window.state_mut().as_mut().unwrap().title(), "taskscope");
}

#[test]
fn an_open_trace_can_be_saved_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken.tscope");
    std::fs::write(&taken, "mine").unwrap();
    let copy = folder.path().join("copy.tscope");
    let mut window = window_on(Options { files: vec![recorded()], ..Options::default() });
    wait_until_open(&mut window);
    super::harness::press_with(&mut window, egui::Modifiers::COMMAND, Key::S);
    for (path, error) in [(&taken, Some("exists already")), (&copy, None)] {
        let field = window.get_by_label("Path to save to");
        field.focus();
        window.key_press_modifiers(egui::Modifiers::COMMAND, Key::A);
        window.get_by_label("Path to save to").type_text(&path.to_string_lossy());
        window.run_steps(2);
        click(&mut window, "Save");
        if let Some(error) = error {
            window.get_by_label_contains(error);
        }
    }
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    assert_eq!(std::fs::read(&copy).unwrap(), std::fs::read(recorded()).unwrap());
    assert!(window.query_by_label("Path to save to").is_none(), "it has closed");
    assert_eq!(document(&mut window).path.as_deref(), Some(copy.as_path()));
    assert_eq!(document(&mut window).name, "copy.tscope");
}

#[test]
fn an_empty_trace_says_why_it_may_be_empty() {
    use taskscope_format::{Encoder, Event, FileWriter, ThreadId};
    use taskscope_model::{Trace, meta};
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    let value = "no event came: add `recording.layer()` to the subscriber";
    encoder.event(0, &Event::Meta { key: meta::NOTICE, value }, &mut bytes);
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(0), &bytes).unwrap();
    let trace = Trace::from_bytes(&writer.finish().unwrap()).unwrap();
    let window = super::harness::window_with_trace(trace);
    window.get_by_label("This recording has no polls");
    window.get_by_label(
        "The recorder reports: no event came: add recording.layer() to the subscriber",
    );
    window.get_by_label_contains("compiled without --cfg tokio_unstable");
    window.get_by_label_contains("a filter in front of it hides");
}

/// Backticks are for the terminal.
#[test]
fn no_text_of_the_window_has_a_backtick() {
    let refused = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
    for file in [None, Some(recorded()), Some(refused), Some("none.tscope".into())] {
        let mut window =
            window_on(Options { files: file.into_iter().collect(), ..Options::default() });
        wait_until_open(&mut window);
        let texts = super::harness::painted_texts(&window);
        let with = texts.iter().find(|text| text.text.contains('`'));
        assert!(with.is_none(), "{with:?}");
    }
}
