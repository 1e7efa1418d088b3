//! Rows that stand for many tasks or threads at once: how many were in which state, column by column.
//!
//! A row asks when it is seen, and shows its last answer, where that lies on the screen by now, until the next is
//! there. It is as high as the most that lived or were busy at once in what was asked for.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use egui::{Align2, FontId, Mesh, Painter, Rangef, Rect, Shape, pos2};
use taskscope_model::questions::{Curves, Group, curves, curves_of};
use taskscope_model::{LaneIx, Nanos, State};

use super::Frame;
use super::groups::{GroupKey, Groups};
use super::outline::Outline;
use super::rows::{Row, RowKind};
use crate::busy::busy_lanes;
use crate::jobs::Question;
use crate::theme::Palette;
use crate::time;
use crate::time_view::TimeView;

/// Width of a column, in points.
const COLUMN: f32 = 3.0;
/// From the bottom to the top.
const ORDER: [State; 4] = [State::Running, State::Scheduled, State::Deferred, State::Waiting];

/// Into how many columns which time is divided.
#[derive(Clone, Debug, PartialEq)]
struct Asked {
    window: Range<Nanos>,
    columns: usize,
    is_whole: bool,
}

impl Asked {
    fn grows(&self, other: &Self) -> bool {
        self.is_whole && other.is_whole && self.columns == other.columns
    }
}

/// What a row's mesh depends on: which answer, and where it lies on the screen.
#[derive(Clone, Debug, PartialEq)]
struct Drawn {
    revision: u64,
    asked: Asked,
    view: TimeView,
    row: Rect,
    plot: Rect,
    palette: Palette,
}

/// The states of the tasks of a group, or of all.
#[derive(Debug, Default)]
struct OfTasks {
    question: Question<Asked, Option<Curves>>,
    /// Its columns as rectangles, and how many tasks lived at once: while nothing moves they are not made anew.
    mesh: Option<(Drawn, Arc<Mesh>, u64)>,
}

/// What rows for many tasks show, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct CurveRows {
    tasks: HashMap<Option<GroupKey>, OfTasks>,
    pool: Question<Asked, Vec<f32>>,
}

impl CurveRows {
    /// Paints all such rows that are in sight.
    pub(super) fn paint(&mut self, painter: &Painter, frame: &Frame<'_>, outline: &Outline) {
        let seen = painter.clip_rect();
        for row in frame.rows.iter().filter(|row| seen.intersects(row.rect)) {
            match row.kind {
                RowKind::Curve(of) => {
                    let groups = outline.groups();
                    self.paint_tasks(painter, frame, row, (of, groups));
                }
                RowKind::Pool => self.paint_pool(painter, frame, row),
                _ => {}
            }
        }
    }

    /// The states of the tasks of a group, or of all.
    fn paint_tasks(
        &mut self,
        painter: &Painter,
        frame: &Frame<'_>,
        row: &Row,
        (key, groups): (Option<GroupKey>, Option<Arc<Groups>>),
    ) {
        let asked = asked(frame);
        let trace = frame.cx.open.trace_for_jobs();
        let activity = frame.cx.open.activity_for_jobs();
        let Asked { window, columns, .. } = asked.clone();
        let work = || async move {
            let activity = activity.as_deref();
            match key {
                None => curves(&trace, activity, Group::All, window, columns).await,
                Some(GroupKey::Place(Some(place))) => {
                    curves(&trace, activity, Group::Place(place), window, columns).await
                }
                Some(key) => {
                    let groups = groups?;
                    curves_of(&trace, &groups.get(key)?.tasks, window, columns).await
                }
            }
        };
        let of = self.tasks.entry(key).or_default();
        let (jobs, snapshot) = (frame.cx.jobs, frame.cx.open.snapshot());
        let Some(answer) = of.question.ask_on(jobs, snapshot, &asked, Asked::grows, work) else {
            return;
        };
        let Some(curves) = &answer.value else {
            let painter = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
            return say(&painter, frame, row, "too many polls for a curve");
        };
        let drawn = Drawn {
            revision: answer.revision,
            asked: answer.key.clone(),
            view: frame.cx.view,
            row: row.rect,
            plot: frame.plot,
            palette: *frame.palette,
        };
        let known = of.mesh.take().filter(|(of, _, _)| *of == drawn);
        let (_, mesh, most) = of.mesh.insert(known.unwrap_or_else(|| {
            let (mesh, most) = columns_of(frame, row, curves);
            (drawn, Arc::new(mesh), most)
        }));
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
        painter.add(Shape::mesh(mesh.clone()));
        let most = time::plural(*most, "task");
        say(&painter, frame, row, &format!("up to {most} at once"));
    }

