//! The window as a whole: what is open, what is being read, and what it is made of.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use egui::{Align, CentralPanel, Frame, Layout, Margin, Panel, Ui};

use crate::command::{AppCommand, Command, Commands};
use crate::help::{self, PaletteWindow};
use crate::jobs::{Jobs, Mode};
use crate::lesson::{Around, Course};
use crate::link::Spot;
use crate::loading::{Group, Loading, Placement};
use crate::open_trace::{Loaded, TraceId};
use crate::present::Presenting;
use crate::recent::Recent;
use crate::save_copy::{Outcome, SaveCopy};
use crate::settings::Settings;
use crate::theme::{self, Palette};
use crate::welcome::{self, WelcomePage};
use crate::workspace::Workspace;
use crate::{LessonEntry, Options, bars, transport, waiting};

/// What is asked for with the desktop's file dialog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Files to open in place of what is open.
    InPlace,
    /// Files to open beside what is open.
    Beside,
}

/// The window's state.
pub(crate) struct App {
    pub(crate) options: Options,
    pub(crate) commands: Commands,
    pub(crate) jobs: Jobs,
    /// The open traces; `None` while there is none.
    pub(crate) workspace: Option<Workspace>,
    /// What is being read, in the order in which it was asked for.
    pub(crate) loadings: Vec<Loading>,
    /// The files that are open in place of what was open before.
    pub(crate) group: Group,
    groups: u32,
    welcome_page: WelcomePage,
    pub(crate) recent: Recent,
    /// Why the last thing that was asked for didn't happen.
    pub(crate) error: Option<String>,
    pub(crate) palette: PaletteWindow,
    pub(crate) keys_open: bool,
    /// The lesson that is open.
    pub(crate) course: Option<Course>,
    /// What there was before, while the window presents.
    pub(crate) presenting: Option<Presenting>,
    /// Whether what plays goes on with the time of the window; a film counts its own.
    pub(crate) passes_time: bool,
    /// Whether the line about the command can be seen that the window was opened for.
    pub(crate) shows_session: bool,
    /// Where to save which trace.
    pub(crate) save_copy: Option<(TraceId, SaveCopy)>,
    /// The window's title, as it was set last.
    title: String,
    /// Where the first trace is to be opened, until it is.
    pub(crate) spot: Option<Spot>,
    /// How a person likes the window.
    pub(crate) settings: Settings,
    dialog: Option<(Asking, Receiver<Option<Vec<PathBuf>>>)>,
}

impl App {
    pub(crate) fn new(
        ctx: &egui::Context,
        mut options: Options,
        recent: Recent,
        mode: Mode,
    ) -> Self {
        theme::install(ctx, false);
        let files = std::mem::take(&mut options.files);
        let look_for = options.look_for.take();
        let play = options.play;
        let follow = options.follow;
        let spot = std::mem::take(&mut options.spot);
        if let Some(session) = &options.session {
            session.attach(ctx);
        }
        let mut app = Self {
            options,
            commands: Commands::default(),
            jobs: Jobs::new(ctx, mode),
            workspace: None,
            loadings: Vec::new(),
            group: Group(0),
            groups: 0,
            welcome_page: WelcomePage::default(),
            recent,
            error: None,
            palette: PaletteWindow::default(),
            keys_open: false,
            course: None,
            presenting: None,
            passes_time: true,
            shows_session: true,
            save_copy: None,
            title: String::new(),
            dialog: None,
            settings: Settings::default(),
            spot: Some(spot).filter(|spot| !spot.is_empty()),
        };
        if !files.is_empty() {
            let group = app.new_group();
            let indexes = app.options.indexes.clone();
            let files = files.into_iter().map(|path| {
                let mut loading = match follow {
                    true => Loading::follow(path, None, None, ctx),
                    false => Loading::file(path, play, indexes.clone(), ctx),
                };
                loading.look_for.clone_from(&look_for);
                loading
            });
            app.load(files.collect(), Placement::InPlace(group));
        }
        if let Some(entry) = app.options.lesson.take() {
            app.begin_lesson(entry);
        }
        if app.options.present && app.workspace.is_some() {
            app.toggle_presenting(ctx, true);
        }
        app
    }

