//! Where things are on the stage: rooms on the left, queues and workers in the middle, figures on the right.
//!
//! All sizes are multiples of one unit, which follows from the room there is: on a projector the stage is the same
//! picture, larger. Nothing moves while time passes; that is why the rooms are those of the whole recording, and not those
//! that are occupied just now.

use egui::{Pos2, Rect, pos2, vec2};
use taskscope_model::questions::{Room, Spot};
use taskscope_model::{LaneIx, LaneKind, TaskKind, Trace};

/// At most so many threads that are no workers have a row of their own.
const MOST_THREADS: usize = 4;

/// Cells side by side, from the left, and below one another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    rect: Rect,
    cell: f32,
    columns: usize,
    rows: usize,
}

impl Grid {
    fn new(rect: Rect, cell: f32) -> Self {
        let fit = |room: f32| (room / cell).floor().max(1.0) as usize;
        Self { rect, cell, columns: fit(rect.width()), rows: fit(rect.height()) }
    }

    /// How many cells there are.
    pub(super) fn room(&self) -> usize {
        self.columns * self.rows
    }

    /// The middle of a cell; of one between two cells, if `at` is no whole number.
    pub(super) fn at(&self, at: f32) -> Pos2 {
        let cell = |number: usize| {
            let number = number.min(self.room().saturating_sub(1));
            let (column, row) = (number % self.columns, number / self.columns);
            self.rect.min + vec2(column as f32 + 0.5, row as f32 + 0.5) * self.cell
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
}

/// A worker, or another thread that polls tasks.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneBox {
    pub(super) lane: LaneIx,
    pub(super) rect: Rect,
    /// The capsule with the tasks that stand in line.
    pub(super) queue: Rect,
    /// The middle of its slot.
    pub(super) slot: Pos2,
    pub(super) slot_radius: f32,
}

/// The queue that all workers of a runtime share.
#[derive(Clone, Copy, Debug)]
pub(super) struct InjectionBox {
    pub(super) runtime: u32,
    pub(super) rect: Rect,
    pub(super) queue: Rect,
}

/// The threads of the blocking pool.
#[derive(Clone, Debug)]
pub(super) struct PoolBox {
    pub(super) rect: Rect,
    pub(super) queue: Rect,
    /// Where closures run.
    pub(super) running: Grid,
}

/// What a trace has to have a place for.
#[derive(Clone, Debug, Default)]
pub(super) struct Cast {
    /// The rooms, those with the most tasks first, and how many are in each at once.
    pub(super) rooms: Vec<(Room, usize)>,
    /// Threads that are no workers and poll tasks: those that run a `block_on` or a `LocalSet`.
    pub(super) threads: Vec<LaneIx>,
    /// The threads of the blocking pool that ran anything.
    pub(super) pool: Vec<LaneIx>,
}

impl Cast {
    /// Sorts the lanes that are no workers': by what they polled first.
    pub(super) fn lanes(trace: &Trace) -> Self {
        let mut cast = Self::default();
        let order = trace.lane_order().iter().copied();
        for lane in order.filter(|&lane| matches!(trace.lane(lane).kind, LaneKind::Thread(_))) {
            let Some((_, poll)) = trace.lane_polls(lane).next() else { continue };
            match trace.task(poll.task).kind {
                TaskKind::Blocking => cast.pool.push(lane),
                _ if cast.threads.len() < MOST_THREADS => cast.threads.push(lane),
                _ => {}
            }
        }
        cast
    }
}

/// Where everything is.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// One unit, in points.
    pub(super) unit: f32,
    pub(super) rooms: Vec<RoomBox>,
    pub(super) injections: Vec<InjectionBox>,
    pub(super) lanes: Vec<LaneBox>,
    pub(super) pool: Option<PoolBox>,
    /// Where the workers and the queues are.
    pub(super) middle: Rect,
    /// Where the figures are, if there is room for them.
    pub(super) side: Option<Rect>,
    /// Where the sentence is that says what happens.
    pub(super) caption: Rect,
    /// The radius of a token that stands in line or in a room.
    pub(super) radius: f32,
}

