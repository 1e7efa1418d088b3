//! Finding a command: by name in the palette, by key on the page of keys.

use egui::{Align2, Grid, Key, RichText, Role, ScrollArea, TextEdit, Ui, WidgetInfo, Window};

use taskscope_model::TaskIx;

use crate::command::{Command, TraceCommand};
use crate::open_trace::OpenTrace;
use crate::time;

/// The command palette.
#[derive(Default)]
pub(crate) struct PaletteWindow {
    open: bool,
    search: String,
    /// Which of the commands found Enter would run.
    marked: usize,
}

impl PaletteWindow {
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    pub(crate) fn open(&mut self) {
        *self = Self { open: true, ..Self::default() };
    }

    /// Shows the palette if it is open; gives back the command that was chosen. What is typed may also be the name of a
    /// task of the active trace, or a time in it.
    pub(crate) fn show(
        &mut self,
        ui: &mut Ui,
        available: impl Fn(&Command) -> bool,
        open: Option<&OpenTrace>,
    ) -> Option<Command> {
        if !self.open {
            return None;
        }
        let mut chosen = None;
        let mut moved = false;
        let places = open.map(|open| places(open, self.search.trim())).unwrap_or_default();
        let commands = Command::all().filter(|command| available(command) && self.finds(command));
        let commands = commands.map(|command| (command.spec().title.to_owned(), command));
        let found: Vec<(String, Command)> = places.into_iter().chain(commands).collect();
        Window::new("Commands")
            .title_bar(false)
            .resizable(false)
            .anchor(Align2::CENTER_TOP, [0.0, 70.0])
            .fixed_size([460.0, 320.0])
            .show(ui, |ui| {
                let field = TextEdit::singleline(&mut self.search)
                    .hint_text("A command, a task, or a time such as 12.5ms")
                    .desired_width(f32::INFINITY);
                let response = ui.add(field);
                let label = || WidgetInfo::labeled(Role::SearchInput, true, "Find a command");
                response.widget_info(label);
                if response.changed() {
                    self.marked = 0;
                }
                response.request_focus();
                ui.input(|input| {
                    moved = input.key_pressed(Key::ArrowDown) || input.key_pressed(Key::ArrowUp);
                    if input.key_pressed(Key::ArrowDown) {
                        self.marked += 1;
                    }
                    if input.key_pressed(Key::ArrowUp) {
                        self.marked = self.marked.saturating_sub(1);
                    }
                    if input.key_pressed(Key::Enter) {
                        chosen = found.get(self.marked).map(|(_, command)| command.clone());
                    }
                    self.open = !input.key_pressed(Key::Escape);
                });
                self.marked = self.marked.min(found.len().saturating_sub(1));
                ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                    for (position, (title, command)) in found.iter().enumerate() {
                        let marked = position == self.marked;
                        if row(ui, title, command, marked, moved) {
                            chosen = Some(command.clone());
                        }
                    }
                    if found.is_empty() {
                        ui.weak("No command and no task has these words.");
                    }
                });
            });
        self.open &= chosen.is_none();
        chosen
    }

    fn finds(&self, command: &Command) -> bool {
        let spec = command.spec();
        let text = format!("{} {}", spec.title, spec.about).to_lowercase();
        self.search.to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// So many tasks are offered,
const MOST_TASKS: usize = 8;
/// of so many that are looked through. (The table finds them all.)
const LOOKED_THROUGH: usize = 100_000;

/// A time, and tasks, that were typed.
fn places(open: &OpenTrace, typed: &str) -> Vec<(String, Command)> {
    let mut places = Vec::new();
    if typed.is_empty() {
        return places;
    }
    if let Some(time) = time::parse(typed) {
        let title = format!("Go to {}", time::exact(time));
        places.push((title, TraceCommand::GoTo(time).into()));
    }
    let trace = open.trace();
    let wanted = typed.to_lowercase();
    let tasks = (0..trace.task_count().min(LOOKED_THROUGH) as u32).map(TaskIx);
    let named = tasks.map(|task| (trace.task_name(task), task));
    let found = named.filter(|(name, _)| name.to_lowercase().contains(&wanted));
    places.extend(
        found
            .take(MOST_TASKS)
            .map(|(name, task)| (format!("Select {name}"), TraceCommand::Choose(task).into())),
    );
    places
}

/// Something to choose; whether it was. The marked one comes into view when the
/// mark has `moved`.
fn row(ui: &mut Ui, title: &str, command: &Command, marked: bool, moved: bool) -> bool {
    let spec = command.spec();
    let button = egui::Button::selectable(marked, title)
        .shortcut_text(command.key_text(ui.ctx()))
        .min_size(egui::vec2(ui.available_width(), 26.0));
    let response = ui.add(button);
    if marked && moved {
        response.scroll_to_me(None);
    }
    match spec.about {
        "" => response.clicked(),
        about => response.on_hover_text(about).clicked(),
    }
}

/// The page of keys. `open` becomes false when it is closed.
pub(crate) fn keys(ui: &mut Ui, open: &mut bool) {
    Window::new("Keys and mouse")
        .open(open)
        .resizable(false)
        .collapsible(false)
        .vscroll(true)
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .show(ui, |ui| {
            Grid::new("keys").num_columns(2).spacing([24.0, 4.0]).show(ui, |ui| {
                for command in Command::all() {
                    let spec = command.spec();
                    let keys = command.key_texts(ui.ctx());
                    if keys.is_empty() {
                        continue;
                    }
                    ui.label(RichText::new(keys.join("   ")).monospace());
                    ui.label(spec.about);
                    ui.end_row();
                }
                for (mouse, about) in MOUSE {
                    ui.label(RichText::new(*mouse).monospace());
                    ui.label(*about);
                    ui.end_row();
                }
            });
        });
}

const MOUSE: &[(&str, &str)] = &[
    ("Click", "Select the task of a poll, and put the playhead there"),
    ("Double click", "Show a poll as wide as it fits"),
    ("Click on a name with a triangle", "Fold or unfold what is below it"),
    ("Right click on a task's name", "Pin its lane, or copy its name"),
    ("Drag", "Measure a stretch of time"),
    ("Shift+drag, middle drag", "Move to earlier or later times"),
    ("Ctrl+wheel", "Zoom at the pointer"),
    ("Wheel", "Scroll the lanes"),
    ("Drag on the time axis", "Move the playhead"),
    ("Click on the strip above", "Go to that part of the recording"),
    ("Drag a panel's dots or tab", "Put the panel elsewhere, or into the tabs of another"),
];
