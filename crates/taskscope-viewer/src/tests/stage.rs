//! The stage, and playing at an even pace.

use egui::{Key, Modifiers};
use egui_kittest::kittest::{NodeT, Queryable};
use proptest::prelude::*;
use taskscope_model::questions::{Spot, Stage, now, scene};
use taskscope_model::{Direction, LaneIx};

use super::harness::{
    Window, click, clock, document, panels, press, press_with, seek, window, workspace,
};
use crate::replay::Pace;

/// What stands in each worker's slot, as the stage shows it.
fn slots(window: &Window) -> Vec<(String, String)> {
    let tokens =
        window.query_all_by(|node| node.label().is_some_and(|label| label.starts_with("Token ")));
    let mut slots: Vec<(String, String)> = tokens
        .filter_map(|node| {
            let node = node.accesskit_node();
            let place = node.value()?;
            let worker = place.strip_prefix("slot of ")?.to_owned();
            Some((worker, node.label()?.trim_start_matches("Token ").to_owned()))
        })
        .collect();
    slots.sort();
    slots
}

/// What each lane polls at the playhead.
fn polled(window: &mut Window) -> Vec<(String, String)> {
    let moment = clock(window).replay.moment();
    let trace = document(window).trace();
    let lanes = (0..trace.lanes().len() as u16).map(LaneIx);
    let mut polled: Vec<(String, String)> = lanes
        .filter_map(|lane| {
            let poll = trace.poll_at(lane, moment)?;
            Some((trace.lane_name(lane), trace.task_name(trace.poll(poll).task)))
        })
        .collect();
    polled.sort();
    polled
}

fn open_stage(window: &mut Window) {
    press(window, Key::G);
    window.run_steps(2);
    window.get_by_label("Stage");
}

#[test]
fn a_slot_shows_what_is_polled_at_the_playhead_and_nothing_else() {
    let mut window = window();
    open_stage(&mut window);
    let span = document(&mut window).trace().span();
    for part in (1..60).chain((1..60).rev()) {
        let at = span.start + (span.end - span.start) / 60 * part;
        seek(&mut window, at as f64);
        window.step();
        let polled = polled(&mut window);
        assert_eq!(slots(&window), polled, "at {at}");
    }
}

#[test]
fn playing_hop_by_hop_nothing_is_in_a_slot_before_its_poll() {
    let mut window = window();
    open_stage(&mut window);
    for direction in [Direction::Forward, Direction::Back] {
        let replay = &mut clock(&mut window).replay;
        replay.pause();
        replay.set_pace(Pace::Hops);
        replay.set_beats(3.0);
        workspace(&mut window).toggle_play(direction);
        let mut moments = Vec::new();
        for _ in 0..60 {
            window.step();
            let moment = clock(&mut window).replay.moment();
            let polled = polled(&mut window);
            assert_eq!(slots(&window), polled, "{direction:?} at {moment}");
            moments.push(moment);
        }
        let mut sorted = moments.clone();
        sorted.sort_unstable();
        if direction == Direction::Back {
            sorted.reverse();
        }
        assert_eq!(moments, sorted, "time goes one way");
        assert!(moments[0] != moments[59]);
    }
}

#[test]
fn at_an_even_pace_each_event_takes_as_long_as_the_next() {
    let mut window = window();
    let trace_start = document(&mut window).trace().span().start;
    seek(&mut window, trace_start as f64);
    let replay = &mut clock(&mut window).replay;
    replay.set_pace(Pace::Events);
    replay.set_beats(4.0);
    workspace(&mut window).toggle_play(Direction::Forward);
    // A quarter of a second: from one event to the next.
    let mut expected = trace_start;
    for _ in 0..40 {
        workspace(&mut window).pass_time(0.25 + 1e-9);
        let at = clock(&mut window).replay.playhead();
        let next = document(&mut window).trace().next_event(expected, Direction::Forward).unwrap();
        assert!((at - next as f64).abs() < 2.0, "{at} is not {next}");
        expected = next;
    }
}

#[test]
fn it_pauses_where_it_is_told_to() {
    let mut window = window();
    let start = document(&mut window).trace().span().start;
    click(&mut window, "Row task 6");
    let (first, woken, hop, panic) = {
        let document = document(&mut window);
        let (trace, task) = (document.trace(), document.selected.unwrap());
        let first = trace.poll(trace.task_polls(task).first().unwrap()).start;
        let woken = trace.task_wakes(task).map(|wake| trace.wake(wake).time).next().unwrap();
        (first, woken, trace.next_hop(start, Direction::Forward).unwrap(), None::<u64>)
    };
    assert_eq!(panic, None, "no task of this trace panics");
    let play = |window: &mut Window, set: &dyn Fn(&mut crate::workspace::Stops)| {
        let clock = clock(window);
        clock.stops = crate::workspace::Stops::default();
        set(&mut clock.stops);
        clock.replay.seek(start as f64);
        clock.replay.set_pace(Pace::Proportion);
        clock.replay.set_speed(1e-2);
        workspace(window).toggle_play(Direction::Forward);
        for _ in 0..2_000 {
            workspace(window).pass_time(0.02);
        }
        assert!(!super::harness::clock(window).replay.is_playing());
        super::harness::clock(window).replay.moment()
    };
    assert_eq!(play(&mut window, &|stops| stops.hops = true), hop);
    assert_eq!(play(&mut window, &|stops| stops.first_poll = true), first);
    assert_eq!(play(&mut window, &|stops| stops.wakes = true), woken);
}

