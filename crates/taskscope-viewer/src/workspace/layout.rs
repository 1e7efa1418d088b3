//! Where the panels are: a tree of splits and tabs.
//!
//! The tree comes from `egui_tiles`, which knows only shares of the room. People expect more of
//! a window that changes its size: the timeline takes what there is, and the panels beside it
//! stay as large as they were made. So the shares are sizes in points, and before each frame
//! they are made to fit the room: what holds a timeline grows or shrinks, the rest does not.
//! Until somebody moves a panel, the layout is the *default* one, in which the panels beside the
//! timeline make room for it in a small window.

use std::collections::HashSet;

use egui::{Ui, Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Tabs, Tile, TileId, Tiles, Tree};

use super::behavior::Shown;
use crate::open_trace::TraceId;

/// What a panel shows of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PanelKind {
    Overview,
    Timeline,
    Tasks,
    Inspector,
}

impl PanelKind {
    pub(crate) const ALL: [Self; 4] =
        [Self::Overview, Self::Timeline, Self::Tasks, Self::Inspector];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Timeline => "Timeline",
            Self::Tasks => "Tasks",
            Self::Inspector => "Inspector",
        }
    }
}

/// A panel: what it shows of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PanelId {
    pub(crate) trace: TraceId,
    pub(crate) kind: PanelKind,
}

/// Width of the line between panels, in points.
pub(super) const GAP: f32 = 1.0;
/// Below this width of the window the inspector makes room for the timeline.
const ROOM_FOR_INSPECTOR: f32 = 900.0;
/// Below this height of the window the table makes room for the timeline.
const ROOM_FOR_TASKS: f32 = 520.0;
const INSPECTOR_WIDTH: f32 = 352.0;
/// The table's part of the window's height.
const TASKS_PART: f32 = 0.27;
/// Less than that is left to no timeline while there is another way.
const LEAST: f32 = 80.0;

/// The tiles of the default layout.
#[derive(Debug)]
struct DefaultTiles {
    overviews: Vec<TileId>,
    main: TileId,
    left: TileId,
    timelines: Vec<TileId>,
    tasks: TileId,
    inspectors: TileId,
}

/// Where the panels are.
#[derive(Debug)]
pub(crate) struct Layout {
    tree: Tree<PanelId>,
    /// While nobody has moved a panel.
    default: Option<DefaultTiles>,
}

impl Layout {
    /// The default layout for these traces.
    pub(crate) fn new(traces: &[TraceId]) -> Self {
        let mut tiles = Tiles::default();
        let mut pane = |trace, kind| tiles.insert_pane(PanelId { trace, kind });
        let mut panes = |kind| traces.iter().map(|&trace| pane(trace, kind)).collect::<Vec<_>>();
        let (overviews, timelines) = (panes(PanelKind::Overview), panes(PanelKind::Timeline));
        let (tasks, inspectors) = (panes(PanelKind::Tasks), panes(PanelKind::Inspector));
        let mut alone = |panes: Vec<TileId>| {
            panes.into_iter().map(|pane| tiles.insert_tab_tile(vec![pane])).collect::<Vec<_>>()
        };
        let (overviews, timelines) = (alone(overviews), alone(timelines));
        let tasks = tiles.insert_tab_tile(tasks);
        let inspectors = tiles.insert_tab_tile(inspectors);
        let left = tiles.insert_vertical_tile([&timelines[..], &[tasks]].concat());
        let main = tiles.insert_horizontal_tile(vec![left, inspectors]);
        let root = tiles.insert_vertical_tile([&overviews[..], &[main]].concat());
        let tree = Tree::new(egui::Id::unique("panels"), root, tiles);
        let default = DefaultTiles { overviews, main, left, timelines, tasks, inspectors };
        Self { tree, default: Some(default) }
    }

    /// Whether nobody has moved, closed or resized a panel.
    #[cfg(test)]
    pub(crate) fn is_default(&self) -> bool {
        self.default.is_some()
    }

    /// Adds the panels of a trace; `traces` are all that are open now.
    pub(crate) fn add(&mut self, trace: TraceId, traces: &[TraceId]) {
        if self.default.is_some() {
            *self = Self::new(traces);
            return;
        }
        for kind in PanelKind::ALL {
            self.insert(PanelId { trace, kind });
        }
    }

