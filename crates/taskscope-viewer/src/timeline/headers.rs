//! What stands left of the lanes: names, figures, what can be folded, and what the colours mean.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};
use taskscope_model::{LaneIx, LaneKind, State, TaskIx};

use super::groups::GroupKey;
use super::rows::{LEGEND_ROW, MOST_LEGEND_ROWS, Row, RowKind};
use super::{Frame, slots};
use crate::cut_text::cut_text;
use crate::prepared::ColourBy;
use crate::time;

/// A header narrower than this has room for names alone.
const NARROW: f32 = 220.0;
/// Where names stand that have a triangle before them.
const INDENT: f32 = 14.0;

pub(super) fn paint_headers(painter: &Painter, frame: &Frame<'_>) {
    let palette = frame.palette;
    let edge = frame.plot.left();
    painter.vline(edge, frame.plot.y_range(), Stroke::new(1.0, palette.line));
    for row in frame
        .rows
        .iter()
        .filter(|row| matches!(row.kind, RowKind::Lane(lane) if frame.cx.open.lit == Some(lane)))
    {
        let stroke = Stroke::new(2.0, palette.accent);
        painter.rect_stroke(row.rect, 3.0, stroke, egui::StrokeKind::Inside);
    }
    for row in &frame.rows {
        if let Some((_, folded)) = row.fold {
            let at = pos2(row.header.left() + 15.0, row.header.center().y);
            triangle(painter, at, folded, palette.weak);
        }
        let left = row.header.left() + 12.0;
        let middle = row.header.center().y;
        match row.kind {
            RowKind::Heading => heading(painter, frame, row),
            RowKind::Tasks => {
                heading(painter, frame, row);
                // Where nothing has these colours they need no words.
                let is_folded = row.fold.is_some_and(|(_, is_folded)| is_folded);
                if !is_folded || frame.cx.open.selected.is_some() {
                    states_legend(painter, frame, row);
                }
            }
            RowKind::Pool => titled(painter, frame, row, None),
            RowKind::Curve(of) => {
                let place = of.and_then(|key| match key {
                    GroupKey::Place(place) => Some(place),
                    GroupKey::Of(..) => None,
                });
                let swatch = place.filter(|_| frame.cx.open.colour_by == ColourBy::Place);
                let swatch = swatch.map(|place| frame.cx.open.place_colour(palette, place));
                titled(painter, frame, row, swatch);
            }
            RowKind::Task(task) => task_header(painter, frame, row, task),
            RowKind::Lane(lane) => lane_header(painter, frame, row, lane),
            RowKind::States => {
                let room = edge - 8.0 - left;
                let (name, weak) = (FontId::proportional(13.0), FontId::proportional(11.5));
                let (above, below) = (pos2(left, middle), pos2(left, middle + 2.0));
                let (bottom, top) = (Align2::LEFT_BOTTOM, Align2::LEFT_TOP);
                cut_text(painter, above, bottom, &row.name, name, palette.text, room);
                cut_text(painter, below, top, &row.detail, weak, palette.weak, room);
            }
            RowKind::Legend => legend(painter, frame, row),
        }
    }
}

/// Points down where what it stands for is unfolded.
fn triangle(painter: &Painter, at: Pos2, folded: bool, colour: Color32) {
    let points = match folded {
        true => vec![vec2(-2.5, -4.5), vec2(3.5, 0.0), vec2(-2.5, 4.5)],
        false => vec![vec2(-4.5, -2.5), vec2(4.5, -2.5), vec2(0.0, 3.5)],
    };
    let points = points.into_iter().map(|point| at + point).collect();
    painter.add(Shape::convex_polygon(points, colour, Stroke::NONE));
}

