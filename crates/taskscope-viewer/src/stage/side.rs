//! The figures beside the stage: what tasks do, how they ended, and from which worker to which they hopped.

use std::collections::BTreeMap;

use egui::{Align2, Color32, FontId, Painter, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use taskscope_model::questions::{HopCount, HopQueue, Outcome, Scene, now, range};
use taskscope_model::{LaneIx, Nanos, State};

use super::plan::Plan;
use crate::context::Context;
use crate::jobs::Question;
use crate::labels;
use crate::theme::Palette;
use crate::time;

/// Hops of traces with fewer polls are counted in the frame that shows them.
const FEW_POLLS: u64 = 20_000;
/// The matrix has at most so many rows.
const MOST_WORKERS: usize = 8;

/// The hops up to the playhead, counted.
#[derive(Debug, Default)]
pub(super) struct Hops {
    question: Question<Nanos, Vec<HopCount>>,
    asked: Nanos,
    shown: Option<(u64, Nanos, Vec<HopCount>)>,
}

impl Hops {
    fn until_playhead(&mut self, cx: &Context<'_>) -> &[HopCount] {
        let (moment, revision) = (cx.replay.moment(), cx.open.revision);
        let is_shown = self.shown.as_ref().is_some_and(|of| (of.0, of.1) == (revision, moment));
        if !is_shown {
            let start = cx.trace().span().start;
            let activity = cx.open.activity_for_jobs();
            if cx.trace().poll_count() <= FEW_POLLS {
                let times = start..moment.saturating_add(1);
                let sums = now(range(cx.trace(), activity.as_deref(), times, false));
                self.shown = Some((revision, moment, sums.hops));
            } else {
                if !self.question.is_running() {
                    self.asked = moment;
                }
                let asked = self.asked;
                let work = || {
                    let trace = cx.open.trace_for_jobs();
                    let times = start..asked.saturating_add(1);
                    async move { range(&trace, activity.as_deref(), times, false).await.hops }
                };
                let answer = self.question.ask(cx.jobs, cx.open.snapshot(), &asked, work);
                if let Some(answer) = answer {
                    self.shown = Some((answer.revision, answer.key, answer.value.clone()));
                    if answer.key != moment {
                        cx.jobs.repaint();
                    }
                }
            }
        }
        self.shown.as_ref().map_or(&[], |(_, _, hops)| hops)
    }
}

/// Shows the figures.
pub(super) fn show(ui: &Ui, cx: &Context<'_>, plan: &Plan, scene: &Scene, hops: &mut Hops) {
    let Some(side) = plan.side else { return };
    let (palette, unit) = (Palette::get(ui), plan.unit);
    let mut column = Column { painter: ui.painter(), palette, unit, rect: side, top: side.top() };
    for state in State::ALL {
        let count = scene.count(state);
        if count > 0 || matches!(state, State::Running | State::Scheduled | State::Waiting) {
            let line = column.figure(Some(palette.state(state)), state.name(), count as u64);
            let response = ui.interact(line, ui.scope_id().with(("count", state)), Sense::hover());
            response.on_hover_text(labels::state(state));
        }
    }
    column.gap();
    for (outcome, &count) in Outcome::ALL.iter().zip(&scene.outcomes) {
        if count > 0 || *outcome == Outcome::Returned {
            let colour = match outcome {
                Outcome::Panicked => Some(palette.alarm),
                _ => None,
            };
            column.figure(colour, labels::outcome(*outcome), count);
        }
    }
    let counts = hops.until_playhead(cx);
    if cx.trace().hop_count() > 0 {
        column.gap();
        matrix(ui, cx, &mut column, counts);
    }
    column.kinds();
}

/// Lines below one another.
struct Column<'a> {
    painter: &'a Painter,
    palette: &'static Palette,
    unit: f32,
    rect: Rect,
    top: f32,
}

impl Column<'_> {
    fn font(&self, size: f32) -> FontId {
        FontId::proportional(size * self.unit)
    }

    fn gap(&mut self) {
        self.top += 12.0 * self.unit;
    }

    /// Whether another line can be seen whole.
    fn has_room(&self) -> bool {
        self.top + 20.0 * self.unit <= self.rect.bottom()
    }

    fn line(&mut self) -> Rect {
        let height = 20.0 * self.unit;
        let line =
            Rect::from_min_size(pos2(self.rect.left(), self.top), vec2(self.rect.width(), height));
        self.top += height;
        line
    }

    /// How what is recorded looks, and what is inferred.
    fn kinds(&mut self) {
        self.gap();
        for (text, is_recorded) in [("recorded", true), ("inferred", false)] {
            if !self.has_room() {
                return;
            }
            let line = self.line();
            let dot = line.left_center() + vec2(6.0 * self.unit, 0.0);
            let radius = 4.5 * self.unit;
            match is_recorded {
                true => self.painter.circle_filled(dot, radius, self.palette.weak),
                false => {
                    let stroke = egui::Stroke::new(1.6 * self.unit, self.palette.weak);
                    self.painter.circle_stroke(dot, radius - 0.8 * self.unit, stroke)
                }
            };
            let at = line.left_center() + vec2(18.0 * self.unit, 0.0);
            let font = self.font(11.5);
            self.painter.text(at, Align2::LEFT_CENTER, text, font, self.palette.weak);
        }
    }

    /// A name with its figure at the right.
    fn figure(&mut self, colour: Option<Color32>, name: &str, figure: u64) -> Rect {
        let line = self.line();
        let dot = line.left_center() + vec2(6.0 * self.unit, 0.0);
        match colour {
            Some(colour) => {
                self.painter.circle_filled(dot, 4.5 * self.unit, colour);
            }
            None => {
                let stroke = egui::Stroke::new(1.2 * self.unit, self.palette.weak);
                self.painter.circle_stroke(dot, 4.0 * self.unit, stroke);
            }
        }
        let at = line.left_center() + vec2(18.0 * self.unit, 0.0);
        self.painter.text(at, Align2::LEFT_CENTER, name, self.font(12.5), self.palette.text);
        let right = line.right_center();
        self.painter.text(
            right,
            Align2::RIGHT_CENTER,
            time::count(figure),
            self.font(13.0),
            self.palette.text,
        );
        line
    }
}

