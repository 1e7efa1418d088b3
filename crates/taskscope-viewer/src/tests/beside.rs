//! Several traces side by side, and panels that are closed, moved and brought back.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};

use super::harness::{
    Dropped, Window, click, clock, document, press, press_with, recorded, seek, wait_until_open,
    window, window_on, workspace,
};
use crate::Options;
use crate::command::AppCommand;
use crate::open_trace::TraceId;
use crate::workspace::{PanelId, PanelKind};

fn server() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/server.tscope"))
}

/// A window with two traces, `migration.tscope` first.
pub(super) fn two() -> Window {
    let mut window = window_on(Options { files: vec![recorded(), server()], ..Options::default() });
    wait_until_open(&mut window);
    window
}

fn names(window: &mut Window) -> Vec<String> {
    workspace(window).members().iter().map(|member| member.open.name.clone()).collect()
}

/// Where a trace's moment lies on the shared axis.
fn on_axis(window: &mut Window, position: usize, moment: f64) -> f64 {
    moment + workspace(window).members()[position].open.offset
}

fn start(window: &mut Window, position: usize) -> f64 {
    workspace(window).members()[position].open.trace().span().start as f64
}

#[test]
fn two_files_stand_in_their_order_and_begin_at_the_same_place() {
    let mut window = two();
    assert_eq!(names(&mut window), ["migration.tscope", "server.tscope"]);
    let starts = [0, 1].map(|position| {
        let start = start(&mut window, position);
        on_axis(&mut window, position, start)
    });
    assert_eq!(starts[0], starts[1]);
    for panel in ["Overview", "Timeline"] {
        window.get_by_label(&format!("{panel} of migration.tscope"));
        window.get_by_label(&format!("{panel} of server.tscope"));
    }
    // The tables lie behind one another.
    window.get_by_label("Tasks of migration.tscope");
    assert!(window.query_by_label("Tasks of server.tscope").is_none());
    window.get_by_label("A  migration.tscope  ·  Timeline");
    window.get_by_label_contains("aligned at their starts");
}

#[test]
fn one_trace_alone_has_no_tabs_and_no_letter() {
    let window = window();
    assert!(window.query_by_label_contains("  ·  ").is_none());
    assert!(window.query_by_label_contains("aligned").is_none());
}

#[test]
fn zooming_in_one_timeline_moves_both() {
    let mut window = two();
    let before = clock(&mut window).view;
    press(&mut window, Key::W);
    assert!(clock(&mut window).view.width() < before.width());
    let bounds = clock(&mut window).view.bounds();
    press(&mut window, Key::Home);
    let view = clock(&mut window).view;
    assert_eq!((view.start(), view.end()), bounds, "everything, of both");
    for position in [0, 1] {
        let end = workspace(&mut window).members()[position].open.trace().span().end as f64;
        assert!(on_axis(&mut window, position, end) <= bounds.1);
    }
}

#[test]
fn moments_chosen_in_each_trace_coincide() {
    let mut window = two();
    let chosen = [0, 1].map(|position| {
        let moment = start(&mut window, position) + 7e6 * (position as f64 + 1.0);
        let id = workspace(&mut window).members()[position].open.id;
        workspace(&mut window).activate(id);
        workspace(&mut window).seek(id, moment);
        press_with(&mut window, Modifiers::SHIFT, Key::A);
        moment
    });
    let [a, b] = [0, 1].map(|position| on_axis(&mut window, position, chosen[position]));
    assert_eq!(a, b);
    assert_eq!(clock(&mut window).replay.playhead(), b, "the playhead is there, in both");
    window.get_by_label_contains("aligned: A 0.007 000 000 s = B 0.014 000 000 s");
    workspace(&mut window).align_starts();
    window.run_steps(2);
    window.get_by_label_contains("aligned at their starts");
}

/// The playhead, as the axis of a timeline reads it.
#[test]
fn a_trace_is_asked_about_its_own_time() {
    let mut window = two();
    let id = TraceId(0);
    workspace(&mut window).activate(id);
    let moment = start(&mut window, 0) + 30e6;
    seek(&mut window, moment);
    press_with(&mut window, Modifiers::SHIFT, Key::A);
    // The other now begins where this one is 30 ms old, and its own playhead is at its start.
    press(&mut window, Key::F6);
    assert_eq!(document(&mut window).name, "server.tscope");
    window.get_by_label("0.000 000 000 s");
    press(&mut window, Key::F6);
    window.get_by_label("0.030 000 000 s");
    seek(&mut window, moment - 10e6);
    press(&mut window, Key::F6);
    window.get_by_label("-0.010 000 000 s");
}

