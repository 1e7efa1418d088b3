//! The list of a task's polls.

use egui::{RichText, Role, ScrollArea, Sense, Ui, WidgetInfo, vec2};
use taskscope_model::{PollEnd, PollIx, TaskIx};

use crate::document::Document;
use crate::theme::Palette;
use crate::{labels, time};

/// The list is at least this high; in a low window one scrolls to it.
const LEAST_HEIGHT: f32 = 150.0;

/// Shows the list down to `bottom`. A click puts the playhead at a poll.
pub(super) fn show(ui: &mut Ui, doc: &mut Document, ix: TaskIx, bottom: f32) {
    let count = doc.trace().task_polls(ix).len();
    ui.label(RichText::new("Polls").size(15.0));
    ui.separator();
    let current = doc.current_poll();
    let origin = doc.trace().span().start;
    let mut clicked = None;
    let height = 20.0;
    let room = (bottom - ui.cursor().top() - 4.0).max(LEAST_HEIGHT);
    ScrollArea::vertical().id_salt("polls").auto_shrink(false).max_height(room).show_rows(
        ui,
        height,
        count,
        |ui, rows| {
            for row in rows {
                let poll = doc.trace().task_polls(ix)[row];
                if poll_row(ui, doc, poll, Some(poll) == current, origin, height) {
                    clicked = Some(doc.trace().poll(poll).start);
                }
            }
        },
    );
    if let Some(moment) = clicked {
        doc.seek(moment as f64);
    }
}

/// A poll in columns; whether it was clicked.
fn poll_row(
    ui: &mut Ui,
    doc: &Document,
    ix: PollIx,
    current: bool,
    origin: u64,
    height: f32,
) -> bool {
    let palette = Palette::get(ui);
    let trace = doc.trace();
    let poll = trace.poll(ix);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    let start = time::duration((poll.start - origin) as f64);
    let took = time::duration(poll.duration() as f64);
    // Threads of the blocking pool have long names.
    let mut lane = trace.lane_name(poll.lane);
    if lane.chars().count() > 9 {
        lane = lane.chars().take(8).chain(['…']).collect();
    }
    let ended = match trace.poll_waits(ix) {
        [wait, ..] if poll.how.is_wait() => {
            format!("waits: {}", trace.resource(wait.resource).operation(&wait.operation))
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
    let column = |x: f32, align, text: &str, font: &egui::FontId, colour| {
        let at = egui::pos2(rect.left() + x, rect.center().y);
        ui.painter().text(at, align, text, font.clone(), colour);
    };
    let ended_colour = match poll.how {
        PollEnd::Panicked => palette.alarm,
        _ => palette.weak,
    };
    column(68.0, egui::Align2::RIGHT_CENTER, &start, &mono, palette.weak);
    column(142.0, egui::Align2::RIGHT_CENTER, &took, &mono, palette.text);
    column(152.0, egui::Align2::LEFT_CENTER, &lane, &text, palette.text);
    // The last column takes what room there is.
    let mut job = egui::text::LayoutJob::simple_singleline(ended, text, ended_colour);
    job.wrap = egui::text::TextWrapping::truncate_at_width(rect.width() - 218.0);
    let ended = ui.painter().layout_job(job);
    let at = egui::pos2(rect.left() + 214.0, rect.center().y - ended.size().y / 2.0);
    ui.painter().galley(at, ended, ended_colour);
    response.clicked()
}
