//! The program's own spans, as thin bars along the upper edge of a lane, over the
//! polls that served them; and what it said, as ticks among these.

use std::hash::{DefaultHasher, Hash, Hasher};

use egui::{Color32, Mesh, Rangef, Rect};
use taskscope_model::{Level, Span};

use super::Frame;
use super::rows::RowKind;
use crate::theme::Palette;

/// How far a bar reaches into the lane; a nested one lies below.
const HEIGHT: f32 = 3.0;
/// Of more messages than this in sight some are left out, evenly.
const MOST_MESSAGES: usize = 4_000;
/// Spans that lie deeper within others than this are taken to lie this deep.
const DEEPEST: usize = 7;
/// Half the width of a tick.
const TICK: f32 = 1.0;

/// The bars and ticks in sight.
pub(super) fn mesh(frame: &Frame<'_>) -> Mesh {
    let trace = frame.cx.trace();
    let window = frame.cx.view.range();
    let mut mesh = Mesh::default();
    for row in &frame.rows {
        let RowKind::Lane(lane) = row.kind else { continue };
        let visits = trace.lane_visits(lane, window.clone());
        // By depth: what lies within another is painted over it.
        let mut painted_to = [f32::NEG_INFINITY; DEEPEST + 1];
        for visit in visits.iter().filter(|visit| visit.end > window.start) {
            let painted_to = &mut painted_to[usize::from(visit.depth).min(DEEPEST)];
            let left = frame.scale.x(visit.start as f64).max(frame.plot.left());
            let right = frame.scale.x(visit.end as f64).min(frame.plot.right());
            // Nothing that would lie wholly within a pixel already painted.
            if right <= *painted_to {
                continue;
            }
            *painted_to = right.max(left + 1.0);
            let top = row.rect.top() + 1.0 + (HEIGHT - 1.0) * f32::from(visit.depth.min(1));
            let x = Rangef::new(left, *painted_to);
            let bar = Rect::from_x_y_ranges(x, Rangef::new(top, top + HEIGHT));
            mesh.add_colored_rect(bar, colour(frame.palette, trace.span_of(visit.span)));
        }
    }
    let messages = trace.messages();
    let at = |time| messages.partition_point(|message| message.time < time);
    let messages = &messages[at(window.start)..at(window.end)];
    for message in messages.iter().step_by(messages.len().div_ceil(MOST_MESSAGES).max(1)) {
        let lane = RowKind::Lane(message.lane);
        let Some(row) = frame.rows.iter().find(|row| row.kind == lane) else { continue };
        let x = frame.scale.x(message.time as f64);
        let y = Rangef::new(row.rect.top(), row.rect.top() + 2.0 * HEIGHT);
        let tick = Rect::from_x_y_ranges(Rangef::new(x - TICK, x + TICK), y);
        let colour = match message.level {
            Level::Error | Level::Warn => frame.palette.alarm,
            Level::Info | Level::Debug | Level::Trace => frame.palette.weak,
        };
        mesh.add_colored_rect(tick, colour);
    }
    mesh
}

/// Spans of a name have a colour, the same in every recording.
fn colour(palette: &Palette, span: &Span) -> Color32 {
    let mut hasher = DefaultHasher::new();
    span.name.hash(&mut hasher);
    palette.category(hasher.finish() as usize)
}
