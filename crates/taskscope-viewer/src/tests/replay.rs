//! Playing, stepping, scrubbing.

use egui::Key;
use egui_kittest::kittest::Queryable;
use taskscope_model::Direction;

use super::harness::{click, clock, document, press, press_with, seek, window};

#[test]
fn next_and_previous_event_go_there_and_back() {
    let mut window = window();
    let start = clock(&mut window).replay.moment();
    let trace = document(&mut window).trace();
    let next = trace.next_event(start, Direction::Forward).unwrap();
    let after = trace.next_event(next, Direction::Forward).unwrap();

    click(&mut window, "Next event");
    assert_eq!(clock(&mut window).replay.moment(), next);
    press(&mut window, Key::ArrowRight);
    assert_eq!(clock(&mut window).replay.moment(), after);
    click(&mut window, "Previous event");
    assert_eq!(clock(&mut window).replay.moment(), next);
}

#[test]
fn with_a_task_selected_the_steps_are_its_own() {
    let mut window = window();
    click(&mut window, "Row task 6");
    let task = document(&mut window).selected.unwrap();
    let polls: Vec<u64> = {
        let trace = document(&mut window).trace();
        trace.task_polls(task).iter().map(|poll| trace.poll(poll).start).collect()
    };
    seek(&mut window, 0.0);
    for &start in &polls[..3] {
        press(&mut window, Key::Period);
        assert_eq!(clock(&mut window).replay.moment(), start);
    }
    press(&mut window, Key::Comma);
    assert_eq!(clock(&mut window).replay.moment(), polls[1]);
}

#[test]
fn playing_moves_the_playhead_at_the_speed_shown() {
    let mut window = window();
    let before = clock(&mut window).replay.playhead();
    let speed = clock(&mut window).replay.ns_per_second();
    window.key_press(Key::Space);
    window.step();
    assert!(clock(&mut window).replay.is_playing());
    window.run_steps(4);
    let moved = clock(&mut window).replay.playhead() - before;
    // The harness lets a quarter of a second pass in each frame; the window
    // takes at most a tenth, lest a slow frame skip what it should show.
    assert!(moved > 0.0 && moved <= 0.7 * speed, "moved {moved} ns at {speed} ns/s");

    click(&mut window, "Pause");
    assert!(!clock(&mut window).replay.is_playing());
}

#[test]
fn keys_change_the_speed_and_its_words() {
    let mut window = window();
    let before = clock(&mut window).replay.speed();
    press(&mut window, Key::CloseBracket);
    assert_eq!(clock(&mut window).replay.speed(), before * 2.0);
    press(&mut window, Key::OpenBracket);
    press(&mut window, Key::OpenBracket);
    assert_eq!(clock(&mut window).replay.speed(), before / 2.0);
    let text = crate::time::duration(before / 2.0 * 1e9);
    window.get_by_label(&format!("1 s on screen = {text}"));
}

#[test]
fn pressing_on_the_time_axis_moves_the_playhead() {
    let mut window = window();
    let axis = window.get_by_label("Playhead").rect();
    let at = axis.left_center().lerp(axis.right_center(), 0.75);
    super::harness::click_at(&mut window, at);
    let clock = clock(&mut window);
    let expected = clock.view.start() + 0.75 * clock.view.width();
    let pixel = clock.view.width() / f64::from(axis.width());
    assert!((clock.replay.playhead() - expected).abs() <= pixel);
}

#[test]
fn the_ends_are_one_key_away() {
    let mut window = window();
    let span = document(&mut window).trace().span();
    press(&mut window, Key::End);
    assert_eq!(clock(&mut window).replay.moment(), span.end);
    press_with(&mut window, egui::Modifiers::COMMAND, Key::Home);
    assert_eq!(clock(&mut window).replay.moment(), span.start);
}

#[test]
fn a_double_click_on_the_speed_goes_back_to_the_usual_one() {
    let mut window = window();
    let usual = clock(&mut window).replay.speed();
    let slider = window.get_by_label("Speed").rect();
    let at = slider.left_center().lerp(slider.right_center(), 0.9);
    super::harness::click_at(&mut window, at);
    assert!(clock(&mut window).replay.speed() > 2.0 * usual, "a click sets the speed");
    for pressed in [true, false, true, false] {
        let button = egui::PointerButton::Primary;
        let modifiers = egui::Modifiers::NONE;
        let event = egui::Event::PointerButton { pos: at, button, pressed, modifiers };
        // All in one frame: the frames of a test are further apart than two quick clicks.
        window.input_mut().events.push(event);
    }
    window.run_steps(2);
    assert_eq!(clock(&mut window).replay.speed(), usual);
}
