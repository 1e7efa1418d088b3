//! What the window does while something is read or worked out on another thread.
//!
//! `cargo test --release -p taskscope-viewer large_table -- --ignored --nocapture` prints how long
//! a table of a million tasks takes.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use taskscope_format::{
    Encoder, Event, FileWriter, PollResult, RuntimeId, Source, Spawn, TaskId, TaskKind, ThreadId,
};
use taskscope_model::{TaskIx, Trace};

use super::harness::{
    Dropped, Window, click, document, panels, press_with, recorded, recorded_trace,
    wait_until_open, window_on, window_with_traces, workspace,
};
use crate::command::AppCommand;
use crate::jobs::Mode;
use crate::loading::Loading;
use crate::open_trace::{Loaded, TraceId};
use crate::{DemoEntry, Options};

/// So many tasks, each polled once, for a time that has nothing to do with its number.
fn many_tasks(count: u64) -> Trace {
    Trace::from_bytes(&file_of_many_tasks(count)).unwrap()
}

/// The same as a file.
pub(crate) fn file_of_many_tasks(count: u64) -> Vec<u8> {
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    let mut time = 0;
    for block in 0..count.div_ceil(1_000) {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(time, &mut bytes);
        encoder.event(time, &Event::Worker(Some((RuntimeId(0), 0))), &mut bytes);
        for number in block * 1_000..count.min((block + 1) * 1_000) {
            let task = TaskId(number + 1);
            encoder.event(
                time,
                &Event::Spawn(Spawn::new(task, TaskKind::Task, Source::Hook)),
                &mut bytes,
            );
            encoder.event(time + 1, &Event::PollStart { task, source: Source::Hook }, &mut bytes);
            time += 2 + number * 7_919 % 1_009;
            let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
            encoder.event(time, &end, &mut bytes);
        }
        writer.block(ThreadId(0), &bytes).unwrap();
    }
    writer.finish().unwrap()
}

/// Waits for all jobs, and for those that their answers lead to.
fn settle(window: &mut Window) {
    for _ in 0..3 {
        window.state_mut().as_mut().unwrap().jobs.wait();
        window.step();
    }
}

fn threads(trace: Trace) -> Window {
    window_with_traces(vec![Loaded::new(trace, "large", None)], Mode::Threads)
}

#[test]
fn a_table_is_sorted_and_searched_by_jobs() {
    for mode in [Mode::Threads, Mode::Slices] {
        let loaded = Loaded::new(many_tasks(100_000), "large", None);
        let mut window = window_with_traces(vec![loaded], mode);
        settle(&mut window);
        let all: Vec<TaskIx> = (0..100_000).map(TaskIx).collect();
        assert_eq!(panels(&mut window).tasks.rows(), all, "{mode:?}");
        click(&mut window, "Sort by Longest poll");
        settle(&mut window);
        let rows = panels(&mut window).tasks.rows().to_vec();
        let trace = document(&mut window).trace();
        let mut expected = all;
        expected.sort_by_key(|&task| std::cmp::Reverse(trace.task(task).longest()));
        assert!(rows == expected, "{mode:?}: the longest first, and of equal ones the oldest");
        window.get_by_label("Find tasks").focus();
        window.get_by_label("Find tasks").type_text("\"task 9999\"");
        window.run_steps(2);
        settle(&mut window);
        let ids: Vec<u64> = {
            let rows = panels(&mut window).tasks.rows().to_vec();
            let trace = document(&mut window).trace();
            rows.iter().map(|&task| trace.task(task).id.0).collect()
        };
        assert_eq!(ids.len(), 11, "{mode:?}: {ids:?}");
        assert!(ids.iter().all(|id| id.to_string().starts_with("9999")), "{ids:?}");
    }
}

#[test]
fn what_is_shown_on_threads_is_what_is_shown_at_once() {
    let texts = |mode| {
        let loaded = Loaded::new(recorded_trace(), "migration", None);
        let mut window = window_with_traces(vec![loaded], mode);
        document(&mut window).select(Some(TaskIx(7)));
        window.run_steps(2);
        settle(&mut window);
        super::harness::painted_texts(&window)
            .into_iter()
            .map(|text| (text.text, text.rect))
            .collect::<Vec<_>>()
    };
    let at_once = texts(Mode::AtOnce);
    assert!(at_once == texts(Mode::Threads));
    assert!(at_once == texts(Mode::Slices));
}

