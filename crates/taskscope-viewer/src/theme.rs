//! Every colour of the window, dark and light, in one place.
//!
//! Three groups that must not be taken for one another:
//! * *states* (running blue, scheduled amber, deferred another amber, waiting grey) mean
//!   the same wherever they stand and hold for colour-blind eyes (Okabe and Ito's blue
//!   and orange);
//! * *categories* tell spawn places or tasks apart; muted, and none of them a state's.
//!   They differ from one another for people with any of the three kinds of colour
//!   blindness, too: `tests` simulates these and measures the distances;
//! * *alarm*, a red-orange, is kept for what deserves a look: panics, damage,
//!   dropped events.

use egui::{Color32, CornerRadius, Stroke, Style, TextStyle, Theme, Visuals};
use taskscope_model::State;

/// The colours of one theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Palette {
    /// Behind everything.
    pub(crate) background: Color32,
    /// Panels beside the timeline.
    pub(crate) panel: Color32,
    /// A lane with nothing on it.
    pub(crate) lane: Color32,
    /// Where something can be typed.
    pub(crate) field: Color32,
    /// Thin lines between things.
    pub(crate) line: Color32,
    /// Text to read.
    pub(crate) text: Color32,
    /// Text beside it.
    pub(crate) weak: Color32,
    /// The one accent: what is active or can be followed.
    pub(crate) accent: Color32,
    /// A bar that is selected.
    pub(crate) selected: Color32,
    /// The outline of what is selected.
    pub(crate) outline: Color32,
    /// The playhead.
    pub(crate) playhead: Color32,
    /// What deserves a look.
    pub(crate) alarm: Color32,
    /// What a search found.
    pub(crate) hit: Color32,
    /// A figure that got worse, as text. (No state, and nothing to be alarmed about.)
    pub(crate) slower: Color32,
    /// A figure that got better.
    pub(crate) faster: Color32,
    /// A worker that sleeps.
    pub(crate) parked: Color32,
    running: Color32,
    scheduled: Color32,
    deferred: Color32,
    waiting: Color32,
    unknown: Color32,
    categories: [Color32; 8],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const DARK: Palette = Palette {
    background: rgb(0x14171c),
    panel: rgb(0x1b1f26),
    lane: rgb(0x1a1e25),
    field: rgb(0x242a34),
    line: rgb(0x2b313b),
    text: rgb(0xe4e8ee),
    weak: rgb(0x98a2b0),
    accent: rgb(0x5aaef5),
    selected: rgb(0x223247),
    outline: rgb(0xffffff),
    playhead: rgb(0xff6470),
    alarm: rgb(0xf0722b),
    hit: rgb(0xb4f03c),
    slower: rgb(0xe2ab54),
    faster: rgb(0x5cc39a),
    parked: rgb(0x303744),
    running: rgb(0x56b4e9),
    scheduled: rgb(0xe69f00),
    deferred: rgb(0xf3dfa2),
    waiting: rgb(0x5b6472),
    unknown: rgb(0x7a3d1c),
    categories: [
        rgb(0x9ea4ed),
        rgb(0xe0b36d),
        rgb(0x428793),
        rgb(0x75d7d9),
        rgb(0xc9cfa5),
        rgb(0x59609c),
        rgb(0x999572),
        rgb(0x855e1d),
    ],
};

const LIGHT: Palette = Palette {
    background: rgb(0xffffff),
    panel: rgb(0xf6f7f9),
    lane: rgb(0xf1f3f6),
    field: rgb(0xe8ecf1),
    line: rgb(0xd9dee5),
    text: rgb(0x1c222b),
    weak: rgb(0x5c6775),
    accent: rgb(0x1769c2),
    selected: rgb(0xd9e8fa),
    outline: rgb(0x10151c),
    playhead: rgb(0xd6293a),
    alarm: rgb(0xc24a08),
    hit: rgb(0x3f9b0b),
    slower: rgb(0x8f5a00),
    faster: rgb(0x10734a),
    parked: rgb(0xdde2e9),
    running: rgb(0x2b8fd0),
    scheduled: rgb(0xe09600),
    deferred: rgb(0x8a5c00),
    waiting: rgb(0xaab2bd),
    unknown: rgb(0xf0b48f),
    categories: [
        rgb(0xa4b5f0),
        rgb(0xe9bc75),
        rgb(0x3e7d90),
        rgb(0x69d7d1),
        rgb(0x8d454b),
        rgb(0x5b59a1),
        rgb(0xaeac88),
        rgb(0x6d5717),
    ],
};

/// Those of [`DARK`] that stand further apart: text on black, lines that can be seen.
const DARK_CONTRAST: Palette = Palette {
    background: rgb(0x000000),
    panel: rgb(0x050608),
    lane: rgb(0x0d1015),
    field: rgb(0x1d232d),
    line: rgb(0x6b7788),
    text: rgb(0xffffff),
    weak: rgb(0xd3dae4),
    accent: rgb(0x7cc4ff),
    selected: rgb(0x1f4470),
    parked: rgb(0x485365),
    waiting: rgb(0xa4afc2),
    ..DARK
};

/// The same of [`LIGHT`].
const LIGHT_CONTRAST: Palette = Palette {
    background: rgb(0xffffff),
    panel: rgb(0xffffff),
    lane: rgb(0xf0f2f5),
    field: rgb(0xe1e6ec),
    line: rgb(0x6a7480),
    text: rgb(0x000000),
    weak: rgb(0x2b333d),
    accent: rgb(0x00429a),
    selected: rgb(0xb9d4f7),
    parked: rgb(0xc3cad3),
    waiting: rgb(0xb6bfca),
    ..LIGHT
};

