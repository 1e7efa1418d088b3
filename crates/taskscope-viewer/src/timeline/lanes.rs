//! Polls and parks as rectangles, all in one mesh.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Align2, Color32, FontId, Mesh, Painter, Rangef, Rect, Shape, pos2};
use taskscope_model::{LaneIx, LodSpan, Park, PollEnd, State, TaskIx};

use super::missing_ranges::{self, MissingRange};
use super::rows::{Row, RowKind};
use super::short_name::fit_name;
use super::spans::SpanBars;
use super::{Frame, slots};
use crate::prepared::ColourBy;
use crate::search::Found;
use crate::theme::Palette;
use crate::time_view::TimeView;

/// Polls narrower than this many pixels are gathered.
const STEP_PIXELS: f64 = 2.0;
/// The narrowest rectangle that is drawn.
const NARROWEST: f32 = 1.5;
/// How wide a poll must be for a part of its task's name to stand in it.
const ROOM_FOR_LABEL: f32 = 26.0;
/// How wide a poll must be for its end to be shown, and the width of the bar that shows it.
const ROOM_FOR_END: f32 = 20.0;
const END_WIDTH: f32 = 3.0;
/// For so long lanes are asked within a frame.
const PATIENCE: Duration = Duration::from_micros(3_500);

/// What the lanes show, kept from frame to frame.
///
/// While a recording plays, nothing moves but the playhead, the slots and the path. To ask the
/// trace for each lane again and to make the same rectangles of the answer took more than half
/// of a frame. So the answer and its mesh are kept until something that they depend on changes.
#[derive(Debug)]
pub(crate) struct LaneCache {
    key: Option<Key>,
    lanes: Vec<PaintedLane>,
    /// Whether all of them show what was asked for last.
    pub(crate) is_whole: bool,
    /// After this long no further lane is asked within a frame.
    pub(crate) patience: Duration,
    mesh: Arc<Mesh>,
    spans: SpanBars,
    /// How often the trace was asked.
    #[cfg(test)]
    pub(crate) asked: u32,
}

impl Default for LaneCache {
    fn default() -> Self {
        Self {
            key: None,
            lanes: Vec::new(),
            is_whole: false,
            patience: PATIENCE,
            mesh: Arc::default(),
            spans: SpanBars::default(),
            #[cfg(test)]
            asked: 0,
        }
    }
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
    /// Other tasks are dimmed than those that were found.
    found: Option<Found>,
}

impl Key {
    /// Whether the trace is asked the same for each lane.
    fn asks_as(&self, other: &Self) -> bool {
        (self.revision, self.view, self.plot.x_range())
            == (other.revision, other.view, other.plot.x_range())
    }
}