#[test]
fn a_press_in_a_panel_lets_the_keys_act_on_its_trace() {
    let mut window = two();
    assert_eq!(document(&mut window).name, "migration.tscope");
    let at = window.get_by_label("Timeline of server.tscope").rect().center();
    super::harness::click_at(&mut window, at);
    assert_eq!(document(&mut window).name, "server.tscope");
    // What shows the other trace in the same place has gone behind.
    window.get_by_label("Tasks of server.tscope");
    window.get_by_label("Inspector of server.tscope");
}

#[test]
fn closing_a_trace_removes_its_panels_alone() {
    let mut window = two();
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    assert_eq!(names(&mut window), ["server.tscope"]);
    window.get_by_label("Timeline of server.tscope");
    assert!(window.query_by_label("Timeline of migration.tscope").is_none());
    assert!(window.query_by_label_contains("  ·  ").is_none(), "it is alone now");
    let (first, last) = clock(&mut window).view.bounds();
    let span = document(&mut window).trace().span();
    assert_eq!(last - first, (span.end - span.start) as f64);
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    window.get_by_label("See Tokio schedule your tasks");
}

#[test]
fn a_file_opens_beside_and_another_in_place_of_all() {
    let mut window = window();
    let send = |window: &mut Window, command: AppCommand| {
        window.state_mut().as_mut().unwrap().commands.send(command);
        window.step();
        wait_until_open(window);
    };
    send(&mut window, AppCommand::OpenFilesBeside(vec![server()]));
    assert_eq!(names(&mut window), ["migration", "server.tscope"]);
    send(&mut window, AppCommand::OpenFiles(vec![recorded()]));
    assert_eq!(names(&mut window), ["migration.tscope"]);
    assert!(workspace(&mut window).layout.is_default());
}

#[test]
fn files_that_are_dropped_together_open_side_by_side() {
    let mut window = window_on(Options::default());
    let missing = PathBuf::from("no-such-file.tscope");
    for path in [server(), missing, recorded()] {
        window.input_mut().dropped_files.push(Arc::new(Dropped(path)));
    }
    window.step();
    wait_until_open(&mut window);
    assert_eq!(names(&mut window), ["server.tscope", "migration.tscope"]);
    window.get_by_label_contains("no-such-file.tscope cannot be read");
}

fn shows(window: &mut Window, kind: PanelKind) -> bool {
    let open = workspace(window);
    let trace = open.active_id();
    open.layout.shows(PanelId { trace, kind })
}

#[test]
fn a_closed_panel_comes_back_as_it_was() {
    let mut window = window();
    window.get_by_label("Find tasks").focus();
    window.get_by_label("Find tasks").type_text("bursts.rs:22");
    window.run_steps(3);
    press(&mut window, Key::Escape);
    for (key, kind, close) in [
        (Key::T, PanelKind::Tasks, "Close Tasks"),
        (Key::I, PanelKind::Inspector, "Close Inspector"),
        (Key::O, PanelKind::Overview, "Close Overview"),
        (Key::L, PanelKind::Timeline, "Close Timeline"),
    ] {
        let name = format!("{} of migration", kind.title());
        let before = window.get_by_label(&name).rect();
        click(&mut window, close);
        assert!(!shows(&mut window, kind), "{kind:?}");
        press(&mut window, key);
        assert!(shows(&mut window, kind), "{kind:?} comes back");
        assert_eq!(window.get_by_label(&name).rect(), before, "{kind:?}, to its place");
        press(&mut window, key);
        assert!(!shows(&mut window, kind), "the key closes it, too");
        press(&mut window, key);
    }
    window.get_by_label("4 of 165");
    assert!(workspace(&mut window).layout.is_default());
}

#[test]
fn without_a_panel_the_window_says_how_to_get_them_back() {
    let mut window = window();
    for key in [Key::T, Key::I, Key::O, Key::L] {
        press(&mut window, key);
    }
    window.get_by_label_contains("All panels are closed");
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.get_by_label("Find a command").type_text("reset");
    window.run_steps(2);
    press(&mut window, Key::Enter);
    let is_right = |kind: PanelKind| shows(&mut window, kind) != kind.is_closed_at_first();
    assert!(PanelKind::ALL.into_iter().all(is_right));
}

