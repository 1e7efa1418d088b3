//! How large the panels are.
//!
//! The tree of panels knows only shares of the room. People expect more of a window that changes
//! its size: the timeline takes what there is, and the panels beside it stay as large as they
//! were made. So the shares are sizes in points, and before each frame they are made to fit the
//! room: what holds a timeline grows or shrinks, the rest does not.

use egui::{Vec2, vec2};
use egui_tiles::{Container, LinearDir, Tile, TileId, Tiles};

use super::layout::{COMPARISON_PART, GAP, Layout, PanelId, PanelKind, TASKS_PART};
use crate::overview;

/// Below this width of the window the inspector makes room for the timeline.
const ROOM_FOR_INSPECTOR: f32 = 900.0;
/// Below this height of the window the table makes room for the timeline.
const ROOM_FOR_TASKS: f32 = 520.0;
const INSPECTOR_WIDTH: f32 = 352.0;
/// Less than that is left to no timeline while there is another way.
const LEAST: f32 = 80.0;

impl Layout {
    /// The sizes of the default layout.
    pub(super) fn arrange(&mut self, room: Vec2, window: Vec2, lanes: usize) {
        let Some(default) = &self.default else { return };
        self.tree.set_visible(default.inspectors, window.x >= ROOM_FOR_INSPECTOR);
        let has_stage = self.tree.is_visible_in_layout(default.stages);
        self.tree.set_visible(default.tasks, window.y >= ROOM_FOR_TASKS && !has_stage);
        let tiles = &mut self.tree.tiles;
        let shown = |tiles: &Tiles<PanelId>, of: &[TileId]| {
            of.iter().filter(|&&tile| tiles.is_visible_in_layout(tile)).count() as f32
        };
        let overview = overview::HEIGHT;
        let height = room.y - shown(tiles, &default.overviews) * overview;
        let part = match shown(tiles, &default.comparisons) > 0.0 {
            true => COMPARISON_PART,
            false => TASKS_PART,
        };
        let tasks = shown(tiles, &[default.tasks]) * part * window.y;
        let timelines = shown(tiles, &default.timelines).max(1.0);
        // Below the stage there is room for all lanes, if that leaves it enough.
        let wanted = timelines * (60.0 + 40.0 * lanes as f32);
        let stage = (height - wanted).clamp(0.5 * height, 0.68 * height).round();
        let stage = if has_stage { stage } else { 0.0 };
        let timeline = ((height - stage - tasks - (timelines - 1.0) * GAP) / timelines).max(LEAST);
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
        share(Some(default.left), default.stages, stage - GAP);
        share(Some(default.left), default.tasks, tasks - GAP);
    }

    /// Makes the shares sizes that fit the room; see the top of this file.
    pub(super) fn fit(&mut self, tile: TileId, room: Vec2) {
        let Some(Tile::Container(container)) = self.tree.tiles.get(tile) else { return };
        let Container::Linear(linear) = container else {
            let children: Vec<TileId> = container.children().copied().collect();
            for child in children {
                self.fit(child, room);
            }
            return;
        };
        let dir = linear.dir;
        let children: Vec<TileId> = linear
            .children
            .iter()
            .copied()
            .filter(|&child| self.tree.is_visible_in_layout(child))
            .collect();
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
            Some(Tile::Pane(pane)) => {
                matches!(pane.kind, PanelKind::Timeline | PanelKind::Stage)
                    && self.tree.is_visible(tile)
            }
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