fn matrix(ui: &Ui, cx: &Context<'_>, column: &mut Column<'_>, counts: &[HopCount]) {
    let (palette, unit) = (column.palette, column.unit);
    let trace = cx.trace();
    let workers: Vec<LaneIx> = trace
        .runtimes()
        .iter()
        // On a single worker nothing hops.
        .filter(|runtime| runtime.workers.len() > 1)
        .flat_map(|runtime| &runtime.workers)
        .copied()
        .take(MOST_WORKERS)
        .collect();
    let mut cells: BTreeMap<(LaneIx, LaneIx), u64> = BTreeMap::new();
    let mut causes: BTreeMap<HopQueue, u64> = BTreeMap::new();
    for hop in counts {
        *cells.entry((hop.from, hop.to)).or_default() += hop.count;
        *causes.entry(hop.queue).or_default() += hop.count;
    }
    let all: u64 = causes.values().sum();
    let most = cells.values().copied().max().unwrap_or(1).max(1);
    let title = column.line();
    let font = column.font(12.5);
    column.painter.text(
        title.left_center(),
        Align2::LEFT_CENTER,
        "hops so far: from (left) to (top)",
        font,
        palette.text,
    );
    let small = column.font(11.5);
    let count = workers.len() as f32;
    let label = 18.0 * unit;
    let cell = ((column.rect.width() - label) / count).min(40.0 * unit);
    let height = cell.min(24.0 * unit);
    let (left, top) = (column.rect.left() + label, column.top + 16.0 * unit);
    let index = |lane: LaneIx| trace.lane_name(lane).trim_start_matches("worker ").to_owned();
    for (x, &to) in workers.iter().enumerate() {
        let at = pos2(left + (x as f32 + 0.5) * cell, top - 2.0 * unit);
        column.painter.text(at, Align2::CENTER_BOTTOM, index(to), small.clone(), palette.weak);
    }
    for (y, &from) in workers.iter().enumerate() {
        let at = pos2(left - 6.0 * unit, top + (y as f32 + 0.5) * height);
        column.painter.text(at, Align2::RIGHT_CENTER, index(from), small.clone(), palette.weak);
        for (x, &to) in workers.iter().enumerate() {
            let min = pos2(left + x as f32 * cell, top + y as f32 * height);
            let rect = Rect::from_min_size(min, vec2(cell, height)).shrink(1.0 * unit);
            let count = cells.get(&(from, to)).copied().unwrap_or(0);
            let strength =
                if count == 0 { 0.0 } else { 0.18 + 0.72 * (count as f32 / most as f32).sqrt() };
            let fill = palette.lane.lerp_to_gamma(palette.alarm, strength);
            column.painter.rect_filled(rect, 3.0 * unit, fill);
            if count == 0 {
                continue;
            }
            let text = if cell > 26.0 * unit { time::count(count) } else { String::new() };
            column.painter.text(
                rect.center(),
                Align2::CENTER_CENTER,
                text,
                small.clone(),
                palette.on(fill),
            );
            let response =
                ui.interact(rect, ui.scope_id().with(("hops", from, to)), Sense::hover());
            let label = format!(
                "{} from {} to {}",
                time::plural(count, "hop"),
                trace.lane_name(from),
                trace.lane_name(to)
            );
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &label));
            response.on_hover_ui(|ui| {
                ui.label(&label);
                let of = counts.iter().filter(|hop| (hop.from, hop.to) == (from, to));
                of.for_each(|hop| {
                    ui.weak(format!("{}  {} (inferred)", time::count(hop.count), cause(hop.queue)));
                });
            });
        }
    }
    column.top = top + count * height + 6.0 * unit;
    for (queue, count) in causes {
        if !column.has_room() {
            return;
        }
        let line = column.line();
        column.painter.text(
            line.left_center(),
            Align2::LEFT_CENTER,
            cause(queue),
            small.clone(),
            palette.weak,
        );
        let text = format!("{}   {}", time::count(count), time::share(count, all));
        column.painter.text(
            line.right_center(),
            Align2::RIGHT_CENTER,
            text,
            small.clone(),
            palette.weak,
        );
    }
    if all > 0 && column.has_room() {
        let line = column.line();
        column.painter.text(
            line.left_center(),
            Align2::LEFT_CENTER,
            "causes are inferred",
            small,
            palette.weak,
        );
    }
}

/// How a hop came about.
fn cause(queue: HopQueue) -> &'static str {
    match queue {
        HopQueue::Own => "woken on that worker",
        HopQueue::Stolen => "stolen",
        HopQueue::Injection => "injection queue",
        HopQueue::Unknown => "not known",
    }
}
