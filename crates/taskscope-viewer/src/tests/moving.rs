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
