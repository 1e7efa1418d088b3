//! `taskscope render --film`: a stretch of a trace as a film.
//!
//! The viewer draws the frames; here they become a file. WebM needs an encoder that is no Rust library, so that is `ffmpeg` where
//! it is installed. A GIF and numbered pictures need nothing.

mod gif;
mod webm;

use std::ops::Range;
use std::path::{Path, PathBuf};

use taskscope_model::Trace;
use taskscope_viewer::{Film, FilmOptions, FilmPace, Picture, RenderOptions};

use crate::args::parse_time;
use crate::error::Error;
use crate::{human, output};

/// A film has at most so many frames: five minutes at 20 a second.
const MOST_FRAMES: usize = 6_000;

/// What makes a film of a picture.
#[derive(Debug, clap::Args)]
pub(crate) struct FilmArgs {
    /// Make a film of this stretch of the trace: 10ms..20ms, ..5ms or 1.2s..
    #[arg(long, value_name = "START..END", value_parser = parse_stretch)]
    pub(crate) film: Option<Stretch>,

    /// Frames in a second of a film
    #[arg(long, value_name = "N", default_value_t = 20, requires = "film",
        value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) fps: u32,

    /// Let the film go from hop to hop: so many in a second
    ///
    /// This is how a film passes, one hop in two seconds, if nothing else is said and the trace has hops.
    #[arg(long, value_name = "N", requires = "film", group = "pace", value_parser = parse_rate)]
    pub(crate) hops: Option<f64>,

    /// Let the film go from event to event: so many in a second
    #[arg(long, value_name = "N", requires = "film", group = "pace", value_parser = parse_rate)]
    pub(crate) events: Option<f64>,

    /// Let the film last so many seconds, in which time passes in proportion to the program's
    #[arg(long, value_name = "N", requires = "film", group = "pace", value_parser = parse_rate)]
    pub(crate) seconds: Option<f64>,
}

/// A stretch of time, from the start of a trace; to its end where there is no second moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    from: u64,
    until: Option<u64>,
}

fn parse_stretch(text: &str) -> Result<Stretch, String> {
    let expected = "expected two times such as 10ms..20ms, the first before the second";
    let (from, until) = text.split_once("..").ok_or(expected)?;
    let from = if from.is_empty() { 0 } else { parse_time(from)? };
    let until = if until.is_empty() { None } else { Some(parse_time(until)?) };
    match until.is_none_or(|until| from < until) {
        true => Ok(Stretch { from, until }),
        false => Err(expected.to_owned()),
    }
}

fn parse_rate(text: &str) -> Result<f64, String> {
    let rate = text.parse().ok().filter(|rate| (0.05..=1000.0).contains(rate));
    rate.ok_or_else(|| "expected a number from 0.05 to 1000".to_owned())
}

/// What a film becomes.
enum Format {
    Gif,
    Webm,
    /// Pictures, with a number in the place of `%d`.
    Pictures,
}

fn format(out: &Path) -> Result<Format, Error> {
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let extension = out.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match &*extension {
        "gif" => Ok(Format::Gif),
        "webm" => Ok(Format::Webm),
        "png" if name.contains("%d") => Ok(Format::Pictures),
        _ => Err(Error::FilmFormat { path: out.to_owned() }),
    }
}

/// Makes the film.
pub(crate) fn make(
    trace: Trace,
    file: &Path,
    out: &Path,
    args: &FilmArgs,
    stretch: Stretch,
    picture: RenderOptions,
) -> Result<(), Error> {
    let format = format(out)?;
    let range = range(file, &trace, stretch)?;
    let in_range = trace.hops_arriving(range.clone()).next().is_some();
    let pace = match (args.hops, args.events, args.seconds) {
        (Some(hops), ..) => FilmPace::Hops(hops),
        (_, Some(events), _) => FilmPace::Events(events),
        (.., Some(seconds)) => FilmPace::Seconds(seconds),
        _ if in_range => FilmPace::Hops(0.5),
        _ => FilmPace::Events(2.0),
    };
    let options = FilmOptions { picture, range, pace, frames_per_second: args.fps };
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    let trace = std::sync::Arc::new(trace);
    let begin = || {
        Film::new(trace.clone(), &name, &options)
            .map_err(|source| Error::Draw { path: file.to_owned(), source })
    };
    // It is counted first: nobody waits an hour for a film of a gigabyte.
    let frames = count(begin()?)?;
    match format {
        Format::Gif => gif::write(out, args.fps, frames, &begin)?,
        Format::Webm => webm::write(out, args.fps, begin()?)?,
        Format::Pictures => pictures(out, begin()?)?,
    }
    let seconds = frames as f64 / f64::from(args.fps);
    output::print(&format!(
        "film of {frames} frames, {seconds:.1} s, written to {}\n",
        out.display()
    ))
}

/// How many frames a film has.
fn count(mut film: Film) -> Result<usize, Error> {
    let mut frames = 0;
    while film.next_frame(false).is_some() {
        frames += 1;
        if frames > MOST_FRAMES {
            return Err(Error::LongFilm { most: MOST_FRAMES });
        }
    }
    Ok(frames)
}

fn range(path: &Path, trace: &Trace, stretch: Stretch) -> Result<Range<u64>, Error> {
    let span = trace.span();
    let lasts = span.end - span.start;
    let last = stretch.until.unwrap_or(lasts).max(stretch.from);
    if last > lasts {
        let times = human::distinct_times([lasts, last]);
        return Err(Error::FilmBehindTheEnd { path: path.to_owned(), times });
    }
    Ok(span.start + stretch.from..span.start + last)
}

fn pictures(out: &Path, film: Film) -> Result<(), Error> {
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for (number, picture) in film.enumerate() {
        let path = out.with_file_name(name.replace("%d", &format!("{number:05}")));
        let file = png(&picture).map_err(|source| Error::Encode { path: path.clone(), source })?;
        write(&path, &file)?;
    }
    Ok(())
}

/// A picture as a PNG file.
fn png(picture: &Picture) -> Result<Vec<u8>, std::io::Error> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, picture.size[0], picture.size[1]);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&picture.rgba)?;
    Ok(file)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    std::fs::write(path, bytes).map_err(|source| unwritable(path, source))
}

fn unwritable(path: &Path, source: std::io::Error) -> Error {
    Error::Write { path: PathBuf::from(path), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_read() {
        let stretch = |from, until| Ok(Stretch { from, until });
        assert_eq!(parse_stretch("1ms..2ms"), stretch(1_000_000, Some(2_000_000)));
        assert_eq!(parse_stretch("..5us"), stretch(0, Some(5_000)));
        assert_eq!(parse_stretch("1.5s.."), stretch(1_500_000_000, None));
        for wrong in ["", "5ms", "2ms..1ms", "1..2", "a..b"] {
            assert!(parse_stretch(wrong).is_err(), "{wrong}");
        }
    }
}
