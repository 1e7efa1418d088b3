//! The program's own spans, as thin bars along the upper edge of a lane, over the
//! polls that served them; and what it said, as ticks among these.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use egui::{Color32, Mesh, Rangef, Rect};
use taskscope_model::{LaneIx, Level, Nanos, Span, SpanIx, SpanVisit, Trace};

use super::Frame;
use crate::jobs::{self, Question, is_time_to_pause, pause};
use crate::theme::Palette;

/// How far a bar reaches into the lane; a nested one lies below.
const HEIGHT: f32 = 3.0;
/// Of more messages than this in sight some are left out, evenly.
const MOST_MESSAGES: usize = 4_000;
/// Spans that lie deeper within others than this are taken to lie this deep.
const DEEPEST: usize = 7;
/// Half the width of a tick.
const TICK: f32 = 1.0;

/// Where so many spans or fewer are in sight, they are looked through at once; more are a job.
const FEW: usize = 20_000;

/// The bars, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SpanBars {
    bars: Question<Asked, Vec<Bar>>,
    /// What is in sight, until something changes.
    mesh: Option<Arc<Mesh>>,
}

/// Which bars are wanted.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    lanes: Vec<LaneIx>,
    window: Range<Nanos>,
    /// What lies wholly within so much time that is painted already is left out.
    pixel: f64,
}

/// A stretch in which a thread was in a span, in the time of the trace: it can be painted
/// wherever that is on the screen by then.
#[derive(Debug)]
struct Bar {
    lane: LaneIx,
    span: SpanIx,
    start: Nanos,
    end: Nanos,
    depth: u8,
}

impl SpanBars {
    /// Something that they depend on has changed.
    pub(super) fn forget(&mut self) {
        self.mesh = None;
    }

    /// The bars and ticks on these lanes.
    pub(super) fn mesh(&mut self, frame: &Frame<'_>, lanes: &[(LaneIx, Rect)]) -> Arc<Mesh> {
        if let Some(mesh) = &self.mesh {
            return mesh.clone();
        }
        let window = frame.cx.view.range();
        let in_sight =
            |&(lane, _): &(LaneIx, Rect)| frame.cx.trace().lane_visit_count(lane, window.clone());
        let count: usize = lanes.iter().map(in_sight).sum();
        let asked = Asked {
            lanes: lanes.iter().map(|&(lane, _)| lane).collect(),
            window: window.clone(),
            pixel: frame.scale.ns_per_pixel(),
        };
        let trace = frame.cx.open.trace_for_jobs();
        if count <= FEW {
            let bars = jobs::now(bars(trace, asked));
            return self.mesh.insert(Arc::new(paint(frame, lanes, &bars))).clone();
        }
        let (jobs, revision) = (frame.cx.jobs, frame.cx.open.revision);
        let work = || bars(trace, asked.clone());
        let answer = self.bars.ask(jobs, frame.cx.open.snapshot(), &asked, work);
        let shown = answer.map_or(&[][..], |answer| &answer.value);
        let mesh = Arc::new(paint(frame, lanes, shown));
        if answer.is_some_and(|answer| answer.key == asked && answer.revision == revision) {
            self.mesh = Some(mesh.clone());
        }
        mesh
    }
}

/// The bars in a window.
async fn bars(trace: Arc<Trace>, asked: Asked) -> Vec<Bar> {
    let Asked { lanes, window, pixel } = asked;
    let mut bars = Vec::new();
    for lane in lanes {
        // By depth: what lies within another is painted over it.
        let mut painted_to = [f64::NEG_INFINITY; DEEPEST + 1];
        for (turn, visit) in trace.lane_visits(lane, window.clone()).enumerate() {
            if is_time_to_pause(turn) {
                pause().await;
            }
            let painted_to = &mut painted_to[usize::from(visit.depth).min(DEEPEST)];
            let (start, end) = (visit.start.max(window.start) as f64, visit.end as f64);
            if visit.end <= window.start || end <= *painted_to {
                continue;
            }
            *painted_to = end.max(start + pixel);
            let SpanVisit { span, start, end, depth, .. } = visit;
            bars.push(Bar { lane, span, start, end, depth });
        }
    }
    bars
}

/// Bars, and ticks where something was said.
fn paint(frame: &Frame<'_>, lanes: &[(LaneIx, Rect)], bars: &[Bar]) -> Mesh {
    let trace = frame.cx.trace();
    let window = frame.cx.view.range();
    let mut mesh = Mesh::default();
    for bar in bars {
        let Some((_, row)) = lanes.iter().find(|(lane, _)| *lane == bar.lane) else { continue };
        let left = frame.scale.x(bar.start as f64).max(frame.plot.left());
        let right = frame.scale.x(bar.end as f64).min(frame.plot.right());
        if right < frame.plot.left() || left > frame.plot.right() {
            continue;
        }
        let top = row.top() + 1.0 + (HEIGHT - 1.0) * f32::from(bar.depth.min(1));
        let x = Rangef::new(left, right.max(left + 1.0));
        let bar_rect = Rect::from_x_y_ranges(x, Rangef::new(top, top + HEIGHT));
        mesh.add_colored_rect(bar_rect, colour(frame.palette, trace.span_of(bar.span)));
    }
    let said = trace.messages_between(window.clone());
    let step = said.len().div_ceil(MOST_MESSAGES).max(1);
    for message in said.step_by(step).filter_map(|position| trace.message(position)) {
        let Some((_, row)) = lanes.iter().find(|(lane, _)| *lane == message.lane) else {
            continue;
        };
        let x = frame.scale.x(message.time as f64);
        let y = Rangef::new(row.top(), row.top() + 2.0 * HEIGHT);
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
