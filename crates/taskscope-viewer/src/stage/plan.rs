//! Where things are on the stage: rooms on the left, queues and workers in the middle, figures on the right.
//!
//! All sizes are multiples of one unit, which follows from the room there is: on a projector the stage is the same
//! picture, larger. Nothing moves while time passes; that is why the rooms are those of the whole recording, and not those
//! that are occupied just now.

use egui::{Pos2, Rect, Vec2, pos2, vec2};
use taskscope_model::questions::{Room, Spot};
use taskscope_model::{LaneIx, LaneKind, TaskKind, Trace};

use super::rooms::{Grid, RoomBox, Sizes, place_rooms};

/// At most so many threads that are no workers have a row of their own.
const MOST_THREADS: usize = 4;
/// Whether a thread has a queue of its own is looked up in so many of its first polls.
const FIRST_POLLS: usize = 1_000;
/// Where all tokens have room enough, they are so many times as large; the first that fits.
const LARGER: [f32; 4] = [1.7, 1.4, 1.2, 1.0];
/// So many tokens, or all that there are, shall have room in a queue before any token is larger.
const IN_LINE: usize = 7;
/// Height of the words above the columns of the workers, in units.
const COLUMN_NAMES: f32 = 16.0;

/// A worker, or another thread that polls tasks.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaneBox {
    pub(super) lane: LaneIx,
    pub(super) rect: Rect,
    /// Where tasks are that have yielded and that the worker has set aside: in no queue. The future of a `block_on` waits
    /// here too.
    pub(super) aside: Rect,
    /// The capsule with the tasks that stand in line.
    pub(super) queue: Rect,
    /// Whether anything can stand in line here: not at a thread that only runs a `block_on`.
    pub(super) has_queue: bool,
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
    /// Threads that are no workers and poll tasks: those that run a `block_on` or a `LocalSet`, and whether it is that.
    pub(super) threads: Vec<(LaneIx, bool)>,
    /// The threads of the blocking pool that ran anything.
    pub(super) pool: Vec<LaneIx>,
}

