//! The strip above the timeline: the whole recording at a glance, and which
//! part of it the timeline shows.

use std::sync::Arc;

use egui::{Mesh, Rangef, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};
use taskscope_model::{LaneIx, State, Trace};

use crate::busy::busy_lanes;
use crate::command::TraceCommand;
use crate::context::Context;
use crate::jobs::Question;
use crate::theme::Palette;
use crate::time_view::{Scale, TimeView};

/// Height of the strip, in points.
pub(crate) const HEIGHT: f32 = 54.0;
/// Width of a column, in points.
const COLUMN: f32 = 2.0;

/// The panel with the strip.
#[derive(Debug, Default)]
pub(crate) struct Overview {
    activity: Question<Asked, Vec<f32>>,
}

/// What the strip asks for: into how many columns the time between two moments is divided.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Asked {
    count: usize,
    first: f64,
    last: f64,
}

/// The share of workers' time that was spent in polls, for each column.
async fn activity(trace: Arc<Trace>, asked: Asked) -> Vec<f32> {
    let Asked { count, first, last } = asked;
    let length = (last - first).max(1.0);
    let mut workers: Vec<LaneIx> =
        trace.runtimes().iter().flat_map(|runtime| &runtime.workers).copied().collect();
    if workers.is_empty() {
        // Nothing but threads of an executor that is not Tokio's.
        workers.extend((0..trace.lanes().len() as u16).map(LaneIx));
    }
    let mut columns = busy_lanes(&trace, &workers, first..first + length, count).await;
    let most = workers.len().max(1) as f32;
    columns.iter_mut().for_each(|value| *value = (*value / most).min(1.0));
    columns
}

impl Overview {
    /// Shows the strip. Pressing or dragging moves the window to that time.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        show(ui, cx, &mut self.activity);
    }
}

fn show(ui: &mut Ui, cx: &Context<'_>, question: &mut Question<Asked, Vec<f32>>) {
    let palette = Palette::get(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, "Overview"));
    let count = (rect.width() / COLUMN) as usize;
    let (first, last) = cx.view.bounds();
    let asked = Asked { count, first, last };
    let trace = cx.open.trace_for_jobs();
    // Each snapshot reaches further.
    let is_like = |one: &Asked, other: &Asked| one.count == other.count;
    let work = || activity(trace, asked);
    let answer = question.ask_on(cx.jobs, cx.open.snapshot(), &asked, is_like, work);
    let whole = TimeView::within((first, last));
    let scale = Scale::new(&whole, rect.x_range());
    if let Some(pos) = response.interact_pointer_pos() {
        let width = cx.view.width();
        cx.send(TraceCommand::Show(scale.moment(pos.x) - width / 2.0, width));
    }
    if let Some(pos) = response.hover_pos() {
        let zoom = ui.input(|input| input.zoom_delta());
        if zoom != 1.0 {
            cx.send(TraceCommand::Zoom(f64::from(1.0 / zoom), scale.moment(pos.x)));
        }
    }
    let response = response.on_hover_text("The whole recording: how busy its workers were");
    if response.hovered() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::PointingHand);
    }

    let painter = ui.painter_at(rect);
    painter.rect_filled(rect, 0.0, palette.background);
    let mut mesh = Mesh::default();
    let colour = palette.state(State::Running).gamma_multiply(0.75);
    let columns = answer.map_or(&[][..], |answer| &answer.value);
    // The last answer may be to a strip of another width, or to another axis.
    let (begin, width) = match answer.map(|answer| answer.key) {
        Some(key) if key != asked => {
            let (left, right) = (scale.x(key.first), scale.x(key.last));
            (left, (right - left) / key.count.max(1) as f32)
        }
        _ => (rect.left(), COLUMN),
    };
    for (column, share) in columns.iter().enumerate() {
        let left = begin + column as f32 * width;
        let height = share * (rect.height() - 8.0);
        let bar = Rect::from_min_max(
            pos2(left, rect.bottom() - height),
            pos2(left + width, rect.bottom()),
        );
        mesh.add_colored_rect(bar, colour);
    }
    painter.add(Shape::mesh(mesh));
    let window = Rangef::new(scale.x(cx.view.start()), scale.x(cx.view.end()));
    // A window of a few microseconds is still a thing to see and to grab.
    let window = Rangef::new(window.min, window.max.max(window.min + 3.0));
    let frame = Rect::from_x_y_ranges(window, rect.y_range()).shrink2(vec2(0.0, 1.0));
    painter.rect_filled(frame, 2.0, palette.accent.gamma_multiply(0.22));
    painter.rect_stroke(frame, 2.0, Stroke::new(1.5, palette.accent), egui::StrokeKind::Inside);
    let x = scale.x(cx.replay.playhead());
    painter.vline(x, rect.y_range(), Stroke::new(1.0, palette.playhead));
    if let Some(label) = cx.label {
        let font = egui::FontId::proportional(12.5);
        let galley = painter.layout_no_wrap(label.to_owned(), font, palette.text);
        let at = rect.left_top() + vec2(8.0, 6.0);
        let ground = Rect::from_min_size(at, galley.size()).expand2(vec2(5.0, 2.0));
        painter.rect_filled(ground, 3.0, palette.panel);
        painter.galley(at, galley, palette.text);
    }
}
