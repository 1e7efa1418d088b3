//! The field in which a search is written, what is wrong with it, and how it may go on.

use std::ops::Range;
use std::sync::Arc;

use egui::text::{CCursor, CCursorRange, LayoutJob};
use egui::{
    FontId, Id, Key, Modifiers, Popup, RichText, Role, ScrollArea, Sense, Stroke, TextBuffer,
    TextEdit, TextFormat, Ui, WidgetInfo, vec2,
};
use taskscope_model::questions::search::{Completion, complete};

use crate::command::TraceCommand;
use crate::context::Context;
use crate::theme::Palette;

/// What the field keeps from frame to frame.
#[derive(Debug, Default)]
pub(super) struct SearchField {
    /// It should get the focus.
    pub(super) wants_focus: bool,
    /// The completion that was gone to by key.
    chosen: Option<usize>,
    /// Completions were sent away, until something else is typed.
    is_dismissed: bool,
    /// Completions were shown in the last frame.
    was_open: bool,
    /// Where the cursor is, in bytes.
    cursor: usize,
    /// How the text may go on: of which snapshot, text and cursor. To look them up takes longer than a frame has.
    known: Option<(u64, String, usize, Arc<[Completion]>)>,
}

impl SearchField {
    /// Shows the field.
    pub(super) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>, width: f32) {
        let id = Id::unique(("search", cx.open.id));
        let search = &cx.open.search;
        let mut text = search.text().to_owned();
        let had_focus = ui.memory(|memory| memory.has_focus(id));
        // A press on a completion takes the focus away, and a click ends later.
        let is_pressed = ui.input(|input| input.pointer.any_down() || input.pointer.any_released());
        let is_open = had_focus || self.was_open && is_pressed;
        let completions = match is_open && !self.is_dismissed {
            true => self.completions(cx, &text),
            false => Arc::from([]),
        };
        let mut accepted = None;
        if had_focus {
            accepted = self.keys(ui, cx, &completions);
        }
        let error = search.error().map(|error| error.at.clone());
        let mut layouter = |ui: &Ui, text: &dyn TextBuffer, _: f32| layout(ui, text, &error);
        let output = TextEdit::singleline(&mut text)
            .id(id)
            .hint_text("Find: a name, poll>1ms, waits:Mutex …   /")
            .lock_focus(true)
            .layouter(&mut layouter)
            .desired_width(width)
            .show(ui);
        let response = output.response.response;
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::SearchInput, true, "Find tasks");
            info.current_text_value = Some(search.text().to_owned());
            info
        });
        if std::mem::take(&mut self.wants_focus) {
            response.request_focus();
            self.is_dismissed = false;
        }
        if let Some(range) = output.cursor_range {
            let cursor = range.primary.index;
            self.cursor = text.char_indices().nth(cursor.into()).map_or(text.len(), |(at, _)| at);
        }
        if response.changed() {
            (self.chosen, self.is_dismissed) = (None, false);
        }
        if is_open {
            accepted = accepted.or(self.popup(ui, &response, &completions));
        }
        self.was_open = is_open;
        if let Some(Completion { at, text: with, is_open, .. }) = accepted
            && text.get(at.clone()).is_some()
        {
            text.replace_range(at.clone(), &with);
            self.cursor = at.start + with.len();
            if !is_open && self.cursor == text.len() {
                text.push(' ');
                self.cursor += 1;
            }
            let cursor = CCursor::new(text[..self.cursor].chars().count());
            let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
            state.cursor.set_char_range(Some(CCursorRange::one(cursor)));
            state.store(ui.ctx(), id);
            response.request_focus();
            self.chosen = None;
        }
        if text != search.text() {
            cx.send(TraceCommand::SearchFor(text));
        }
    }

    /// How the text may go on.
    fn completions(&mut self, cx: &Context<'_>, text: &str) -> Arc<[Completion]> {
        let revision = cx.open.revision;
        if let Some((of, known, cursor, completions)) = &self.known
            && (*of, known.as_str(), *cursor) == (revision, text, self.cursor)
        {
            return completions.clone();
        }
        let completions: Arc<[Completion]> = complete(cx.trace(), text, self.cursor).into();
        self.known = Some((revision, text.to_owned(), self.cursor, completions.clone()));
        completions
    }

    /// The keys that mean something here; the completion that was taken.
    fn keys(&mut self, ui: &Ui, cx: &Context<'_>, of: &[Completion]) -> Option<Completion> {
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        if !of.is_empty() {
            let last = of.len() - 1;
            if pressed(Modifiers::NONE, Key::ArrowDown) {
                self.chosen = Some(self.chosen.map_or(0, |at| (at + 1).min(last)));
            }
            if pressed(Modifiers::NONE, Key::ArrowUp) {
                self.chosen = self.chosen.and_then(|at| at.checked_sub(1));
            }
            if pressed(Modifiers::NONE, Key::Tab) {
                return of.get(self.chosen.unwrap_or(0)).cloned();
            }
            if self.chosen.is_some() && pressed(Modifiers::NONE, Key::Enter) {
                return of.get(self.chosen.unwrap_or(0)).cloned();
            }
            if self.chosen.is_some() && pressed(Modifiers::NONE, Key::Escape) {
                (self.chosen, self.is_dismissed) = (None, true);
            }
        }
        if pressed(Modifiers::SHIFT, Key::Enter) {
            self.is_dismissed = true;
            cx.send(TraceCommand::PreviousHit);
        } else if pressed(Modifiers::NONE, Key::Enter) {
            self.is_dismissed = true;
            cx.send(TraceCommand::NextHit);
        }
        None
    }

    /// How the search may go on; what was clicked of it.
    fn popup(
        &self,
        ui: &Ui,
        field: &egui::Response,
        completions: &[Completion],
    ) -> Option<Completion> {
        if completions.is_empty() {
            return None;
        }
        let mut clicked = None;
        let palette = Palette::get(ui);
        Popup::from_response(field).open(true).width(430.0).gap(4.0).show(|ui| {
            ScrollArea::vertical().max_height(260.0).show(ui, |ui| {
                for (number, completion) in completions.iter().enumerate() {
                    let size = vec2(ui.available_width(), 20.0);
                    let (rect, row) = ui.allocate_exact_size(size, Sense::click());
                    let is_chosen = self.chosen == Some(number);
                    row.widget_info(|| {
                        let name = format!("{}  {}", completion.text, completion.about);
                        WidgetInfo::selected(Role::MenuItem, true, is_chosen, name)
                    });
                    if is_chosen || row.hovered() {
                        ui.painter().rect_filled(rect, 3.0, palette.selected);
                    }
                    if is_chosen {
                        row.scroll_to_me(None);
                    }
                    let middle = rect.left_center();
                    let painter = ui.painter_at(rect);
                    let mono = FontId::monospace(12.5);
                    let left = egui::Align2::LEFT_CENTER;
                    painter.text(
                        middle + vec2(6.0, 0.0),
                        left,
                        &completion.text,
                        mono,
                        palette.text,
                    );
                    let font = FontId::proportional(12.0);
                    painter.text(
                        middle + vec2(130.0, 0.0),
                        left,
                        &completion.about,
                        font,
                        palette.weak,
                    );
                    if row.clicked() {
                        clicked = Some(completion.clone());
                    }
                }
            });
        });
        clicked
    }
}

