//! A file that another process writes grows in the window.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use egui::Key;
use egui_kittest::kittest::Queryable;
use taskscope_format::{
    Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId, ThreadId,
};

use super::harness::{
    PaintedText, Window, click, clock, document, painted_texts, press, press_with, window_on,
};
use crate::Options;

/// Not a test: a program that records, until its standard input ends. It writes every 20 ms.
#[test]
#[ignore = "a child process of the tests"]
fn child_writes() {
    let Some(path) = std::env::var_os("FOLLOWED") else { return };
    let first: u64 = std::env::var("FIRST_TASK").unwrap().parse().unwrap();
    let (over, is_over) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        std::io::stdin().read_line(&mut String::new()).unwrap();
        drop(over);
    });
    let file = std::fs::File::create(path).unwrap();
    // As a recorder does.
    file.try_lock().unwrap();
    let mut writer = FileWriter::new(file, first).unwrap();
    let begun = Instant::now();
    let mut number = first;
    let pause = Duration::from_millis(20);
    while is_over.recv_timeout(pause) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        let time = begun.elapsed().as_nanos() as u64;
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(time, &mut bytes);
        let (task, worker) = (TaskId(number), Event::Worker(Some((RuntimeId(0), 0))));
        encoder.event(time, &worker, &mut bytes);
        encoder.event(time, &Event::PollStart { task, source: Source::Hook }, &mut bytes);
        let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
        encoder.event(time + 1_000_000, &end, &mut bytes);
        writer.block(ThreadId(0), &bytes).unwrap();
        number += 1;
    }
    writer.finish().unwrap();
}

/// A process that writes; it ends with its test.
pub(super) struct Program(Child);

impl Program {
    pub(super) fn start(path: &Path, first: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        let name = "tests::follow::child_writes";
        command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("FOLLOWED", path).env("FIRST_TASK", first.to_string());
        Self(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap())
    }

    pub(super) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub(super) fn finish(mut self) {
        self.0.stdin.take().unwrap().write_all(b"\n").unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, if the test came so far.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn until(window: &mut Window, what: &str, mut done: impl FnMut(&mut Window) -> bool) {
    let begun = Instant::now();
    while !done(window) {
        assert!(begun.elapsed().as_secs() < 60, "waited a minute for {what}");
        std::thread::yield_now();
        window.step();
    }
}

pub(super) fn is_open(window: &Window) -> bool {
    window.state().as_ref().is_some_and(|app| app.workspace.is_some())
}

fn tasks(window: &mut Window) -> usize {
    document(window).trace().task_count()
}

/// Waits until so many more tasks are shown.
pub(super) fn grows(window: &mut Window, by: usize) {
    let before = tasks(window);
    until(window, "the trace to grow", move |window| tasks(window) >= before + by);
}

/// Waits until the first task is this one.
fn shows(window: &mut Window, first: u64) {
    until(window, "another recording", move |window| {
        let trace = document(window).trace();
        trace.tasks().next().is_some_and(|task| task.id == TaskId(first))
    });
    window.run_steps(2);
}

fn follow(path: &Path) -> Window {
    window_on(Options { files: vec![path.to_owned()], follow: true, ..Options::default() })
}

#[test]
fn a_file_that_another_process_writes_grows_until_it_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let mut window = follow(&path);
    window.get_by_label_contains("app.tscope to be written");
    let program = Program::start(&path, 100);
    until(&mut window, "the first events", |window| is_open(window));
    grows(&mut window, 5);
    window.get_by_label("following");
    let clock_now = *clock(&mut window);
    assert_eq!(clock_now.view.end(), document(&mut window).trace().span().end as f64);
    // What a person looks at stays, and End brings the end back.
    press(&mut window, Key::W);
    press(&mut window, Key::Home);
    press(&mut window, Key::W);
    let app = window.state_mut().as_mut().unwrap();
    app.commands.send(crate::command::AppCommand::Pan(-9.0));
    window.run_steps(2);
    let before = clock(&mut window).view;
    grows(&mut window, 10);
    let after = clock(&mut window).view;
    assert_eq!((before.start(), before.end()), (after.start(), after.end()));
    let width = before.width();
    click(&mut window, "Back to the end");
    assert!(window.query_by_label("Back to the end").is_none());
    assert!((clock(&mut window).view.width() / width - 1.0).abs() < 1e-6, "at the same zoom");
    let app = window.state_mut().as_mut().unwrap();
    app.commands.send(crate::command::AppCommand::Pan(-9.0));
    window.run_steps(2);
    press(&mut window, Key::End);
    grows(&mut window, 10);
    let end = document(&mut window).trace().span().end as f64;
    assert!(clock(&mut window).view.end() >= end, "the end is in sight again");
    program.finish();
    until(&mut window, "its end", |window| window.query_by_label("recording finished").is_some());
    assert!(window.query_by_label("following").is_none());
    assert!(window.query_by_label_contains("cut short").is_none());
}

#[test]
fn a_program_may_be_killed_and_started_again_and_its_file_replaced_and_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let program = Program::start(&path, 100);
    let mut window = follow(&path);
    until(&mut window, "the first events", |window| is_open(window));
    grows(&mut window, 20);
    program.kill();
    window.run_steps(3);
    window.get_by_label("following");
    // Again: it cuts its file.
    let program = Program::start(&path, 5_000);
    shows(&mut window, 5_000);
    // That is news for a while, or until a click.
    window.get_by_label("following, begun again with a new file");
    window.run_steps(30);
    assert!(window.query_by_label("following, begun again with a new file").is_none());
    window.get_by_label("following");
    grows(&mut window, 5);
    program.kill();
    // Another file under the same name.
    let other = folder.path().join("other.tscope");
    let program = Program::start(&other, 9_000);
    until(&mut window, "the other file", |_| other.metadata().is_ok_and(|file| file.len() > 200));
    std::fs::rename(&other, &path).unwrap();
    shows(&mut window, 9_000);
    click(&mut window, "following, begun again with a new file");
    window.get_by_label("following");
    grows(&mut window, 5);
    program.kill();
    // Cut: what is left of it is shown.
    let before = tasks(&mut window);
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    until(&mut window, "what is left", move |window| tasks(window) < before);
    // Removed: it stays.
    std::fs::remove_file(&path).unwrap();
    let left = tasks(&mut window);
    window.run_steps(3);
    assert_eq!(tasks(&mut window), left);
}

