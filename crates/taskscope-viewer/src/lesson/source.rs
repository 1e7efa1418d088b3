//! The program's source, with the lines lit that a step is about, and a dot at the lines whose tasks run at the playhead.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use egui::text::{LayoutJob, LayoutSection};
use egui::{Color32, FontId, Frame, Margin, ScrollArea, TextFormat, Ui, pos2, vec2};
use taskscope_model::LaneIx;

use crate::context::Context;
use crate::theme::Palette;

/// The size of the letters, and what it is made smaller to where lines are long.
const SIZE: f32 = 12.5;
const SMALLEST: f32 = 9.5;
/// The width of a letter, as a part of its height.
const LETTER: f32 = 0.61;
const LINE: f32 = 17.0;
/// Where the line's numbers end.
const GUTTER: f32 = 44.0;

/// What the lines that are spoken of need, in points.
pub(super) fn width(source: &str, lit: &RangeInclusive<usize>) -> f32 {
    GUTTER + longest(source, lit) as f32 * SIZE * LETTER + 24.0
}

/// How high some lines are, if none of them is wrapped.
pub(super) fn height(lines: &RangeInclusive<usize>) -> f32 {
    lines.clone().count() as f32 * LINE
}

/// The letters of the longest of some lines.
fn longest(source: &str, lines: &RangeInclusive<usize>) -> usize {
    let of = source.lines().skip(lines.start() - 1).take(lines.end() + 1 - lines.start());
    of.map(|line| line.chars().count()).max().unwrap_or(0)
}

/// Which lines are spoken of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lines<'a> {
    /// Those that are lit.
    pub(super) lit: Option<&'a RangeInclusive<usize>>,
    /// Those that are to be seen.
    pub(super) seen: Option<&'a RangeInclusive<usize>>,
    /// Whether they are brought into sight now.
    pub(super) scroll: bool,
}

/// Shows the source in this height, with some lines in sight. `name` is that of its file.
pub(super) fn show(
    ui: &mut Ui,
    source: &str,
    name: &str,
    lines: Lines<'_>,
    cx: Option<&Context<'_>>,
    height: f32,
) {
    let palette = Palette::get(ui);
    let Lines { lit, seen, scroll } = lines;
    let running = cx.map(|cx| running(cx, name, palette)).unwrap_or_default();
    let lines: Vec<&str> = source.lines().collect();
    Frame::new().fill(palette.background).inner_margin(Margin::same(4)).corner_radius(4.0).show(
        ui,
        |ui| {
            let room = ui.available_width() - GUTTER - 12.0;
            // What is spoken of is seen whole: smaller where its lines are long, and wrapped where they are longer.
            let needs = seen.map_or(1, |seen| longest(source, seen)) as f32 * LETTER;
            let letters = (room / needs.max(1.0)).clamp(SMALLEST, SIZE);
            let laid: Vec<Laid> = (1..)
                .zip(&lines)
                .map(|(number, line)| {
                    let dims = lit.is_some_and(|lit| !lit.contains(&number));
                    Laid::new(ui, line, letters, palette, dims, room)
                })
                .collect();
            let tops: Vec<f32> = laid
                .iter()
                .scan(0.0, |top, laid| Some(std::mem::replace(top, *top + laid.height)))
                .collect();
            let top_of = |number: usize| tops.get(number - 1).copied().unwrap_or(0.0);
            let all = laid.iter().map(|laid| laid.height).sum::<f32>();
            // Whole lines alone are seen.
            let height = ((height.min(all)) / LINE).floor().max(1.0) * LINE;
            let mut area = ScrollArea::vertical().id_salt("source").max_height(height);
            if let Some(seen) = seen.filter(|_| scroll) {
                let (top, bottom) = (
                    top_of(*seen.start()),
                    top_of(*seen.end() + 1).max(top_of(*seen.end()) + LINE),
                );
                // In the middle; of what is too long its beginning.
                let above = ((height - (bottom - top)) / (2.0 * LINE)).floor().max(0.0) * LINE;
                area =
                    area.vertical_scroll_offset((top - above).clamp(0.0, (all - height).max(0.0)));
            }
            area.auto_shrink([false, true]).show(ui, |ui| {
                let width = ui.available_width();
                let (rect, response) =
                    ui.allocate_exact_size(vec2(width, all), egui::Sense::hover());
                response
                    .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Group, true, "Source"));
                for (number, of) in (1..).zip(laid) {
                    let top = rect.top() + top_of(number);
                    let row =
                        egui::Rect::from_min_size(pos2(rect.left(), top), vec2(width, of.height));
                    let is_lit = lit.is_some_and(|lit| lit.contains(&number));
                    if is_lit {
                        ui.painter().rect_filled(row, 0.0, palette.selected);
                    }
                    let middle = top + 0.5 * LINE;
                    if let Some(&colour) = running.get(&number) {
                        ui.painter().circle_filled(pos2(rect.left() + 7.0, middle), 4.0, colour);
                    }
                    let weak = if lit.is_none() || is_lit {
                        palette.weak
                    } else {
                        palette.weak.gamma_multiply(0.6)
                    };
                    ui.painter().text(
                        pos2(rect.left() + GUTTER - 10.0, middle),
                        egui::Align2::RIGHT_CENTER,
                        number,
                        FontId::monospace(SIZE - 2.0),
                        weak,
                    );
                    let at = pos2(rect.left() + GUTTER + of.indent, top);
                    ui.painter().galley(at, of.galley, palette.text);
                }
            });
        },
    );
}