    /// A window with these traces open side by side.
    pub(crate) fn with_traces(ctx: &egui::Context, traces: Vec<Loaded>, mode: Mode) -> Self {
        let mut app = Self::new(ctx, Options::default(), Recent::default(), mode);
        for loaded in traces {
            app.open(loaded, Placement::Beside);
        }
        app
    }

    /// Names files that are to be opened together.
    pub(crate) fn new_group(&mut self) -> Group {
        self.groups += 1;
        Group(self.groups)
    }

    /// Waits for these. What was to be opened in place of what is open is forgotten, if these are
    /// too.
    pub(crate) fn load(&mut self, mut loadings: Vec<Loading>, placement: Placement) {
        self.error = None;
        if placement != Placement::Beside {
            // What is shown in part is read on, until these take its place.
            self.loadings.retain(|loading| loading.opened.is_some());
        }
        loadings.iter_mut().for_each(|loading| loading.placement = placement);
        self.loadings.append(&mut loadings);
    }

    /// The window's title.
    #[cfg(test)]
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    /// Whether something is being read or recorded.
    pub(crate) fn is_loading(&self) -> bool {
        self.loadings.iter().any(Loading::is_waited_for)
    }

    pub(crate) fn ui(&mut self, ui: &mut Ui) {
        profiling::scope!("frame");
        self.jobs.work_in_frame();
        self.receive(ui.ctx());
        // The palette has the keyboard to itself while it is open.
        // So have a menu, and the window that asks where to save.
        let is_free = !self.palette.is_open() && self.save_copy.is_none();
        if is_free && !egui::Popup::is_any_open(ui.ctx()) {
            for command in Command::pressed(ui.ctx()) {
                self.commands.send(command);
            }
        }
        self.carry_out(ui.ctx());
        if let Some(workspace) = self.workspace.as_mut().filter(|_| self.passes_time) {
            // After a pause in drawing, time goes on where it was.
            workspace.pass_time(f64::from(ui.input(|input| input.stable_dt).min(0.1)));
            if workspace.clock.replay.is_playing() {
                ui.ctx().request_repaint();
            }
        }
        self.layout(ui);
        // The palette is taken out, so that it can ask what is available.
        let mut palette = std::mem::take(&mut self.palette);
        let open = self.workspace.as_ref().and_then(|workspace| workspace.active());
        let command = palette.show(ui, |command| self.is_available(command), open);
        self.palette = palette;
        if let Some(command) = command {
            self.commands.send(command);
        }
        if self.keys_open {
            help::keys(ui, &mut self.keys_open);
        }
        self.show_save_copy(ui);
        self.carry_out(ui.ctx());
        self.set_title(ui.ctx());
    }

    fn show_save_copy(&mut self, ui: &Ui) {
        let Some((id, save_copy)) = &mut self.save_copy else { return };
        let member = self.workspace.as_mut().and_then(|open| open.member_mut(*id));
        let Some((member, from)) = member.and_then(|member| {
            let from = member.open.path.clone()?;
            Some((member, from))
        }) else {
            // The trace was closed meanwhile.
            self.save_copy = None;
            return;
        };
        match save_copy.show(ui, &from, &member.open.marks, &self.jobs) {
            None => return,
            Some(Outcome::Cancelled) => {}
            Some(Outcome::Saved(path, marks)) => {
                self.recent.add(&path);
                member.open.moved_to(path, marks);
            }
        }
        self.save_copy = None;
    }

    /// The title names what is open: people have several windows.
    fn set_title(&mut self, ctx: &egui::Context) {
        let title = match (&self.workspace, self.loadings.first()) {
            (Some(workspace), _) => {
                let names: Vec<&str> =
                    workspace.members().iter().map(|member| member.open.name.as_str()).collect();
                format!("{} – taskscope", names.join(", "))
            }
            (None, Some(loading)) => format!("{} – taskscope", loading.what()),
            (None, None) => "taskscope".to_owned(),
        };
        if self.title != title {
            ctx.send_viewport_cmd(egui::ViewportCommand::Title(title.clone()));
            self.title = title;
        }
    }