impl Plan {
    pub(super) fn new(rect: Rect, trace: &Trace, cast: &Cast) -> Self {
        let unit = (rect.width() / 1000.0).min(rect.height() / 470.0).clamp(0.75, 2.4);
        let gap = 8.0 * unit;
        let rect = rect.shrink2(vec2(12.0 * unit, 8.0 * unit));
        let radius = 10.0 * unit;
        let side_width = 196.0 * unit;
        let has_side = rect.width() > 760.0 * unit;
        let (main, side) = match has_side {
            true => {
                let (main, side) = rect.split_left_right_at_x(rect.right() - side_width);
                (main.with_max_x(main.right() - 2.0 * gap), Some(side))
            }
            false => (rect, None),
        };
        let (main, caption) = main.split_top_bottom_at_y(main.bottom() - 30.0 * unit);
        let waits = !cast.rooms.is_empty();
        let left = if waits { (0.3 * main.width()).min(330.0 * unit) } else { 0.0 };
        let (rooms, middle) = main.split_left_right_at_x(main.left() + left);
        let middle = if waits { middle.with_min_x(middle.left() + 2.0 * gap) } else { middle };
        let rooms = place_rooms(rooms, &cast.rooms, unit, gap, radius);
        let mut plan = Self {
            unit,
            rooms,
            injections: Vec::new(),
            lanes: Vec::new(),
            pool: None,
            middle,
            side,
            caption,
            radius,
        };
        plan.place_middle(middle, trace, cast, gap);
        plan
    }

    fn place_middle(&mut self, middle: Rect, trace: &Trace, cast: &Cast, gap: f32) {
        let (unit, radius) = (self.unit, self.radius);
        let strip = 40.0 * unit;
        let strips = trace.runtimes().len() as f32;
        let workers: usize = trace.runtimes().iter().map(|runtime| runtime.workers.len()).sum();
        let rows = workers + cast.threads.len();
        let pool = if cast.pool.is_empty() { 0.0 } else { 54.0 * unit + gap };
        let left = middle.height() - strips * (strip + gap) - pool;
        let row = (left / rows.max(1) as f32 - gap).clamp(2.4 * radius, 92.0 * unit);
        let mut top = middle.top();
        let mut next = |height: f32| {
            let rect = Rect::from_min_size(pos2(middle.left(), top), vec2(middle.width(), height));
            top += height + gap;
            rect
        };
        let queue_left = 132.0 * unit;
        for (number, runtime) in (0..).zip(trace.runtimes()) {
            let rect = next(strip);
            let queue = capsule(rect, rect.left() + queue_left, rect.right() - 14.0 * unit, radius);
            self.injections.push(InjectionBox { runtime: number, rect, queue });
            for &lane in &runtime.workers {
                self.lanes.push(lane_box(lane, next(row), queue_left, unit, radius));
            }
        }
        for &lane in &cast.threads {
            self.lanes.push(lane_box(lane, next(row), queue_left, unit, radius));
        }
        if !cast.pool.is_empty() {
            let rect = next(54.0 * unit);
            let queue_right = rect.left() + queue_left + 6.0 * radius;
            let queue = capsule(rect, rect.left() + queue_left, queue_right, radius);
            let running = rect.with_min_x(queue_right + 16.0 * unit).shrink2(vec2(4.0, 6.0 * unit));
            let cell = (104.0 * unit).min(running.width() / 2.0).max(1.0);
            let cells = Grid {
                rect: running,
                cell,
                columns: (running.width() / cell).floor().max(1.0) as usize,
                rows: 1,
            };
            self.pool = Some(PoolBox { rect, queue, running: cells });
        }
    }

    pub(super) fn lane(&self, lane: LaneIx) -> Option<&LaneBox> {
        self.lanes.iter().find(|of| of.lane == lane)
    }

    /// The room for tasks that wait in one; that for all others, if it has none of its own.
    pub(super) fn room(&self, room: Room) -> Option<&RoomBox> {
        let own = self.rooms.iter().find(|of| of.room == Some(room));
        own.or_else(|| self.rooms.iter().find(|of| of.room.is_none()))
    }

    /// The injection queue of a runtime; the first, if it is not known which.
    pub(super) fn injection(&self, runtime: Option<u32>) -> Option<&InjectionBox> {
        let own = self.injections.iter().find(|of| Some(of.runtime) == runtime);
        own.or(self.injections.first())
    }

    /// Where a task stands that is at this place of a line, or this cell of a room. `None` where the stage
    /// has no such place.
    pub(super) fn at(&self, spot: Spot, place: f32) -> Option<Pos2> {
        let step = 2.0 * self.radius + 3.0 * self.unit;
        // The first in line stands at the right, next to the slot.
        let line = |queue: &Rect| {
            let most = (queue.width() / step - 1.0).max(0.0);
            queue.right_center() - vec2(self.radius + 3.0 * self.unit + place.min(most) * step, 0.0)
        };
        match spot {
            Spot::Slot(lane) => Some(self.lane(lane)?.slot),
            Spot::Below(lane) => {
                let of = self.lane(lane)?;
                let side = of.slot_radius + self.radius * (0.2 + place);
                Some(of.slot + vec2(side, of.slot_radius * 0.8))
            }
            Spot::Own(lane) => Some(line(&self.lane(lane)?.queue)),
            Spot::Deferred(lane) => {
                let queue = self.lane(lane)?.queue;
                let most = (queue.width() / step - 1.0).max(0.0);
                Some(
                    queue.left_center()
                        + vec2(self.radius + 3.0 * self.unit + place.min(most) * step, 0.0),
                )
            }
            Spot::Injection(runtime) => Some(line(&self.injection(runtime)?.queue)),
            Spot::Scheduled | Spot::Local => Some(line(&self.injections.first()?.queue)),
            Spot::Pool => Some(line(&self.pool.as_ref()?.queue)),
            Spot::Room(room) => Some(self.room(room)?.cells.at(place)),
            Spot::Unknown => Some(self.rooms.iter().find(|of| of.room.is_none())?.cells.at(place)),
            Spot::Outside => None,
        }
    }

