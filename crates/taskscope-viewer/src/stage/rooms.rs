//! The rooms in which tasks wait, at the left of the stage, and how they share its height.

use egui::{Pos2, Rect, Vec2, pos2, vec2};
use taskscope_model::questions::Room;

/// Height of a room's title, in units.
const HEAD: f32 = 24.0;
/// Width of a name beside a token, in units.
pub(super) const NAME: f32 = 84.0;

/// The sizes from which all others follow, in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    /// Of which all that does not depend on how many tokens there are is a multiple.
    pub(super) unit: f32,
    /// Between boxes.
    pub(super) gap: f32,
    /// Of a token that stands in line or in a room.
    pub(super) radius: f32,
}

impl Sizes {
    /// From the middle of a token in line to that of the next.
    pub(super) fn step(self) -> f32 {
        2.0 * self.radius + 3.0 * self.unit
    }
}

/// Cells side by side, from the left, and below one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) rect: Rect,
    pub(super) cell: Vec2,
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Grid {
    fn new(rect: Rect, cell: Vec2) -> Self {
        let fit = |room: f32, cell: f32| (room / cell).floor().max(1.0) as usize;
        let (columns, rows) = (fit(rect.width(), cell.x), fit(rect.height(), cell.y));
        Self { rect, cell, columns, rows }
    }

    /// How many cells there are.
    pub(super) fn room(&self) -> usize {
        self.columns * self.rows
    }

    /// The middle of the token in a cell; of one between two cells, if `at` is no whole number. It stands at the left of
    /// a cell that is wider than high.
    pub(super) fn at(&self, at: f32) -> Pos2 {
        let cell = |number: usize| {
            let number = number.min(self.room().saturating_sub(1));
            let (column, row) = (number % self.columns, number / self.columns);
            let corner = vec2(column as f32 * self.cell.x, row as f32 * self.cell.y);
            self.rect.min + corner + Vec2::splat(0.5 * self.cell.y)
        };
        cell(at as usize).lerp(cell(at.ceil() as usize), at.fract())
    }
}

/// A room in which tasks wait.
#[derive(Clone, Debug)]
pub(super) struct RoomBox {
    /// `None` for all rooms that have none of their own.
    pub(super) room: Option<Room>,
    pub(super) rect: Rect,
    pub(super) cells: Grid,
    /// Whether each token has room for its name beside it.
    pub(super) is_named: bool,
}

/// Shares the height among the rooms: each is as high as its tasks need at once, if that fits. Rooms for which no
/// height is left share the last. Also says whether each has the room that it needs.
pub(super) fn place_rooms(
    rect: Rect,
    rooms: &[(Room, usize)],
    sizes: Sizes,
) -> (Vec<RoomBox>, bool) {
    let Sizes { unit, gap, .. } = sizes;
    let cell = sizes.step();
    let least = (HEAD + 8.0) * unit + cell;
    let fits = ((rect.height() + gap) / (least + gap)).floor().max(1.0) as usize;
    let columns = |cell: f32| ((rect.width() - 20.0 * unit) / cell).floor().max(1.0) as usize;
    let mut needed: Vec<(Option<Room>, usize)> =
        rooms.iter().map(|&(room, most)| (Some(room), most)).collect();
    let all_told_apart = needed.len() <= fits;
    if !all_told_apart {
        let others = needed.drain(fits - 1..).map(|(_, most)| most).max();
        needed.push((None, others.unwrap_or(1)));
    }
    let count = needed.len() as f32;
    let all = rect.height() - gap * (count - 1.0);
    let mut spare = ((all - least * count) / cell).floor().max(0.0) as usize;
    let mut rows = vec![1; needed.len()];
    // Row by row, to those that need one more: first so that all tokens are seen, then their names as well.
    for columns in [columns(cell), columns(cell + NAME * unit)] {
        let lacks = |at: usize, rows: &[usize]| rows[at] * columns < needed[at].1;
        while spare > 0
            && let Some(at) =
                (0..rows.len()).filter(|&at| lacks(at, &rows)).min_by_key(|&at| rows[at])
        {
            rows[at] += 1;
            spare -= 1;
        }
    }
    let mut top = rect.top();
    let place = |(&(room, most), &rows): (&(Option<Room>, usize), &usize)| {
        let height = least + (rows - 1) as f32 * cell;
        let rect = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
        top += height + gap;
        let inside = rect.shrink2(vec2(10.0 * unit, 0.0)).with_min_y(rect.top() + HEAD * unit);
        let inside = inside.with_max_y(rect.bottom() - 4.0 * unit);
        let is_named = most <= rows * columns(cell + NAME * unit);
        let width = if is_named { cell + NAME * unit } else { cell };
        RoomBox { room, rect, cells: Grid::new(inside, vec2(width, cell)), is_named }
    };
    let all_seen = needed.iter().zip(&rows).all(|(of, &rows)| of.1 <= rows * columns(cell));
    (needed.iter().zip(&rows).map(place).collect(), all_seen && all_told_apart)
}
