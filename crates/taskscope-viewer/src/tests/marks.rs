//! Marks: noted by key, written about, gone to, kept beside the trace.

use std::fs;
use std::path::{Path, PathBuf};

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_model::TaskId;
use tempfile::TempDir;

use super::harness::{
    Window, click, clock, copied, document, painted_texts, press, press_with, recorded, seek,
    wait_until_open, window, window_of, window_on,
};
use crate::Options;
use crate::jobs::Mode;
use crate::marks::Mark;

/// A copy of the recorded trace in a folder of its own, and the file with its marks.
struct Files {
    _folder: TempDir,
    trace: PathBuf,
    notes: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("app.tscope");
        fs::copy(recorded(), &trace).unwrap();
        Self { notes: folder.path().join("app.tscope.notes.json"), trace, _folder: folder }
    }

    fn open(&self) -> Window {
        let mut window =
            window_on(Options { files: vec![self.trace.clone()], ..Options::default() });
        wait_until_open(&mut window);
        window
    }

    fn kept(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(&self.notes).unwrap()).unwrap()
    }

    /// What is in the folder, by name.
    fn names(&self) -> Vec<String> {
        let folder = fs::read_dir(self.trace.parent().unwrap()).unwrap();
        let mut names: Vec<String> =
            folder.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn origin(window: &mut Window) -> f64 {
    document(window).trace().span().start as f64
}

/// Puts the playhead so many milliseconds behind the start, and marks what is there by key.
fn mark_at(window: &mut Window, ms: f64, text: &str) {
    let origin = origin(window);
    seek(window, origin + ms * 1e6);
    press(window, Key::M);
    type_text(window, text);
}

/// Types into what has the focus, and leaves it.
fn type_text(window: &mut Window, text: &str) {
    window.event(egui::Event::Text(text.to_owned()));
    window.run_steps(2);
    press(window, Key::Enter);
    window.run_steps(2);
}

fn select(window: &mut Window, task: u64) {
    let found = document(window).trace().find_task(TaskId(task)).unwrap();
    document(window).select(Some(found));
}

fn all(window: &mut Window) -> Vec<(u64, u64, Option<u64>, String)> {
    let of = |mark: &Mark| (mark.start, mark.end, mark.task.map(|task| task.0), mark.text.clone());
    document(window).marks.all().iter().map(of).collect()
}

#[test]
fn a_key_adds_a_mark_and_its_text_is_typed_at_once() {
    let files = Files::new();
    let mut window = files.open();
    assert!(window.query_by_label("Add a mark").is_none(), "the panel is closed at first");
    mark_at(&mut window, 41.5, "queue begins to grow");
    assert_eq!(
        all(&mut window),
        [(41_500_000, 41_500_000, None, "queue begins to grow".to_owned())]
    );
    // What is marked goes before the playhead, and the selected task is noted.
    let origin = origin(&mut window);
    clock(&mut window).measured = Some((origin + 20e6, origin + 12e6));
    select(&mut window, 42);
    press(&mut window, Key::M);
    type_text(&mut window, "mM/h");
    assert_eq!(all(&mut window)[0], (12_000_000, 20_000_000, Some(42), "mM/h".to_owned()));
    window.get_by_label_contains("8.00 ms, task 42");
    assert_eq!(
        files.kept(),
        serde_json::json!({ "version": 1, "marks": [
            { "start_ns": 12_000_000, "end_ns": 20_000_000, "task": 42, "text": "mM/h" },
            { "start_ns": 41_500_000, "end_ns": 41_500_000, "task": null,
              "text": "queue begins to grow" },
        ]})
    );
    assert_eq!(files.names(), ["app.tscope", "app.tscope.notes.json"], "nothing else is left");
    press(&mut window, Key::H);
    assert!(window.query_by_label("Add a mark").is_none());
}

#[test]
fn marks_are_there_when_the_trace_is_opened_again() {
    let files = Files::new();
    let mut first = files.open();
    assert!(!files.notes.exists(), "nothing was marked");
    mark_at(&mut first, 41.5, "here");
    select(&mut first, 8);
    mark_at(&mut first, 12.0, "and “there” \\ ä");
    let marks = all(&mut first);
    drop(first);
    let mut again = files.open();
    assert_eq!(all(&mut again), marks);
    press(&mut again, Key::H);
    click(&mut again, "Delete the mark at 0.012 000 000 s");
    assert_eq!(all(&mut again), marks[1..]);
    assert_eq!(files.kept()["marks"].as_array().unwrap().len(), 1);
    assert!(again.query_by_label("Flag at 0.012 000 000 s").is_none());
    // The text is a field.
    again.get_by_label("Text of the mark at 0.041 500 000 s").focus();
    again.run_steps(2);
    type_text(&mut again, "!");
    assert!(files.kept()["marks"][0]["text"].as_str().unwrap().contains('!'));
    // A field that has the focus takes the keys.
    assert_eq!(all(&mut again).len(), 1);
}

#[test]
fn a_click_goes_to_a_mark_and_a_key_back() {
    let mut window = window();
    let origin = origin(&mut window);
    let place = |window: &mut Window| {
        let selected = document(window).selected;
        let clock = clock(window);
        (clock.replay.moment(), clock.measured, clock.view.start(), selected)
    };
    clock(&mut window).measured = Some((origin + 12e6, origin + 20e6));
    select(&mut window, 8);
    press(&mut window, Key::M);
    type_text(&mut window, "a stretch");
    clock(&mut window).measured = None;
    document(&mut window).select(None);
    mark_at(&mut window, 41.5, "a moment");
    let before = place(&mut window);
    click(&mut window, "Go to the mark at 0.012 000 000 s");
    let (moment, measured, view, selected) = place(&mut window);
    assert_eq!(moment, (origin + 12e6) as u64);
    assert_eq!(measured, Some((origin + 12e6, origin + 20e6)));
    assert_eq!(selected, document(&mut window).trace().find_task(TaskId(8)));
    assert!(view < origin + 12e6 && clock(&mut window).view.end() > origin + 20e6);
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(place(&mut window), before);
    // The flags over the lanes and the keys go there, too.
    clock(&mut window).view.fit();
    window.run_steps(2);
    click(&mut window, "Flag at 0.012 000 000 s");
    assert_eq!(place(&mut window).0, (origin + 12e6) as u64);
    press_with(&mut window, Modifiers::SHIFT, Key::N);
    let (moment, measured, ..) = place(&mut window);
    assert_eq!((moment, measured), ((origin + 41.5e6) as u64, None));
    press_with(&mut window, Modifiers::SHIFT, Key::N);
    assert_eq!(place(&mut window).0, moment, "it is the last");
    press_with(&mut window, Modifiers::SHIFT, Key::B);
    assert_eq!(place(&mut window).0, (origin + 12e6) as u64);
}

#[test]
fn flags_have_names_where_there_is_room() {
    let mut window = window();
    clock(&mut window).view.fit();
    mark_at(&mut window, 20.0, "alpha");
    mark_at(&mut window, 20.5, "beta");
    let timeline = window.get_by_label("Timeline").rect();
    let shown = |window: &Window, name: &str| {
        let is_flag =
            |at: egui::Rect| at.bottom() < timeline.top() && at.right() < timeline.right();
        painted_texts(window).iter().any(|of| of.text.starts_with(name) && is_flag(of.rect))
    };
    assert!(!shown(&window, "alpha"), "beta is hard beside it");
    assert!(shown(&window, "beta"));
    let origin = origin(&mut window);
    clock(&mut window).view.show(origin + 19.9e6, 1e6);
    window.run_steps(2);
    assert!(shown(&window, "alpha") && shown(&window, "beta"));
}

#[test]
fn the_list_is_copied_with_links() {
    let files = Files::new();
    let mut window = files.open();
    mark_at(&mut window, 41.5, "queue begins\tto grow");
    let origin = origin(&mut window);
    clock(&mut window).measured = Some((origin + 12e6, origin + 20e6));
    select(&mut window, 42);
    press(&mut window, Key::M);
    type_text(&mut window, "slow");
    let path = shell_words::quote(files.trace.to_str().unwrap()).into_owned();
    let expected = format!(
        "- **0.012 000 000 s** (8.00 ms, task 42) slow\n  \
         `taskscope view {path} --task 42 --at 12ms --range 12ms..20ms`\n\
         - **0.041 500 000 s** queue begins to grow\n  \
         `taskscope view {path} --at 41.5ms`\n"
    );
    assert_eq!(copied(&mut window, "Copy as text"), expected);
}

/// Opens a trace beside which this file lies, and marks something.
fn left_as_it_is(notes: &str, why: &str) {
    let files = Files::new();
    fs::write(&files.notes, notes).unwrap();
    let mut window = files.open();
    window.get_by_label_contains(why);
    mark_at(&mut window, 20.0, "not kept");
    assert_eq!(all(&mut window).len(), 1, "it is there while the window is");
    click(&mut window, "Close");
    window.get_by_label_contains(why);
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    drop(window);
    assert_eq!(fs::read_to_string(&files.notes).unwrap(), notes);
    assert_eq!(files.names().len(), 2);
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    left_as_it_is("{\"version\":1,\"marks\":[{\"start", "The file is left as it is");
    left_as_it_is("{\"version\":7,\"marks\":[]}", "it has version 7");
}

#[test]
fn what_another_window_wrote_is_not_replaced() {
    let files = Files::new();
    let mut first = files.open();
    let mut second = files.open();
    mark_at(&mut first, 10.0, "of the first");
    let kept = fs::read(&files.notes).unwrap();
    mark_at(&mut second, 20.0, "of the second");
    assert!(second.query_all_by_label_contains("changed by another window").count() > 0);
    drop(second);
    assert_eq!(fs::read(&files.notes).unwrap(), kept);
    // The first goes on.
    mark_at(&mut first, 30.0, "of the first");
    assert_eq!(files.kept()["marks"].as_array().unwrap().len(), 2);
}

#[test]
fn a_copy_of_the_trace_has_the_marks_beside_it() {
    let files = Files::new();
    let mut window = files.open();
    mark_at(&mut window, 10.0, "moves along");
    let copy = files.trace.with_file_name("copy.tscope");
    save_as(&mut window, &copy);
    let beside = files.trace.with_file_name("copy.tscope.notes.json");
    assert_eq!(fs::read(&beside).unwrap(), fs::read(&files.notes).unwrap());
    // From now on marks are kept beside the copy.
    let before = fs::read(&files.notes).unwrap();
    mark_at(&mut window, 20.0, "of the copy");
    assert_eq!(fs::read(&files.notes).unwrap(), before);
    let marks = all(&mut window);
    drop(window);
    let mut again = window_on(Options { files: vec![copy], ..Options::default() });
    wait_until_open(&mut again);
    assert_eq!(all(&mut again), marks);
    // No marks of another trace are replaced, and none are taken for this one's.
    let other = files.trace.with_file_name("other.tscope");
    fs::write(other.with_file_name("other.tscope.notes.json"), "something").unwrap();
    save_as(&mut again, &other);
    again.get_by_label_contains("exists already");
    assert!(!other.exists());
}

fn save_as(window: &mut Window, path: &Path) {
    press_with(window, Modifiers::COMMAND, Key::S);
    let field = window.get_by_label("Path to save to");
    field.focus();
    window.run_steps(2);
    press_with(window, Modifiers::COMMAND, Key::A);
    window.event(egui::Event::Text(path.to_string_lossy().into_owned()));
    window.run_steps(2);
    click(window, "Save");
}

#[test]
fn what_was_typed_last_is_kept_when_the_trace_is_closed() {
    let files = Files::new();
    let options = Options { files: vec![files.trace.clone()], ..Options::default() };
    let mut window = window_of(options, Mode::Threads);
    wait_until_open(&mut window);
    let jobs = |window: &mut Window| window.state_mut().as_mut().unwrap().jobs.wait();
    jobs(&mut window);
    window.run_steps(2);
    let mark = document(&mut window).marks.add((5, 5), None);
    document(&mut window).marks.set_text(mark, "last words".to_owned());
    // No frame is drawn in between.
    drop(window);
    assert_eq!(files.kept()["marks"][0]["text"], "last words");
}

#[test]
fn a_trace_without_a_file_keeps_its_marks_in_memory() {
    let mut window = window();
    mark_at(&mut window, 10.0, "gone with the window");
    window.get_by_label_contains("has no file");
    let text = window.get_by_label("Text of the mark at 0.010 000 000 s");
    assert_eq!(text.accesskit_node().value().as_deref(), Some("gone with the window"));
}

#[test]
fn where_nothing_can_be_written_the_window_says_so_once() {
    let files = Files::new();
    let mut window = files.open();
    let folder = files.trace.parent().unwrap().to_owned();
    fs::remove_dir_all(&folder).unwrap();
    mark_at(&mut window, 10.0, "a");
    let said = "Marks cannot be kept in";
    assert_eq!(window.query_all_by_label_contains(said).count(), 2, "above all, and in the panel");
    click(&mut window, "Close");
    mark_at(&mut window, 20.0, "b");
    assert_eq!(window.query_all_by_label_contains(said).count(), 1, "it stands in the panel still");
    // Once it can be written again, all is kept.
    fs::create_dir(&folder).unwrap();
    mark_at(&mut window, 30.0, "c");
    assert_eq!(window.query_all_by_label_contains(said).count(), 0);
    assert_eq!(files.kept()["marks"].as_array().unwrap().len(), 3);
}
