//! The path of the selected task: from poll to poll, across the lanes.
//!
//! Between two polls on one worker runs a plain arc. A hop is drawn as a curve
//! from the end of the one poll to the start of the next, in the accent colour,
//! with what caused it written on it where there is room. The wake that
//! scheduled a poll is a dot on the lane of whoever called the waker, and the
//! time from there to the poll, in which the task was ready and nobody had
//! taken it yet, an amber bar.

use egui::epaint::{CubicBezierShape, QuadraticBezierShape};
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rangef, Rect, Shape, Stroke, StrokeKind, pos2, vec2,
};
use taskscope_model::{Cause, PollIx, State, WakeIx};

use super::rows::RowKind;
use super::{Frame, lanes};
use crate::{labels, time};

/// With more polls than this in sight, curves would cover one another.
const MOST_POLLS: usize = 300;
/// A hop at least this many pixels wide or tall has room for its cause.
const ROOM_FOR_CAUSE: f32 = 40.0;

pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let Some(task) = frame.doc.selected else { return };
    let trace = frame.doc.trace();
    let polls = trace.task_polls(task);
    let window = frame.doc.view.range();
    let first = polls.partition_point(|&poll| trace.poll(poll).end < window.start);
    let after = polls.partition_point(|&poll| trace.poll(poll).start <= window.end);
    // One more on each side, for the curves that leave the window.
    let visible = &polls[first.saturating_sub(1)..(after + 1).min(polls.len()).max(first)];
    if visible.len() > MOST_POLLS {
        let (name, count) = (trace.task_name(task), time::count(visible.len() as u64));
        let text = format!("{count} polls of {name} in sight: zoom in to see its path");
        let seen = painter.clip_rect();
        let at = pos2(seen.center().x, seen.top() + 14.0);
        paint_chip(painter, frame, &mut Vec::new(), at, text, frame.palette.accent);
        return;
    }
    for &poll in visible {
        outline(painter, frame, poll);
        paint_wake(painter, frame, poll);
    }
    let mut chips = Vec::new();
    for pair in visible.windows(2) {
        chips.extend(paint_step(painter, frame, pair[0], pair[1]));
    }
    // Words last: no curve may cross them, nor they each other.
    let mut taken: Vec<Rect> = Vec::new();
    for (at, text, colour) in chips {
        paint_chip(painter, frame, &mut taken, at, text, colour);
    }
}

/// A frame around a poll: one of a few nanoseconds can be seen, too.
fn outline(painter: &Painter, frame: &Frame<'_>, ix: PollIx) {
    const NARROWEST: f32 = 5.0;
    let poll = frame.doc.trace().poll(ix);
    let Some(row) = frame.rows.iter().find(|row| row.kind == RowKind::Lane(poll.lane)) else {
        return;
    };
    let (left, right) = (frame.scale.x(poll.start as f64), frame.scale.x(poll.end as f64));
    let x = Rangef::new(left, right.max(left + NARROWEST));
    let rect = Rect::from_x_y_ranges(x, lanes::poll_heights(row.rect, poll.depth));
    if right - left < NARROWEST {
        painter.rect_filled(rect, 1.0, frame.doc.colour(frame.palette, poll.task));
    }
    let stroke = Stroke::new(1.5, frame.palette.outline);
    painter.rect_stroke(rect, 1.0, stroke, StrokeKind::Outside);
}

fn start_of(frame: &Frame<'_>, poll: PollIx) -> Option<Pos2> {
    let poll = frame.doc.trace().poll(poll);
    Some(pos2(frame.scale.x(poll.start as f64), frame.lane_y(poll.lane)?))
}

fn end_of(frame: &Frame<'_>, poll: PollIx) -> Option<Pos2> {
    let poll = frame.doc.trace().poll(poll);
    Some(pos2(frame.scale.x(poll.end as f64), frame.lane_y(poll.lane)?))
}

