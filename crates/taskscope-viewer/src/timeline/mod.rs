//! The timeline: a lane for each worker, with everything that ran on it.
//!
//! A frame goes through three steps. *Layout* decides which rows there are and
//! where (`outline`, `rows`). *Painting* asks the trace what each lane shows at this zoom
//! and turns the answer into one mesh of plain rectangles (`lanes`): egui paints
//! a hundred thousand of those in the time of a few hundred shapes, and the
//! trace never answers with more than a few a pixel. Over it come the few things
//! that deserve curves and words: the program's own spans (`spans`), the path of the selected task (`path`), the
//! tasks that run at the playhead and those that hop (`slots`), the time axis
//! (`axis`). *Interaction* comes last, with what was just painted at hand, so
//! that what is clicked is what was seen.

mod axis;
mod curves;
mod groups;
mod headers;
mod hits;
mod hover;
pub(crate) mod lanes;
mod marks;
mod messages;
mod missing_ranges;
mod outline;
mod path;
mod rows;
mod short_name;
mod slots;
mod spans;
mod states;
mod tree;
mod way;

use egui::{PointerButton, Pos2, Rect, Role, ScrollArea, Sense, Ui, WidgetInfo, pos2, vec2};
use taskscope_model::{PollIx, TaskIx};

use crate::command::{AppCommand, TraceCommand};
use crate::context::Context;
use crate::empty;
use crate::menus;
use crate::theme::Palette;
use crate::time_view::Scale;
use curves::CurveRows;
use lanes::{LaneCache, PaintedLane};
use outline::Outline;
use rows::{Row, RowKind};
use states::TaskLanes;

/// Width of the column with the lanes' names.
const HEADER_WIDTH: f32 = 280.0;
/// Height of the time axis.
const AXIS_HEIGHT: f32 = 30.0;

/// Everything that painting a frame needs to know.
struct Frame<'a> {
    cx: &'a Context<'a>,
    palette: &'static Palette,
    scale: Scale,
    /// Where time runs from left to right.
    plot: Rect,
    rows: Vec<Row>,
}

impl Frame<'_> {
    /// The middle of a lane's row.
    fn lane_y(&self, lane: taskscope_model::LaneIx) -> Option<f32> {
        self.rows.iter().find(|row| row.kind == RowKind::Lane(lane)).map(|row| row.rect.center().y)
    }
}

/// The panel with the timeline.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    pub(crate) lanes: LaneCache,
    pub(crate) outline: Outline,
    tasks: TaskLanes,
    curves: CurveRows,
    /// The moment under the pointer, if that is over the lanes.
    pub(crate) pointer: Option<f64>,
}

impl Timeline {
    /// Shows the timeline in all the space there is.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        show(ui, cx, self);
    }
}

