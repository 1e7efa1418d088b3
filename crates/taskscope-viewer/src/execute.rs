//! Where commands are carried out: all of them, and nowhere else.

use std::path::PathBuf;

use egui::Theme;
use taskscope_model::Direction;

use crate::app::{App, Asking};
use crate::command::{AppCommand, Command, Needs, TraceCommand};
use crate::editor;
use crate::loading::{Loading, Placement};
use crate::open_trace::TraceId;
use crate::replay::Pace;
use crate::said;
use crate::save_copy::SaveCopy;
use crate::settings;
use crate::transport;
use crate::workspace::{PanelId, PanelKind};

impl App {
    /// Carries out what was sent since the last call.
    pub(crate) fn carry_out(&mut self, ctx: &egui::Context) {
        profiling::scope!("commands");
        let sent = self.commands.take();
        if !sent.is_empty() {
            // What has changed is drawn in the next frame.
            ctx.request_repaint();
        }
        for (trace, command) in sent {
            if command.is_jump()
                && let Some(workspace) = &mut self.workspace
            {
                workspace.remember();
            }
            match command {
                Command::App(command) => {
                    if self.is_available(&command.clone().into()) {
                        self.app_command(ctx, command);
                    } else {
                        self.say_what_is_needed(ctx, &command.into());
                    }
                }
                Command::Trace(command) => {
                    let active = self.workspace.as_ref().map(|open| open.active_id());
                    if let Some(trace) = trace.or(active)
                        && self.is_available_for(&command.clone().into(), Some(trace))
                    {
                        if command == TraceCommand::Follow {
                            self.toggle_follow(ctx, trace);
                        }
                        self.trace_command(ctx, trace, command);
                    } else if command == TraceCommand::ClearSelection {
                        self.keys_open = false;
                    } else {
                        self.say_what_is_needed(ctx, &command.into());
                    }
                }
            }
        }
    }

    /// Why a command did nothing, where a person may wonder.
    fn say_what_is_needed(&self, ctx: &egui::Context, command: &Command) {
        let spec = command.spec();
        let needed = match spec.needs {
            Needs::Several => "needs a second trace beside this one: Open beside…",
            Needs::Selection => "needs a selected task: click a poll or a row of the table",
            Needs::File => "needs a trace that was read from a file",
            _ => return,
        };
        if self.workspace.is_some() && !spec.title.is_empty() {
            said::say(ctx, format!("“{}” {needed}", spec.title));
        }
    }

    /// Whether a command makes sense now.
    pub(crate) fn is_available(&self, command: &Command) -> bool {
        let active = self.workspace.as_ref().map(|open| open.active_id());
        self.is_available_for(command, active)
    }

    fn is_available_for(&self, command: &Command, trace: Option<TraceId>) -> bool {
        let count = self.workspace.as_ref().map_or(0, |open| open.members().len());
        let member = trace.and_then(|trace| self.workspace.as_ref()?.member(trace));
        match command.spec().needs {
            Needs::Nothing => true,
            Needs::Loading => self.loadings.iter().any(Loading::is_waited_for),
            Needs::Several => count > 1,
            Needs::Trace => member.is_some(),
            Needs::Lesson => self.course.is_some(),
            Needs::File => member.is_some_and(|member| member.open.path.is_some()),
            Needs::Selection => member.is_some_and(|member| member.open.selected.is_some()),
        }
    }

    fn open_lesson(&mut self, number: u32) {
        let Some(lessons) = &self.options.lessons else { return };
        match (lessons.open)(number) {
            Ok(entry) => self.begin_lesson(entry),
            Err(why) => self.error = Some(why),
        }
    }

    /// Goes to the next step of the lesson, or back.
    pub(crate) fn turn(&mut self, forward: bool) {
        if let (Some(course), Some(workspace)) = (&mut self.course, &mut self.workspace)
            && course.turn(forward)
        {
            course.go(workspace);
        }
    }