/// A worker that enters and leaves a span of the program's own so many times.
fn many_visits(count: u64) -> Trace {
    use taskscope_format::{Level, SpanId};
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    encoder.event(0, &Event::Worker(Some((RuntimeId(0), 0))), &mut bytes);
    encoder.event(1, &Event::PollStart { task: TaskId(1), source: Source::Hook }, &mut bytes);
    for number in 0..4 {
        let span = taskscope_format::Span {
            id: SpanId(number),
            parent: None,
            name: "request",
            target: "app",
            level: Level::Info,
            fields: "",
            location: None,
        };
        encoder.event(1, &Event::Span(span), &mut bytes);
    }
    for number in 0..count {
        let (time, span) = (2 + 10 * number, SpanId(number % 4));
        encoder.event(time, &Event::SpanEnter(span), &mut bytes);
        encoder.event(time + 1 + number * 7_919 % 8, &Event::SpanExit(span), &mut bytes);
    }
    let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
    encoder.event(10 * count + 3, &end, &mut bytes);
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(0), &bytes).unwrap();
    Trace::from_bytes(&writer.finish().unwrap()).unwrap()
}

/// All meshes that the last frame painted.
fn meshes(window: &Window) -> Vec<egui::Mesh> {
    let shapes = window.output().shapes.iter();
    let meshes = shapes.filter_map(|clipped| match &clipped.shape {
        egui::Shape::Mesh(mesh) => Some((**mesh).clone()),
        _ => None,
    });
    meshes.filter(|mesh| !mesh.is_empty()).collect()
}

#[test]
fn spans_of_the_programs_own_are_gathered_by_a_job_where_there_are_many() {
    let painted = |mode| {
        let mut window =
            window_with_traces(vec![Loaded::new(many_visits(30_000), "spans", None)], mode);
        press_with(&mut window, Modifiers::NONE, Key::Home);
        settle(&mut window);
        meshes(&window)
    };
    let at_once = painted(Mode::AtOnce);
    let most = at_once.iter().map(|mesh| mesh.vertices.len()).max();
    assert!(most.is_some_and(|most| (400..40_000).contains(&most)), "{most:?}: some a pixel");
    assert!(at_once == painted(Mode::Threads));
}

/// A newer snapshot of a trace, as while its file is still being written.
#[test]
fn a_newer_snapshot_takes_the_place_of_the_older_one() {
    let mut window = threads(many_tasks(300));
    settle(&mut window);
    let id = TraceId(0);
    drop(workspace(&mut window).replace(id, Arc::new(many_tasks(500))));
    // Until the jobs are done, what was worked out holds for 300.
    window.step();
    settle(&mut window);
    assert_eq!(panels(&mut window).tasks.rows().len(), 500);
    assert_eq!(document(&mut window).prepared().summary.tasks.spawned, 500);
    window.get_by_label("500 tasks");
    let end = document(&mut window).trace().span().end as f64;
    assert_eq!(super::harness::clock(&mut window).view.bounds().1, end);
}

/// A window with a demo that is recorded when somebody says so.
fn slow(demos: &[&str]) -> (Window, Sender<PathBuf>) {
    let (go_on, wait) = channel();
    let wait = Mutex::new(wait);
    let entry = |name: &&str| DemoEntry { name: (*name).to_owned(), ..DemoEntry::default() };
    let window = window_on(Options {
        demos: demos.iter().map(entry).collect(),
        run_demo: Some(Arc::new(move |name: &str| match name {
            "slow" => wait.lock().unwrap().recv().map_err(|_| "the test is over".to_owned()),
            _ => Ok(recorded()),
        })),
        ..Options::default()
    });
    (window, go_on)
}

fn is_loading(window: &mut Window) -> bool {
    window.state_mut().as_mut().unwrap().is_loading()
}

fn send(window: &mut Window, command: AppCommand) {
    window.state_mut().as_mut().unwrap().commands.send(command);
    window.run_steps(2);
}

#[test]
fn what_is_read_can_be_stopped_although_its_thread_cannot() {
    let (mut window, go_on) = slow(&["slow"]);
    click(&mut window, "Record and watch slow");
    assert!(is_loading(&mut window));
    let before = Instant::now();
    click(&mut window, "Cancel");
    assert!(!is_loading(&mut window));
    // Its thread still waits: nobody else does.
    assert!(before.elapsed().as_secs() < 10);
    window.get_by_label("See Tokio schedule your tasks");
    go_on.send(recorded()).unwrap();
    window.run_steps(2);
    assert!(window.state_mut().as_mut().unwrap().workspace.is_none(), "it is not wanted any more");
}

#[test]
fn opening_while_something_else_opens_forgets_what_was_asked_for_first() {
    let (mut window, go_on) = slow(&["slow", "quick"]);
    click(&mut window, "Record and watch slow");
    send(&mut window, AppCommand::OpenFiles(vec![recorded()]));
    wait_until_open(&mut window);
    assert_eq!(document(&mut window).name, "migration.tscope");
    go_on.send("no-such-file.tscope".into()).unwrap();
    window.run_steps(2);
    assert!(window.query_by_label_contains("cannot be read").is_none());
}