    /// Removes the panels of a trace; `traces` are those that stay open.
    pub(crate) fn remove(&mut self, trace: TraceId, traces: &[TraceId]) {
        if self.default.is_some() && !traces.is_empty() {
            *self = Self::new(traces);
            return;
        }
        for kind in PanelKind::ALL {
            self.take_out(PanelId { trace, kind });
        }
    }

    /// Puts all panels back to where they are at first.
    pub(crate) fn reset(&mut self, traces: &[TraceId]) {
        *self = Self::new(traces);
    }

    /// Whether a panel can be seen, or is at most behind others in the same place.
    pub(crate) fn has(&self, panel: PanelId) -> bool {
        self.tree.tiles.find_pane(&panel).is_some_and(|pane| self.holder_is_visible(pane))
    }

    fn holder_is_visible(&self, pane: TileId) -> bool {
        let mut tile = Some(pane);
        while let Some(id) = tile {
            if !self.tree.is_visible(id) {
                return false;
            }
            tile = self.tree.tiles.parent_of(id);
        }
        true
    }

    /// Whether a panel can be seen.
    pub(crate) fn shows(&self, panel: PanelId) -> bool {
        let active = self.tree.active_tiles();
        self.has(panel) && self.tree.tiles.find_pane(&panel).is_some_and(|id| active.contains(&id))
    }

    /// Closes a panel. What it keeps stays with its trace.
    pub(crate) fn close(&mut self, panel: PanelId) {
        self.default = None;
        self.take_out(panel);
    }

    fn take_out(&mut self, panel: PanelId) {
        if let Some(pane) = self.tree.tiles.find_pane(&panel) {
            self.tree.remove_recursively(pane);
            self.simplify();
        }
    }