impl Palette {
    /// The palette of a theme.
    pub(crate) fn of(theme: Theme, high_contrast: bool) -> &'static Self {
        match (theme, high_contrast) {
            (Theme::Dark, false) => &DARK,
            (Theme::Light, false) => &LIGHT,
            (Theme::Dark, true) => &DARK_CONTRAST,
            (Theme::Light, true) => &LIGHT_CONTRAST,
        }
    }

    /// The palette of the theme that `ui` is drawn in.
    pub(crate) fn get(ui: &egui::Ui) -> &'static Self {
        Self::of_visuals(ui.visuals())
    }

    /// The palette that these were made of.
    pub(crate) fn of_visuals(visuals: &Visuals) -> &'static Self {
        let theme = if visuals.dark_mode { Theme::Dark } else { Theme::Light };
        let high = Self::of(theme, true);
        Self::of(theme, visuals.weak_text_color == Some(high.weak))
    }

    /// The colour of a state.
    pub(crate) fn state(&self, state: State) -> Color32 {
        match state {
            State::Running => self.running,
            State::Scheduled => self.scheduled,
            State::Deferred => self.deferred,
            State::Waiting => self.waiting,
            State::Idle => self.line,
            State::Unknown => self.unknown,
        }
    }

    /// The colour of the `number`th category. They repeat after eight.
    pub(crate) fn category(&self, number: usize) -> Color32 {
        self.categories[number % self.categories.len()]
    }

    /// The colour of a poll that takes so many nanoseconds: grey up to a microsecond, blue around 300 µs, red from 100 ms
    /// on.
    pub(crate) fn length(&self, ns: u64) -> Color32 {
        let decades = ((ns.max(1) as f32).log10() - 3.0) / 5.0;
        match decades.clamp(0.0, 1.0) {
            low @ 0.0..0.5 => self.waiting.lerp_to_gamma(self.running, 2.0 * low),
            high => self.running.lerp_to_gamma(self.playhead, 2.0 * (high - 0.5)),
        }
    }

    /// `colour` in one of four shades, by `member`.
    pub(crate) fn shade(&self, colour: Color32, member: usize) -> Color32 {
        let amount = [1.0, 0.9, 0.95, 0.85][member % 4];
        self.lane.lerp_to_gamma(colour, amount)
    }

    /// `colour` pushed into the background, for what is not selected.
    pub(crate) fn dimmed(&self, colour: Color32) -> Color32 {
        self.lane.lerp_to_gamma(colour, 0.34)
    }

    /// Black or white, whichever reads better on `colour`.
    pub(crate) fn on(&self, colour: Color32) -> Color32 {
        let [r, g, b, _] = colour.to_array().map(f32::from);
        let luminance = 0.299 * r + 0.587 * g + 0.114 * b;
        if luminance > 118.0 { rgb(0x0d1117) } else { rgb(0xf5f7fa) }
    }
}

/// Puts the colours, sizes and spacings of both themes on a context.
pub(crate) fn install(ctx: &egui::Context, high_contrast: bool) {
    for theme in [Theme::Dark, Theme::Light] {
        ctx.style_mut_of(theme, |style| restyle(style, theme, high_contrast));
    }
    // The table of commands has the keys.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
}

fn restyle(style: &mut Style, theme: Theme, high_contrast: bool) {
    let palette = Palette::of(theme, high_contrast);
    let mut visuals = match theme {
        Theme::Dark => Visuals::dark(),
        Theme::Light => Visuals::light(),
    };
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.panel;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = palette.background;
    visuals.text_edit_bg_color = Some(palette.field);
    visuals.faint_bg_color = palette.lane;
    visuals.hyperlink_color = palette.accent;
    visuals.warn_fg_color = palette.alarm;
    visuals.error_fg_color = palette.alarm;
    visuals.weak_text_color = Some(palette.weak);
    visuals.selection.bg_fill = palette.selected;
    visuals.selection.stroke = Stroke::new(1.0, palette.text);
    let widgets = &mut visuals.widgets;
    widgets.noninteractive.fg_stroke.color = palette.text;
    widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    widgets.inactive.fg_stroke.color = palette.text;
    widgets.inactive.weak_bg_fill = Color32::TRANSPARENT;
    widgets.inactive.bg_fill = palette.line;
    widgets.hovered.weak_bg_fill = palette.selected;
    widgets.hovered.bg_stroke = Stroke::NONE;
    widgets.hovered.fg_stroke.color = palette.text;
    widgets.active.weak_bg_fill = palette.selected;
    widgets.active.bg_stroke = Stroke::NONE;
    widgets.open.weak_bg_fill = palette.selected;
    for widget in [
        &mut widgets.noninteractive,
        &mut widgets.inactive,
        &mut widgets.hovered,
        &mut widgets.active,
        &mut widgets.open,
    ] {
        widget.corner_radius = CornerRadius::same(4);
        widget.expansion = 0.0;
    }
    style.visuals = visuals;

    style.spacing.item_spacing = egui::vec2(8.0, 6.0);
    style.spacing.button_padding = egui::vec2(8.0, 4.0);
    style.spacing.interact_size.y = 24.0;
    style.spacing.scroll = egui::style::ScrollStyle::thin();
    for (text_style, size) in [
        (TextStyle::Small, 11.5),
        (TextStyle::Body, 13.5),
        (TextStyle::Button, 13.5),
        (TextStyle::Monospace, 12.5),
        (TextStyle::Heading, 18.0),
    ] {
        if let Some(font) = style.text_styles.get_mut(&text_style) {
            font.size = size;
        }
    }
    // A chart that fades after each click reads as lag.
    style.animation_time = 0.0;
}

#[cfg(test)]
mod tests;
