//! The bar below the timeline: play, step, speed, and the exact moment.

use egui::{Align, Layout, Response, RichText, Role, Sense, Shape, Stroke, Ui, WidgetInfo, vec2};

use crate::command::{AppCommand, Command, TraceCommand};
use crate::context::Context;
use crate::replay::Pace;
use crate::theme::Palette;
use crate::time;

/// The picture on a button.
#[derive(Clone, Copy)]
enum Icon {
    Start,
    Back,
    Play,
    Pause,
    Forward,
    End,
}

/// Shows the bar.
pub(crate) fn show(ui: &mut Ui, cx: &Context<'_>) {
    let button = |ui: &mut Ui, icon: Icon, command: Command, label: &str| {
        if icon_button(ui, icon, &command, label).clicked() {
            cx.commands.send(command);
        }
    };
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        button(ui, Icon::Start, TraceCommand::ToStart.into(), "To the start");
        button(ui, Icon::Back, TraceCommand::StepBack.into(), "Previous event");
        let (icon, label) = match cx.replay.is_playing() {
            true => (Icon::Pause, "Pause"),
            false => (Icon::Play, "Play"),
        };
        button(ui, icon, AppCommand::PlayPause.into(), label);
        button(ui, Icon::Forward, TraceCommand::StepForward.into(), "Next event");
        button(ui, Icon::End, TraceCommand::ToEnd.into(), "To the end");
        ui.add_space(16.0);
        speed(ui, cx);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            clock(ui, cx);
        });
    });
}

/// Where it is kept that a time is being typed, and what there is of it.
fn typed(ctx: &egui::Context) -> Option<String> {
    ctx.data(|data| data.get_temp(egui::Id::unique("typed time")))
}

fn keep_typed(ctx: &egui::Context, text: Option<String>) {
    let id = egui::Id::unique("typed time");
    ctx.data_mut(|data| match text {
        Some(text) => _ = data.insert_temp(id, text),
        None => data.remove::<String>(id),
    });
}

/// Lets the clock be a field in which the time is typed where the playhead goes.
pub(crate) fn type_time(ctx: &egui::Context) {
    keep_typed(ctx, Some(String::new()));
}

/// The exact moment; a click makes it a field.
fn clock(ui: &mut Ui, cx: &Context<'_>) {
    let Some(mut text) = typed(ui.ctx()) else {
        let command = Command::from(TraceCommand::GoToTime);
        let label = egui::Label::new(RichText::new(playhead(cx)).monospace().size(16.0));
        let response = ui.add(label.sense(Sense::click()).selectable(false));
        let about = "The playhead: time since the first event";
        let response = response.on_hover_text(format!("{about}\n{}", command.tooltip(ui.ctx())));
        if response.on_hover_cursor(egui::CursorIcon::Text).clicked() {
            type_time(ui.ctx());
        }
        return;
    };
    // Blanks stand between groups of digits where a time is shown.
    let moment = time::parse(&text.split_whitespace().collect::<String>());
    let palette = Palette::get(ui);
    let is_wrong = moment.is_none() && !text.trim().is_empty();
    let colour = if is_wrong { palette.alarm } else { palette.text };
    let field = egui::TextEdit::singleline(&mut text)
        .hint_text("12.5ms")
        .font(egui::TextStyle::Monospace)
        .text_color(colour)
        .desired_width(160.0);
    let response = ui.add(field);
    response.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Go to a time"));
    let response =
        response.on_hover_text("A number with ns, us, ms or s, from the start of the recording");
    if response.lost_focus() {
        if ui.input(|input| input.key_pressed(egui::Key::Enter))
            && let Some(moment) = moment
        {
            cx.send(TraceCommand::GoTo(moment));
        }
        return keep_typed(ui.ctx(), None);
    }
    response.request_focus();
    keep_typed(ui.ctx(), Some(text));
}

/// The playhead's time since the first event. Beside other traces it may lie before that.
pub(crate) fn playhead(cx: &Context<'_>) -> String {
    let start = cx.trace().span().start;
    let before = start as f64 - cx.replay.playhead();
    match before.round() as u64 {
        0 => time::exact(cx.replay.moment().saturating_sub(start)),
        before => format!("-{}", time::exact(before)),
    }
}

/// What is shown to the left of the moment, as far as there is room.
fn speed(ui: &mut Ui, cx: &Context<'_>) {
    const PACE: f32 = 124.0;
    const TEXT: f32 = 172.0;
    const SLIDER: f32 = 130.0;
    const MORE: f32 = 110.0;
    const MOMENT: f32 = 190.0;
    let room = |ui: &Ui, width: f32| ui.available_width() >= width + MOMENT;
    // Narrow windows have the keys.
    if !room(ui, PACE) {
        return;
    }
    pace(ui, cx, PACE);
    if !room(ui, TEXT) {
        return;
    }
    // A fixed width: the slider must not move while it is dragged.
    ui.allocate_ui_with_layout(vec2(TEXT, 24.0), Layout::left_to_right(Align::Center), |ui| {
        ui.set_min_width(TEXT);
        ui.label(speed_text(cx));
    });
    if room(ui, SLIDER) {
        slider(ui, cx, SLIDER);
    }
    if room(ui, MORE) {
        ui.add_space(8.0);
        more(ui, cx);
    }
}

/// The speed in words.
pub(crate) fn speed_text(cx: &Context<'_>) -> String {
    let beats = cx.replay.beats_per_second();
    let noun = match cx.replay.pace() {
        Pace::Proportion => {
            return format!("1 s on screen = {}", time::duration(cx.replay.ns_per_second()));
        }
        Pace::Events => "event",
        Pace::Hops => "hop",
    };
    let figure = |number: f64| match number.fract() {
        0.0 => format!("{number:.0}"),
        _ => format!("{number:.1}"),
    };
    match beats {
        1.0 => format!("1 {noun} a second"),
        beats if beats > 1.0 => format!("{} {noun}s a second", figure(beats)),
        beats => format!("1 {noun} in {} s", figure(1.0 / beats)),
    }
}

