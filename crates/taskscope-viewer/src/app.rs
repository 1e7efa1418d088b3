//! The window as a whole: what is open, and which commands it carries out.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{
    Align, CentralPanel, Frame, Layout, Margin, Panel, RichText, Sense, Stroke, Theme, Ui, vec2,
};

use crate::Options;
use crate::command::{Command, Needs};
use crate::document::Document;
use crate::help::{self, PaletteWindow};
use crate::loading::Loading;
use crate::panels::{self, Open};
use crate::recent::Recent;
use crate::save_copy::{Outcome, SaveCopy};
use crate::theme::{self, Palette};
use crate::welcome::{self, Choice, WelcomePage};

enum Stage {
    Welcome,
    /// And what was open before, to go back to if nothing comes of it.
    Loading(Loading, Option<Box<Open>>),
    Open(Box<Open>),
}

/// The window's state.
pub(crate) struct App {
    options: Options,
    stage: Stage,
    welcome_page: WelcomePage,
    recent: Recent,
    /// Why the last thing that was asked for didn't happen.
    error: Option<String>,
    palette: PaletteWindow,
    keys_open: bool,
    save_copy: Option<SaveCopy>,
    /// The window's title, as it was set last.
    title: String,
    dialog: Option<Receiver<Option<PathBuf>>>,
}

impl App {
    pub(crate) fn new(ctx: &egui::Context, mut options: Options, recent: Recent) -> Self {
        theme::install(ctx);
        let stage = match options.file.take() {
            Some(path) => {
                let look_for = options.look_for.take();
                let mut loading = Loading::file(path, options.play, ctx);
                loading.look_for = look_for;
                Stage::Loading(loading, None)
            }
            None => Stage::Welcome,
        };
        Self {
            options,
            stage,
            welcome_page: WelcomePage::default(),
            recent,
            error: None,
            palette: PaletteWindow::default(),
            keys_open: false,
            save_copy: None,
            title: String::new(),
            dialog: None,
        }
    }

    /// A window with this document open.
    pub(crate) fn with_document(ctx: &egui::Context, document: Document) -> Self {
        let mut app = Self::new(ctx, Options::default(), Recent::default());
        app.stage = Stage::Open(Open::new(document));
        app
    }

    /// The open document, if there is one.
    pub(crate) fn document(&mut self) -> Option<&mut Document> {
        match &mut self.stage {
            Stage::Open(open) => Some(&mut open.document),
            _ => None,
        }
    }

    /// What the panels of the open trace keep.
    #[cfg(test)]
    pub(crate) fn panels(&mut self) -> Option<&mut panels::Panels> {
        match &mut self.stage {
            Stage::Open(open) => Some(&mut open.panels),
            _ => None,
        }
    }

    /// The window's title.
    #[cfg(test)]
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Whether something is being read or recorded.
    #[cfg(test)]
    pub(crate) fn is_loading(&self) -> bool {
        matches!(self.stage, Stage::Loading(..))
    }

    pub(crate) fn ui(&mut self, ui: &mut Ui) {
        self.receive(ui.ctx());
        // The palette has the keyboard to itself while it is open.
        // So has the window that asks where to save.
        if !self.palette.is_open() && self.save_copy.is_none() {
            for command in Command::pressed(ui.ctx()) {
                self.execute(ui.ctx(), command);
            }
        }
        if let Some(document) = self.document()
            && document.replay.is_playing()
        {
            // After a pause in drawing, time goes on where it was.
            document.advance(f64::from(ui.input(|input| input.stable_dt).min(0.1)));
            ui.ctx().request_repaint();
        }
        self.layout(ui);
        // The palette is taken out, so that it can ask what is available.
        let mut palette = std::mem::take(&mut self.palette);
        let command = palette.show(ui, |command| self.is_available(command));
        self.palette = palette;
        if let Some(command) = command {
            self.execute(ui.ctx(), command);
        }
        if self.keys_open {
            help::keys(ui, &mut self.keys_open);
        }
        self.show_save_copy(ui);
        self.set_title(ui.ctx());
    }

    fn show_save_copy(&mut self, ui: &Ui) {
        let Stage::Open(open) = &mut self.stage else {
            self.save_copy = None;
            return;
        };
        let document = &mut open.document;
        let (Some(save_copy), Some(from)) = (&mut self.save_copy, &document.path) else { return };
        match save_copy.show(ui, from) {
            None => return,
            Some(Outcome::Cancelled) => {}
            Some(Outcome::Saved(path)) => {
                self.recent.add(&path);
                document.moved_to(path);
            }
        }
        self.save_copy = None;
    }

