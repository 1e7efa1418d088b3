//! Polls and parks as rectangles, all in one mesh.

use std::sync::Arc;

use egui::{Align2, FontId, Mesh, Painter, Rangef, Rect, Shape};
use taskscope_model::{LaneIx, LodSpan, Park, TaskIx};

use super::missing_ranges::{self, MissingRange};
use super::rows::{Row, RowKind};
use super::short_name::fit_name;
use super::spans::SpanBars;
use super::{Frame, slots};
use crate::prepared::ColourBy;
use crate::theme::Palette;
use crate::time_view::TimeView;

/// Polls narrower than this many pixels are gathered.
const STEP_PIXELS: f64 = 2.0;
/// The narrowest rectangle that is drawn.
const NARROWEST: f32 = 1.5;
/// How wide a poll must be for a part of its task's name to stand in it.
const ROOM_FOR_LABEL: f32 = 26.0;

/// What the lanes show, kept from frame to frame.
///
/// While a recording plays, nothing moves but the playhead, the slots and the path. To ask the
/// trace for each lane again and to make the same rectangles of the answer took more than half
/// of a frame. So the answer and its mesh are kept until something that they depend on changes.
#[derive(Debug, Default)]
pub(crate) struct LaneCache {
    key: Option<Key>,
    lanes: Vec<PaintedLane>,
    mesh: Arc<Mesh>,
    spans: SpanBars,
    /// How often the trace was asked.
    #[cfg(test)]
    pub(crate) asked: u32,
}

/// All that the mesh depends on.
#[derive(Debug, PartialEq)]
struct Key {
    /// Which snapshot of the trace it shows.
    revision: u64,
    /// The colours of places follow from what is worked out once.
    prepared_revision: u64,
    view: TimeView,
    plot: Rect,
    /// The lanes in sight and where they are.
    rows: Vec<(LaneIx, Rect)>,
    palette: Palette,
    selected: Option<TaskIx>,
    colour_by: ColourBy,
}

/// What was painted on a lane, for the pointer.
#[derive(Debug)]
pub(super) struct PaintedLane {
    pub(super) lane: LaneIx,
    pub(super) rect: Rect,
    pub(super) polls: Vec<LodSpan>,
    /// Where events are missing.
    pub(super) missing: Vec<MissingRange>,
}

/// Paints the lanes, the program's own spans over them, and what is missing; gives back what
/// was painted.
pub(super) fn paint<'a>(
    painter: &Painter,
    frame: &Frame<'_>,
    cache: &'a mut LaneCache,
) -> &'a [PaintedLane] {
    let lane_rect = |row: &Row| match row.kind {
        RowKind::Lane(lane) => {
            let rect = Rect::from_x_y_ranges(frame.plot.x_range(), row.rect.y_range());
            painter.clip_rect().intersects(rect).then_some((lane, rect))
        }
        _ => None,
    };
    let lanes_in_sight: Vec<(LaneIx, Rect)> = frame.rows.iter().filter_map(lane_rect).collect();
    let key = Key {
        revision: frame.cx.open.revision,
        prepared_revision: frame.cx.open.prepared_revision,
        view: frame.cx.view,
        plot: frame.plot,
        rows: lanes_in_sight.clone(),
        palette: *frame.palette,
        selected: frame.cx.open.selected,
        colour_by: frame.cx.open.colour_by,
    };
    if cache.key.as_ref() != Some(&key) {
        cache.refresh(frame, key);
    }
    let clipped = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
    clipped.add(Shape::mesh(cache.mesh.clone()));
    for lane in &cache.lanes {
        missing_ranges::paint(&clipped, frame, lane.rect, &lane.missing);
        paint_labels(&clipped, frame, lane);
    }
    clipped.add(Shape::mesh(cache.spans.mesh(frame, &lanes_in_sight)));
    &cache.lanes
}

