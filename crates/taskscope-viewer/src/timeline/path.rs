//! The path of the selected task: from poll to poll, across the lanes.
//!
//! Between two polls on one worker runs a plain arc. A hop is drawn as a curve
//! from the end of the one poll to the start of the next, in the accent colour, with
//! the move written on it where there is room: from which queue the worker took the
//! task. What was inferred says so and has a dashed frame. The wake comes second: it
//! stands in the tooltip, and is a dot on the lane of the thread that called the waker.
//! The time from there to the poll, in which the task was ready and no worker had taken
//! it yet, is an amber bar.

use egui::epaint::{CubicBezierShape, QuadraticBezierShape};
use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rangef, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    Ui, WidgetInfo, pos2, vec2,
};
use taskscope_model::{Cause, PollIx, State, WakeIx};

use super::rows::RowKind;
use super::{Frame, lanes};
use crate::{labels, task_polls, time};

/// With more polls than this in sight, curves would cover one another.
const MOST_POLLS: usize = 300;
/// A hop at least this many pixels wide has room for words. The hop to the poll at the
/// playhead has them always.
const ROOM_FOR_WORDS: f32 = 60.0;

/// The words on a hop.
pub(super) struct Chip {
    rect: Rect,
    text: String,
    /// What scheduled the poll that the hop leads to.
    cause: String,
}

/// Paints the path; gives back the words on it, for the pointer.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) -> Vec<Chip> {
    let Some(task) = frame.cx.open.selected else { return Vec::new() };
    let trace = frame.cx.trace();
    let visible = task_polls::touching(trace, task, &frame.cx.view.range());
    // One more on each side, for the curves that leave the window.
    let polls = task_polls::count(trace, task);
    let visible = visible.start.saturating_sub(1)..(visible.end + 1).min(polls);
    if visible.len() > MOST_POLLS {
        let (name, count) = (trace.task_name(task), time::count(visible.len() as u64));
        let text = format!("{count} polls of {name} in sight: zoom in to see its path");
        let seen = painter.clip_rect();
        let at = pos2(seen.center().x, seen.top() + 14.0);
        paint_chip(painter, frame, &[], at, text, false);
        return Vec::new();
    }
    let known = |poll: &PollIx| {
        !frame.cx.open.guesses || trace.poll(*poll).start <= frame.cx.replay.moment()
    };
    let visible: Vec<PollIx> =
        task_polls::with_positions(trace, task, visible).filter(known).collect();
    for &poll in &visible {
        outline(painter, frame, poll);
        paint_wake(painter, frame, poll);
    }
    let mut hops = Vec::new();
    for pair in visible.windows(2) {
        let middle = paint_step(painter, frame, pair[0], pair[1]);
        hops.extend(middle.map(|middle| (middle, pair[1])));
    }
    // Words last: no curve may cross them, nor they each other. Those at the playhead first.
    let current = frame.cx.current_poll();
    hops.sort_by_key(|&(_, to)| current != Some(to));
    let mut chips: Vec<Chip> = Vec::new();
    for (middle, to) in hops {
        let cause = labels::cause(trace, trace.cause(to));
        let (text, inferred) = labels::arrival(trace, to)
            .unwrap_or_else(|| (format!("to {}", trace.lane_name(trace.poll(to).lane)), false));
        let taken: Vec<Rect> = chips.iter().map(|chip| chip.rect).collect();
        let painted = paint_chip(painter, frame, &taken, middle, text.clone(), inferred);
        chips.extend(painted.map(|rect| Chip { rect, text, cause }));
    }
    chips
}

/// Gives each of the words a node for screen readers and tests, and a tooltip.
pub(super) fn announce(ui: &Ui, chips: &[Chip]) {
    for (number, chip) in chips.iter().enumerate() {
        let id = ui.scope_id().with(("hop", number));
        let response = ui.interact(chip.rect, id, Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &chip.text));
        response.on_hover_text(&chip.cause);
    }
}

