//! The time axis, the grid below it, the playhead, and the measured stretch.

use egui::{FontId, Painter, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Frame;
use crate::command::TraceCommand;
use crate::context::Context;
use crate::theme::Palette;
use crate::time;
use crate::time_view::Scale;

/// Ticks stand at least this many pixels apart.
const TICK_PIXELS: f64 = 104.0;

/// Shows the axis. Pressing or dragging on it moves the playhead.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, palette: &Palette, rect: Rect) {
    let response = ui.interact(rect, ui.scope_id().with("axis"), Sense::click_and_drag());
    response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Slider, true, "Playhead");
        info.current_text_value = Some(time::exact(cx.replay.moment()));
        info
    });
    let scale = Scale::new(&cx.view, rect.x_range());
    if let Some(pos) = response.interact_pointer_pos() {
        let moment = scale.moment(pos.x.clamp(rect.left(), rect.right()));
        cx.send(TraceCommand::MovePlayhead(moment));
    }
    let response = response.on_hover_text("Drag to move the playhead");
    if response.hovered() {
        ui.ctx().set_cursor_icon(egui::CursorIcon::ResizeHorizontal);
    }

    let painter = ui.painter_at(rect);
    let origin = cx.trace().span().start as f64;
    let playhead = scale.x(cx.replay.playhead());
    for (moment, step) in ticks(&scale, rect, origin) {
        let x = scale.x(moment);
        painter.vline(x, rect.bottom() - 5.0..=rect.bottom(), Stroke::new(1.0, palette.weak));
        let text = time::tick_label(moment - origin, step);
        let label = painter.layout_no_wrap(text, FontId::proportional(11.5), palette.weak);
        let at = pos2(x + 4.0, rect.center().y - label.size().y / 2.0);
        // The playhead's handle would lie on it.
        if (at.x - 7.0..=at.x + label.size().x + 7.0).contains(&playhead) {
            continue;
        }
        painter.galley(at, label, palette.weak);
    }
    painter.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, palette.line));
    let tip = pos2(playhead, rect.bottom());
    let corners = vec![tip, tip + vec2(-7.0, -10.0), tip + vec2(7.0, -10.0)];
    painter.add(Shape::convex_polygon(corners, palette.playhead, Stroke::NONE));
}

/// The ticks in sight, counted from the first event, and their distance.
fn ticks(scale: &Scale, rect: Rect, origin: f64) -> impl Iterator<Item = (f64, f64)> {
    let step = time::tick_step(TICK_PIXELS * scale.ns_per_pixel());
    let first = ((scale.moment(rect.left()) - origin) / step).ceil();
    let last = ((scale.moment(rect.right()) - origin) / step).floor();
    let count = (last - first + 1.0).clamp(0.0, 1000.0) as u32;
    (0..count).map(move |n| (origin + (first + f64::from(n)) * step, step))
}

pub(super) fn paint_grid(painter: &Painter, frame: &Frame<'_>) {
    let stroke = Stroke::new(1.0, frame.palette.line);
    let origin = frame.cx.trace().span().start as f64;
    for (moment, _) in ticks(&frame.scale, frame.plot, origin) {
        painter.vline(frame.scale.x(moment), frame.plot.y_range(), stroke);
    }
}

pub(super) fn paint_playhead(painter: &Painter, frame: &Frame<'_>) {
    paint_measured(painter, frame);
    let x = frame.scale.x(frame.cx.replay.playhead());
    painter.vline(x, frame.plot.y_range(), Stroke::new(1.5, frame.palette.playhead));
}

fn paint_measured(painter: &Painter, frame: &Frame<'_>) {
    let Some((a, b)) = frame.cx.measured else { return };
    let (start, end) = (a.min(b), a.max(b));
    let x = egui::Rangef::new(frame.scale.x(start), frame.scale.x(end));
    let rect = Rect::from_x_y_ranges(x, frame.plot.y_range());
    painter.rect_filled(rect, 0.0, frame.palette.accent.gamma_multiply(0.12));
    for edge in [x.min, x.max] {
        painter.vline(edge, frame.plot.y_range(), Stroke::new(1.0, frame.palette.accent));
    }
    let galley = painter.layout_no_wrap(
        time::duration(end - start),
        FontId::proportional(13.0),
        frame.palette.text,
    );
    let at = pos2(rect.center().x - galley.size().x / 2.0, painter.clip_rect().top() + 8.0);
    let ground = Rect::from_min_size(at, galley.size()).expand2(vec2(6.0, 3.0));
    painter.rect_filled(ground, 4.0, frame.palette.panel);
    painter.galley(at, galley, frame.palette.text);
}
