//! What runs now, and what is on its way: a round slot for each lane, next to
//! its name.
//!
//! At most moments of a replay each worker holds one task or none. The slot
//! shows it; when a task hops, it leaves the slot of the one worker and travels
//! to that of the other. The journey takes a part of a second on the screen, so
//! that a hop can be followed at any speed, and ends when the other worker begins
//! to poll: a task that waits before it hops waits where it was. It depends on the
//! playhead alone: scrubbing backwards plays it backwards, and a picture of a
//! moment shows it half-way.

use egui::{Align2, Color32, FontId, Painter, Pos2, Stroke, pos2, vec2};
use taskscope_model::{Hop, TaskIx};

use super::Frame;
use super::rows::RowKind;

/// How far a slot's centre lies left of the plot.
pub(super) const INSET: f32 = 30.0;
/// How thick the mark of a parked worker is.
pub(super) const PARK_HEIGHT: f32 = 5.0;
/// How long a journey takes, in seconds on the screen.
const JOURNEY: f64 = 0.4;
/// The most tokens on their way at once; more could not be told apart.
const MOST: usize = 8;

pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let journeys = journeys(frame);
    for row in &frame.rows {
        let RowKind::Lane(lane) = row.kind else { continue };
        let (centre, radius) = slot(frame, row.rect.center().y, row.rect.height());
        let palette = frame.palette;
        painter.circle(centre, radius, palette.lane, Stroke::new(1.0, palette.line));
        let running = frame.doc.running(lane).map(|poll| frame.doc.trace().poll(poll).task);
        // A task that is still on its way isn't here yet, on the screen.
        let arrived = running.filter(|task| !journeys.iter().any(|j| j.task == *task));
        if let Some(task) = arrived {
            paint_token(painter, frame, centre, radius, task);
        }
    }
    for journey in &journeys {
        paint_journey(painter, frame, journey);
    }
}

fn slot(frame: &Frame<'_>, y: f32, row_height: f32) -> (Pos2, f32) {
    let radius = (0.36 * row_height).clamp(10.0, 17.0);
    (pos2(frame.plot.left() - INSET, y), radius)
}

/// A hop on its way.
struct Journey {
    task: TaskIx,
    from: Pos2,
    to: Pos2,
    radius: f32,
    /// From 0, just left, to 1, arrived.
    progress: f32,
}

fn journeys(frame: &Frame<'_>) -> Vec<Journey> {
    let doc = frame.doc;
    let trace = doc.trace();
    let now = doc.replay.playhead();
    let length = JOURNEY * doc.replay.ns_per_second();
    let recent = (now - length).max(0.0) as u64..(now + length).ceil() as u64;
    let under_way = |hop: &Hop| {
        let (from, to) = (trace.poll(hop.from), trace.poll(hop.to));
        // Not before its poll has ended: a quick hop arrives late, on the screen.
        let leaves = (from.end as f64).max(to.start as f64 - length);
        let progress = (now - leaves) / length;
        (0.0..1.0).contains(&progress).then_some((from, to, progress as f32))
    };
    let mut journeys: Vec<Journey> = trace
        .hops_arriving(recent)
        .iter()
        .filter_map(under_way)
        .filter_map(|(from, to, progress)| {
            let row = frame.rows.iter().find(|row| row.kind == RowKind::Lane(to.lane))?;
            let (end, radius) = slot(frame, row.rect.center().y, row.rect.height());
            let start = pos2(end.x, frame.lane_y(from.lane)?);
            Some(Journey { task: to.task, from: start, to: end, radius, progress })
        })
        .collect();
    // One token a task: where it goes last.
    journeys.reverse();
    journeys.sort_by_key(|journey| journey.task);
    journeys.dedup_by_key(|journey| journey.task);
    // The selected task's journey is always among those shown.
    journeys.sort_by_key(|journey| Some(journey.task) != doc.selected);
    journeys.truncate(MOST);
    journeys
}

fn paint_journey(painter: &Painter, frame: &Frame<'_>, journey: &Journey) {
    let Journey { task, from, to, radius, progress } = *journey;
    // Left of the slots, so that a task is seen to pass the workers between.
    // Not all on one way, so that those who travel together can be told apart.
    let way = 8.0 * (task.0 % 3) as f32;
    let side = vec2(-(22.0 + way + 0.08 * (to.y - from.y).abs()).min(54.0), 0.0);
    let place = |t: f32| {
        let straight = from.lerp(to, t);
        straight + side * (4.0 * t * (1.0 - t))
    };
    // Slow at both ends.
    let eased = progress * progress * (3.0 - 2.0 * progress);
    let trail: Vec<Pos2> = (0..=24).map(|n| place(n as f32 / 24.0)).collect();
    let colour = frame.doc.colour(frame.palette, task);
    for pair in trail.windows(2) {
        painter.line_segment([pair[0], pair[1]], Stroke::new(1.0, colour.gamma_multiply(0.6)));
    }
    for behind in 1..=3 {
        let t = (eased - 0.07 * behind as f32).max(0.0);
        let fade = 0.35 - 0.1 * behind as f32;
        painter.circle_filled(place(t), radius * 0.8, colour.gamma_multiply(fade));
    }
    paint_token(painter, frame, place(eased), radius, task);
}

fn paint_token(painter: &Painter, frame: &Frame<'_>, centre: Pos2, radius: f32, task: TaskIx) {
    let bright = frame.doc.selected.is_none_or(|selected| selected == task);
    let mut colour = frame.doc.colour(frame.palette, task);
    if !bright {
        colour = frame.palette.dimmed(colour);
    }
    let outline = match frame.doc.selected == Some(task) {
        true => Stroke::new(2.0, frame.palette.outline),
        false => Stroke::new(1.0, frame.palette.background),
    };
    painter.circle(centre, radius, colour, outline);
    let text_colour: Color32 = frame.palette.on(colour);
    let id = frame.doc.trace().task(task).id.to_string();
    let size = if id.len() > 3 { 9.0 } else { 11.5 };
    painter.text(centre, Align2::CENTER_CENTER, id, FontId::proportional(size), text_colour);
}