/// Text of which a part is wrong.
fn layout(ui: &Ui, text: &dyn TextBuffer, wrong: &Option<Range<usize>>) -> Arc<egui::Galley> {
    let palette = Palette::get(ui);
    let text = text.as_str();
    let plain = TextFormat::simple(FontId::monospace(13.0), palette.text);
    let mut job = LayoutJob::default();
    // It is of the text of the last frame, which may have been longer.
    let at = wrong.clone().filter(|at| text.get(at.clone()).is_some()).unwrap_or(0..0);
    let underlined = TextFormat { underline: Stroke::new(1.5, palette.alarm), ..plain.clone() };
    job.append(&text[..at.start], 0.0, plain.clone());
    job.append(&text[at.clone()], 0.0, underlined);
    job.append(&text[at.end..], 0.0, plain);
    job.break_on_newline = false;
    ui.fonts_mut(|fonts| fonts.layout_job(job))
}

/// What was found, in words, with buttons to go on.
pub(super) fn status(ui: &mut Ui, cx: &Context<'_>) {
    let search = &cx.open.search;
    if let Some(error) = search.error() {
        let text = RichText::new(error.to_string()).color(Palette::get(ui).alarm);
        ui.add(egui::Label::new(text).truncate());
        return;
    }
    let Some(hits) = search.hits() else { return };
    let (count, what) = match hits.is_of_stretches {
        true => (hits.count, "hit"),
        false => (hits.tasks.len() as u64, "task"),
    };
    if count == 0 {
        return;
    }
    for command in [TraceCommand::PreviousHit, TraceCommand::NextHit] {
        let sign = if command == TraceCommand::NextHit { "next" } else { "back" };
        let tooltip = crate::command::Command::from(command.clone()).tooltip(ui.ctx());
        let button = ui.small_button(sign).on_hover_text(tooltip);
        button.widget_info(|| {
            let title = crate::command::Command::from(command.clone()).spec().title;
            WidgetInfo::labeled(Role::Button, true, title)
        });
        if button.clicked() {
            cx.send(command);
        }
    }
    let counted = crate::time::plural(count, what);
    let text = match search.at() {
        Some(at) => format!("{} of {counted}", crate::time::count(at as u64 + 1)),
        None => counted,
    };
    let text = match hits.is_of_stretches && hits.are_cut() {
        true => format!("{text}, the first 2,000,000 lit"),
        false => text,
    };
    ui.label(RichText::new(text).weak());
}
