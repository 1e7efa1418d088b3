//! The lanes of tasks: the state of each over time.
//!
//! The selected task has a high one with words, right below the workers; others have a low one where their place is
//! unfolded or they are pinned. Of a task that was polled a million times as much is looked at as there are pixels, and a
//! frame looks at tasks for some milliseconds: what it does not reach is painted as it was known, at the place where
//! that is now, and looked at in the next one.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egui::{Align2, FontId, Mesh, Painter, Rangef, Rect, Shape, Stroke, pos2, vec2};
use taskscope_model::{EndKind, State, StateSpan, TaskIx, Trace};

use super::rows::{Row, RowKind};
use super::{Frame, missing_ranges};
use crate::theme::Palette;
use crate::time_view::{Scale, TimeView};
use crate::{labels, task_polls, time};

/// So many states may lie within a pixel before the rest of them is passed over.
const MOST_SKIPPED: usize = 16;
/// For so long tasks are looked at within a frame.
const PATIENCE: Duration = Duration::from_millis(2);
/// Height of the selected task's polls.
const HIGH: f32 = 26.0;
/// So wide must a time be in which a task was ready for that to be written there,
const ROOM_FOR_TIME: f32 = 84.0;
/// and one in which it waited.
const ROOM_FOR_WAIT: f32 = 150.0;
/// Height of those of a task in a low lane.
const LOW: f32 = 17.0;

/// What lanes of tasks show, kept from frame to frame.
#[derive(Debug, Default)]
pub(super) struct TaskLanes {
    asked: Option<(u64, TimeView, Rangef)>,
    known: HashMap<TaskIx, Known>,
    /// What is painted while nothing changes, and of what it was made.
    mesh: Arc<Mesh>,
    made_of: Option<(Vec<(TaskIx, Rect)>, Palette)>,
}

#[derive(Debug)]
struct Known {
    spans: Vec<StateSpan>,
    /// Whether they are those of the view.
    is_answer: bool,
}

/// The tasks that have a lane in sight, and where.
fn in_sight_of(painter: &Painter, frame: &Frame<'_>) -> Vec<(TaskIx, Rect)> {
    let task = |row: &Row| match row.kind {
        RowKind::States => frame.cx.open.selected,
        RowKind::Task(task) => Some(task),
        _ => None,
    };
    let seen = painter.clip_rect();
    let rows = frame.rows.iter().filter(|row| seen.intersects(row.rect));
    rows.filter_map(|row| Some((task(row)?, row.rect))).collect()
}

impl TaskLanes {
    /// Paints the lanes that are in sight.
    pub(super) fn paint(&mut self, painter: &Painter, frame: &Frame<'_>) {
        let rows = in_sight_of(painter, frame);
        let is_whole = self.look(frame, &rows);
        let made_of = (rows, *frame.palette);
        if !is_whole || self.made_of.as_ref() != Some(&made_of) {
            let mut mesh = Mesh::default();
            for (span, rect) in self.bars(frame, &made_of.0) {
                mesh.add_colored_rect(rect, frame.palette.state(span.state));
            }
            self.mesh = Arc::new(mesh);
            // One that is not whole is made again.
            self.made_of = is_whole.then(|| made_of.clone());
        }
        let clipped = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
        clipped.add(Shape::mesh(self.mesh.clone()));
        for &(task, row) in &made_of.0 {
            for (span, rect) in self.bars(frame, &[(task, row)]) {
                label(&clipped, frame, task, &span, rect);
            }
        }
        for &(task, rect) in &made_of.0 {
            paint_end(&clipped, frame, task, rect);
        }
    }

    /// Looks at tasks of which what is in view is not known, as long as there is time; says whether all are
    /// known.
    fn look(&mut self, frame: &Frame<'_>, rows: &[(TaskIx, Rect)]) -> bool {
        let cx = frame.cx;
        let asked = (cx.open.revision, cx.view, frame.plot.x_range());
        if self.asked != Some(asked) {
            self.known.retain(|task, _| rows.iter().any(|(row, _)| row == task));
            self.known.values_mut().for_each(|known| known.is_answer = false);
            self.asked = Some(asked);
            self.made_of = None;
        }
        let begun = Instant::now();
        let mut is_whole = true;
        for &(task, _) in rows {
            if self.known.get(&task).is_some_and(|known| known.is_answer) {
                continue;
            }
            if cx.jobs.work_aside() && begun.elapsed() > PATIENCE {
                is_whole = false;
                continue;
            }
            let spans = in_sight(cx.trace(), task, &cx.view, &frame.scale, frame.plot.x_range());
            let spans = spans.into_iter().map(|(span, _)| span).collect();
            self.known.insert(task, Known { spans, is_answer: true });
        }
        if !is_whole {
            cx.jobs.repaint();
        }
        is_whole
    }