    /// Takes in what has come from outside: dropped files, finished threads.
    fn receive(&mut self, ctx: &egui::Context) {
        profiling::scope!("receive");
        let dropped: Vec<PathBuf> = ctx.input(|input| {
            input.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect()
        });
        if !dropped.is_empty() {
            self.commands.send(AppCommand::OpenFiles(dropped));
        }
        match self.dialog.as_ref().map(|(asking, dialog)| (*asking, dialog.try_recv())) {
            None | Some((_, Err(TryRecvError::Empty))) => {}
            Some((asking, Ok(Some(paths)))) => {
                self.dialog = None;
                self.commands.send(match asking {
                    Asking::InPlace => AppCommand::OpenFiles(paths),
                    Asking::Beside => AppCommand::OpenFilesBeside(paths),
                });
            }
            Some((_, Ok(None) | Err(TryRecvError::Disconnected))) => {
                self.dialog = None;
                self.error = Some(match self.workspace {
                    None => format!("{NO_FILE} type its path below, or drop it here."),
                    Some(_) => format!(
                        "{NO_FILE} drop the file on this window, or type its path on the welcome \
                         page (menu Commands)."
                    ),
                });
            }
        }
        self.receive_loaded(ctx);
        if let Some(workspace) = &mut self.workspace {
            if let Some(problem) = workspace.refresh(&self.jobs) {
                // It may stand beside why a file was not opened.
                let before = self.error.take().map(|before| format!("{before}\n"));
                self.error = Some(before.unwrap_or_default() + &problem);
            }
            workspace.pass(ctx);
        }
    }

    /// Closes a trace; the welcome page comes after the last.
    pub(crate) fn close(&mut self, id: TraceId) {
        let Some(workspace) = &mut self.workspace else { return };
        self.loadings.retain(|loading| loading.opened != Some(id));
        let mut closed = workspace.close(id);
        let kept = closed.as_mut().map_or(Ok(()), |closed| closed.open.marks.finish());
        self.error = kept.err().or(self.error.take());
        self.jobs.free(closed);
        if workspace.is_empty() {
            self.workspace = None;
            self.course = None;
        }
    }

    /// Closes all traces.
    pub(crate) fn close_all(&mut self) {
        self.remember_panels();
        self.loadings.retain(|loading| loading.opened.is_none());
        self.course = None;
        let mut closed = self.workspace.take().map_or(Vec::new(), Workspace::into_members);
        let kept = closed.iter_mut().filter_map(|member| member.open.marks.finish().err());
        self.error = kept.last().or(self.error.take());
        self.jobs.free(closed);
    }

    /// Asks for files with the desktop's dialog, unless it is open already.
    pub(crate) fn ask_for_files(&mut self, ctx: &egui::Context, asking: Asking) {
        if self.dialog.is_none() {
            self.dialog = Some((asking, ask_for_files(ctx)));
        }
    }

