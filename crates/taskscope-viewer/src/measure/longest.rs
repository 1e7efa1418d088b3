//! The longest polls, and the tasks that were ready for longest before they were polled, with what their worker did meanwhile.

use egui::{Role, ScrollArea, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};
use taskscope_model::{Nanos, PollIx, TaskIx, Trace};

use super::{Sums, go_to, stretch, title};
use crate::context::Context;
use crate::{labels, time};

/// What is listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum What {
    /// Polls by how long they took.
    #[default]
    Polls,
    /// Polls by how long their task had been ready.
    Delays,
}

/// The panel with what took longest in what is marked, or in view.
#[derive(Debug, Default)]
pub(crate) struct LongestPanel {
    what: What,
    sums: Sums,
}

impl LongestPanel {
    /// Shows the panel.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let times = stretch(cx);
        title(ui, cx, "Longest", &times);
        ui.horizontal(|ui| {
            ui.selectable_value(&mut self.what, What::Polls, "Longest polls");
            if cx.trace().records_wakes() {
                ui.selectable_value(&mut self.what, What::Delays, "Longest delays");
            }
        });
        ui.add_space(4.0);
        let what = self.what;
        let Some((_, sums)) = self.sums.get(cx, times) else {
            ui.weak("Looking at each poll…");
            return;
        };
        let rows = match what {
            What::Polls => &sums.longest,
            What::Delays => &sums.latest,
        };
        if rows.is_empty() {
            ui.weak("No poll begins here.");
            return;
        }
        ScrollArea::horizontal()
            .id_salt("longest")
            .auto_shrink(false)
            .show(ui, |ui| table(ui, cx, what, rows));
    }
}

fn table(ui: &mut Ui, cx: &Context<'_>, what: What, rows: &[(PollIx, Nanos)]) {
    let trace = cx.trace();
    let heads = match what {
        What::Polls => ["Took", "Task", "On", "At", "Spawned at", "Ended"],
        What::Delays => {
            ["Ready for", "Task", "On", "At", "Scheduled because", "Meanwhile that worker ran"]
        }
    };
    let builder = TableBuilder::new(ui)
        .sense(Sense::click())
        .striped(false)
        .column(Column::exact(84.0))
        .column(Column::exact(130.0))
        .column(Column::exact(90.0))
        .column(Column::exact(110.0))
        .column(Column::exact(220.0))
        .column(Column::remainder().at_least(220.0));
    let table = builder.header(22.0, |mut row| {
        for head in heads {
            row.col(|ui| {
                ui.weak(head);
            });
        }
    });
    table.body(|body| {
        body.rows(22.0, rows.len(), |mut row| {
            let (ix, took) = rows[row.index()];
            let poll = trace.poll(ix);
            let since = match what {
                What::Polls => poll.start,
                What::Delays => poll.start.saturating_sub(took),
            };
            row.set_selected(cx.open.selected == Some(poll.task));
            let (fifth, sixth) = match what {
                What::Polls => {
                    let place = trace.task(poll.task).place;
                    let place = place.map(|place| trace.place(place).short());
                    (place.unwrap_or_default(), labels::poll_end(poll.how).to_owned())
                }
                What::Delays => {
                    (labels::cause(trace, trace.cause(ix)), meanwhile(trace, ix, since))
                }
            };
            let name = trace.task_name(poll.task);
            for text in [
                time::duration(took as f64),
                name.clone(),
                trace.lane_name(poll.lane),
                time::exact(poll.start.saturating_sub(trace.span().start)),
                fifth,
                sixth,
            ] {
                row.col(|ui| {
                    ui.add(egui::Label::new(text).truncate().selectable(false));
                });
            }
            let response = row.response();
            response.widget_info(|| {
                WidgetInfo::labeled(
                    Role::Row,
                    true,
                    format!("Longest {}: {name}", row_number(ix, rows)),
                )
            });
            if response.clicked() {
                go_to(cx, ix, since);
            }
        });
    });
}

/// The place of a poll in the list, from 1.
fn row_number(ix: PollIx, rows: &[(PollIx, Nanos)]) -> usize {
    rows.iter().position(|(other, _)| *other == ix).map_or(0, |at| at + 1)
}

/// What a worker ran while the task of a poll was ready: the task that took most of it, and how many others.
pub(crate) fn meanwhile(trace: &Trace, ix: PollIx, since: Nanos) -> String {
    /// Finer than a fiftieth of the time nothing is told apart.
    const PARTS: u64 = 50;
    let poll = trace.poll(ix);
    let step = ((poll.start - since) / PARTS).max(1);
    let mut tasks: Vec<(Nanos, TaskIx)> = Vec::new();
    let mut others = 0;
    for span in trace.lod_spans(poll.lane, since..poll.start, step) {
        let time = span.end.min(poll.start).saturating_sub(span.start.max(since));
        if span.count > 1 {
            others += span.count;
            continue;
        }
        match tasks.iter_mut().find(|(_, task)| *task == span.task) {
            Some((sum, _)) => *sum += time,
            None => tasks.push((time, span.task)),
        }
    }
    tasks.sort_unstable_by_key(|&(time, task)| (std::cmp::Reverse(time), task));
    let Some(&(time, task)) = tasks.first() else {
        return match trace.is_parked(poll.lane, since + (poll.start - since) / 2) {
            true => "nothing: it was parked".to_owned(),
            false => time::plural(others.into(), "short poll"),
        };
    };
    let most = format!("{} for {}", trace.task_name(task), time::duration(time as f64));
    match tasks.len() as u64 - 1 + u64::from(others) {
        0 => most,
        more => format!("{most}, and {} more", time::count(more)),
    }
}
