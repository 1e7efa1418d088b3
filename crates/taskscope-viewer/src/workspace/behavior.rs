//! How the panels and their tabs look, and what the mouse does with them.
//!
//! A panel that is alone in its place has no bar with tabs: a single trace fills the window as
//! if nothing could be moved. Two small buttons appear in a panel's upper right corner while the
//! pointer is near: one to drag the panel by, one to close it. With several traces each panel has
//! a bar that says which trace it shows.

use std::collections::HashSet;

use egui::{
    Align2, Color32, FontId, Frame, Id, Margin, Rect, Response, Role, Sense, Stroke, Ui, UiBuilder,
    Visuals, WidgetInfo, WidgetText, pos2, vec2,
};
use egui_tiles::{
    Behavior, EditAction, ResizeState, SimplificationOptions, TabState, Tabs, TileId, Tiles,
    UiResponse,
};

use super::compared::of_several;
use super::layout::{GAP, PanelId, PanelKind};
use super::{Member, context};
use crate::clock::Clock;
use crate::command::{AppCommand, Commands, TraceCommand};
use crate::context::Context;
use crate::jobs::Jobs;
use crate::open_trace::TraceId;
use crate::theme::Palette;

/// Every panel lies in tabs, even alone, so that others can be put there too.
pub(super) const SIMPLIFY: SimplificationOptions = SimplificationOptions {
    prune_empty_tabs: true,
    prune_empty_containers: true,
    prune_single_child_tabs: true,
    prune_single_child_containers: true,
    all_panes_must_have_tabs: true,
    join_nested_linear_containers: true,
    flatten_tabs_in_tabs: true,
};

/// Side of the small buttons in a panel's corner, in points.
const HANDLE_SIZE: f32 = 20.0;
/// The buttons are there while the pointer is so near to the panel's upper edge.
const NEAR: f32 = 34.0;

/// What is shown in the panels of a frame.
pub(super) struct Shown<'a> {
    pub(super) members: &'a mut [Member],
    pub(super) active: TraceId,
    pub(super) clock: &'a Clock,
    /// What the traces are called, if there are several.
    pub(super) labels: Vec<(TraceId, String)>,
    pub(super) commands: &'a Commands,
    pub(super) jobs: &'a Jobs,
    /// The tabs that have a bar.
    pub(super) with_bar: HashSet<TileId>,
    /// Whether somebody has moved or resized a panel.
    pub(super) edited: bool,
}

impl Shown<'_> {
    fn label(&self, trace: TraceId) -> Option<&str> {
        self.labels.iter().find(|(id, _)| *id == trace).map(|(_, label)| label.as_str())
    }

    /// How many workers a trace has at most.
    pub(super) fn most_lanes(&self) -> usize {
        let workers = |member: &Member| -> usize {
            member.open.trace().runtimes().iter().map(|runtime| runtime.workers.len()).sum()
        };
        self.members.iter().map(workers).max().unwrap_or(0)
    }

    /// The two buttons in the upper right corner; whether the panel is dragged away.
    fn handles(&self, ui: &Ui, panel: PanelId) -> bool {
        let room = ui.max_rect();
        let corner = room.right_top() + vec2(-4.0, 4.0);
        let size = vec2(HANDLE_SIZE, HANDLE_SIZE);
        let close = Align2::RIGHT_TOP.anchor_size(corner, size);
        let grip = close.translate(vec2(-HANDLE_SIZE - 2.0, 0.0));
        let near = Rect::from_min_max(room.min, pos2(room.right(), room.top() + NEAR));
        let is_near = ui.rect_contains_pointer(near);
        let id = ui.scope_id().with("handles");
        let title = panel.kind.title();
        let grip_response = ui.interact(grip, id.with("grip"), Sense::drag());
        let label = format!("Move {title}");
        grip_response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        let close_response = ui.interact(close, id.with("close"), Sense::click());
        let label = format!("Close {title}");
        close_response.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        if close_response.clicked() {
            self.commands.send_to(panel.trace, TraceCommand::ClosePanel(panel.kind));
        }
        if is_near || grip_response.dragged() || close_response.has_focus() {
            let palette = Palette::get(ui);
            let painter = ui.painter();
            painter.rect_filled(grip.union(close).expand(2.0), 4.0, palette.panel);
            paint_grip(ui, grip, colour(palette, &grip_response));
            paint_cross(ui, close, colour(palette, &close_response));
        }
        let grip_response = grip_response
            .on_hover_cursor(egui::CursorIcon::Grab)
            .on_hover_text("Drag this panel to another place");
        close_response.on_hover_text(format!("Close this panel: {}", how_it_comes_back(panel)));
        grip_response.drag_started()
    }
}

