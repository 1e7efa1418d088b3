//! Going somewhere, and back.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::harness::{Window, click, clock, document, lane, press, press_with, window};

/// View, playhead and selection.
fn place(window: &mut Window) -> (f64, f64, u64, Option<taskscope_model::TaskIx>) {
    let selected = document(window).selected;
    let clock = clock(window);
    (clock.view.start(), clock.view.width(), clock.replay.moment(), selected)
}

#[test]
fn jumps_are_taken_back_and_made_again() {
    let mut window = window();
    let first = place(&mut window);
    click(&mut window, "Row task 8");
    let second = place(&mut window);
    press(&mut window, Key::F);
    let third = place(&mut window);
    assert!(first != second && second != third);
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(place(&mut window), second);
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(place(&mut window), first);
    press_with(&mut window, Modifiers::COMMAND, Key::Z);
    assert_eq!(place(&mut window), first, "there is nothing before");
    press_with(&mut window, Modifiers::COMMAND, Key::Y);
    press_with(&mut window, Modifiers::COMMAND, Key::Y);
    assert_eq!(place(&mut window), third);
}

fn type_into_palette(window: &mut Window, text: &str) {
    press_with(window, Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.get_by_label("Find a command").type_text(text);
    window.run_steps(2);
    press(window, Key::Enter);
    window.run_steps(2);
}

#[test]
fn the_palette_goes_to_times_and_tasks() {
    let mut window = window();
    let start = document(&mut window).trace().span().start;
    type_into_palette(&mut window, "41.5ms");
    assert_eq!(clock(&mut window).replay.moment(), start + 41_500_000);
    type_into_palette(&mut window, "task 42");
    let selected = document(&mut window).selected.unwrap();
    assert_eq!(document(&mut window).trace().task(selected).id.0, 42);
}

#[test]
fn a_double_click_shows_a_poll_as_wide_as_it_fits() {
    let mut window = window();
    let row = lane(&window, "worker 0");
    let (moment, poll) = {
        let view = clock(&mut window).view;
        let trace = document(&mut window).trace();
        let worker = trace.runtimes()[0].workers[0];
        let moments = (1..200).map(|part| view.start() + view.width() * f64::from(part) / 200.0);
        let polls = moments.filter_map(|at| Some((at, trace.poll_at(worker, at as u64)?)));
        let (at, poll) = polls.max_by_key(|(_, poll)| trace.poll(*poll).duration()).unwrap();
        ((at - view.start()) / view.width(), trace.poll(poll))
    };
    let at = egui::pos2(row.left() + moment as f32 * row.width(), row.center().y);
    window.hover_at(at);
    window.step();
    // In a test more time passes between two frames than between the two clicks of a double click.
    window.ctx.options_mut(|options| options.input_options.max_double_click_delay = 60.0);
    for _ in 0..2 {
        window.drag_at(at);
        window.drop_at(at);
    }
    window.run_steps(3);
    let view = clock(&mut window).view;
    let part = poll.duration() as f64 / view.width();
    assert!((0.7..0.73).contains(&part), "{part} of the view");
    assert!(view.start() <= poll.start as f64 && view.end() >= poll.end as f64);
}

#[test]
fn a_time_is_typed_into_the_clock() {
    let mut window = window();
    let start = document(&mut window).trace().span().start;
    press_with(&mut window, Modifiers::COMMAND, Key::L);
    window.run_steps(2);
    window.get_by_label("Go to a time").type_text("0.041 500 s");
    window.run_steps(2);
    press(&mut window, Key::Enter);
    window.run_steps(2);
    assert_eq!(clock(&mut window).replay.moment(), start + 41_500_000);
    assert!(window.query_by_label("Go to a time").is_none(), "it is a clock again");
}

#[test]
fn a_stretch_is_marked_and_shown_by_key() {
    let mut window = window();
    for (moment, key) in [(20_000_000.0, Modifiers::NONE), (30_000_000.0, Modifiers::SHIFT)] {
        super::harness::seek(&mut window, moment);
        window.run_steps(2);
        press_with(&mut window, key, Key::E);
    }
    assert_eq!(clock(&mut window).measured, Some((20_000_000.0, 30_000_000.0)));
    press(&mut window, Key::Z);
    let view = clock(&mut window).view;
    assert!((view.start() - 19_500_000.0).abs() < 1.0 && (view.width() - 11_000_000.0).abs() < 1.0);
}

#[test]
fn arrows_go_from_row_to_row_of_the_table() {
    let mut window = window();
    let rows = super::harness::panels(&mut window).tasks.rows().to_vec();
    for expected in [rows[0], rows[1], rows[2]] {
        press(&mut window, Key::ArrowDown);
        assert_eq!(document(&mut window).selected, Some(expected));
    }
    press(&mut window, Key::ArrowUp);
    assert_eq!(document(&mut window).selected, Some(rows[1]));
}

/// A link is a command; what it says is where a window begins.
#[test]
fn a_link_leads_back_to_where_it_was_copied() {
    use crate::{Options, Spot};
    let options = || Options { files: vec![super::harness::recorded()], ..Options::default() };
    let mut first = super::harness::window_on(options());
    super::harness::wait_until_open(&mut first);
    click(&mut first, "Row task 8");
    super::harness::seek(&mut first, 41_500_000.0);
    clock(&mut first).measured = Some((40_000_000.0, 50_000_000.0));
    document(&mut first).search.set("poll>1ms worker:2".to_owned());
    first.run_steps(2);
    let link = super::harness::workspace(&mut first).link().unwrap();
    let words = shell_words::split(&link).unwrap();
    let start = document(&mut first).trace().span().start as f64;
    let after = |name: &str| words[words.iter().position(|word| word == name).unwrap() + 1].clone();
    let time = |text: &str| crate::time::parse(text).unwrap();
    let range = after("--range");
    let (from, to) = range.split_once("..").unwrap();
    let spot = Spot {
        task: Some(after("--task")),
        at: Some(time(&after("--at"))),
        range: Some((time(from), time(to))),
        find: Some(after("--find")),
    };
    assert_eq!(words[..2], ["taskscope", "view"]);
    let mut second = super::harness::window_on(Options { spot, ..options() });
    super::harness::wait_until_open(&mut second);
    let place = |window: &mut Window| {
        let selected = document(window).selected;
        let text = document(window).search.text().to_owned();
        let clock = clock(window);
        (
            clock.replay.moment(),
            clock.measured.map(|(from, to)| (from - start, to - start)),
            selected,
            text,
        )
    };
    assert_eq!(place(&mut second), place(&mut first));
}

#[test]
fn a_right_click_finds_the_tasks_of_a_place() {
    let mut window = window();
    window.get_by_label("Row task 8").click_secondary();
    window.run_steps(3);
    click(&mut window, "Find all tasks spawned here");
    window.run_steps(3);
    let text = document(&mut window).search.text().to_owned();
    assert!(text.starts_with("place:"), "{text}");
    let trace = document(&mut window).trace_for_jobs();
    let place = trace.find_task(taskscope_model::TaskId(8)).and_then(|task| trace.task(task).place);
    let same = trace.tasks().filter(|task| task.place == place).count();
    assert!(same > 1);
    window.get_by_label(&format!("{same} of 165"));
}
