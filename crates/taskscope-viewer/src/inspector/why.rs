//! Why the task ran when it last did, and not before: what happened on the way there, as sentences, each with how long it
//! took; and what its poll did to others.

use egui::{Align, Grid, Layout, RichText, Sense, Ui, vec2};
use taskscope_model::questions::{Effect, Leg, Root, Way};
use taskscope_model::{PollIx, State, TaskIx, Trace};

use crate::command::{Command, TraceCommand};
use crate::context::Context;
use crate::measure::meanwhile;
use crate::theme::Palette;
use crate::{labels, time};

/// So many of the last legs are shown at first.
const FEW: usize = 8;

/// Shows the way to the poll at the playhead. A click on a sentence goes there.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>) {
    let heading = ui.horizontal(|ui| {
        ui.label(RichText::new("Why it ran now").size(15.0));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let command = TraceCommand::ToggleWay;
            let tooltip = Command::from(command.clone()).tooltip(ui.ctx());
            let button = ui.selectable_label(cx.open.ways.are_drawn, "on the lanes");
            if button.on_hover_text(tooltip).clicked() {
                cx.send(command);
            }
        });
    });
    heading.response.on_hover_text("What held it up, leg by leg: each ends where the next begins");
    ui.separator();
    let (Some(poll), Some(way)) = (cx.current_poll(), cx.way()) else {
        ui.weak("It has not been polled yet.");
        return;
    };
    if let Some(from) = cx.open.ways.from {
        let of = cx.trace().poll(from);
        let name = cx.trace().task_name(of.task);
        let at = time::duration(of.start.saturating_sub(cx.trace().span().start) as f64);
        let text = match way.passes(from) {
            true => format!("Since the poll of {name} at {at}, which led to this one."),
            false => format!("Since the poll of {name} at {at}, which did not lead to this one."),
        };
        ui.label(text);
    }
    let id = ui.scope_id().with("all legs");
    let all = ui.data(|data| data.get_temp::<PollIx>(id)) == Some(poll);
    // To put a sentence together is to look at what the worker ran: not for those that are not shown.
    let hidden = if all { 0 } else { way.legs.len().saturating_sub(FEW) };
    if hidden > 0
        && ui.link(format!("{} before this…", time::plural(hidden as u64, "leg"))).clicked()
    {
        ui.data_mut(|data| data.insert_temp(id, poll));
    }
    list(ui, cx, "why", sentences(cx, poll, &way, hidden));
    total(ui, &way);
}

/// How long the way took, and what of it was what.
fn total(ui: &mut Ui, way: &Way) {
    if way.legs.len() < 2 {
        return;
    }
    let parts = State::ALL.into_iter().filter(|&state| way.time(state) > 0);
    let parts =
        parts.map(|state| format!("{} {}", time::duration(way.time(state) as f64), state.name()));
    let parts: Vec<String> = parts.collect();
    let all = time::duration(way.total() as f64);
    ui.label(RichText::new(format!("{all} in all: {}", parts.join(", "))).strong());
}

/// What the poll did to others.
pub(super) fn effects(ui: &mut Ui, cx: &Context<'_>, effects: &[Effect]) {
    if effects.is_empty() {
        return;
    }
    ui.add_space(10.0);
    ui.label(RichText::new("What this poll did to others").size(15.0));
    ui.separator();
    let trace = cx.trace();
    let step = |effect: &Effect| {
        let name = trace.task_name(effect.task);
        let verb = if effect.wake.is_some() { "woke" } else { "spawned" };
        let after = effect.led_to.map(|led| {
            let of = trace.poll(led);
            let after = time::duration(of.start.saturating_sub(effect.time) as f64);
            format!(", which {} polled {after} later", trace.lane_name(of.lane))
        });
        let nothing = effect
            .wake
            .filter(|_| after.is_none())
            .map(|wake| format!(" ({})", labels::effect(trace.wake_effect(wake))));
        let text = format!("{verb} {name}{}", after.or(nothing).unwrap_or_default());
        let moment = effect.led_to.map_or(effect.time, |led| trace.poll(led).start);
        let at = effect.time;
        Step { at, moment, text, task: Some(effect.task), state: None }
    };
    list(ui, cx, "effects", effects.iter().take(FEW).map(step).collect());
    if effects.len() > FEW {
        ui.weak(format!("and {} more", time::count((effects.len() - FEW) as u64)));
    }
}

/// A sentence, when it begins, and where a click on it goes.
struct Step {
    /// The time that stands beside it.
    at: u64,
    moment: u64,
    text: String,
    task: Option<TaskIx>,
    state: Option<State>,
}

fn list(ui: &mut Ui, cx: &Context<'_>, id: &str, steps: Vec<Step>) {
    let origin = cx.trace().span().start;
    let moments: Vec<u64> = steps.iter().map(|step| step.at.saturating_sub(origin)).collect();
    let palette = Palette::get(ui);
    let mut clicked = None;
    Grid::new(id).num_columns(2).spacing([8.0, 4.0]).show(ui, |ui| {
        for (step, moment) in steps.into_iter().zip(time::column(&moments)) {
            ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                let colour = step.state.map_or(palette.panel, |state| palette.state(state));
                let (mark, _) = ui.allocate_exact_size(vec2(4.0, 15.0), Sense::hover());
                ui.painter().rect_filled(mark, 1.0, colour);
                ui.label(RichText::new(moment).monospace().color(palette.weak));
            });
            ui.vertical(|ui| {
                // A sentence breaks where the panel ends.
                ui.set_max_width(ui.available_width().max(120.0));
                match step.task {
                    Some(task) => {
                        if ui.link(step.text).clicked() {
                            clicked = Some((task, step.moment));
                        }
                    }
                    None => {
                        ui.label(step.text);
                    }
                }
            });
            ui.end_row();
        }
    });
    if let Some((task, moment)) = clicked {
        cx.select(Some(task));
        cx.seek(moment as f64);
    }
}

