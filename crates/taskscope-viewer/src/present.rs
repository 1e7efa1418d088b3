//! Presenter mode: the stage and the lanes, large, and nothing around them.
//!
//! What was arranged before comes back when it ends.

use egui::{Align, CentralPanel, Frame, Layout as Direction, Margin, Panel, RichText, Ui};

use crate::app::App;
use crate::command::{AppCommand, Command, TraceCommand};
use crate::replay::Pace;
use crate::theme::Palette;
use crate::transport;
use crate::workspace::Layout;

/// At this size of the window everything has its usual size.
const USUAL: egui::Vec2 = egui::vec2(1160.0, 660.0);

/// What there was before.
#[derive(Debug)]
pub(crate) struct Presenting {
    layout: Option<Layout>,
    zoom: f32,
    /// Whether things are made larger, as it suits the window.
    enlarges: bool,
}

impl App {
    /// Begins to present, or ends that.
    pub(crate) fn toggle_presenting(&mut self, ctx: &egui::Context, enlarges: bool) {
        if let Some(Presenting { layout, zoom, enlarges }) = self.presenting.take() {
            if let (Some(workspace), Some(mut layout)) = (&mut self.workspace, layout) {
                // Traces may have been opened or closed meanwhile.
                layout.keep(&workspace.ids());
                workspace.layout = layout;
            }
            if enlarges {
                ctx.set_zoom_factor(zoom);
                ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(false));
            }
            return;
        }
        let layout = self.workspace.as_mut().map(|workspace| {
            let ids = workspace.ids();
            std::mem::replace(&mut workspace.layout, Layout::presenting(&ids))
        });
        if let (Some(course), Some(workspace)) = (&self.course, &mut self.workspace) {
            course.arrange(workspace);
        }
        self.presenting = Some(Presenting { layout, zoom: ctx.zoom_factor(), enlarges });
        if enlarges {
            ctx.send_viewport_cmd(egui::ViewportCommand::Fullscreen(true));
        }
    }

    /// The window while it presents.
    pub(crate) fn present(&mut self, ui: &mut Ui) {
        let palette = Palette::get(ui);
        let size = ui.available_size();
        if self.presenting.as_ref().is_some_and(|presenting| presenting.enlarges) {
            let points = size * ui.ctx().zoom_factor();
            let zoom = (points / USUAL).min_elem().clamp(1.0, 4.0);
            // In steps: a change of the zoom lays out all text anew.
            ui.ctx().set_zoom_factor((zoom * 20.0).round() / 20.0);
        }
        let ground = Frame::new().fill(palette.background);
        let footer = ground.inner_margin(Margin::symmetric(16, 4));
        Panel::bottom("presenter").frame(footer).exact_size(30.0).show(ui, |ui| self.footer(ui));
        self.lesson_panel(ui);
        let Some(workspace) = &mut self.workspace else { return };
        CentralPanel::default()
            .frame(ground)
            .show(ui, |ui| workspace.show(ui, &self.commands, &self.jobs, size));
    }

    fn footer(&self, ui: &mut Ui) {
        let Some(workspace) = &self.workspace else { return };
        let Some(open) = workspace.active() else { return };
        let cx = workspace.context(open, None, &self.commands, &self.jobs);
        let key = |command: Command| command.key_text(ui.ctx());
        let keys = [
            (key(AppCommand::PlayPause.into()), "plays"),
            (key(TraceCommand::StepForward.into()), "next event"),
            (key(AppCommand::NextPace.into()), "pace"),
            (key(TraceCommand::ClearSelection.into()), "leaves"),
        ];
        let keys = keys.map(|(key, what)| format!("{key} {what}"));
        ui.horizontal_centered(|ui| {
            let weak = |text: String| RichText::new(text).color(Palette::get(ui).weak).size(12.5);
            let (keys, pace) = (weak(keys.join("    ")), weak(transport::speed_text(&cx)));
            if self.presenting.as_ref().is_some_and(|presenting| presenting.enlarges) {
                ui.label(keys);
            } else {
                // A film has no keys.
                ui.label(weak(open.name.clone()));
            }
            ui.with_layout(Direction::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(transport::playhead(&cx)).monospace().size(14.0));
                ui.add_space(12.0);
                let even = cx.replay.pace() != Pace::Proportion || cx.replay.is_playing();
                if even {
                    ui.label(pace);
                }
            });
        });
    }
}
