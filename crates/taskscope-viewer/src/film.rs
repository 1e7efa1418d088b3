//! A stretch of a trace as a film, without a window: the stage and the lanes, frame by frame.
//!
//! Time in a film is counted in frames, so the same film has the same pictures wherever it is made.

use std::ops::Range;
use std::sync::Arc;

use egui::vec2;
use taskscope_model::{Direction, Nanos, Trace};

use crate::app::App;
use crate::headless::Headless;
use crate::jobs::Mode;
use crate::open_trace::Loaded;
use crate::raster::Rasterizer;
use crate::render::{self, RenderError, RenderOptions};
use crate::replay::Pace;

/// How time passes in a film.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FilmPace {
    /// All of it in so many seconds, in proportion to the program's time.
    Seconds(f64),
    /// So many events in a second.
    Events(f64),
    /// So many hops in a second.
    Hops(f64),
}

/// What a film shows.
#[derive(Clone, Debug, PartialEq)]
pub struct FilmOptions {
    /// Its size, colours and selected task. [`RenderOptions::at`] has no meaning here.
    pub picture: RenderOptions,
    /// From when to when, in nanoseconds of the trace's clock.
    pub range: Range<Nanos>,
    /// How time passes.
    pub pace: FilmPace,
    /// How many frames there are in a second.
    pub frames_per_second: u32,
}

/// A frame of a film.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: [u32; 2],
    /// Four bytes for each pixel, row by row: red, green, blue, and 255.
    pub rgba: Vec<u8>,
}

/// A film, of which one frame after the other can be had.
pub struct Film {
    window: Headless,
    rasterizer: Rasterizer,
    pixels: [usize; 2],
    end: f64,
    step: f64,
    is_over: bool,
}

impl Film {
    /// Begins a film of a trace; `name` is what the trace is called.
    ///
    /// # Errors
    /// [`RenderError`] for an impossible size.
    pub fn new(
        trace: impl Into<Arc<Trace>>,
        name: &str,
        options: &FilmOptions,
    ) -> Result<Self, RenderError> {
        let picture = &options.picture;
        let pixels = render::pixels(picture)?;
        let ctx = egui::Context::default();
        ctx.set_theme(picture.theme);
        let loaded = Loaded::new(trace, name, None);
        let mut app = App::with_traces(&ctx, vec![loaded], Mode::AtOnce);
        app.toggle_presenting(&ctx, false);
        // Time passes in the film, and not in the window, which plays nothing by itself.
        app.passes_time = false;
        let start = options.range.start as f64;
        let end = options.range.end as f64;
        if let Some(workspace) = &mut app.workspace {
            let id = workspace.active_id();
            workspace.select(id, picture.select);
            let clock = &mut workspace.clock;
            let width = picture.span.map_or(end - start, |span| span as f64);
            let margin = if picture.span.is_some() { 0.1 * width } else { 0.0 };
            clock.view.show(start - margin, width);
            clock.replay.follow_view(clock.view.width());
            match options.pace {
                FilmPace::Seconds(seconds) => {
                    clock.replay.set_speed((end - start) / 1e9 / seconds.max(1e-3));
                }
                FilmPace::Events(beats) => {
                    clock.replay.set_pace(Pace::Events);
                    clock.replay.set_beats(beats);
                }
                FilmPace::Hops(beats) => {
                    clock.replay.set_pace(Pace::Hops);
                    clock.replay.set_beats(beats);
                }
            }
            clock.replay.seek(start);
            workspace.toggle_play(Direction::Forward);
        }
        let size = vec2(picture.size[0] as f32, picture.size[1] as f32);
        let mut film = Self {
            window: Headless::new(ctx, app, size, picture.scale),
            rasterizer: Rasterizer::default(),
            pixels,
            end,
            step: 1.0 / f64::from(options.frames_per_second.max(1)),
            is_over: false,
        };
        // Panels know their sizes only once they have been laid out.
        for _ in 0..3 {
            film.draw(false);
        }
        Ok(film)
    }

    /// The width and height of its frames, in pixels.
    pub fn size(&self) -> [u32; 2] {
        self.pixels.map(|side| side as u32)
    }

    /// The next frame; `None` at the end. Without `wanted` it is passed, and empty: that takes a tenth of the time.
    pub fn next_frame(&mut self, wanted: bool) -> Option<Picture> {
        if self.is_over {
            return None;
        }
        let picture = self.draw(wanted);
        let Some(workspace) = &mut self.window.app.workspace else {
            self.is_over = true;
            return Some(picture);
        };
        workspace.pass_time(self.step);
        let replay = &mut workspace.clock.replay;
        // The last frame shows the end; what is after that is not in the film.
        if replay.playhead() >= self.end && replay.is_playing() {
            replay.stop_at(self.end);
        } else if !replay.is_playing() {
            self.is_over = true;
        }
        Some(picture)
    }

    fn draw(&mut self, wanted: bool) -> Picture {
        let rasterizer = &mut self.rasterizer;
        let drawn = self.window.frame_with(Vec::new(), |textures| rasterizer.update(textures));
        let rgba = match wanted {
            true => {
                let image = rasterizer.draw(self.pixels, drawn.pixels_per_point, &drawn.primitives);
                image.pixels.iter().flat_map(|pixel| pixel.to_array()).collect()
            }
            false => Vec::new(),
        };
        Picture { size: self.size(), rgba }
    }
}

impl Iterator for Film {
    type Item = Picture;

    fn next(&mut self) -> Option<Picture> {
        self.next_frame(true)
    }
}
