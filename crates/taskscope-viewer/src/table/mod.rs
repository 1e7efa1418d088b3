//! The table of tasks: sortable by every column, filtered by the search.

mod field;
mod rows;
mod search_field;

use egui::{Align, Layout, RichText, Role, Sense, Ui, WidgetInfo, vec2};
use egui_extras::{TableBuilder, TableRow};
use taskscope_model::TaskIx;

use self::field::Field;
use self::rows::{Key, Sources, now, value};
use self::search_field::SearchField;
use crate::command::TraceCommand;
use crate::context::Context;
use crate::jobs::Question;
use crate::theme::Palette;
use crate::{labels, menus, time};

/// The panel with the table of tasks: how it is sorted and filtered.
#[derive(Debug, Default)]
pub(crate) struct TaskTable {
    sort: Field,
    descending: bool,
    /// The tasks shown, in their order.
    rows: Question<Key, Vec<TaskIx>>,
    /// What the rows were that were shown last.
    shown: Option<Key>,
    /// The selections whose task was scrolled to; see `OpenTrace::selections`.
    revealed: u64,
    /// The first row should be scrolled to.
    to_top: bool,
    field: SearchField,
}

impl TaskTable {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        show(ui, cx, self);
    }

    /// Gives the search field the focus.
    pub(crate) fn focus_search(&mut self) {
        self.field.wants_focus = true;
    }

    /// The tasks shown, from top to bottom.
    pub(crate) fn rows(&self) -> &[TaskIx] {
        self.rows.answer().map_or(&[], |answer| &answer.value)
    }

    /// Asks for the rows anew where what they depend on has changed.
    fn refresh(&mut self, cx: &Context<'_>) {
        // Rows must not jump about while the recording plays.
        let by_moment = self.sort == Field::Now && !cx.replay.is_playing();
        let by_times = matches!(self.sort, Field::Scheduled | Field::Waiting);
        let times = cx.open.times_for_jobs().filter(|_| by_times);
        let found = cx.open.search.found();
        if found.is_none() && cx.open.search.is_on() {
            // The rows that there were stay until it is known which are found.
            return;
        }
        let key = Key {
            sort: self.sort,
            descending: self.descending,
            found: found.as_ref().map(|(_, found)| found.clone()),
            moment: by_moment.then(|| cx.replay.moment()),
            times: times.as_ref().map(|(revision, _)| *revision),
        };
        let (trace, times) = (cx.open.trace_for_jobs(), times.map(|(_, times)| times));
        // Without it, it takes a while.
        let activity = by_moment.then(|| cx.open.activity_for_jobs()).flatten();
        let found = found.map(|(hits, _)| hits.clone());
        let from = Sources { trace, times, activity, found };
        let work = || rows::rows(from, key.clone());
        let answer = self.rows.ask(cx.jobs, cx.open.snapshot(), &key, work);
        // Another order begins at its top, unless only the moment is another.
        if let Some(answer) = answer
            && self.shown.as_ref() != Some(&answer.key)
        {
            self.to_top |=
                self.shown.as_ref().is_none_or(|shown| shown.is_another_order(&answer.key));
            self.shown = Some(answer.key.clone());
        }
    }

    /// How many columns there are.
    pub(crate) const COLUMNS: usize = Field::ALL.len();

    /// Sorts by a column, as a click on its head does.
    pub(crate) fn sort_by_column(&mut self, column: usize) {
        if let Some(&field) = Field::ALL.get(column) {
            self.sort_by(field);
        }
    }

    fn sort_by(&mut self, field: Field) {
        // Figures are most often wanted largest first.
        self.descending = match self.sort == field {
            true => !self.descending,
            false => field.is_figure(),
        };
        self.sort = field;
    }

    /// Whether other rows than these are on their way.
    pub(crate) fn is_busy(&self) -> bool {
        self.rows.is_running()
    }
}