    /// Brings a panel back, or to the front of its place.
    pub(crate) fn bring(&mut self, panel: PanelId) {
        match self.tree.tiles.find_pane(&panel) {
            Some(pane) if self.holder_is_visible(pane) => {}
            Some(pane) => {
                // It had made room for the timeline in a small window.
                self.default = None;
                let mut tile = Some(pane);
                while let Some(id) = tile {
                    self.tree.set_visible(id, true);
                    tile = self.tree.tiles.parent_of(id);
                }
            }
            None => {
                self.default = None;
                self.insert(panel);
            }
        }
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == panel));
    }

    /// Brings the panels of a trace to the front of their places.
    pub(crate) fn bring_forward(&mut self, trace: TraceId) {
        for kind in PanelKind::ALL {
            let panel = PanelId { trace, kind };
            // Not over another panel of the same trace, which somebody may be looking at.
            if self.is_over_other_traces(panel) {
                self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == panel));
            }
        }
    }

    fn is_over_other_traces(&self, panel: PanelId) -> bool {
        let tiles = &self.tree.tiles;
        let Some(holder) = tiles.find_pane(&panel).and_then(|pane| tiles.parent_of(pane)) else {
            return false;
        };
        match tiles.get_container(holder) {
            Some(Container::Tabs(tabs)) => {
                let front = tabs.active.and_then(|front| tiles.get_pane(&front));
                front.is_some_and(|front| front.trace != panel.trace)
            }
            _ => false,
        }
    }

    /// Puts a panel where panels of its kind are, or else where they would be at first.
    fn insert(&mut self, panel: PanelId) {
        let of_kind: Vec<PanelId> = {
            let panes = self.tree.tiles.tiles().filter_map(|tile| match tile {
                Tile::Pane(pane) => Some(*pane),
                Tile::Container(_) => None,
            });
            let mut panes: Vec<_> = panes.filter(|pane| pane.kind == panel.kind).collect();
            panes.sort_by_key(|pane| pane.trace);
            panes
        };
        let pane = self.tree.tiles.insert_pane(panel);
        let sibling = of_kind.last().and_then(|last| self.tree.tiles.find_pane(last));
        let holder = sibling.and_then(|sibling| self.tree.tiles.parent_of(sibling));
        match (panel.kind, holder) {
            (PanelKind::Tasks | PanelKind::Inspector, Some(holder)) => {
                if let Some(Tile::Container(container)) = self.tree.tiles.get_mut(holder) {
                    container.add_child(pane);
                    return;
                }
                self.at_edge(pane, panel.kind);
            }
            (_, Some(holder)) => self.below(pane, holder),
            (_, None) => self.at_edge(pane, panel.kind),
        }
    }

    /// Puts a pane below another tile, which gives half of its height.
    fn below(&mut self, pane: TileId, above: TileId) {
        let tabs = self.tree.tiles.insert_tab_tile(vec![pane]);
        let parent = self.tree.tiles.parent_of(above);
        let split = [above, tabs];
        let split = Linear::new_binary(LinearDir::Vertical, split, 0.5);
        let split = self.tree.tiles.insert_container(Container::Linear(split));
        match parent.and_then(|parent| self.tree.tiles.get_mut(parent)) {
            Some(Tile::Container(container)) => {
                let _position = container.replace_child(above, split);
            }
            _ => self.tree.root = Some(split),
        }
        self.simplify();
    }

    /// Puts a pane at the edge of the window where panels of its kind are at first.
    fn at_edge(&mut self, pane: TileId, kind: PanelKind) {
        let tabs = self.tree.tiles.insert_tab_tile(vec![pane]);
        let Some(root) = self.tree.root.filter(|_| !self.tree.tiles.is_empty()) else {
            self.tree.root = Some(tabs);
            return;
        };
        let (dir, children, first_part) = match kind {
            PanelKind::Overview => (LinearDir::Vertical, [tabs, root], 0.08),
            PanelKind::Timeline => (LinearDir::Vertical, [tabs, root], 0.6),
            PanelKind::Tasks => (LinearDir::Vertical, [root, tabs], 1.0 - TASKS_PART),
            PanelKind::Inspector => (LinearDir::Horizontal, [root, tabs], 0.75),
        };
        let split = Linear::new_binary(dir, children, first_part);
        self.tree.root = Some(self.tree.tiles.insert_container(Container::Linear(split)));
        self.simplify();
    }

    fn simplify(&mut self) {
        self.tree.simplify(&super::behavior::SIMPLIFY);
    }

    /// Shows the panels in the room that there is.
    pub(super) fn show(&mut self, ui: &mut Ui, shown: &mut Shown<'_>, window: Vec2) {
        let room = ui.available_size();
        match &self.default {
            Some(_) => self.arrange(room, window),
            None => {
                self.simplify();
                if let Some(root) = self.tree.root {
                    self.fit(root, room);
                }
            }
        }
        shown.without_bar = self.overview_holders();
        let panes = self.tree.tiles.tiles().any(Tile::is_pane);
        self.tree.ui(shown, ui);
        if shown.edited {
            self.default = None;
        }
        if !panes {
            ui.centered_and_justified(|ui| {
                ui.weak("All panels are closed. The command “Reset the layout” brings them back.");
            });
        }
    }

    /// Tabs with nothing but an overview: a strip has no room for a bar.
    fn overview_holders(&self) -> HashSet<TileId> {
        let is_overview = |tile: &TileId| {
            self.tree.tiles.get_pane(tile).is_some_and(|pane| pane.kind == PanelKind::Overview)
        };
        let holds = |(&id, tile): (&TileId, &Tile<PanelId>)| match tile {
            Tile::Container(Container::Tabs(Tabs { children, .. }))
                if children.len() == 1 && children.iter().all(is_overview) =>
            {
                Some(id)
            }
            _ => None,
        };
        self.tree.tiles.iter().filter_map(holds).collect()
    }

    /// The sizes of the default layout.
    fn arrange(&mut self, room: Vec2, window: Vec2) {
        let Some(default) = &self.default else { return };
        let tiles = &mut self.tree.tiles;
        tiles.set_visible(default.inspectors, window.x >= ROOM_FOR_INSPECTOR);
        tiles.set_visible(default.tasks, window.y >= ROOM_FOR_TASKS);
        let overview = crate::overview::HEIGHT;
        let count = default.overviews.len() as f32;
        let height = room.y - count * overview;
        let tasks = if window.y >= ROOM_FOR_TASKS { TASKS_PART * window.y } else { 0.0 };
        let timelines = default.timelines.len() as f32;
        let timeline = ((height - tasks - (timelines - 1.0) * GAP) / timelines).max(LEAST);
        let mut share = |parent: Option<TileId>, child: TileId, share: f32| {
            if let Some(Tile::Container(Container::Linear(linear))) =
                parent.and_then(|parent| tiles.get_mut(parent))
            {
                linear.shares.set_share(child, share);
            }
        };
        for &strip in &default.overviews {
            share(self.tree.root, strip, overview - GAP);
        }
        share(self.tree.root, default.main, height);
        share(Some(default.main), default.left, room.x - INSPECTOR_WIDTH);
        share(Some(default.main), default.inspectors, INSPECTOR_WIDTH - GAP);
        for &lanes in &default.timelines {
            share(Some(default.left), lanes, timeline);
        }
        share(Some(default.left), default.tasks, tasks - GAP);
    }

    /// Makes the shares sizes that fit the room; see the top of this file.
    fn fit(&mut self, tile: TileId, room: Vec2) {
        let Some(Tile::Container(container)) = self.tree.tiles.get(tile) else { return };
        let Container::Linear(linear) = container else {
            let children: Vec<TileId> = container.children().copied().collect();
            for child in children {
                self.fit(child, room);
            }
            return;
        };
        let dir = linear.dir;
        let children: Vec<TileId> =
            linear.children.iter().copied().filter(|&child| self.tree.is_visible(child)).collect();
        let along = match dir {
            LinearDir::Horizontal => room.x,
            LinearDir::Vertical => room.y,
        };
        let along = (along - GAP * (children.len() as f32 - 1.0)).max(1.0);
        let before: Vec<f32> = children.iter().map(|&child| linear.shares[child]).collect();
        let grows: Vec<bool> = children.iter().map(|&child| self.has_timeline(child)).collect();
        let sizes = fitted(&before, &grows, along);
        for (&child, &size) in children.iter().zip(&sizes) {
            if let Some(Tile::Container(Container::Linear(linear))) = self.tree.tiles.get_mut(tile)
            {
                linear.shares.set_share(child, size);
            }
            self.fit(
                child,
                match dir {
                    LinearDir::Horizontal => vec2(size, room.y),
                    LinearDir::Vertical => vec2(room.x, size),
                },
            );
        }
    }

    fn has_timeline(&self, tile: TileId) -> bool {
        match self.tree.tiles.get(tile) {
            Some(Tile::Pane(pane)) => pane.kind == PanelKind::Timeline,
            Some(Tile::Container(container)) => {
                container.children().any(|&child| self.has_timeline(child))
            }
            None => false,
        }
    }
}

