//! The panel that lists the marks of a trace, where they are written about.

use egui::{Id, RichText, Role, ScrollArea, Sense, TextEdit, Ui, UiBuilder, WidgetInfo, vec2};

use super::{Mark, MarkId, export};
use crate::command::{Command, TraceCommand};
use crate::context::Context;
use crate::theme::Palette;
use crate::{time, welcome};

/// Height of a mark, in points: a line to go there, and the field with its text.
const ROW: f32 = 62.0;

/// The panel with the marks.
#[derive(Debug, Default)]
pub(crate) struct MarksPanel {
    /// The one whose field should get the focus.
    wants_focus: Option<MarkId>,
}

impl MarksPanel {
    /// Gives the field with the text of a mark the focus.
    pub(crate) fn edit(&mut self, mark: MarkId) {
        self.wants_focus = Some(mark);
    }

    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let list = &cx.open.marks;
        let marks = list.all();
        ui.horizontal_wrapped(|ui| {
            ui.label(RichText::new("Marks").size(15.0));
            ui.weak(match (list.has_file(), list.problem()) {
                (true, None) => "kept beside the trace",
                (true, Some(_)) => "not kept: they are lost when the trace is closed",
                (false, _) => "this trace has no file: they are lost when it is closed",
            });
        });
        ui.separator();
        ui.horizontal(|ui| {
            let add = Command::from(TraceCommand::AddMark);
            if ui.button(add.spec().title).on_hover_text(add.tooltip(ui.ctx())).clicked() {
                cx.send(TraceCommand::AddMark);
            }
            let copy = ui.add_enabled(!marks.is_empty(), egui::Button::new("Copy as text"));
            let about =
                "Copy the list as Markdown, with a command for each that opens the trace there";
            if copy.on_hover_text(about).clicked() {
                ui.ctx().copy_text(export::markdown(cx.open));
            }
        });
        ui.add_space(4.0);
        if let Some(problem) = list.problem() {
            welcome::notice(ui, problem);
            ui.add_space(4.0);
        }
        if marks.is_empty() {
            ui.weak("Nothing is noted yet. A mark is where the playhead is, or as long as what you dragged over.");
            return;
        }
        let mut area = ScrollArea::vertical().id_salt("marks").auto_shrink(false);
        let wanted = marks.iter().position(|mark| Some(mark.id) == self.wants_focus);
        if let Some(at) = wanted {
            // Only rows in sight have fields.
            let above = 0.5 * (ui.available_height() - ROW).max(0.0);
            let step = ROW + ui.spacing().item_spacing.y;
            area = area.vertical_scroll_offset((at as f32 * step - above).max(0.0));
        }
        area.show_rows(ui, ROW, marks.len(), |ui, rows| {
            for mark in &marks[rows] {
                let (rect, _) =
                    ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
                let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
                self.row(&mut inside, cx, mark);
            }
        });
    }

    fn row(&mut self, ui: &mut Ui, cx: &Context<'_>, mark: &Mark) {
        let at = time::exact(mark.start);
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let delete = ui.small_button("Delete");
                let label = format!("Delete the mark at {at}");
                delete.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
                if delete.clicked() {
                    cx.send(TraceCommand::RemoveMark(mark.id));
                }
                ui.with_layout(egui::Layout::left_to_right(egui::Align::Center), |ui| {
                    go(ui, cx, mark, &at);
                });
            });
        });
        let mut text = mark.text.clone();
        let field = TextEdit::singleline(&mut text)
            .id(Id::unique(("mark", cx.open.id, mark.id)))
            .hint_text("What is to be seen here")
            .desired_width(f32::INFINITY);
        let response = ui.add(field);
        response.widget_info(|| {
            let label = format!("Text of the mark at {at}");
            let mut info = WidgetInfo::labeled(Role::TextInput, true, label);
            info.current_text_value = Some(mark.text.clone());
            info
        });
        if response.changed() {
            cx.send(TraceCommand::EditMark(mark.id, text));
        }
        if self.wants_focus == Some(mark.id) {
            self.wants_focus = None;
            response.request_focus();
        }
    }
}

/// Time, length and task of a mark: a click goes there.
fn go(ui: &mut Ui, cx: &Context<'_>, mark: &Mark, at: &str) {
    let is_current = cx.open.marks.current() == Some(mark.id);
    let palette = Palette::get(ui);
    let colour = if is_current { palette.accent } else { palette.text };
    let link = egui::Link::new(RichText::new(at).color(colour));
    let response = ui.add(link).on_hover_text("Go there");
    let label = format!("Go to the mark at {at}");
    response.widget_info(|| WidgetInfo::labeled(Role::Link, true, &label));
    if response.clicked() {
        cx.send(TraceCommand::GoToMark(mark.id));
    }
    if let Some(beside) = export::beside(cx.open, mark) {
        ui.add(egui::Label::new(RichText::new(beside).weak()).truncate());
    }
}