/// Shows the table with its search field.
fn show(ui: &mut Ui, cx: &Context<'_>, state: &mut TaskTable) {
    toolbar(ui, cx, state);
    if state.rows().is_empty() {
        ui.add_space(16.0);
        ui.vertical_centered(|ui| {
            if state.is_busy() || cx.open.search.is_busy() {
                ui.weak("One moment…");
            } else if cx.trace().task_count() == 0 {
                ui.weak("This recording has no tasks.");
            } else {
                ui.weak("No task matches. A bare word is looked for in names, numbers and spawn places; all other words are listed \
                     when the field is empty.");
            }
        });
        return;
    }
    // Narrow windows scroll sideways.
    egui::ScrollArea::horizontal()
        .id_salt("columns")
        .auto_shrink(false)
        .show(ui, |ui| table(ui, cx, state));
}

fn toolbar(ui: &mut Ui, cx: &Context<'_>, state: &mut TaskTable) {
    ui.horizontal(|ui| {
        ui.label(RichText::new("Tasks").size(15.0));
        let width = (0.4 * ui.available_width()).clamp(160.0, 380.0);
        state.field.ui(ui, cx, width);
        cx.open.search.prepare();
        state.refresh(cx);
        search_field::status(ui, cx);
        if cx.open.search.error().is_some() {
            return;
        }
        let shown = state.rows().len();
        // Of the snapshot whose figures are shown, which may be older than the trace.
        let all = cx.prepared().task_count();
        let spawned = cx.prepared().summary.tasks.spawned;
        let parts = cx.prepared().summary.tasks.parts;
        let tasks = match parts {
            0 => time::plural(spawned, "task"),
            1 => format!("{} and a part of one", time::plural(spawned, "task")),
            _ => format!("{}, {} parts of them", time::plural(spawned, "task"), time::count(parts)),
        };
        let is_whole = !cx.open.search.is_on() || shown == all;
        let text = match (is_whole, (all as u64).saturating_sub(spawned + parts)) {
            (true, 0) => tasks,
            (true, others) => {
                format!("{tasks}, and {} on the blocking pool or in block_on", time::count(others))
            }
            (false, _) => format!("{} of {}", time::count(shown as u64), time::count(all as u64)),
        };
        // What grows is sorted again all the time.
        let is_sorting = (state.is_busy() || cx.open.search.is_busy()) && !cx.open.is_part;
        let text = if is_sorting { format!("{text}, sorting…") } else { text };
        ui.add(egui::Label::new(RichText::new(text).weak()).truncate());
    });
}

fn table(ui: &mut Ui, cx: &Context<'_>, state: &mut TaskTable) {
    let reveal = std::mem::replace(&mut state.revealed, cx.open.selections) != cx.open.selections;
    let selected = cx.open.selected.filter(|_| reveal);
    let to_top = std::mem::take(&mut state.to_top);
    let selected_row = selected.and_then(|task| state.rows().iter().position(|&row| row == task));
    let mut builder = TableBuilder::new(ui)
        .id_salt("tasks")
        .sense(Sense::click())
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for field in Field::ALL {
        builder = builder.column(field.column());
    }
    if let Some(row) = selected_row {
        builder = builder.scroll_to_row(row, Some(Align::Center));
    } else if to_top {
        builder = builder.vertical_scroll_offset(0.0);
    }
    let mut clicked = None;
    let mut sort = None;
    builder
        .header(24.0, |mut header| {
            for field in Field::ALL {
                header.col(|ui| {
                    if heading(ui, state, field) {
                        sort = Some(field);
                    }
                });
            }
        })
        .body(|body| {
            body.rows(22.0, state.rows().len(), |mut row| {
                let task = state.rows()[row.index()];
                row.set_selected(cx.open.selected == Some(task));
                for field in Field::ALL {
                    cell(&mut row, cx, task, field);
                }
                let response = row.response();
                let name = cx.trace().task_name(task);
                response.widget_info(|| {
                    let selected = cx.open.selected == Some(task);
                    WidgetInfo::selected(Role::Row, true, selected, format!("Row {name}"))
                });
                if response.clicked() {
                    clicked = Some(task);
                }
                menus::of_task(&response, cx, task);
            });
        });
    if let Some(field) = sort {
        state.sort_by(field);
    }
    if let Some(task) = clicked {
        cx.send(TraceCommand::Choose(task));
    }
}