fn show(ui: &mut Ui, cx: &Context<'_>, timeline: &mut Timeline) {
    let palette = Palette::get(ui);
    let space = ui.available_rect_before_wrap();
    ui.painter().rect_filled(space, 0.0, palette.background);
    let header_width = HEADER_WIDTH.min(0.4 * space.width());
    let header = egui::Rangef::new(space.left(), space.left() + header_width);
    let x = egui::Rangef::new(header.max, space.right());

    marks::show(ui, cx, palette, x);
    let (axis_rect, _) = ui.allocate_exact_size(vec2(space.width(), AXIS_HEIGHT), Sense::hover());
    let axis_plot = Rect::from_x_y_ranges(x, axis_rect.y_range());
    axis::show(ui, cx, palette, axis_plot);
    ui.painter().text(
        pos2(axis_rect.left() + 12.0, axis_rect.center().y),
        egui::Align2::LEFT_CENTER,
        if cx.trace().runtimes().is_empty() { "Threads" } else { "Workers" },
        egui::FontId::proportional(13.5),
        palette.weak,
    );
    ui.painter().text(
        pos2(slots::slot_range(header).center(), axis_rect.center().y),
        egui::Align2::CENTER_CENTER,
        "now",
        egui::FontId::proportional(11.5),
        palette.weak,
    );

    timeline.pointer = None;
    if empty::is_empty(cx.trace()) {
        empty::show(ui, cx.open);
        return;
    }
    let below = ui.available_rect_before_wrap();
    let Timeline { lanes: cache, outline, tasks, curves, pointer: under_pointer } = timeline;
    let blocks = outline.blocks(cx);
    let heights = rows::heights(cx, &blocks, below.height());
    ScrollArea::vertical().id_salt("lanes").auto_shrink(false).show(ui, |ui| {
        let size = vec2(below.width(), heights.total.max(below.height()));
        let (area, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let plot = Rect::from_x_y_ranges(x, area.y_range());
        let rows = rows::place(blocks, cx, area, (x, ui.clip_rect().y_range()), &heights);
        let (painted, task) = {
            let scale = Scale::new(&cx.view, x);
            let frame = Frame { cx, palette, scale, plot, rows };
            let painter = ui.painter_at(area);
            rows::paint_backgrounds(&painter, &frame);
            axis::paint_grid(&painter, &frame);
            let painted = lanes::paint(&painter, &frame, cache);
            profiling::scope!("task");
            curves.paint(&painter, &frame, outline);
            tasks.paint(&painter, &frame);
            hits::paint(&ui.painter_at(plot), &frame);
            way::paint(&ui.painter_at(plot), &frame);
            let chips = path::paint(&ui.painter_at(plot), &frame);
            let said = messages::paint(&ui.painter_at(plot), &frame);
            marks::paint(&ui.painter_at(plot), &frame);
            axis::paint_playhead(&ui.painter_at(plot), &frame);
            headers::paint_headers(&painter, &frame);
            slots::paint(&painter, &frame);
            announce(ui, &frame);
            for lane in painted {
                missing_ranges::announce(ui, lane.lane, lane.rect, &lane.missing);
            }
            path::announce(ui, &chips);
            messages::announce(ui, &said);
            tree::interact(ui, &frame, outline);
            let pointer = response.hover_pos().filter(|pos| plot.contains(*pos));
            *under_pointer = pointer.map(|pos| frame.scale.moment(pos.x));
            let task = pointer.and_then(|pos| tree::task_at(&frame, pos));
            if let (Some(task), Some(pos)) = (task, pointer)
                && !response.dragged()
            {
                let shown = response.clone();
                shown.on_hover_ui_at_pointer(|ui| tree::explain(ui, &frame, task, pos));
            }
            (painted, task)
        };
        ui.interact(area, response.id.with("describe"), Sense::hover())
            .widget_info(|| WidgetInfo::labeled(Role::Group, true, "Timeline"));
        interact(ui, cx, (&response, plot), painted, task);
    });
}

/// Gives each lane a node of its own for screen readers and tests: painted
/// shapes have none.
fn announce(ui: &mut Ui, frame: &Frame<'_>) {
    for row in &frame.rows {
        let RowKind::Lane(lane) = row.kind else { continue };
        let trace = frame.cx.trace();
        let polled = frame.cx.running(lane).map(|poll| trace.task_name(trace.poll(poll).task));
        let running = match &polled {
            Some(name) => format!("polling {name}"),
            None => "idle".to_owned(),
        };
        let label = format!("Lane {}", row.name);
        let id = ui.scope_id().with(("lane", lane));
        ui.interact(row.header, id, Sense::hover()).widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Row, true, &label);
            info.current_text_value = Some(running.clone());
            info
        });
        let slot = ui.interact(slots::slot(row.header), id.with("slot"), Sense::hover());
        slot.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Status, true, format!("Now on {}", row.name));
            info.current_text_value = Some(polled.clone().unwrap_or_default());
            info
        });
        slot.on_hover_text(match &polled {
            Some(name) => format!("{} polls {name} at the playhead", row.name),
            None => format!("{} polls no task at the playhead", row.name),
        });
    }
}

