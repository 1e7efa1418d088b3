//! What the window says of the selected task.

use std::path::PathBuf;

use egui_kittest::kittest::Queryable;
use taskscope_model::{PollIx, TaskIx, WaitedFor};

use super::harness::{self, Window};
use crate::Options;

/// A window on the recorded demo `server`, whose tasks wait for timers and sockets.
fn server() -> Window {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/traces/server.tscope");
    let options = Options { file: Some(PathBuf::from(file)), ..Options::default() };
    let mut window = harness::window_on(options);
    harness::wait_until_open(&mut window);
    window
}

/// Puts the playhead behind the first poll that waited for such a thing, and says
/// which task's it was.
fn go_to_wait(window: &mut Window, wanted: fn(&WaitedFor<'_>) -> bool) -> TaskIx {
    let doc = harness::document(window);
    let trace = doc.trace();
    let mut polls = (0..trace.polls().len() as u32).map(PollIx);
    let poll = polls.find(|&poll| trace.waited_for(poll).is_some_and(|waited| wanted(&waited)));
    let poll = *trace.poll(poll.unwrap());
    doc.select(Some(poll.task));
    doc.seek(poll.end as f64);
    window.run_steps(3);
    poll.task
}

#[test]
fn it_says_what_the_task_waits_for_and_what_was_inferred() {
    let mut window = server();
    go_to_wait(&mut window, |waited| matches!(waited, WaitedFor::Operations(_)));
    window.get_by_label_contains("waits for sleep (server.rs:");
    go_to_wait(&mut window, |waited| matches!(waited, WaitedFor::Io));
    window.get_by_label_contains("waits for I/O (inferred)");
}

#[test]
fn it_says_from_which_queue_the_task_came() {
    let mut window = server();
    go_to_wait(&mut window, |waited| matches!(waited, WaitedFor::Io));
    let queues = ["from the worker's own queue", "from the injection queue", "stolen from worker"];
    let told = queues.map(|queue| window.query_by_label_contains(queue).is_some());
    assert!(told.contains(&true));
}

#[test]
fn it_lists_the_spans_and_messages_of_the_programs_own() {
    let mut window = server();
    let doc = harness::document(&mut window);
    let visit = doc.trace().span_visits()[0];
    doc.select(visit.task);
    window.run_steps(3);
    window.get_by_label("Spans of the program's own");
    window.get_by_label("What it said");
    let request = window.query_all_by_label_contains("request micros=").next();
    request.expect("a request is listed").click();
    window.run_steps(3);
    let doc = harness::document(&mut window);
    let opened = doc.trace().span_of(visit.span).opened;
    assert_eq!(doc.replay.moment(), opened, "a click goes to its beginning");
}

#[test]
fn selecting_moves_neither_the_lanes_nor_the_edge_of_the_panel() {
    let mut window = server();
    let places = |window: &Window| {
        let lane = window.query_all_by_label("Lane worker 0").next().unwrap();
        (lane.rect(), window.get_by_label("Timeline").rect())
    };
    let before = places(&window);
    let tasks = harness::document(&mut window).trace().tasks().len() as u32;
    for task in (0..tasks).step_by(tasks as usize / 12 + 1).map(TaskIx) {
        let doc = harness::document(&mut window);
        let polls = doc.trace().task_polls(task);
        let moment = polls.last().map(|&poll| doc.trace().poll(poll).end);
        doc.select(Some(task));
        doc.replay.seek(moment.unwrap_or(0) as f64);
        window.run_steps(3);
        assert_eq!(places(&window), before, "{}", task.0);
    }
    harness::press(&mut window, egui::Key::Escape);
    assert_eq!(places(&window), before);
}
