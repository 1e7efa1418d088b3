//! What a trace costs the window: to open it, to hold it, to look around in it.
//!
//! [`run`] does what a person would do with a file, always the same, in a window of 1600 by 1000
//! points that is on no screen. It opens the file as the window does, on other threads, while frames
//! are drawn. Then it zooms and pans, selects and steps, searches and sorts; and at last it follows a
//! copy of the file that grows.
//!
//! A frame is measured in processor time of the thread that draws it, from what a person did up to the
//! triangles that a painter would paint. What others do on the machine meanwhile does not count. What
//! takes several threads, or has somebody wait, is measured on the clock.

mod again;
mod following;
mod memory;
mod opening;
mod questions;
mod script;
mod stage;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use egui::vec2;
use serde::Serialize;
use taskscope_model::Trace;

use crate::app::App;
use crate::command::TraceCommand;
use crate::headless::Headless;
use crate::jobs::Mode;
use crate::open_trace::Loaded;
use crate::recent::Recent;
use crate::{Options, trace_file};

pub use questions::Questions;

/// The size of the window, in points.
const SIZE: [f32; 2] = [1600.0, 1000.0];

/// What was measured. Times are in milliseconds, sizes in bytes.
#[derive(Clone, Debug, Serialize)]
pub struct Bench {
    /// Polls of the trace.
    pub polls: u64,
    /// Events in its file.
    pub events: u64,
    /// Tasks of the trace.
    pub tasks: u64,
    /// The length of the file.
    pub file_bytes: u64,
    /// From the command to open the file until all of it is in the window.
    pub open_ms: f64,
    /// Processor time of all threads meanwhile.
    pub open_cpu_ms: f64,
    /// What opening takes once more, with an index of the file. (The first time there is none.) `None`
    /// where none can be written among the temporary files.
    pub open_again_ms: Option<f64>,
    /// Until the window shows something of the trace.
    pub first_picture_ms: f64,
    /// What the process holds more than before, once the trace is open; the file's own pages do not
    /// count. `None` where the operating system does not say it.
    pub resident_bytes: Option<u64>,
    /// That, for each poll.
    pub bytes_per_poll: Option<f64>,
    /// The most that it held while the trace was opened.
    pub peak_bytes: Option<u64>,
    /// Processor time of frames: panning, and zooming from everything to a microsecond and back.
    pub frame_ms: Quantiles,
    /// Processor time to select a task, to seek, and to step to the next event or the one before.
    pub seek_ms: Quantiles,
    /// From the last letter of what is searched for to the rows.
    pub search_ms: SearchTimes,
    /// From the click on a column of the table to the sorted rows, of each column.
    pub sort_ms: Quantiles,
    /// From when something is in a file that is followed until it is in the window, at most.
    pub follow_lag_ms: Option<f64>,
    /// What the figures of `taskscope summary` take once the trace is open.
    pub summary_ms: f64,
    /// Processor time of frames with the stage, while it plays at each pace.
    pub stage_ms: Quantiles,
    /// From the command to go to a moment until the stage shows it.
    pub stage_seek_ms: Quantiles,
    /// The most tasks that it showed.
    pub stage_tasks: usize,
    /// What the questions take that panels ask.
    pub questions: Questions,
}

/// How often, and in how much time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Quantiles {
    /// How many were measured.
    pub count: usize,
    /// Half of them took no longer than this.
    pub p50: f64,
    /// And 99 of 100.
    pub p99: f64,
    /// And all.
    pub max: f64,
}

impl Quantiles {
    /// Of times, in any order.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |part: f64| {
            let rank = (part * times.len() as f64).ceil() as usize;
            times.get(rank.saturating_sub(1)).copied().map_or(0.0, millis)
        };
        Self { count: times.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// How long a search takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct SearchTimes {
    /// Until there are rows.
    pub first: f64,
    /// Until there are all.
    pub all: f64,
}

/// Why a file could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// It could not be opened; the window would say this.
    #[error("{0}")]
    Open(String),
    /// The copy that is followed could not be written, or the file not be read again.
    #[error("cannot follow a copy of the trace: {0}")]
    Copy(#[from] std::io::Error),
}

