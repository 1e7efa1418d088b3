//! Where a lane is silent because events were dropped, and not because nothing happened.
//!
//! Such a stretch is hatched over the whole height of the lane, in the colour that is kept for
//! what deserves a look: an empty lane would be taken for an idle worker.

use egui::{Painter, Rangef, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};
use taskscope_model::LaneIx;

use super::Frame;
use crate::time;

/// The narrowest that is drawn; stretches closer together than this are drawn as one.
const NARROWEST: f32 = 4.0;
/// From line to line of the hatching.
const HATCH: f32 = 9.0;

/// A stretch of a lane in which events are missing.
pub(super) struct DroppedRange {
    x: Rangef,
    events: u64,
    stretches: u64,
    thread: String,
}

impl DroppedRange {
    pub(super) fn contains(&self, x: f32) -> bool {
        self.x.contains(x)
    }

    /// What there is to say of it.
    pub(super) fn text(&self) -> String {
        let events = time::plural(self.events, "event");
        let (were, times) = match (self.events, self.stretches) {
            (1, _) => ("was", String::new()),
            (_, 1) => ("were", String::new()),
            (_, stretches) => ("were", format!(", {} times", time::count(stretches))),
        };
        let thread = &self.thread;
        format!("{events} of {thread} {were} dropped here{times}: the recorder's buffer was full")
    }
}

/// Paints the ranges of a lane that are in view.
pub(super) fn paint(
    painter: &Painter,
    frame: &Frame<'_>,
    lane: LaneIx,
    rect: Rect,
) -> Vec<DroppedRange> {
    let trace = frame.doc.trace();
    let mut ranges: Vec<DroppedRange> = Vec::new();
    for drop in trace.lane_drops(lane, frame.doc.view.range()) {
        let (left, right) = (frame.scale.x(drop.from as f64), frame.scale.x(drop.until as f64));
        let x = Rangef::new(left, right.max(left + NARROWEST));
        match ranges.last_mut() {
            Some(last) if x.min <= last.x.max + 1.0 => {
                last.x.max = last.x.max.max(x.max);
                last.events = last.events.saturating_add(drop.count);
                last.stretches += 1;
            }
            _ => {
                let thread = trace.dropper_name(drop);
                ranges.push(DroppedRange { x, events: drop.count, stretches: 1, thread });
            }
        }
    }
    for range in &mut ranges {
        range.x =
            Rangef::new(range.x.min.max(frame.plot.left()), range.x.max.min(frame.plot.right()));
        hatch(painter, frame, Rect::from_x_y_ranges(range.x, rect.y_range()));
    }
    ranges
}

fn hatch(painter: &Painter, frame: &Frame<'_>, rect: Rect) {
    let alarm = frame.palette.alarm;
    painter.rect_filled(rect, 0.0, alarm.gamma_multiply(0.16));
    let clipped = painter.with_clip_rect(painter.clip_rect().intersect(rect));
    let stroke = Stroke::new(1.5, alarm.gamma_multiply(0.55));
    // Where the lines are does not depend on where the stretch begins, so that they stand still
    // while it grows.
    let first = (rect.left() - frame.plot.left() - rect.height()) / HATCH;
    let mut x = frame.plot.left() + first.floor() * HATCH;
    while x < rect.right() {
        let line = [pos2(x, rect.bottom()), pos2(x + rect.height(), rect.top())];
        clipped.add(Shape::line_segment(line, stroke));
        x += HATCH;
    }
}

/// Gives each range a node for screen readers and tests.
pub(super) fn announce(ui: &Ui, lane: LaneIx, row: Rect, ranges: &[DroppedRange]) {
    for (number, range) in ranges.iter().enumerate() {
        let id = ui.scope_id().with(("range", lane, number));
        let rect = Rect::from_x_y_ranges(range.x, row.y_range());
        ui.interact(rect, id, Sense::hover())
            .widget_info(|| WidgetInfo::labeled(Role::Label, true, range.text()));
    }
}
