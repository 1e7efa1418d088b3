//! The list of a task's polls.

use std::ops::Range;

use egui::text::{LayoutJob, TextWrapping};
use egui::{Color32, FontId, RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use taskscope_model::{PollEnd, PollIx, TaskIx};

use crate::context::Context;
use crate::theme::Palette;
use crate::{labels, task_polls, time};

/// The list is at least this high; in a low window one scrolls to it.
const LEAST_HEIGHT: f32 = 150.0;

/// Height of a row.
const ROW: f32 = 20.0;

/// Shows the list down to `bottom`. A click puts the playhead at a poll.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, ix: TaskIx, bottom: f32) {
    let count = task_polls::count(cx.trace(), ix);
    ui.label(RichText::new("Polls").size(15.0));
    ui.separator();
    let current = cx.current_poll();
    let mut clicked = None;
    let room = (bottom - ui.cursor().top() - 4.0).max(LEAST_HEIGHT);
    let mut list =
        ScrollArea::vertical().id_salt(("polls", ix)).auto_shrink(false).max_height(room);
    if let Some(offset) = offset_to(ui, cx, ix, current, room) {
        list = list.vertical_scroll_offset(offset);
    }
    list.show_rows(ui, ROW, count, |ui, rows| {
        let starts = starts(cx, ix, rows.clone());
        for (poll, start) in task_polls::with_positions(cx.trace(), ix, rows).zip(&starts) {
            if poll_row(ui, cx, poll, Some(poll) == current, start) {
                clicked = Some(cx.trace().poll(poll).start);
            }
        }
    });
    if let Some(moment) = clicked {
        cx.seek(moment as f64);
    }
}

/// How far the list must be scrolled to show the poll at the playhead, if it has just become
/// that: a user who scrolls away afterwards is left alone.
fn offset_to(
    ui: &Ui,
    cx: &Context<'_>,
    ix: TaskIx,
    current: Option<PollIx>,
    room: f32,
) -> Option<f32> {
    let id = ui.scope_id().with("poll at the playhead");
    let before = ui.data_mut(|data| data.get_temp::<(TaskIx, Option<PollIx>)>(id));
    if before == Some((ix, current)) {
        return None;
    }
    ui.data_mut(|data| data.insert_temp(id, (ix, current)));
    let start = cx.trace().poll(current?).start;
    let row = task_polls::begun_before(cx.trace(), ix, start);
    let height = ROW + ui.spacing().item_spacing.y;
    Some((row as f32 * height - (room - ROW) / 2.0).max(0.0))
}

/// When the polls in these rows began, told apart from one another and from their neighbours.
fn starts(cx: &Context<'_>, ix: TaskIx, rows: Range<usize>) -> Vec<String> {
    let (trace, origin) = (cx.trace(), cx.trace().span().start);
    let from = rows.start.saturating_sub(1);
    let around = task_polls::with_positions(trace, ix, from..rows.end + 1);
    let moments: Vec<u64> = around.map(|poll| trace.poll(poll).start - origin).collect();
    time::column(&moments).into_iter().skip(rows.start - from).take(rows.len()).collect()
}

/// A poll in columns; whether it was clicked.
fn poll_row(ui: &mut Ui, cx: &Context<'_>, ix: PollIx, current: bool, start: &str) -> bool {
    let palette = Palette::get(ui);
    let trace = cx.trace();
    let poll = trace.poll(ix);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let took = time::duration(poll.duration() as f64);
    let lane = trace.lane_name(poll.lane);
    let ended = match trace.poll_waits(ix).next() {
        Some(wait) if poll.how.is_wait() => {
            format!("waits: {}", trace.resource(wait.resource).operation(wait.operation))
        }
        _ => labels::poll_end(poll.how).to_owned(),
    };
    response.widget_info(|| {
        let label = format!("Poll at {start} for {took} on {lane}, {ended}");
        WidgetInfo::selected(Role::Row, true, current, label)
    });
    if current || response.hovered() {
        ui.painter().rect_filled(rect, 3.0, palette.selected);
    }
    let mono = egui::FontId::monospace(12.0);
    let text = egui::FontId::proportional(12.5);
    let painter = ui.painter();
    // From left to right, each column with the room it needs or may have.
    let mut left = rect.left() + 4.0;
    let mut column = |text: &str, font: &FontId, colour: Color32, least: f32, most: f32| {
        let mut job = LayoutJob::simple_singleline(text.to_owned(), font.clone(), colour);
        job.wrap = TextWrapping::truncate_at_width(most.max(0.0));
        let galley = painter.layout_job(job);
        let width = galley.size().x.max(least);
        // Figures end at the same place, words begin at the same.
        let indent = if *font == mono { width - galley.size().x } else { 0.0 };
        let at = egui::pos2(left + indent, rect.center().y - galley.size().y / 2.0);
        painter.galley(at, galley, colour);
        left += width + 10.0;
        rect.right() - left
    };
    let ended_colour = match poll.how {
        PollEnd::Panicked => palette.alarm,
        _ => palette.weak,
    };
    column(start, &mono, palette.weak, 64.0, f32::INFINITY);
    let room = column(&took, &mono, palette.text, 56.0, f32::INFINITY);
    // Threads of the blocking pool have long names.
    let room = column(&lane, &text, palette.text, 54.0, (0.5 * room).min(90.0));
    column(&ended, &text, ended_colour, 0.0, room);
    let clicked = response.clicked();
    response.on_hover_text(format!("{lane}, {ended}"));
    clicked
}
