//! A few small pictures of a recorded trace, compared with those that people
//! have looked at. `UPDATE_SNAPSHOTS=1` writes them anew: look before you commit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use egui_kittest::try_image_snapshot;
use taskscope_model::{TaskId, Trace};
use taskscope_viewer::{RenderOptions, Theme, render};

fn recorded() -> Trace {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/traces/migration.tscope");
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

#[test]
fn a_picture_of_no_size_is_refused() {
    let options = RenderOptions { size: [0, 400], ..RenderOptions::default() };
    assert!(render(recorded(), "", &options).is_err());
}
