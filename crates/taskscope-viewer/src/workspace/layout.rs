//! Where the panels are: a tree of splits and tabs, from `egui_tiles`.
//!
//! Until somebody moves a panel, the layout is the *default* one, in which the panels beside the
//! timeline make room for it in a small window. From then on it is theirs: traces that are opened
//! put their panels beside those of their kind, and nothing that can be seen moves by itself.

use std::collections::HashSet;

use egui::{Ui, Vec2};
use egui_tiles::{Container, Linear, LinearDir, Tabs, Tile, TileId, Tiles, Tree};
use serde::{Deserialize, Serialize};

use super::behavior::Shown;
use crate::open_trace::TraceId;

/// What a panel shows of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(crate) enum PanelKind {
    Overview,
    Stage,
    Timeline,
    Tasks,
    Comparison,
    Longest,
    Inspector,
    Instant,
    Range,
    Marks,
}

impl PanelKind {
    pub(crate) const ALL: [Self; 10] = [
        Self::Overview,
        Self::Stage,
        Self::Timeline,
        Self::Tasks,
        Self::Comparison,
        Self::Longest,
        Self::Inspector,
        Self::Instant,
        Self::Range,
        Self::Marks,
    ];

    /// Whether it is closed until somebody opens it.
    pub(crate) fn is_closed_at_first(self) -> bool {
        matches!(
            self,
            Self::Stage
                | Self::Comparison
                | Self::Longest
                | Self::Instant
                | Self::Range
                | Self::Marks
        )
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Stage => "Stage",
            Self::Timeline => "Timeline",
            Self::Tasks => "Tasks",
            Self::Comparison => "Comparison",
            Self::Longest => "Longest",
            Self::Inspector => "Inspector",
            Self::Instant => "At this instant",
            Self::Range => "Range",
            Self::Marks => "Marks",
        }
    }
}

/// A panel: what it shows of which trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub(crate) struct PanelId {
    pub(crate) trace: TraceId,
    pub(crate) kind: PanelKind,
}

/// Width of the line between panels, in points.
pub(super) const GAP: f32 = 1.0;
/// The table's part of the window's height.
pub(super) const TASKS_PART: f32 = 0.27;
/// The same where a comparison lies there.
pub(super) const COMPARISON_PART: f32 = 0.32;

/// The tiles of the default layout.
#[derive(Clone, Debug)]
pub(super) struct DefaultTiles {
    pub(super) overviews: Vec<TileId>,
    /// All below the strips.
    pub(super) main: TileId,
    /// All but the inspectors.
    pub(super) left: TileId,
    /// Closed at first.
    pub(super) stages: TileId,
    pub(super) timelines: Vec<TileId>,
    pub(super) tasks: TileId,
    /// In the place of the table.
    pub(super) comparisons: Vec<TileId>,
    pub(super) inspectors: TileId,
}

/// Where the panels are.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(super) tree: Tree<PanelId>,
    /// While nobody has moved a panel.
    pub(super) default: Option<DefaultTiles>,
}