#[test]
fn what_is_marked_is_repeated() {
    let mut window = window();
    let span = document(&mut window).trace().span();
    let (from, to) = ((span.start + 1_000_000) as f64, (span.start + 2_000_000) as f64);
    let clock_of = clock(&mut window);
    clock_of.measured = Some((from, to));
    clock_of.replay.seek(from);
    clock_of.replay.set_speed(1e-3);
    press(&mut window, Key::R);
    workspace(&mut window).toggle_play(Direction::Forward);
    for _ in 0..100 {
        workspace(&mut window).pass_time(0.1);
        let at = clock(&mut window).replay.playhead();
        assert!((from..=to).contains(&at));
        assert!(clock(&mut window).replay.is_playing());
    }
    assert!(clock(&mut window).replay.loops);
}

#[test]
fn shift_space_plays_backwards() {
    let mut window = window();
    let before = clock(&mut window).replay.playhead();
    press_with(&mut window, Modifiers::SHIFT, Key::Space);
    window.run_steps(3);
    assert!(clock(&mut window).replay.playhead() < before);
    press_with(&mut window, Modifiers::SHIFT, Key::Space);
    assert!(!clock(&mut window).replay.is_playing());
}

#[test]
fn a_token_is_selected_by_a_click() {
    let mut window = window();
    open_stage(&mut window);
    let waiting = {
        let moment = clock(&mut window).replay.moment();
        let document = document(&mut window);
        let trace = document.trace();
        let stage = now(Stage::new(trace));
        let scene = now(scene(trace, None, &stage, moment, moment));
        let waits =
            |token: &&taskscope_model::questions::Token| matches!(token.spot, Spot::Room(_));
        scene.tokens.iter().find(waits).expect("a task waits").task
    };
    let name = document(&mut window).trace().task_name(waiting);
    click(&mut window, &format!("Token {name}"));
    assert_eq!(document(&mut window).selected, Some(waiting));
}

#[test]
fn presenting_shows_the_stage_and_the_lanes_alone() {
    let mut window = window();
    press(&mut window, Key::F5);
    window.run_steps(2);
    window.get_by_label("Stage");
    window.get_by_label("Timeline");
    assert!(window.query_by_label("Overview").is_none());
    assert!(window.query_by_label("Commands").is_none());
    press(&mut window, Key::Escape);
    window.run_steps(2);
    window.get_by_label("Overview");
    assert!(window.query_by_label("Stage").is_none(), "it was closed before");
}

/// Something that a person does with the time.
#[derive(Clone, Copy, Debug)]
enum Move {
    Seek(f64),
    Play(Direction, Pace, u32),
}

fn any_move() -> impl Strategy<Value = Move> {
    let direction = prop_oneof![Just(Direction::Forward), Just(Direction::Back)];
    let pace = prop::sample::select(Pace::ALL.to_vec());
    prop_oneof![
        (0.0..=1.0f64).prop_map(Move::Seek),
        (direction, pace, 1..6u32).prop_map(|(way, pace, frames)| Move::Play(way, pace, frames)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..Default::default() })]

    /// What the stage shows at a time is what the model says of it, in whatever way one came there.
    #[test]
    fn the_stage_is_the_models_however_one_comes_there(
        trace in super::slots::random_trace(),
        moves in prop::collection::vec(any_move(), 1..8),
        aside in any::<bool>(),
    ) {
        let mut window = super::harness::window_with_trace(trace);
        press(&mut window, Key::G);
        if aside {
            panels(&mut window).stage.work_aside();
        }
        let span = document(&mut window).trace().span();
        for go in moves {
            match go {
                Move::Seek(part) => {
                    let moment = span.start as f64 + part * (span.end - span.start) as f64;
                    seek(&mut window, moment.round());
                    window.step();
                }
                Move::Play(direction, pace, frames) => {
                    let replay = &mut clock(&mut window).replay;
                    replay.pause();
                    replay.set_pace(pace);
                    workspace(&mut window).toggle_play(direction);
                    for _ in 0..frames {
                        window.step();
                    }
                }
            }
            let moment = clock(&mut window).replay.moment();
            let shown = panels(&mut window).stage.scene().expect("there is a scene").clone();
            prop_assert_eq!(shown.time, moment);
            let trace = document(&mut window).trace();
            let stage = now(Stage::new(trace));
            let of_model = now(scene(trace, None, &stage, moment, moment));
            prop_assert_eq!(shown.tokens, of_model.tokens, "after {:?}", go);
        }
    }
}