    fn load_files(&self, paths: Vec<PathBuf>, ctx: &egui::Context) -> Vec<Loading> {
        let indexes = || self.options.indexes.clone();
        paths.into_iter().map(|path| Loading::file(path, false, indexes(), ctx)).collect()
    }

    fn app_command(&mut self, ctx: &egui::Context, command: AppCommand) {
        match command {
            AppCommand::Open => self.ask_for_files(ctx, Asking::InPlace),
            AppCommand::OpenBeside => self.ask_for_files(ctx, Asking::Beside),
            AppCommand::OpenFiles(paths) => {
                let group = self.new_group();
                let files = self.load_files(paths, ctx);
                self.load(files, Placement::InPlace(group));
            }
            AppCommand::OpenFilesBeside(paths) => {
                let files = self.load_files(paths, ctx);
                self.load(files, Placement::Beside);
            }
            AppCommand::RunDemo(demo) => {
                if let Some(run) = self.options.run_demo.clone() {
                    let group = self.new_group();
                    let recording = Loading::demo(demo, run, ctx);
                    self.load(vec![recording], Placement::InPlace(group));
                }
            }
            AppCommand::StopLoading => self.stop_loading(Loading::is_waited_for),
            AppCommand::StopLoadingOf(id) => self.stop_loading(|loading| loading.id == id),
            AppCommand::Home => {
                self.error = None;
                self.close_all();
            }
            AppCommand::ToggleTheme => ctx.set_theme(match ctx.theme() {
                Theme::Dark => Theme::Light,
                Theme::Light => Theme::Dark,
            }),
            AppCommand::HighContrast => self.toggle_contrast(ctx),
            AppCommand::LargerText => settings::resize_text(ctx, 1),
            AppCommand::SmallerText => settings::resize_text(ctx, -1),
            AppCommand::UsualText => ctx.set_zoom_factor(1.0),
            AppCommand::Present => self.toggle_presenting(ctx, true),
            AppCommand::OpenLesson(number) => self.open_lesson(number),
            AppCommand::NextStep => self.turn(true),
            AppCommand::PreviousStep => self.turn(false),
            AppCommand::LeaveLesson => {
                if let (Some(course), Some(workspace)) = (self.course.take(), &mut self.workspace) {
                    course.stop_guessing(workspace);
                }
            }
            AppCommand::AnswerLesson(answer) => {
                if let (Some(course), Some(workspace)) = (&mut self.course, &mut self.workspace) {
                    course.answer(answer);
                    course.stop_guessing(workspace);
                }
            }
            AppCommand::ShowPalette => self.palette.open(),
            AppCommand::ShowKeys => self.keys_open = !self.keys_open,
            AppCommand::DismissError() => self.error = None,
            AppCommand::DismissSession() => self.shows_session = false,
            command => self.workspace_command(command),
        }
    }

