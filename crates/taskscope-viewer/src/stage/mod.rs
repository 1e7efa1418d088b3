//! The stage: the scheduler as a place.
//!
//! Each task is a token. A poll takes it into a worker's slot, a wake from its room into a queue, and where it flies from
//! a queue to the slot of another worker, it was stolen. Tokio reports polls, wakes and waits; it does
//! not report what stands in which queue. So slots and rooms are drawn solid, and queues dashed with hollow tokens: see
//! [`taskscope_model::questions::scene`] for what is concluded from what.
//!
//! A frame goes through these steps: where is everything (`plan`), which scene is it (`scenes`), where is each
//! token on its way (`actors`, by the [`Motion`](crate::replay::Motion) of the replay), paint (`paint`, `side`), and say what
//! happens (`words`). Each follows from the playhead and the beat alone.

mod actors;
mod news;
mod paint;
mod plan;
mod rooms;
mod scenes;
mod side;
mod tokens;
mod words;

use std::sync::Arc;

use egui::{Align2, FontId, Rect, Role, Sense, Ui, WidgetInfo};
use taskscope_model::Trace;
use taskscope_model::questions::{Activity, Room, Spot, Stage, Token, pause, scene};

use crate::context::Context;
use crate::empty;
use crate::jobs::Question;
use crate::theme::Palette;
use actors::{Actors, home};
use news::{news, tell};
use paint::Stagehand;
use plan::{Cast, Plan};
use scenes::Scenes;

/// At so many moments it is looked which rooms are occupied.
const SAMPLES: u64 = 48;
/// At most so many rooms are told apart.
const MOST_ROOMS: usize = 12;

/// The panel with the stage.
#[derive(Debug, Default)]
pub(crate) struct StagePanel {
    scenes: Scenes,
    cast: Question<(), Cast>,
    hops: side::Hops,
}

impl StagePanel {
    /// Shows the stage in all the space there is.
    pub(crate) fn ui(&mut self, ui: &mut Ui, cx: &Context<'_>) {
        let palette = Palette::get(ui);
        let space = ui.available_rect_before_wrap();
        ui.painter().rect_filled(space, 0.0, palette.background);
        if empty::is_empty(cx.trace()) {
            return empty::show(ui, cx.open);
        }
        let cast = self.cast(cx);
        let (Some(cast), Some(scene)) = (cast, self.scenes.at_playhead(cx)) else {
            let text = "Looking where tasks wait…";
            let font = FontId::proportional(13.5);
            ui.painter().text(space.center(), Align2::CENTER_CENTER, text, font, palette.weak);
            return;
        };
        let plan = Plan::new(space, cx.trace(), &cast);
        let motion = cx.replay.motion();
        let actors = Actors::new(scene, &plan, &motion, cx.replay.playhead(), cx.open.selected);
        let painter = ui.painter_at(space);
        let hand = Stagehand { painter: &painter, cx, palette, plan: &plan, scene };
        hand.paint_boxes(&actors);
        let news = news(cx, scene, &motion);
        let said = tell(&hand, &actors, &news);
        hand.paint_caption(&said);
        announce(ui, space, &said);
        side::show(ui, cx, &plan, scene, &mut self.hops);
        explain(ui, &hand, &actors);
    }

    /// Has all scenes worked out aside, as those of large traces are.
    #[cfg(test)]
    pub(crate) fn work_aside(&mut self) {
        self.scenes.set_few_tasks(0);
    }

    /// The scene that is shown.
    #[cfg(test)]
    pub(crate) fn scene(&self) -> Option<&taskscope_model::questions::Scene> {
        self.scenes.scene()
    }

    /// The moment that is shown, and how many tasks are.
    pub(crate) fn shown(&self) -> Option<(taskscope_model::Nanos, usize)> {
        self.scenes.shown()
    }

    /// What there has to be a place for; `None` until that is known.
    fn cast(&mut self, cx: &Context<'_>) -> Option<Cast> {
        let stage = cx.open.stage()?.clone();
        let activity = cx.open.activity_for_jobs();
        let trace = cx.open.trace_for_jobs();
        let work = || async move {
            let rooms = occupied(&trace, activity.as_deref(), &stage).await;
            Cast { rooms, ..Cast::lanes(&trace) }
        };
        self.cast.ask(cx.jobs, cx.open.snapshot(), &(), work).map(|cast| cast.value.clone())
    }
}

