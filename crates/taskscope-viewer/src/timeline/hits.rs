//! What a search found, lit in the lanes: a bar above each poll, and above each stretch of a task's lane.
//!
//! There may be two million. A lane asks for the first in view, draws it, and goes on behind the pixel that it has just
//! drawn on: so a lane costs as many steps as it has pixels, at most.

use egui::{Mesh, Painter, Rangef, Rect, Shape};
use taskscope_model::questions::search::HitList;

use super::Frame;
use super::rows::RowKind;

/// Height of the bar.
const HEIGHT: f32 = 3.0;
/// The narrowest bar that is seen.
const NARROWEST: f32 = 3.0;

/// Lights what was found.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let Some(hits) = frame.cx.open.search.hits() else { return };
    let mut mesh = Mesh::default();
    let seen = painter.clip_rect();
    for row in frame.rows.iter().filter(|row| seen.intersects(row.rect)) {
        let y = Rangef::new(row.rect.top(), row.rect.top() + HEIGHT);
        let hits = match row.kind {
            RowKind::Lane(lane) => hits.on_lane(lane),
            RowKind::Task(task) => hits.of_task(task),
            RowKind::States => match frame.cx.open.selected {
                Some(task) => hits.of_task(task),
                None => continue,
            },
            _ => continue,
        };
        for x in bars(frame, hits) {
            mesh.add_colored_rect(Rect::from_x_y_ranges(x, y), frame.palette.hit);
        }
    }
    painter.add(Shape::mesh(mesh));
}

/// Where bars stand for hits that are sorted by their start.
fn bars(frame: &Frame<'_>, hits: HitList<'_>) -> Vec<Rangef> {
    let plot = frame.plot.x_range();
    let x = |moment: u64| frame.scale.x(moment as f64);
    // Those before the first in view: stretches of one task, or of one lane, hardly overlap.
    let before = |from: usize, left: f32| {
        partition(from, hits.len(), |n| hits.get(n).is_some_and(|hit| x(hit.end) < left))
    };
    let mut bars: Vec<Rangef> = Vec::new();
    let mut number = before(0, plot.min);
    while let Some(hit) = hits.get(number).filter(|hit| x(hit.start) <= plot.max) {
        let left = x(hit.start).max(plot.min);
        let right = x(hit.end).min(plot.max).max(left + NARROWEST);
        match bars.last_mut() {
            Some(last) if left <= last.max => last.max = last.max.max(right),
            _ => bars.push(Rangef::new(left, right)),
        }
        number = before(number + 1, left + 1.0).max(number + 1);
    }
    bars
}

/// The first number from `from` to `to` for which `is_before` does not hold, if it holds for all before that.
fn partition(mut from: usize, mut to: usize, is_before: impl Fn(usize) -> bool) -> usize {
    while from < to {
        let middle = from + (to - from) / 2;
        match is_before(middle) {
            true => from = middle + 1,
            false => to = middle,
        }
    }
    from
}
