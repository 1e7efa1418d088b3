//! Which rows the timeline has, and where they are.
//!
//! The rows of the tree (`outline.rs`) lie below one another, and of the tasks of a place only those are made that
//! can be seen.

use egui::{Painter, Rangef, Rect, pos2, vec2};
use taskscope_model::{LaneIx, TaskIx};

use super::Frame;
use super::groups::GroupKey;
use super::outline::{Block, BlockRows, Fold};
use crate::context::Context;
use crate::prepared::ColourBy;

const HEADING: f32 = 28.0;
const GAP: f32 = 6.0;
const STATES: f32 = 44.0;
/// Height of a task's lane, with the gap below it.
const TASK: f32 = 24.0;
const TASK_GAP: f32 = 3.0;
/// Height of a row with a curve.
const CURVE: f32 = 40.0;
pub(super) const LEGEND_ROW: f32 = 20.0;
pub(super) const MOST_LEGEND_ROWS: usize = 8;

/// What a row shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowKind {
    /// A runtime's name, or that what follows are other threads.
    Heading,
    Lane(LaneIx),
    /// How many threads of the blocking pool are busy, while it is folded.
    Pool,
    /// The states of the selected task.
    States,
    /// That the lanes of tasks follow, and what the colours of states mean.
    Tasks,
    /// How many tasks of a group are in which state; of all, where there is no group.
    Curve(Option<GroupKey>),
    /// The states of a task.
    Task(TaskIx),
    /// What the colours mean.
    Legend,
}

impl RowKind {
    /// Whether it is that of a spawn place.
    pub(super) fn is_of_place(&self) -> bool {
        matches!(self, Self::Curve(Some(GroupKey::Place(_))))
    }
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
    /// What a click on its name folds or unfolds, and whether that is folded.
    pub(super) fold: Option<(Fold, bool)>,
}

/// How high the rows are.
pub(super) struct Heights {
    lane: f32,
    legend: f32,
    pub(super) total: f32,
}

impl Heights {
    /// Of a row without the gap below it, and of that.
    fn of(&self, kind: RowKind) -> (f32, f32) {
        match kind {
            RowKind::Heading | RowKind::Tasks => (HEADING, 0.0),
            RowKind::Lane(_) => (self.lane, GAP),
            RowKind::States => (STATES, GAP),
            RowKind::Pool | RowKind::Curve(_) => (CURVE, GAP),
            RowKind::Task(_) => (TASK - TASK_GAP, TASK_GAP),
            RowKind::Legend => (self.legend, 0.0),
        }
    }

    fn of_block(&self, block: &Block) -> f32 {
        match &block.rows {
            BlockRows::One(kind) => {
                let (height, gap) = self.of(*kind);
                height + gap
            }
            BlockRows::Tasks(tasks) => tasks.len() as f32 * TASK + GAP,
        }
    }
}

/// Whether the colours of places are explained by the rows of these places.
pub(super) fn names_places(blocks: &[Block]) -> bool {
    let of_place = RowKind::is_of_place;
    blocks.iter().any(|block| matches!(&block.rows, BlockRows::One(kind) if of_place(kind)))
}

fn legend_height(cx: &Context<'_>, blocks: &[Block]) -> f32 {
    // A title, the places or the words for "each task", and the parked mark.
    let places = match cx.open.colour_by {
        // Three lengths.
        ColourBy::Length => 3,
        _ if names_places(blocks) => 0,
        _ => cx.prepared().places.len(),
    };
    let rows = places.min(MOST_LEGEND_ROWS) + 2;
    rows as f32 * LEGEND_ROW + 12.0
}

/// Shares the height among the rows: lanes of workers grow to fill it, within reason.
pub(super) fn heights(cx: &Context<'_>, blocks: &[Block], available: f32) -> Heights {
    let is_lane = |block: &&Block| matches!(block.rows, BlockRows::One(RowKind::Lane(_)));
    let lanes = blocks.iter().filter(is_lane).count();
    let mut heights = Heights { lane: 0.0, legend: legend_height(cx, blocks), total: 0.0 };
    let total = |heights: &Heights| blocks.iter().map(|block| heights.of_block(block)).sum::<f32>();
    let without = total(&heights);
    heights.lane = ((available - without) / lanes.max(1) as f32).clamp(34.0, 76.0);
    heights.total = total(&heights);
    heights
}

/// Puts the rows below one another; of the tasks' those that touch `sight`.
pub(super) fn place(
    blocks: Vec<Block>,
    cx: &Context<'_>,
    area: Rect,
    (plot, sight): (Rangef, Rangef),
    heights: &Heights,
) -> Vec<Row> {
    let mut top = area.top();
    let mut rows = Vec::new();
    for block in blocks {
        let Block { name, detail, fold, .. } = block;
        let mut push = |top: f32, kind: RowKind, (name, detail): (String, String)| {
            let (height, _) = heights.of(kind);
            let rect = Rect::from_min_size(pos2(area.left(), top), vec2(area.width(), height));
            let header = Rect::from_x_y_ranges(Rangef::new(area.left(), plot.min), rect.y_range());
            rows.push(Row { kind, rect, header, name, detail, fold });
        };
        match &block.rows {
            BlockRows::One(kind) => {
                let (height, gap) = heights.of(*kind);
                push(top, *kind, (name, detail));
                top += height + gap;
            }
            BlockRows::Tasks(tasks) => {
                let row = |y: f32| ((y - top) / TASK).clamp(0.0, tasks.len() as f32);
                let (first, last) = (row(sight.min).floor(), row(sight.max).ceil());
                for number in first as usize..last as usize {
                    let task = tasks[number];
                    let hops = cx.trace().task(task).hop_count();
                    let detail = match hops {
                        0 => String::new(),
                        hops => crate::time::plural(hops.into(), "hop"),
                    };
                    let texts = (cx.trace().task_name(task), detail);
                    push(top + number as f32 * TASK, RowKind::Task(task), texts);
                }
                top += tasks.len() as f32 * TASK + GAP;
            }
        }
    }
    rows
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
        let colour = match row.kind {
            RowKind::Lane(_) | RowKind::States | RowKind::Pool | RowKind::Curve(_) => {
                frame.palette.lane
            }
            RowKind::Task(task) if frame.cx.open.selected == Some(task) => frame.palette.selected,
            RowKind::Task(_) => frame.palette.lane,
            RowKind::Heading | RowKind::Tasks | RowKind::Legend => continue,
        };
        painter.rect_filled(Rect::from_x_y_ranges(x, row.rect.y_range()), 0.0, colour);
    }
}