/// A column's title; whether it was clicked.
fn heading(ui: &mut Ui, table: &TaskTable, field: Field) -> bool {
    let text = RichText::new(field.title()).size(12.5).weak();
    let label = egui::Label::new(text).sense(Sense::click()).selectable(false);
    let layout = match field.is_figure() {
        true => Layout::right_to_left(Align::Center),
        false => Layout::left_to_right(Align::Center),
    };
    let response = ui
        .with_layout(layout, |ui| {
            let response = ui.add(label);
            if table.sort == field {
                sort_arrow(ui, table.descending);
            }
            response
        })
        .inner;
    response.widget_info(|| {
        WidgetInfo::labeled(Role::Button, true, format!("Sort by {}", field.title()))
    });
    response.on_hover_text(field.about()).clicked()
}

fn sort_arrow(ui: &mut Ui, descending: bool) {
    let (rect, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
    let (tip, base) = match descending {
        true => (rect.center_bottom(), [rect.left_top(), rect.right_top()]),
        false => (rect.center_top(), [rect.left_bottom(), rect.right_bottom()]),
    };
    let colour = Palette::get(ui).accent;
    let corners = vec![tip, base[0], base[1]];
    ui.painter().add(egui::Shape::convex_polygon(corners, colour, egui::Stroke::NONE));
}

fn cell(row: &mut TableRow<'_, '_>, cx: &Context<'_>, ix: TaskIx, field: Field) {
    let trace = cx.trace();
    let task = trace.task(ix);
    row.col(|ui| {
        let palette = Palette::get(ui);
        match field {
            Field::Task => {
                let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
                ui.painter().rect_filled(dot, 2.0, cx.open.colour(palette, ix));
                plain(ui, trace.task_name(ix));
            }
            Field::Place => {
                if let Some(place) = task.place {
                    plain(ui, trace.place(place).short());
                }
            }
            Field::Now => {
                if let Some(state) = now(trace, ix, cx.replay.moment()) {
                    let (dot, _) = ui.allocate_exact_size(vec2(8.0, 8.0), Sense::hover());
                    ui.painter().circle_filled(dot.center(), 4.0, palette.state(state));
                    plain(ui, state.name().to_owned());
                }
            }
            Field::End => {
                let text = RichText::new(labels::task_end(task.end)).size(12.5);
                let panicked = matches!(
                    task.end.map(|end| end.kind),
                    Some(taskscope_model::EndKind::Panicked)
                );
                let colour = if panicked { palette.alarm } else { palette.text };
                ui.add(egui::Label::new(text.color(colour)).selectable(false));
            }
            _ => {
                let number = value(trace, || cx.open.times(ix), ix, field);
                let text = match (field, number) {
                    (_, None) => "…".to_owned(),
                    (Field::Polls | Field::Hops, Some(number)) => time::count(number),
                    (Field::Size, _) if task.size.is_none() => String::new(),
                    (Field::Size, Some(number)) => format!("{} B", time::count(number)),
                    (_, Some(number)) => time::duration(number as f64),
                };
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.add_space(4.0);
                    let text = RichText::new(text).monospace().size(12.0);
                    ui.add(egui::Label::new(text).selectable(false));
                });
            }
        }
    });
}

fn plain(ui: &mut Ui, text: String) {
    ui.add(egui::Label::new(RichText::new(text).size(12.5)).selectable(false).truncate());
}
