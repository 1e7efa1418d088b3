//! A file that takes a while is shown before it has been read to its end.

use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use egui_kittest::kittest::Queryable;
use taskscope_model::{Loader, TaskIx, Trace};

use super::harness::{
    Window, click, clock, document, press, recorded, wait_until_open, window_on, workspace,
};
use super::jobs::file_of_many_tasks;
use crate::Options;
use crate::command::{AppCommand, TraceCommand};
use crate::index_cache::IndexCache;
use crate::loading::{self, Loading, News, Pace, Placement};
use crate::open_trace::Loaded;

const TASKS: u64 = 200_000;
/// A snapshot after each step.
const AT_ONCE: Pace = Pace { first: Duration::ZERO, every: Duration::ZERO };

/// Snapshots of a file that is being read, the last of all of it.
fn snapshots() -> Vec<Arc<Trace>> {
    let mut loader = Loader::new(Arc::new(file_of_many_tasks(TASKS))).unwrap();
    let mut snapshots = Vec::new();
    while !loader.step().unwrap().is_done {
        snapshots.push(Arc::new(loader.snapshot()));
    }
    snapshots.retain(|trace| trace.poll_count() > 0);
    snapshots.push(Arc::new(loader.snapshot()));
    assert!(snapshots.len() > 3, "{} are not enough to see them grow", snapshots.len());
    snapshots
}

/// A window in which a file is being read as far as the test says: it sends news, and a frame
/// takes them in.
struct Reading {
    window: Window,
    news: Sender<News>,
    snapshots: Vec<Arc<Trace>>,
}

impl Reading {
    fn new() -> Self {
        let mut window = window_on(Options::default());
        let ctx = window.ctx.clone();
        let (news, from_test) = channel();
        let loading = Loading::start("Reading large".into(), false, &ctx, move |progress| {
            progress.report(0.41);
            for news in from_test {
                progress.send(news);
            }
            Ok(None)
        });
        let app = window.state_mut().as_mut().unwrap();
        let group = app.new_group();
        app.load(vec![loading], Placement::InPlace(group));
        let mut reading = Self { window, news, snapshots: snapshots() };
        let part = Loaded::new(reading.snapshots[0].clone(), "large", None);
        reading.news.send(News::Part(Box::new(part))).unwrap();
        reading.until(|window| window.state_mut().as_mut().unwrap().workspace.is_some());
        reading.window.run_steps(2);
        reading
    }

    fn until(&mut self, done: impl Fn(&mut Window) -> bool) {
        let begun = Instant::now();
        while !done(&mut self.window) {
            assert!(begun.elapsed().as_secs() < 60, "the news do not come");
            std::thread::yield_now();
            self.window.step();
        }
    }

    /// A newer snapshot comes.
    fn newer(&mut self, number: usize) {
        let newer = self.snapshots[number].clone();
        self.news.send(News::Newer(newer.clone())).unwrap();
        let polls = newer.poll_count();
        self.until(move |window| document(window).trace().poll_count() == polls);
        self.window.run_steps(2);
    }
}

#[test]
fn what_has_been_read_is_shown_and_grows() {
    let mut reading = Reading::new();
    reading.window.get_by_label("Reading large: read up to 41 %");
    assert!(reading.window.query_by_label_contains("cut short").is_none(), "it is being read");
    for number in [1, 2] {
        reading.newer(number);
        let end = reading.snapshots[number].span().end as f64;
        let view = clock(&mut reading.window).view;
        assert!(view.is_whole() && view.end() == end, "untouched, it shows all there is: {view:?}");
    }
    reading.newer(reading.snapshots.len() - 1);
    drop(std::mem::replace(&mut reading.news, channel().0));
    wait_until_open(&mut reading.window);
    reading.window.get_by_label("200,000 tasks");
    assert!(reading.window.query_by_label_contains("read up to").is_none());
    assert!(!document(&mut reading.window).is_part);
}

#[test]
fn the_view_and_the_selection_stay_while_a_file_is_read() {
    let mut reading = Reading::new();
    document(&mut reading.window).select(Some(TaskIx(7)));
    press(&mut reading.window, egui::Key::W);
    let (view, playhead) = {
        let clock = clock(&mut reading.window);
        (clock.view, clock.replay.playhead())
    };
    for number in 1..reading.snapshots.len() {
        reading.newer(number);
        let now = *clock(&mut reading.window);
        assert_eq!((now.view.start(), now.view.end()), (view.start(), view.end()));
        assert_eq!(now.replay.playhead(), playhead);
        assert_eq!(document(&mut reading.window).selected, Some(TaskIx(7)));
    }
}

