//! How the time of a range divides among the states of tasks, and how busy each worker was.

use std::ops::Range;
use std::sync::Arc;

use egui::{Grid, Rect, Sense, Ui, vec2};
use taskscope_model::questions::{Activity, Group, HopCount, curves};
use taskscope_model::{LaneIx, LaneKind, Nanos, State, Trace};

use crate::busy::busy_lanes;
use crate::context::Context;
use crate::theme::Palette;
use crate::time;

/// More workers are not listed.
const MOST_WORKERS: usize = 24;

/// See [the module](self).
#[derive(Debug, Default)]
pub(super) struct Shares {
    /// Tasks in each state, on average.
    pub(super) states: Vec<(State, f64)>,
    /// The part of the range that each worker spent in polls.
    pub(super) workers: Vec<(LaneIx, f32)>,
}

impl Shares {
    pub(super) async fn new(
        trace: Arc<Trace>,
        activity: Option<Arc<Activity>>,
        times: Range<Nanos>,
    ) -> Self {
        let curve = curves(&trace, activity.as_deref(), Group::All, times.clone(), 1).await;
        let states = curve.map(|curve| {
            let states = State::ALL.iter().map(|&state| (state, curve.tasks(0, state)));
            states.filter(|(_, tasks)| *tasks > 0.0).collect()
        });
        let mut workers = Vec::new();
        let all = trace.runtimes().iter().flat_map(|runtime| &runtime.workers);
        for &lane in all.take(MOST_WORKERS) {
            let window = times.start as f64..times.end as f64;
            let busy = busy_lanes(&trace, &[lane], window, 1).await;
            workers.push((lane, busy.first().copied().unwrap_or(0.0)));
        }
        Self { states: states.unwrap_or_default(), workers }
    }

    /// The lines of a panel: what, and how much.
    pub(super) fn lines(&self, trace: &Trace) -> Vec<(String, String)> {
        let all: f64 = self.states.iter().map(|(_, tasks)| tasks).sum();
        let states = self.states.iter().map(|(state, tasks)| {
            let share = time::share((tasks * 1e6) as u64, (all * 1e6) as u64);
            format!("{share} {} ({tasks:.1})", state.name())
        });
        let states: Vec<String> = states.collect();
        let mut lines = vec![("tasks".to_owned(), states.join("\n"))];
        lines.extend(self.workers.iter().map(|&(lane, busy)| {
            let busy = time::share((f64::from(busy) * 1e6) as u64, 1_000_000);
            (name(trace, lane), format!("busy {busy}"))
        }));
        lines
    }

    /// A bar for the states, and one for each worker.
    pub(super) fn show(&self, ui: &mut Ui, cx: &Context<'_>) {
        let palette = Palette::get(ui);
        Grid::new("shares").num_columns(2).spacing([16.0, 5.0]).show(ui, |ui| {
            let all: f64 = self.states.iter().map(|(_, tasks)| tasks).sum();
            ui.weak("tasks");
            ui.vertical(|ui| {
                let parts = self.states.iter();
                let parts: Vec<_> = parts
                    .map(|&(state, tasks)| (palette.state(state), (tasks / all) as f32))
                    .collect();
                bar(ui, &parts);
                for (state, tasks) in &self.states {
                    let share = time::share((tasks * 1e6) as u64, (all * 1e6) as u64);
                    ui.horizontal(|ui| {
                        let (dot, _) = ui.allocate_exact_size(vec2(9.0, 9.0), Sense::hover());
                        ui.painter().rect_filled(dot, 2.0, palette.state(*state));
                        ui.label(format!("{share} {}", state.name()));
                        ui.weak(format!("{tasks:.1} at once"));
                    });
                }
            });
            ui.end_row();
            for &(lane, busy) in &self.workers {
                ui.weak(name(cx.trace(), lane));
                ui.horizontal(|ui| {
                    bar(ui, &[(palette.state(State::Running), busy)]);
                    let share = time::share((f64::from(busy) * 1e6) as u64, 1_000_000);
                    ui.label(format!("busy {share}"));
                });
                ui.end_row();
            }
        });
        ui.add_space(6.0);
    }
}

/// A worker, with its runtime where there are several.
fn name(trace: &Trace, lane: LaneIx) -> String {
    let runtime = match trace.lane(lane).kind {
        LaneKind::Worker { runtime, .. } if trace.runtimes().len() > 1 => {
            trace.runtimes()[runtime as usize].name.as_deref()
        }
        _ => None,
    };
    let lane = trace.lane_name(lane);
    runtime.map_or(lane.clone(), |runtime| format!("{runtime}: {lane}"))
}

/// A bar of some parts of a whole.
fn bar(ui: &mut Ui, parts: &[(egui::Color32, f32)]) {
    let (rect, _) = ui.allocate_exact_size(vec2(150.0, 12.0), Sense::hover());
    ui.painter().rect_filled(rect, 2.0, Palette::get(ui).parked);
    let mut left = rect.left();
    for &(colour, share) in parts {
        let right = (left + share * rect.width()).min(rect.right());
        let part = Rect::from_x_y_ranges(left..=right, rect.y_range());
        ui.painter().rect_filled(part, 0.0, colour);
        left = right;
    }
}

/// How often tasks hopped from one worker (left) to another (top).
pub(super) fn hops(ui: &mut Ui, trace: &Trace, hops: &[HopCount]) {
    let lanes = trace.lane_order().iter().copied();
    let has = |lane: LaneIx| hops.iter().any(|hop| hop.from == lane || hop.to == lane);
    let lanes: Vec<LaneIx> = lanes.filter(|&lane| has(lane)).take(MOST_WORKERS).collect();
    if lanes.is_empty() {
        return;
    }
    let palette = Palette::get(ui);
    let count = |from: LaneIx, to: LaneIx| {
        let between = hops.iter().filter(|hop| (hop.from, hop.to) == (from, to));
        between.map(|hop| hop.count).sum::<u64>()
    };
    let most = lanes.iter().flat_map(|&from| lanes.iter().map(move |&to| count(from, to))).max();
    ui.label(egui::RichText::new("Hops: from (left) to (top)").size(13.5));
    Grid::new("hops").num_columns(lanes.len() + 1).spacing([4.0, 4.0]).show(ui, |ui| {
        let short = |lane: LaneIx| {
            let name = trace.lane_name(lane);
            name.strip_prefix("worker ").map_or(name.clone(), str::to_owned)
        };
        ui.label("");
        for &to in &lanes {
            ui.weak(short(to));
        }
        ui.end_row();
        for &from in &lanes {
            ui.weak(short(from));
            for &to in &lanes {
                let number = count(from, to);
                let (rect, _) = ui.allocate_exact_size(vec2(46.0, 18.0), Sense::hover());
                let part = number as f32 / most.unwrap_or(1).max(1) as f32;
                let ground = palette.lane.lerp_to_gamma(palette.accent, 0.7 * part);
                ui.painter().rect_filled(rect, 2.0, ground);
                if number > 0 {
                    let font = egui::FontId::monospace(11.5);
                    let text = time::count(number);
                    let middle = egui::Align2::CENTER_CENTER;
                    ui.painter().text(rect.center(), middle, text, font, palette.text);
                }
            }
            ui.end_row();
        }
    });
    ui.add_space(10.0);
}
