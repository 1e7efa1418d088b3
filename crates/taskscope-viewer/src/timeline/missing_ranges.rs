//! Where a lane is silent because events are missing, and not because nothing happened.
//!
//! The recorder may have dropped events, or the file may have lost a part. Such a stretch is
//! hatched over the whole height of the lane, in the colour that is kept for what deserves a
//! look: an empty lane would be taken for an idle worker.

use std::ops::Range;

use egui::{Painter, Rangef, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2};
use taskscope_model::{LaneIx, Nanos};

use super::Frame;
use crate::time;

/// The narrowest that is drawn; stretches closer together than this are drawn as one.
const NARROWEST: f32 = 4.0;
/// From line to line of the hatching.
const HATCH: f32 = 9.0;

/// A stretch of a lane in which events are missing.
#[derive(Debug)]
pub(super) struct MissingRange {
    x: Rangef,
    reason: Reason,
    /// How many stretches it stands for.
    stretches: u64,
    thread: String,
}

/// Why events are missing.
#[derive(Debug)]
enum Reason {
    /// The recorder dropped so many.
    Dropped(u64),
    /// The file has lost a part of what the thread recorded.
    Lost,
}

impl MissingRange {
    pub(super) fn contains(&self, x: f32) -> bool {
        self.x.contains(x)
    }

    /// What there is to say of it.
    pub(super) fn text(&self) -> String {
        let thread = &self.thread;
        let times = match self.stretches {
            1 => String::new(),
            stretches => format!(", {} times", time::count(stretches)),
        };
        match self.reason {
            Reason::Dropped(events) => {
                let were = if events == 1 { "was" } else { "were" };
                let events = time::plural(events, "event");
                format!(
                    "{events} of {thread} {were} dropped here{times}: the recorder's buffer was \
                     full"
                )
            }
            Reason::Lost => format!(
                "a part of what {thread} recorded is damaged or lost here{times}: what it did is \
                 not known"
            ),
        }
    }
}

/// The ranges of a lane that are in view.
pub(super) fn in_view(frame: &Frame<'_>, lane: LaneIx) -> Vec<MissingRange> {
    let trace = frame.cx.trace();
    let window = frame.cx.view.range();
    let mut dropped: Vec<MissingRange> = Vec::new();
    for drop in trace.lane_drops(lane, window.clone()) {
        let x = on_screen(frame, drop.from..drop.until);
        match dropped.last_mut() {
            Some(MissingRange { x: last, reason: Reason::Dropped(events), stretches, .. })
                if x.min <= last.max + 1.0 =>
            {
                last.max = last.max.max(x.max);
                *events = events.saturating_add(drop.count);
                *stretches += 1;
            }
            _ => {
                let (reason, thread) = (Reason::Dropped(drop.count), trace.dropper_name(drop));
                dropped.push(MissingRange { x, reason, stretches: 1, thread });
            }
        }
    }
    let mut lost: Vec<MissingRange> = Vec::new();
    for gap in trace.lane_gaps(lane, window) {
        let x = on_screen(frame, gap.from..gap.until);
        match lost.last_mut() {
            Some(last) if x.min <= last.x.max + 1.0 => {
                last.x.max = last.x.max.max(x.max);
                last.stretches += 1;
            }
            _ => {
                let thread = trace.thread_name(gap.thread);
                lost.push(MissingRange { x, reason: Reason::Lost, stretches: 1, thread });
            }
        }
    }
    dropped.append(&mut lost);
    for range in &mut dropped {
        range.x =
            Rangef::new(range.x.min.max(frame.plot.left()), range.x.max.min(frame.plot.right()));
    }
    dropped
}

/// Paints the ranges of a lane.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>, rect: Rect, ranges: &[MissingRange]) {
    for range in ranges {
        hatch(painter, frame, Rect::from_x_y_ranges(range.x, rect.y_range()));
    }
}

fn on_screen(frame: &Frame<'_>, range: Range<Nanos>) -> Rangef {
    let (left, right) = (frame.scale.x(range.start as f64), frame.scale.x(range.end as f64));
    Rangef::new(left, right.max(left + NARROWEST))
}

pub(super) fn hatch(painter: &Painter, frame: &Frame<'_>, rect: Rect) {
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
pub(super) fn announce(ui: &Ui, lane: LaneIx, row: Rect, ranges: &[MissingRange]) {
    for (number, range) in ranges.iter().enumerate() {
        let id = ui.scope_id().with(("missing", lane, number));
        let rect = Rect::from_x_y_ranges(range.x, row.y_range());
        ui.interact(rect, id, Sense::hover())
            .widget_info(|| WidgetInfo::labeled(Role::Label, true, range.text()));
    }
}
