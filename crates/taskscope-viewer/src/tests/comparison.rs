//! From two recordings to what got slower, by clicks.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use taskscope_format::{
    CancelledBy, Encoder, EndKind, Event, FileWriter, Flavor, Location, PollResult, RuntimeId,
    Source, Spawn, TaskId, TaskKind, ThreadId,
};
use taskscope_model::{Nanos, TaskIx, Trace};

use super::beside::drag_inspector_into_table;
use super::harness::{
    Window, click, clock, press, press_with, recorded, wait_until_open, window, window_with_traces,
    workspace,
};
use crate::command::AppCommand;
use crate::jobs::Mode;
use crate::open_trace::{Loaded, TraceId};
use crate::workspace::{PanelId, PanelKind};

/// The request of which the task was polled longest.
const LONGEST: u64 = 70;

/// A server with so many requests, each of two tasks: one is polled for so long, the other always for as long.
fn server(requests: u64, takes: Nanos, line: u32) -> Trace {
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    let mut now = 5;
    encoder.sync(now, &mut bytes);
    let mut event = |time, event: Event<'_>| encoder.event(time, &event, &mut bytes);
    let (id, flavor) = (RuntimeId(0), Flavor::MultiThread);
    event(now, Event::Runtime { id, flavor, workers: 1, name: "main", hooked: true });
    event(now, Event::Worker(Some((id, 0))));
    for request in 0..requests {
        for (task, line, takes) in [(2 * request, line, takes), (2 * request + 1, 90, 30_000)] {
            let location = Some(Location { file: "src/server.rs", line, column: 9 });
            let task = TaskId(task + 1);
            let spawn = Spawn::new(task, TaskKind::Task, Source::Span);
            event(now, Event::Spawn(Spawn { location, ..spawn }));
            now += 1_000;
            event(now, Event::PollStart { task, source: Source::Hook });
            // One is the longest, and by how long the others take they differ a little.
            now += takes + if request == LONGEST { takes } else { request % 7 };
            event(now, Event::PollEnd { result: PollResult::Ready, kept_waker: false });
            let (end, cancelled_by) = (EndKind::Returned, CancelledBy::Unknown);
            event(now, Event::TaskEnd { task, end, inferred: false, cancelled_by });
            now += 500;
        }
    }
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(0), &bytes).unwrap();
    Trace::from_bytes(&writer.finish().unwrap()).unwrap()
}

/// A window with two builds of the server, where jobs are done at once.
fn two_builds() -> Window {
    two_builds_with(Mode::AtOnce)
}

/// A window with two builds of the server: in the second, one of its places is slower, and stands three lines further down.
fn two_builds_with(mode: Mode) -> Window {
    let traces = [(server(100, 10_000, 40), "before"), (server(160, 24_000, 43), "after")];
    let traces = traces.map(|(trace, name)| Loaded::new(trace, name, None));
    let mut window = window_with_traces(traces.into(), mode);
    window.run_steps(3);
    window
}

fn shows(window: &mut Window, trace: u32, kind: PanelKind) -> bool {
    let panel = PanelId { trace: TraceId(trace), kind };
    workspace(window).layout.shows(panel)
}

#[test]
fn two_traces_that_are_opened_say_by_themselves_what_got_slower() {
    let mut window = two_builds();
    assert!(shows(&mut window, 1, PanelKind::Comparison));
    window.get_by_label_contains("server.rs:43: a poll takes 2.");
    // Which is which, and the figures of both.
    let panel = window.get_by_label("Comparison of after").rect();
    for name in ["A  before", "B  after"] {
        assert!(window.query_all_by_label(name).any(|label| panel.contains_rect(label.rect())));
    }
    for figure in ["wall", "overlap", "scheduled 99 %"] {
        window.get_by_label(figure);
    }
    window.get_by_label("server.rs:43, moved from line 40");
    let rows: Vec<String> = window
        .query_all_by_role(egui::Role::Row)
        .filter_map(|row| row.accesskit_node().label())
        .filter(|label| label.starts_with("Compared"))
        .collect();
    assert_eq!(rows, ["Compared server.rs:43", "Compared server.rs:90"]);
}

/// It is worked out elsewhere: first of each trace, then of both.
#[test]
fn what_is_worked_out_on_threads_or_between_frames_is_the_same() {
    for mode in [Mode::Threads, Mode::Slices] {
        let mut window = two_builds_with(mode);
        for _ in 0..4 {
            window.state_mut().as_mut().unwrap().jobs.wait();
            window.step();
        }
        window.get_by_label_contains("server.rs:43: a poll takes 2.");
    }
}

