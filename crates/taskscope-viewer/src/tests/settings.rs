//! How a person likes the window: contrast, the size of text, and where panels are.

use egui::{Key, Modifiers};
use egui_kittest::kittest::Queryable;

use super::harness::{Window, click, panels, press, press_with, window, window_on, workspace};
use crate::Options;
use crate::settings::Settings;
use crate::theme::Palette;
use crate::workspace::{PanelId, PanelKind};

fn app(window: &mut Window) -> &mut crate::app::App {
    window.state_mut().as_mut().unwrap()
}

#[test]
fn text_is_made_larger_and_smaller_by_key() {
    let mut window = window();
    let size = |window: &Window| window.ctx.zoom_factor();
    press_with(&mut window, Modifiers::COMMAND, Key::Plus);
    window.run_steps(2);
    let larger = size(&window);
    assert!(larger > 1.05, "{larger}");
    press_with(&mut window, Modifiers::COMMAND, Key::Minus);
    press_with(&mut window, Modifiers::COMMAND, Key::Minus);
    window.run_steps(2);
    assert!(size(&window) < 0.95);
    press_with(&mut window, Modifiers::COMMAND, Key::Num0);
    window.run_steps(2);
    assert!((size(&window) - 1.0).abs() < 1e-6);
}

#[test]
fn high_contrast_is_a_command_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("window.json");
    let mut window = window();
    let ctx = window.ctx.clone();
    app(&mut window).take_on(&ctx, Settings::load(Some(file.clone())));
    press_with(&mut window, Modifiers::COMMAND | Modifiers::SHIFT, Key::P);
    window.get_by_label("Find a command").type_text("high contrast");
    window.run_steps(2);
    press(&mut window, Key::Enter);
    window.run_steps(3);
    let theme = ctx.theme();
    let shown = |window: &Window| {
        Palette::of_visuals(&window.ctx.style_of(theme).visuals) == Palette::of(theme, true)
    };
    assert!(shown(&window));
    app(&mut window).keep_settings(&ctx);
    let mut next = super::harness::window();
    assert!(!shown(&next));
    let ctx = next.ctx.clone();
    app(&mut next).take_on(&ctx, Settings::load(Some(file)));
    assert!(shown(&next));
}

#[test]
fn panels_come_back_to_where_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("window.json");
    let shows = |window: &mut Window, kind| {
        let trace = workspace(window).active_id();
        workspace(window).layout.shows(PanelId { trace, kind })
    };
    let mut first = window();
    let ctx = first.ctx.clone();
    app(&mut first).take_on(&ctx, Settings::load(Some(file.clone())));
    press(&mut first, Key::V);
    press(&mut first, Key::T);
    first.run_steps(3);
    assert!(shows(&mut first, PanelKind::Range) && !shows(&mut first, PanelKind::Tasks));
    app(&mut first).keep_settings(&ctx);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("Range"), "{text}");

    let mut next = window_on(Options::default());
    let ctx = next.ctx.clone();
    app(&mut next).take_on(&ctx, Settings::load(Some(file.clone())));
    let loaded =
        crate::open_trace::Loaded::new(super::harness::recorded_trace(), "migration", None);
    app(&mut next).open(loaded, crate::loading::Placement::Beside);
    next.run_steps(4);
    assert!(shows(&mut next, PanelKind::Range) && !shows(&mut next, PanelKind::Tasks));
    panels(&mut next);
    // The usual places are a command away.
    press(&mut next, Key::T);
    next.run_steps(2);
    assert!(shows(&mut next, PanelKind::Tasks));

    // What cannot be read is as good as none.
    std::fs::write(&file, "{").unwrap();
    let mut last = window();
    let ctx = last.ctx.clone();
    app(&mut last).take_on(&ctx, Settings::load(Some(file)));
    last.run_steps(2);
    click(&mut last, "Row task 8");
}