    /// Commands that concern all open traces.
    fn workspace_command(&mut self, command: AppCommand) {
        let Some(workspace) = &mut self.workspace else { return };
        let clock = &mut workspace.clock;
        match command {
            AppCommand::PlayPause => workspace.toggle_play(Direction::Forward),
            AppCommand::PlayBack => workspace.toggle_play(Direction::Back),
            AppCommand::NextPace => {
                let at = Pace::ALL.iter().position(|pace| *pace == clock.replay.pace());
                let next = at.map_or(0, |at| (at + 1) % Pace::ALL.len());
                clock.replay.set_pace(Pace::ALL[next]);
            }
            AppCommand::SetPace(pace) => clock.replay.set_pace(pace),
            AppCommand::ToggleLoop => clock.replay.loops = !clock.replay.loops,
            AppCommand::FollowTask => clock.follows_task = !clock.follows_task,
            AppCommand::StopAtHops => clock.stops.hops = !clock.stops.hops,
            AppCommand::StopAtPanics => clock.stops.panics = !clock.stops.panics,
            AppCommand::StopAtWakes => clock.stops.wakes = !clock.stops.wakes,
            AppCommand::StopAtFirstPoll => clock.stops.first_poll = !clock.stops.first_poll,
            AppCommand::Faster => clock.replay.hasten(2.0),
            AppCommand::Slower => clock.replay.hasten(0.5),
            AppCommand::SetSpeed(position) => clock.replay.set_speed_position(position),
            AppCommand::UsualSpeed => clock.replay.usual_speed(),
            AppCommand::FitAll => clock.view.fit(),
            AppCommand::ZoomIn => workspace.zoom(0.7),
            AppCommand::ZoomOut => workspace.zoom(1.0 / 0.7),
            AppCommand::PanLeft => clock.view.pan(-0.2),
            AppCommand::PanRight => clock.view.pan(0.2),
            AppCommand::Pan(part) => clock.view.pan(part),
            AppCommand::GoBack => workspace.travel(true),
            AppCommand::GoForward => workspace.travel(false),
            AppCommand::NextTrace => workspace.activate_next(),
            AppCommand::Activate(trace) => workspace.activate(trace),
            AppCommand::AlignStarts => workspace.align_starts(),
            AppCommand::AlignClocks => workspace.align_clocks(),
            AppCommand::ShowBeside(stretches) => workspace.show_beside(&stretches),
            AppCommand::ResetLayout => {
                let traces = workspace.ids();
                workspace.layout.reset(&traces);
                workspace.open_comparison();
            }
            // Those above concern the window.
            _ => {}
        }
    }

