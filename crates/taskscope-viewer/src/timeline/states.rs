//! The selected task's own row: its state over time.

use egui::{Align2, Color32, FontId, Mesh, Painter, Rangef, Rect, Shape, Stroke, pos2, vec2};
use taskscope_model::{EndKind, State, StateSpan, TaskIx, Trace};

use super::rows::RowKind;
use super::{Frame, missing_ranges};
use crate::labels;
use crate::time_view::{Scale, TimeView};

/// So many states may lie within a pixel before the rest of them is passed over.
const MOST_SKIPPED: usize = 16;

/// Paints the row.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) {
    let Some(task) = frame.cx.open.selected else { return };
    let Some(row) = frame.rows.iter().find(|row| row.kind == RowKind::States) else { return };
    let mut mesh = Mesh::default();
    let mut labels: Vec<(Rect, String, Color32)> = Vec::new();
    let mut hatched: Vec<Rect> = Vec::new();
    let trace = frame.cx.trace();
    for (span, x) in in_sight(trace, task, &frame.cx.view, &frame.scale, frame.plot.x_range()) {
        let colour = frame.palette.state(span.state);
        let half = match span.state {
            State::Running => 13.0,
            State::Scheduled => 8.0,
            State::Deferred => 5.5,
            // Hatched below, over the whole height.
            State::Unknown => 0.0,
            State::Waiting | State::Idle => 3.0,
        };
        let middle = row.rect.center().y;
        let rect = Rect::from_x_y_ranges(x, Rangef::new(middle - half, middle + half));
        if span.state == State::Unknown {
            hatched.push(Rect::from_x_y_ranges(rect.x_range(), row.rect.y_range()));
        }
        mesh.add_colored_rect(rect, colour);
        if let Some(poll) = span.poll
            && rect.width() > 16.0
        {
            let name = trace.lane_name(trace.poll(poll).lane);
            let name = if rect.width() > 64.0 {
                name
            } else {
                name.trim_start_matches("worker ").to_owned()
            };
            labels.push((rect, name, frame.palette.on(colour)));
        }
    }
    let clipped = painter.with_clip_rect(painter.clip_rect().intersect(frame.plot));
    clipped.add(Shape::mesh(mesh));
    hatched.iter().for_each(|&rect| missing_ranges::hatch(&clipped, frame, rect));
    for (rect, text, colour) in labels {
        let font = FontId::proportional(11.5);
        let galley = clipped.layout_no_wrap(text, font, colour);
        if galley.size().x < rect.width() {
            let at = Align2::CENTER_CENTER.anchor_size(rect.center(), galley.size()).min;
            clipped.galley(at, galley, colour);
        }
    }
    paint_end(&clipped, frame, task, row.rect);
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
