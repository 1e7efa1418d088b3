//! The lanes: zoom, pan, select, measure.

use egui::{Key, Modifiers, MouseWheelUnit, Pos2, pos2};
use taskscope_model::{Poll, TaskIx};

use crate::prepared::ColourBy;

use super::harness::{Window, click_at, clock, document, lane, press, show_selected, window};

/// A poll in the middle of the window that is wide enough to hit, and where it is.
fn visible_poll(window: &mut Window, worker: usize) -> (Poll, Pos2) {
    let rect = lane(window, &format!("worker {worker}"));
    let view = clock(window).view;
    let document = document(window);
    let width = |ns: f64| ns / view.width() * f64::from(rect.width());
    let trace = document.trace();
    let poll = trace
        .lane_polls(trace.lane_order()[worker])
        .map(|(_, poll)| poll)
        .filter(|poll| poll.start as f64 > view.start() && (poll.end as f64) < view.end())
        .max_by_key(|poll| poll.duration())
        .expect("the first look shows polls of every worker");
    assert!(width(poll.duration() as f64) > 4.0);
    let middle = (poll.start + poll.end) as f64 / 2.0;
    (poll, pos2(rect.left() + width(middle - view.start()) as f32, rect.center().y))
}

#[test]
fn a_click_on_a_poll_selects_its_task_and_puts_the_playhead_there() {
    let mut window = window();
    let (poll, pos) = visible_poll(&mut window, 3);
    click_at(&mut window, pos);
    let document = document(&mut window);
    assert_eq!(document.selected, Some(poll.task));
    assert!((poll.start..poll.end).contains(&clock(&mut window).replay.moment()));
}

#[test]
fn a_click_beside_all_polls_selects_nothing() {
    let mut window = window();
    let (_, pos) = visible_poll(&mut window, 3);
    click_at(&mut window, pos);
    let below = lane(&window, "thread main").center_bottom() + egui::vec2(100.0, 60.0);
    click_at(&mut window, below);
    assert_eq!(document(&mut window).selected, None);
}

#[test]
fn ctrl_and_wheel_zoom_at_the_pointer() {
    let mut window = window();
    let rect = lane(&window, "worker 1");
    let pos = rect.left_center().lerp(rect.right_center(), 0.8);
    let view = clock(&mut window).view;
    let moment = view.start() + 0.8 * view.width();
    window.hover_at(pos);
    window.step();
    window.event_modifiers(
        egui::Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: egui::vec2(0.0, 3.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: Modifiers::COMMAND,
        },
        Modifiers::COMMAND,
    );
    window.run_steps(6);
    let zoomed = clock(&mut window).view;
    assert!(zoomed.width() < 0.9 * view.width(), "{} of {}", zoomed.width(), view.width());
    let under_pointer = zoomed.start() + 0.8 * zoomed.width();
    assert!((under_pointer - moment).abs() < 0.01 * zoomed.width());
}

#[test]
fn keys_zoom_pan_and_fit() {
    let mut window = window();
    let before = clock(&mut window).view;
    press(&mut window, Key::W);
    assert!(clock(&mut window).view.width() < before.width());
    press(&mut window, Key::S);
    press(&mut window, Key::A);
    assert!(clock(&mut window).view.start() < before.start());
    press(&mut window, Key::Home);
    let whole = document(&mut window).trace().span();
    assert_eq!(clock(&mut window).view.range(), whole);
}

#[test]
fn dragging_measures_and_shift_drag_pans() {
    let mut window = window();
    let rect = lane(&window, "worker 2");
    let at = |part: f32| rect.left_center().lerp(rect.right_center(), part);
    let view = clock(&mut window).view;
    drag(&mut window, at(0.25), at(0.75), Modifiers::NONE);
    let (from, to) = clock(&mut window).measured.expect("a stretch is measured");
    assert!(((to - from) / view.width() - 0.5).abs() < 0.02, "{from} to {to}");
    assert_eq!(clock(&mut window).view, view, "measuring moves nothing");

    drag(&mut window, at(0.75), at(0.25), Modifiers::SHIFT);
    let moved = (clock(&mut window).view.start() - view.start()) / view.width();
    assert!((moved - 0.5).abs() < 0.02, "moved by {moved} of the window");
}

fn drag(window: &mut Window, from: Pos2, to: Pos2, modifiers: Modifiers) {
    let button = |pos, pressed| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers,
    };
    window.event(egui::Event::ModifiersChanged(modifiers));
    window.event(egui::Event::PointerMoved(from));
    window.step();
    window.event(button(from, true));
    window.step();
    for part in [0.3, 0.6, 1.0] {
        window.event(egui::Event::PointerMoved(from.lerp(to, part)));
        window.step();
    }
    window.event(button(to, false));
    window.step();
    window.event(egui::Event::ModifiersChanged(Modifiers::NONE));
    window.run_steps(2);
}