#[test]
fn finding_tasks_brings_the_table_back() {
    let mut window = window();
    press(&mut window, Key::T);
    press(&mut window, Key::Slash);
    window.get_by_label("Find tasks").type_text("bursts.rs:22");
    window.run_steps(3);
    window.get_by_label("4 of 165");
}

/// Drags the inspector by its dots into the middle of the table.
pub(super) fn drag_inspector_into_table(window: &mut Window) {
    let grip = window.get_by_label("Move Inspector").rect().center();
    let table = window.get_by_label("Tasks of migration").rect();
    window.hover_at(grip);
    window.step();
    window.drag_at(grip);
    window.step();
    for part in [0.3, 0.6, 1.0] {
        window.hover_at(grip.lerp(table.center(), part));
        window.step();
    }
    window.drop_at(table.center());
    window.run_steps(3);
}

#[test]
fn a_panel_that_is_dragged_into_another_becomes_a_tab() {
    let mut window = window();
    drag_inspector_into_table(&mut window);
    assert!(!workspace(&mut window).layout.is_default());
    let tabs: Vec<String> = window
        .query_all_by_role(egui::Role::Tab)
        .filter_map(|tab| tab.accesskit_node().label())
        .collect();
    assert_eq!(tabs, ["Tasks", "Inspector"]);
    assert!(!shows(&mut window, PanelKind::Tasks), "it is behind");
    // Its key brings it to the front, and closes it only then.
    press(&mut window, Key::T);
    assert!(shows(&mut window, PanelKind::Tasks) && !shows(&mut window, PanelKind::Inspector));
    press(&mut window, Key::T);
    assert!(!shows(&mut window, PanelKind::Tasks) && shows(&mut window, PanelKind::Inspector));
    click(&mut window, "Close Inspector");
    press(&mut window, Key::T);
    assert!(window.query_by_role(egui::Role::Tab).is_none(), "alone it needs no tabs");
}

#[test]
fn a_trace_that_is_opened_later_has_its_panels_beside_those_of_their_kind() {
    let mut window = window();
    drag_inspector_into_table(&mut window);
    let strip = window.get_by_label("Overview of migration").rect();
    window.state_mut().as_mut().unwrap().commands.send(AppCommand::OpenFilesBeside(vec![server()]));
    window.step();
    wait_until_open(&mut window);
    let rect = |window: &Window, label: &str| window.get_by_label(label).rect();
    for panel in ["Overview", "Timeline"] {
        let first = rect(&window, &format!("{panel} of migration"));
        let second = rect(&window, &format!("{panel} of server.tscope"));
        assert!(second.top() > first.bottom() && second.x_range() == first.x_range(), "{panel}");
        assert!((second.height() - first.height()).abs() < 1.0, "{panel}: {first} and {second}");
    }
    assert_eq!(rect(&window, "Overview of migration"), strip);
    let tabs: Vec<String> = window
        .query_all_by_role(egui::Role::Tab)
        .filter_map(|tab| tab.accesskit_node().label())
        .filter(|label| !label.contains("Timeline"))
        .collect();
    assert_eq!(tabs, ["A  ·  Tasks", "A  ·  Inspector", "B  ·  Tasks", "B  ·  Inspector"]);
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    assert_eq!(names(&mut window), ["server.tscope"]);
    assert!(window.query_by_label("Timeline of migration").is_none());
}

#[test]
fn the_panels_beside_the_timeline_keep_their_size_when_the_window_grows() {
    let mut window = window();
    drag_inspector_into_table(&mut window);
    let height = |window: &Window| window.get_by_label("Inspector of migration").rect().height();
    let before = height(&window);
    window.set_size(egui::vec2(1700.0, 1100.0));
    window.run_steps(4);
    assert!((height(&window) - before).abs() < 1.0, "{} was {before}", height(&window));
}

#[test]
fn in_a_small_window_the_timeline_comes_first_until_somebody_wants_another_panel() {
    let mut window = window();
    window.set_size(egui::vec2(700.0, 480.0));
    window.run_steps(3);
    assert!(!shows(&mut window, PanelKind::Inspector) && !shows(&mut window, PanelKind::Tasks));
    press(&mut window, Key::T);
    assert!(!shows(&mut window, PanelKind::Inspector) && shows(&mut window, PanelKind::Tasks));
    assert!(shows(&mut window, PanelKind::Timeline));
}
