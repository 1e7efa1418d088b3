//! Opening a file while frames are drawn.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use taskscope_model::Trace;

use super::{BenchError, memory};
use crate::command::AppCommand;
use crate::headless::Headless;

/// As a display asks for them.
const FRAME: Duration = Duration::from_micros(16_667);
/// What has asked for no frame is drawn so often all the same: it shows how far it is.
const SLOWEST: Duration = Duration::from_millis(100);

/// A trace that was opened, and what it took.
pub(super) struct Opened {
    pub(super) trace: Arc<Trace>,
    /// Until a part of it was in the window.
    pub(super) first: Duration,
    /// Until all of it was.
    pub(super) whole: Duration,
    /// Processor time until then.
    pub(super) processor: Duration,
    pub(super) resident: Option<u64>,
    pub(super) peak: Option<u64>,
}

/// Runs a frame, and waits as long as a display would, or until something asks for the next.
pub(super) fn paced_frame(window: &mut Headless) {
    let begun = Instant::now();
    window.frame(Vec::new());
    loop {
        std::thread::sleep(FRAME.saturating_sub(begun.elapsed()).max(Duration::from_millis(2)));
        if window.ctx.has_requested_repaint() || begun.elapsed() >= SLOWEST {
            return;
        }
    }
}

/// Opens a file in a window that shows none.
pub(super) fn open(window: &mut Headless, path: &Path) -> Result<Opened, BenchError> {
    // Fonts, and the code that draws.
    for _ in 0..3 {
        window.frame(Vec::new());
    }
    memory::forget_peak();
    let before = memory::now();
    let (begun, processor) = (Instant::now(), ProcessTime::now());
    window.app.commands.send(AppCommand::OpenFiles(vec![path.to_owned()]));
    window.frame(Vec::new());
    let mut first = None;
    while window.app.is_loading() {
        paced_frame(window);
        if window.app.workspace.is_some() {
            first.get_or_insert(begun.elapsed());
        }
    }
    let (whole, processor) = (begun.elapsed(), processor.elapsed());
    if let Some(error) = &window.app.error {
        return Err(BenchError::Open(error.clone()));
    }
    settle(window);
    let open = window.app.workspace.as_ref().and_then(|workspace| workspace.active());
    let Some(trace) = open.map(|open| open.trace_for_jobs()) else {
        return Err(BenchError::Open("nothing was opened".to_owned()));
    };
    let held = memory::now().zip(before);
    Ok(Opened {
        trace,
        first: first.unwrap_or(whole),
        whole,
        processor,
        resident: held.map(|(now, before)| now.resident.saturating_sub(before.resident)),
        peak: held.map(|(now, before)| now.peak.saturating_sub(before.resident)),
    })
}

/// Until nothing is being worked out any more.
pub(super) fn settle(window: &mut Headless) {
    // An answer may lead to another question.
    for _ in 0..4 {
        window.frame(Vec::new());
        window.app.jobs.wait();
    }
    window.frame(Vec::new());
}