fn heading(painter: &Painter, frame: &Frame<'_>, row: &Row) {
    let (palette, edge, middle) = (frame.palette, frame.plot.left(), row.header.center().y);
    let indent = if row.fold.is_some() { INDENT } else { 0.0 };
    let left = row.header.left() + 12.0 + indent;
    let detail = if row.header.width() < NARROW { "" } else { &row.detail };
    let (right, weak) = (pos2(edge - 12.0, middle), FontId::proportional(11.5));
    let detail = painter.text(right, Align2::RIGHT_CENTER, detail, weak, palette.weak);
    let (at, room) = (pos2(left, middle), detail.left() - 6.0 - left);
    let font = FontId::proportional(13.5);
    cut_text(painter, at, Align2::LEFT_CENTER, &row.name, font, palette.text, room);
}

/// A name and, below it, a figure.
fn titled(painter: &Painter, frame: &Frame<'_>, row: &Row, swatch: Option<Color32>) {
    let (palette, middle) = (frame.palette, row.header.center().y);
    let mut left = row.header.left() + 12.0 + INDENT;
    if let Some(colour) = swatch {
        let rect = Rect::from_center_size(pos2(left + 5.0, middle - 8.0), vec2(10.0, 10.0));
        painter.rect_filled(rect, 2.0, colour);
        left += 16.0;
    }
    let room = frame.plot.left() - 8.0 - left;
    let (name, weak) = (FontId::proportional(13.0), FontId::proportional(11.5));
    let (bottom, top) = (Align2::LEFT_BOTTOM, Align2::LEFT_TOP);
    let name_at = match row.detail.is_empty() {
        true => (pos2(left, middle), Align2::LEFT_CENTER),
        false => (pos2(left, middle), bottom),
    };
    cut_text(painter, name_at.0, name_at.1, &row.name, name, palette.text, room);
    let below = pos2(row.header.left() + 12.0 + INDENT, middle + 2.0);
    let room = frame.plot.left() - 8.0 - below.x;
    cut_text(painter, below, top, &row.detail, weak, palette.weak, room);
}

fn task_header(painter: &Painter, frame: &Frame<'_>, row: &Row, task: TaskIx) {
    let (palette, middle) = (frame.palette, row.header.center().y);
    let left = row.header.left() + 12.0 + INDENT;
    let is_selected = frame.cx.open.selected == Some(task);
    if is_selected {
        painter.rect_filled(row.header, 0.0, palette.selected);
    }
    painter.circle_filled(pos2(left + 5.0, middle), 4.0, frame.cx.open.colour(palette, task));
    let detail = if row.header.width() < NARROW { "" } else { &row.detail };
    let right = pos2(frame.plot.left() - 12.0, middle);
    let weak = FontId::proportional(11.5);
    let detail = painter.text(right, Align2::RIGHT_CENTER, detail, weak, palette.weak);
    let at = pos2(left + 16.0, middle);
    let (room, font) = (detail.left() - 6.0 - at.x, FontId::proportional(12.5));
    let colour = match frame.cx.open.is_bright(task) {
        true => palette.text,
        false => palette.weak,
    };
    cut_text(painter, at, Align2::LEFT_CENTER, &row.name, font, colour, room);
}

/// What the colours of states mean, beside the title of the tasks' lanes.
fn states_legend(painter: &Painter, frame: &Frame<'_>, row: &Row) {
    let (mut x, middle) = (frame.plot.left() + 12.0, row.rect.center().y);
    for state in [State::Running, State::Scheduled, State::Deferred, State::Waiting] {
        let swatch = Rect::from_center_size(pos2(x + 6.0, middle), vec2(12.0, 9.0));
        let at = pos2(x + 18.0, middle);
        if at.x + 60.0 > frame.plot.right() {
            return;
        }
        painter.rect_filled(swatch, 2.0, frame.palette.state(state));
        let font = FontId::proportional(11.5);
        let name = state.name();
        x = painter.text(at, Align2::LEFT_CENTER, name, font, frame.palette.weak).right() + 16.0;
    }
}

