//! How things look on the stage. What is recorded is drawn solid; what is inferred is hollow and dashed.

use std::collections::BTreeMap;

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Shape, Stroke, StrokeKind, pos2, vec2};
use taskscope_model::questions::{Leaver, Scene, Spot, Token};
use taskscope_model::{LaneIx, TaskIx, TaskKind, Trace};

use super::actors::{Actor, Actors, Group, is_inferred, on_way};
use super::plan::Plan;
use super::words;
use crate::context::Context;
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
    fn trace(&self) -> &Trace {
        self.cx.trace()
    }

    fn font(&self, size: f32) -> FontId {
        FontId::proportional(size * self.plan.unit)
    }

    /// A text that ends in an ellipsis where it has no more room; its width.
    fn text(
        &self,
        at: Pos2,
        anchor: Align2,
        text: &str,
        font: FontId,
        colour: Color32,
        room: f32,
    ) -> Rect {
        let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, colour);
        job.wrap = egui::text::TextWrapping::truncate_at_width(room.max(0.0));
        let galley = self.painter.layout_job(job);
        let rect = anchor.anchor_size(at, galley.size());
        self.painter.galley(rect.min, galley, colour);
        rect
    }

    /// The colour of a task, pushed back if another one is selected.
    fn colour(&self, task: TaskIx) -> Color32 {
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
            let colour = if inferred { palette.weak } else { palette.text };
            self.text(at, Align2::LEFT_TOP, &name, title.clone(), colour, room);
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
        for of in &plan.lanes {
            ground(of.rect);
            let at = of.rect.left_center() + vec2(12.0 * unit, 0.0);
            let room = of.queue.left() - at.x - 6.0 * unit;
            let name = self.trace().lane_name(of.lane);
            let (doing, is_busy) = self.doing(of.lane);
            match of.rect.height() > 36.0 * unit {
                true => {
                    self.text(at, Align2::LEFT_BOTTOM, &name, title.clone(), palette.text, room);
                    let below = at + vec2(0.0, 3.0 * unit);
                    self.text(below, Align2::LEFT_TOP, &doing, weak.clone(), palette.weak, room);
                }
                false => {
                    self.text(at, Align2::LEFT_CENTER, &name, title.clone(), palette.text, room);
                }
            }
            self.dashed(of.queue);
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

    /// What a lane does at the playhead, and whether it polls a task.
    fn doing(&self, lane: LaneIx) -> (String, bool) {
        let trace = self.trace();
        let moment = self.cx.replay.moment();
        if let Some(poll) = self.cx.running(lane) {
            let since = moment.saturating_sub(trace.poll(poll).start);
            return (format!("polls for {}", time::duration(since as f64)), true);
        }
        match trace.is_parked(lane, moment) {
            true => ("parked".to_owned(), false),
            false => ("polls nothing".to_owned(), false),
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

    /// Tokens at rest and on their way, and how many there are no places for.
    pub(super) fn paint_tokens(&self, actors: &Actors) {
        for group in &actors.groups {
            match actors.in_heaps && !matches!(group.spot, Spot::Slot(_)) {
                true => self.paint_heaps(group),
                false => self.paint_more(group),
            }
        }
        let (flying, resting): (Vec<&Actor>, Vec<&Actor>) =
            actors.actors.iter().partition(|actor| actor.way.is_some());
        resting.iter().chain(&flying).for_each(|actor| self.paint_actor(actor));
        self.paint_pool();
        self.scene.leavers.iter().for_each(|leaver| self.paint_leaver(leaver));
    }

    fn paint_actor(&self, actor: &Actor) {
        let token = &self.scene.tokens[actor.token];
        let in_slot = matches!(token.spot, Spot::Slot(_));
        let radius = match (in_slot, token.spot) {
            (true, Spot::Slot(lane)) => {
                self.plan.lane(lane).map_or(self.plan.radius, |of| 0.76 * of.slot_radius)
            }
            _ => self.plan.radius,
        };
        // On its way to a slot it is a little larger: the eye shall find it.
        let radius = if actor.leaves { 1.15 * radius } else { radius };
        self.paint_token(
            actor.at,
            radius,
            token.task,
            !token.inferred || actor.leaves,
            actor.shown,
        );
    }

    /// A disc with the number of its task: filled, or a ring if it is inferred that it is there.
    fn paint_token(&self, at: Pos2, radius: f32, task: TaskIx, solid: bool, shown: f32) {
        let (palette, unit) = (self.palette, self.plan.unit);
        let colour = self.colour(task).gamma_multiply(shown);
        let is_selected = self.cx.open.selected == Some(task);
        match solid {
            true => {
                self.painter.circle_filled(at, radius, colour);
            }
            false => {
                let ring = Stroke::new(1.8 * unit, colour);
                self.painter.circle(at, radius - 0.9 * unit, palette.background, ring);
            }
        }
        if is_selected {
            self.painter.circle_stroke(
                at,
                radius + 1.5 * unit,
                Stroke::new(2.0 * unit, palette.outline),
            );
        }
        let text = token_text(self.trace(), task);
        // Longer numbers are set smaller, to stay within the disc.
        let size = radius * (1.15 - 0.155 * (text.chars().count().clamp(2, 6) as f32 - 2.0));
        let text_colour = if solid { palette.on(colour) } else { palette.text };
        let text_colour = match self.cx.open.is_bright(task) {
            true => text_colour,
            false => text_colour.gamma_multiply(0.6),
        };
        self.painter.text(
            at,
            Align2::CENTER_CENTER,
            text,
            FontId::proportional(size),
            text_colour.gamma_multiply(shown),
        );
    }

    /// How many tokens of a place are not drawn.
    fn paint_more(&self, group: &Group) {
        let more = group.members.len().saturating_sub(group.drawn);
        if more > 0
            && let Some(at) = self.plan.at(group.spot, group.drawn as f32)
        {
            let text = format!("+{}", time::count(more as u64));
            self.painter.text(at, Align2::CENTER_CENTER, text, self.font(10.5), self.palette.weak);
        }
    }

    /// The tokens of a place as counted heaps, one for each colour.
    fn paint_heaps(&self, group: &Group) {
        let mut heaps: BTreeMap<[u8; 4], (Color32, u64)> = BTreeMap::new();
        for &of in &group.members {
            let token = &self.scene.tokens[of];
            let place = self.trace().task(token.task).place;
            let colour = self.cx.open.place_colour(self.palette, place);
            heaps.entry(colour.to_array()).or_insert((colour, 0)).1 += 1;
        }
        let mut heaps: Vec<(Color32, u64)> = heaps.into_values().collect();
        heaps.sort_by_key(|&(colour, count)| (std::cmp::Reverse(count), colour.to_array()));
        let step = 3.2;
        let room = (self.plan.capacity(group.spot) as f32 / step).floor().max(1.0) as usize;
        let solid = !group.members.iter().any(|&of| self.scene.tokens[of].inferred);
        for (number, (colour, count)) in heaps.into_iter().take(room).enumerate() {
            let Some(at) = self.plan.at(group.spot, number as f32 * step) else { return };
            let radius = self.plan.radius;
            for behind in [5.0, 2.5, 0.0] {
                let at = at + vec2(behind, -behind) * 0.6 * self.plan.unit;
                let (fill, ring) = if solid {
                    (colour, self.palette.panel)
                } else {
                    (self.palette.background, colour)
                };
                self.painter.circle(
                    at,
                    radius - 1.0,
                    fill,
                    Stroke::new(1.4 * self.plan.unit, ring),
                );
            }
            let at = at + vec2(radius + 4.0 * self.plan.unit, 0.0);
            // In a queue the first stands at the right: its count as well.
            let text = time::count(count);
            self.painter.text(at, Align2::LEFT_CENTER, text, self.font(10.5), self.palette.text);
        }
    }

    /// What runs on the blocking pool: closures by their names.
    fn paint_pool(&self) {
        let Some(pool) = &self.plan.pool else { return };
        let running = self.scene.tokens.iter().filter(|token| self.in_pool(token));
        let running: Vec<&Token> = running.collect();
        let room = pool.running.room();
        let drawn = if running.len() <= room { room } else { room - 1 };
        for (number, token) in running.iter().take(drawn).enumerate() {
            let at = pool.running.at(number as f32);
            let size = vec2(96.0 * self.plan.unit, 26.0 * self.plan.unit);
            let chip = Rect::from_center_size(pos2(at.x, pool.rect.center().y), size);
            let colour = self.colour(token.task);
            self.painter.rect_filled(chip, 5.0 * self.plan.unit, colour);
            let name = self.trace().task_name(token.task);
            let text = self.palette.on(colour);
            self.text(
                chip.center(),
                Align2::CENTER_CENTER,
                &name,
                self.font(11.0),
                text,
                chip.width() - 8.0,
            );
        }
        if let more @ 1.. = running.len().saturating_sub(drawn) {
            let at = pos2(pool.running.at(drawn as f32).x, pool.rect.center().y);
            let text = format!("+{}", time::count(more as u64));
            self.painter.text(at, Align2::CENTER_CENTER, text, self.font(11.5), self.palette.weak);
        }
    }

    /// A task that has ended goes up and fades, with a word that says how.
    fn paint_leaver(&self, leaver: &Leaver) {
        let playhead = self.cx.replay.playhead();
        let shown = self.cx.replay.motion().remains(leaver.time, playhead);
        let Some(at) = self.plan.at(leaver.from, 0.0).filter(|_| shown > 0.0) else { return };
        let unit = self.plan.unit;
        // From above where it was: the slot may have the next task already.
        let above = match leaver.from {
            Spot::Slot(lane) => self.plan.lane(lane).map_or(0.0, |of| of.slot_radius),
            _ => 0.0,
        };
        let at = at + vec2(0.0, -above - 22.0 * unit * (1.0 - shown));
        let (word, palette) = (words::parting(leaver.outcome), self.palette);
        let colour = match leaver.outcome {
            taskscope_model::questions::Outcome::Returned => palette.text,
            taskscope_model::questions::Outcome::Panicked => palette.alarm,
            _ => palette.weak,
        };
        let radius = 0.8 * self.plan.radius;
        self.paint_token(at, radius, leaver.task, !leaver.inferred, shown);
        let beside = at + vec2(radius + 4.0 * unit, 0.0);
        let galley = self.painter.layout_no_wrap(
            word.to_owned(),
            self.font(12.5),
            colour.gamma_multiply(shown),
        );
        let room = Rect::from_min_size(beside - vec2(2.0, galley.size().y / 2.0), galley.size())
            .expand(3.0 * unit);
        self.painter.rect_filled(room, 4.0 * unit, palette.background.gamma_multiply(0.85 * shown));
        self.painter.galley(pos2(beside.x, beside.y - galley.size().y / 2.0), galley, colour);
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
            let radius = self.plan.radius * (0.8 - 0.11 * step as f32);
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
        let beside = self.plan.radius + 10.0 * unit;
        let mut chip = Rect::from_min_size(near + vec2(beside, -0.5 * size.y), size);
        if chip.right() > self.plan.middle.right() {
            let ahead = 0.9 * self.plan.radius + 0.5 * size.y;
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

/// What stands on a token: the number at the end of the task's name, else that if it is short, else its first letters, else
/// Tokio's number.
pub(super) fn token_text(trace: &Trace, task: TaskIx) -> String {
    let of = trace.task(task);
    let digits = |name: &str| {
        let start = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        (start < name.len()).then(|| name[start..].to_owned())
    };
    match (of.name(), of.kind) {
        (Some(name), _) => digits(name).unwrap_or_else(|| match name.chars().nth(6) {
            None => name.to_owned(),
            Some(_) => name.chars().take(4).collect(),
        }),
        (None, TaskKind::BlockOn) => "main".to_owned(),
        (None, _) => of.id.to_string(),
    }
}