/// The rooms in which tasks wait at some of many moments, and how many at once, those with the most first.
async fn occupied(
    trace: &Arc<Trace>,
    activity: Option<&Activity>,
    stage: &Stage,
) -> Vec<(Room, usize)> {
    let span = trace.span();
    // A look at all tasks takes longer, the more there are.
    let samples = (SAMPLES * 4_096 / (trace.task_count() as u64 + 1)).clamp(6, SAMPLES);
    let mut most: std::collections::BTreeMap<Room, usize> = std::collections::BTreeMap::new();
    for sample in 0..samples {
        let part = (2 * sample + 1) as f64 / (2 * samples) as f64;
        let time = span.start + ((span.end - span.start) as f64 * part) as u64;
        let mut counts: std::collections::BTreeMap<Room, usize> = std::collections::BTreeMap::new();
        for token in scene(trace, activity, stage, time, time).await.tokens {
            if let Spot::Room(room) = token.spot {
                *counts.entry(room).or_default() += 1;
            }
        }
        for (room, count) in counts {
            let most = most.entry(room).or_default();
            *most = (*most).max(count);
        }
        pause().await;
    }
    let mut rooms: Vec<(Room, usize)> = most.into_iter().collect();
    rooms.sort_by_key(|&(room, most)| (std::cmp::Reverse(most), room));
    rooms.truncate(MOST_ROOMS);
    rooms
}

/// What happens, for those who cannot see it.
fn announce(ui: &Ui, space: Rect, said: &str) {
    let stage = ui.interact(space, ui.scope_id().with("stage"), Sense::hover());
    stage.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::Group, true, "Stage");
        info.current_text_value = Some(said.to_owned());
        info
    });
}

/// Each token can be pointed at and selected.
fn explain(ui: &Ui, hand: &Stagehand<'_>, actors: &Actors) {
    let trace = hand.cx.trace();
    let moment = hand.cx.replay.moment();
    for of in &hand.plan.rooms {
        let (name, about) = words::room(trace, of.room);
        let title = of.rect.with_max_y(of.rect.top() + 24.0 * hand.plan.unit);
        let response = ui.interact(title, ui.scope_id().with(("room", of.room)), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Room {name}")));
        response.on_hover_text(about);
    }
    let side = 2.0 * hand.plan.radius();
    for actor in &actors.actors {
        let token = &hand.scene.tokens[actor.token];
        let rect = match token.spot {
            Spot::Slot(lane) => hand.plan.lane(lane).map(|of| 2.0 * of.slot_radius),
            _ => None,
        };
        let rect = Rect::from_center_size(actor.at, egui::Vec2::splat(rect.unwrap_or(side)));
        let id = ui.scope_id().with(("token", token.task));
        let response = ui.interact(rect, id, Sense::click());
        let name = trace.task_name(token.task);
        response.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::Button, true, format!("Token {name}"));
            info.current_text_value = Some(place_name(hand, token));
            info
        });
        if response.clicked() {
            hand.cx.select(Some(token.task));
        }
        response.on_hover_ui(|ui| {
            ui.strong(&name);
            if let Some(place) = trace.task(token.task).place {
                ui.weak(trace.place(place).short());
            }
            ui.label(words::whereabouts(trace, token, moment));
        });
    }
}

/// Where a token is, in a word or two.
fn place_name(hand: &Stagehand<'_>, token: &Token) -> String {
    let trace = hand.cx.trace();
    match home(hand.plan, token, token.spot) {
        Spot::Slot(lane) => format!("slot of {}", trace.lane_name(lane)),
        Spot::Below(lane) => format!("below on {}", trace.lane_name(lane)),
        Spot::Own(lane) => format!("queue of {}", trace.lane_name(lane)),
        Spot::Deferred(lane) => format!("set aside on {}", trace.lane_name(lane)),
        Spot::Injection(_) => "injection queue".to_owned(),
        Spot::Pool => "blocking pool".to_owned(),
        Spot::Room(room) => words::room(trace, Some(room)).0,
        Spot::Scheduled | Spot::Local => "scheduled".to_owned(),
        Spot::Unknown | Spot::Outside => "elsewhere".to_owned(),
    }
}
