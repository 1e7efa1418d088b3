//! A film as WebM, by an `ffmpeg` that is installed.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use taskscope_viewer::Film;

use crate::error::Error;

pub(super) fn write(out: &Path, frames_per_second: u32, film: Film) -> Result<(), Error> {
    let [width, height] = film.size();
    let mut command = Command::new("ffmpeg");
    command
        .args(["-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "rgba"])
        .args(["-s", &format!("{width}x{height}"), "-r", &frames_per_second.to_string(), "-i", "-"])
        // One thread, and nothing of the machine in the file: the same bytes each time.
        .args(["-c:v", "libvpx-vp9", "-crf", "24", "-b:v", "0", "-pix_fmt", "yuv420p"])
        .args(["-threads", "1", "-fflags", "+bitexact", "-flags:v", "+bitexact"])
        .arg(out)
        .stdin(Stdio::piped());
    let failed = |source| Error::Webm { path: out.to_owned(), source };
    let mut encoder = command.spawn().map_err(failed)?;
    let mut written = Ok(());
    if let Some(mut input) = encoder.stdin.take() {
        for picture in film {
            written = input.write_all(&picture.rgba);
            if written.is_err() {
                break;
            }
        }
    }
    // What ffmpeg says goes before: a pipe that it closed is only what follows from that.
    let status = encoder.wait().map_err(failed)?;
    if !status.success() {
        return Err(failed(std::io::Error::other(format!("ffmpeg ended with {status}"))));
    }
    written.map_err(failed)
}
