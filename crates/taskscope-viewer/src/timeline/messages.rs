//! What the program said, written out below the lanes: for lessons, whose programs say what they see.
//!
//! A tick on a lane tells that something was said there. A class wants to read it. There is no room in a lane, so the words
//! stand below all of them, on a line that leads down from the tick. Only what was said up to the playhead is
//! there: the words come as time goes on.

use egui::{Align2, FontId, Painter, Rect, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};
use taskscope_model::{Message, Nanos};

use super::Frame;
use super::rows::RowKind;

/// The last so many are written out.
const MOST: usize = 8;
const SIZE: f32 = 14.0;
/// From one row of words to the next.
const ROW: f32 = 27.0;
/// Around the words.
const MARGIN: egui::Vec2 = vec2(7.0, 3.0);

/// Words that were painted.
#[derive(Debug)]
pub(super) struct Said {
    rect: Rect,
    text: String,
}

/// Writes out what was said up to the playhead, as far as there is room below the rows.
pub(super) fn paint(painter: &Painter, frame: &Frame<'_>) -> Vec<Said> {
    if !frame.cx.open.writes_messages {
        return Vec::new();
    }
    let (trace, window) = (frame.cx.trace(), frame.cx.view.range());
    // What is said at the playhead was said.
    let now = frame.cx.replay.moment().saturating_add(1);
    let until: Nanos = window.end.min(now);
    let places = trace.messages_between(window.start..until.max(window.start));
    // A legend has nothing below the axis of time.
    let rows = frame.rows.iter().filter(|row| row.kind != RowKind::Legend);
    let top = rows.map(|row| row.rect.bottom()).fold(frame.plot.top(), f32::max);
    let mut said: Vec<Said> = Vec::new();
    let mut lines = Vec::new();
    // The last on top: so the line of none leads through the words of one before.
    for message in places.rev().take(MOST).filter_map(|place| trace.message(place)) {
        let Some(from) = tick(frame, message) else { continue };
        let text = message.text.to_string();
        let galley = painter.layout_no_wrap(
            spoken(&text).to_owned(),
            FontId::proportional(SIZE),
            frame.palette.text,
        );
        let size = galley.size() + 2.0 * MARGIN;
        // Beside its line: behind it, or before it where it would not fit.
        let fits = from.x + size.x < frame.plot.right();
        let left = if fits { from.x } else { (from.x - size.x).max(frame.plot.left()) };
        let rect =
            |row: usize| Rect::from_min_size(pos2(left, top + 10.0 + ROW * row as f32), size);
        let is_free = |rect: &Rect| !said.iter().any(|other| other.rect.intersects(*rect));
        let rect = (0..MOST).map(rect).find(is_free);
        let Some(rect) = rect.filter(|rect| rect.bottom() < frame.plot.bottom()) else { continue };
        lines.push((from, rect.top()));
        said.push(Said { rect, text });
    }
    for (from, to) in lines {
        painter.vline(from.x, from.y..=to, Stroke::new(1.5, frame.palette.weak));
    }
    for Said { rect, text } in &said {
        painter.rect_filled(*rect, 4.0, frame.palette.field);
        let at = rect.min + MARGIN;
        let font = FontId::proportional(SIZE);
        painter.text(at, Align2::LEFT_TOP, spoken(text), font, frame.palette.text);
    }
    said
}

/// The words of a message without the fields behind them, which are for claims; all of it where it has no words.
fn spoken(text: &str) -> &str {
    let is_field = |word: &str| {
        let name = word.split_once('=').map_or("", |(name, _)| name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.".contains(c))
    };
    let mut words = text;
    while let Some((before, _)) = words.rsplit_once(' ').filter(|(_, last)| is_field(last)) {
        words = before;
    }
    if is_field(words) { text } else { words }
}

/// Where the tick of a message is.
fn tick(frame: &Frame<'_>, message: &Message) -> Option<egui::Pos2> {
    let row = frame.rows.iter().find(|row| row.kind == RowKind::Lane(message.lane))?;
    let x = frame.scale.x(message.time as f64);
    frame.plot.x_range().contains(x).then(|| pos2(x, row.rect.top()))
}

/// Gives the words nodes for screen readers and tests.
pub(super) fn announce(ui: &Ui, said: &[Said]) {
    for (number, Said { rect, text }) in said.iter().enumerate() {
        let response = ui.interact(*rect, ui.scope_id().with(("said", number)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, text));
    }
}