impl Layout {
    /// The default layout for these traces.
    pub(crate) fn new(traces: &[TraceId]) -> Self {
        let mut tiles = Tiles::default();
        let mut pane = |trace, kind| tiles.insert_pane(PanelId { trace, kind });
        let mut panes = |kind| traces.iter().map(|&trace| pane(trace, kind)).collect::<Vec<_>>();
        let (overviews, timelines) = (panes(PanelKind::Overview), panes(PanelKind::Timeline));
        let stages = panes(PanelKind::Stage);
        let (tasks, inspectors) = (panes(PanelKind::Tasks), panes(PanelKind::Inspector));
        let (comparisons, longest) = (panes(PanelKind::Comparison), panes(PanelKind::Longest));
        let beside = [PanelKind::Instant, PanelKind::Range, PanelKind::Marks];
        let beside = beside.map(&mut panes).concat();
        let mut alone = |panes: Vec<TileId>| {
            panes.into_iter().map(|pane| tiles.insert_tab_tile(vec![pane])).collect::<Vec<_>>()
        };
        let (overviews, timelines) = (alone(overviews), alone(timelines));
        let closed = [&stages[..], &comparisons, &longest, &beside].concat();
        closed.iter().for_each(|&pane| tiles.set_visible(pane, false));
        let stages = tiles.insert_tab_tile(stages);
        let tasks = tiles.insert_tab_tile([comparisons.clone(), tasks, longest].concat());
        let inspectors = tiles.insert_tab_tile([inspectors, beside].concat());
        let left = tiles.insert_vertical_tile([&[stages], &timelines[..], &[tasks]].concat());
        let main = tiles.insert_horizontal_tile(vec![left, inspectors]);
        let root = tiles.insert_vertical_tile([&overviews[..], &[main]].concat());
        let tree = Tree::new(egui::Id::unique("panels"), root, tiles);
        let default = DefaultTiles {
            overviews,
            main,
            left,
            stages,
            timelines,
            tasks,
            comparisons,
            inspectors,
        };
        Self { tree, default: Some(default) }
    }

    /// The stage of the first trace above the timelines of all, and nothing else.
    pub(crate) fn presenting(traces: &[TraceId]) -> Self {
        let mut layout = Self::new(traces);
        let shown = |panel: PanelId| match panel.kind {
            PanelKind::Stage => traces.first() == Some(&panel.trace),
            kind => kind == PanelKind::Timeline,
        };
        for (trace, kind) in traces.iter().flat_map(|&t| PanelKind::ALL.map(|kind| (t, kind))) {
            let panel = PanelId { trace, kind };
            if let Some(pane) = layout.tree.tiles.find_pane(&panel) {
                layout.tree.set_visible(pane, shown(panel));
            }
        }
        layout
    }

    /// Takes out the panels of all traces but these, and adds those that are missing.
    pub(crate) fn keep(&mut self, traces: &[TraceId]) {
        let known: HashSet<TraceId> = self
            .tree
            .tiles
            .tiles()
            .filter_map(|tile| match tile {
                Tile::Pane(panel) => Some(panel.trace),
                Tile::Container(_) => None,
            })
            .collect();
        for &gone in known.iter().filter(|trace| !traces.contains(trace)) {
            self.remove(gone, traces);
        }
        for &new in traces.iter().filter(|trace| !known.contains(trace)) {
            self.add(new, traces);
        }
    }

    /// The panels, if somebody has moved, closed or resized one.
    pub(crate) fn moved(&self) -> Option<&Tree<PanelId>> {
        self.default.is_none().then_some(&self.tree)
    }

    /// The panels of a trace that are closed though they are open at first, or the other way round.
    pub(crate) fn toggled(&self, trace: TraceId) -> Vec<PanelKind> {
        let is_other = |kind: &PanelKind| {
            let pane = self.tree.tiles.find_pane(&PanelId { trace, kind: *kind });
            pane.is_some_and(|pane| self.tree.is_visible(pane) == kind.is_closed_at_first())
        };
        PanelKind::ALL.into_iter().filter(is_other).collect()
    }

