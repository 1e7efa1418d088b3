//! What the program said, written out below the lanes.

use std::path::PathBuf;

use egui_kittest::kittest::Queryable;

use super::harness;
use crate::Options;

#[test]
fn what_was_said_until_the_playhead_is_written_out_in_lessons() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces/server.tscope");
    let options = Options { files: vec![PathBuf::from(file)], ..Options::default() };
    let mut window = harness::window_on(options);
    harness::wait_until_open(&mut window);
    let first = harness::document(&mut window).trace().messages().next().cloned().unwrap();
    let (time, text) = (first.time, &*first.text);
    let mut is_written = |at: u64, in_lesson: bool| {
        harness::document(&mut window).writes_messages = in_lesson;
        harness::seek(&mut window, at as f64);
        harness::clock(&mut window).view.show(at as f64 - 5e5, 1e6);
        window.run_steps(3);
        window.query_all_by_label(text).next().is_some()
    };
    assert!(is_written(time, true));
    assert!(!is_written(time - 1, true), "it is still to come");
    assert!(!is_written(time, false), "nobody wants to read it");
}
