//! The categories as people with each kind of colour blindness see them.
//!
//! The simulation is that of Machado, Oliveira and Fernandes (2009) at full severity, on
//! linear RGB; distances are Euclidean in CIELAB (ΔE*ab, D65). About 2.3 is the least that
//! people notice side by side; two marks of a few pixels on a lane need far more.

use super::*;

/// All palettes: with and without high contrast.
const ALL: [(Theme, bool); 4] =
    [(Theme::Dark, false), (Theme::Light, false), (Theme::Dark, true), (Theme::Light, true)];

type Matrix = [[f64; 3]; 3];

const VISIONS: [(&str, Matrix); 4] = [
    ("all colours", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

fn linear(colour: Color32) -> [f64; 3] {
    let [r, g, b, _] = colour.to_array();
    [r, g, b].map(|value| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    })
}

fn times(matrix: &Matrix, colour: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(colour).map(|(a, b)| a * b).sum::<f64>().clamp(0.0, 1.0))
}

fn lab(linear: [f64; 3]) -> [f64; 3] {
    const XYZ: Matrix = [
        [0.4124564 / 0.95047, 0.3575761 / 0.95047, 0.1804375 / 0.95047],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339 / 1.08883, 0.1191920 / 1.08883, 0.9503041 / 1.08883],
    ];
    let [x, y, z] = XYZ.map(|row| {
        let value: f64 = row.iter().zip(linear).map(|(a, b)| a * b).sum();
        if value > 216.0 / 24389.0 { value.cbrt() } else { (24389.0 / 27.0 * value + 16.0) / 116.0 }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// How far two colours are apart for this kind of sight.
fn distance(vision: &Matrix, a: Color32, b: Color32) -> f64 {
    let [a, b] = [a, b].map(|colour| lab(times(vision, linear(colour))));
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

#[test]
fn the_measure_is_the_known_one() {
    let [black, white] = [rgb(0x000000), rgb(0xffffff)];
    assert!((distance(&VISIONS[0].1, black, white) - 100.0).abs() < 0.1);
    // Red and green that differ for most people only.
    let [red, green] = [rgb(0xa05050), rgb(0x6b6b3c)];
    assert!(distance(&VISIONS[0].1, red, green) > 25.0);
    assert!(distance(&VISIONS[2].1, red, green) < 12.0);
}

#[test]
fn categories_can_be_told_apart_with_every_kind_of_sight() {
    for (theme, contrast) in ALL {
        let palette = Palette::of(theme, contrast);
        let count = palette.categories.len();
        for (name, vision) in &VISIONS {
            for a in 0..count {
                for b in 0..a {
                    let apart = distance(vision, palette.category(a), palette.category(b));
                    // The first of a list, and tasks that were spawned one after another.
                    let neighbours = a - b == 1 || a - b == count - 1;
                    let least = if neighbours { 26.0 } else { 20.0 };
                    assert!(apart >= least, "{theme:?}, {name}: {a} and {b} are {apart:.1} apart");
                }
            }
        }
    }
}

#[test]
fn shades_of_neighbours_can_be_told_apart() {
    for (theme, contrast) in ALL {
        let palette = Palette::of(theme, contrast);
        for (name, vision) in &VISIONS {
            for number in 0..palette.categories.len() {
                let [a, b] = [number, number + 1].map(|number| palette.category(number));
                for (one, other) in (0..16).map(|pair| (pair / 4, pair % 4)) {
                    let (a, b) = (palette.shade(a, one), palette.shade(b, other));
                    let apart = distance(vision, a, b);
                    assert!(apart >= 12.0, "{theme:?}, {name}: {number}: {apart:.1} apart");
                }
            }
        }
    }
}

#[test]
fn states_can_be_told_apart_with_every_kind_of_sight() {
    for (theme, contrast) in ALL {
        let palette = Palette::of(theme, contrast);
        for (name, vision) in &VISIONS {
            for (position, &a) in State::ALL.iter().enumerate() {
                for &b in &State::ALL[..position] {
                    let apart = distance(vision, palette.state(a), palette.state(b));
                    assert!(apart >= 15.0, "{theme:?}, {name}: {a:?}, {b:?} are {apart:.1} apart");
                }
            }
        }
    }
}

#[test]
fn no_category_looks_like_a_state_or_an_alarm() {
    for (theme, contrast) in ALL {
        let palette = Palette::of(theme, contrast);
        let kept = [palette.running, palette.scheduled, palette.alarm, palette.playhead];
        for number in 0..palette.categories.len() {
            for kept in kept {
                let apart = distance(&VISIONS[0].1, palette.category(number), kept);
                assert!(apart >= 20.0, "{theme:?}: {number} is {apart:.1} from {kept:?}");
            }
        }
    }
}

/// By the Web Content Accessibility Guidelines: 7 to 1 for text with high contrast, 4.5 to 1 without.
#[test]
fn text_can_be_read_on_what_it_stands_on() {
    let luminance = |colour| {
        let [r, g, b] = linear(colour);
        0.2126 * r + 0.7152 * g + 0.0722 * b
    };
    for (theme, contrast) in ALL {
        let palette = Palette::of(theme, contrast);
        for text in [palette.text, palette.weak] {
            for ground in [palette.background, palette.panel, palette.lane, palette.field] {
                let (a, b) = (luminance(text), luminance(ground));
                let ratio = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                let least = if contrast { 7.0 } else { 4.5 };
                assert!(ratio >= least, "{theme:?} {contrast}: {ratio:.1} on {ground:?}");
            }
        }
    }
}
