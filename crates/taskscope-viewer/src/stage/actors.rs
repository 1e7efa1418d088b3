//! Where each token is drawn: at rest, or on its way.
//!
//! Tokens that share a place stand in an order: in line by the time since when they are scheduled, in a room by their
//! numbers. One that comes or goes makes room gradually: the place of a token is the sum of those before it, each as far as it
//! is there.

use std::collections::HashMap;

use egui::{Pos2, vec2};
use taskscope_model::TaskIx;
use taskscope_model::questions::{Room, Scene, Spot, Token};

use super::plan::Plan;
use crate::replay::Motion;

/// Above so many tokens in sight they gather in heaps.
pub(super) const MOST_TOKENS: usize = 500;

/// A token and where it is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor {
    /// Its position among the tokens of the scene.
    pub(super) token: usize,
    pub(super) at: Pos2,
    /// Where it comes from, and where it goes, if it is on its way.
    pub(super) way: Option<(Pos2, Pos2)>,
    /// Whether it flies to a slot.
    pub(super) leaves: bool,
    /// How much of it can be seen, from 0 to 1.
    pub(super) shown: f32,
}

/// Tokens that stand at one place.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) spot: Spot,
    /// Positions among the tokens of the scene, in their order.
    pub(super) members: Vec<usize>,
    /// How many places are taken by those before each.
    places: Vec<f32>,
    /// So many of them are drawn; the others are counted.
    pub(super) drawn: usize,
}

/// All tokens, as they are drawn.
#[derive(Debug, Default)]
pub(super) struct Actors {
    pub(super) actors: Vec<Actor>,
    pub(super) groups: Vec<Group>,
    /// Whether there are too many to be drawn one by one.
    pub(super) in_heaps: bool,
}

/// The place at which a token stands: of those that are shown.
pub(super) fn home(plan: &Plan, token: &Token, spot: Spot) -> Spot {
    match spot {
        // What its own thread will poll stands at that thread.
        Spot::Local => {
            let lanes = [token.to, token.from].into_iter().filter_map(|spot| match spot {
                Spot::Slot(lane) if plan.lane(lane).is_some() => Some(Spot::Own(lane)),
                _ => None,
            });
            { lanes }.next().unwrap_or(Spot::Injection(None))
        }
        Spot::Injection(runtime) => Spot::Injection(plan.injection(runtime).map(|of| of.runtime)),
        Spot::Scheduled => Spot::Injection(plan.injection(None).map(|of| of.runtime)),
        // A future that waits on its own thread, unknown for what, stays there.
        Spot::Unknown => match token.from {
            Spot::Slot(lane) if plan.lane(lane).is_some() => Spot::Deferred(lane),
            _ => Spot::Unknown,
        },
        Spot::Room(room) if plan.room(room).is_none_or(|of| of.room.is_none()) => Spot::Unknown,
        spot => spot,
    }
}

