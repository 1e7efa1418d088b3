//! A film as a GIF.
//!
//! A GIF has 256 colours, and the window has few large areas of one colour and thousands of shades where text meets its ground. So one
//! palette serves for all frames, made of the most frequent colours: a palette for each frame would let the ground
//! change its colour where frames differ. What has not changed since the frame before is left out, which takes
//! most of the file away.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use gif::{DisposalMethod, Encoder, Frame, Repeat};
use taskscope_viewer::{Film, Picture};

use super::unwritable;
use crate::error::Error;

/// So many frames are looked at for the palette.
const SAMPLES: usize = 24;
/// The colour that stands for what has not changed.
const UNCHANGED: u8 = 255;

type Colour = [u8; 3];

/// Writes the film that `begin` begins: it is run twice, first for its colours.
pub(super) fn write(
    out: &Path,
    frames_per_second: u32,
    frames: usize,
    begin: &dyn Fn() -> Result<Film, Error>,
) -> Result<(), Error> {
    let mut palette = Palette::of(&mut begin()?, frames);
    let film = begin()?;
    let [width, height] = film.size();
    let size =
        |side: u32| u16::try_from(side).map_err(|_| Error::LargeFilm { path: out.to_owned() });
    let (width, height) = (size(width)?, size(height)?);
    let failed = |source| unwritable(out, std::io::Error::other(source));
    let file = File::create(out).map_err(|source| unwritable(out, source))?;
    let mut encoder =
        Encoder::new(BufWriter::new(file), width, height, &palette.bytes()).map_err(failed)?;
    encoder.set_repeat(Repeat::Infinite).map_err(failed)?;
    let mut before: Option<Vec<u8>> = None;
    let mut shown = 0u64;
    let last = frames.saturating_sub(1);
    for (number, picture) in film.enumerate() {
        let pixels = palette.pixels(&picture);
        // Hundredths of a second, without an error that adds up; the end stays for a while.
        let until = (number as u64 + 1) * 100 / u64::from(frames_per_second)
            + if number == last { 150 } else { 0 };
        let (rect, changed) = match &before {
            Some(before) => changes(&pixels, before, width.into()),
            None => ([0, 0, width, height], pixels.clone()),
        };
        let frame = Frame {
            delay: u16::try_from(until - shown).unwrap_or(u16::MAX),
            dispose: DisposalMethod::Keep,
            transparent: Some(UNCHANGED),
            left: rect[0],
            top: rect[1],
            width: rect[2],
            height: rect[3],
            buffer: changed.into(),
            ..Frame::default()
        };
        encoder.write_frame(&frame).map_err(failed)?;
        (before, shown) = (Some(pixels), until);
    }
    Ok(())
}

/// The smallest rectangle outside of which nothing has changed (left, top, width, height), and its pixels.
fn changes(pixels: &[u8], before: &[u8], width: usize) -> ([u16; 4], Vec<u8>) {
    let differs = |at: &usize| pixels[*at] != before[*at];
    let rows = pixels.len() / width;
    let row_differs =
        |row: &usize| pixels[row * width..][..width] != before[row * width..][..width];
    let Some(top) = (0..rows).find(row_differs) else {
        // A frame has to have something.
        return ([0, 0, 1, 1], vec![UNCHANGED]);
    };
    let bottom = (0..rows).rfind(row_differs).unwrap_or(top) + 1;
    let in_row = |row: usize| (row * width..(row + 1) * width).filter(differs).map(|at| at % width);
    let left = (top..bottom).filter_map(|row| in_row(row).next()).min().unwrap_or(0);
    let right = (top..bottom).filter_map(|row| in_row(row).next_back()).max().unwrap_or(0) + 1;
    let all = (top..bottom).flat_map(|row| row * width + left..row * width + right);
    let changed = all.map(|at| if differs(&at) { pixels[at] } else { UNCHANGED }).collect();
    let sides = [left, top, right - left, bottom - top];
    // No side is longer than the film's, which is a `u16`.
    (sides.map(|side| side as u16), changed)
}

/// The colours of a film.
struct Palette {
    colours: Vec<Colour>,
    nearest: HashMap<Colour, u8>,
}

impl Palette {
    /// The most frequent colours of a film, which is run to its end.
    fn of(film: &mut Film, frames: usize) -> Self {
        let mut counts: HashMap<Colour, u64> = HashMap::new();
        let every = frames.div_ceil(SAMPLES).max(1);
        let mut number = 0;
        while let Some(picture) = film.next_frame(number % every == 0) {
            for pixel in picture.rgba.chunks_exact(4) {
                *counts.entry([pixel[0], pixel[1], pixel[2]]).or_default() += 1;
            }
            number += 1;
        }
        // Shades that are hardly told apart count as one: the most frequent of them.
        let coarse = |colour: Colour| colour.map(|channel| channel >> 3);
        let mut groups: HashMap<Colour, (u64, u64, Colour)> = HashMap::new();
        for (colour, count) in counts {
            let (all, most, first) = groups.entry(coarse(colour)).or_insert((0, 0, colour));
            *all += count;
            if (count, colour) > (*most, *first) {
                (*most, *first) = (count, colour);
            }
        }
        let mut groups: Vec<(u64, u64, Colour)> = groups.into_values().collect();
        groups.sort_unstable_by(|a, b| b.cmp(a));
        groups.truncate(usize::from(UNCHANGED));
        let colours = groups.into_iter().map(|(.., colour)| colour).collect();
        Self { colours, nearest: HashMap::new() }
    }

    /// As a GIF has it: three bytes for each colour, the last for the one that is never seen.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.colours.concat();
        bytes.resize(3 * 256, 0);
        bytes
    }

    fn pixels(&mut self, picture: &Picture) -> Vec<u8> {
        let colour = |pixel: &[u8]| [pixel[0], pixel[1], pixel[2]];
        picture.rgba.chunks_exact(4).map(|pixel| self.nearest(colour(pixel))).collect()
    }

    fn nearest(&mut self, colour: Colour) -> u8 {
        let Self { colours, nearest } = self;
        *nearest.entry(colour).or_insert_with(|| {
            let distance = |other: &Colour| -> i32 {
                let channels = colour.iter().zip(other);
                channels.map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum()
            };
            let all = colours.iter().enumerate();
            all.min_by_key(|(_, other)| distance(other)).map_or(0, |(at, _)| at as u8)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_not_changed_is_left_out() {
        let before = [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let mut now = before;
        (now[5], now[10]) = (2, 3);
        let (rect, pixels) = changes(&now, &before, 4);
        assert_eq!(rect, [1, 1, 2, 2]);
        assert_eq!(pixels, [2, UNCHANGED, UNCHANGED, 3]);
        assert_eq!(changes(&before, &before, 4), ([0, 0, 1, 1], vec![UNCHANGED]));
    }
}
