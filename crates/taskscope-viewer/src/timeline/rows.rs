//! Which rows the timeline has, where they are, and their headers.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Align2, Color32, FontId, Painter, Rangef, Rect, Stroke, pos2, vec2};
use taskscope_model::{Flavor, LaneIx, LaneKind};

use super::{Frame, slots};
use crate::context::Context;
use crate::cut_text::cut_text;
use crate::time;

/// A header narrower than this has room for names alone.
const NARROW: f32 = 220.0;
const HEADING: f32 = 28.0;
const GAP: f32 = 6.0;
const STATES: f32 = 44.0;
const LEGEND_ROW: f32 = 20.0;
const MOST_LEGEND_ROWS: usize = 8;

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// A runtime's name, or that what follows are other threads.
    Heading,
    Lane(LaneIx),
    /// The states of the selected task.
    States,
    /// What the colours mean.
    Legend,
}

/// A row and where it is.
pub(super) struct Row {
    pub(super) kind: RowKind,
    /// The row from the left edge to the right.
    pub(super) rect: Rect,
    /// Its part left of the plot.
    pub(super) header: Rect,
    pub(super) name: String,
    pub(super) detail: String,
}

/// How high the rows are.
pub(super) struct Heights {
    lane: f32,
    pub(super) total: f32,
}

/// The rows in their order, with what their headers say.
fn list(cx: &Context<'_>) -> Vec<(RowKind, String, String)> {
    let trace = cx.trace();
    let mut rows = Vec::new();
    for runtime in trace.runtimes() {
        let flavor = match runtime.flavor {
            Flavor::CurrentThread => "current thread",
            Flavor::MultiThread => "multi-thread",
            Flavor::Unknown => "",
        };
        let name = match &runtime.name {
            Some(name) => format!("runtime {name}"),
            None => format!("runtime {}", runtime.id),
        };
        rows.push((RowKind::Heading, name, flavor.to_owned()));
        for &lane in &runtime.workers {
            rows.push((RowKind::Lane(lane), trace.lane_name(lane), String::new()));
        }
    }
    let lanes = trace.lane_order().iter().copied();
    let threads: Vec<LaneIx> = lanes
        .filter(|&lane| matches!(trace.lane(lane).kind, LaneKind::Thread(_)))
        .filter(|&lane| trace.lane(lane).poll_count() > 0 || cx.prepared().has_drops(lane))
        .collect();
    if !threads.is_empty() {
        let (what, detail) = match trace.runtimes() {
            [] => ("threads", "no runtime of Tokio's"),
            _ => ("other threads", "no workers"),
        };
        rows.push((RowKind::Heading, what.to_owned(), detail.to_owned()));
        for lane in threads {
            rows.push((RowKind::Lane(lane), trace.lane_name(lane), String::new()));
        }
    }
    // There also while no task is selected: a selection must not move the lanes.
    let (name, detail) = match cx.open.selected {
        Some(task) => (trace.task_name(task), "its states"),
        None => ("no task selected".to_owned(), "click a poll to see its task's states"),
    };
    rows.push((RowKind::States, name, detail.to_owned()));
    rows.push((RowKind::Legend, String::new(), String::new()));
    rows
}

fn legend_height(cx: &Context<'_>) -> f32 {
    // A title, the places or the words for "each task", and the parked mark.
    let rows = cx.prepared().places.len().min(MOST_LEGEND_ROWS) + 2;
    rows as f32 * LEGEND_ROW + 12.0
}

/// Shares the height among the rows: lanes grow to fill it, within reason.
pub(super) fn heights(cx: &Context<'_>, available: f32) -> Heights {
    let rows = list(cx);
    let lanes = rows.iter().filter(|row| matches!(row.0, RowKind::Lane(_))).count();
    let height = |lane: f32| {
        let of = |kind: RowKind| match kind {
            RowKind::Heading => HEADING,
            RowKind::Lane(_) => lane + GAP,
            RowKind::States => STATES + GAP,
            RowKind::Legend => legend_height(cx),
        };
        rows.iter().map(|row| of(row.0)).sum::<f32>()
    };
    let lane = ((available - height(0.0)) / lanes.max(1) as f32).clamp(34.0, 76.0);
    Heights { lane, total: height(lane) }
}

/// Puts the rows below one another.
pub(super) fn place(cx: &Context<'_>, area: Rect, plot: Rangef, heights: &Heights) -> Vec<Row> {
    let mut top = area.top();
    let place = |(kind, name, detail)| {
        let (height, gap) = match kind {
            RowKind::Heading => (HEADING, 0.0),
            RowKind::Lane(_) => (heights.lane, GAP),
            RowKind::States => (STATES, GAP),
            RowKind::Legend => (legend_height(cx), 0.0),
        };
        let rect = Rect::from_min_size(pos2(area.left(), top), vec2(area.width(), height));
        top += height + gap;
        let header = Rect::from_x_y_ranges(Rangef::new(area.left(), plot.min), rect.y_range());
        Row { kind, rect, header, name, detail }
    };
    list(cx).into_iter().map(place).collect()
}

pub(super) fn paint_backgrounds(painter: &Painter, frame: &Frame<'_>) {
    // Beside other traces this one may begin late or end early: no lane is there, idle or not.
    let (span, plot) = (frame.cx.trace().span(), frame.plot.x_range());
    let x = match frame.cx.label {
        Some(_) => Rangef::new(
            frame.scale.x(span.start as f64).max(plot.min),
            frame.scale.x(span.end as f64).min(plot.max),
        ),
        None => plot,
    };
    for row in frame.rows.iter().filter(|_| x.min < x.max) {
        if matches!(row.kind, RowKind::Lane(_) | RowKind::States) {
            let lane = Rect::from_x_y_ranges(x, row.rect.y_range());
            painter.rect_filled(lane, 0.0, frame.palette.lane);
        }
    }
}

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
        let left = row.header.left() + 12.0;
        let middle = row.header.center().y;
        match row.kind {
            RowKind::Heading => {
                let detail = if row.header.width() < NARROW { "" } else { &row.detail };
                let detail = painter.text(
                    pos2(edge - 12.0, middle),
                    Align2::RIGHT_CENTER,
                    detail,
                    FontId::proportional(11.5),
                    palette.weak,
                );
                let (at, room) = (pos2(left, middle), detail.left() - 6.0 - left);
                let font = FontId::proportional(13.5);
                cut_text(painter, at, Align2::LEFT_CENTER, &row.name, font, palette.text, room);
            }
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
    match cx.open.colour_by {
        crate::prepared::ColourBy::Place => {
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
        crate::prepared::ColourBy::Task => {
            line(None, "colour: the task", "");
        }
    }
    if cx.trace().lanes().iter().any(|lane| lane.park_count() > 0) {
        line(Some((palette.parked, slots::PARK_HEIGHT)), "parked: nothing to do", "");
    }
}
