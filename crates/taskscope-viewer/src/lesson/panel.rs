//! The panel of a lesson.

use egui::{
    Align, Button, Frame, Grid, Layout, Margin, Panel, RichText, Role, ScrollArea, Stroke, Ui,
    WidgetInfo, vec2,
};
use taskscope_lesson::Block;

use super::{Course, RunLesson, source, text};
use crate::command::{AppCommand, Commands};
use crate::context::Context;
use crate::theme::Palette;

/// What the panel sees of the window.
pub(crate) struct Around<'a> {
    pub(crate) commands: &'a Commands,
    /// The open traces, each with what the lesson or the window calls it; the active one first.
    pub(crate) traces: Vec<(String, Context<'a>)>,
    pub(crate) run: Option<&'a RunLesson>,
    /// Whether the window presents: large type, and nothing to fill in.
    pub(crate) presents: bool,
}

/// A text with its blanks filled in.
fn filled(text: &str, blanks: &[(&str, String)]) -> String {
    let fill =
        |text: String, (name, value): &(&str, String)| text.replace(&format!("{{{name}}}"), value);
    blanks.iter().fold(text.to_owned(), fill)
}

impl Course {
    /// Shows the lesson at the right of the window.
    pub(crate) fn show(&mut self, ui: &mut Ui, around: &Around<'_>) {
        if let Some(files) = self.again.take() {
            around.commands.send(AppCommand::OpenFilesBeside(files));
        }
        let palette = Palette::get(ui);
        let compared = self.step().map_or(0, |step| step.traces.len());
        let part = match (compared > 2, around.presents) {
            // The figures of many traces have a column each.
            (true, _) => 0.4,
            (false, true) => 0.31,
            (false, false) => 0.29,
        };
        let width = (part * ui.available_width()).clamp(270.0, 560.0);
        // What a compiler says is wide, and hard to read in pieces.
        let code = self.step().map_or(0.0, |step| text::code_width(ui, &step.text));
        let source = self.source_shown(around.presents);
        let source = source.and_then(|source| Some(source::width(source, self.lines_in_sight()?)));
        let width = width.max((code + 32.0).min(0.62 * ui.available_width()));
        let width = width.max((source.unwrap_or(0.0) + 40.0).min(0.4 * ui.available_width()));
        let frame = Frame::new().fill(palette.panel).inner_margin(Margin::symmetric(16, 10));
        Panel::right("lesson").frame(frame).exact_size(width).resizable(false).show(ui, |ui| {
            ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
                self.turns(ui, around);
                ui.with_layout(Layout::top_down(Align::Min), |ui| self.page(ui, around));
            });
        });
        self.scroll = false;
    }

    fn heading(&self) -> String {
        let lesson = &self.entry.lesson;
        match self.entry.number {
            Some(number) => {
                let name = filled(&self.words.lesson, &[("number", number.to_string())]);
                format!("{name}  ·  {}", lesson.title)
            }
            None => lesson.title.clone(),
        }
    }

    fn page(&mut self, ui: &mut Ui, around: &Around<'_>) {
        let palette = Palette::get(ui);
        ui.horizontal(|ui| {
            ui.label(RichText::new(self.heading()).color(palette.weak).size(13.0));
            if !around.presents {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let leave = AppCommand::LeaveLesson;
                    let button = ui.button("×");
                    let label = self.words.leave.clone();
                    button.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
                    if button.on_hover_text(&self.words.leave).clicked() {
                        around.commands.send(leave);
                    }
                });
            }
        });
        ui.add_space(2.0);
        let number = self.step;
        ScrollArea::vertical().id_salt(("lesson", number)).auto_shrink(false).show(ui, |ui| {
            if number == 0 {
                text::show(ui, &self.entry.lesson.introduction, &self.traces);
            }
            if let Some(step) = self.step() {
                let title = RichText::new(&step.title).size(21.0);
                ui.label(title);
                ui.add_space(6.0);
                text::show(ui, &step.text, &self.traces);
            }
            self.question(ui, around);
            self.source(ui, around);
            self.runs.show(ui, &self.compared(around), &self.words);
            if !around.presents {
                self.run_again(ui, around);
            }
        });
    }

    /// The traces that the step looks at, and those of other runs.
    fn compared<'a>(&self, around: &Around<'a>) -> Vec<(String, Context<'a>)> {
        let named = self.step().map_or(&[][..], |step| &step.traces);
        let is_shown = |(_, cx): &&(String, Context<'_>)| {
            let own = self.open.iter().find(|(_, id)| *id == cx.open.id);
            own.is_none_or(|(name, _)| named.is_empty() || named.contains(name))
        };
        around.traces.iter().filter(is_shown).cloned().collect()
    }

    fn source(&self, ui: &mut Ui, around: &Around<'_>) {
        let Some(source) = self.source_shown(around.presents) else { return };
        let lit = self.step().and_then(|step| step.lines.as_ref());
        let name = self.entry.lesson.source.as_deref().unwrap_or_default();
        let palette = Palette::get(ui);
        ui.add_space(4.0);
        ui.label(
            RichText::new(format!("{}  {name}", self.words.source)).color(palette.weak).small(),
        );
        let cx = around.traces.first().map(|(_, cx)| cx);
        let height = (0.36 * ui.ctx().content_rect().height()).max(150.0);
        // A table that follows shall be seen, too.
        let compares = self.step().is_some_and(|step| step.traces.len() > 1);
        let height = match self.lines_in_sight().filter(|_| compares) {
            Some(seen) => height.min(source::height(seen)),
            None => height,
        };
        let lines = source::Lines { lit, seen: self.lines_in_sight(), scroll: self.scroll };
        source::show(ui, source, name, lines, cx, height);
    }

    /// The program, if the step shows it: of a presentation only what is spoken of, no other program than the
    /// step's own, and none beside a comparison of traces that speaks of no line.
    fn source_shown(&self, presents: bool) -> Option<&str> {
        let step = self.step()?;
        let has_code = step.text.iter().any(|of| matches!(of, Block::Code { .. }));
        let compares = step.traces.len() > 1;
        let is_shown = step.lines.is_some() || !(presents || has_code || compares);
        self.entry.source.as_deref().filter(|_| is_shown)
    }

    /// The lines of which this step speaks, or the last one that spoke of any.
    fn lines_in_sight(&self) -> Option<&std::ops::RangeInclusive<usize>> {
        let steps = &self.entry.lesson.steps;
        steps[..=self.step.min(steps.len().saturating_sub(1))]
            .iter()
            .rev()
            .find_map(|step| step.lines.as_ref())
    }

    fn question(&mut self, ui: &mut Ui, around: &Around<'_>) {
        let Some(question) = self.step().and_then(|step| step.question.clone()) else { return };
        let palette = Palette::get(ui);
        let answered = self.answers.get(&self.step).copied();
        let is_right = |number: usize| {
            question
                .answers
                .get(number)
                .is_some_and(|answer| answer.claim.holds(&self.traces).unwrap_or(false))
        };
        ui.add_space(4.0);
        ui.label(text::sized(ui, &question.ask, &self.traces, 17.0, palette.accent));
        ui.add_space(4.0);
        for (number, answer) in question.answers.iter().enumerate() {
            let label = text::sized(ui, &answer.text, &self.traces, 15.0, palette.text);
            let stroke = match answered {
                Some(_) if is_right(number) => Stroke::new(2.0, palette.accent),
                Some(chosen) if chosen == number => Stroke::new(1.5, palette.alarm),
                _ => Stroke::new(1.0, palette.line),
            };
            let button = Button::new(label)
                .fill(palette.field)
                .stroke(stroke)
                .wrap()
                .min_size(vec2(ui.available_width().min(380.0), 32.0));
            let response = ui.add(button);
            if answered.is_none() && response.clicked() {
                around.commands.send(AppCommand::AnswerLesson(number));
            }
        }
        let Some(chosen) = answered else { return };
        ui.add_space(4.0);
        let right = (0..question.answers.len()).find(|&number| is_right(number));
        let text = match right {
            Some(right) if right == chosen => self.words.right.clone(),
            Some(right) => {
                let answer = text::plain(&question.answers[right].text, &self.traces);
                filled(&self.words.wrong, &[("answer", answer)])
            }
            None => String::new(),
        };
        ui.label(RichText::new(text).size(15.5).color(palette.text));
        text::show(ui, &question.then, &self.traces);
    }

    fn run_again(&mut self, ui: &mut Ui, around: &Around<'_>) {
        let (Some(run), Some(number)) = (around.run, self.entry.number) else { return };
        if self.entry.parameters.is_empty() {
            return;
        }
        let palette = Palette::get(ui);
        ui.add_space(10.0);
        ui.label(RichText::new(&self.words.run_again).color(palette.weak));
        ui.scope(|ui| {
            // What can be changed looks like it.
            let inactive = &mut ui.visuals_mut().widgets.inactive;
            (inactive.weak_bg_fill, inactive.bg_stroke) =
                (palette.field, Stroke::new(1.0, palette.line));
            Grid::new("parameters").num_columns(2).spacing([12.0, 6.0]).show(ui, |ui| {
                for of in &self.entry.parameters {
                    let Some(value) = self.again.values.get_mut(&of.name) else { continue };
                    let about = self.entry.lesson.labels.get(&of.name).unwrap_or(&of.about);
                    ui.label(about);
                    let field = egui::DragValue::new(value).range(of.range.0..=of.range.1);
                    let response = ui.add_sized(vec2(84.0, 24.0), field);
                    response.widget_info(|| WidgetInfo::labeled(Role::SpinButton, true, about));
                    ui.end_row();
                }
            });
        });
        ui.add_space(4.0);
        let button = Button::new(RichText::new(&self.words.run).color(palette.text));
        let button = button.fill(palette.selected).min_size(vec2(92.0, 28.0));
        if ui.add_enabled(!self.again.is_running(), button).clicked() {
            self.again.start(number, run.clone(), ui.ctx());
        }
        if self.again.is_running() {
            ui.horizontal(|ui| {
                ui.spinner();
                ui.label(&self.words.running);
            });
        }
        if let Some(why) = &self.again.failed {
            let text = filled(&self.words.run_failed, &[("why", why.clone())]);
            ui.label(RichText::new(text).color(palette.alarm));
        }
    }

    /// Back and next.
    fn turns(&self, ui: &mut Ui, around: &Around<'_>) {
        let palette = Palette::get(ui);
        let steps = self.entry.lesson.steps.len();
        ui.horizontal(|ui| {
            let button =
                |ui: &mut Ui, word: &str, command: AppCommand, is_there: bool, main: bool| {
                    let colour = if main { palette.on(palette.accent) } else { palette.text };
                    let fill = if main { palette.accent } else { palette.field };
                    let button =
                        Button::new(RichText::new(word).size(15.0).color(colour)).fill(fill);
                    let button = ui.add_enabled(is_there, button.min_size(vec2(92.0, 32.0)));
                    let tooltip = crate::command::Command::App(command.clone()).tooltip(ui.ctx());
                    if button.on_hover_text(tooltip).clicked() {
                        around.commands.send(command);
                    }
                };
            button(ui, &self.words.back, AppCommand::PreviousStep, self.step > 0, false);
            let place = [("step", (self.step + 1).to_string()), ("steps", steps.to_string())];
            let text = RichText::new(filled(&self.words.step, &place)).color(palette.weak);
            ui.label(text.size(13.0));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                button(ui, &self.words.next, AppCommand::NextStep, self.step + 1 < steps, true);
            });
        });
        ui.add_space(6.0);
    }
}
