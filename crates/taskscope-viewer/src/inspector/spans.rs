//! The program's own spans and messages of the selected task.

use egui::{RichText, Ui};
use taskscope_model::{Level, SpanIx, TaskIx, Trace};

use crate::context::Context;
use crate::jobs::{is_time_to_pause, pause};
use crate::theme::Palette;
use crate::{menus, time};

/// More of each are not listed.
const MOST: usize = 6;

/// What belongs to a task, worked out once for each selection.
#[derive(Debug, Default)]
pub(crate) struct OfTask {
    spans: Vec<SpanIx>,
    all_spans: usize,
    /// Positions in [`Trace::messages`].
    messages: Vec<usize>,
    all_messages: usize,
}

impl OfTask {
    pub(super) async fn new(trace: &Trace, task: TaskIx) -> Self {
        let (mut spans, mut messages) = (Vec::new(), Vec::new());
        for (turn, visit) in trace.span_visits().enumerate() {
            if visit.task == Some(task) {
                spans.push(visit.span);
            }
            if is_time_to_pause(turn) {
                pause().await;
            }
        }
        spans.sort_by_key(|&span| (trace.span_of(span).opened, span));
        spans.dedup();
        for (position, message) in trace.messages().enumerate() {
            if message.task == Some(task) {
                messages.push(position);
            }
            if is_time_to_pause(position) {
                pause().await;
            }
        }
        let (all_spans, all_messages) = (spans.len(), messages.len());
        spans.truncate(MOST);
        messages.truncate(MOST);
        Self { spans, all_spans, messages, all_messages }
    }
}

/// Shows them, if there are any. A click puts the playhead where one begins.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>, of: &OfTask) {
    let trace = cx.trace();
    let palette = Palette::get(ui);
    let origin = trace.span().start;
    let mut clicked = None;
    let since = |moment: u64| moment.saturating_sub(origin);
    let mut row = |ui: &mut Ui, at: String, moment: u64, text: String, colour| {
        ui.horizontal(|ui| {
            ui.label(RichText::new(at).monospace().color(palette.weak));
            let label = egui::Label::new(RichText::new(text).color(colour));
            let label = label.truncate().sense(egui::Sense::click());
            if ui.add(label).clicked() {
                clicked = Some(moment);
            }
        });
    };
    if of.all_spans > 0 {
        ui.label(RichText::new("The program's own spans").size(15.0));
        ui.separator();
        let opened: Vec<u64> =
            of.spans.iter().map(|&span| since(trace.span_of(span).opened)).collect();
        for (&ix, at) in of.spans.iter().zip(time::column(&opened)) {
            let span = trace.span_of(ix);
            let took = span.closed.unwrap_or(trace.span().end).saturating_sub(span.opened);
            let took = time::duration(took as f64);
            let text = format!("{} {} · {took}", span.name, span.fields);
            row(ui, at, span.opened, text, palette.text);
            // Of several made at one place the last says where.
            let is_last =
                of.spans.iter().rev().find(|&&other| trace.span_of(other).place == span.place);
            if let Some(place) = span.place.filter(|_| is_last == Some(&ix)) {
                ui.horizontal(|ui| {
                    ui.weak(format!("{} is made at", span.name));
                    menus::place_link(ui, cx, place);
                });
            }
        }
        more(ui, of.all_spans - of.spans.len());
        ui.add_space(10.0);
    }
    if of.all_messages > 0 {
        ui.label(RichText::new("Log messages").size(15.0));
        ui.separator();
        let messages: Vec<_> =
            of.messages.iter().filter_map(|&position| trace.message(position)).collect();
        let times: Vec<u64> = messages.iter().map(|message| since(message.time)).collect();
        for (message, at) in messages.into_iter().zip(time::column(&times)) {
            let colour = match message.level {
                Level::Error | Level::Warn => palette.alarm,
                Level::Info | Level::Debug | Level::Trace => palette.text,
            };
            row(ui, at, message.time, message.text.to_string(), colour);
        }
        more(ui, of.all_messages - of.messages.len());
        ui.add_space(10.0);
    }
    if let Some(moment) = clicked {
        cx.seek(moment as f64);
    }
}

fn more(ui: &mut Ui, count: usize) {
    if count > 0 {
        ui.weak(format!("and {} more", time::count(count as u64)));
    }
}
