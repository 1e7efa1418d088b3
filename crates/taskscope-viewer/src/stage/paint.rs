//! How things look on the stage. What is recorded is drawn solid; what is inferred is hollow and dashed.

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};
use taskscope_model::questions::{Scene, Spot, Token};
use taskscope_model::{LaneIx, TaskIx, Trace};

use super::actors::{Actor, Actors, is_inferred, on_way};
use super::plan::Plan;
use super::words;
use crate::context::Context;
use crate::cut_text::cut_text;
use crate::theme::Palette;
use crate::time;

/// What painting needs to know.
pub(super) struct Stagehand<'a> {
    pub(super) painter: &'a Painter,
    pub(super) cx: &'a Context<'a>,
    pub(super) palette: &'static Palette,
    pub(super) plan: &'a Plan,
    pub(super) scene: &'a Scene,
}

impl Stagehand<'_> {
    pub(super) fn trace(&self) -> &Trace {
        self.cx.trace()
    }

    pub(super) fn font(&self, size: f32) -> FontId {
        FontId::proportional(size * self.plan.unit)
    }

    /// A text that ends in an ellipsis where it has no more room.
    pub(super) fn text(
        &self,
        at: Pos2,
        anchor: Align2,
        text: &str,
        font: FontId,
        colour: Color32,
        room: f32,
    ) -> Rect {
        cut_text(self.painter, at, anchor, text, font, colour, room)
    }

    /// The colour of a task, pushed back if another one is selected.
    pub(super) fn colour(&self, task: TaskIx) -> Color32 {
        let colour = self.cx.open.colour(self.palette, task);
        if self.cx.open.is_bright(task) { colour } else { self.palette.dimmed(colour) }
    }

    /// Rooms, queues, slots: all that stands still.
    pub(super) fn paint_boxes(&self, actors: &Actors) {
        let (plan, palette, unit) = (self.plan, self.palette, self.plan.unit);
        let ground = |rect: Rect| {
            self.painter.rect_filled(rect, 6.0 * unit, palette.panel);
        };
        let (title, weak) = (self.font(13.5), self.font(11.5));
        for of in &plan.rooms {
            ground(of.rect);
            let (name, _) = words::room(self.trace(), of.room);
            let inferred = of.room.is_some_and(is_inferred);
            let at = of.rect.min + vec2(10.0, 6.0) * unit;
            let spot = of.room.map_or(Spot::Unknown, Spot::Room);
            let count = actors.groups.iter().find(|group| group.spot == spot);
            let count = count.map_or(0, |group| group.members.len());
            let figure = if count == 0 { String::new() } else { time::count(count as u64) };
            let right = pos2(of.rect.right() - 10.0 * unit, at.y);
            let figure = self.text(
                right,
                Align2::RIGHT_TOP,
                &figure,
                title.clone(),
                palette.weak,
                80.0 * unit,
            );
            let room = figure.left() - at.x - 6.0 * unit;
            let name = self.text(at, Align2::LEFT_TOP, &name, title.clone(), palette.text, room);
            if inferred {
                let at = name.right_center() + vec2(7.0 * unit, 0.0);
                let room = figure.left() - at.x - 6.0 * unit;
                self.text(at, Align2::LEFT_CENTER, "inferred", weak.clone(), palette.weak, room);
            }
        }
        for of in &plan.injections {
            ground(of.rect);
            let at = of.rect.left_center() + vec2(12.0 * unit, 0.0);
            let name = match self.trace().runtimes().len() {
                1 => "injection queue".to_owned(),
                _ => {
                    let runtime = &self.trace().runtimes()[of.runtime as usize];
                    let id = runtime.id.to_string();
                    format!("queue of {}", runtime.name.as_deref().unwrap_or(&id))
                }
            };
            let room = of.queue.left() - at.x - 6.0 * unit;
            self.text(at, Align2::LEFT_CENTER, &name, self.font(12.5), palette.text, room);
            self.dashed(of.queue);
        }
        self.paint_column_names();
        for of in &plan.lanes {
            ground(of.rect);
            // A high row has larger letters.
            let larger = (of.rect.height() / (76.0 * unit)).clamp(1.0, 1.25);
            let (title, weak) = (self.font(13.5 * larger), self.font(11.5 * larger.min(1.08)));
            let pitch = 16.0 * larger * unit;
            let at = of.rect.left_center() + vec2(12.0 * unit, 0.0);
            let room = of.aside.left() - at.x - 6.0 * unit;
            let name = self.trace().lane_name(of.lane);
            let (doing, since) = self.doing(of.lane);
            let is_busy = since.is_some();
            // As many lines as there is height for, around the middle of the row.
            let lines = ((of.rect.height() - 20.0 * unit) / pitch).clamp(1.0, 3.0) as usize;
            let (doing, since) = match (lines, since) {
                (3, Some(since)) => (doing, Some(format!("for {since}"))),
                (_, Some(since)) => (format!("{doing}, {since}"), None),
                (_, None) => (doing, None),
            };
            let said = [Some(doing), since].into_iter().flatten().take(lines - 1);
            let said: Vec<String> = said.collect();
            let top = at - vec2(0.0, 0.5 * said.len() as f32 * pitch);
            self.text(top, Align2::LEFT_CENTER, &name, title.clone(), palette.text, room);
            for (line, text) in (1..).zip(&said) {
                let at = top + vec2(0.0, line as f32 * pitch);
                self.text(at, Align2::LEFT_CENTER, text, weak.clone(), palette.weak, room);
            }
            if of.has_queue {
                self.dashed(of.queue);
            }
            let ring = if is_busy { palette.accent } else { palette.line };
            self.painter.circle(
                of.slot,
                of.slot_radius,
                palette.background,
                Stroke::new(2.0 * unit, ring),
            );
        }
        if let Some(of) = &plan.pool {
            ground(of.rect);
            let at = of.rect.left_center() + vec2(12.0 * unit, 0.0);
            let room = of.queue.left() - at.x - 6.0 * unit;
            self.text(at, Align2::LEFT_BOTTOM, "blocking pool", title, palette.text, room);
            let running = self.scene.tokens.iter().filter(|token| self.in_pool(token)).count();
            let busy = format!("{} busy", time::plural(running as u64, "thread"));
            self.text(
                at + vec2(0.0, 3.0 * unit),
                Align2::LEFT_TOP,
                &busy,
                weak,
                palette.weak,
                room,
            );
            self.painter.rect_stroke(
                of.queue,
                of.queue.height() / 2.0,
                Stroke::new(1.0, palette.line),
                StrokeKind::Inside,
            );
        }
    }

    /// What the parts of a worker's row are, above the first worker of each runtime.
    fn paint_column_names(&self) {
        for runtime in self.trace().runtimes() {
            let Some(of) = runtime.workers.first().and_then(|&lane| self.plan.lane(lane)) else {
                continue;
            };
            let name = |x: f32, anchor: Align2, text: &str, room: f32| {
                let at = pos2(x, of.rect.top() - 3.0 * self.plan.unit);
                self.text(at, anchor, text, self.font(11.5), self.palette.weak, room);
            };
            let inset = of.queue.height() * 0.3;
            name(of.aside.left() + inset, Align2::LEFT_BOTTOM, "set aside", of.aside.width());
            let right = of.queue.right() - inset;
            name(right, Align2::RIGHT_BOTTOM, "queue, inferred", of.queue.width());
            name(of.slot.x, Align2::CENTER_BOTTOM, "polled now", 4.0 * of.slot_radius);
        }
    }

    /// What a lane does at the playhead, and for how long, if it polls a task.
    fn doing(&self, lane: LaneIx) -> (String, Option<String>) {
        let trace = self.trace();
        let moment = self.cx.replay.moment();
        if let Some(poll) = self.cx.running(lane) {
            let of = trace.poll(poll);
            let since = time::duration(moment.saturating_sub(of.start) as f64);
            return (format!("polls {}", trace.task_name(of.task)), Some(since));
        }
        match trace.is_parked(lane, moment) {
            true => ("parked".to_owned(), None),
            false => ("polls nothing".to_owned(), None),
        }
    }

    /// Whether a token runs on a thread of the blocking pool.
    pub(super) fn in_pool(&self, token: &Token) -> bool {
        matches!(token.spot, Spot::Slot(lane) | Spot::Below(lane) if self.plan.lane(lane).is_none())
    }

    /// A capsule of which it is inferred what is in it.
    fn dashed(&self, rect: Rect) {
        let radius = rect.height() / 2.0;
        let (left, right) = (rect.left() + radius, rect.right() - radius);
        let arc = |centre: Pos2, from: f32| {
            (0..=12).map(move |step| {
                let angle = from + std::f32::consts::PI * step as f32 / 12.0;
                centre + radius * vec2(angle.cos(), angle.sin())
            })
        };
        let quarter = std::f32::consts::FRAC_PI_2;
        let outline: Vec<Pos2> = arc(pos2(right, rect.center().y), -quarter)
            .chain(arc(pos2(left, rect.center().y), quarter))
            .chain([pos2(right, rect.top())])
            .collect();
        let (dash, gap) = (4.0 * self.plan.unit, 4.0 * self.plan.unit);
        let stroke = Stroke::new(1.0, self.palette.weak.gamma_multiply(0.55));
        self.painter.extend(Shape::dashed_line(&outline, stroke, dash, gap));
    }

    /// Where a lesson speaks of one lane, that is outlined and the others step back.
    pub(super) fn paint_spotlight(&self) {
        let Some(lit) = self.cx.open.lit else { return };
        let veil = self.palette.background.gamma_multiply(0.55);
        for of in &self.plan.lanes {
            match of.lane == lit {
                true => {
                    let stroke = Stroke::new(2.0 * self.plan.unit, self.palette.accent);
                    let corner = 6.0 * self.plan.unit;
                    self.painter.rect_stroke(of.rect, corner, stroke, StrokeKind::Inside);
                }
                false => {
                    self.painter.rect_filled(of.rect, 0.0, veil);
                }
            }
        }
    }

    /// The way of a token that flies to a slot: where it comes from dotted, with a trail.
    pub(super) fn paint_way(&self, actor: &Actor, alarm: bool) {
        let Some((from, to)) = actor.way else { return };
        let unit = self.plan.unit;
        let colour = match alarm {
            true => self.palette.alarm,
            false => self.palette.weak,
        };
        for step in 0..=36 {
            let at = on_way(from, to, step as f32 / 36.0, unit);
            self.painter.circle_filled(at, 1.3 * unit, colour.gamma_multiply(0.8));
        }
        let token = self.scene.tokens[actor.token].task;
        let trail = self.colour(token);
        for step in 1..=6 {
            let at = actor.at.lerp(from, step as f32 * 0.07);
            let radius = self.plan.radius() * (0.8 - 0.11 * step as f32);
            self.painter.circle_filled(
                at,
                radius.max(1.0),
                trail.gamma_multiply(0.32 - 0.045 * step as f32),
            );
        }
    }

    /// A line from whoever woke a task, or spawned it, to that.
    pub(super) fn paint_call(&self, from: Pos2, to: Pos2) {
        let colour = self.palette.accent;
        let points: Vec<Pos2> =
            (0..=32).map(|step| on_way(from, to, step as f32 / 32.0, self.plan.unit)).collect();
        let (dash, gap) = (6.0 * self.plan.unit, 4.0 * self.plan.unit);
        let stroke = Stroke::new(1.6 * self.plan.unit, colour);
        self.painter.extend(Shape::dashed_line(&points, stroke, dash, gap));
    }

    /// A few words beside a thing that moves.
    pub(super) fn paint_label(&self, near: Pos2, text: &str, alarm: bool, down: bool) {
        let unit = self.plan.unit;
        let colour = if alarm { self.palette.alarm } else { self.palette.accent };
        let galley =
            self.painter.layout_no_wrap(text.to_owned(), self.font(13.0), self.palette.text);
        let size = galley.size() + vec2(16.0, 8.0) * unit;
        // What flies bows to the left: at its right there is room, up to the figures. Else it stands to the
        // left, on the side that it flies to: behind it is its trail.
        let beside = self.plan.radius() + 10.0 * unit;
        let mut chip = Rect::from_min_size(near + vec2(beside, -0.5 * size.y), size);
        if chip.right() > self.plan.middle.right() {
            let ahead = 0.9 * self.plan.radius() + 0.5 * size.y;
            let y = if down { ahead } else { -ahead };
            chip = Rect::from_min_size(near + vec2(-beside - size.x, y - 0.5 * size.y), size);
        }
        self.painter.rect(
            chip,
            5.0 * unit,
            self.palette.panel,
            Stroke::new(1.4 * unit, colour),
            StrokeKind::Inside,
        );
        self.painter.galley(chip.min + vec2(8.0, 4.0) * unit, galley, self.palette.text);
    }

    /// What happens, in a sentence at the bottom.
    pub(super) fn paint_caption(&self, text: &str) {
        let caption = self.plan.caption;
        self.text(
            caption.left_center(),
            Align2::LEFT_CENTER,
            text,
            self.font(16.0),
            self.palette.text,
            caption.width(),
        );
    }
}