#[test]
fn a_trace_can_be_closed_and_another_opened_while_it_is_read() {
    let mut reading = Reading::new();
    let app = reading.window.state_mut().as_mut().unwrap();
    app.commands.send(TraceCommand::Close);
    reading.window.run_steps(2);
    assert!(!reading.window.state_mut().as_mut().unwrap().is_loading(), "it is not read on");
    reading.window.get_by_label("See Tokio schedule your tasks");

    let mut reading = Reading::new();
    let app = reading.window.state_mut().as_mut().unwrap();
    app.commands.send(AppCommand::OpenFiles(vec![recorded()]));
    reading.window.run_steps(2);
    reading.until(|window| !window.state_mut().as_mut().unwrap().is_loading());
    assert_eq!(document(&mut reading.window).name, "migration.tscope");
    // What came of the other belongs to no trace that is open.
    let _ = reading.news.send(News::Newer(reading.snapshots[1].clone()));
    reading.window.run_steps(3);
    assert_eq!(workspace(&mut reading.window).members().len(), 1);
    assert_eq!(document(&mut reading.window).name, "migration.tscope");
}

/// A window that reads a large file, as soon as a part of it is shown.
fn reading_a_file(folder: &tempfile::TempDir) -> Window {
    let path = folder.path().join("large.tscope");
    std::fs::write(&path, file_of_many_tasks(TASKS)).unwrap();
    let mut window = window_on(Options::default());
    let ctx = window.ctx.clone();
    let loading = Loading::start("Reading large".into(), false, &ctx, move |progress| {
        loading::read_at(&path, progress, AT_ONCE, None)
    });
    window.state_mut().as_mut().unwrap().load(vec![loading], Placement::Beside);
    let begun = Instant::now();
    while window.state_mut().as_mut().unwrap().workspace.is_none() {
        assert!(begun.elapsed().as_secs() < 60, "nothing is shown");
        std::thread::yield_now();
        window.step();
    }
    window
}

#[test]
fn a_file_of_which_there_is_an_index_is_opened_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.tscope");
    std::fs::write(&path, file_of_many_tasks(TASKS)).unwrap();
    let indexes = IndexCache::new(folder.path().join("cache"));
    let whole = Trace::from_bytes(&file_of_many_tasks(TASKS)).unwrap();
    assert!(indexes.keep_now(&path, &whole));
    let mut window = window_on(Options::default());
    let ctx = window.ctx.clone();
    let loading = Loading::start("Reading large".into(), false, &ctx, move |progress| {
        loading::read_at(&path, progress, AT_ONCE, Some(&indexes))
    });
    window.state_mut().as_mut().unwrap().load(vec![loading], Placement::Beside);
    wait_until_open(&mut window);
    let open = document(&mut window);
    assert_eq!(open.revision, 0, "it was not shown in parts");
    assert_eq!(open.prepared().summary, whole.summary());
}

#[test]
fn a_file_that_is_shown_in_part_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut window = reading_a_file(&folder);
    wait_until_open(&mut window);
    let whole = Trace::from_bytes(&file_of_many_tasks(TASKS)).unwrap();
    let open = document(&mut window);
    assert!(!open.is_part);
    assert!(open.revision > 0, "it was shown in parts");
    assert_eq!(open.trace().span(), whole.span());
    assert_eq!(open.prepared().summary, whole.summary());
}

#[test]
fn what_is_cancelled_is_closed_and_its_thread_ends() {
    let mut reading = Reading::new();
    click(&mut reading.window, "Cancel");
    reading.window.get_by_label("See Tokio schedule your tasks");

    // The thread that reads a file.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.tscope");
    std::fs::write(&path, file_of_many_tasks(TASKS)).unwrap();
    let ctx = egui::Context::default();
    let loading = Loading::file(path, false, None, &ctx);
    let thread = loading.thread();
    while loading.progress().is_none() {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    drop(loading);
    while thread.strong_count() > 0 {
        assert!(begun.elapsed().as_secs() < 10, "its thread goes on");
        std::thread::yield_now();
    }
    println!("the thread ended after {:?}", begun.elapsed());
}
