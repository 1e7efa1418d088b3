//! Running a lesson's program again, with other parameters.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, TryRecvError, channel};

use super::{LessonParameter, RunLesson};

/// What was chosen for another run, and what has become of it.
#[derive(Debug, Default)]
pub(super) struct Again {
    pub(super) values: BTreeMap<String, u64>,
    running: Option<Receiver<Result<Vec<PathBuf>, String>>>,
    pub(super) failed: Option<String>,
}

impl Again {
    pub(super) fn new(parameters: &[LessonParameter]) -> Self {
        let values = parameters.iter().map(|of| (of.name.clone(), of.usual)).collect();
        Self { values, ..Self::default() }
    }

    pub(super) fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins a run on a thread of its own.
    pub(super) fn start(&mut self, number: u32, run: RunLesson, ctx: &egui::Context) {
        let (sender, receiver) = channel();
        let (values, ctx) = (self.values.clone(), ctx.clone());
        std::thread::spawn(move || {
            // The receiver is gone if the lesson was left meanwhile.
            let _ = sender.send(run(number, &values));
            ctx.request_repaint();
        });
        (self.running, self.failed) = (Some(receiver), None);
    }

    /// The files of a run that is over.
    pub(super) fn take(&mut self) -> Option<Vec<PathBuf>> {
        let outcome = match self.running.as_ref()?.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => Err("its thread ended".to_owned()),
        };
        self.running = None;
        match outcome {
            Ok(files) => Some(files),
            Err(why) => {
                self.failed = Some(why);
                None
            }
        }
    }
}