    /// What was known, where it is on the screen.
    fn bars(
        &self,
        frame: &Frame<'_>,
        rows: &[(TaskIx, Rect)],
    ) -> impl Iterator<Item = (StateSpan, Rect)> {
        let plot = frame.plot.x_range();
        rows.iter().flat_map(move |(task, row)| {
            let spans = self.known.get(task).map_or(&[][..], |known| &known.spans);
            spans.iter().filter_map(move |span| {
                let left = frame.scale.x(span.start as f64).max(plot.min);
                let right = frame.scale.x(span.end as f64).min(plot.max).max(left + 1.0);
                let half = half_height(span.state, row.height());
                let middle = row.center().y;
                let y = Rangef::new(middle - half, middle + half);
                (left <= plot.max && right >= plot.min)
                    .then(|| (*span, Rect::from_x_y_ranges(Rangef::new(left, right), y)))
            })
        })
    }
}

/// Half the height of a state in a lane of some height.
fn half_height(state: State, lane: f32) -> f32 {
    let full = if lane > HIGH + 8.0 { HIGH } else { LOW };
    let part = match state {
        State::Running => 1.0,
        State::Scheduled => 0.62,
        State::Deferred => 0.42,
        // Hatched over the whole height.
        State::Unknown => 0.0,
        State::Waiting | State::Idle => 0.23,
    };
    0.5 * full * part
}

/// What a state is, where there is room for it: on which worker a poll is, for how long a task was ready, what it waits for.
fn label(painter: &Painter, frame: &Frame<'_>, task: TaskIx, span: &StateSpan, rect: Rect) {
    let trace = frame.cx.trace();
    if span.state == State::Unknown {
        missing_ranges::hatch(painter, frame, rect.expand2(vec2(0.0, 0.5 * LOW)));
    }
    if rect.width() < 13.0 {
        return;
    }
    let lasted = || time::duration((span.end - span.start) as f64);
    let colour = frame.palette.on(frame.palette.state(span.state));
    let (text, size, colour) = match (span.state, span.poll) {
        (State::Running, Some(poll)) => {
            let name = trace.lane_name(trace.poll(poll).lane);
            let short = name.strip_prefix("worker ").map(str::to_owned);
            (short.filter(|_| rect.width() < 64.0).unwrap_or(name), 11.0, colour)
        }
        (State::Scheduled, _) if rect.width() > ROOM_FOR_TIME => {
            (format!("scheduled {}", lasted()), 9.5, colour)
        }
        (State::Waiting, _) if rect.width() > ROOM_FOR_WAIT => {
            let before = task_polls::last_begun(trace, task, span.start);
            let Some(what) = before.and_then(|before| labels::waited_for(trace, before)) else {
                return;
            };
            // Whoever is asked how it goes on is not told how long.
            let is_ahead = frame.cx.open.guesses && span.end > frame.cx.replay.moment();
            let text = match is_ahead {
                true => format!("waits for {what}"),
                false => format!("waits {} for {what}", lasted()),
            };
            (text, 10.5, frame.palette.weak)
        }
        _ => return,
    };
    let galley = painter.layout_no_wrap(text, FontId::proportional(size), colour);
    if galley.size().x + 2.0 < rect.width() {
        let place = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size());
        if span.state == State::Waiting {
            // Its bar is a line: the words stand in a gap of it.
            painter.rect_filled(place.expand2(vec2(5.0, 0.0)), 0.0, frame.palette.lane);
        }
        painter.galley(place.min, galley, colour);
    }
}

/// How the task ended, where it did: an edge, and a word beside it.
fn paint_end(painter: &Painter, frame: &Frame<'_>, task: TaskIx, row: Rect) {
    let Some(end) = frame.cx.trace().task(task).end else { return };
    let (x, y) = (frame.scale.x(end.time as f64), row.center().y);
    if !frame.plot.x_range().contains(x) {
        return;
    }
    let colour = match end.kind {
        EndKind::Returned => frame.palette.text,
        _ => frame.palette.alarm,
    };
    if row.height() < HIGH + 8.0 {
        return paint_low_end(painter, (x, y), end.kind, frame.palette);
    }
    painter.vline(x, y - 16.0..=y + 16.0, Stroke::new(2.0, colour));
    let text = labels::task_end(Some(end));
    let galley = painter.layout_no_wrap(text, FontId::proportional(12.5), colour);
    let size = galley.size();
    let at = if x + 6.0 + size.x < frame.plot.right() {
        x + 6.0
    } else {
        // Before the edge, unless it would hide a poll.
        let before = x - 6.0 - size.x;
        let last = frame.cx.trace().task_polls(task).last();
        let polled = last.map(|poll| frame.scale.x(frame.cx.trace().poll(poll).end as f64));
        if polled.is_some_and(|polled| polled > before) {
            return;
        }
        before
    };
    let at = pos2(at, y - 0.5 * size.y);
    let ground = Rect::from_min_size(at, size).expand2(vec2(4.0, 1.0));
    painter.rect_filled(ground, 3.0, frame.palette.lane);
    painter.galley(at, galley, colour);
}

