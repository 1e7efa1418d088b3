//! What a frame costs, and what is not worked out again in each.
//!
//! `cargo test --release -p taskscope-viewer frame_time -- --ignored --nocapture` prints the
//! CPU time of a frame.

use egui::Key;
use taskscope_format::{
    Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId, ThreadId,
};
use taskscope_model::{TaskIx, Trace};

use super::harness::{Window, clock, document, panels, press, window, window_with_trace};
use crate::jobs::Mode;
use crate::open_trace::Loaded;

#[test]
fn while_the_playhead_alone_moves_the_lanes_are_not_asked_again() {
    let mut window = window();
    press(&mut window, Key::Home);
    let asked = panels(&mut window).timeline.lanes.asked;
    press(&mut window, Key::Space);
    let before = clock(&mut window).replay.moment();
    window.run_steps(20);
    assert!(clock(&mut window).replay.moment() > before, "it plays");
    assert_eq!(panels(&mut window).timeline.lanes.asked, asked);
}

#[test]
fn what_changes_the_lanes_has_them_asked_again() {
    let mut window = window();
    let mut asked = panels(&mut window).timeline.lanes.asked;
    for change in 0..5 {
        match change {
            0 => press(&mut window, Key::W),
            1 => document(&mut window).select(Some(TaskIx(3))),
            2 => press(&mut window, Key::C),
            3 => {
                window.set_size(egui::vec2(1200.0, 900.0));
            }
            _ => window.ctx.set_theme(egui::Theme::Light),
        }
        window.run_steps(3);
        let now = panels(&mut window).timeline.lanes.asked;
        assert!(now > asked, "change {change}");
        asked = now;
    }
}

/// Eight workers that poll short polls without a pause.
fn large() -> Trace {
    const POLLS: u64 = 100_000;
    let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
    for worker in 0..8 {
        for block in 0..POLLS / 1_000 {
            let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
            let start = block * 1_000;
            encoder.sync(start * 1_000, &mut bytes);
            encoder.event(start * 1_000, &Event::Worker(Some((RuntimeId(0), worker))), &mut bytes);
            for number in start..start + 1_000 {
                let time = 1_000 * number + u64::from(worker);
                let task = TaskId((number * 7 + u64::from(worker)) % 5_000);
                encoder.event(time, &Event::PollStart { task, source: Source::Hook }, &mut bytes);
                let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
                encoder.event(time + 300 + number * 31 % 500, &end, &mut bytes);
            }
            writer.block(ThreadId(worker), &bytes).unwrap();
        }
    }
    Trace::from_bytes(&writer.finish().unwrap()).unwrap()
}

/// The CPU time of this thread in nanoseconds; time on the clock where there is no such.
fn cpu_time() -> u128 {
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let start = START.get_or_init(std::time::Instant::now);
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let on_cpu = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
    on_cpu.unwrap_or_else(|| start.elapsed().as_nanos())
}

#[test]
#[ignore = "it measures; run it alone, in a release build"]
fn frame_time() {
    let mut window = window_with_trace(large());
    window.set_size(egui::vec2(1600.0, 1000.0));
    press(&mut window, Key::Home);
    press(&mut window, Key::Space);
    window.run_steps(10);
    const FRAMES: usize = 200;
    let before = cpu_time();
    for _ in 0..FRAMES {
        window.step();
    }
    let frame = (cpu_time() - before) / FRAMES as u128;
    println!("{:.2} ms of CPU a frame (800,000 polls in sight, playing)", frame as f64 / 1e6);
}

#[test]
fn lanes_that_a_frame_has_no_time_for_come_in_the_next_ones() {
    let loaded = Loaded::new(super::harness::recorded_trace(), "migration", None);
    let mut window = super::harness::window_with_traces(vec![loaded], Mode::Threads);
    panels(&mut window).timeline.lanes.patience = std::time::Duration::ZERO;
    while !panels(&mut window).timeline.lanes.is_whole {
        window.step();
    }
    let lanes = panels(&mut window).timeline.lanes.painted().count();
    assert!(lanes > 2);
    let playhead = clock(&mut window).replay.playhead();
    clock(&mut window).view.zoom(0.5, playhead);
    let answered = |window: &mut Window| {
        panels(window).timeline.lanes.painted().filter(|(.., answered)| *answered).count()
    };
    for frame in 1..=lanes {
        window.step();
        assert_eq!(answered(&mut window), frame, "one in each frame");
    }
    let view = clock(&mut window).view.range();
    let painted: Vec<_> = panels(&mut window)
        .timeline
        .lanes
        .painted()
        .map(|(lane, polls, _)| (lane, polls.to_vec()))
        .collect();
    let trace = document(&mut window).trace();
    for (lane, polls) in painted {
        let whole = trace.lod_spans(lane, view.clone(), 1);
        let count = |spans: &[taskscope_model::LodSpan]| -> u64 {
            spans.iter().map(|span| u64::from(span.count)).sum()
        };
        assert!(count(&polls) >= count(&whole), "{lane:?} shows all of its polls");
    }
}