#[test]
fn a_trace_stays_in_sight_while_another_is_read() {
    let (mut window, go_on) = slow(&["slow"]);
    send(&mut window, AppCommand::OpenFiles(vec![recorded()]));
    wait_until_open(&mut window);
    send(&mut window, AppCommand::RunDemo(DemoEntry { name: "slow".into(), ..Default::default() }));
    window.get_by_label("Recording the demo slow…");
    window.get_by_label("Lane worker 3");
    // It can be closed meanwhile, and what comes then is opened all the same.
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    assert!(window.query_by_label("Lane worker 3").is_none());
    window.get_by_label("Recording the demo slow…");
    go_on.send(recorded()).unwrap();
    wait_until_open(&mut window);
    window.get_by_label("Lane worker 3");
}

#[test]
fn what_failed_is_reported_and_what_was_open_stays() {
    let (mut window, go_on) = slow(&["slow"]);
    send(&mut window, AppCommand::OpenFiles(vec![recorded()]));
    wait_until_open(&mut window);
    send(&mut window, AppCommand::RunDemo(DemoEntry { name: "slow".into(), ..Default::default() }));
    go_on.send("no-such-file.tscope".into()).unwrap();
    wait_until_open(&mut window);
    window.get_by_label_contains("no-such-file.tscope cannot be read");
    window.get_by_label("Lane worker 3");
}

#[test]
fn the_progress_of_a_file_is_shown() {
    let mut window = window_on(Options::default());
    let (go_on, wait) = channel::<()>();
    let (at_half, half) = channel::<()>();
    let ctx = window.ctx.clone();
    let loading = Loading::start("Reading half".into(), false, &ctx, move |progress| {
        progress.report(0.5);
        at_half.send(()).unwrap();
        wait.recv().map_err(|_| "the test is over".to_owned())?;
        crate::loading::read(&recorded(), progress)
    });
    let placement = loading.placement;
    window.state_mut().as_mut().unwrap().load(vec![loading], placement);
    half.recv().unwrap();
    window.run_steps(2);
    window.get_by_label("Reading half…");
    window.get_by_role(egui::Role::ProgressIndicator);
    go_on.send(()).unwrap();
    wait_until_open(&mut window);
    assert_eq!(document(&mut window).name, "migration.tscope");
}

/// A file that is dropped is read while the jobs of another go on.
#[test]
fn closing_a_trace_ends_its_jobs() {
    let mut window = threads(many_tasks(50_000));
    settle(&mut window);
    click(&mut window, "Sort by Longest poll");
    window.input_mut().dropped_files.push(Arc::new(Dropped(recorded())));
    window.step();
    wait_until_open(&mut window);
    settle(&mut window);
    assert_eq!(document(&mut window).name, "migration.tscope");
    assert_eq!(panels(&mut window).tasks.rows().len(), 165);
}

#[test]
#[ignore = "it measures; run it alone, in a release build"]
fn large_table() {
    let mut window = threads(many_tasks(1_000_000));
    window.set_size(egui::vec2(1800.0, 1000.0));
    settle(&mut window);
    for label in ["Sort by Longest poll", "Sort by Task", "Sort by Now", "Sort by End"] {
        window.get_by_label(label).click();
        let begun = Instant::now();
        let mut longest = 0.0f64;
        let mut frames = 0;
        // The click, and then until the answer is there.
        while frames < 2
            || (panels(&mut window).tasks.is_busy() || document(&mut window).search.is_busy())
        {
            let frame = Instant::now();
            window.step();
            longest = longest.max(frame.elapsed().as_secs_f64());
            frames += 1;
        }
        let took = begun.elapsed().as_secs_f64();
        println!("{label}: {:.0} ms, longest frame {:.1} ms", took * 1e3, longest * 1e3);
    }
    for typed in ["task 99", "9"] {
        window.get_by_label("Find tasks").focus();
        window.get_by_label("Find tasks").type_text(typed);
        let begun = Instant::now();
        let (mut longest, mut frames) = (0.0f64, 0);
        while frames < 2
            || (panels(&mut window).tasks.is_busy() || document(&mut window).search.is_busy())
        {
            let frame = Instant::now();
            window.step();
            longest = longest.max(frame.elapsed().as_secs_f64());
            frames += 1;
        }
        let took = begun.elapsed().as_secs_f64();
        println!("typing {typed:?}: {:.0} ms, longest frame {:.1} ms", took * 1e3, longest * 1e3);
    }
}
