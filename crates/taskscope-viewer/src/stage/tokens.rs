//! Tokens as they are painted: discs, rings, counted heaps, and those that leave.

use std::collections::BTreeMap;

use egui::{Align2, Color32, FontId, Pos2, Rect, Stroke, pos2, vec2};
use taskscope_model::questions::{Leaver, Outcome, Spot, Token};
use taskscope_model::{TaskIx, TaskKind, Trace};

use super::actors::{Actor, Actors, Group};
use super::paint::Stagehand;
use super::rooms::NAME;
use super::words;
use crate::time;

impl Stagehand<'_> {
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
                self.plan.lane(lane).map_or(self.plan.radius(), |of| 0.76 * of.slot_radius)
            }
            _ => self.plan.radius(),
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
        self.paint_name(actor, token);
    }

    /// The name of a task beside its token, in a room that has the space.
    fn paint_name(&self, actor: &Actor, token: &Token) {
        let Spot::Room(room) = token.spot else { return };
        let of = self.plan.room(room).filter(|of| of.is_named && actor.way.is_none());
        let (Some(of), Some(name)) = (of, self.trace().task(token.task).name()) else { return };
        let at = actor.at + vec2(self.plan.radius() + 5.0 * self.plan.unit, 0.0);
        let room = (of.rect.right() - at.x).min((NAME - 4.0) * self.plan.unit);
        let colour = match self.cx.open.is_bright(token.task) {
            true => self.palette.text,
            false => self.palette.weak,
        };
        self.text(at, Align2::LEFT_CENTER, name, self.font(11.5), colour, room);
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
            let radius = self.plan.radius();
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
            Outcome::Returned => palette.text,
            Outcome::Panicked => palette.alarm,
            _ => palette.weak,
        };
        let radius = 0.8 * self.plan.radius();
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
}

/// What stands on a token: the number at the end of the task's name, else that if it is short, else its first letters, else
/// Tokio's number. More would be too small to read.
pub(super) fn token_text(trace: &Trace, task: TaskIx) -> String {
    let of = trace.task(task);
    let digits = |name: &str| {
        let start = name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        (start < name.len()).then(|| name[start..].to_owned())
    };
    match (of.name(), of.kind) {
        (Some(name), _) => digits(name).unwrap_or_else(|| match name.chars().nth(4) {
            None => name.to_owned(),
            Some(_) => name.chars().take(3).collect(),
        }),
        (None, TaskKind::BlockOn) => "main".to_owned(),
        (None, _) => of.id.to_string(),
    }
}
