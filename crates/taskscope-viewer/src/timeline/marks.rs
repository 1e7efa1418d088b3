//! The marks of a trace as flags above the time axis, where there are any.

use egui::{Align2, FontId, Painter, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Frame;
use crate::command::TraceCommand;
use crate::context::Context;
use crate::cut_text::cut_text;
use crate::marks::{self, Mark};
use crate::theme::Palette;
use crate::time;
use crate::time_view::Scale;

/// Height of the strip with the flags.
const HEIGHT: f32 = 18.0;
/// A flag's width and height.
const FLAG: egui::Vec2 = vec2(9.0, 8.0);
/// Less room than this says nothing.
const LEAST_ROOM: f32 = 24.0;

/// A flag in sight.
struct Flag<'a> {
    mark: &'a Mark,
    x: f32,
    /// Where what it marks begins and ends, in sight or not.
    start: f32,
    end: f32,
}

/// Shows the flags in a strip of their own, if there are marks; `x` is where time runs.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, palette: &Palette, x: egui::Rangef) {
    if cx.open.marks.all().is_empty() {
        return;
    }
    let size = vec2(ui.available_width(), HEIGHT);
    let (strip, _) = ui.allocate_exact_size(size, Sense::hover());
    let label = pos2(strip.left() + 12.0, strip.center().y);
    let font = FontId::proportional(11.5);
    ui.painter().text(label, Align2::LEFT_CENTER, "Marks", font.clone(), palette.weak);
    let rect = Rect::from_x_y_ranges(x, strip.y_range());
    let painter = ui.painter_at(rect);
    let flags = in_sight(cx, rect);
    for (at, flag) in flags.iter().enumerate() {
        let next = flags.get(at + 1).map_or(rect.right(), |next| next.x);
        let bottom = strip.bottom();
        if flag.mark.is_stretch() {
            let line = Stroke::new(2.0, palette.accent.gamma_multiply(0.6));
            painter.hline(flag.x..=flag.end.max(flag.x + 1.0), bottom - 1.0, line);
        }
        let top = pos2(flag.x, strip.top() + 3.0);
        painter.vline(flag.x, top.y..=bottom, Stroke::new(1.5, palette.accent));
        let corners = vec![top, top + vec2(FLAG.x, 0.5 * FLAG.y), top + vec2(0.0, FLAG.y)];
        painter.add(Shape::convex_polygon(corners, palette.accent, Stroke::NONE));
        let left = flag.x + FLAG.x + 4.0;
        let room = next - 6.0 - left;
        let mut hit = Rect::from_min_max(pos2(flag.x - 3.0, strip.top()), pos2(left, bottom));
        if room >= LEAST_ROOM {
            let middle = pos2(left, top.y + 0.5 * FLAG.y);
            let (font, colour) = (font.clone(), palette.text);
            let name = &flag.mark.text;
            hit |= cut_text(&painter, middle, Align2::LEFT_CENTER, name, font, colour, room);
        }
        // A flag that is hard by the next one is clicked left of that.
        hit.max.x = hit.max.x.min(next.max(flag.x + 1.0));
        interact(ui, cx, flag.mark, hit.intersect(rect));
    }
}

/// Those in sight from left to right. Of several at one pixel the first has the flag; a stretch that
/// began before has it at the edge.
fn in_sight<'a>(cx: &Context<'a>, rect: Rect) -> Vec<Flag<'a>> {
    let scale = Scale::new(&cx.view, rect.x_range());
    let origin = cx.trace().span().start as f64;
    let mut flags: Vec<Flag<'a>> = Vec::new();
    for mark in cx.open.marks.all() {
        let [start, end] = [mark.start, mark.end].map(|time| scale.x(origin + time as f64));
        if end < rect.left() || start > rect.right() {
            continue;
        }
        let x = start.max(rect.left());
        if flags.last().is_none_or(|last| x - last.x >= 1.0) {
            flags.push(Flag { mark, x, start, end });
        }
    }
    flags
}

fn interact(ui: &Ui, cx: &Context<'_>, mark: &Mark, hit: Rect) {
    let at = time::exact(mark.start);
    let response = ui.interact(hit, ui.scope_id().with(("flag", mark.id)), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Flag at {at}")));
    let response = response.on_hover_cursor(egui::CursorIcon::PointingHand);
    let response = response.on_hover_ui(|ui| {
        ui.label(match marks::beside(cx.open, mark) {
            Some(beside) => format!("{at}, {beside}"),
            None => at.clone(),
        });
        if !mark.text.is_empty() {
            ui.label(&mark.text);
        }
    });
    if response.clicked() {
        cx.send(TraceCommand::GoToMark(mark.id));
    }
}

/// Thin lines over the lanes below the flags.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let stroke = Stroke::new(1.0, frame.palette.accent.gamma_multiply(0.45));
    let plot = frame.plot;
    for flag in in_sight(frame.cx, plot) {
        let ends = [Some(flag.start), flag.mark.is_stretch().then_some(flag.end)];
        for x in ends.into_iter().flatten() {
            painter.vline(x, plot.y_range(), stroke);
        }
    }
}
