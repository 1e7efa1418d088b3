//! Why the task ran when it last did: a chain of causes, as sentences.

use egui::{Align, Grid, Layout, RichText, Ui};
use taskscope_model::{Cause, PollIx, TaskIx, Waker};

use crate::context::Context;
use crate::theme::Palette;
use crate::{labels, task_polls, time};

/// Shows the chain of the poll at the playhead. A click goes to the task that
/// caused a step, at the moment when it did.
pub(super) fn show(ui: &mut Ui, cx: &Context<'_>) {
    ui.label(RichText::new("Why it ran now").size(15.0));
    ui.separator();
    let Some(poll) = cx.current_poll() else {
        ui.weak("It has not been polled yet.");
        return;
    };
    let mut clicked = None;
    let steps = chain(cx, poll);
    let origin = cx.trace().span().start;
    let moments: Vec<u64> = steps.iter().map(|step| step.moment.saturating_sub(origin)).collect();
    let colour = Palette::get(ui).weak;
    Grid::new("why").num_columns(2).spacing([10.0, 4.0]).show(ui, |ui| {
        for (step, moment) in steps.into_iter().zip(time::column(&moments)) {
            ui.with_layout(Layout::right_to_left(Align::TOP), |ui| {
                ui.label(RichText::new(moment).monospace().color(colour));
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

/// A step of the chain.
struct Step {
    moment: u64,
    text: String,
    /// The task that a click selects.
    task: Option<TaskIx>,
}

/// The causes that led to a poll, oldest first: who scheduled it, and what had
/// scheduled that one.
fn chain(cx: &Context<'_>, poll: PollIx) -> Vec<Step> {
    const LONGEST: usize = 4;
    let trace = cx.trace();
    let start = trace.poll(poll).start;
    let worker = trace.lane_name(trace.poll(poll).lane);
    let whose = trace.task_name(trace.poll(poll).task);
    let mut steps = Vec::new();
    let mut waited = None;
    let mut current = Some(poll);
    let mut scheduled = None;
    while let Some(poll) = current.take().filter(|_| steps.len() < LONGEST) {
        let cause = trace.cause(poll);
        let whose = trace.task_name(trace.poll(poll).task);
        let (moment, by) = match cause {
            Cause::Spawned { time, by } => (time, by),
            Cause::Woken(wake) => match trace.wake(wake).by {
                Waker::Task(by) => (trace.wake(wake).time, Some(by)),
                _ => (trace.wake(wake).time, None),
            },
            Cause::Unknown => (trace.poll(poll).start, None),
        };
        if scheduled.is_none() {
            scheduled = Some((moment, cause));
            waited = trace.poll_before(poll);
        }
        let text = labels::because(trace, cause, &whose);
        steps.push(Step { moment, text, task: by });
        // The poll in which the other task did it.
        current = by
            .filter(|&by| by != trace.poll(poll).task)
            .and_then(|by| task_polls::last_begun(trace, by, moment));
    }
    if let Some(before) = waited
        && let Some(what) = labels::waited_for(trace, before)
    {
        let text = format!("{whose} waited for {what}");
        let end = trace.poll(before).end;
        let at = steps.partition_point(|step: &Step| step.moment >= end);
        steps.insert(at, Step { moment: end, text, task: None });
    }
    steps.reverse();
    let text = match scheduled {
        Some((moment, cause)) if cause != Cause::Unknown => {
            let delay = time::duration(start.saturating_sub(moment) as f64);
            format!("{worker} polled {whose}, {delay} later")
        }
        _ => format!("{worker} polled {whose}"),
    };
    steps.push(Step { moment: start, text, task: None });
    if let Some((text, _)) = labels::arrival(trace, poll) {
        steps.push(Step { moment: start, text, task: None });
    }
    let end = trace.poll(poll).end;
    if let Some(what) = labels::waited_for(trace, poll).filter(|_| cx.replay.moment() >= end) {
        let text = format!("{whose} waits for {what}");
        steps.push(Step { moment: end, text, task: None });
    }
    steps
}