    /// The title names what is open: people have several windows.
    fn set_title(&mut self, ctx: &egui::Context) {
        let title = match &self.stage {
            Stage::Open(open) => format!("{} – taskscope", open.document.name),
            Stage::Loading(loading, _) => format!("{}… – taskscope", loading.what),
            Stage::Welcome => "taskscope".to_owned(),
        };
        if self.title != title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Takes in what has come from outside: dropped files, finished threads.
    fn receive(&mut self, ctx: &egui::Context) {
        let dropped =
            ctx.input(|input| input.raw.dropped_files.first().map(|file| file.path().to_owned()));
        if let Some(path) = dropped {
            self.open(ctx, path);
        }
        match self.dialog.as_ref().map(|dialog| dialog.try_recv()) {
            None | Some(Err(TryRecvError::Empty)) => {}
            Some(Ok(Some(path))) => {
                self.dialog = None;
                self.open(ctx, path);
            }
            Some(Ok(None) | Err(TryRecvError::Disconnected)) => {
                self.dialog = None;
                self.error = Some(match self.stage {
                    Stage::Welcome => format!("{NO_FILE} type its path below, or drop it here."),
                    _ => format!(
                        "{NO_FILE} drop the file on this window, or type its path on the welcome \
                         page (menu Commands)."
                    ),
                });
            }
        }
        if let Stage::Loading(loading, before) = &mut self.stage {
            match loading.outcome() {
                None => {}
                Some(Ok(mut document)) => {
                    if loading.play {
                        document.replay.toggle();
                    }
                    document.look_for = loading.look_for.take();
                    if let Some(path) = &document.path {
                        self.recent.add(path);
                    }
                    self.error = None;
                    self.stage = Stage::Open(Open::new(document));
                }
                Some(Err(error)) => {
                    self.error = Some(error);
                    self.stage = before.take().map_or(Stage::Welcome, Stage::Open);
                }
            }
        }
    }

    fn open(&mut self, ctx: &egui::Context, path: PathBuf) {
        self.load(Loading::file(path, false, ctx));
    }

    fn load(&mut self, loading: Loading) {
        self.error = None;
        let before = match std::mem::replace(&mut self.stage, Stage::Welcome) {
            Stage::Open(open) | Stage::Loading(_, Some(open)) => Some(open),
            Stage::Welcome | Stage::Loading(_, None) => None,
        };
        self.stage = Stage::Loading(loading, before);
    }

    fn choose(&mut self, ctx: &egui::Context, choice: Choice) {
        match choice {
            Choice::File(path) => self.open(ctx, path),
            Choice::Dialog => self.execute(ctx, Command::Open),
            Choice::Demo(demo) => {
                if let Some(run) = self.options.run_demo.clone() {
                    self.load(Loading::demo(demo, run, ctx));
                }
            }
        }
    }

    fn is_available(&self, command: Command) -> bool {
        match (command.spec().needs, &self.stage) {
            (Needs::Nothing, _) => true,
            (Needs::Trace, Stage::Open(_)) => true,
            (Needs::File, Stage::Open(open)) => open.document.path.is_some(),
            (Needs::Selection, Stage::Open(open)) => open.document.selected.is_some(),
            _ => false,
        }
    }

    fn execute(&mut self, ctx: &egui::Context, command: Command) {
        if command == Command::ClearSelection && std::mem::take(&mut self.keys_open) {
            return;
        }
        if !self.is_available(command) {
            return;
        }
        match command {
            Command::Open => self.dialog = self.dialog.take().or_else(|| Some(ask_for_file(ctx))),
            Command::SaveAs => {
                let name = self.document().map(|document| document.name.clone());
                self.save_copy = name.as_deref().map(SaveCopy::new);
            }
            Command::Home => {
                self.error = None;
                self.stage = Stage::Welcome;
            }
            Command::Search => {
                if let Stage::Open(open) = &mut self.stage {
                    open.panels.table.focus_search();
                }
            }
            Command::ShowPalette => self.palette.open(),
            Command::ShowKeys => self.keys_open = !self.keys_open,
            Command::ToggleTheme => ctx.set_theme(match ctx.theme() {
                Theme::Dark => Theme::Light,
                Theme::Light => Theme::Dark,
            }),
            _ => {
                if let Some(document) = self.document() {
                    document.execute(command);
                }
            }
        }
    }

    fn layout(&mut self, ui: &mut Ui) {
        let palette = Palette::get(ui);
        let bar = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 4));
        let mut chosen = None;
        let mut choice = None;
        Panel::top("bar").frame(bar).exact_size(46.0).show(ui, |ui| {
            chosen = self.top_bar(ui, &mut choice);
        });
        let size = ui.available_size();
        match &mut self.stage {
            Stage::Open(open) => {
                if let Some(error) = &self.error {
                    let shown = Frame::new().fill(palette.panel).inner_margin(8);
                    let response = Panel::top("error")
                        .frame(shown)
                        .show(ui, |ui| {
                            welcome::notice(ui, error);
                            ui.button("Close").clicked()
                        })
                        .inner;
                    if response {
                        self.error = None;
                    }
                }
                chosen = chosen.or(panels::show(ui, open, bar, size));
            }
            Stage::Loading(loading, _) => {
                CentralPanel::default()
                    .frame(Frame::new().fill(palette.background))
                    .show(ui, |ui| welcome::loading(ui, loading));
            }
            Stage::Welcome => {
                CentralPanel::default().frame(Frame::new().fill(palette.background)).show(
                    ui,
                    |ui| {
                        let error = self.error.as_deref();
                        let demos = &self.options.demos;
                        choice = choice.take().or(self.welcome_page.show(
                            ui,
                            demos,
                            &self.recent,
                            error,
                        ));
                    },
                );
            }
        }
        if let Some(command) = chosen {
            self.execute(ui.ctx(), command);
        }
        if let Some(choice) = choice {
            self.choose(ui.ctx(), choice);
        }
    }

    fn top_bar(&self, ui: &mut Ui, choice: &mut Option<Choice>) -> Option<Command> {
        let mut chosen = None;
        let palette = Palette::get(ui);
        ui.horizontal_centered(|ui| {
            logo(ui);
            ui.label(RichText::new("taskscope").size(16.0));
            ui.add_space(10.0);
            let open = ui.button("Open").on_hover_text(Command::Open.tooltip(ui.ctx()));
            if open.clicked() {
                chosen = Some(Command::Open);
            }
            if !self.options.demos.is_empty() {
                ui.menu_button("Demos", |ui| {
                    for demo in &self.options.demos {
                        let item = ui.button(&demo.name).on_hover_text(&demo.description);
                        if item.clicked() {
                            *choice = Some(Choice::Demo(demo.clone()));
                        }
                    }
                });
            }
            ui.menu_button("Commands", |ui| {
                for &command in Command::ALL {
                    let item = egui::Button::new(command.spec().title)
                        .shortcut_text(command.key_text(ui.ctx()));
                    let item = ui.add_enabled(self.is_available(command), item);
                    if item.on_hover_text(command.spec().about).clicked() {
                        chosen = Some(command);
                    }
                }
            });
            let keys = ui.button("?").on_hover_text(Command::ShowKeys.tooltip(ui.ctx()));
            if keys.clicked() {
                chosen = Some(Command::ShowKeys);
            }
            if let Stage::Open(open) = &self.stage {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    panels::facts(ui, &open.document, palette);
                });
            }
        });
        chosen
    }
}

/// A worker with a task in its slot.
fn logo(ui: &mut Ui) {
    let palette = Palette::get(ui);
    let (rect, _) = ui.allocate_exact_size(vec2(20.0, 20.0), Sense::hover());
    ui.painter().circle_stroke(rect.center(), 8.0, Stroke::new(2.2, palette.accent));
    ui.painter().circle_filled(rect.center(), 3.6, palette.accent);
}

const NO_FILE: &str = "No file was chosen. If no file dialog appeared, this desktop has none:";

/// Asks for a file on a thread of its own: the window must go on drawing.
fn ask_for_file(ctx: &egui::Context) -> Receiver<Option<PathBuf>> {
    let (sender, receiver) = channel();
    let ctx = ctx.clone();
    std::thread::spawn(move || {
        let chosen = rfd::FileDialog::new()
            .set_title("Open a recorded trace")
            .add_filter("taskscope traces", &[taskscope_model::EXTENSION])
            .pick_file();
        // The receiver is gone if the window was closed meanwhile.
        let _ = sender.send(chosen);
        ctx.request_repaint();
    });
    receiver
}
