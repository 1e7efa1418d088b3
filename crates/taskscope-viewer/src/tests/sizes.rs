//! No text covers another, however small the window is.

use egui::{Rect, Vec2, vec2};
use taskscope_model::TaskIx;

use super::harness::{
    PaintedText, Window, document, painted_texts, show_selected, window, window_on,
};
use crate::{DemoEntry, Options};

/// Pairs of texts that cover each other by more than the air around letters.
fn collisions(window: &Window) -> Vec<String> {
    // What no letter reaches: ascenders and descenders need less than the line's height.
    let letters = |rect: Rect| rect.shrink2(vec2(0.5, 0.2 * rect.height()));
    let texts = painted_texts(window);
    let mut found = Vec::new();
    for (position, a) in texts.iter().enumerate() {
        for b in &texts[position + 1..] {
            let common = letters(a.rect).intersect(letters(b.rect));
            if common.width() > 1.0 && common.height() > 1.0 {
                found
                    .push(format!("`{}` at {:?} and `{}` at {:?}", a.text, a.rect, b.text, b.rect));
            }
        }
    }
    found
}

/// Texts of which less than half is in the window.
fn cut_off(window: &Window, size: Vec2) -> Vec<PaintedText> {
    let whole = Rect::from_min_size(egui::Pos2::ZERO, size);
    let mut texts = painted_texts(window);
    texts.retain(|text| !whole.contains(text.rect.center()));
    texts
}

const SIZES: [Vec2; 5] = [
    vec2(400.0, 300.0),
    vec2(560.0, 380.0),
    vec2(700.0, 560.0),
    vec2(940.0, 600.0),
    vec2(1400.0, 900.0),
];

#[test]
fn no_text_covers_another_while_a_trace_is_open() {
    let mut window = window();
    for size in SIZES {
        window.set_size(size);
        for selected in [None, Some(TaskIx(7)), Some(TaskIx(20))] {
            document(&mut window).select(selected);
            show_selected(&mut window);
            window.run_steps(4);
            assert_eq!(collisions(&window), [""; 0], "{size:?}, {selected:?}");
            assert!(cut_off(&window, size).is_empty());
        }
    }
}

#[test]
fn no_text_covers_another_with_two_traces() {
    let mut window = super::beside::two();
    for size in SIZES {
        window.set_size(size);
        window.run_steps(4);
        assert_eq!(collisions(&window), [""; 0], "{size:?}");
    }
}

#[test]
fn no_text_covers_another_on_the_welcome_page() {
    let demo = |name: &str| DemoEntry {
        name: name.to_owned(),
        description: "Bursts of tasks on four workers that wake, hop and wait for one another"
            .into(),
        ..DemoEntry::default()
    };
    let demos = ["migration", "server", "yields", "single"].map(demo).to_vec();
    let mut window = window_on(Options { demos, ..Options::default() });
    for size in SIZES {
        window.set_size(size);
        window.run_steps(4);
        assert_eq!(collisions(&window), [""; 0], "{size:?}");
    }
}