impl LaneCache {
    fn refresh(&mut self, frame: &Frame<'_>, key: Key) {
        profiling::scope!("lanes");
        let window = frame.cx.view.range();
        let step = (STEP_PIXELS * frame.scale.ns_per_pixel()).ceil() as u64;
        let mut mesh = Mesh::default();
        self.lanes.clear();
        for &(lane, rect) in &key.rows {
            paint_parks(&mut mesh, frame, rect, lane, step);
            let polls = frame.cx.trace().lod_spans(lane, window.clone(), step);
            for span in &polls {
                paint_polls(&mut mesh, frame, rect, span);
            }
            let missing = missing_ranges::in_view(frame, lane);
            self.lanes.push(PaintedLane { lane, rect, polls, missing });
        }
        self.mesh = Arc::new(mesh);
        self.spans.forget();
        self.key = Some(key);
        #[cfg(test)]
        {
            self.asked += 1;
        }
    }
}

/// The height of a lane that polls take up.
pub(super) fn poll_heights(lane: Rect, depth: u8) -> Rangef {
    let inset = 5.0 + 5.0 * f32::from(depth.min(2));
    Rangef::new(lane.top() + inset, lane.bottom() - inset)
}

/// The rectangle of a poll, or of several that are gathered, cut to the plot so that its label can be centred
/// on what is seen.
fn span_rect(frame: &Frame<'_>, lane: Rect, span: &LodSpan) -> Rect {
    let left = frame.scale.x(span.start as f64).max(frame.plot.left() - 2.0);
    let right = frame.scale.x(span.end as f64).min(frame.plot.right() + 2.0);
    let x = Rangef::new(left, right.max(left + NARROWEST));
    Rect::from_x_y_ranges(x, poll_heights(lane, span.depth))
}

fn paint_polls(mesh: &mut Mesh, frame: &Frame<'_>, lane: Rect, span: &LodSpan) {
    let mut colour = frame.cx.open.colour(frame.palette, span.task);
    if !frame.cx.open.is_bright(span.task) {
        colour = frame.palette.dimmed(colour);
    }
    let mut rect = span_rect(frame, lane, span);
    if span.count > 1 {
        // As tall as the share of the time that was spent in polls, on a lighter
        // ground: a busy stretch and a sparse one look as different as they are.
        let share = span.busy as f32 / (span.end - span.start).max(1) as f32;
        mesh.add_colored_rect(rect, frame.palette.lane.lerp_to_gamma(colour, 0.35));
        let height = rect.height() * share.clamp(0.15, 1.0);
        rect = Rect::from_center_size(rect.center(), egui::vec2(rect.width(), height));
    } else if rect.width() > 4.0 {
        // A seam, so that polls that touch can be counted.
        rect.max.x -= 1.0;
    }
    mesh.add_colored_rect(rect, colour);
}

fn paint_parks(mesh: &mut Mesh, frame: &Frame<'_>, lane: Rect, ix: LaneIx, step: u64) {
    for Park { start, end } in frame.cx.trace().lod_parks(ix, frame.cx.view.range(), step) {
        let x = Rangef::new(frame.scale.x(start as f64), frame.scale.x(end as f64));
        let x = Rangef::new(x.min.max(frame.plot.left()), x.max.min(frame.plot.right()));
        let middle = lane.center().y;
        let half = slots::PARK_HEIGHT / 2.0;
        let rect = Rect::from_x_y_ranges(x, Rangef::new(middle - half, middle + half));
        mesh.add_colored_rect(rect, frame.palette.parked);
    }
}

/// The tasks' names, where they fit.
fn paint_labels(painter: &Painter, frame: &Frame<'_>, lane: &PaintedLane) {
    for span in lane.polls.iter().filter(|span| span.count == 1) {
        let rect = span_rect(frame, lane.rect, span);
        if rect.width() < ROOM_FOR_LABEL {
            continue;
        }
        let trace = frame.cx.trace();
        let task = span.task;
        let colour = frame.cx.open.colour(frame.palette, task);
        let text_colour = match frame.cx.open.is_bright(task) {
            true => frame.palette.on(colour),
            false => frame.palette.weak,
        };
        let font = FontId::proportional(11.5);
        let room = rect.width() - 8.0;
        if let Some(galley) = fit_name(painter, trace, task, &font, text_colour, room) {
            let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
            painter.galley(at, galley, text_colour);
        }
    }
}