/// The end in a low lane: an edge for what returned, a cross for a panic, a ring for what was cancelled.
fn paint_low_end(painter: &Painter, (x, y): (f32, f32), kind: EndKind, palette: &Palette) {
    let half = 0.5 * LOW;
    match kind {
        EndKind::Returned => {
            painter.vline(x, y - half..=y + half, Stroke::new(2.0, palette.text));
        }
        EndKind::Panicked => {
            let stroke = Stroke::new(2.4, palette.alarm);
            for side in [-1.0, 1.0] {
                let arm = vec2(5.0, side * 5.0);
                painter.line_segment([pos2(x, y) - arm, pos2(x, y) + arm], stroke);
            }
        }
        _ => {
            painter.circle(pos2(x, y), 4.5, palette.lane, Stroke::new(2.0, palette.alarm));
        }
    }
}

/// The states in view that are seen, and where each is painted.
///
/// Where many lie within a pixel, it goes on behind them, so that it takes no longer however
/// often the task was polled.
fn in_sight(
    trace: &Trace,
    task: TaskIx,
    view: &TimeView,
    scale: &Scale,
    plot: Rangef,
) -> Vec<(StateSpan, Rangef)> {
    let last = view.end();
    let mut seen = Vec::new();
    let mut painted_to = f32::NEG_INFINITY;
    let mut skipped = 0;
    let mut spans = trace.states_from(task, view.range().start);
    while let Some(span) = spans.next().filter(|span| (span.start as f64) < last) {
        let left = scale.x(span.start as f64).max(plot.min);
        let right = scale.x(span.end as f64).min(plot.max);
        // Nothing that would lie wholly within a pixel already painted.
        if right <= painted_to {
            skipped += 1;
            let behind = scale.moment(painted_to).max(0.0) as u64;
            if skipped >= MOST_SKIPPED && behind > span.end {
                skipped = 0;
                spans = trace.states_from(task, behind);
            }
            continue;
        }
        skipped = 0;
        painted_to = right.max(left + 1.0);
        seen.push((span, Rangef::new(left, painted_to)));
    }
    seen
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taskscope_format::{
        Encoder, Event, FileWriter, PollResult, RuntimeId, Source, TaskId, ThreadId,
    };

    use super::*;

    /// A task that is polled again and again, with these pauses and durations.
    fn polled(times: &[(u64, u64)]) -> Trace {
        let (mut encoder, mut bytes) = (Encoder::new(), Vec::new());
        let mut time = 0;
        encoder.sync(time, &mut bytes);
        encoder.event(time, &Event::Worker(Some((RuntimeId(0), 0))), &mut bytes);
        for &(pause, duration) in times {
            time += pause;
            let start = Event::PollStart { task: TaskId(1), source: Source::Hook };
            encoder.event(time, &start, &mut bytes);
            time += duration;
            let end = Event::PollEnd { result: PollResult::Pending, kept_waker: true };
            encoder.event(time, &end, &mut bytes);
        }
        let mut writer = FileWriter::new(Vec::new(), 0).unwrap();
        writer.block(ThreadId(0), &bytes).unwrap();
        Trace::from_bytes(&writer.finish().unwrap()).unwrap()
    }

    /// The same by looking at each state.
    fn one_by_one(trace: &Trace, scale: &Scale, view: &TimeView, plot: Rangef) -> Vec<StateSpan> {
        let mut painted_to = f32::NEG_INFINITY;
        let mut seen: Vec<StateSpan> = trace.states_from(TaskIx(0), view.range().start).collect();
        seen.retain(|span| {
            let left = scale.x(span.start as f64).max(plot.min);
            let right = scale.x(span.end as f64).min(plot.max);
            let is_seen = (span.start as f64) < view.end() && right > painted_to;
            if is_seen {
                painted_to = right.max(left + 1.0);
            }
            is_seen
        });
        seen
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn what_is_passed_over_would_not_have_been_seen(
            times in prop::collection::vec(
                (prop_oneof![1..20u64, 1..2_000u64], prop_oneof![1..20u64, 1..2_000u64]), 1..2_000,
            ),
            from in 0.0..0.5f64,
            part in 0.01..0.5f64,
        ) {
            let trace = polled(&times);
            let mut view = TimeView::new(trace.span());
            let width = view.width();
            view.show(view.start() + from * width, part * width);
            let plot = Rangef::new(100.0, 300.0);
            let scale = Scale::new(&view, plot);
            let seen = in_sight(&trace, TaskIx(0), &view, &scale, plot);
            let seen: Vec<_> = seen.into_iter().map(|(span, _)| (span.state, span.start)).collect();
            let expected = one_by_one(&trace, &scale, &view, plot);
            let expected: Vec<_> = expected.into_iter().map(|span| (span.state, span.start)).collect();
            prop_assert_eq!(seen, expected);
        }
    }
}
