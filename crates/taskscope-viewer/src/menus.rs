//! What a right click offers on a task and on a place in the source, the same wherever they stand.

use egui::{Response, Ui};
use taskscope_model::{PlaceIx, TaskIx};

use crate::command::TraceCommand;
use crate::context::Context;
use crate::editor;

/// The menu of a task.
pub(crate) fn of_task(response: &Response, cx: &Context<'_>, task: TaskIx) {
    response.context_menu(|ui| task_items(ui, cx, task));
}

/// What can be done with a task.
pub(crate) fn task_items(ui: &mut Ui, cx: &Context<'_>, task: TaskIx) {
    let trace = cx.trace();
    let name = trace.task_name(task);
    ui.weak(&name);
    if item(ui, "Show its whole life") {
        cx.select(Some(task));
        cx.send(TraceCommand::FocusSelection);
    }
    if item(ui, "Pin below the workers, or unpin") {
        cx.select(Some(task));
        cx.send(TraceCommand::Pin);
    }
    if item(ui, "Find its polls and waits") {
        let id = trace.task(task).id;
        cx.send(TraceCommand::SearchFor(format!("id:{id}")));
    }
    if item(ui, "Copy its name") {
        crate::said::copy(ui.ctx(), name);
    }
    if item(ui, "Copy a link to it") {
        cx.select(Some(task));
        cx.send(TraceCommand::CopyLink);
    }
    if let Some(place) = trace.task(task).place {
        ui.separator();
        place_items(ui, cx, place);
    }
}

/// The menu of a place.
pub(crate) fn of_place(response: &Response, cx: &Context<'_>, place: PlaceIx) {
    response.context_menu(|ui| place_items(ui, cx, place));
}

fn place_items(ui: &mut Ui, cx: &Context<'_>, place: PlaceIx) {
    let of = cx.trace().place(place);
    ui.weak(of.short());
    if item(ui, "Find all tasks spawned here") {
        cx.send(TraceCommand::SearchFor(format!("place:\"{}\"", editor::location(of))));
    }
    if item(ui, "Copy the place") {
        crate::said::copy(ui.ctx(), editor::location(of));
    }
    if editor::named().is_some() {
        if item(ui, "Open in the editor") {
            cx.send(TraceCommand::OpenPlace(place));
        }
    } else {
        let hint = "Name an editor in TASKSCOPE_EDITOR to open it, such as `code -g` or `vim +{line} {file}`";
        ui.add_enabled(false, egui::Button::new("Open in the editor")).on_disabled_hover_text(hint);
    }
}

fn item(ui: &mut Ui, text: &str) -> bool {
    let clicked = ui.button(text).clicked();
    if clicked {
        ui.close();
    }
    clicked
}

/// A place in the source: a click opens it in the editor, or copies it where none is named.
pub(crate) fn place_link(ui: &mut Ui, cx: &Context<'_>, place: PlaceIx) {
    let of = cx.trace().place(place);
    let does = match editor::named() {
        Some(_) => "Open in the editor",
        None => "Copy; with TASKSCOPE_EDITOR set, open in the editor",
    };
    let tooltip = format!("{}:{}:{}\n{does}", of.file, of.line, of.column);
    let response = ui.link(of.short()).on_hover_text(tooltip);
    if response.clicked() {
        match editor::named() {
            Some(_) => cx.send(TraceCommand::OpenPlace(place)),
            None => crate::said::copy(ui.ctx(), editor::location(of)),
        }
    }
    of_place(&response, cx, place);
}
