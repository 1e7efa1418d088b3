//! What the window says of the selected task.

use std::path::PathBuf;

use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_model::{Cause, TaskIx, WaitedFor, Waker};

use super::harness::{self, Window};
use crate::{Options, labels};

/// A window on the recorded demo `server`, whose tasks wait for timers and sockets.
fn server() -> Window {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/server.tscope");
    let options = Options { files: vec![PathBuf::from(file)], ..Options::default() };
    let mut window = harness::window_on(options);
    harness::wait_until_open(&mut window);
    window
}

/// Puts the playhead behind the first poll that waited for such a thing, and says
/// which task's it was.
fn go_to_wait(window: &mut Window, wanted: fn(&WaitedFor<'_>) -> bool) -> TaskIx {
    let doc = harness::document(window);
    let trace = doc.trace();
    let mut polls = trace.polls().map(|(ix, _)| ix);
    let poll = polls.find(|&poll| trace.waited_for(poll).is_some_and(|waited| wanted(&waited)));
    let poll = trace.poll(poll.unwrap());
    drop(polls);
    doc.select(Some(poll.task));
    harness::seek(window, poll.end as f64);
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
    let arrivals = [
        "from the worker's own queue",
        "woken on worker",
        "from the injection queue",
        "stolen from worker",
    ];
    let shown = arrivals.map(|arrival| window.query_by_label_contains(arrival).is_some());
    assert!(shown.contains(&true));
}

#[test]
fn it_lists_the_spans_and_messages_of_the_programs_own() {
    let mut window = server();
    let doc = harness::document(&mut window);
    let visit = doc.trace().span_visits().next().unwrap();
    doc.select(visit.task);
    window.run_steps(3);
    window.get_by_label("The program's own spans");
    window.get_by_label("Log messages");
    let request = window.query_all_by_label_contains("request micros=").next();
    request.expect("a request is listed").click_accesskit();
    window.run_steps(3);
    let doc = harness::document(&mut window);
    let opened = doc.trace().span_of(visit.span).opened;
    let moment = harness::clock(&mut window).replay.moment();
    assert_eq!(moment, opened, "a click goes to its beginning");
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
        let moment = polls.last().map(|poll| doc.trace().poll(poll).end);
        doc.select(Some(task));
        harness::clock(&mut window).replay.seek(moment.unwrap_or(0) as f64);
        window.run_steps(3);
        assert_eq!(places(&window), before, "{}", task.0);
    }
    harness::press(&mut window, egui::Key::Escape);
    assert_eq!(places(&window), before);
}

/// The labels of the rows of polls that are in sight, from top to bottom.
fn poll_rows(window: &Window) -> Vec<String> {
    let rows = window.query_all_by_label_contains("Poll at ");
    let mut rows: Vec<_> =
        rows.map(|row| (row.rect().top(), row.accesskit_node().label().unwrap())).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    rows.into_iter().map(|(_, label)| label).collect()
}

/// Selects the task with the most polls; gives back their count.
fn select_busiest(window: &mut Window) -> (TaskIx, usize) {
    let doc = harness::document(window);
    let tasks = (0..doc.trace().tasks().len() as u32).map(TaskIx);
    let busiest = tasks.max_by_key(|&task| doc.trace().task(task).poll_count()).unwrap();
    doc.select(Some(busiest));
    (busiest, doc.trace().task_polls(busiest).len())
}

#[test]
fn the_list_of_polls_follows_the_playhead() {
    let mut window = server();
    window.set_size(egui::vec2(1400.0, 1300.0));
    let (task, count) = select_busiest(&mut window);
    assert!(count > 60, "{count} polls");
    for position in [count - 1, 3, count / 2] {
        let doc = harness::document(&mut window);
        let poll = doc.trace().poll(doc.trace().task_polls(task).get(position).unwrap());
        harness::seek(&mut window, poll.start as f64);
        window.run_steps(3);
        let room = window.get_by_label("Polls").rect();
        let rows = window.query_all_by_label_contains("Poll at ");
        let current = rows
            .filter(|row| row.accesskit_node().toggled() == Some(egui::accesskit::Toggled::True));
        let current: Vec<_> = current.map(|row| row.rect()).collect();
        assert_eq!(current.len(), 1, "poll {position} of {count} is in sight");
        assert!(current[0].top() > room.bottom(), "{current:?}");
    }
}

#[test]
fn neighbours_in_the_list_of_polls_have_different_times() {
    let mut window = server();
    window.set_size(egui::vec2(1400.0, 1300.0));
    let (_, count) = select_busiest(&mut window);
    window.run_steps(3);
    let rows = poll_rows(&window);
    assert!(rows.len() > 5, "{} of {count} rows", rows.len());
    let start = |row: &String| row.split(" for ").next().unwrap().to_owned();
    let same = rows.windows(2).find(|pair| start(&pair[0]) == start(&pair[1]));
    assert_eq!(same, None);
}

#[test]
fn what_woke_a_task_stands_in_each_sentence() {
    let mut window = server();
    let doc = harness::document(&mut window);
    let trace = doc.trace();
    let mut by_driver = 0;
    for (poll, _) in trace.polls() {
        let cause = trace.cause(poll);
        let Cause::Woken(wake) = cause else { continue };
        if matches!(trace.wake(wake).by, Waker::Driver(_)) {
            by_driver += 1;
            let text = labels::cause(trace, cause);
            assert!(text.starts_with("woken by "), "{text}");
        }
    }
    assert!(by_driver > 10, "{by_driver} wakes by the driver");

    let task = go_to_wait(&mut window, |waited| matches!(waited, WaitedFor::Io));
    // At the poll that followed, the sentences say what woke the task.
    harness::press(&mut window, egui::Key::Period);
    let name = harness::document(&mut window).trace().task_name(task);
    window.get_by_label_contains(&format!("woke {name}"));
}
