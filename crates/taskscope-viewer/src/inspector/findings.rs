//! What is wrong in the recorded program, as cards that go to the place.

use egui::{CursorIcon, Frame, Margin, RichText, Role, Sense, Stroke, Ui, WidgetInfo};
use taskscope_model::TaskIx;
use taskscope_model::findings::{Kind, RULES, Severity};

use crate::code_text::with_code;
use crate::command::TraceCommand;
use crate::context::Context;
use crate::menus;
use crate::open_trace::Found;
use crate::theme::Palette;
use crate::time;

/// So many of the tasks that waited are named.
const MOST_NAMED: usize = 8;

/// Whether there is more than notes.
pub(super) fn are_alarming(cx: &Context<'_>) -> bool {
    let findings = cx.open.findings().unwrap_or_default();
    !cx.open.is_part && findings.iter().any(|of| of.finding.is_alarm())
}

/// All of them, for the page of the whole recording.
pub(super) fn all(ui: &mut Ui, cx: &Context<'_>) {
    if cx.open.is_part {
        return;
    }
    ui.label(RichText::new("What is wrong").size(15.0));
    ui.separator();
    let Some(findings) = cx.open.findings() else {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.weak(format!("{RULES} rules look at each poll…"));
        });
        ui.add_space(12.0);
        return;
    };
    let is_alarm = |of: &Found| of.finding.is_alarm();
    let notes = findings.iter().filter(|of| !is_alarm(of)).count();
    if notes == findings.len() {
        ui.weak(format!("Nothing that the {RULES} rules know."));
    }
    for (number, finding) in findings.iter().enumerate().filter(|(_, of)| is_alarm(of)) {
        card(ui, cx, number, finding);
    }
    if notes > 0 {
        let title = time::plural(notes as u64, "note");
        egui::CollapsingHeader::new(title).id_salt("notes").show(ui, |ui| {
            for (number, finding) in findings.iter().enumerate().filter(|(_, of)| !is_alarm(of)) {
                card(ui, cx, number, finding);
            }
        });
    }
    ui.add_space(12.0);
}

/// Those about a task, for its own page: as its cause, or since it had to wait.
pub(super) fn of_task(ui: &mut Ui, cx: &Context<'_>, task: TaskIx) {
    let Some(findings) = cx.open.findings() else { return };
    let mut said = false;
    for (number, finding) in findings.iter().enumerate() {
        let is_alarm = finding.finding.is_alarm();
        if finding.finding.task == Some(task) && is_alarm {
            card(ui, cx, number, finding);
            affected(ui, cx, finding);
            said = true;
        } else if finding.affected.contains(&task)
            && is_alarm
            && let Some(by) = finding.finding.task
        {
            let of = &finding.finding;
            let start = of.start.saturating_sub(cx.trace().span().start);
            let at = time::duration(start as f64);
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing.x = 4.0;
                // The task of a convoy is one of those that wait.
                match of.kind {
                    Kind::LockConvoy => ui.label(format!("From {at} on it stood in line, as did")),
                    _ => ui.label(format!("At {at} it had to wait because of")),
                };
                if ui.link(cx.trace().task_name(by)).clicked() {
                    cx.send(TraceCommand::ShowFinding(number));
                }
                ui.label(format!("({}).", of.kind.title()));
            });
            said = true;
        }
    }
    if said {
        ui.add_space(10.0);
    }
}

/// One of them; a click goes to the place.
fn card(ui: &mut Ui, cx: &Context<'_>, number: usize, found: &Found) {
    let finding = &found.finding;
    let palette = Palette::get(ui);
    let colour = match finding.severity {
        Severity::Note => palette.line,
        Severity::Warning | Severity::Severe => palette.alarm,
    };
    let frame = Frame::new()
        .fill(palette.panel.lerp_to_gamma(colour, 0.12))
        .stroke(Stroke::new(1.0, colour))
        .corner_radius(5.0)
        .inner_margin(Margin::symmetric(10, 7));
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 4.0;
        let title = RichText::new(capitalised(finding.kind.title())).size(15.0);
        let title = match finding.severity {
            Severity::Note => title,
            _ => title.color(palette.alarm),
        };
        ui.horizontal(|ui| {
            ui.label(title);
            if !finding.certain {
                ui.weak("probably").on_hover_text(
                    "A part of this is inferred, or events are missing that may explain it.",
                );
            }
        });
        ui.label(with_code(ui, &capitalised(&finding.evidence)));
        ui.weak(finding.kind.advice().replace('`', ""));
    });
    let id = ui.scope_id().with(("finding", number));
    let response = ui.interact(shown.response.rect, id, Sense::click());
    response.widget_info(|| {
        let label = format!("Finding: {}", finding.kind.title());
        let mut info = WidgetInfo::labeled(Role::Button, true, label);
        info.current_text_value = Some(finding.evidence.clone());
        info
    });
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if response.hovered() {
        let rect = shown.response.rect;
        let stroke = Stroke::new(2.0, palette.accent);
        ui.painter().rect_stroke(rect, 5.0, stroke, egui::StrokeKind::Inside);
    }
    if response.clicked() {
        cx.send(TraceCommand::ShowFinding(number));
    }
    if let Some(place) = finding.place {
        menus::of_place(&response, cx, place);
        ui.horizontal(|ui| {
            ui.weak("in the source:");
            menus::place_link(ui, cx, place);
        });
    }
    ui.add_space(6.0);
}

/// A title as it begins a card.
fn capitalised(title: &str) -> String {
    let mut letters = title.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Who had to wait.
fn affected(ui: &mut Ui, cx: &Context<'_>, found: &Found) {
    let others = || found.affected.iter();
    if others().next().is_none() {
        return;
    }
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 5.0;
        ui.label("Waited meanwhile:");
        for &task in others().take(MOST_NAMED) {
            if ui.link(cx.trace().task_name(task)).clicked() {
                cx.select(Some(task));
            }
        }
        if let more @ 1.. = others().count().saturating_sub(MOST_NAMED) {
            ui.weak(format!("and {} more", time::count(more as u64)));
        }
    });
    ui.add_space(4.0);
}