    fn trace_command(&mut self, ctx: &egui::Context, id: TraceId, command: TraceCommand) {
        if command == TraceCommand::ClearSelection && self.presenting.is_some() {
            return self.toggle_presenting(ctx, true);
        }
        if command == TraceCommand::ClearSelection && std::mem::take(&mut self.keys_open) {
            return;
        }
        let Some(workspace) = &mut self.workspace else { return };
        let is_marked = workspace.clock.measured.is_some();
        let Some(member) = workspace.member_mut(id) else { return };
        let open = &mut member.open;
        let (offset, span) = (open.offset, open.trace().span());
        match command {
            TraceCommand::Search => {
                member.panels.tasks.focus_search();
                workspace.layout.bring(PanelId { trace: id, kind: PanelKind::Tasks });
            }
            TraceCommand::MarkFrom => workspace.mark(true),
            TraceCommand::MarkTo => workspace.mark(false),
            TraceCommand::ShowMarked => workspace.show_marked(id),
            TraceCommand::AddMark => workspace.add_mark(id),
            TraceCommand::NextMark => workspace.go_to_next_mark(id, true),
            TraceCommand::PreviousMark => workspace.go_to_next_mark(id, false),
            TraceCommand::GoToMark(mark) => workspace.go_to_mark(id, mark),
            TraceCommand::EditMark(mark, text) => open.marks.set_text(mark, text),
            TraceCommand::RemoveMark(mark) => open.marks.remove(mark),
            TraceCommand::NextRow => workspace.choose_row(id, true),
            TraceCommand::PreviousRow => workspace.choose_row(id, false),
            TraceCommand::GoToTime => transport::type_time(ctx),
            TraceCommand::CopyLink => {
                if let Some(link) = workspace.link() {
                    crate::said::copy(ctx, link);
                }
            }
            TraceCommand::OpenPlace(place) => {
                if let Some(editor) = editor::named() {
                    let place = open.trace().place(place);
                    self.error = editor::open(&editor, place, open.path.as_deref()).err();
                }
            }
            TraceCommand::SearchFor(text) => open.search.set(text),
            TraceCommand::NextHit => workspace.go_to_hit(id, Direction::Forward),
            TraceCommand::PreviousHit => workspace.go_to_hit(id, Direction::Back),
            TraceCommand::StepForward => workspace.step(id, Direction::Forward),
            TraceCommand::StepBack => workspace.step(id, Direction::Back),
            TraceCommand::NextPoll => workspace.step_poll(id, Direction::Forward),
            TraceCommand::PreviousPoll => workspace.step_poll(id, Direction::Back),
            TraceCommand::ToStart => workspace.go_to(span.start as f64 + offset),
            TraceCommand::ToEnd if open.followed_since().is_some() => workspace.back_to_the_end(),
            TraceCommand::ToEnd => {
                workspace.clock.replay.pause();
                workspace.go_to(span.end as f64 + offset);
            }
            TraceCommand::FocusSelection => workspace.focus(id),
            TraceCommand::ShowFinding(number) => workspace.show_finding(id, number),
            // One thing at a time.
            TraceCommand::ClearSelection if is_marked => workspace.clock.measured = None,
            TraceCommand::ClearSelection => {
                open.select(None);
                member.panels.timeline.outline.show_affected(Vec::new());
            }
            TraceCommand::GoTo(time) => {
                workspace.seek(id, span.start.saturating_add(time) as f64);
            }
            TraceCommand::Pin => {
                if let Some(task) = open.selected {
                    member.panels.timeline.outline.toggle_pin(task);
                }
            }
            TraceCommand::ToggleWay => open.ways.are_drawn = !open.ways.are_drawn,
            TraceCommand::WayFromHere => workspace.begin_way(id),
            TraceCommand::ToggleFolds => member.panels.timeline.outline.toggle_all(),
            TraceCommand::GroupBy => {
                let outline = &mut member.panels.timeline.outline;
                outline.group_by = outline.group_by.next();
            }
            TraceCommand::ColourBy => open.colour_by = open.colour_by.next(),
            // It concerns what is read, too: see `toggle_follow`.
            TraceCommand::Follow => {}
            TraceCommand::AlignHere => workspace.align_here(id),
            TraceCommand::ToggleOverview => workspace.toggle(id, PanelKind::Overview),
            TraceCommand::ToggleTimeline => workspace.toggle(id, PanelKind::Timeline),
            TraceCommand::ToggleStage => workspace.toggle(id, PanelKind::Stage),
            TraceCommand::ToggleTasks => workspace.toggle(id, PanelKind::Tasks),
            TraceCommand::ToggleInspector => workspace.toggle(id, PanelKind::Inspector),
            TraceCommand::ToggleInstant => workspace.toggle(id, PanelKind::Instant),
            TraceCommand::ToggleRange => workspace.toggle(id, PanelKind::Range),
            TraceCommand::ToggleLongest => workspace.toggle(id, PanelKind::Longest),
            TraceCommand::ToggleMarks => workspace.toggle(id, PanelKind::Marks),
            TraceCommand::ToggleComparison => workspace.toggle_comparison(id),
            TraceCommand::SaveAs => self.save_copy = Some((id, SaveCopy::new(&open.name))),
            TraceCommand::Close => self.close(id),
            TraceCommand::Select(task) => {
                open.select(task);
                if task.is_none() {
                    member.panels.timeline.outline.show_affected(Vec::new());
                }
            }
            TraceCommand::Choose(task) => workspace.choose(id, task),
            TraceCommand::Seek(moment) => workspace.seek(id, moment),
            TraceCommand::MovePlayhead(moment) => {
                workspace.clock.replay.pause();
                workspace.clock.replay.seek(moment + offset);
            }
            TraceCommand::Show(start, width) => workspace.clock.view.show(start + offset, width),
            TraceCommand::Zoom(factor, around) => {
                workspace.clock.view.zoom(factor, around + offset);
            }
            TraceCommand::Measure(stretch) => {
                let on_axis = |(from, to): (f64, f64)| (from + offset, to + offset);
                workspace.clock.measured = stretch.map(on_axis);
            }
            TraceCommand::ClosePanel(kind) => workspace.layout.close(PanelId { trace: id, kind }),
            TraceCommand::DismissLookFor() => open.look_for = None,
            TraceCommand::DismissNews() => {
                if let Some(following) = &mut open.following {
                    following.dismiss_news();
                }
            }
        }
    }
}