fn how_it_comes_back(panel: PanelId) -> &'static str {
    match panel.kind {
        PanelKind::Overview => "O brings it back",
        PanelKind::Stage => "G brings it back",
        PanelKind::Timeline => "L brings it back",
        PanelKind::Tasks => "T brings it back",
        PanelKind::Inspector => "I brings it back",
        PanelKind::Instant => "Q brings it back",
        PanelKind::Range => "V brings it back",
        PanelKind::Marks => "H brings it back",
        PanelKind::Longest => "X brings it back",
        PanelKind::Comparison => "K brings it back",
    }
}

fn colour(palette: &Palette, response: &Response) -> Color32 {
    if response.hovered() || response.has_focus() { palette.text } else { palette.weak }
}

fn palette_of(visuals: &Visuals) -> &'static Palette {
    Palette::of_visuals(visuals)
}

/// Six dots, as on things that can be dragged.
fn paint_grip(ui: &Ui, rect: Rect, colour: Color32) {
    for (column, row) in [(-1, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (1, 1)] {
        let at = rect.center() + vec2(2.5 * column as f32, 5.0 * row as f32);
        ui.painter().circle_filled(at, 1.4, colour);
    }
}

fn paint_cross(ui: &Ui, rect: Rect, colour: Color32) {
    let inside = Rect::from_center_size(rect.center(), vec2(8.0, 8.0));
    let stroke = Stroke::new(1.4, colour);
    ui.painter().line_segment([inside.left_top(), inside.right_bottom()], stroke);
    ui.painter().line_segment([inside.right_top(), inside.left_bottom()], stroke);
}

impl Behavior<PanelId> for Shown<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, panel: &mut PanelId) -> UiResponse {
        let rect = ui.max_rect();
        ui.shrink_clip_rect(rect);
        let label = self.labels.iter().find(|(id, _)| *id == panel.trace);
        let label = label.map(|(_, label)| label.as_str());
        let Some((open, panels, other)) = of_several(self.members, &self.labels, panel.trace)
        else {
            return UiResponse::None;
        };
        let pressed = ui.input(|input| input.pointer.any_pressed());
        if pressed && self.active != panel.trace && ui.rect_contains_pointer(rect) {
            self.commands.send(AppCommand::Activate(panel.trace));
        }
        let name = format!("{} of {}", panel.kind.title(), open.name);
        ui.interact(rect, ui.scope_id().with("panel"), Sense::hover())
            .widget_info(|| WidgetInfo::labeled(Role::Group, true, &name));
        let palette = Palette::get(ui);
        let (fill, margin) = match panel.kind {
            PanelKind::Overview | PanelKind::Stage | PanelKind::Timeline => {
                (palette.background, Margin::ZERO)
            }
            PanelKind::Tasks | PanelKind::Comparison | PanelKind::Longest => {
                (palette.panel, Margin::symmetric(12, 6))
            }
            PanelKind::Inspector | PanelKind::Instant | PanelKind::Range | PanelKind::Marks => {
                (palette.panel, Margin::symmetric(14, 8))
            }
        };
        ui.painter().rect_filled(rect, 0.0, fill);
        let inside = Frame::new().inner_margin(margin);
        let room = rect - inside.total_margin();
        if room.is_positive() {
            let mut inside = ui.new_child(UiBuilder::new().max_rect(room));
            inside.shrink_clip_rect(room);
            let cx = context(self.clock, open, label, self.commands, self.jobs);
            let cx = Context { other, ..cx };
            panels.show(&mut inside, panel.kind, &cx);
        }
        match self.handles(ui, *panel) {
            true => UiResponse::DragStarted,
            false => UiResponse::None,
        }
    }

    fn tab_title_for_pane(&mut self, panel: &PanelId) -> WidgetText {
        let title = panel.kind.title();
        // Tables and inspectors lie side by side in one bar.
        let is_short =
            !matches!(panel.kind, PanelKind::Overview | PanelKind::Stage | PanelKind::Timeline);
        match self.label(panel.trace) {
            Some(label) if is_short => {
                let letter = label.split(' ').next().unwrap_or_default();
                if panel.kind == PanelKind::Comparison {
                    // The first is compared with the second, and the others with the first.
                    let letter = if letter == "A" { "B" } else { letter };
                    return format!("A, {letter}  ·  {title}").into();
                }
                format!("{letter}  ·  {title}").into()
            }
            Some(label) => format!("{label}  ·  {title}").into(),
            None => title.into(),
        }
    }

    fn tab_ui(
        &mut self,
        tiles: &mut Tiles<PanelId>,
        ui: &mut Ui,
        id: Id,
        tile: TileId,
        state: &TabState,
    ) -> Response {
        const CLOSE: f32 = 18.0;
        let Some(panel) = tiles.get_pane(&tile).copied() else {
            // All tabs are panels.
            return ui.interact(Rect::NOTHING, id, Sense::hover());
        };
        let palette = Palette::get(ui);
        let title = self.tab_title_for_pane(&panel);
        let text = title.text().to_owned();
        let is_active = state.active && (self.labels.is_empty() || self.active == panel.trace);
        let text_colour = if is_active { palette.text } else { palette.weak };
        let galley = ui.painter().layout_no_wrap(text, FontId::proportional(12.5), text_colour);
        let width = galley.size().x + 12.0 + 8.0 + CLOSE;
        let (_, rect) = ui.allocate_space(vec2(width, ui.available_height()));
        let response = ui
            .interact(rect, id, Sense::click_and_drag())
            .on_hover_cursor(egui::CursorIcon::Grab)
            .on_hover_text(match self.label(panel.trace) {
                Some(label) => format!("{label}. Drag this panel to another place"),
                None => "Drag this panel to another place".to_owned(),
            });
        let label = galley.text().to_owned();
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, state.active, &label));
        if state.is_being_dragged {
            return response;
        }
        let fill = if state.active { palette.panel } else { palette.background };
        ui.painter().rect_filled(rect, 0.0, fill);
        if is_active {
            let line = Stroke::new(2.0, palette.accent);
            ui.painter().hline(rect.x_range(), rect.top() + 1.0, line);
        }
        let at = pos2(rect.left() + 12.0, rect.center().y - 0.5 * galley.size().y);
        ui.painter().galley(at, galley, text_colour);
        let cross = Align2::RIGHT_CENTER.anchor_size(rect.right_center(), vec2(CLOSE, CLOSE));
        let close = ui.interact(cross, id.with("close"), Sense::click());
        let label = format!("Close {label}");
        close.widget_info(|| WidgetInfo::labeled(Role::Button, true, &label));
        if response.hovered() || close.hovered() || state.active {
            paint_cross(ui, cross, colour(palette, &close));
        }
        if close.clicked() || response.clicked_by(egui::PointerButton::Middle) {
            self.commands.send_to(panel.trace, TraceCommand::ClosePanel(panel.kind));
        } else if response.clicked() && self.active != panel.trace {
            self.commands.send(AppCommand::Activate(panel.trace));
        }
        response
    }

    fn is_tab_bar_visible(&self, tile: TileId, _: &Tabs) -> bool {
        self.with_bar.contains(&tile)
    }

    fn tab_bar_color(&self, visuals: &Visuals) -> Color32 {
        visuals.extreme_bg_color
    }

    fn gap_width(&self, _: &egui::Style) -> f32 {
        GAP
    }

    fn resize_stroke(&self, style: &egui::Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => style.visuals.widgets.noninteractive.bg_stroke,
            ResizeState::Hovering => style.visuals.widgets.hovered.fg_stroke,
            ResizeState::Dragging => style.visuals.widgets.active.fg_stroke,
        }
    }

    fn drag_preview_stroke(&self, visuals: &Visuals) -> Stroke {
        Stroke::new(1.5, palette_of(visuals).accent)
    }

    fn drag_preview_color(&self, visuals: &Visuals) -> Color32 {
        palette_of(visuals).accent.gamma_multiply(0.22)
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SIMPLIFY
    }

    fn cycle_tabs_with_keyboard(&self) -> bool {
        true
    }

    fn on_edit(&mut self, action: EditAction) {
        // A tab that comes to the front moves nothing.
        self.edited |= action != EditAction::TabSelected && action != EditAction::TileDragged;
    }
}