/// The way to a poll in sentences, from a leg on, the oldest first; the poll itself comes last.
fn sentences(cx: &Context<'_>, poll: PollIx, way: &Way, from: usize) -> Vec<Step> {
    let trace = cx.trace();
    let of = trace.poll(poll);
    let whose = trace.task_name(of.task);
    let mut steps = Vec::new();
    let root = root(trace, way, poll).filter(|_| from == 0);
    let waits = |leg: &&Leg| leg.state == State::Waiting;
    let woken_at = match way.root {
        // What it waited for ended where the root is.
        Root::Driver(_) | Root::Thread(_) => way.legs.iter().take_while(waits).last(),
        _ => None,
    };
    let woken_at = woken_at.map(|leg| leg.end);
    let mut root = root.map(|text| {
        let at = woken_at.or(way.legs.first().map(|leg| leg.start)).unwrap_or(of.start);
        Step { at, moment: at, text, task: None, state: None }
    });
    for (number, leg) in way.legs.iter().enumerate().skip(from) {
        if root.as_ref().is_some_and(|root| root.at <= leg.start) {
            steps.extend(root.take());
        }
        let next = way.legs.get(number + 1).map_or((of.task, poll), |next| (next.task, next.poll));
        let (at, task) = (leg.start, Some(leg.task));
        // Where its task is polled: there is a way to that, too.
        let moment = trace.poll(leg.poll).start;
        steps.push(Step {
            at,
            moment,
            text: sentence(trace, leg, next),
            task,
            state: Some(leg.state),
        });
    }
    steps.extend(root);
    let worker = trace.lane_name(of.lane);
    let arrival = labels::arrival(trace, poll).map(|(text, _)| format!(", {text}"));
    // Where others woke it, what it waited for is not on the way.
    let before = trace
        .poll_before(poll)
        .filter(|_| !way.legs.iter().any(|leg| waits(&leg) && leg.poll == poll));
    let waited = before.and_then(|before| labels::waited_for(trace, before));
    let waited = waited.map(|what| format!("; it had waited for {what}"));
    let (arrival, waited) = (arrival.unwrap_or_default(), waited.unwrap_or_default());
    let text = format!("{worker} polled {whose}{arrival}{waited}");
    let (at, state) = (of.start, Some(State::Running));
    steps.push(Step { at, moment: at, text, task: None, state });
    if let Some(what) = labels::waited_for(trace, poll).filter(|_| cx.replay.moment() >= of.end) {
        let (at, text) = (of.end, format!("{whose} waits for {what}"));
        steps.push(Step { at, moment: at, text, task: None, state: Some(State::Waiting) });
    }
    steps
}

/// What began the way.
fn root(trace: &Trace, way: &Way, poll: PollIx) -> Option<String> {
    let first = way.legs.iter().find(|leg| leg.state != State::Waiting).or(way.legs.first());
    let (task, to) = match first {
        Some(leg) => (leg.task, leg.poll),
        None => (trace.poll(poll).task, poll),
    };
    let whose = trace.task_name(task);
    match way.root {
        Root::Driver(_) | Root::Thread(_) | Root::Spawned => {
            Some(labels::because(trace, trace.cause(to), &whose))
        }
        Root::Unknown => Some(format!("what made {whose} ready is not recorded")),
        Root::Since => None,
        Root::Cut => Some("before this, more of the same".to_owned()),
    }
}

/// A leg as a sentence; `next` is whose leg comes next, and the poll that leads to.
fn sentence(trace: &Trace, leg: &Leg, next: (TaskIx, PollIx)) -> String {
    let whose = trace.task_name(leg.task);
    let lasted = time::duration((leg.end - leg.start) as f64);
    let (task, to) = next;
    match leg.state {
        State::Running => {
            let worker = trace.lane_name(trace.poll(leg.poll).lane);
            let then = match task == leg.task {
                true => String::new(),
                false => {
                    let is_first = trace.poll_before(to).is_none();
                    let spawned = is_first && trace.task(task).spawned == Some(leg.end);
                    let verb = if spawned { "spawned" } else { "woke" };
                    format!(", then it {verb} {}", trace.task_name(task))
                }
            };
            format!("{worker} polled {whose} for {lasted}{then}")
        }
        State::Scheduled => {
            let of = trace.poll(leg.poll);
            let meanwhile = meanwhile(trace, leg.poll, leg.start);
            format!("{whose} was ready for {lasted}; {} ran {meanwhile}", trace.lane_name(of.lane))
        }
        State::Deferred => format!("{whose} had yielded, and was set aside for {lasted}"),
        State::Waiting => {
            let before = trace.poll_before(leg.poll);
            let what = before.and_then(|before| labels::waited_for(trace, before));
            match what {
                Some(what) => format!("{whose} waited {lasted} for {what}"),
                None => format!("{whose} waited {lasted}"),
            }
        }
        State::Idle => format!("{whose} did not run for {lasted}"),
        State::Unknown => format!("for {lasted} nothing is recorded of {whose}"),
    }
}
