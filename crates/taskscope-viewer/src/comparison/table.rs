//! All spawn places of two traces, what got slower on top.

use egui::{Align, Layout, RichText, Role, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use taskscope_model::Nanos;
use taskscope_model::questions::compare::{
    Change, Comparison, Figures, PlaceFigures, Row, average, factor, time,
};

use super::{Side, colour, send};
use crate::context::Context;
use crate::theme::Palette;
use crate::time::count;
use crate::workspace::Stretch;

/// What a click does.
pub(super) const CLICK: &str =
    "A click shows the longest poll of this place in both traces, one below the other.";

/// The columns: what stands above them, how wide they are, and what they mean.
const COLUMNS: [(&str, f32, &str); 12] = [
    ("", 62.0, "What became of the place"),
    ("Spawned at", 160.0, "Where the tasks were spawned, and what they are called"),
    ("polls A", 54.0, "How many polls"),
    ("B", 54.0, "How many polls"),
    ("a poll A", 66.0, "How long a poll takes on average"),
    ("B", 66.0, "How long a poll takes on average"),
    ("B / A", 58.0, "How many times as long a poll takes"),
    ("99 % A", 66.0, "So long 99 of 100 polls take at most"),
    ("B", 66.0, "So long 99 of 100 polls take at most"),
    ("ready A", 66.0, "How long a task that is ready waits for its poll, on average"),
    ("B", 66.0, "How long a task that is ready waits for its poll, on average"),
    ("B / A", 58.0, "How many times as long a task that is ready waits"),
];

pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, sides: [Side<'_>; 2], of: &Comparison) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let mut builder = TableBuilder::new(ui)
        .id_salt("compared places")
        .sense(Sense::click())
        .auto_shrink(false)
        .min_scrolled_height(0.0)
        .cell_layout(Layout::left_to_right(Align::Center));
    for (number, (_, width, _)) in COLUMNS.into_iter().enumerate() {
        builder = builder.column(match number {
            1 => Column::remainder().at_least(width).clip(true),
            _ => Column::exact(width),
        });
    }
    let table = builder.header(20.0, |mut header| {
        for (number, (head, _, about)) in COLUMNS.into_iter().enumerate() {
            header.col(|ui| {
                let text = RichText::new(head).size(12.5).weak();
                let label = egui::Label::new(text).selectable(false);
                if number < 2 {
                    ui.add(label).on_hover_text(about);
                } else {
                    right(ui, |ui| ui.add(label).on_hover_text(about));
                }
            });
        }
    });
    table.body(|body| {
        body.rows(20.0, of.rows.len(), |mut table_row| {
            let row = &of.rows[table_row.index()];
            let Some(newest) = of.newest(row) else { return };
            let title = newest.title();
            cells(&mut table_row, of, row, &title);
            let response = table_row.response();
            response.widget_info(|| {
                let mut info = WidgetInfo::labeled(Role::Row, true, format!("Compared {title}"));
                info.current_text_value = Some(of.says(row).unwrap_or_default());
                info
            });
            if response.clicked() {
                go_to(cx, sides, of, row);
            }
            response.on_hover_ui(|ui| more(ui, of, row));
        });
    });
}

fn cells(table_row: &mut egui_extras::TableRow<'_, '_>, of: &Comparison, row: &Row, title: &str) {
    let both = [of.in_a(row), of.in_b(row)].map(|of| of.map(|of| &of.sums));
    let pair = |text: fn(&Figures) -> String| both.map(|of| of.map_or("–".to_owned(), text));
    let is_faster = matches!(row.change, Change::Faster(_));
    table_row.col(|ui| {
        let palette = Palette::get(ui);
        let colour = match row.change {
            Change::Same | Change::Few => palette.weak,
            change => colour(palette, change.is_worse(), is_faster),
        };
        plain(ui, RichText::new(row.change.name()).size(12.5).color(colour));
    });
    table_row.col(|ui| {
        plain(ui, RichText::new(place(row, title)).size(12.5));
    });
    let [poll, ready] = of.ratios(row);
    let is_slower = matches!(row.change, Change::Slower(_));
    for text in pair(|of| count(of.polls)).into_iter().chain(pair(|of| average(&of.times))) {
        figure(table_row, text, (false, false));
    }
    figure(table_row, factor(poll), (is_slower, is_faster));
    for text in
        pair(|of| time(of.poll_quantile(0.99))).into_iter().chain(pair(|of| average(&of.delays)))
    {
        figure(table_row, text, (false, false));
    }
    figure(table_row, factor(ready), (row.change == Change::Late, false));
}

/// The place with the line on which it was.
fn place(row: &Row, title: &str) -> String {
    match row.moved_from {
        Some(line) => format!("{title}, moved from line {line}"),
        None => title.to_owned(),
    }
}

fn plain(ui: &mut Ui, text: RichText) {
    ui.add(egui::Label::new(text).selectable(false).truncate());
}

/// A figure, coloured if it is worse or better than by chance.
fn figure(row: &mut egui_extras::TableRow<'_, '_>, text: String, (worse, better): (bool, bool)) {
    row.col(|ui| {
        let colour = colour(Palette::get(ui), worse, better);
        right(ui, |ui| {
            let text = RichText::new(text).monospace().size(12.0).color(colour);
            ui.add(egui::Label::new(text).selectable(false))
        });
    });
}

fn right<R>(ui: &mut Ui, add: impl FnOnce(&mut Ui) -> R) -> R {
    ui.with_layout(Layout::right_to_left(Align::Center), add).inner
}

/// A figure of a place: its name, and what it is.
type Line = (&'static str, fn(&Figures) -> String);

/// All that is known of a place, as its row has no room for it.
fn more(ui: &mut Ui, of: &Comparison, row: &Row) {
    let Some(newest) = of.newest(row) else { return };
    ui.label(of.says(row).unwrap_or_else(|| place(row, &newest.title())));
    if let Some(place) = &newest.place {
        ui.weak(format!("{}:{}:{}", place.file, place.line, place.column));
    }
    let both = [of.in_a(row), of.in_b(row)];
    let lines: [Line; 10] = [
        ("tasks", |of| count(of.tasks)),
        ("polls", |of| count(of.polls)),
        ("busy", |of| time(Some(of.busy))),
        ("scheduled", |of| time(Some(of.scheduled))),
        ("waiting", |of| time(Some(of.waiting))),
        ("hops", |of| count(of.hops)),
        ("a poll 50 / 90 / 99 %", |of| quantiles(|part| of.poll_quantile(part))),
        ("longest poll", |of| time(of.longest.map(|(_, time)| time))),
        ("ready 50 / 90 / 99 %", |of| quantiles(|part| of.delay_quantile(part))),
        ("longest ready", |of| time(of.latest.map(|(_, time)| time))),
    ];
    egui::Grid::new("more").num_columns(3).spacing([16.0, 3.0]).show(ui, |ui| {
        for head in ["", "A", "B"] {
            ui.weak(head);
        }
        ui.end_row();
        for (name, text) in lines {
            ui.weak(name);
            for of in both {
                ui.monospace(of.map_or("–".to_owned(), |of: &PlaceFigures| text(&of.sums)));
            }
            ui.end_row();
        }
    });
    ui.weak(CLICK);
}

fn quantiles(of: impl Fn(f64) -> Option<Nanos>) -> String {
    [0.5, 0.9, 0.99].map(|part| time(of(part))).join(" / ")
}

/// Shows the longest poll of a place in both traces; of one that comes late, how long its task was ready before the latest.
pub(super) fn go_to(cx: &Context<'_>, sides: [Side<'_>; 2], of: &Comparison, row: &Row) {
    let figures = [of.in_a(row), of.in_b(row)];
    let stretches = sides.iter().zip(figures).filter_map(|(side, figures)| {
        let sums = &figures?.sums;
        let (ix, before) = match (row.change, sums.latest) {
            (Change::Late, Some((poll, delay))) => (poll, delay),
            _ => (sums.longest?.0, 0),
        };
        let poll = side.open.trace().poll(ix);
        let times = poll.start.saturating_sub(before)..poll.end;
        Some(Stretch { trace: side.open.id, task: poll.task, times })
    });
    send(cx, stretches.collect());
}
