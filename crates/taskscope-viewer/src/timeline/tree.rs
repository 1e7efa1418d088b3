//! What the mouse does with the rows of tasks and with what can be folded, and what screen readers are told of them.

use egui::{CursorIcon, Pos2, Role, Sense, Ui, WidgetInfo};
use taskscope_model::{State, TaskIx};

use super::Frame;
use super::groups::GroupBy;
use super::outline::Outline;
use super::rows::{Row, RowKind};
use crate::{labels, menus, time};

/// Lets the names of rows be clicked.
pub(super) fn interact(ui: &Ui, frame: &Frame<'_>, outline: &mut Outline) {
    for row in &frame.rows {
        if let Some((fold, folded)) = row.fold {
            let response = ui.interact(row.header, ui.scope_id().with(fold), Sense::click());
            let does = if folded { "Unfold" } else { "Fold" };
            response.widget_info(|| {
                let label = format!("{does} {}", row.name);
                let mut info = WidgetInfo::labeled(Role::Button, true, label);
                info.current_text_value = Some(row.detail.clone());
                info
            });
            let response = response.on_hover_cursor(CursorIcon::PointingHand);
            if response.clicked() {
                outline.set(fold, !folded);
            }
            if row.kind == RowKind::Tasks {
                response.context_menu(|ui| {
                    for by in GroupBy::ALL {
                        if ui.radio(outline.group_by == by, format!("by {}", by.word())).clicked() {
                            outline.group_by = by;
                            ui.close();
                        }
                    }
                });
            }
            if let RowKind::Curve(Some(group)) = row.kind
                && let Some(place) = group.place()
            {
                menus::of_place(&response, frame.cx, place);
            }
        }
        if let RowKind::Task(task) = row.kind {
            header(ui, frame, row, task);
        }
    }
}

fn header(ui: &Ui, frame: &Frame<'_>, row: &Row, task: TaskIx) {
    let (cx, trace) = (frame.cx, frame.cx.trace());
    // A pinned task may have two lanes.
    let id = ui.scope_id().with(("task lane", task, row.rect.top() as i32));
    let response = ui.interact(row.header, id, Sense::click());
    response.widget_info(|| {
        let label = format!("Task lane {}", row.name);
        let mut info = WidgetInfo::labeled(Role::Button, true, label);
        let state = trace.state_at(task, cx.replay.moment());
        let state = state.map_or("not alive", |span| span.state.name());
        info.current_text_value = Some(state.to_owned());
        info
    });
    if response.clicked() {
        cx.select(Some(task));
    }
    menus::of_task(&response, cx, task);
    response.on_hover_ui(|ui| {
        ui.strong(&row.name);
        let of = trace.task(task);
        if let Some(place) = of.place {
            ui.weak(format!("spawned at {}", trace.place(place).short()));
        }
        let polls = time::plural(of.poll_count().into(), "poll");
        let hops = time::plural(of.hop_count().into(), "hop");
        ui.label(format!("{polls}, {hops}, busy for {}", time::duration(of.busy() as f64)));
        ui.label(labels::task_end(of.end));
    });
}

/// The task whose lane is under the pointer.
pub(super) fn task_at(frame: &Frame<'_>, pos: Pos2) -> Option<TaskIx> {
    let row = frame.rows.iter().find(|row| row.rect.y_range().contains(pos.y))?;
    match row.kind {
        RowKind::Task(task) => Some(task),
        RowKind::States => frame.cx.open.selected,
        _ => None,
    }
}

/// What stands beside the pointer when it rests on the lane of a task.
pub(super) fn explain(ui: &mut Ui, frame: &Frame<'_>, task: TaskIx, pos: Pos2) {
    let trace = frame.cx.trace();
    ui.set_max_width(360.0);
    ui.strong(trace.task_name(task));
    let moment = frame.scale.moment(pos.x).max(0.0) as u64;
    let Some(span) = trace.state_at(task, moment) else {
        ui.weak("not alive then");
        return;
    };
    let lasted = time::duration((span.end - span.start) as f64);
    let what = match (span.state, span.poll) {
        (State::Running, Some(poll)) => {
            let lane = trace.lane_name(trace.poll(poll).lane);
            format!("polled on {lane} for {lasted}")
        }
        (State::Waiting, _) => match waited_for(frame, task, span.start) {
            Some(what) => format!("waits {lasted} for {what}"),
            None => format!("waits {lasted}; Tokio does not report for what"),
        },
        (state, _) => format!("{} for {lasted}", state.name()),
    };
    ui.label(what);
    ui.weak(labels::state(span.state));
    if let (State::Running, Some(poll)) = (span.state, span.poll) {
        ui.label(labels::cause(trace, trace.cause(poll)));
        if let Some((arrival, _)) = labels::arrival(trace, poll) {
            ui.label(arrival);
        }
    }
}

/// What a task waits for that began to wait at a moment.
fn waited_for(frame: &Frame<'_>, task: TaskIx, since: u64) -> Option<String> {
    let before = crate::task_polls::last_begun(frame.cx.trace(), task, since)?;
    labels::waited_for(frame.cx.trace(), before)
}