impl Cast {
    /// Sorts the lanes that are no workers': by what they polled first.
    pub(super) fn lanes(trace: &Trace) -> Self {
        let mut cast = Self::default();
        let order = trace.lane_order().iter().copied();
        for lane in order.filter(|&lane| matches!(trace.lane(lane).kind, LaneKind::Thread(_))) {
            if trace.lane(lane).poll_count() == 0 {
                continue;
            }
            match trace.is_pool(lane) {
                true => cast.pool.push(lane),
                false if cast.threads.len() < MOST_THREADS => {
                    let mut polls = trace.lane_polls(lane).take(FIRST_POLLS);
                    let is_local = |task| trace.task(task).kind == TaskKind::Local;
                    cast.threads.push((lane, polls.any(|(_, poll)| is_local(poll.task))));
                }
                false => {}
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
    sizes: Sizes,
}

impl Plan {
    pub(super) fn new(rect: Rect, trace: &Trace, cast: &Cast) -> Self {
        let unit = (rect.width() / 1000.0).min(rect.height() / 470.0).clamp(0.75, 2.4);
        let with = |larger: f32| {
            let sizes = Sizes { unit, gap: 8.0 * unit, radius: 10.0 * larger * unit };
            Self::sized(rect, trace, cast, sizes)
        };
        // The last has what room there is.
        let mut plans = LARGER.iter().map(|&larger| with(larger));
        plans.find(|(_, fits)| *fits).map_or_else(|| with(1.0).0, |(plan, _)| plan)
    }

    /// With tokens of this size, and whether all have room.
    fn sized(rect: Rect, trace: &Trace, cast: &Cast, sizes: Sizes) -> (Self, bool) {
        let Sizes { unit, gap, .. } = sizes;
        let rect = rect.shrink2(vec2(12.0 * unit, 8.0 * unit));
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
        let (rooms, rooms_fit) = place_rooms(rooms, &cast.rooms, sizes);
        let mut plan = Self {
            unit,
            rooms,
            injections: Vec::new(),
            lanes: Vec::new(),
            pool: None,
            middle,
            side,
            caption,
            sizes,
        };
        let rows_fit = plan.place_middle(middle, trace, cast);
        let wanted = IN_LINE.min(trace.task_count());
        let mut queues = plan.lanes.iter().filter(|of| of.has_queue).map(|of| of.queue);
        let queues_fit = queues.all(|queue| plan.line_room(&queue) >= wanted);
        (plan, rooms_fit && rows_fit && queues_fit)
    }

    /// Puts the queues, the workers and the other threads below one another; says whether there was height enough.
    fn place_middle(&mut self, middle: Rect, trace: &Trace, cast: &Cast) -> bool {
        let Sizes { unit, gap, radius } = self.sizes;
        let strip = (2.0 * radius + 14.0 * unit).max(34.0 * unit);
        let names = COLUMN_NAMES * unit;
        let strips = trace.runtimes().len() as f32;
        let workers: usize = trace.runtimes().iter().map(|runtime| runtime.workers.len()).sum();
        let rows = workers + cast.threads.len();
        let pool = if cast.pool.is_empty() { 0.0 } else { 54.0 * unit + gap };
        let left = middle.height() - strips * (strip + gap + names) - pool;
        let row = left / rows.max(1) as f32 - gap;
        let least = 2.0 * radius + 8.0 * unit;
        let fits = row >= least.max(4.0 * radius - 2.0 * unit);
        let row = row.clamp(2.4 * radius, (6.4 * radius).max(130.0 * unit));
        let mut top = middle.top();
        let mut next = |height: f32, gap: f32| {
            let rect = Rect::from_min_size(pos2(middle.left(), top), vec2(middle.width(), height));
            top += height + gap;
            rect
        };
        let queue_left = 132.0 * unit;
        for (number, runtime) in (0..).zip(trace.runtimes()) {
            let rect = next(strip, gap);
            let queue = capsule(rect, rect.left() + queue_left, rect.right() - 14.0 * unit, radius);
            self.injections.push(InjectionBox { runtime: number, rect, queue });
            next(names, 0.0);
            for &lane in &runtime.workers {
                self.lanes.push(lane_box(lane, next(row, gap), self.sizes, true));
            }
        }
        for &(lane, is_local) in &cast.threads {
            self.lanes.push(lane_box(lane, next(row, gap), self.sizes, is_local));
        }
        if !cast.pool.is_empty() {
            let rect = next(54.0 * unit, gap);
            let queue_right = rect.left() + queue_left + 6.0 * radius;
            let queue = capsule(rect, rect.left() + queue_left, queue_right, radius);
            let running = rect.with_min_x(queue_right + 16.0 * unit).shrink2(vec2(4.0, 6.0 * unit));
            let cell = (104.0 * unit).min(running.width() / 2.0).max(1.0);
            let cells = Grid {
                rect: running,
                cell: Vec2::splat(cell),
                columns: (running.width() / cell).floor().max(1.0) as usize,
                rows: 1,
            };
            self.pool = Some(PoolBox { rect, queue, running: cells });
        }
        fits
    }

    /// The radius of a token that stands in line or in a room.
    pub(super) fn radius(&self) -> f32 {
        self.sizes.radius
    }

    /// How many tokens have room in a line.
    fn line_room(&self, line: &Rect) -> usize {
        ((line.width() - 4.0 * self.unit) / self.sizes.step()).floor().max(0.0) as usize
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
        let (step, edge) = (self.sizes.step(), self.sizes.radius + 3.0 * self.unit);
        let along = |line: &Rect| edge + place.min((line.width() / step - 1.0).max(0.0)) * step;
        // The first in line stands at the right, next to the slot.
        let line = |queue: &Rect| queue.right_center() - vec2(along(queue), 0.0);
        match spot {
            Spot::Slot(lane) => Some(self.lane(lane)?.slot),
            Spot::Below(lane) => {
                let of = self.lane(lane)?;
                let side = of.slot_radius + self.sizes.radius * (0.2 + place);
                Some(of.slot + vec2(side, of.slot_radius * 0.8))
            }
            Spot::Own(lane) => Some(line(&self.lane(lane)?.queue)),
            Spot::Deferred(lane) => {
                let aside = self.lane(lane)?.aside;
                Some(aside.left_center() + vec2(along(&aside), 0.0))
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
        let line = |queue: &Rect| self.line_room(queue);
        match spot {
            Spot::Slot(_) => 1,
            Spot::Below(_) => 2,
            Spot::Own(lane) => self.lane(lane).map_or(0, |of| line(&of.queue)),
            Spot::Deferred(lane) => self.lane(lane).map_or(0, |of| line(&of.aside)),
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

fn lane_box(lane: LaneIx, rect: Rect, sizes: Sizes, has_queue: bool) -> LaneBox {
    let Sizes { unit, radius, .. } = sizes;
    let slot_radius = (0.4 * rect.height()).min((2.2 * radius).max(36.0 * unit));
    let slot = pos2(rect.right() - slot_radius - 16.0 * unit, rect.center().y);
    let (left, right) = (rect.left() + 132.0 * unit, slot.x - slot_radius - 14.0 * unit);
    // A task that is set aside is there for a moment; what stands in line may be many.
    let split = left + 0.34 * (right - left);
    let end = if has_queue { split - 6.0 * unit } else { right };
    let aside = rect.with_min_x(left).with_max_x(end);
    let queue = capsule(rect, split, right, radius);
    LaneBox { lane, rect, aside, queue, has_queue, slot, slot_radius }
}
