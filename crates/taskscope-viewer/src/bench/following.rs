//! How late the window shows what is written to a file that it follows.
//!
//! A copy of the first part of the trace is opened, and the rest is appended to it, a piece every 50
//! ms, as a recorder does. (What a recorder keeps until it writes comes on top of that: up to 50 ms.)

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use taskscope_format::{Nanos, Scan, Scanner};

use super::opening::paced_frame;
use super::{following_window, is_followable};
use crate::headless::Headless;

/// A recorder writes so often.
const EVERY: Duration = Duration::from_millis(50);
/// The copy is no longer than this, before it grows.
const MOST_COPIED: u64 = 512 << 20;
/// So many pieces are appended, where there are as many.
const MOST_PIECES: usize = 60;
/// What has not come after so long does not come.
const PATIENCE: Duration = Duration::from_secs(60);
/// Any block fits into it.
const WINDOW: u64 = 4 << 20;

/// A part of the file that is written at once.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// Where it ends.
    end: u64,
    /// The last time at which one of its blocks begins.
    newest: Nanos,
}

/// The most time from when a piece was in the file until it was in the window; `None` where the file
/// is too short to say. `end` is how far its trace reaches.
pub(super) fn lag(path: &Path, end: Nanos) -> io::Result<Option<Duration>> {
    if !is_followable(path) {
        return Ok(None);
    }
    let mut file = File::open(path)?;
    let pieces = pieces(&mut file, end)?;
    let (half, most) = (file.metadata()?.len() / 2, MOST_COPIED);
    let first = pieces.partition_point(|piece| piece.end <= half.min(most));
    let (Some(before), Some(rest)) = (first.checked_sub(1), pieces.get(first..)) else {
        return Ok(None);
    };
    let (before, rest) = (pieces[before], &rest[..rest.len().min(MOST_PIECES)]);
    let mut copy = tempfile::NamedTempFile::new()?;
    append(&mut file, &mut copy, 0..before.end)?;
    let mut window = following_window(copy.path());
    if !frames_until_still(&mut window) {
        return Ok(None);
    }
    let before = Piece { newest: reached(&window), ..before };
    let (sender, written) = channel();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            let mut from = before.end;
            for piece in rest {
                append(&mut file, &mut copy, from..piece.end)?;
                from = piece.end;
                // The receiver is gone if it has lost its patience.
                let _ = sender.send((Instant::now(), piece.newest));
                std::thread::sleep(EVERY);
            }
            // It is removed when it is closed.
            io::Result::Ok(copy)
        });
        let most = watch(&mut window, &written, before.newest);
        let copy =
            writer.join().map_err(|_| io::Error::other("the thread that writes panicked"))?;
        window.app.close_all();
        drop(copy?);
        Ok(most)
    })
}

/// Draws until all that was written is there.
fn watch(
    window: &mut Headless,
    written: &Receiver<(Instant, Nanos)>,
    before: Nanos,
) -> Option<Duration> {
    let mut waiting: Vec<(Instant, Nanos)> = Vec::new();
    let (mut most, mut is_over, begun) = (None, false, Instant::now());
    let mut still = Still::default();
    while !is_over || !waiting.is_empty() {
        paced_frame(window);
        // What has not come by then are blocks of facts, to whose times no trace reaches.
        if still.is(reached(window)) && is_over {
            break;
        }
        loop {
            match written.try_recv() {
                // Nothing of it is newer than what was there: there is nothing to wait for.
                Ok((_, newest)) if newest <= before => {}
                Ok(piece) => waiting.push(piece),
                Err(error) => {
                    is_over = error == std::sync::mpsc::TryRecvError::Disconnected;
                    break;
                }
            }
        }
        let reached = reached(window);
        waiting.retain(|(written, newest)| {
            let is_there = reached >= *newest;
            if is_there {
                most = most.max(Some(written.elapsed()));
            }
            !is_there
        });
        if begun.elapsed() > PATIENCE {
            return None;
        }
    }
    most
}

/// How far what is shown reaches.
fn reached(window: &Headless) -> Nanos {
    let open = window.app.workspace.as_ref().and_then(|workspace| workspace.active());
    open.map_or(0, |open| open.trace().span().end)
}

/// Draws until all that was written is there, as far as can be seen: nothing more comes.
fn frames_until_still(window: &mut Headless) -> bool {
    let (begun, mut still) = (Instant::now(), Still::default());
    while !still.is(reached(window)) {
        if begun.elapsed() > PATIENCE || window.app.error.is_some() {
            return false;
        }
        paced_frame(window);
    }
    true
}

/// Whether something has stayed the same for a while.
#[derive(Default)]
struct Still(Option<(Nanos, Instant)>);

impl Still {
    /// More than it takes until the window shows what there is.
    const WHILE: Duration = Duration::from_secs(1);

    fn is(&mut self, now: Nanos) -> bool {
        match self.0 {
            Some((before, since)) if before == now => now > 0 && since.elapsed() >= Self::WHILE,
            _ => {
                self.0 = Some((now, Instant::now()));
                false
            }
        }
    }
}

fn append(from: &mut File, to: &mut impl Write, range: std::ops::Range<u64>) -> io::Result<()> {
    from.seek(SeekFrom::Start(range.start))?;
    io::copy(&mut from.take(range.end - range.start), to)?;
    to.flush()
}

/// What a recorder would have written at once, from the first block on.
fn pieces(file: &mut File, end: Nanos) -> io::Result<Vec<Piece>> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut scanner = Scanner::new();
    let every = EVERY.as_nanos() as Nanos;
    let mut newest = 0;
    loop {
        let begins = scanner.position();
        let mut window = Vec::new();
        file.seek(SeekFrom::Start(begins))?;
        file.take(WINDOW).read_to_end(&mut window)?;
        let is_last = (window.len() as u64) < WINDOW;
        loop {
            let at = ((scanner.position() - begins) as usize).min(window.len());
            match scanner.next(&window[at..], is_last) {
                Scan::More => break,
                Scan::Ended => return Ok(pieces),
                Scan::Damage { .. } => {}
                Scan::Block(block) => {
                    // (A last block may hold facts alone, and nothing that a trace reaches to.)
                    newest = newest.max(block.begins.unwrap_or(0).min(end));
                    let piece = Piece { end: scanner.position(), newest };
                    match pieces.last_mut() {
                        Some(last) if last.newest / every == newest / every => *last = piece,
                        _ => pieces.push(piece),
                    }
                }
            }
        }
    }
}
