//! The program's own spans, as thin bars along the upper edge of a lane, over the
//! polls that served them; and what it said, as ticks among these.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use egui::{Mesh, Rangef, Rect};
use taskscope_model::{LaneIx, Level, Nanos, Span, SpanVisit, Trace};

use super::Frame;
use crate::jobs::{self, Question, is_time_to_pause, pause};

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
    marks: Question<Asked, Marks>,
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
    /// The view reaches from the first to the last moment that there is.
    is_whole: bool,
}

impl Asked {
    /// Whether all was asked for, and all is, of a trace that has grown.
    fn grows(&self, other: &Self) -> bool {
        self.is_whole && other.is_whole && self.lanes == other.lanes
    }
}

/// Bars and ticks, in the time of the trace: they can be painted wherever that is on the screen by then.
#[derive(Debug, Default)]
struct Marks {
    bars: Vec<Bar>,
    ticks: Vec<Tick>,
}

/// A stretch in which a thread was in a span.
#[derive(Debug)]
struct Bar {
    lane: LaneIx,
    category: usize,
    start: Nanos,
    end: Nanos,
    depth: u8,
}

/// Something that was said.
#[derive(Debug)]
struct Tick {
    lane: LaneIx,
    time: Nanos,
    is_alarm: bool,
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
        profiling::scope!("spans");
        let window = frame.cx.view.range();
        let in_sight =
            |&(lane, _): &(LaneIx, Rect)| frame.cx.trace().lane_visit_count(lane, window.clone());
        let count: usize = lanes.iter().map(in_sight).sum();
        let asked = Asked {
            lanes: lanes.iter().map(|&(lane, _)| lane).collect(),
            window: window.clone(),
            pixel: frame.scale.ns_per_pixel(),
            is_whole: frame.cx.view.is_whole(),
        };
        let trace = frame.cx.open.trace_for_jobs();
        if count <= FEW {
            let marks = jobs::now(marks(trace, asked));
            return self.mesh.insert(Arc::new(paint(frame, lanes, &marks))).clone();
        }
        let (jobs, revision) = (frame.cx.jobs, frame.cx.open.revision);
        let work = || marks(trace, asked.clone());
        let answer = self.marks.ask_on(jobs, frame.cx.open.snapshot(), &asked, Asked::grows, work);
        let none = Marks::default();
        let mesh = Arc::new(paint(frame, lanes, answer.map_or(&none, |answer| &answer.value)));
        if answer.is_some_and(|answer| answer.key == asked && answer.revision == revision) {
            self.mesh = Some(mesh.clone());
        }
        mesh
    }
}

/// The bars and ticks in a window.
async fn marks(trace: Arc<Trace>, asked: Asked) -> Marks {
    let Asked { lanes, window, pixel, .. } = asked;
    let mut marks = Marks::default();
    let bars = &mut marks.bars;
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
            bars.push(Bar { lane, category: category(trace.span_of(span)), start, end, depth });
        }
    }
    let said = trace.messages_between(window);
    let step = said.len().div_ceil(MOST_MESSAGES).max(1);
    marks.ticks.extend(said.step_by(step).filter_map(|position| trace.message(position)).map(
        |message| Tick {
            lane: message.lane,
            time: message.time,
            is_alarm: matches!(message.level, Level::Error | Level::Warn),
        },
    ));
    marks
}

/// Bars, and ticks where something was said.
fn paint(frame: &Frame<'_>, lanes: &[(LaneIx, Rect)], marks: &Marks) -> Mesh {
    // By lane, where it is; thousands are painted.
    let count = lanes.iter().map(|(lane, _)| lane.get() + 1).max().unwrap_or(0);
    let mut tops = vec![None; count];
    lanes.iter().for_each(|(lane, row)| tops[lane.get()] = Some(row.top()));
    let top = |lane: LaneIx| tops.get(lane.get()).copied().flatten();
    let mut mesh = Mesh::default();
    for bar in &marks.bars {
        let Some(top) = top(bar.lane) else { continue };
        let left = frame.scale.x(bar.start as f64).max(frame.plot.left());
        let right = frame.scale.x(bar.end as f64).min(frame.plot.right());
        if right < frame.plot.left() || left > frame.plot.right() {
            continue;
        }
        let top = top + 1.0 + (HEIGHT - 1.0) * f32::from(bar.depth.min(1));
        let x = Rangef::new(left, right.max(left + 1.0));
        let bar_rect = Rect::from_x_y_ranges(x, Rangef::new(top, top + HEIGHT));
        mesh.add_colored_rect(bar_rect, frame.palette.category(bar.category));
    }
    for tick in &marks.ticks {
        let Some(top) = top(tick.lane) else { continue };
        let x = frame.scale.x(tick.time as f64);
        let y = Rangef::new(top, top + 2.0 * HEIGHT);
        let rect = Rect::from_x_y_ranges(Rangef::new(x - TICK, x + TICK), y);
        let colour = if tick.is_alarm { frame.palette.alarm } else { frame.palette.weak };
        mesh.add_colored_rect(rect, colour);
    }
    mesh
}

/// Spans of a name have a colour, the same in every recording.
fn category(span: &Span) -> usize {
    let mut hasher = DefaultHasher::new();
    span.name.hash(&mut hasher);
    hasher.finish() as usize
}