/// How time passes.
fn pace(ui: &mut Ui, cx: &Context<'_>, width: f32) {
    let current = cx.replay.pace();
    let combo = egui::ComboBox::from_id_salt("pace")
        .width(width - 16.0)
        .selected_text(current.title())
        .show_ui(ui, |ui| {
            for pace in Pace::ALL {
                let item = ui.selectable_label(pace == current, pace.title());
                if item.on_hover_text(pace.about()).clicked() {
                    cx.commands.send(AppCommand::SetPace(pace));
                }
            }
        });
    let title = current.title();
    combo
        .response
        .widget_info(|| WidgetInfo::labeled(Role::ComboBox, true, format!("Pace: {title}")));
    combo.response.on_hover_text(Command::App(AppCommand::NextPace).tooltip(ui.ctx()));
}

fn slider(ui: &mut Ui, cx: &Context<'_>, width: f32) {
    let mut position = cx.replay.speed_position();
    ui.spacing_mut().slider_width = width;
    let slider = ui.add(egui::Slider::new(&mut position, 0.0..=1.0).show_value(false));
    slider.widget_info(|| WidgetInfo::slider(true, position, "Speed"));
    if slider.changed() {
        cx.commands.send(AppCommand::SetSpeed(position));
    }
    // A slider of egui senses dragging alone.
    let slider = slider.interact(Sense::click());
    if slider.double_clicked() {
        cx.commands.send(AppCommand::UsualSpeed);
    }
    slider.on_hover_text("How fast the recording plays. Double-click for the usual speed.");
}

/// Where it pauses, what it follows, and whether it repeats: what is on has a mark.
fn more(ui: &mut Ui, cx: &Context<'_>) {
    let stops = cx.stops;
    let on = [
        (AppCommand::StopAtHops, stops.hops),
        (AppCommand::StopAtPanics, stops.panics),
        (AppCommand::StopAtWakes, stops.wakes),
        (AppCommand::StopAtFirstPoll, stops.first_poll),
        (AppCommand::FollowTask, cx.follows_task),
        (AppCommand::ToggleLoop, cx.replay.loops),
    ];
    let count = on.iter().filter(|(_, on)| *on).count();
    let title =
        if count == 0 { "Pause at…".to_owned() } else { format!("Pause at…  ({count} on)") };
    ui.menu_button(title, |ui| {
        for (command, mut is_on) in on {
            let command = Command::App(command);
            let spec = command.spec();
            let item = ui.checkbox(&mut is_on, spec.title);
            if item.on_hover_text(command.tooltip(ui.ctx())).clicked() {
                cx.commands.send(command);
            }
        }
        let back = Command::App(AppCommand::PlayBack);
        if ui.button(back.spec().title).on_hover_text(back.tooltip(ui.ctx())).clicked() {
            cx.commands.send(back);
        }
    });
}

fn icon_button(ui: &mut Ui, icon: Icon, command: &Command, label: &str) -> Response {
    let palette = Palette::get(ui);
    let prominent = matches!(icon, Icon::Play | Icon::Pause);
    let size = if prominent { 36.0 } else { 30.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(size, size), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label));
    let (ground, colour) = match (prominent, response.hovered()) {
        (true, _) => (palette.accent, palette.on(palette.accent)),
        (false, true) => (palette.selected, palette.text),
        (false, false) => (palette.lane, palette.text),
    };
    let painter = ui.painter();
    painter.circle_filled(rect.center(), size / 2.0, ground);
    if response.has_focus() {
        painter.circle_stroke(rect.center(), size / 2.0, Stroke::new(1.5, palette.outline));
    }
    paint_icon(painter, rect, icon, colour);
    response.on_hover_text(command.tooltip(ui.ctx()))
}

fn paint_icon(painter: &egui::Painter, rect: egui::Rect, icon: Icon, colour: egui::Color32) {
    let centre = rect.center();
    let half = rect.height() * 0.19;
    // A triangle that points right (1) or left (-1), its middle at `x`.
    let triangle = |x: f32, direction: f32| {
        let middle = centre + vec2(x, 0.0);
        let corners = vec![
            middle + vec2(direction * half, 0.0),
            middle + vec2(-direction * half * 0.8, -half),
            middle + vec2(-direction * half * 0.8, half),
        ];
        painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
    };
    let bar = |x: f32, width: f32| {
        let size = vec2(width, 2.0 * half);
        let rect = egui::Rect::from_center_size(centre + vec2(x, 0.0), size);
        painter.rect_filled(rect, 0.5, colour);
    };
    match icon {
        Icon::Play => triangle(1.0, 1.0),
        Icon::Pause => {
            bar(-half * 0.55, half * 0.6);
            bar(half * 0.55, half * 0.6);
        }
        Icon::Forward => {
            triangle(-1.5, 1.0);
            bar(half * 1.05, 2.0);
        }
        Icon::Back => {
            triangle(1.5, -1.0);
            bar(-half * 1.05, 2.0);
        }
        Icon::Start => {
            triangle(-half * 0.4, -1.0);
            triangle(half * 1.1, -1.0);
            bar(-half * 1.6, 2.0);
        }
        Icon::End => {
            triangle(-half * 1.1, 1.0);
            triangle(half * 0.4, 1.0);
            bar(half * 1.6, 2.0);
        }
    }
}
