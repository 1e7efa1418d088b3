//! The window as a picture, without a window.

use std::sync::Arc;

use egui::{Theme, Vec2, vec2};
use taskscope_model::{Nanos, TaskIx, Trace};

use crate::app::App;
use crate::headless::Headless;
use crate::jobs::Mode;
use crate::open_trace::Loaded;
use crate::raster::Rasterizer;
use crate::recent::Recent;
use crate::workspace::{PanelId, PanelKind, Workspace};
use crate::{LessonEntry, Lessons, Options, present};

/// What to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOptions {
    /// Width and height of the window, in points.
    pub size: [u32; 2],
    /// Pixels per point: 2 for a picture as sharp as on a high-density screen.
    pub scale: f32,
    /// Dark or light.
    pub theme: Theme,
    /// Where the playhead stands, in nanoseconds of the trace's clock; `None`
    /// for where it stands when a trace is opened.
    pub at: Option<Nanos>,
    /// How much time the timeline shows, in nanoseconds, with the playhead in its middle;
    /// `None` for as much as lets single polls be told apart.
    pub span: Option<Nanos>,
    /// The task to select.
    pub select: Option<TaskIx>,
    /// Whether what held up the selected task's poll is drawn over the lanes.
    pub why: bool,
    /// What is searched for; one that cannot be read says so in the picture.
    pub find: Option<String>,
    /// Whether the stage is shown: the scheduler as a place.
    pub stage: bool,
}

impl Default for RenderOptions {
    /// 1600 by 1000 points, one pixel each, dark, nothing selected.
    fn default() -> Self {
        Self {
            size: [1600, 1000],
            scale: 1.0,
            theme: Theme::Dark,
            at: None,
            span: None,
            select: None,
            why: false,
            find: None,
            stage: false,
        }
    }
}

/// Why no picture could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// The size is not one that can be drawn.
    #[error(
        "a picture of {width}x{height} pixels cannot be drawn; each side must have 1 to {MOST}"
    )]
    Size {
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
    },
    /// The picture could not be encoded.
    #[error("the picture could not be encoded as PNG: {0}")]
    Encode(#[from] png::EncodingError),
}

/// The most pixels a side may have.
const MOST: u64 = 16_384;

/// Draws the window with `trace` open, as a PNG.
///
/// It is the same code that draws the real window, with a painter that needs
/// neither GPU nor display. `name` is what the window calls the trace.
///
/// # Errors
/// [`RenderError`] for an impossible size.
pub fn render(
    trace: impl Into<Arc<Trace>>,
    name: &str,
    options: &RenderOptions,
) -> Result<Vec<u8>, RenderError> {
    render_beside(vec![(trace.into(), name.to_owned())], options)
}

/// Draws the window with a lesson open at one of its steps, counted from 1, as a PNG; in presenter mode if it `presents`.
/// Of `options` only the size, the scale and the theme are looked at.
///
/// # Errors
/// As [`render`].
pub fn render_lesson(
    entry: LessonEntry,
    lessons: Lessons,
    step: usize,
    presents: bool,
    options: &RenderOptions,
) -> Result<Vec<u8>, RenderError> {
    let ctx = egui::Context::default();
    ctx.set_theme(options.theme);
    let app_options = Options { lessons: Some(lessons), ..Options::default() };
    let mut app = App::new(&ctx, app_options, Recent::default(), Mode::AtOnce);
    app.begin_lesson(entry);
    if presents {
        // What makes it larger is the picture's own scale.
        app.toggle_presenting(&ctx, false);
    }
    (1..step).for_each(|_| app.turn(true));
    if let Some(workspace) = &mut app.workspace {
        // A picture stands still.
        workspace.clock.replay.pause();
    }
    let pixels = pixels(options)?;
    let points = vec2(options.size[0] as f32, options.size[1] as f32);
    let zoom = if presents { present::zoom(points) } else { 1.0 };
    png(draw(ctx, app, points / zoom, pixels, zoom * options.scale))
}

/// Draws the window with several traces open side by side, each with its name, as a PNG.
/// `options` choose a moment and a task of the first.
///
/// # Errors
/// As [`render`].
pub fn render_beside(
    traces: Vec<(Arc<Trace>, String)>,
    options: &RenderOptions,
) -> Result<Vec<u8>, RenderError> {
    let traces = traces.into_iter().map(|(trace, name)| Loaded::new(trace, name, None)).collect();
    let ctx = egui::Context::default();
    ctx.set_theme(options.theme);
    let mut app = App::with_traces(&ctx, traces, Mode::AtOnce);
    if let Some(workspace) = &mut app.workspace {
        choose(workspace, options);
    }
    picture(ctx, app, options)
}

/// A window as a PNG.
fn picture(ctx: egui::Context, app: App, options: &RenderOptions) -> Result<Vec<u8>, RenderError> {
    let pixels = pixels(options)?;
    let size = vec2(options.size[0] as f32, options.size[1] as f32);
    png(draw(ctx, app, size, pixels, options.scale))
}

fn png(image: egui::ColorImage) -> Result<Vec<u8>, RenderError> {
    let [width, height] = image.size;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let bytes: Vec<u8> = image.pixels.iter().flat_map(|pixel| pixel.to_array()).collect();
    encoder.write_header()?.write_image_data(&bytes)?;
    Ok(file)
}

/// The size of a picture in pixels.
pub(crate) fn pixels(options: &RenderOptions) -> Result<[usize; 2], RenderError> {
    let pixels = |points: u32| (f64::from(points) * f64::from(options.scale)).round() as u64;
    let [width, height] = options.size.map(pixels);
    match [width, height].iter().all(|side| (1..=MOST).contains(side)) {
        true => Ok([width as usize, height as usize]),
        false => Err(RenderError::Size { width, height }),
    }
}

fn draw(
    ctx: egui::Context,
    app: App,
    size: Vec2,
    pixels: [usize; 2],
    scale: f32,
) -> egui::ColorImage {
    let mut window = Headless::new(ctx, app, size, scale);
    let mut rasterizer = Rasterizer::default();
    let mut frame = || window.frame_with(Vec::new(), |textures| rasterizer.update(textures));
    // Panels and tables know their sizes only once they have been laid out.
    for _ in 0..3 {
        frame();
    }
    let last = frame();
    rasterizer.draw(pixels, last.pixels_per_point, &last.primitives)
}

/// Goes to what the options choose, in the trace that was opened first.
fn choose(workspace: &mut Workspace, options: &RenderOptions) {
    let id = workspace.active_id();
    if options.stage {
        workspace.layout.bring(PanelId { trace: id, kind: PanelKind::Stage });
    }
    if let Some(at) = options.at {
        workspace.seek(id, at as f64);
    }
    if let Some(task) = options.select {
        workspace.select(id, Some(task));
        if options.at.is_none() {
            workspace.show_selected(id);
        }
    }
    if let Some(find) = &options.find
        && let Some(member) = workspace.member_mut(id)
    {
        member.open.search.set(find.clone());
    }
    if let Some(member) = workspace.member_mut(id) {
        member.open.ways.are_drawn = options.why;
    }
    if let Some(span) = options.span {
        let width = span as f64;
        let clock = &mut workspace.clock;
        clock.view.show(clock.replay.playhead() - width / 2.0, width);
    }
}
