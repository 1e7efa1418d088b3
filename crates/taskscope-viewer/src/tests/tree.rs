//! The lanes of tasks: folded, unfolded, pinned, and which tasks have one.

use std::collections::BTreeSet;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_model::{State, TaskIx};

use super::harness::{Window, click, clock, document, press, press_with, seek, window, workspace};

/// The tasks that have a lane in sight, each with the state that is said of it.
fn lanes(window: &Window) -> Vec<(String, String)> {
    let nodes = window
        .query_all_by(|node| node.label().is_some_and(|label| label.starts_with("Task lane ")));
    let lanes = nodes.map(|node| {
        let node = node.accesskit_node();
        let label = node.label().unwrap_or_default();
        (label["Task lane ".len()..].to_owned(), node.value().unwrap_or_default().to_owned())
    });
    lanes.collect()
}

/// Leaves all the height to the lanes.
fn make_room(window: &mut Window) {
    press(window, Key::T);
    press(window, Key::O);
    window.set_size(egui::vec2(1400.0, 3200.0));
    window.run_steps(3);
}

#[test]
fn an_unfolded_place_has_a_lane_for_each_task_that_lives_in_the_view() {
    let mut window = window();
    make_room(&mut window);
    assert!(lanes(&window).is_empty(), "many tasks are folded at first");
    click(&mut window, "Unfold bursts.rs:36");
    for part in [0.1, 0.4, 0.8] {
        let view = {
            let view = &mut clock(&mut window).view;
            let (first, last) = view.bounds();
            view.show(first + part * (last - first), 0.05 * (last - first));
            view.range()
        };
        window.run_steps(2);
        let shown: BTreeSet<String> = lanes(&window).into_iter().map(|(name, _)| name).collect();
        let trace = document(&mut window).trace();
        let lives = |task: &TaskIx| {
            let states: Vec<_> = trace.states(*task).collect();
            let (Some(first), Some(last)) = (states.first(), states.last()) else { return false };
            let place = trace.task(*task).place.map(|place| trace.place(place).short());
            place.as_deref() == Some("bursts.rs:36")
                && first.start <= view.end
                && (last.end >= view.start || trace.task(*task).end.is_none())
        };
        let tasks = (0..trace.task_count() as u32).map(TaskIx);
        let expected: BTreeSet<String> =
            tasks.filter(lives).map(|task| trace.task_name(task)).collect();
        assert!(!expected.is_empty());
        assert_eq!(shown, expected);
    }
    click(&mut window, "Fold bursts.rs:36");
    assert!(lanes(&window).is_empty());
}

#[test]
fn a_lane_says_the_state_of_its_task_at_the_playhead() {
    let mut window = window();
    make_room(&mut window);
    press(&mut window, Key::U);
    let span = document(&mut window).trace().span();
    let mut seen = BTreeSet::new();
    for part in 1..20 {
        let at = span.start + (span.end - span.start) / 20 * part;
        seek(&mut window, at as f64);
        window.run_steps(2);
        let shown = lanes(&window);
        assert!(!shown.is_empty());
        let trace = document(&mut window).trace();
        for (name, state) in shown {
            let tasks = (0..trace.task_count() as u32).map(TaskIx);
            let task = { tasks }.find(|&task| trace.task_name(task) == name).unwrap();
            let at_playhead =
                |span: &taskscope_model::StateSpan| (span.start..span.end).contains(&at);
            let expected = trace.states(task).find(at_playhead).map(|span| span.state);
            assert_eq!(state, expected.map_or("not alive", State::name), "{name} at {at}");
            seen.insert(state);
        }
    }
    assert!(seen.len() >= 4, "{seen:?}");
}

#[test]
fn a_lane_selects_its_task_and_a_pinned_one_stays() {
    let mut window = window();
    make_room(&mut window);
    press(&mut window, Key::U);
    let (name, _) = lanes(&window).swap_remove(3);
    click(&mut window, &format!("Task lane {name}"));
    let selected = document(&mut window).selected.unwrap();
    assert_eq!(document(&mut window).trace().task_name(selected), name);
    press_with(&mut window, Modifiers::SHIFT, Key::P);
    press(&mut window, Key::U);
    press(&mut window, Key::Escape);
    let pinned: Vec<String> = lanes(&window).into_iter().map(|(name, _)| name).collect();
    assert_eq!(pinned, [name], "all are folded but that one");
    workspace(&mut window).clock.view.fit();
    window.run_steps(2);
    assert_eq!(lanes(&window).len(), 1);
}

#[test]
fn a_folded_runtime_hides_its_workers() {
    let mut window = window();
    assert!(window.query_by_label("Lane worker 2").is_some());
    click(&mut window, "Fold runtime migration");
    assert!(window.query_by_label("Lane worker 2").is_none());
    click(&mut window, "Unfold runtime migration");
    assert!(window.query_by_label("Lane worker 2").is_some());
}

#[test]
fn tasks_are_grouped_by_what_else_they_have_in_common() {
    let mut window = window();
    let trace = document(&mut window).trace_for_jobs();
    let tasks = || trace.tasks().filter(|task| task.is_async());
    let labels = |window: &Window| -> Vec<String> {
        let rows = window.query_all_by_label_contains("nfold ");
        rows.filter_map(|row| row.accesskit_node().label()).collect()
    };
    let grouped = |window: &mut Window, what: &str| {
        press_with(window, egui::Modifiers::SHIFT, Key::U);
        window.run_steps(4);
        window.get_by_label(&format!("Fold tasks by {what}"));
    };
    grouped(&mut window, "name");
    assert!(labels(&window).contains(&"Unfold without a name".to_owned()), "{:?}", labels(&window));
    grouped(&mut window, "parent");
    let parents: std::collections::BTreeSet<_> = tasks().map(|task| task.parent).collect();
    assert!(parents.len() > 1);
    assert!(labels(&window).iter().any(|label| label.starts_with("Unfold spawned by ")));
    grouped(&mut window, "end");
    assert!(labels(&window).contains(&"Unfold returned".to_owned()), "{:?}", labels(&window));
    grouped(&mut window, "runtime");
    assert!(labels(&window).contains(&"Unfold runtime migration".to_owned()));
    let all = tasks().count();
    let row = window.get_by_label("Unfold runtime migration");
    let said = row.accesskit_node().value().unwrap_or_default();
    assert!(said.contains(&format!("{all} tasks")), "{said}");
    // And round again.
    grouped(&mut window, "spawn place");
    window.get_by_label("Unfold bursts.rs:36");
}
