//! Time in cells, and how long how many tasks were in which state in each.
//!
//! A step (one task more or less in a state, at a time) changes the number of tasks in all later cells,
//! and the time in its own cell by what is left of that. So a step is two additions, and the sums
//! over all cells are made once, at the end: [`Cells::finish`].

use std::ops::Range;

use taskscope_format::Nanos;

use crate::State;

/// How many states there are.
pub(crate) const STATES: usize = State::ALL.len();

/// How time is cut into cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Grid {
    /// Where cells begin, and the last ends.
    edges: Vec<Nanos>,
    /// Cells a nanosecond.
    scale: f64,
}

impl Grid {
    /// So many cells over a stretch of time, as even as nanoseconds allow; one at least.
    pub(crate) fn new(times: Range<Nanos>, count: usize) -> Self {
        let length = times.end.saturating_sub(times.start);
        let count = count.max(1);
        let offset = |cell: usize| u128::from(length) * cell as u128 / count as u128;
        let edges = (0..=count).map(|cell| times.start + offset(cell) as Nanos).collect();
        Self { edges, scale: count as f64 / length.max(1) as f64 }
    }

    pub(crate) fn len(&self) -> usize {
        self.edges.len() - 1
    }

    /// Where a cell begins, and the one before ends.
    #[inline]
    pub(crate) fn edge(&self, cell: usize) -> Nanos {
        self.edges[cell]
    }

    /// The cell in which a time lies; the first or last for those outside.
    #[inline]
    pub(crate) fn cell(&self, time: Nanos) -> usize {
        let last = self.edges.len() - 2;
        let offset = time.saturating_sub(self.edges[0]);
        let mut cell = ((offset as f64 * self.scale) as usize).min(last);
        while self.edges[cell] > time && cell > 0 {
            cell -= 1;
        }
        while cell < last && self.edges[cell + 1] <= time {
            cell += 1;
        }
        cell
    }

    /// Memory, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.edges.capacity() * size_of::<Nanos>()
    }
}

/// A cell: for each state, time less what stood there when it began, and by how much the number
/// changed. (In nanoseconds, times tasks.)
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cell {
    pub(crate) time: [i64; STATES],
    pub(crate) change: [i32; STATES],
}

impl Cell {
    #[inline]
    pub(crate) fn step(&mut self, state: State, by: i32, left: Nanos) {
        let state = state as usize;
        self.time[state] = self.time[state].wrapping_add(i64::from(by).wrapping_mul(left as i64));
        self.change[state] = self.change[state].wrapping_add(by);
    }

    pub(crate) fn add(&mut self, other: &Self) {
        for state in 0..STATES {
            self.time[state] = self.time[state].wrapping_add(other.time[state]);
            self.change[state] = self.change[state].wrapping_add(other.change[state]);
        }
    }
}

/// Goes over cells from the first on and gives each one's number of tasks in each state when it begins, and
/// the time that tasks were in each state in it.
pub(crate) fn sums<'a>(
    cells: impl Iterator<Item = &'a Cell> + 'a,
    grid: &'a Grid,
    mut tasks: [i64; STATES],
) -> impl Iterator<Item = ([i64; STATES], [u64; STATES])> + 'a {
    cells.enumerate().map(move |(at, cell)| {
        let width = grid.edge(at + 1) - grid.edge(at);
        let before = tasks;
        let times = std::array::from_fn(|state| {
            let stood = before[state].wrapping_mul(width as i64);
            tasks[state] += i64::from(cell.change[state]);
            stood.wrapping_add(cell.time[state]).max(0) as u64
        });
        (before, times)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_the_cell_between_whose_edges_it_is() {
        for (start, length, count) in
            [(0, 10, 3), (5, 1000, 7), (7, 3, 10), (1 << 60, 1 << 62, 1 << 17), (3, 0, 4)]
        {
            let grid = Grid::new(start..start + length, count);
            let times =
                (0..200).map(|n| start + length / 200 * n + n % 3).filter(|t| *t < start + length);
            for time in times {
                let cell = grid.cell(time);
                assert!(
                    grid.edge(cell) <= time && time < grid.edge(cell + 1),
                    "{time} in {grid:?}"
                );
            }
            assert_eq!(grid.edge(count), start + length);
        }
    }

    #[test]
    fn time_in_a_state_is_shared_out_among_the_cells() {
        let grid = Grid::new(100..400, 3);
        let mut cells = vec![Cell::default(); 3];
        for (time, by) in [(150, 1), (150, 1), (350, -1), (320, 1)] {
            let cell = grid.cell(time);
            cells[cell].step(State::Waiting, by, grid.edge(cell + 1) - time);
        }
        let waiting = State::Waiting as usize;
        let all: Vec<_> = sums(cells.iter(), &grid, [0; STATES])
            .map(|(tasks, times)| (tasks[waiting], times[waiting]))
            .collect();
        assert_eq!(all, [(0, 100), (2, 200), (2, 230)]);
    }
}