/// Draws the way from one poll to the next; gives back what to write on it.
fn paint_step(
    painter: &Painter,
    frame: &Frame<'_>,
    from: PollIx,
    to: PollIx,
) -> Option<(Pos2, String, Color32)> {
    let (a, b) = (end_of(frame, from)?, start_of(frame, to)?);
    let trace = frame.doc.trace();
    if trace.poll(from).lane == trace.poll(to).lane {
        if b.x - a.x > 3.0 {
            let lift = (0.25 * (b.x - a.x)).clamp(6.0, 20.0);
            let top = vec2(0.0, -10.0);
            let points = [a + top, a.lerp(b, 0.5) + top - vec2(0.0, lift), b + top];
            let stroke = Stroke::new(1.5, frame.palette.weak);
            let arc = QuadraticBezierShape::from_points_stroke(
                points,
                false,
                Color32::TRANSPARENT,
                stroke,
            );
            painter.add(arc);
        }
        return None;
    }
    let colour = frame.palette.accent;
    let bend = (0.5 * (b.x - a.x)).clamp(12.0, 90.0);
    let points = [a, a + vec2(bend, 0.0), b - vec2(bend, 0.0), b];
    let curve = CubicBezierShape::from_points_stroke(
        points,
        false,
        Color32::TRANSPARENT,
        Stroke::new(2.0, colour),
    );
    painter.add(curve);
    let head = vec![b, b + vec2(-8.0, -4.5), b + vec2(-8.0, 4.5)];
    painter.add(Shape::convex_polygon(head, colour, Stroke::NONE));

    let room = (b.x - a.x).abs().max((b.y - a.y).abs()) > ROOM_FOR_CAUSE;
    let seen = frame.plot.contains(a.lerp(b, 0.5));
    (room && seen).then(|| (a.lerp(b, 0.5), labels::cause(trace, trace.cause(to)), colour))
}

/// A chip with words, unless it would cover another.
fn paint_chip(
    painter: &Painter,
    frame: &Frame<'_>,
    taken: &mut Vec<Rect>,
    at: Pos2,
    text: String,
    colour: Color32,
) {
    let galley = painter.layout_no_wrap(text, FontId::proportional(11.5), frame.palette.text);
    let half = 0.5 * galley.size().x + 8.0;
    let (left, right) = (frame.plot.left() + half, frame.plot.right() - half);
    let at = pos2(at.x.min(right).max(left), at.y);
    let min = Align2::CENTER_CENTER.anchor_size(at, galley.size()).min;
    let ground = Rect::from_min_size(min, galley.size()).expand2(vec2(6.0, 2.5));
    if taken.iter().any(|other| other.intersects(ground)) {
        return;
    }
    painter.rect_filled(ground, 4.0, frame.palette.panel);
    let stroke = Stroke::new(1.0, colour);
    painter.rect_stroke(ground, 4.0, stroke, StrokeKind::Inside);
    painter.galley(min, galley, frame.palette.text);
    taken.push(ground);
}

fn paint_wake(painter: &Painter, frame: &Frame<'_>, poll: PollIx) {
    let trace = frame.doc.trace();
    let Cause::Woken(wake) = trace.cause(poll) else { return };
    let Some(to) = start_of(frame, poll) else { return };
    let amber = frame.palette.state(State::Scheduled);
    let at = frame.scale.x(trace.wake(wake).time as f64);
    // The wait on the lane that ended it.
    let wait = Rect::from_x_y_ranges(at.min(to.x)..=to.x, to.y + 9.0..=to.y + 12.0);
    painter.rect_filled(wait, 0.0, amber);
    if let Some(from) = waker_place(frame, wake) {
        if (from.y - to.y).abs() > 1.0 {
            let stroke = Stroke::new(1.0, amber);
            painter.extend(Shape::dashed_line(&[from, pos2(at, to.y + 10.5)], stroke, 3.0, 3.0));
        }
        painter.circle(from, 3.5, amber, Stroke::new(1.0, frame.palette.background));
    }
}

fn waker_place(frame: &Frame<'_>, wake: WakeIx) -> Option<Pos2> {
    let wake = frame.doc.trace().wake(wake);
    let y = frame.lane_y(wake.lane?)?;
    Some(pos2(frame.scale.x(wake.time as f64), y))
}
