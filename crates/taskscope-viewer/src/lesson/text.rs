//! The text of a lesson on the screen.

use egui::text::LayoutJob;
use egui::{Color32, FontId, Frame, Margin, RichText, TextFormat, Ui};
use taskscope_lesson::{Block, Inline, Traces};

use crate::theme::Palette;

/// How large the text is, in points.
const SIZE: f32 = 15.5;

/// How large code is.
const CODE: f32 = 12.5;

/// A message has longer lines than this, which are wrapped.
const COLUMNS: usize = 84;

/// How much room the widest code in some text takes up, from side to side.
pub(super) fn code_width(ui: &Ui, blocks: &[Block]) -> f32 {
    let widest = |block: &Block| match block {
        Block::Code { code, .. } => code.lines().map(|line| line.chars().count()).max(),
        _ => None,
    };
    let Some(columns) = blocks.iter().filter_map(widest).max() else { return 0.0 };
    let column = ui.fonts_mut(|fonts| fonts.glyph_width(&FontId::monospace(CODE), 'm'));
    columns.min(COLUMNS) as f32 * column + 24.0
}

/// Shows some text.
pub(super) fn show(ui: &mut Ui, blocks: &[Block], traces: &Traces) {
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => {
                ui.label(job(ui, inlines, traces));
                ui.add_space(6.0);
            }
            Block::List(items) => {
                for item in items {
                    ui.horizontal_top(|ui| {
                        ui.label(RichText::new("•").size(SIZE));
                        let item = job(ui, item, traces);
                        ui.add(egui::Label::new(item).wrap());
                    });
                }
                ui.add_space(6.0);
            }
            Block::Code { language, code } => {
                let palette = Palette::get(ui);
                Frame::new()
                    .fill(palette.field)
                    .inner_margin(Margin::same(8))
                    .corner_radius(4.0)
                    .show(ui, |ui| {
                        ui.set_width(ui.available_width());
                        let text = RichText::new(code).monospace().size(CODE);
                        // What a program prints may be cut anywhere, as on a terminal. Code may not.
                        if language == "text" {
                            ui.add(egui::Label::new(text).wrap());
                        } else {
                            egui::ScrollArea::horizontal()
                                .id_salt(code)
                                .show(ui, |ui| ui.add(egui::Label::new(text).extend()));
                        }
                    });
                ui.add_space(6.0);
            }
        }
    }
}

/// Some words as one text that wraps.
pub(super) fn job(ui: &Ui, inlines: &[Inline], traces: &Traces) -> LayoutJob {
    sized(ui, inlines, traces, SIZE, Palette::get(ui).text)
}

/// The same for a question or a button: in another size and colour.
pub(super) fn sized(
    ui: &Ui,
    inlines: &[Inline],
    traces: &Traces,
    size: f32,
    colour: Color32,
) -> LayoutJob {
    let palette = Palette::get(ui);
    let mut job = LayoutJob::default();
    let mut add =
        |text: &str, font: FontId, colour: Color32, background: Color32, italics: bool| {
            let line_height = Some(size * 1.4);
            let format = TextFormat {
                font_id: font,
                color: colour,
                background,
                italics,
                line_height,
                ..TextFormat::default()
            };
            job.append(text, 0.0, format);
        };
    let plain = FontId::proportional(size);
    let none = Color32::TRANSPARENT;
    for inline in inlines {
        match inline {
            Inline::Text(text) => add(text, plain.clone(), colour, none, false),
            Inline::Emphasis(text) => add(text, plain.clone(), colour, none, true),
            // The fonts have no bold.
            Inline::Strong(text) => add(text, plain.clone(), palette.accent, none, false),
            Inline::Code(text) => {
                add(text, FontId::monospace(size - 2.0), colour, palette.field, false);
            }
            Inline::Figure(claim) => {
                let value = claim.value(traces);
                let text = value.map_or_else(|_| "?".to_owned(), |value| value.to_string());
                add(&text, plain.clone(), palette.accent, none, false);
            }
        }
    }
    job
}

/// Some words without their looks, for buttons and screen readers.
pub(super) fn plain(inlines: &[Inline], traces: &Traces) -> String {
    let word = |inline: &Inline| match inline {
        Inline::Text(text) | Inline::Emphasis(text) | Inline::Strong(text) | Inline::Code(text) => {
            text.clone()
        }
        Inline::Figure(claim) => {
            claim.value(traces).map_or_else(|_| "?".to_owned(), |value| value.to_string())
        }
    };
    inlines.iter().map(word).collect()
}