#[test]
fn lanes_say_what_they_do_to_those_who_cannot_see_them() {
    use egui_kittest::kittest::Queryable;
    let mut window = window();
    let (poll, pos) = visible_poll(&mut window, 0);
    click_at(&mut window, pos);
    let name = document(&mut window).trace().task_name(poll.task);
    let value = window.get_by_label("Lane worker 0").value();
    assert_eq!(value, Some(format!("polling {name}")));
}

#[test]
fn the_move_stands_on_a_hop_and_the_wake_in_its_tooltip() {
    use egui_kittest::kittest::Queryable;
    let mut window = window();
    // A task that hops, with the hop in sight.
    let doc = document(&mut window);
    let task = doc.trace().tasks().position(|task| task.id.0 == 8).unwrap();
    doc.select(Some(TaskIx(task as u32)));
    show_selected(&mut window);
    window.run_steps(3);
    let timeline = window.get_by_label("Timeline").rect();
    let chips: Vec<_> = window
        .query_all_by_label_contains("(inferred)")
        .filter(|node| timeline.contains_rect(node.rect()))
        .map(|node| (node.rect(), node.value().unwrap_or_default()))
        .collect();
    let moves = ["stolen from worker", "from the injection queue", "woken on worker"];
    let is_move = |text: &String| moves.iter().any(|how| text.starts_with(how));
    assert!(!chips.is_empty(), "no move is written on a hop");
    assert!(chips.iter().all(|(_, text)| is_move(text)), "{chips:?}");
    let causes = ["woken by", "woke itself", "had yielded", "spawned by"];
    let wakes = |window: &Window| {
        let wakes = causes.map(|cause| window.query_all_by_label_contains(cause).count());
        wakes.iter().sum::<usize>()
    };
    let before = wakes(&window);
    window.hover_at(chips[0].0.center());
    window.run_steps(90);
    assert!(wakes(&window) > before, "the tooltip has no wake");
}

#[test]
fn the_legend_lists_places_where_polled_tasks_were_spawned() {
    use egui_kittest::kittest::Queryable;
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/server.tscope");
    let trace = taskscope_model::Trace::from_bytes(&std::fs::read(file).unwrap()).unwrap();
    let resources = trace.places().len();
    let mut window = super::harness::window_with_trace(trace);
    let places = document(&mut window).prepared().places.clone();
    assert!(!places.is_empty() && places.len() < resources, "resources have places, too");
    assert!(places.iter().all(|&(_, polls)| polls > 0), "{places:?}");
    let polls: u64 = places.iter().map(|(_, polls)| polls).sum();
    assert_eq!(polls, document(&mut window).trace().poll_count());
    window.get_by_label("Timeline");
}

/// A worker that polls so many tasks of each place, one after another.
fn trace_of_places(counts: &[u64]) -> taskscope_model::Trace {
    use taskscope_format::{
        Encoder, Event, FileWriter, Location, PollResult, RuntimeId, Source, Spawn, TaskId,
        TaskKind, ThreadId,
    };
    let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
    encoder.sync(0, &mut bytes);
    encoder.event(0, &Event::Worker(Some((RuntimeId(0), 0))), &mut bytes);
    let (mut id, mut time) = (0, 1);
    for (place, &count) in counts.iter().enumerate() {
        for _ in 0..count {
            let location = Location { file: "src/main.rs", line: place as u32 + 1, column: 5 };
            let spawn = Spawn::new(TaskId(id), TaskKind::Task, Source::Span);
            let spawn = Spawn { location: Some(location), ..spawn };
            encoder.event(time, &Event::Spawn(spawn), &mut bytes);
            let start = Event::PollStart { task: TaskId(id), source: Source::Hook };
            encoder.event(time + 1, &start, &mut bytes);
            let end = Event::PollEnd { result: PollResult::Ready, kept_waker: false };
            encoder.event(time + 5, &end, &mut bytes);
            (id, time) = (id + 1, time + 10);
        }
    }
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    writer.block(ThreadId(0), &bytes).unwrap();
    taskscope_model::Trace::from_bytes(&writer.finish().unwrap()).unwrap()
}

#[test]
fn where_one_place_has_nearly_all_polls_each_task_has_its_colour() {
    use egui_kittest::kittest::Queryable;
    for (counts, expected) in [
        (&[95, 3, 2][..], ColourBy::Task),
        (&[5], ColourBy::Task),
        (&[40, 30, 30], ColourBy::Place),
        (&[], ColourBy::Place),
    ] {
        let mut window = super::harness::window_with_trace(trace_of_places(counts));
        assert_eq!(document(&mut window).colour_by, expected, "{counts:?}");
        press(&mut window, Key::C);
        assert_ne!(document(&mut window).colour_by, expected, "the key chooses");
        super::harness::click(&mut window, "Trace");
        window.get_by_label_contains("Next colours");
    }
}