/// What was painted on a lane, for the pointer.
#[derive(Debug)]
pub(super) struct PaintedLane {
    pub(super) lane: LaneIx,
    pub(super) rect: Rect,
    pub(super) polls: Vec<LodSpan>,
    /// Where events are missing.
    pub(super) missing: Vec<MissingRange>,
    /// Whether this is what was asked for last, or what was known before.
    is_answered: bool,
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
        found: frame.cx.open.search.found().map(|(_, found)| found),
    };
    if !cache.is_whole || cache.key.as_ref() != Some(&key) {
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
    /// Asks for what the lanes show, and makes the mesh.
    ///
    /// A frame has a few milliseconds for that, and where some hundred polls lie within a pixel, a lane takes one
    /// or two. So the lanes that are not reached are painted once more as they were known, at the place where
    /// that is now, and asked in the next frame. Pictures wait for all.
    fn refresh(&mut self, frame: &Frame<'_>, key: Key) {
        profiling::scope!("lanes");
        let window = frame.cx.view.range();
        let step = (STEP_PIXELS * frame.scale.ns_per_pixel()).ceil() as u64;
        let is_same = self.key.as_ref().is_some_and(|old| old.asks_as(&key));
        let mut known: HashMap<LaneIx, PaintedLane> =
            self.lanes.drain(..).map(|lane| (lane.lane, lane)).collect();
        let is_known = |lane: &PaintedLane| is_same && lane.is_answered;
        let begun = Instant::now();
        // One in each frame, whatever comes.
        let mut has_time = true;
        // Those that have waited longest first; the others as they lie.
        let mut order: Vec<usize> = (0..key.rows.len()).collect();
        order.sort_by_key(|&row| {
            known.get(&key.rows[row].0).map_or((true, row), |lane| (lane.is_answered, row))
        });
        let mut answers: Vec<Option<PaintedLane>> = key.rows.iter().map(|_| None).collect();
        for row in order {
            let (lane, rect) = key.rows[row];
            let old = known.remove(&lane);
            let answer = match old {
                Some(old) if is_known(&old) => PaintedLane { rect, ..old },
                Some(old) if !has_time => {
                    let missing = missing_ranges::in_view(frame, lane);
                    PaintedLane { rect, missing, is_answered: false, ..old }
                }
                _ => PaintedLane {
                    lane,
                    rect,
                    polls: frame.cx.trace().lod_spans(lane, window.clone(), step),
                    missing: missing_ranges::in_view(frame, lane),
                    is_answered: true,
                },
            };
            answers[row] = Some(answer);
            has_time = !frame.cx.jobs.work_aside() || begun.elapsed() < self.patience;
        }
        self.lanes = answers.into_iter().flatten().collect();
        let mut mesh = Mesh::default();
        for lane in &self.lanes {
            paint_parks(&mut mesh, frame, lane.rect, lane.lane, step);
            let in_sight = |span: &&LodSpan| span.end >= window.start && span.start <= window.end;
            for span in lane.polls.iter().filter(in_sight) {
                paint_polls(&mut mesh, frame, lane, span);
            }
        }
        self.mesh = Arc::new(mesh);
        self.spans.forget();
        self.is_whole = self.lanes.iter().all(|lane| lane.is_answered);
        if !self.is_whole {
            frame.cx.jobs.repaint();
        }
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

/// The colour of a poll, or of several that are gathered.
fn colour_of(frame: &Frame<'_>, lane: LaneIx, span: &LodSpan) -> Color32 {
    match frame.cx.open.colour_by {
        ColourBy::Worker => frame.palette.category(lane.get()),
        // Of several the usual one.
        ColourBy::Length => frame.palette.length(span.busy / u64::from(span.count.max(1))),
        ColourBy::Place | ColourBy::Task => frame.cx.open.colour(frame.palette, span.task),
    }
}

/// How a poll ended, as a bar at its end: that it waits is the usual, and has none.
fn paint_end(mesh: &mut Mesh, frame: &Frame<'_>, rect: Rect, span: &LodSpan) {
    if span.count > 1 || rect.width() < ROOM_FOR_END {
        return;
    }
    let (palette, how) = (frame.palette, frame.cx.trace().poll(span.poll).how);
    let (colour, part) = match how {
        PollEnd::Pending | PollEnd::Open => return,
        PollEnd::Yielded { .. } => (palette.state(State::Deferred), 0.5),
        PollEnd::BudgetSpent => (palette.state(State::Scheduled), 1.0),
        PollEnd::Ready => (palette.outline, 1.0),
        PollEnd::Cancelled => (palette.weak, 1.0),
        PollEnd::Panicked => (palette.alarm, 1.0),
    };
    let size = egui::vec2(END_WIDTH, part * rect.height());
    let middle = pos2(rect.right() - 0.5 * END_WIDTH, rect.center().y);
    mesh.add_colored_rect(Rect::from_center_size(middle, size), colour);
}

fn paint_polls(mesh: &mut Mesh, frame: &Frame<'_>, lane: &PaintedLane, span: &LodSpan) {
    let mut colour = colour_of(frame, lane.lane, span);
    if !frame.cx.open.is_bright(span.task) {
        colour = frame.palette.dimmed(colour);
    }
    let mut rect = span_rect(frame, lane.rect, span);
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
    paint_end(mesh, frame, rect, span);
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
        let colour = colour_of(frame, lane.lane, span);
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

#[cfg(test)]
impl LaneCache {
    /// The lanes that are painted, what is painted of each, and whether that is what was asked for last.
    pub(crate) fn painted(&self) -> impl Iterator<Item = (LaneIx, &[LodSpan], bool)> {
        self.lanes.iter().map(|lane| (lane.lane, &lane.polls[..], lane.is_answered))
    }
}