/// A line of the source, wrapped within its indentation where it is too long.
struct Laid {
    galley: std::sync::Arc<egui::Galley>,
    indent: f32,
    /// Of all its rows.
    height: f32,
}

impl Laid {
    fn new(ui: &Ui, line: &str, letters: f32, palette: &Palette, dims: bool, room: f32) -> Self {
        let code = line.trim_start();
        let indent = (line.len() - code.len()) as f32 * letters * LETTER;
        let mut job = highlighted(code, letters, palette, dims);
        job.wrap.max_width = (room - indent).max(80.0);
        job.break_on_newline = false;
        job.sections.iter_mut().for_each(|section| section.format.line_height = Some(LINE));
        let galley = ui.painter().layout_job(job);
        let rows = galley.rows.len().max(1);
        Self { galley, indent, height: rows as f32 * LINE }
    }
}

/// The lines of this file at which tasks were spawned that are polled at the playhead, with their colours.
fn running(cx: &Context<'_>, name: &str, palette: &Palette) -> BTreeMap<usize, Color32> {
    let trace = cx.trace();
    let lanes = (0..trace.lanes().len() as u16).map(LaneIx);
    let line = |lane: LaneIx| {
        let task = trace.poll(cx.running(lane)?).task;
        let place = trace.place(trace.task(task).place?);
        let is_here = place.file.rsplit(['/', '\\']).next() == Some(name);
        is_here.then(|| (place.line as usize, cx.open.colour(palette, task)))
    };
    lanes.filter_map(line).collect()
}

/// A line of Rust in a few colours: comments, strings and keywords. No more is needed to read ten lines.
fn highlighted(line: &str, size: f32, palette: &Palette, dims: bool) -> LayoutJob {
    const KEYWORDS: [&str; 26] = [
        "async", "await", "const", "else", "enum", "fn", "for", "if", "impl", "in", "let", "loop",
        "match", "mod", "move", "mut", "pub", "return", "self", "static", "struct", "use", "where",
        "while", "as", "crate",
    ];
    let mut job = LayoutJob { text: line.to_owned(), ..LayoutJob::default() };
    let mut section = |range: std::ops::Range<usize>, colour: Color32| {
        let colour = if dims { colour.gamma_multiply(0.55) } else { colour };
        let format = TextFormat::simple(FontId::monospace(size), colour);
        job.sections.push(LayoutSection {
            leading_space: 0.0,
            byte_range: range.start.into()..range.end.into(),
            format,
        });
    };
    let comment = line.find("//").filter(|&at| line[..at].matches('"').count().is_multiple_of(2));
    let code = comment.unwrap_or(line.len());
    let mut at = 0;
    while at < code {
        let rest = &line[at..code];
        let first = rest.chars().next().unwrap_or(' ');
        let (length, colour) = if first == '"' {
            let end = rest[1..].find('"').map_or(rest.len(), |end| end + 2);
            (end, palette.category(4))
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let is_keyword = KEYWORDS.contains(&&rest[..end]);
            (end, if is_keyword { palette.category(0) } else { palette.text })
        } else {
            (first.len_utf8(), palette.weak)
        };
        section(at..at + length, colour);
        at += length;
    }
    if code < line.len() {
        section(code..line.len(), palette.weak);
    }
    job
}