/// A frame around a poll: one of a few nanoseconds can be seen, too.
fn outline(painter: &Painter, frame: &Frame<'_>, ix: PollIx) {
    const NARROWEST: f32 = 5.0;
    let poll = frame.cx.trace().poll(ix);
    let Some(row) = frame.rows.iter().find(|row| row.kind == RowKind::Lane(poll.lane)) else {
        return;
    };
    let (left, right) = (frame.scale.x(poll.start as f64), frame.scale.x(poll.end as f64));
    let x = Rangef::new(left, right.max(left + NARROWEST));
    let rect = Rect::from_x_y_ranges(x, lanes::poll_heights(row.rect, poll.depth));
    if right - left < NARROWEST {
        painter.rect_filled(rect, 1.0, frame.cx.open.colour(frame.palette, poll.task));
    }
    let stroke = Stroke::new(1.5, frame.palette.outline);
    painter.rect_stroke(rect, 1.0, stroke, StrokeKind::Outside);
}

fn start_of(frame: &Frame<'_>, poll: PollIx) -> Option<Pos2> {
    let poll = frame.cx.trace().poll(poll);
    Some(pos2(frame.scale.x(poll.start as f64), frame.lane_y(poll.lane)?))
}

fn end_of(frame: &Frame<'_>, poll: PollIx) -> Option<Pos2> {
    let poll = frame.cx.trace().poll(poll);
    Some(pos2(frame.scale.x(poll.end as f64), frame.lane_y(poll.lane)?))
}

/// Draws the way from one poll to the next; gives back its middle if it is a hop with room
/// for words.
fn paint_step(painter: &Painter, frame: &Frame<'_>, from: PollIx, to: PollIx) -> Option<Pos2> {
    let (a, b) = (end_of(frame, from)?, start_of(frame, to)?);
    let trace = frame.cx.trace();
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

    let room = b.x - a.x > ROOM_FOR_WORDS || frame.cx.current_poll() == Some(to);
    let seen = frame.plot.contains(a.lerp(b, 0.5));
    (room && seen).then(|| a.lerp(b, 0.5))
}

/// A chip with words, unless it would cover another: where it is. The frame around what was
/// inferred is dashed.
fn paint_chip(
    painter: &Painter,
    frame: &Frame<'_>,
    taken: &[Rect],
    at: Pos2,
    text: String,
    inferred: bool,
) -> Option<Rect> {
    let galley = painter.layout_no_wrap(text, FontId::proportional(11.5), frame.palette.text);
    let half = 0.5 * galley.size().x + 8.0;
    let (left, right) = (frame.plot.left() + half, frame.plot.right() - half);
    let at = pos2(at.x.min(right).max(left), at.y);
    let min = Align2::CENTER_CENTER.anchor_size(at, galley.size()).min;
    let ground = Rect::from_min_size(min, galley.size()).expand2(vec2(6.0, 2.5));
    if taken.iter().any(|other| other.intersects(ground)) {
        return None;
    }
    let stroke = Stroke::new(1.0, frame.palette.accent);
    if inferred {
        painter.rect_filled(ground, 0.0, frame.palette.panel);
        let corners =
            [ground.left_top(), ground.right_top(), ground.right_bottom(), ground.left_bottom()];
        for (from, to) in corners.into_iter().zip(corners.into_iter().cycle().skip(1)) {
            painter.extend(Shape::dashed_line(&[from, to], stroke, 4.0, 3.0));
        }
    } else {
        painter.rect_filled(ground, 4.0, frame.palette.panel);
        painter.rect_stroke(ground, 4.0, stroke, StrokeKind::Inside);
    }
    painter.galley(min, galley, frame.palette.text);
    Some(ground)
}

fn paint_wake(painter: &Painter, frame: &Frame<'_>, poll: PollIx) {
    let trace = frame.cx.trace();
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
    let wake = frame.cx.trace().wake(wake);
    let y = frame.lane_y(wake.lane?)?;
    Some(pos2(frame.scale.x(wake.time as f64), y))
}