impl Actors {
    /// Places the tokens of a scene.
    pub(super) fn new(
        scene: &Scene,
        plan: &Plan,
        motion: &Motion,
        playhead: f64,
        selected: Option<TaskIx>,
    ) -> Self {
        let arrived = |token: &Token| match token.spot {
            // It is in a slot exactly while it is polled.
            Spot::Slot(_) | Spot::Below(_) => 1.0,
            _ => motion.arrived((token.span.start, token.span.end), playhead),
        };
        let left = |token: &Token| match token.to {
            Spot::Slot(_) if !matches!(token.spot, Spot::Slot(_)) => {
                motion.left((token.span.start, token.span.end), playhead)
            }
            _ => 0.0,
        };
        let groups = groups(scene, plan, |token| arrived(token).min(1.0 - left(token)));
        let in_heaps = scene.tokens.len() > MOST_TOKENS;
        let position: HashMap<Spot, usize> =
            groups.iter().enumerate().map(|(number, group)| (group.spot, number)).collect();
        let mut actors = Vec::new();
        for group in &groups {
            // The selected one is always seen: behind those that are drawn it takes the place of the last of them.
            let chosen = |&number: &usize| selected == Some(scene.tokens[number].task);
            let chosen = group.members.iter().position(chosen);
            let given_up = (chosen.is_some_and(|chosen| chosen >= group.drawn))
                .then(|| group.drawn.saturating_sub(1));
            for (rank, (&number, &place)) in group.members.iter().zip(&group.places).enumerate() {
                let token = &scene.tokens[number];
                let is_slot = matches!(group.spot, Spot::Slot(_));
                let is_selected = selected == Some(token.task);
                let is_hidden = in_heaps || rank >= group.drawn || given_up == Some(rank);
                if is_hidden && !is_slot && !is_selected {
                    continue;
                }
                let place = match given_up.filter(|_| is_selected) {
                    Some(given_up) => group.places.get(given_up).copied().unwrap_or(place),
                    None => place,
                };
                let Some(rest) = plan.at(group.spot, place) else { continue };
                let from = || {
                    let spot = home(plan, token, token.from);
                    let place = position
                        .get(&spot)
                        .map_or(0.0, |&at| groups[at].place_of(scene, token.task));
                    plan.at(spot, place)
                };
                let (arrived, left) = (arrived(token), left(token));
                let mut actor =
                    Actor { token: number, at: rest, way: None, leaves: false, shown: 1.0 };
                if left > 0.0
                    && let Some(to) = plan.at(home(plan, token, token.to), 0.0)
                {
                    actor.way = Some((rest, to));
                    actor.leaves = true;
                    actor.at = on_way(rest, to, left, plan.unit);
                } else if arrived < 1.0 {
                    match from() {
                        Some(from) => {
                            actor.way = Some((from, rest));
                            actor.at = on_way(from, rest, arrived, plan.unit);
                        }
                        None => actor.shown = arrived,
                    }
                }
                actors.push(actor);
            }
        }
        Self { actors, groups, in_heaps }
    }
}

impl Group {
    /// The place that a task has, or had, in the order of numbers.
    fn place_of(&self, scene: &Scene, task: TaskIx) -> f32 {
        match self.spot {
            Spot::Room(_) | Spot::Unknown => {
                let before = self.members.partition_point(|&of| scene.tokens[of].task < task);
                self.places.get(before).or(self.places.last()).copied().unwrap_or(0.0)
            }
            _ => 0.0,
        }
    }
}

/// Tokens by place, each with the room that it takes.
fn groups(scene: &Scene, plan: &Plan, weight: impl Fn(&Token) -> f32) -> Vec<Group> {
    let mut by_spot: HashMap<Spot, Vec<usize>> = HashMap::new();
    for (number, token) in scene.tokens.iter().enumerate() {
        by_spot.entry(home(plan, token, token.spot)).or_default().push(number);
    }
    let group = |(spot, mut members): (Spot, Vec<usize>)| {
        let start = |of: usize| (scene.tokens[of].span.start, scene.tokens[of].task);
        // Tokens come in the order of their numbers.
        if !matches!(spot, Spot::Room(_) | Spot::Unknown) {
            members.sort_by_key(|&of| start(of));
        }
        let mut taken = 0.0;
        let places = members.iter().map(|&of| {
            let place = taken;
            taken += weight(&scene.tokens[of]);
            place
        });
        let places = places.collect();
        let capacity = plan.capacity(spot);
        // The last cell says how many more there are.
        let drawn = if members.len() <= capacity { capacity } else { capacity.saturating_sub(1) };
        Group { spot, members, places, drawn }
    };
    let mut groups: Vec<Group> = by_spot.into_iter().map(group).collect();
    // The same order each time, whatever the hashes.
    groups.sort_unstable_by_key(|group| group.spot);
    groups
}

/// A point of the way between two places: a bow to the left, so that what flies from row to row does not
/// cross what stands in line between them.
pub(super) fn on_way(from: Pos2, to: Pos2, part: f32, unit: f32) -> Pos2 {
    let bow = (0.3 * (to.y - from.y).abs()).min(90.0 * unit);
    let side = vec2(-bow, 0.0);
    from.lerp(to, part) + side * (4.0 * part * (1.0 - part))
}

/// Whether a room is one for which nothing was recorded.
pub(super) fn is_inferred(room: Room) -> bool {
    matches!(room, Room::Io | Room::Joins)
}
