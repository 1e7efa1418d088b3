//! The bars above and below the panels: menus, facts, what is being read, status.

use egui::{
    Align, Frame, Label, Layout, Panel, ProgressBar, RichText, ScrollArea, Sense, Stroke, Ui, vec2,
};

use crate::code_text::with_code;
use crate::command::{AppCommand, Command, Commands, TraceCommand};
use crate::context::Context;
use crate::following::Following;
use crate::loading::Loading;
use crate::open_trace::OpenTrace;
use crate::session::Session;
use crate::theme::Palette;
use crate::workspace::Workspace;
use crate::{DemoEntry, Lessons, notices, said, time, welcome};

/// The name of the program, and the menus.
pub(crate) fn menus(
    ui: &mut Ui,
    demos: &[DemoEntry],
    lessons: Option<&Lessons>,
    commands: &Commands,
    is_available: impl Fn(&Command) -> bool,
) {
    logo(ui);
    ui.label(RichText::new("taskscope").size(16.0));
    ui.add_space(10.0);
    let open = Command::App(AppCommand::Open);
    if ui.button("Open").on_hover_text(open.tooltip(ui.ctx())).clicked() {
        commands.send(open);
    }
    if !demos.is_empty() {
        ui.menu_button("Demos", |ui| {
            for demo in demos {
                if ui.button(&demo.name).on_hover_text(&demo.description).clicked() {
                    commands.send(AppCommand::RunDemo(demo.clone()));
                }
            }
        });
    }
    if let Some(lessons) = lessons {
        ui.menu_button("Lessons", |ui| {
            for of in &lessons.titles {
                let text = format!("{}  {}", of.number, of.title);
                if ui.button(text).on_hover_text(&of.summary).clicked() {
                    commands.send(AppCommand::OpenLesson(of.number));
                }
            }
        });
    }
    let item = |ui: &mut Ui, command: Command| {
        let item =
            egui::Button::new(command.spec().title).shortcut_text(command.key_text(ui.ctx()));
        let item = ui.add_enabled(is_available(&command), item);
        if item.on_hover_text(command.spec().about).clicked() {
            commands.send(command);
        }
    };
    ui.menu_button("Commands", |ui| list(ui, Command::of_app(), item));
    if is_available(&TraceCommand::Close.into()) {
        ui.menu_button("Trace", |ui| list(ui, Command::of_trace(), item));
    }
    let keys = Command::App(AppCommand::ShowKeys);
    if ui.button("?").on_hover_text(keys.tooltip(ui.ctx())).clicked() {
        commands.send(keys);
    }
}

/// A worker with a task in its slot.
fn logo(ui: &mut Ui) {
    let palette = Palette::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
    ui.painter().circle_stroke(rect.center(), 8.0, Stroke::new(2.2, palette.accent));
    ui.painter().circle_filled(rect.center(), 3.6, palette.accent);
}

/// What the top bar says of the open trace, from right to left.
///
/// `has_lost_the_end` says that traces grow out of sight.
pub(crate) fn facts(ui: &mut Ui, cx: &Context<'_>, has_lost_the_end: bool) {
    let (open, label) = (cx.open, cx.label);
    let palette = Palette::get(ui);
    let summary = &open.prepared().summary;
    let details = &open.prepared().details;
    let short = notices::short(open);
    if !short.is_empty() {
        let text = RichText::new(short.join(", ")).color(palette.alarm);
        let label = ui.label(text);
        if !details.is_empty() {
            label.on_hover_ui(|ui| sentences(ui, details));
        }
    }
    if let Some(following) = open.following {
        follow_state(ui, cx, following, has_lost_the_end);
    }
    if let Some(dump) = notices::dump(open) {
        ui.label(dump).on_hover_ui(|ui| sentences(ui, details));
    }
    let workers = summary.runtimes.iter().map(|runtime| runtime.workers.len() as u64).sum();
    let parts = [
        match workers {
            0 => time::plural(summary.threads.len() as u64, "thread"),
            _ => time::plural(workers, "worker"),
        },
        time::plural(summary.tasks.spawned, "task"),
        time::plural(summary.polls, "poll"),
        time::plural(summary.hops, "hop"),
    ];
    if ui.available_width() > 480.0 {
        ui.weak(parts.join("   "));
    }
    ui.add(Label::new(label.unwrap_or(&open.name)).truncate());
}

/// What becomes of the file that is followed, and the way back to its end.
fn follow_state(ui: &mut Ui, cx: &Context<'_>, following: Following, has_lost_the_end: bool) {
    if has_lost_the_end && following.is_on().is_some() {
        let command = Command::Trace(TraceCommand::ToEnd);
        let about = "The trace grows out of sight. Show its end again, and follow it.";
        let tooltip = format!("{about} ({})", command.key_text(ui.ctx()));
        let button = egui::Button::new("Back to the end").fill(Palette::get(ui).selected);
        if ui.add(button).on_hover_text(tooltip).clicked() {
            cx.commands.send(command);
        }
    }
    let text = RichText::new(following.words()).color(Palette::get(ui).accent);
    if !following.has_news() {
        ui.label(text);
    } else if ui.add(Label::new(text).sense(Sense::click())).clicked() {
        cx.send(TraceCommand::DismissNews());
    }
}

