//! A command that runs while the window is open: its recordings join, each as a trace of its own.

use std::path::Path;

use egui::{ViewportCommand, ViewportId};
use egui_kittest::kittest::Queryable;

use super::follow::{Program, is_open, until};
use super::harness::{Window, click, clock, window_on, workspace};
use crate::command::AppCommand;
use crate::following::Following;
use crate::session::{Recordings, Session};
use crate::{Options, open_trace::TraceId};

fn window_of(recordings: Recordings) -> (Window, Session) {
    let session = Session::new("app --port 80", recordings);
    let options = Options { session: Some(session.clone()), ..Options::default() };
    (window_on(options), session)
}

/// Starts a program, waits until its header is there, and lets it join.
fn join(window: &mut Window, session: &Session, path: &Path, started: u64) -> Program {
    let program = Program::start(path, started);
    until(window, "the header", |_| path.metadata().is_ok_and(|file| file.len() > 24));
    session.join(path.to_owned());
    program
}

fn following(window: &mut Window, position: usize) -> Option<Following> {
    workspace(window).members()[position].open.following
}

#[test]
fn recordings_join_as_they_lie_in_time_and_end_with_their_processes() {
    const LATER: u64 = 30_000_000;
    let folder = tempfile::tempdir().unwrap();
    let (mut window, session) = window_of(Recordings::Temporary);
    window.get_by_label("app --port 80 is running");
    window.get_by_label_contains("has recorded nothing yet");
    let first = join(&mut window, &session, &folder.path().join("a.tscope"), 100);
    until(&mut window, "the first trace", |window| is_open(window));
    window.get_by_label_contains("What it records is removed when this window is closed");

    let second = join(&mut window, &session, &folder.path().join("b.tscope"), 100 + LATER);
    until(&mut window, "the second", |window| workspace(window).members().len() == 2);
    window.run_steps(2);
    let offsets = [0, 1].map(|position| workspace(&mut window).members()[position].open.offset);
    assert_eq!(offsets[1] - offsets[0], LATER as f64);
    window.get_by_label("aligned by wall clock");
    // The end that grows is that of both.
    let tasks = |window: &mut Window| {
        let members = workspace(window).members().iter();
        members.map(|member| member.open.trace().task_count()).min().unwrap_or(0)
    };
    let before = tasks(&mut window);
    until(&mut window, "both to grow", move |window| tasks(window) > before + 10);
    let ends = [0, 1].map(|position| workspace(&mut window).members()[position].open.bounds().1);
    let view = clock(&mut window).view;
    assert_eq!(view.end(), ends[0].max(ends[1]));
    assert!(window.query_by_label("Back to the end").is_none());

    second.kill();
    until(&mut window, "the end of what was killed", |window| {
        following(window, 1) == Some(Following::Unfinished)
    });
    assert!(following(&mut window, 0).is_some_and(|following| following.is_on().is_some()));
    session.command_ended("has ended with exit code 3");
    first.finish();
    until(&mut window, "the end of the other", |window| {
        following(window, 0) == Some(Following::Finished)
    });
    window.run_steps(2);
    window.get_by_label_contains("has ended with exit code 3");
    click(&mut window, "Hide");
    assert!(window.query_by_label_contains("has ended with exit code 3").is_none());
    workspace(&mut window).activate(TraceId(1));
    window.run_steps(2);
    window.get_by_label("its process ended without finishing the recording");
    assert!(window.query_by_label_contains("cut short").is_none(), "that is said already");

    // Other alignments are there as before.
    window.state_mut().as_mut().unwrap().commands.send(AppCommand::AlignStarts);
    window.run_steps(2);
    window.get_by_label("aligned at their starts");
    window.state_mut().as_mut().unwrap().commands.send(AppCommand::AlignClocks);
    window.run_steps(2);
    let offsets = [0, 1].map(|position| workspace(&mut window).members()[position].open.offset);
    assert_eq!(offsets[1] - offsets[0], LATER as f64);
}

#[test]
fn a_command_that_records_nothing_is_reported_with_what_to_check() {
    let (mut window, session) = window_of(Recordings::KeptIn("/traces".into()));
    session.command_ended("has ended with exit code 0");
    window.run_steps(2);
    window.get_by_label("app --port 80 has ended with exit code 0");
    window.get_by_label("and has recorded nothing");
    window.get_by_label_contains("taskscope::main");
    session.close();
    window.step();
    let output = &window.output().viewport_output[&ViewportId::ROOT];
    assert!(output.commands.contains(&ViewportCommand::Close), "{:?}", output.commands);
}
