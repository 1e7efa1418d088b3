//! Texts with code in them: what stands between backticks is set in another font.

use egui::text::LayoutJob;
use egui::{FontId, TextFormat, TextStyle, Ui};

use crate::theme::Palette;

/// `text` without its backticks, and what stood between them in the font of code.
///
/// Messages are written once, for the terminal too, where backticks are read as quotes.
pub(crate) fn with_code(ui: &Ui, text: &str) -> LayoutJob {
    let format = |style: TextStyle| {
        let font: FontId = style.resolve(ui.style());
        TextFormat::simple(font, Palette::get(ui).text)
    };
    let mut job = LayoutJob::default();
    // A backtick without a second one is part of the text.
    let parts: Vec<&str> = text.split('`').collect();
    let pairs = (parts.len() - 1) / 2;
    for (position, part) in parts.into_iter().enumerate() {
        let in_code = position % 2 == 1 && position < 2 * pairs;
        if position > 2 * pairs {
            job.append("`", 0.0, format(TextStyle::Body));
        }
        let style = if in_code { TextStyle::Monospace } else { TextStyle::Body };
        job.append(part, 0.0, format(style));
    }
    job
}

#[cfg(test)]
mod tests {
    use egui::epaint::text::ByteRangeExt;

    use super::*;

    #[test]
    fn what_stands_between_backticks_is_code() {
        let ctx = egui::Context::default();
        let mut output = ctx.run_ui(egui::RawInput::default(), |ui| {
            let job = with_code(ui, "run `taskscope demo`, or `cargo run`.");
            assert_eq!(job.text, "run taskscope demo, or cargo run.");
            let code: Vec<&str> = job
                .sections
                .iter()
                .filter(|section| section.format.font_id.family == egui::FontFamily::Monospace)
                .map(|section| &job.text[section.byte_range.as_usize()])
                .collect();
            assert_eq!(code, ["taskscope demo", "cargo run"]);
            assert_eq!(with_code(ui, "a ` alone").text, "a ` alone");
            assert_eq!(with_code(ui, "`a` and ` alone").text, "a and ` alone");
            assert_eq!(with_code(ui, "").text, "");
        });
        output.textures_delta.clear();
    }
}