    /// Puts the panels of the only trace where those of another were, or opens and closes the same. An older version may
    /// have had fewer: these are added.
    pub(crate) fn take_on(&mut self, panels: Option<&Tree<PanelId>>, toggled: &[PanelKind]) {
        let trace = TraceId(0);
        let Some(panels) = panels else {
            for &kind in toggled {
                let panel = PanelId { trace, kind };
                if let Some(pane) = self.tree.tiles.find_pane(&panel) {
                    self.tree.set_visible(pane, kind.is_closed_at_first());
                }
                if kind.is_closed_at_first() {
                    self.bring_to_front(panel);
                }
            }
            return;
        };
        let is_known = |kind| panels.tiles.find_pane(&PanelId { trace, kind }).is_some();
        if panels.root.is_none() || !is_known(PanelKind::Timeline) {
            return;
        }
        (self.tree, self.default) = (panels.clone(), None);
        for kind in PanelKind::ALL.into_iter().filter(|&kind| !is_known(kind)) {
            let panel = PanelId { trace, kind };
            self.insert(panel);
            if kind.is_closed_at_first() {
                self.close(panel);
            }
        }
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
            let panel = PanelId { trace, kind };
            let mut others = traces.iter().filter(|&&other| other != trace);
            // Another trace shows one: so does this.
            let is_open = others.any(|&trace| self.shows(PanelId { trace, kind }));
            self.insert(panel);
            if kind.is_closed_at_first() && !is_open {
                self.close(panel);
            }
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

    /// Whether a panel can be seen.
    pub(crate) fn shows(&self, panel: PanelId) -> bool {
        let pane = self.tree.tiles.find_pane(&panel);
        pane.is_some_and(|pane| self.tree.active_tiles().contains(&pane))
    }

    /// Opens a panel that is closed at first, in front of what lies in its place; unless somebody has moved panels.
    pub(super) fn open_at_first(&mut self, panel: PanelId) {
        if let Some(pane) = self.tree.tiles.find_pane(&panel).filter(|_| self.default.is_some()) {
            self.tree.set_visible(pane, true);
            self.bring_to_front(panel);
        }
    }

    /// Closes a panel. It keeps its place, to come back to.
    pub(crate) fn close(&mut self, panel: PanelId) {
        if let Some(pane) = self.tree.tiles.find_pane(&panel) {
            self.tree.set_visible(pane, false);
        }
    }

    fn take_out(&mut self, panel: PanelId) {
        if let Some(pane) = self.tree.tiles.find_pane(&panel) {
            self.tree.remove_recursively(pane);
            self.simplify();
        }
    }

    /// Brings a panel back, or to the front of its place.
    pub(crate) fn bring(&mut self, panel: PanelId) {
        let Some(pane) = self.tree.tiles.find_pane(&panel) else { return };
        self.tree.set_visible(pane, true);
        let mut holder = self.tree.tiles.parent_of(pane);
        while let Some(id) = holder {
            if !self.tree.is_visible(id) {
                // It had made room for the timeline in a small window.
                self.default = None;
                self.tree.set_visible(id, true);
            }
            holder = self.tree.tiles.parent_of(id);
        }
        self.bring_to_front(panel);
    }

    fn bring_to_front(&mut self, panel: PanelId) {
        self.tree.make_active(|_, tile| matches!(tile, Tile::Pane(pane) if *pane == panel));
    }

    /// Brings the panels of a trace to the front of their places.
    pub(crate) fn bring_forward(&mut self, trace: TraceId) {
        for kind in PanelKind::ALL {
            let panel = PanelId { trace, kind };
            // Not over another panel of the same trace, which somebody may be looking at.
            if self.is_behind_another_trace(panel) {
                self.bring_to_front(panel);
            }
        }
    }

    fn is_behind_another_trace(&self, panel: PanelId) -> bool {
        let tiles = &self.tree.tiles;
        let pane = tiles.find_pane(&panel).filter(|&pane| tiles.is_visible(pane));
        let Some(holder) = pane.and_then(|pane| tiles.parent_of(pane)) else { return false };
        match tiles.get_container(holder) {
            Some(Container::Tabs(tabs)) => {
                let front = tabs.active.and_then(|front| tiles.get_pane(&front));
                front.is_some_and(|front| {
                    // A comparison is of both.
                    let is_of_both =
                        front.kind == PanelKind::Comparison && panel.kind != front.kind;
                    front.trace != panel.trace && !is_of_both
                })
            }
            _ => false,
        }
    }

    /// Puts a panel where the newest of its kind is: strips and timelines below it, tables and
    /// inspectors into its tabs.
    fn insert(&mut self, panel: PanelId) {
        let tiles = &mut self.tree.tiles;
        let of_kind = |tile: &Tile<PanelId>| match tile {
            Tile::Pane(pane) if pane.kind == panel.kind => Some(pane.trace),
            _ => None,
        };
        let newest = tiles
            .iter()
            .filter_map(|(&id, tile)| Some((of_kind(tile)?, id)))
            .max_by_key(|&(trace, _)| trace)
            .map(|(_, id)| id);
        let holder = newest.and_then(|pane| tiles.parent_of(pane));
        let pane = tiles.insert_pane(panel);
        let is_stacked = !matches!(panel.kind, PanelKind::Overview | PanelKind::Timeline);
        match (holder.and_then(|holder| tiles.get_mut(holder)), holder) {
            (Some(Tile::Container(tabs)), _) if is_stacked => tabs.add_child(pane),
            (_, Some(holder)) => self.below(pane, panel.kind, holder),
            (_, None) => self.tree.root = Some(tiles.insert_tab_tile(vec![pane])),
        }
        self.simplify();
    }

    /// Puts a pane below another tile. A timeline gives it half of its height; a strip keeps its
    /// own, and what is large makes room.
    fn below(&mut self, pane: TileId, kind: PanelKind, above: TileId) {
        let tiles = &mut self.tree.tiles;
        let below = tiles.insert_tab_tile(vec![pane]);
        let parent = tiles.parent_of(above);
        if let Some(Tile::Container(Container::Linear(linear))) =
            parent.and_then(|parent| tiles.get_mut(parent))
            && linear.dir == LinearDir::Vertical
            && let Some(position) = linear.children.iter().position(|&child| child == above)
        {
            linear.children.insert(position + 1, below);
            let height = linear.shares[above];
            let heights = match kind {
                PanelKind::Overview => [height, height],
                _ => [0.5 * height, 0.5 * height],
            };
            linear.shares.set_share(above, heights[0]);
            linear.shares.set_share(below, heights[1]);
            return;
        }
        let split = Linear::new_binary(LinearDir::Vertical, [above, below], 0.5);
        let split = tiles.insert_container(Container::Linear(split));
        match parent.and_then(|parent| tiles.get_mut(parent)) {
            Some(Tile::Container(container)) => {
                let _position = container.replace_child(above, split);
            }
            _ => self.tree.root = Some(split),
        }
    }

    fn simplify(&mut self) {
        self.tree.simplify(&super::behavior::SIMPLIFY);
    }

    /// Shows the panels in the room that there is.
    pub(super) fn show(&mut self, ui: &mut Ui, shown: &mut Shown<'_>, window: Vec2) {
        let room = ui.available_size();
        match &self.default {
            Some(_) => self.arrange(room, window, shown.most_lanes()),
            None => {
                self.simplify();
                if let Some(root) = self.tree.root {
                    self.fit(root, room);
                }
            }
        }
        shown.with_bar = self.with_bar(!shown.labels.is_empty());
        let has_panels = self.tree.root.is_some_and(|root| self.tree.is_visible_in_layout(root));
        self.tree.ui(shown, ui);
        if shown.edited {
            self.default = None;
        }
        if !has_panels {
            ui.centered_and_justified(|ui| {
                ui.weak("All panels are closed. The command “Reset the layout” brings them back.");
            });
        }
    }

    /// The tabs that have a bar: those of several panels, and all where panels must say whose
    /// they are. A strip has no room for one.
    fn with_bar(&self, must_name: bool) -> HashSet<TileId> {
        let tiles = &self.tree.tiles;
        let holds = |(&id, tile): (&TileId, &Tile<PanelId>)| {
            let Tile::Container(Container::Tabs(Tabs { children, .. })) = tile else { return None };
            let visible = || children.iter().filter(|&&child| tiles.is_visible(child));
            let is_strip = |pane: &TileId| {
                tiles.get_pane(pane).is_some_and(|pane| pane.kind == PanelKind::Overview)
            };
            (visible().count() > 1 || must_name && !visible().all(is_strip)).then_some(id)
        };
        tiles.iter().filter_map(holds).collect()
    }
}
