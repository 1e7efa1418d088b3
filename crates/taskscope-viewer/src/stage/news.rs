//! What happens at the playhead: which tokens move, the lines that belong to them, and the sentence that says it.

use egui::Pos2;
use taskscope_model::questions::{Scene, Spot, Token};
use taskscope_model::{Cause, Queue, State, Waker};

use super::actors::{Actor, Actors};
use super::paint::Stagehand;
use super::words::{self, Sentence};
use crate::context::Context;
use crate::replay::{Beat, Motion};

/// More things of one kind are too many to be followed.
const MOST: usize = 3;

/// What has just happened, or is about to: tokens by their positions in the scene.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Tokens that have just come to where they are.
    came: Vec<usize>,
    /// Tokens that fly to a slot.
    leave: Vec<usize>,
    /// How many tasks have just ended: the last leavers.
    ended: usize,
    /// Nothing is said of it.
    is_silent: bool,
}

/// What there is to be said at the playhead: at an even pace of the two events between which it is, at rest of
/// the one at which it stands.
pub(super) fn news(cx: &Context<'_>, scene: &Scene, motion: &Motion) -> News {
    let playhead = cx.replay.playhead();
    let is_at = |token: &Token, from: f64| token.span.start as f64 == from;
    let tokens = || scene.tokens.iter().enumerate();
    let leaving = |to: f64| {
        let goes = move |token: &Token| {
            token.span.end as f64 == to
                && matches!(token.to, Spot::Slot(_))
                && !matches!(token.spot, Spot::Slot(_))
        };
        tokens().filter(move |(_, token)| goes(token)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let came = |from: f64| {
        tokens().filter(|(_, token)| is_at(token, from)).map(|(at, _)| at).collect::<Vec<_>>()
    };
    let ended = |from: f64| scene.leavers.iter().filter(|of| of.time as f64 == from).count();
    match *motion {
        Motion::Proportion { .. } => {
            let on_way = |(_, token): &(usize, &Token)| {
                let span = (token.span.start, token.span.end);
                token.span.state == State::Scheduled && motion.arrived(span, playhead) < 1.0
            };
            let hops = |(_, token): &(usize, &Token)| {
                let span = (token.span.start, token.span.end);
                token.next.is_some_and(|next| cx.trace().is_hop(next))
                    && motion.left(span, playhead) > 0.0
            };
            let few = |found: Vec<usize>| if found.len() <= MOST { found } else { Vec::new() };
            News {
                came: few(tokens().filter(on_way).map(|(at, _)| at).take(MOST + 1).collect()),
                leave: few(tokens().filter(hops).map(|(at, _)| at).take(MOST + 1).collect()),
                ended: 0,
                // It would change faster than anybody reads.
                is_silent: true,
            }
        }
        Motion::Rest => {
            News { came: came(playhead.round()), ended: ended(playhead.round()), ..News::default() }
        }
        Motion::Event(Beat { from, to, .. }) => {
            News { came: came(from), leave: leaving(to), ended: ended(from), is_silent: false }
        }
        Motion::Hop(Beat { to, .. }) => {
            let hops = leaving(to)
                .into_iter()
                .filter(|&at| scene.tokens[at].next.is_some_and(|next| cx.trace().is_hop(next)));
            News { leave: hops.collect(), ..News::default() }
        }
    }
}

/// Paints what moves and the lines that belong to it; gives back what happens, in words.
pub(super) fn tell(hand: &Stagehand<'_>, actors: &Actors, news: &News) -> String {
    let trace = hand.cx.trace();
    let actor = |token: usize| actors.actors.iter().find(|actor| actor.token == token);
    let mut sentences: Vec<Sentence> = Vec::new();
    let mut labels: Vec<(&Actor, String, bool)> = Vec::new();
    for leaver in hand.scene.leavers.iter().rev().take(news.ended.min(MOST)) {
        sentences.push(words::left(trace, leaver));
    }
    for &token in news.came.iter().take(MOST) {
        sentences.push(words::came(trace, &hand.scene.tokens[token]));
        if let Some((from, to)) = actor(token).and_then(|actor| call(hand, actors, actor)) {
            hand.paint_call(from, to);
        }
    }
    for &token in news.leave.iter().take(MOST) {
        let Some(next) = hand.scene.tokens[token].next else { continue };
        let sentence = words::taken(trace, next);
        let is_steal =
            matches!(trace.arrival(next).map(|arrival| arrival.queue), Some(Queue::Stolen { .. }));
        if let Some(actor) = actor(token).filter(|actor| actor.leaves) {
            hand.paint_way(actor, is_steal);
            labels.push((actor, sentence.text.clone(), is_steal));
        }
        sentences.push(sentence);
    }
    hand.paint_tokens(actors);
    hand.paint_spotlight();
    // Over everything, and only of few: words must not cover one another.
    if let ([(actor, text, is_steal)], false) = (&labels[..], news.is_silent) {
        let goes_down = actor.way.is_some_and(|(from, to)| from.y <= to.y);
        hand.paint_label(actor.at, text, *is_steal, goes_down);
    }
    if news.is_silent {
        return String::new();
    }
    let more = news.came.len().saturating_sub(MOST) + news.leave.len().saturating_sub(MOST);
    let mut said: Vec<String> = sentences.iter().map(Sentence::whole).collect();
    if more > 0 {
        said.push(format!("and {more} more"));
    }
    said.join("  ·  ")
}

/// From where to where a line leads: from whoever woke a task, or spawned it, to that.
fn call(hand: &Stagehand<'_>, actors: &Actors, actor: &Actor) -> Option<(Pos2, Pos2)> {
    let trace = hand.cx.trace();
    let token = &hand.scene.tokens[actor.token];
    if token.span.state != State::Scheduled {
        return None;
    }
    let by = match token.wake.map(|wake| trace.wake(wake).by) {
        Some(Waker::Task(by)) => by,
        Some(Waker::Driver(lane)) => return Some((hand.plan.lane(lane)?.slot, actor.at)),
        Some(_) => return None,
        None => match trace.cause(token.next?) {
            Cause::Spawned { by, .. } => by?,
            _ => return None,
        },
    };
    if by == token.task {
        return None;
    }
    let caller = actors.actors.iter().find(|actor| hand.scene.tokens[actor.token].task == by)?;
    Some((caller.at, actor.at))
}
