//! The way to the poll at the playhead, over the lanes: polls that stand on it are framed, times in a queue are bars, and
//! each change of lane is a line.

use egui::{Painter, Pos2, Rangef, Rect, Stroke, StrokeKind, pos2};
use taskscope_model::State;
use taskscope_model::questions::Leg;

use super::Frame;

/// Height of the bar of a leg that is no poll.
const HEIGHT: f32 = 5.0;

/// Paints the way, if it is wanted.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    if !frame.cx.open.ways.are_drawn {
        return;
    }
    let (Some(poll), Some(way)) = (frame.cx.current_poll(), frame.cx.way()) else { return };
    let trace = frame.cx.trace();
    let lane = |leg: &Leg| frame.lane_y(trace.poll(leg.poll).lane);
    let end = trace.poll(poll);
    let at_end = frame.lane_y(end.lane).map(|y| pos2(frame.scale.x(end.start as f64), y));
    let mut next: Option<Pos2> = at_end;
    let stroke = Stroke::new(2.0, frame.palette.hit);
    for leg in way.legs.iter().rev() {
        let Some(y) = lane(leg) else { continue };
        let x = Rangef::new(frame.scale.x(leg.start as f64), frame.scale.x(leg.end as f64));
        if let Some(to) = next.filter(|to| (to.y - y).abs() > 1.0) {
            painter.line_segment([pos2(x.max, y), pos2(x.max, to.y)], stroke);
        }
        next = Some(pos2(x.min, y));
        if x.max < frame.plot.left() || x.min > frame.plot.right() {
            continue;
        }
        let half = if leg.state == State::Running { 14.0 } else { 0.5 * HEIGHT };
        let x = Rangef::new(x.min, x.max.max(x.min + 2.0));
        let rect = Rect::from_x_y_ranges(x, Rangef::new(y - half, y + half));
        match leg.state {
            State::Running => {
                painter.rect_stroke(rect, 2.0, stroke, StrokeKind::Outside);
            }
            state => {
                painter.rect_filled(rect, 1.0, frame.palette.state(state));
                painter.rect_stroke(
                    rect,
                    1.0,
                    Stroke::new(1.0, frame.palette.hit),
                    StrokeKind::Outside,
                );
            }
        }
    }
}
