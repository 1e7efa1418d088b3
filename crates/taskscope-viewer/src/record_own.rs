//! How to record one's own program: what to add, each piece copied by a click.

use egui::{Align, Frame, Layout, RichText, Role, Ui, WidgetInfo};

use crate::theme::Palette;

/// What to do, and what to write for it.
const STEPS: [(&str, &str); 4] = [
    (
        "Let Tokio report its tasks: in .cargo/config.toml, beside the Cargo.lock",
        "[build]\nrustflags = [\"--cfg\", \"tokio_unstable\"]",
    ),
    (
        "Add the recorder: in Cargo.toml, with the path of your copy of taskscope",
        "[dependencies]\ntaskscope = { path = \"…/taskscope/crates/taskscope\" }",
    ),
    ("Replace #[tokio::main]", "#[taskscope::main]"),
    ("Run it, and watch it as it runs", "taskscope run -- cargo run"),
];

/// Shows the steps.
pub(crate) fn show(ui: &mut Ui) {
    for (about, text) in STEPS {
        ui.label(about);
        code(ui, text);
        ui.add_space(4.0);
    }
}

/// Code that is copied by a click.
fn code(ui: &mut Ui, text: &str) {
    let palette = Palette::get(ui);
    Frame::new().fill(palette.lane).corner_radius(4).inner_margin(10).show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.horizontal_top(|ui| {
            ui.label(RichText::new(text).monospace());
            ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
                let button = ui.button("Copy");
                let first = text.lines().next().unwrap_or_default();
                let label = format!("Copy {first}");
                button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
                if button.clicked() {
                    crate::said::copy(ui.ctx(), text.to_owned());
                }
            });
        });
    });
}