    /// How many tasks have room at a place.
    pub(super) fn capacity(&self, spot: Spot) -> usize {
        let step = 2.0 * self.radius + 3.0 * self.unit;
        let line = |queue: &Rect| (queue.width() / step).floor() as usize;
        match spot {
            Spot::Slot(_) => 1,
            Spot::Below(_) => 2,
            Spot::Own(lane) => self.lane(lane).map_or(0, |of| line(&of.queue)),
            Spot::Deferred(lane) => self.lane(lane).map_or(0, |of| line(&of.queue) / 2),
            Spot::Injection(runtime) => self.injection(runtime).map_or(0, |of| line(&of.queue)),
            Spot::Scheduled | Spot::Local => {
                self.injections.first().map_or(0, |of| line(&of.queue))
            }
            Spot::Pool => self.pool.as_ref().map_or(0, |of| line(&of.queue)),
            Spot::Room(room) => self.room(room).map_or(0, |of| of.cells.room()),
            Spot::Unknown => {
                let others = self.rooms.iter().find(|of| of.room.is_none());
                others.map_or(0, |of| of.cells.room())
            }
            Spot::Outside => 0,
        }
    }
}

/// A long box with round ends, in the middle of a row.
fn capsule(row: Rect, left: f32, right: f32, radius: f32) -> Rect {
    let height = (2.0 * radius + 8.0).min(row.height() - 2.0);
    Rect::from_center_size(
        pos2((left + right) / 2.0, row.center().y),
        vec2((right - left).max(2.0 * radius), height),
    )
}

fn lane_box(lane: LaneIx, rect: Rect, queue_left: f32, unit: f32, radius: f32) -> LaneBox {
    let slot_radius = (0.4 * rect.height()).min(28.0 * unit);
    let slot = pos2(rect.right() - slot_radius - 16.0 * unit, rect.center().y);
    let right = slot.x - slot_radius - 14.0 * unit;
    let queue = capsule(rect, rect.left() + queue_left, right, radius);
    LaneBox { lane, rect, queue, slot, slot_radius }
}

/// Shares the height among the rooms: each is as high as its tasks need at once, if that fits. Rooms for which no
/// height is left share the last.
fn place_rooms(
    rect: Rect,
    rooms: &[(Room, usize)],
    unit: f32,
    gap: f32,
    radius: f32,
) -> Vec<RoomBox> {
    let head = 24.0 * unit;
    let cell = 2.0 * radius + 3.0 * unit;
    let least = head + cell + 8.0 * unit;
    let fits = ((rect.height() + gap) / (least + gap)).floor().max(1.0) as usize;
    let columns = ((rect.width() - 20.0 * unit) / cell).floor().max(1.0) as usize;
    let mut shown: Vec<(Option<Room>, usize)> =
        rooms.iter().map(|&(room, most)| (Some(room), most.div_ceil(columns))).collect();
    if shown.len() > fits {
        let others = shown.drain(fits - 1..).map(|(_, rows)| rows).max();
        shown.push((None, others.unwrap_or(1)));
    }
    let count = shown.len() as f32;
    let all = rect.height() - gap * (count - 1.0);
    let mut spare = ((all - least * count) / cell).floor().max(0.0) as usize;
    let mut rows = vec![1; shown.len()];
    // Row by row, to those that need one more.
    while spare > 0
        && let Some(at) =
            (0..rows.len()).filter(|&at| rows[at] < shown[at].1).min_by_key(|&at| rows[at])
    {
        rows[at] += 1;
        spare -= 1;
    }
    let mut top = rect.top();
    let place = |((room, _), rows): ((Option<Room>, usize), usize)| {
        let height = least + (rows - 1) as f32 * cell;
        let rect = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), height));
        top += height + gap;
        let inside = rect.shrink2(vec2(10.0 * unit, 0.0)).with_min_y(rect.top() + head);
        let cells = Grid::new(inside.with_max_y(rect.bottom() - 4.0 * unit), cell);
        RoomBox { room, rect, cells }
    };
    shown.into_iter().zip(rows).map(place).collect()
}