    fn layout(&mut self, ui: &mut Ui) {
        let palette = Palette::get(ui);
        if self.presenting.is_some() && self.workspace.is_some() {
            return self.present(ui);
        }
        let bar = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(12, 4));
        Panel::top("bar").frame(bar).exact_size(46.0).show(ui, |ui| self.top_bar(ui));
        let size = ui.available_size();
        let session = self.options.session.as_ref();
        if let Some(session) = session.filter(|open| self.shows_session && open.has_recorded()) {
            bars::session(ui, bar, session, &self.commands);
        }
        if self.workspace.is_some() {
            if let Some(error) = &self.error {
                bars::error(ui, error, &self.commands);
            }
            for loading in self.loadings.iter().filter(|loading| loading.is_waited_for()) {
                bars::loading(ui, bar, loading, &self.commands);
            }
            self.lesson_panel(ui);
            self.panels(ui, bar, size);
            return;
        }
        let empty = CentralPanel::default().frame(Frame::new().fill(palette.background));
        let waits = session.filter(|session| !session.has_recorded());
        empty.show(ui, |ui| match (&self.loadings[..], waits) {
            ([], Some(session)) => waiting::for_command(ui, session),
            ([], None) => {
                let (page, error) = (&mut self.welcome_page, self.error.as_deref());
                let lessons = self.options.lessons.as_ref();
                page.show(ui, &self.options.demos, lessons, &self.recent, error, &self.commands);
            }
            (loadings, _) => welcome::loading(ui, loadings, &self.commands),
        });
    }

    /// The text of the lesson, at the right.
    pub(crate) fn lesson_panel(&mut self, ui: &mut Ui) {
        // It is taken out, so that it can see the window.
        let Some(mut course) = self.course.take() else { return };
        if let Some(workspace) = &self.workspace {
            let labels = workspace.labels();
            let mut traces: Vec<_> = workspace
                .members()
                .iter()
                .map(|member| {
                    let open = &member.open;
                    let cx = workspace.context(open, None, &self.commands, &self.jobs);
                    let label = labels.iter().find(|(id, _)| *id == open.id);
                    (label.map_or_else(|| open.name.clone(), |(_, label)| label.clone()), cx)
                })
                .collect();
            let active = workspace.active_id();
            traces.sort_by_key(|(_, cx)| (cx.open.id != active, cx.open.id));
            let run = self.options.lessons.as_ref().and_then(|lessons| lessons.run.as_ref());
            let presents = self.presenting.is_some();
            course.show(ui, &Around { commands: &self.commands, traces, run, presents });
        }
        self.course = Some(course);
    }

    /// Opens a lesson, in place of what is open.
    pub(crate) fn begin_lesson(&mut self, entry: LessonEntry) {
        let Some(words) = self.options.lessons.as_ref().map(|lessons| lessons.words.clone()) else {
            return;
        };
        let group = self.new_group();
        let traces = entry.traces.clone();
        let mut open = Vec::new();
        for (name, file, trace) in traces {
            let loaded = Loaded::new(trace, file, None);
            let placement = match open.is_empty() {
                true => Placement::InPlace(group),
                false => Placement::Beside,
            };
            open.push((name, self.open(loaded, placement)));
        }
        let mut course = Course::new(entry, words);
        course.set_open(open);
        if let Some(workspace) = &mut self.workspace {
            workspace.arrange_for_lesson();
            course.go(workspace);
        }
        self.course = Some(course);
    }

    /// The panels of the open traces, between the bars that speak of the active one.
    fn panels(&mut self, ui: &mut Ui, bar: Frame, size: egui::Vec2) {
        let Some(workspace) = &mut self.workspace else { return };
        let labels = workspace.labels();
        let label = labels.iter().find(|(id, _)| *id == workspace.active_id());
        let label = label.map(|(_, label)| label.as_str());
        if let Some(open) = workspace.active() {
            let cx = workspace.context(open, label, &self.commands, &self.jobs);
            bars::look_for(ui, &cx, bar);
            Panel::bottom("status")
                .frame(bar)
                .exact_size(26.0)
                .show(ui, |ui| bars::status(ui, &cx, workspace));
            Panel::bottom("transport")
                .frame(bar)
                .exact_size(50.0)
                .show(ui, |ui| transport::show(ui, &cx));
        }
        CentralPanel::default()
            .frame(Frame::new().fill(Palette::get(ui).background))
            .show(ui, |ui| workspace.show(ui, &self.commands, &self.jobs, size));
    }

    fn top_bar(&self, ui: &mut Ui) {
        ui.horizontal_centered(|ui| {
            let demos = &self.options.demos;
            let lessons = self.options.lessons.as_ref();
            bars::menus(ui, demos, lessons, &self.commands, |command| self.is_available(command));
            if let Some(workspace) = &self.workspace
                && let Some(open) = workspace.active()
            {
                let labels = workspace.labels();
                let label = labels.iter().find(|(id, _)| *id == open.id);
                let label = label.map(|(_, label)| label.as_str());
                let cx = workspace.context(open, label, &self.commands, &self.jobs);
                let has_lost_the_end = workspace.has_lost_the_end();
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    bars::facts(ui, &cx, has_lost_the_end);
                });
            }
        });
    }
}

const NO_FILE: &str = "No file was chosen. If no file dialog appeared, this desktop has none:";

/// Asks for files on a thread of its own: the window must go on drawing.
fn ask_for_files(ctx: &egui::Context) -> Receiver<Option<Vec<PathBuf>>> {
    let (sender, receiver) = channel();
    let ctx = ctx.clone();
    std::thread::spawn(move || {
        let chosen = rfd::FileDialog::new()
            .set_title("Open recorded traces")
            .add_filter("taskscope traces", &[taskscope_model::EXTENSION])
            .pick_files();
        // The receiver is gone if the window was closed meanwhile.
        let _ = sender.send(chosen);
        ctx.request_repaint();
    });
    receiver
}