fn lane_header(painter: &Painter, frame: &Frame<'_>, row: &Row, lane: LaneIx) {
    let palette = frame.palette;
    let trace = frame.cx.trace();
    let left = row.header.left() + 12.0;
    let middle = row.header.center().y;
    let room = slots::slot(row.header).left() - 6.0 - left;
    let name = FontId::proportional(13.5);
    if row.header.width() < NARROW {
        let at = pos2(left, middle);
        cut_text(painter, at, Align2::LEFT_CENTER, &row.name, name, palette.text, room);
        return;
    }
    let (lane, span) = (trace.lane(lane), trace.span());
    let share = |ns: u64| time::share(ns, span.end - span.start);
    let detail = match lane.kind {
        LaneKind::Worker { .. } if lane.park_count() > 0 => {
            format!("busy {}   parked {}", share(lane.busy), share(lane.parked))
        }
        _ => format!("busy {}", share(lane.busy)),
    };
    let (above, below) = (pos2(left, middle), pos2(left, middle + 3.0));
    let weak = FontId::proportional(11.5);
    cut_text(painter, above, Align2::LEFT_BOTTOM, &row.name, name, palette.text, room);
    cut_text(painter, below, Align2::LEFT_TOP, &detail, weak, palette.weak, room);
}

/// What the colours mean, by spawn place.
fn legend(painter: &Painter, frame: &Frame<'_>, row: &Row) {
    let palette = frame.palette;
    let cx = frame.cx;
    let left = row.rect.left() + 12.0;
    let mut top = row.rect.top() + 10.0;
    let right = frame.plot.left() - 12.0;
    let font = FontId::proportional(11.5);
    let mut line = |swatch: Option<(Color32, f32)>, text: &str, figure: &str| {
        let middle = top + LEGEND_ROW / 2.0;
        let mut x = left;
        if let Some((colour, height)) = swatch {
            let rect = Rect::from_center_size(pos2(left + 6.0, middle), vec2(12.0, height));
            painter.rect_filled(rect, 2.0, colour);
            x += 20.0;
        }
        let figure_rect = painter.text(
            pos2(right, middle),
            Align2::RIGHT_CENTER,
            figure,
            font.clone(),
            palette.weak,
        );
        let mut job = LayoutJob::simple_singleline(
            text.to_owned(),
            font.clone(),
            if swatch.is_some() { palette.text } else { palette.weak },
        );
        job.wrap = TextWrapping::truncate_at_width(figure_rect.left() - x - 6.0);
        let galley = painter.layout_job(job);
        painter.galley(pos2(x, middle - galley.size().y / 2.0), galley, palette.text);
        top += LEGEND_ROW;
    };
    let has_rows = |row: &Row| row.kind.is_of_place();
    match cx.open.colour_by {
        // The rows of the places have their colours.
        ColourBy::Place if frame.rows.iter().any(has_rows) => {
            line(None, "colour of a poll: where its task was spawned", "");
        }
        ColourBy::Place => {
            line(None, "colour: where it was spawned", "polls");
            let places = &cx.prepared().places;
            // A row that says how many more there are takes the place of the last.
            let shown = match places.len() {
                few if few <= MOST_LEGEND_ROWS => few,
                _ => MOST_LEGEND_ROWS - 1,
            };
            for &(place, polls) in &places[..shown] {
                let colour = cx.open.place_colour(palette, place);
                let name = match place {
                    Some(place) => cx.trace().place(place).short(),
                    None => "not recorded".to_owned(),
                };
                line(Some((colour, 12.0)), &name, &time::count(polls));
            }
            if let more @ 1.. = places.len() - shown {
                let polls = places[shown..].iter().map(|(_, polls)| polls).sum();
                let text = format!("and {} more", time::count(more as u64));
                line(None, &text, &time::count(polls));
            }
        }
        ColourBy::Task => {
            line(None, "colour: the task", "");
        }
        ColourBy::Worker => line(None, "colour: the worker", ""),
        ColourBy::Length => {
            line(None, "colour: how long a poll takes", "");
            for (ns, text) in [(1_000, "1 µs"), (300_000, "300 µs"), (100_000_000, "100 ms")] {
                line(Some((palette.length(ns), 9.0)), text, "");
            }
        }
    }
    if cx.trace().lanes().iter().any(|lane| lane.park_count() > 0) {
        line(Some((palette.parked, slots::PARK_HEIGHT)), "parked: nothing to do", "");
    }
}