#[test]
fn a_click_lays_the_longest_polls_of_a_place_one_below_the_other() {
    let mut window = two_builds();
    click(&mut window, "Compared server.rs:43");
    let mut starts = Vec::new();
    for (position, takes) in [(0, 20_000), (1, 48_000)] {
        let open = &workspace(&mut window).members()[position].open;
        let task = open.trace().find_task(TaskId(2 * LONGEST + 1));
        assert_eq!(open.selected, task, "that of the longest poll");
        let poll = open.trace().task_polls(task.unwrap()).first().unwrap();
        let poll = open.trace().poll(poll);
        assert_eq!(poll.duration(), takes);
        starts.push(poll.start as f64 + open.offset);
    }
    assert_eq!(starts[0], starts[1], "they begin at the same place of the axis");
    let now = *clock(&mut window);
    assert_eq!(now.replay.playhead(), starts[0]);
    assert_eq!(now.measured, Some((starts[0], starts[0] + 48_000.0)));
    assert!(now.view.start() < starts[0] && now.view.end() > starts[0] + 48_000.0);
    window.get_by_label_contains("aligned: A ");
    // And back, also in how the traces lie.
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    window.get_by_label_contains("aligned at their starts");
    assert!(workspace(&mut window).members().iter().all(|member| member.open.offset == 0.0));
}

#[test]
fn under_the_pointer_a_row_has_all_figures_of_its_place() {
    let mut window = two_builds();
    window.get_by_label("Compared server.rs:43").hover();
    window.run_steps(8);
    window.get_by_label("src/server.rs:43:9");
    let says = window.query_all_by_label_contains("server.rs:43: a poll takes");
    assert_eq!(says.count(), 2, "above the table, and under the pointer");
    for (name, figures) in
        [("longest poll", ["20.0 µs", "48.0 µs"]), ("longest ready", ["1.00 µs", "1.00 µs"])]
    {
        let at = window.get_by_label(name).rect();
        for figure in figures {
            let is_beside = |rect: egui::Rect| {
                rect.left() > at.right() && at.y_range().contains(rect.center().y)
            };
            let mut found = window.query_all_by_label(figure);
            assert!(found.any(|label| is_beside(label.rect())), "{figure} is not beside {name}");
        }
    }
}

#[test]
fn the_sentence_leads_there_too() {
    let mut window = two_builds();
    window.get_by_label_contains("server.rs:43: a poll takes").click();
    window.run_steps(3);
    let selected = workspace(&mut window).members()[0].open.selected;
    assert_eq!(selected, Some(TaskIx(2 * LONGEST as u32)));
}

#[test]
fn a_place_of_one_trace_is_shown_there_alone() {
    let traces = [(server(100, 10_000, 40), "before"), (server(100, 10_000, 90), "after")];
    let traces = traces.map(|(trace, name)| Loaded::new(trace, name, None));
    let mut window = window_with_traces(traces.into(), Mode::AtOnce);
    window.run_steps(3);
    click(&mut window, "Compared server.rs:40");
    let members = workspace(&mut window).members();
    assert!(members[0].open.selected.is_some() && members[1].open.selected.is_none());
    window.get_by_label_contains("aligned at their starts");
}

#[test]
fn its_key_closes_it_and_brings_it_back_whichever_trace_is_active() {
    let mut window = two_builds();
    for _ in 0..2 {
        press(&mut window, Key::K);
        assert!(!shows(&mut window, 1, PanelKind::Comparison));
        assert!(shows(&mut window, 0, PanelKind::Tasks), "the table is in its place");
        press(&mut window, Key::K);
        assert!(shows(&mut window, 1, PanelKind::Comparison));
        assert!(!shows(&mut window, 0, PanelKind::Comparison), "and not twice");
        press(&mut window, Key::F6);
        assert!(shows(&mut window, 1, PanelKind::Comparison), "another trace is active");
    }
}

#[test]
fn one_trace_alone_is_not_compared() {
    let mut window = window();
    assert!(!shows(&mut window, 0, PanelKind::Comparison));
    press(&mut window, Key::K);
    assert!(!shows(&mut window, 0, PanelKind::Comparison));
}

#[test]
fn two_programs_side_by_side_are_compared_only_if_somebody_asks() {
    let mut window = two_builds();
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    assert_eq!(workspace(&mut window).members().len(), 1);
    assert!(window.query_by_label_contains("a poll takes").is_none());
    open_beside(&mut window);
    assert!(!shows(&mut window, 2, PanelKind::Comparison));
    press(&mut window, Key::K);
    window.get_by_label("The two have no spawn place in common.");
}

#[test]
fn the_layout_at_first_has_it() {
    let mut window = two_builds();
    press(&mut window, Key::K);
    window.state_mut().as_mut().unwrap().commands.send(AppCommand::ResetLayout);
    window.run_steps(3);
    assert!(shows(&mut window, 1, PanelKind::Comparison));
}

#[test]
fn a_panel_that_was_put_somewhere_stays_there_and_says_that_it_has_nothing_to_compare_with() {
    let mut window = window();
    drag_inspector_into_table(&mut window);
    open_beside(&mut window);
    assert!(!shows(&mut window, 1, PanelKind::Comparison), "nothing comes where panels were moved");
    press(&mut window, Key::K);
    window.get_by_label("No spawn place got slower by more than chance would explain.");
    workspace(&mut window).activate(TraceId(0));
    press_with(&mut window, Modifiers::COMMAND, Key::W);
    assert!(shows(&mut window, 1, PanelKind::Comparison));
    window.get_by_label_contains("There is nothing to compare with");
}

fn open_beside(window: &mut Window) {
    let command = AppCommand::OpenFilesBeside(vec![recorded()]);
    window.state_mut().as_mut().unwrap().commands.send(command);
    window.step();
    wait_until_open(window);
}
