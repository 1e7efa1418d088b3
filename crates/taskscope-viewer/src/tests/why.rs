//! Why a poll came late: sentences, the way over the lanes, and what the poll did.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;
use taskscope_model::questions::{effects, now, way};
use taskscope_model::{PollIx, State, Trace};

use super::harness::{Window, clock, document, press, press_with, seek, window_with_trace};

fn convoy() -> Trace {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demos/recordings/convoy.tscope");
    Trace::from_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// A poll that another task made ready, which had waited for a timer; and the window at it.
fn at_a_late_poll() -> (Window, Trace, PollIx) {
    let trace = convoy();
    let is_late = |ix: &PollIx| {
        let way = way(&trace, *ix, None);
        way.time(State::Running) > 0 && way.time(State::Waiting) > 0
    };
    let late = trace.polls().map(|(ix, _)| ix).find(is_late).unwrap();
    let mut window = window_with_trace(trace.clone());
    document(&mut window).select(Some(trace.poll(late).task));
    seek(&mut window, trace.poll(late).start as f64);
    window.run_steps(3);
    (window, trace, late)
}

#[test]
fn the_way_is_told_leg_by_leg() {
    let (mut window, trace, late) = at_a_late_poll();
    let way = way(&trace, late, None);
    let polled = way.legs.iter().find(|leg| leg.state == State::Running).unwrap();
    let name = trace.task_name(polled.task);
    window.get_by_label_contains(&format!("{name} waited "));
    let whose = trace.task_name(trace.poll(late).task);
    window.get_by_label_contains("it had waited for Mutex::lock");
    window.get_by_label_contains(" in all: ");
    let woke = format!(", then it woke {whose}");
    window.get_by_label_contains(&woke).click_accesskit();
    window.run_steps(3);
    assert_eq!(document(&mut window).selected, Some(polled.task));
    let moment = clock(&mut window).replay.moment();
    assert!((polled.start..=polled.end).contains(&moment));
}

#[test]
fn it_is_drawn_over_the_lanes_by_key() {
    let (mut window, ..) = at_a_late_poll();
    press(&mut window, Key::Y);
    assert!(document(&mut window).ways.are_drawn);
    press(&mut window, Key::Y);
    assert!(!document(&mut window).ways.are_drawn);
}

#[test]
fn a_way_between_two_polls_says_whether_one_led_to_the_other() {
    let (mut window, trace, late) = at_a_late_poll();
    let way = way(&trace, late, None);
    let polled = way.legs.iter().find(|leg| leg.state == State::Running).unwrap();
    let (task, start) = (polled.task, polled.start);
    document(&mut window).select(Some(task));
    seek(&mut window, start as f64);
    window.run_steps(2);
    press_with(&mut window, Modifiers::SHIFT, Key::Y);
    assert_eq!(document(&mut window).ways.from, Some(polled.poll));
    document(&mut window).select(Some(trace.poll(late).task));
    seek(&mut window, trace.poll(late).start as f64);
    window.run_steps(3);
    window.get_by_label_contains(", which led to this one.");
    // Back at that poll the key lets it go.
    document(&mut window).select(Some(task));
    seek(&mut window, start as f64);
    window.run_steps(2);
    press_with(&mut window, Modifiers::SHIFT, Key::Y);
    assert_eq!(document(&mut window).ways.from, None);
}

#[test]
fn what_a_poll_did_to_others_is_listed() {
    let (mut window, trace, late) = at_a_late_poll();
    let way = way(&trace, late, None);
    let polled = way.legs.iter().find(|leg| leg.state == State::Running).unwrap();
    let (task, poll) = (polled.task, polled.poll);
    assert!(!now(effects(&trace, None, poll)).is_empty());
    document(&mut window).select(Some(task));
    seek(&mut window, trace.poll(poll).start as f64);
    window.run_steps(4);
    window.get_by_label("What this poll did to others");
    let whose = trace.task_name(trace.poll(late).task);
    window.get_by_label_contains(&format!("woke {whose}, which worker"));
}
