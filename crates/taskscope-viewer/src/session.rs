//! A command that runs while the window is open: its recordings join as they appear.
//!
//! Who runs the command holds one [`Session`], the window a clone of it. The one reports: a file
//! has appeared, the command has ended, the window is to close. The window looks at each frame, and
//! each report asks for one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A command whose recordings the window follows.
#[derive(Clone, Debug)]
pub struct Session(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    command: String,
    whereabouts: String,
    begun: Instant,
    /// Those that the window has not taken yet.
    files: Vec<PathBuf>,
    has_recorded: bool,
    /// How the command has ended, once it has.
    ended: Option<String>,
    is_closing: bool,
    ctx: Option<egui::Context>,
}

impl Session {
    /// `command` is what runs, as a person typed it; `whereabouts` says in a sentence where its
    /// recordings lie and for how long.
    pub fn new(command: impl Into<String>, whereabouts: impl Into<String>) -> Self {
        Self(Arc::new(Mutex::new(State {
            command: command.into(),
            whereabouts: whereabouts.into(),
            begun: Instant::now(),
            files: Vec::new(),
            has_recorded: false,
            ended: None,
            is_closing: false,
            ctx: None,
        })))
    }

    /// A process of the command has begun to record to this file: its header is there.
    pub fn join(&self, file: PathBuf) {
        self.change(|state| {
            state.files.push(file);
            state.has_recorded = true;
        });
    }

    /// The command has ended: `how` in words, such as `ended with exit code 3`.
    pub fn command_ended(&self, how: impl Into<String>) {
        self.change(|state| state.ended = Some(how.into()));
    }

    /// Closes the window, if it is open.
    pub fn close(&self) {
        self.change(|state| state.is_closing = true);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let ctx = state.ctx.clone();
        // egui has locks of its own, which are not taken within this one.
        drop(state);
        if let Some(ctx) = ctx {
            ctx.request_repaint();
        }
    }

    /// Reports ask for a frame of this window from now on.
    pub(crate) fn attach(&self, ctx: &egui::Context) {
        self.state().ctx = Some(ctx.clone());
    }

    /// The files that have appeared since the last call, in their order.
    pub(crate) fn take_files(&self) -> Vec<PathBuf> {
        std::mem::take(&mut self.state().files)
    }

    /// Whether any process of the command has recorded.
    pub(crate) fn has_recorded(&self) -> bool {
        self.state().has_recorded
    }

    /// Whether the command has ended.
    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state().is_closing
    }

    /// When the command was started.
    pub(crate) fn begun(&self) -> Instant {
        self.state().begun
    }

    /// The command and what has become of it: `` `app` is running``.
    pub(crate) fn status(&self) -> String {
        let state = self.state();
        format!("`{}` {}", state.command, state.ended.as_deref().unwrap_or("is running"))
    }

    /// Where its recordings lie and for how long, in a sentence.
    pub(crate) fn whereabouts(&self) -> String {
        self.state().whereabouts.clone()
    }
}