    /// How many threads of the blocking pool were busy.
    fn paint_pool(&mut self, painter: &Painter, frame: &Frame<'_>, row: &Row) {
        let asked = asked(frame);
        let trace = frame.cx.open.trace_for_jobs();
        let Asked { window, columns, .. } = asked.clone();
        let work = || async move {
            let lanes = (0..trace.lanes().len() as u16).map(LaneIx);
            let pool: Vec<LaneIx> = lanes.filter(|&lane| trace.is_pool(lane)).collect();
            busy_lanes(&trace, &pool, window.start as f64..window.end as f64, columns).await
        };
        let (jobs, snapshot) = (frame.cx.jobs, frame.cx.open.snapshot());
        let Some(answer) = self.pool.ask_on(jobs, snapshot, &asked, Asked::grows, work) else {
            return;
        };
        let most = answer.value.iter().copied().fold(0.0, f32::max).ceil();
        let Asked { window, columns, .. } = &answer.key;
        let mut mesh = Mesh::default();
        for (column, &busy) in (0..).zip(&answer.value) {
            let busy = (0.0, f64::from(busy));
            let times = edge(window, *columns, column)..edge(window, *columns, column + 1);
            if let Some(bar) = bar(frame, row, times, busy, most.into()) {
                mesh.add_colored_rect(bar, frame.palette.state(State::Running));
            }
        }
        let painter = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
        painter.add(Shape::mesh(mesh));
        let most = time::plural(most as u64, "thread");
        say(&painter, frame, row, &format!("up to {most} busy at once"));
    }
}

/// The columns of a row, and how many tasks lived at once at most.
fn columns_of(frame: &Frame<'_>, row: &Row, curves: &Curves) -> (Mesh, u64) {
    let most = (0..curves.len()).map(|column| curves.alive(column)).fold(0.0, f64::max);
    let mut mesh = Mesh::default();
    for column in 0..curves.len() {
        let mut below = 0.0;
        for state in ORDER {
            let tasks = curves.tasks(column, state);
            if let Some(bar) = bar(frame, row, curves.times(column), (below, tasks), most) {
                mesh.add_colored_rect(bar, frame.palette.state(state));
            }
            below += tasks;
        }
    }
    (mesh, most.round() as u64)
}

fn asked(frame: &Frame<'_>) -> Asked {
    let view = &frame.cx.view;
    let columns = (frame.plot.width() / COLUMN).max(1.0) as usize;
    Asked { window: view.range(), columns, is_whole: view.is_whole() }
}

/// A part of a column: from so many tasks on, so many.
fn bar(
    frame: &Frame<'_>,
    row: &Row,
    times: Range<Nanos>,
    (below, tasks): (f64, f64),
    most: f64,
) -> Option<Rect> {
    let height = |tasks: f64| (tasks / most.max(1.0)) as f32 * (row.rect.height() - 4.0);
    let x = Rangef::new(frame.scale.x(times.start as f64), frame.scale.x(times.end as f64));
    let bottom = row.rect.bottom() - height(below);
    let rect = Rect::from_x_y_ranges(x, Rangef::new(bottom - height(tasks), bottom));
    (tasks > 0.0 && rect.is_positive()).then_some(rect)
}

/// What the height of a row means, in its corner.
fn say(painter: &Painter, frame: &Frame<'_>, row: &Row, text: &str) {
    let font = FontId::proportional(10.5);
    let galley = painter.layout_no_wrap(text.to_owned(), font, frame.palette.text);
    let at = pos2(frame.plot.right() - 6.0, row.rect.top() + 3.0);
    let rect = Align2::RIGHT_TOP.anchor_size(at, galley.size());
    let ground = frame.palette.lane.gamma_multiply(0.8);
    painter.rect_filled(rect.expand(2.0), 3.0, ground);
    painter.galley(rect.min, galley, frame.palette.text);
}

/// Where a column of a window begins.
fn edge(window: &Range<Nanos>, columns: usize, column: usize) -> Nanos {
    let length = (window.end - window.start) as f64;
    window.start + (length * column as f64 / columns as f64) as Nanos
}