/// Opens a file as the window does, and measures.
///
/// # Errors
/// [`BenchError::Open`] if it is no trace, and [`BenchError::Copy`] if there is no room for a copy of
/// a part of it among the temporary files.
pub fn run(path: &Path) -> Result<Bench, BenchError> {
    let ctx = egui::Context::default();
    let app = App::new(&ctx, Options::default(), Recent::default(), Mode::of_this_machine());
    let mut window = Headless::new(ctx, app, vec2(SIZE[0], SIZE[1]), 1.0);
    let opened = opening::open(&mut window, path)?;
    let trace = opened.trace;
    let measured = script::run(&mut window);
    let (stage_ms, stage_seek_ms, stage_tasks) = stage::run(&mut window);
    let begun = std::time::Instant::now();
    drop(trace.summary());
    let summary_ms = millis(begun.elapsed());
    let questions = questions::ask(&trace);
    let polls = trace.poll_count();
    let bench = Bench {
        polls,
        events: trace.report().records,
        tasks: trace.task_count() as u64,
        file_bytes: std::fs::metadata(path)?.len(),
        open_ms: millis(opened.whole),
        open_cpu_ms: millis(opened.processor),
        open_again_ms: None,
        first_picture_ms: millis(opened.first),
        resident_bytes: opened.resident,
        bytes_per_poll: opened.resident.map(|bytes| bytes as f64 / polls.max(1) as f64),
        peak_bytes: opened.peak,
        frame_ms: Quantiles::of(measured.frames),
        seek_ms: Quantiles::of(measured.seeks),
        search_ms: measured.search,
        sort_ms: Quantiles::of(measured.sorts),
        follow_lag_ms: None,
        summary_ms,
        stage_ms,
        stage_seek_ms,
        stage_tasks,
        questions,
    };
    let indexed = again::Indexed::new(path, &trace);
    let end = trace.span().end;
    close(window, trace);
    let open_again_ms =
        indexed.map(|indexed| indexed.open(path)).transpose()?.flatten().map(millis);
    Ok(Bench { open_again_ms, follow_lag_ms: following::lag(path, end)?.map(millis), ..bench })
}

/// A window with a trace, to measure single frames in.
pub struct Frames(Headless);

impl std::fmt::Debug for Frames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Frames").finish()
    }
}

impl Frames {
    /// Opens a trace.
    pub fn new(trace: Trace) -> Self {
        let ctx = egui::Context::default();
        let loaded = Loaded::new(trace, "bench", None);
        let app = App::with_traces(&ctx, vec![loaded], Mode::of_this_machine());
        let mut window = Headless::new(ctx, app, vec2(SIZE[0], SIZE[1]), 1.0);
        opening::settle(&mut window);
        Self(window)
    }

    /// Shows a part of the whole time, from a place on (both from 0 to 1), in a frame; what that took
    /// of this thread's time on a processor.
    pub fn show(&mut self, part: f64, from: f64) -> Duration {
        let Headless { app, .. } = &mut self.0;
        let bounds = app.workspace.as_ref().map_or((0.0, 1.0), |open| open.clock.view.bounds());
        let length = bounds.1 - bounds.0;
        app.commands.send(TraceCommand::Show(bounds.0 + from * length, part * length));
        self.0.frame(Vec::new()).took
    }
}

/// Frees a trace before the next is opened.
fn close(mut window: Headless, trace: Arc<Trace>) {
    drop(trace);
    window.app.close_all();
    window.app.jobs.wait();
}

fn millis(time: Duration) -> f64 {
    // Microseconds are all that such a measurement says.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// A window to follow a file in.
fn following_window(path: &Path) -> Headless {
    let ctx = egui::Context::default();
    let options = Options { files: vec![path.to_owned()], follow: true, ..Options::default() };
    let app = App::new(&ctx, options, Recent::default(), Mode::of_this_machine());
    Headless::new(ctx, app, vec2(SIZE[0], SIZE[1]), 1.0)
}

/// Whether a file is one that can be followed: no black box, no pipe.
fn is_followable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file())
        && trace_file::read_black_box(path).is_ok_and(|found| found.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_sorted_times() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let expected = Quantiles { count: 200, p50: 100.0, p99: 198.0, max: 200.0 };
        assert_eq!(Quantiles::of(times), expected);
        assert_eq!(Quantiles::of(Vec::new()), Quantiles::default());
    }
}