/// Sizes as they were, made to fill the room: those that grow take or give the difference.
fn fitted(before: &[f32], grows: &[bool], room: f32) -> Vec<f32> {
    let total: f32 = before.iter().sum();
    let growing = || before.iter().zip(grows).filter(|(_, grows)| **grows).map(|(size, _)| size);
    let (flexible, count) = (growing().sum::<f32>(), growing().count() as f32);
    let left = flexible + room - total;
    // Shares that are no sizes yet, and rooms that are too small, are split as they are.
    let is_no_size = total < 0.5 * room;
    if total <= 0.0 || flexible <= 0.0 || is_no_size || left < LEAST * count {
        return before.iter().map(|size| size * room / total.max(f32::MIN_POSITIVE)).collect();
    }
    let sizes = before.iter().zip(grows);
    sizes.map(|(size, grows)| if *grows { size * left / flexible } else { *size }).collect()
}

#[cfg(test)]
mod tests {
    use super::fitted;

    #[test]
    fn what_holds_the_timeline_takes_the_difference() {
        assert_eq!(fitted(&[600.0, 352.0], &[true, false], 1152.0), [800.0, 352.0]);
        assert_eq!(fitted(&[600.0, 352.0], &[true, false], 852.0), [500.0, 352.0]);
    }

    #[test]
    fn what_has_no_size_yet_or_no_room_is_split() {
        assert_eq!(fitted(&[1.0, 3.0], &[true, false], 400.0), [100.0, 300.0]);
        assert_eq!(fitted(&[500.0, 500.0], &[true, false], 500.0), [250.0, 250.0]);
        assert_eq!(fitted(&[200.0, 200.0], &[false, false], 300.0), [150.0, 150.0]);
    }
}
