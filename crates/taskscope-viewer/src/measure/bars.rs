//! A histogram as bars: times on a scale on which each decade is as wide as the next.

use egui::{Align2, FontId, Mesh, Rect, Role, Sense, Shape, Ui, WidgetInfo, pos2, vec2};
use taskscope_model::questions::Histogram;

use crate::theme::Palette;
use crate::time;

const SIZE: egui::Vec2 = vec2(250.0, 46.0);
/// Room below the bars for the times.
const FOOT: f32 = 14.0;

/// Shows how often there was which time.
pub(super) fn histogram(ui: &mut Ui, name: &str, of: &Histogram) {
    let bars: Vec<_> = of.bars().collect();
    let (Some((first, _)), Some((last, _))) = (bars.first(), bars.last()) else { return };
    let log = |ns: u128| (ns.max(1) as f64).log10();
    let (from, to) = (log(first.start).floor(), log(last.end).ceil());
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(1).max(1);
    ui.weak(name);
    let (rect, response) = ui.allocate_exact_size(SIZE, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("Histogram: {name}")));
    let palette = Palette::get(ui);
    let plot = rect.with_max_y(rect.bottom() - FOOT);
    let x = |ns: u128| {
        let part = (log(ns) - from) / (to - from).max(1.0);
        plot.left() + part.clamp(0.0, 1.0) as f32 * plot.width()
    };
    ui.painter().rect_filled(plot, 2.0, palette.lane);
    let mut mesh = Mesh::default();
    for (times, count) in &bars {
        // One in a million is still seen.
        let height = (*count as f32 / most as f32).sqrt() * (plot.height() - 2.0);
        let bar = Rect::from_min_max(
            pos2(x(times.start), plot.bottom() - height.max(1.0)),
            pos2(x(times.end).max(x(times.start) + 1.0), plot.bottom()),
        );
        mesh.add_colored_rect(bar, palette.state(taskscope_model::State::Running));
    }
    ui.painter().add(Shape::mesh(mesh));
    let font = FontId::proportional(10.5);
    for (at, decade) in [(Align2::LEFT_BOTTOM, from), (Align2::RIGHT_BOTTOM, to)] {
        let corner = at.pos_in_rect(&rect);
        let text = time::duration(10f64.powf(decade));
        ui.painter().text(corner, at, text, font.clone(), palette.weak);
    }
    if let Some(pos) = response.hover_pos().filter(|pos| plot.contains(*pos)) {
        let under = bars.iter().find(|(times, _)| (x(times.start)..=x(times.end)).contains(&pos.x));
        if let Some((times, count)) = under {
            let from = time::duration(times.start as f64);
            let to = time::duration(times.end as f64);
            response.on_hover_text_at_pointer(format!(
                "{} from {from} to {to} (heights are square roots)",
                time::count(*count)
            ));
        }
    }
}
