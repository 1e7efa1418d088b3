//! A few small pictures of a recorded trace, compared with those that people
//! have looked at. `UPDATE_SNAPSHOTS=1` writes them anew: look before you commit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use egui_kittest::try_image_snapshot;
use taskscope_model::{TaskId, Trace};
use taskscope_viewer::{RenderOptions, Theme, render, render_beside};

fn recorded() -> Trace {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/migration.tscope");
    Trace::from_bytes(&std::fs::read(file).unwrap()).unwrap()
}

fn check(name: &str, options: &RenderOptions) {
    let png = render(recorded(), "migration.tscope", options).unwrap();
    let again = render(recorded(), "migration.tscope", options).unwrap();
    assert!(png == again, "the same trace gives the same picture");
    let image = image::load_from_memory(&png).unwrap().to_rgba8();
    let size = options.size.map(|points| (points as f32 * options.scale) as u32);
    assert_eq!([image.width(), image.height()], size);
    try_image_snapshot(&image, name).unwrap();
}

#[test]
fn dark() {
    let options = RenderOptions { size: [960, 620], ..RenderOptions::default() };
    check("dark", &options);
}

#[test]
fn light_with_a_task_selected() {
    let select = recorded().find_task(TaskId(21));
    assert!(select.is_some());
    let theme = Theme::Light;
    check("light", &RenderOptions { size: [960, 620], theme, select, ..RenderOptions::default() });
}

#[test]
fn small_and_sharp() {
    let at = Some(recorded().span().end / 2);
    let options = RenderOptions { size: [480, 400], scale: 2.0, at, ..RenderOptions::default() };
    check("small", &options);
}

/// Each panel says which trace it shows, and both lie on one axis.
#[test]
fn two_side_by_side() {
    let server = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/server.tscope");
    let server = Trace::from_bytes(&std::fs::read(server).unwrap()).unwrap();
    let traces = vec![
        (Arc::new(recorded()), "migration.tscope".to_owned()),
        (Arc::new(server), "server.tscope".to_owned()),
    ];
    let options = RenderOptions { size: [1200, 800], ..RenderOptions::default() };
    let png = render_beside(traces, &options).unwrap();
    let image = image::load_from_memory(&png).unwrap().to_rgba8();
    try_image_snapshot(&image, "beside").unwrap();
}

#[test]
fn a_picture_of_no_size_is_refused() {
    let options = RenderOptions { size: [0, 400], ..RenderOptions::default() };
    assert!(render(recorded(), "", &options).is_err());
}

/// What a broken or an empty file may hold is drawn, or at least doesn't end the
/// program.
#[test]
fn odd_traces_are_drawn() {
    use taskscope_format::{Encoder, Event, FileWriter, PollResult, RuntimeId, Source, ThreadId};

    let empty: &[(u64, Event<'_>)] = &[];
    let poll = Event::PollStart { task: TaskId(7), source: Source::Hook };
    let end = Event::PollEnd { result: PollResult::Pending, kept_waker: false };
    let worker = Event::Worker(Some((RuntimeId(0), 0)));
    let far = 1 << 60;
    let odd = [
        empty,
        &[(5, worker)],
        &[(1, worker), (2, poll), (far, end), (u64::MAX, Event::Park)],
        &[(far, worker), (far, poll), (far, end)],
        &[(0, end), (3, poll)],
    ];
    for events in odd {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        encoder.sync(0, &mut bytes);
        for (time, event) in events {
            encoder.event(*time, event, &mut bytes);
        }
        let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
        writer.block(ThreadId(0), &bytes).unwrap();
        let trace = Trace::from_bytes(&writer.finish().unwrap()).unwrap();
        let select = trace.find_task(TaskId(7));
        let options = RenderOptions { size: [960, 620], select, ..RenderOptions::default() };
        render(trace, "odd.tscope", &options).unwrap();
    }
}

#[test]
fn stage() {
    let options = RenderOptions { size: [960, 620], stage: true, ..RenderOptions::default() };
    check("stage", &options);
    check("stage-light", &RenderOptions { theme: Theme::Light, ..options });
}
