//! The slots: what each lane polls at the playhead, next to the lane's name.
//!
//! A slot names the task that the model says is polled there at the playhead, and nothing
//! else. In particular it never names a task that is still queued, however soon its poll
//! begins: a user who steps through a trace reads the slots as facts.
//!
//! While the recording plays, a task that hops is also seen to travel: a disc leaves the
//! slot of the one worker when its poll there has ended and reaches the other's slot when
//! its poll there begins. It moves along a corridor left of the slots and never covers
//! one. A hop that is too quick to be seen leaves a trail that fades. A paused window
//! shows neither: a picture of a moment holds what is true at this moment.

use egui::{Align2, FontId, Painter, Pos2, Rangef, Rect, Shape, Stroke, StrokeKind, vec2};
use taskscope_model::{Hop, TaskIx};

use super::Frame;
use super::rows::RowKind;
use super::short_name::fit_name;

/// How far the right edge of a slot lies left of the plot.
const MARGIN: f32 = 8.0;
/// The widest slot: it has room for `connection 280`.
const WIDEST: f32 = 92.0;
/// The narrowest slot: it has room for a number.
const NARROWEST: f32 = 34.0;
/// How thick the mark of a parked worker is.
pub(super) const PARK_HEIGHT: f32 = 5.0;
/// How long a journey takes at most, in seconds on the screen.
const JOURNEY: f64 = 0.4;
/// The most tasks on their way at once; more could not be told apart.
const MOST: usize = 8;
/// The radius of a disc on its way.
const DISC: f32 = 9.0;

/// Where the slots are, from left to right.
pub(super) fn slot_range(header: Rangef) -> Rangef {
    let width = (0.34 * header.span()).clamp(NARROWEST, WIDEST);
    Rangef::new(header.max - MARGIN - width, header.max - MARGIN)
}

/// The slot of the lane whose row has this header.
pub(super) fn slot(header: Rect) -> Rect {
    let height = (0.6 * header.height()).clamp(20.0, 28.0);
    let y = Rangef::new(header.center().y - height / 2.0, header.center().y + height / 2.0);
    Rect::from_x_y_ranges(slot_range(header.x_range()), y)
}

pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let (cx, palette) = (frame.cx, frame.palette);
    for row in &frame.rows {
        let RowKind::Lane(lane) = row.kind else { continue };
        let slot = slot(row.header);
        painter.rect(
            slot,
            slot.height() / 2.0,
            palette.lane,
            Stroke::new(1.0, palette.line),
            StrokeKind::Inside,
        );
        if let Some(poll) = cx.running(lane) {
            paint_token(painter, frame, slot, cx.trace().poll(poll).task);
        }
    }
    if cx.replay.is_playing() {
        for journey in &journeys(frame) {
            paint_journey(painter, frame, journey);
        }
    }
}

/// A hop on its way, or just over.
struct Journey {
    task: TaskIx,
    from: Pos2,
    to: Pos2,
    stage: Stage,
}

/// How far a journey is.
enum Stage {
    /// From 0, just left, to 1, arrived.
    Travelling(f32),
    /// The other worker polls the task: from 1, just arrived, to 0, long over.
    Arrived(f32),
}

fn journeys(frame: &Frame<'_>) -> Vec<Journey> {
    let cx = frame.cx;
    let trace = cx.trace();
    let now = cx.replay.playhead();
    let length = JOURNEY * cx.replay.ns_per_second();
    let recent = (now - length).max(0.0) as u64..(now + length).ceil() as u64;
    let stage = |hop: &Hop| -> Option<Stage> {
        let (from, to) = (trace.poll(hop.from), trace.poll(hop.to));
        let arrives = to.start as f64;
        // A task that waits before it hops waits where it was.
        let leaves = (from.end as f64).max(arrives - length);
        if now < leaves {
            None
        } else if now < arrives {
            Some(Stage::Travelling(((now - leaves) / (arrives - leaves)) as f32))
        } else {
            let left = 1.0 - (now - arrives) / length;
            (left > 0.0).then_some(Stage::Arrived(left as f32))
        }
    };
    let mut journeys: Vec<Journey> = trace
        .hops_arriving(recent)
        .filter_map(|hop| {
            let stage = stage(&hop)?;
            let (from, to) = (trace.poll(hop.from), trace.poll(hop.to));
            let edge = |lane| {
                let row = frame.rows.iter().find(|row| row.kind == RowKind::Lane(lane))?;
                Some(slot(row.header).left_center() - vec2(DISC + 2.0, 0.0))
            };
            Some(Journey { task: to.task, from: edge(from.lane)?, to: edge(to.lane)?, stage })
        })
        .collect();
    // One a task: where it goes last.
    journeys.reverse();
    journeys.sort_by_key(|journey| journey.task);
    journeys.dedup_by_key(|journey| journey.task);
    // The selected task's journey is always among those shown.
    journeys.sort_by_key(|journey| Some(journey.task) != cx.open.selected);
    journeys.truncate(MOST);
    journeys
}

fn paint_journey(painter: &Painter, frame: &Frame<'_>, journey: &Journey) {
    let Journey { task, from, to, ref stage } = *journey;
    // Not all on one way, so that those who travel together can be told apart.
    let way = 7.0 * (task.0 % 3) as f32;
    let side = vec2(-(6.0 + way), 0.0);
    let place = |t: f32| from.lerp(to, t) + side * (4.0 * t * (1.0 - t));
    let colour = frame.cx.open.colour(frame.palette, task);
    let fade = match stage {
        Stage::Travelling(_) => 0.6,
        Stage::Arrived(left) => 0.6 * left,
    };
    let trail: Vec<Pos2> = (0..=24).map(|n| place(n as f32 / 24.0)).collect();
    painter.add(Shape::line(trail, Stroke::new(1.5, colour.gamma_multiply(fade))));
    if let Stage::Travelling(progress) = *stage {
        // Slow at both ends.
        let eased = progress * progress * (3.0 - 2.0 * progress);
        let disc = Rect::from_center_size(place(eased), vec2(2.0 * DISC, 2.0 * DISC));
        paint_token(painter, frame, disc, task);
    }
}

/// A task's name on its colour.
fn paint_token(painter: &Painter, frame: &Frame<'_>, rect: Rect, task: TaskIx) {
    let bright = frame.cx.open.selected.is_none_or(|selected| selected == task);
    let mut colour = frame.cx.open.colour(frame.palette, task);
    if !bright {
        colour = frame.palette.dimmed(colour);
    }
    let outline = match frame.cx.open.selected == Some(task) {
        true => Stroke::new(2.0, frame.palette.outline),
        false => Stroke::new(1.0, frame.palette.background),
    };
    painter.rect(rect, rect.height() / 2.0, colour, outline, StrokeKind::Inside);
    let font = FontId::proportional(11.5);
    let room = rect.width() - 8.0;
    let text_colour = frame.palette.on(colour);
    if let Some(galley) = fit_name(painter, frame.cx.trace(), task, &font, text_colour, room) {
        let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
        painter.galley(at, galley, text_colour);
    }
}
