//! The page shown while no trace is open: demos, recent files, a way to open
//! one, and how to record one's own.

use egui::{
    Align, Frame, Layout, Margin, RichText, Role, ScrollArea, Stroke, TextEdit, Ui, WidgetInfo,
    vec2,
};

use crate::code_text::with_code;
use crate::command::{AppCommand, Commands};
use crate::loading::Loading;
use crate::recent::Recent;
use crate::theme::Palette;
use crate::{DemoEntry, Lessons, bars, record_own, typed_path, waiting};

/// What the page remembers.
#[derive(Default)]
pub(crate) struct WelcomePage {
    path: String,
}

const WIDTH: f32 = 760.0;

impl WelcomePage {
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        demos: &[DemoEntry],
        lessons: Option<&Lessons>,
        recent: &Recent,
        error: Option<&str>,
        commands: &Commands,
    ) {
        ScrollArea::vertical().id_salt("welcome").auto_shrink(false).show(ui, |ui| {
            let side = ((ui.available_width() - WIDTH) / 2.0).max(16.0);
            Frame::new().inner_margin(Margin::symmetric(side as i8, 0)).show(ui, |ui| {
                // Margins are small numbers; a wide window needs a larger one.
                let width = ui.available_width().min(WIDTH);
                let indent = (ui.available_width() - width) / 2.0;
                ui.horizontal(|ui| {
                    ui.add_space(indent);
                    ui.vertical(|ui| {
                        ui.set_width(width);
                        self.contents(ui, demos, lessons, recent, error, commands);
                    });
                });
            });
        });
    }

    fn contents(
        &mut self,
        ui: &mut Ui,
        demos: &[DemoEntry],
        lessons: Option<&Lessons>,
        recent: &Recent,
        error: Option<&str>,
        commands: &Commands,
    ) {
        ui.add_space(0.06 * ui.ctx().content_rect().height());
        ui.label(RichText::new("See Tokio schedule your tasks").size(28.0));
        ui.add_space(2.0);
        ui.weak(
            "A task is what tokio::spawn makes. Workers take turns at running tasks, and a task \
             may move from one worker to another. Watch them do it.",
        );
        ui.add_space(18.0);
        if let Some(error) = error {
            notice(ui, error);
            ui.add_space(12.0);
        }
        if let Some(lessons) = lessons {
            section(
                ui,
                "Learn",
                "what a task is, and how it moves, in lessons over real recordings",
            );
            lesson_list(ui, lessons, commands);
            ui.add_space(18.0);
        }
        section(ui, "Look at an example", "real programs, recorded on this machine when you click");
        demo_rows(ui, demos.iter().filter(|demo| !demo.is_sick), commands);
        ui.add_space(18.0);
        if demos.iter().any(|demo| demo.is_sick) {
            section(
                ui,
                "Find what is wrong",
                "programs that stall, and what taskscope says of them",
            );
            demo_rows(ui, demos.iter().filter(|demo| demo.is_sick), commands);
            ui.add_space(18.0);
        }
        section(ui, "Open a recording", "or drop a .tscope file on this window");
        ui.horizontal(|ui| {
            let fill = Palette::get(ui).selected;
            if ui.add(egui::Button::new("Choose a file…").fill(fill)).clicked() {
                commands.send(AppCommand::Open);
            }
            let field = TextEdit::singleline(&mut self.path)
                .hint_text("or type its path and press Enter")
                .desired_width(f32::INFINITY);
            let response = ui.add(field);
            response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Path of a trace"));
            let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
            if entered && !self.path.trim().is_empty() {
                let home = typed_path::home();
                let path = typed_path::parse(&self.path, home.as_deref());
                commands.send(AppCommand::OpenFiles(vec![path]));
            }
        });
        for path in recent.paths() {
            let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
            ui.horizontal(|ui| {
                if ui.link(name).clicked() {
                    commands.send(AppCommand::OpenFiles(vec![path.to_owned()]));
                }
                if let Some(folder) = path.parent() {
                    ui.add(
                        egui::Label::new(RichText::new(folder.to_string_lossy()).weak()).truncate(),
                    );
                }
            });
        }
        ui.add_space(18.0);
        section(ui, "Record my own program", "what to write once, each copied by a click");
        record_own::show(ui);
        ui.add_space(24.0);
    }
}

fn demo_rows<'a>(ui: &mut Ui, demos: impl Iterator<Item = &'a DemoEntry>, commands: &Commands) {
    for demo in demos {
        if demo_row(ui, demo) {
            commands.send(AppCommand::RunDemo(demo.clone()));
        }
    }
}

fn section(ui: &mut Ui, title: &str, about: &str) {
    ui.horizontal(|ui| {
        ui.label(RichText::new(title).size(17.0));
        ui.weak(about);
    });
    ui.add_space(4.0);
}

/// A sentence that deserves a look.
pub(crate) fn notice(ui: &mut Ui, text: &str) {
    let palette = Palette::get(ui);
    Frame::new().stroke(Stroke::new(1.0, palette.alarm)).corner_radius(4).inner_margin(10).show(
        ui,
        |ui| {
            ui.set_width(ui.available_width());
            let text = with_code(ui, text);
            ui.label(text);
        },
    );
}

/// The lessons, in two columns.
fn lesson_list(ui: &mut Ui, lessons: &Lessons, commands: &Commands) {
    let half = lessons.titles.len().div_ceil(2);
    ui.columns(2, |columns| {
        for (column, titles) in columns.iter_mut().zip(lessons.titles.chunks(half.max(1))) {
            for of in titles {
                let text = format!("{}  {}", of.number, of.title);
                let link = column.link(RichText::new(text).size(15.0)).on_hover_text(&of.summary);
                let label = format!("Lesson {}: {}", of.number, of.title);
                link.widget_info(|| WidgetInfo::labeled(Role::Link, true, &label));
                if link.clicked() {
                    commands.send(AppCommand::OpenLesson(of.number));
                }
            }
        }
    });
}

/// A demo and its button; whether it was clicked.
fn demo_row(ui: &mut Ui, demo: &DemoEntry) -> bool {
    let palette = Palette::get(ui);
    let mut clicked = false;
    Frame::new()
        .fill(palette.panel)
        .stroke(Stroke::new(1.0, palette.line))
        .corner_radius(6)
        .inner_margin(Margin::symmetric(14, 8))
        .show(ui, |ui| {
            ui.horizontal(|ui| {
                ui.allocate_ui_with_layout(
                    vec2(96.0, 24.0),
                    Layout::left_to_right(Align::Center),
                    |ui| {
                        ui.set_min_width(96.0);
                        ui.strong(&demo.name);
                    },
                );
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let button = egui::Button::new("Record and watch").fill(palette.selected);
                    let button = ui.add(button);
                    let label = format!("Record and watch {}", demo.name);
                    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
                    clicked = button.clicked();
                    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                        ui.add(
                            egui::Label::new(demo.description.trim_start_matches("sick: ")).wrap(),
                        );
                    });
                });
            });
        });
    clicked
}

/// What is shown while files are read or a demo recorded, and nothing is open.
pub(crate) fn loading(ui: &mut Ui, loadings: &[Loading], commands: &Commands) {
    ui.vertical_centered(|ui| {
        ui.add_space(0.38 * ui.available_height());
        for loading in loadings {
            ui.label(RichText::new(loading.what()).size(17.0));
            ui.add_space(8.0);
            bars::progress(ui, loading, 320.0);
            ui.add_space(8.0);
            bars::stop_button(ui, loading, commands);
            ui.add_space(16.0);
            if loading.follows {
                waiting::for_file(ui, loading);
            }
        }
    });
}