/// What stands on the same line as a text, right of it.
fn right_of(texts: &[PaintedText], label: &str) -> Option<String> {
    let label = texts.iter().find(|text| text.text == label)?.rect;
    let beside = texts.iter().filter(|text| {
        text.rect.left() > label.right() && text.rect.y_range().contains(label.center().y)
    });
    let nearest = beside.min_by(|one, other| one.rect.left().total_cmp(&other.rect.left()))?;
    Some(nearest.text.clone())
}

#[test]
fn the_figures_of_a_frame_are_of_one_snapshot() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let _program = Program::start(&path, 100);
    let mut window = follow(&path);
    until(&mut window, "the first events", |window| is_open(window));
    let mut seen = std::collections::BTreeSet::new();
    until(&mut window, "ten snapshots", |window| {
        let texts = painted_texts(window);
        let bar = texts.iter().find(|text| text.text.contains("worker   ")).expect("the top bar");
        let bar: Vec<&str> = bar.text.split("   ").collect();
        let polls = right_of(&texts, "polls").expect("the inspector");
        let number = |text: &str| text.replace(',', "").parse::<u64>().unwrap();
        let plural = if polls == "1" { "poll" } else { "polls" };
        assert!(bar.contains(&format!("{polls} {plural}").as_str()), "{polls} in {bar:?}");
        let tasks = texts.iter().find(|text| text.text.ends_with(" tasks"));
        if let Some(tasks) = tasks {
            assert_eq!(Some(tasks.text.as_str()), bar.get(1).copied(), "the table");
        }
        seen.insert(number(&polls));
        seen.len() > 10
    });
}

#[test]
fn a_file_without_polls_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let mut window = follow(&path);
    window.get_by_label_contains("app.tscope to be written");
    let writer = FileWriter::new(std::fs::File::create(&path).unwrap(), 0).unwrap();
    until(&mut window, "the trace without polls", |window| is_open(window));
    window.run_steps(2);
    window.get_by_label("Waiting for the first poll");
    window.get_by_label_contains("is followed, for 0 s already");
    window.get_by_label_contains("tokio_unstable");
    assert!(window.query_by_label("This recording has no polls").is_none());
    writer.finish().unwrap();
    until(&mut window, "its end", |window| window.query_by_label("recording finished").is_some());
    window.get_by_label("This recording has no polls");
}

#[test]
fn following_is_switched_on_and_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.tscope");
    let program = Program::start(&path, 100);
    until(&mut window_on(Options::default()), "the file", |_| {
        path.metadata().is_ok_and(|file| file.len() > 200)
    });
    let mut window = window_on(Options { files: vec![path.clone()], ..Options::default() });
    until(&mut window, "the file", |window| is_open(window));
    window.run_steps(3);
    assert!(window.query_by_label("following").is_none());
    let shift_f = |window: &mut Window| press_with(window, egui::Modifiers::SHIFT, Key::F);
    shift_f(&mut window);
    window.get_by_label("following");
    grows(&mut window, 5);
    shift_f(&mut window);
    assert!(window.query_by_label("following").is_none());
    program.finish();
    shift_f(&mut window);
    until(&mut window, "its end", |window| window.query_by_label("recording finished").is_some());
}

#[test]
fn waiting_for_a_file_can_be_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = follow(&folder.path().join("never.tscope"));
    click(&mut window, "Cancel");
    window.get_by_label("See Tokio schedule your tasks");
}