/// The command that the window was opened for: how it is, and where its recordings lie.
pub(crate) fn session(ui: &mut Ui, bar: Frame, session: &Session, commands: &Commands) {
    Panel::top("session").frame(bar).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Hide").on_hover_text("Take this line away").clicked() {
                commands.send(AppCommand::DismissSession());
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = format!("{}. {}", session.status(), session.about_recordings());
                let text = with_code(ui, &text);
                ui.add(Label::new(text).truncate());
            });
        });
    });
}

fn sentences(ui: &mut Ui, sentences: &[String]) {
    for sentence in sentences {
        let text = with_code(ui, sentence);
        ui.label(text);
    }
}

/// The commands of a menu; a small window scrolls them.
fn list(
    ui: &mut Ui,
    commands: impl Iterator<Item = Command>,
    mut item: impl FnMut(&mut Ui, Command),
) {
    let height = ui.ctx().content_rect().height() - 70.0;
    ScrollArea::vertical().max_height(height).show(ui, |ui| {
        commands.for_each(|command| item(ui, command));
    });
}

/// Why the last thing that was asked for didn't happen.
pub(crate) fn error(ui: &mut Ui, error: &str, commands: &Commands) {
    let shown = Frame::new().fill(Palette::get(ui).panel).inner_margin(8);
    Panel::top("error").frame(shown).show(ui, |ui| {
        welcome::notice(ui, error);
        if ui.button("Close").clicked() {
            commands.send(AppCommand::DismissError());
        }
    });
}

/// A file that is read while traces are open: how far it is, and a button to stop it.
pub(crate) fn loading(ui: &mut Ui, bar: Frame, loading: &Loading, commands: &Commands) {
    Panel::top(egui::Id::unique(("loading", loading.id))).frame(bar).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            stop_button(ui, loading, commands);
            progress(ui, loading, 160.0);
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                ui.add(Label::new(loading.what()).truncate());
            });
        });
    });
}

/// How far it is, as a bar of this width.
pub(crate) fn progress(ui: &mut Ui, loading: &Loading, width: f32) {
    let Some(part) = loading.progress() else {
        ui.spinner();
        return;
    };
    ui.scope(|ui| {
        let palette = Palette::get(ui);
        // What is still to do can be seen, too.
        ui.visuals_mut().extreme_bg_color = palette.field;
        ui.add(ProgressBar::new(part).desired_width(width).fill(palette.accent));
    });
}

/// The button that stops what is being read.
pub(crate) fn stop_button(ui: &mut Ui, loading: &Loading, commands: &Commands) {
    if ui.button("Cancel").on_hover_text(format!("Stop: {}", loading.what)).clicked() {
        commands.send(AppCommand::StopLoadingOf(loading.id));
    }
}

/// What to look for in a demo, until it is closed.
pub(crate) fn look_for(ui: &mut Ui, cx: &Context<'_>, bar: Frame) {
    let Some(text) = &cx.open.look_for else { return };
    Panel::top("look for").frame(bar).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Got it").clicked() {
                cx.send(TraceCommand::DismissLookFor());
            }
            ui.with_layout(Layout::left_to_right(Align::Center).with_main_wrap(true), |ui| {
                ui.label(with_code(ui, &format!("Look for: {text}")));
            });
        });
    });
}

/// The line at the lower edge of the window.
pub(crate) fn status(ui: &mut Ui, cx: &Context<'_>, workspace: &Workspace) {
    let small = |text: String| RichText::new(text).size(12.0).weak();
    ui.horizontal_centered(|ui| {
        // From the right, so that the sentence has the room that is left.
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let (first, last) = cx.view.bounds();
            if ui.available_width() > 480.0 {
                ui.label(small(format!(
                    "view {} of {}",
                    time::duration(cx.view.width()),
                    time::duration(last - first)
                )));
            }
            if let Some(aligned) = aligned(cx, workspace)
                && ui.available_width() > 480.0
            {
                ui.label(small(aligned));
                ui.add_space(12.0);
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = match said::last(ui.ctx()) {
                    Some(said) => RichText::new(said).size(12.0),
                    None => small(selection(cx)),
                };
                ui.add(Label::new(text).truncate());
            });
        });
    });
}

fn selection(cx: &Context<'_>) -> String {
    let trace = cx.trace();
    let Some(task) = cx.open.selected else {
        return "Click a poll to follow its task. Ctrl+wheel zooms, Space plays.".to_owned();
    };
    format!(
        "{} selected: {}, {}",
        trace.task_name(task),
        time::plural(trace.task(task).poll_count().into(), "poll"),
        time::plural(trace.task(task).hop_count().into(), "hop"),
    )
}

/// How several traces lie beside one another.
fn aligned(cx: &Context<'_>, workspace: &Workspace) -> Option<String> {
    cx.label?;
    if workspace.is_aligned_by_clock() {
        return Some("aligned by wall clock".to_owned());
    }
    if workspace.is_aligned_at_starts() {
        return Some("aligned at their starts".to_owned());
    }
    let at = |open: &OpenTrace| {
        time::exact((open.anchor as u64).saturating_sub(open.trace().span().start))
    };
    let moments: Vec<String> = workspace
        .members()
        .iter()
        .zip('A'..)
        .map(|(member, letter)| format!("{letter} {}", at(&member.open)))
        .collect();
    Some(format!("aligned: {}", moments.join(" = ")))
}