/// What the mouse does over the lanes.
fn interact(
    ui: &mut Ui,
    cx: &Context<'_>,
    (response, plot): (&egui::Response, Rect),
    painted: &[PaintedLane],
    task: Option<TaskIx>,
) {
    let scale = Scale::new(&cx.view, plot.x_range());
    let pointer = response.hover_pos().filter(|pos| plot.contains(*pos));

    if let Some(pos) = pointer {
        let (zoom, scroll) = ui.input(|input| (input.zoom_delta(), input.smooth_scroll_delta()));
        if zoom != 1.0 {
            cx.send(TraceCommand::Zoom(f64::from(1.0 / zoom), scale.moment(pos.x)));
        }
        if scroll.x != 0.0 {
            cx.commands.send(AppCommand::Pan(f64::from(-scroll.x / plot.width())));
        }
    }
    let shift = ui.input(|input| input.modifiers.shift);
    let pan = response.dragged_by(PointerButton::Middle)
        || (response.dragged_by(PointerButton::Primary) && shift);
    if pan {
        cx.commands.send(AppCommand::Pan(f64::from(-response.drag_delta().x / plot.width())));
    } else {
        measure(ui, cx, response, plot, &scale);
    }

    let under = pointer.and_then(|pos| polls_at(painted, &scale, pos));
    if response.double_clicked()
        && let Some((_, span)) = under
    {
        let (start, width) = (span.start as f64, (span.end - span.start).max(1) as f64);
        cx.send(TraceCommand::Show(start - 0.2 * width, 1.4 * width));
    }
    if response.clicked()
        && let Some(pos) = response.interact_pointer_pos()
        && plot.contains(pos)
    {
        cx.send(TraceCommand::Measure(None));
        match under {
            Some((poll, _)) => {
                let poll = cx.trace().poll(poll);
                cx.select(Some(poll.task));
                // Within the poll, however narrow it is on the screen.
                let (start, end) = (poll.start as f64, poll.end as f64 - 1.0);
                let moment = scale.moment(pos.x).min(end).max(start);
                cx.send(TraceCommand::MovePlayhead(moment));
            }
            None if task.is_some() => {
                cx.select(task);
                cx.send(TraceCommand::MovePlayhead(scale.moment(pos.x)));
            }
            None => cx.select(None),
        }
    }
    // What was under the pointer when the menu was opened.
    let id = response.id.with("menu");
    if response.secondary_clicked() {
        let of = under.map(|(poll, _)| cx.trace().poll(poll).task).or(task);
        ui.data_mut(|data| data.insert_temp(id, of));
    }
    if let Some(Some(of)) = ui.data(|data| data.get_temp::<Option<TaskIx>>(id)) {
        menus::of_task(response, cx, of);
    }
    if let Some((poll, span)) = under
        && !response.dragged()
    {
        response.clone().on_hover_ui_at_pointer(|ui| hover::show(ui, cx, poll, &span));
    } else if let Some(pos) = pointer
        && let Some(lane) = painted.iter().find(|lane| lane.rect.contains(pos))
        && let Some(range) = lane.missing.iter().find(|range| range.contains(pos.x))
    {
        response.clone().on_hover_text_at_pointer(range.text());
    }
}

/// Dragging over the lanes measures a stretch of time.
fn measure(ui: &Ui, cx: &Context<'_>, response: &egui::Response, plot: Rect, scale: &Scale) {
    let Some(pos) = response.interact_pointer_pos() else { return };
    let moment = |pos: Pos2| scale.moment(pos.x.clamp(plot.left(), plot.right()));
    if response.drag_started_by(PointerButton::Primary) {
        // A press becomes a drag some pixels on; what is measured begins at the press.
        let origin = ui.input(|input| input.pointer.press_origin());
        let origin = origin.filter(|origin| plot.contains(*origin));
        let measured = origin.map(|origin| (moment(origin), moment(pos)));
        cx.send(TraceCommand::Measure(measured));
    } else if response.dragged_by(PointerButton::Primary)
        && let Some((start, _)) = cx.measured
    {
        cx.send(TraceCommand::Measure(Some((start, moment(pos)))));
    }
}

/// What was painted under the pointer, and the poll it stands for. Of nested
/// polls the innermost is found first.
fn polls_at(
    painted: &[PaintedLane],
    scale: &Scale,
    pos: Pos2,
) -> Option<(PollIx, taskscope_model::LodSpan)> {
    const REACH: f32 = 2.0;
    let lane = painted.iter().find(|lane| lane.rect.y_range().contains(pos.y))?;
    let within = |reach: f32| {
        lane.polls.iter().rev().find(|span| {
            let (left, right) = (scale.x(span.start as f64), scale.x(span.end as f64));
            (left - reach..=right + reach).contains(&pos.x)
        })
    };
    // What is under the pointer, else what is so narrow that it is hard to hit.
    let span = within(0.0).or_else(|| within(REACH))?;
    Some((span.poll, *span))
}
