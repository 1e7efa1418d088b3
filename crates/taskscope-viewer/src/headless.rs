//! The window without a window: frames are run one by one, as fast as they can be.

use std::time::Duration;

use cpu_time::ThreadTime;
use egui::{ClippedPrimitive, Event, Pos2, RawInput, Rect, TexturesDelta, Vec2};

use crate::app::App;

/// The app, and the context that it draws into.
pub(crate) struct Headless {
    pub(crate) ctx: egui::Context,
    pub(crate) app: App,
    size: Vec2,
    scale: f32,
    frames: u32,
}

/// What a frame has drawn.
pub(crate) struct Drawn {
    /// What a painter would paint, and how many pixels a point has.
    pub(crate) primitives: Vec<ClippedPrimitive>,
    pub(crate) pixels_per_point: f32,
    /// What it took of this thread's time on a processor.
    pub(crate) took: Duration,
}

impl Headless {
    /// A window of so many points, with so many pixels for each.
    pub(crate) fn new(ctx: egui::Context, app: App, size: Vec2, scale: f32) -> Self {
        Self { ctx, app, size, scale, frames: 0 }
    }

    /// Runs a frame with what a person did meanwhile. Each is a second after the last, so that what
    /// fades and slides has come to rest.
    pub(crate) fn frame(&mut self, events: Vec<Event>) -> Drawn {
        self.frame_with(events, |_| {})
    }

    /// The same, and gives the textures that have changed to `paint`.
    pub(crate) fn frame_with(
        &mut self,
        events: Vec<Event>,
        paint: impl FnOnce(&TexturesDelta),
    ) -> Drawn {
        // A window that makes everything larger has room for less.
        let size = self.size / self.ctx.zoom_factor();
        let mut input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, size)),
            time: Some(f64::from(self.frames)),
            events,
            ..RawInput::default()
        };
        self.frames += 1;
        if let Some(viewport) = input.viewports.get_mut(&input.viewport_id) {
            viewport.native_pixels_per_point = Some(self.scale);
        }
        let begun = ThreadTime::now();
        let mut output = self.ctx.run_ui(input, |ui| self.app.ui(ui));
        let pixels_per_point = output.pixels_per_point;
        let primitives = self.ctx.tessellate(output.shapes, pixels_per_point);
        let took = begun.elapsed();
        paint(&output.textures_delta);
        output.textures_delta.clear();
        Drawn { primitives, pixels_per_point, took }
    }
}
