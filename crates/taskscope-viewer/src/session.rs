//! A command that runs while the window is open: its recordings join as they appear.
//!
//! Who runs the command holds one [`Session`], the window a clone of it. The one reports: a file
//! has appeared, the command has ended, the window is to close. The window looks at each frame, and
//! each report asks for one.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::time;

/// A command whose recordings the window follows.
#[derive(Clone, Debug)]
pub struct Session(Arc<Mutex<State>>);

/// What becomes of the recordings of a [`Session`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recordings {
    /// They are removed when the window is closed.
    Temporary,
    /// They stay in this directory.
    KeptIn(PathBuf),
}

/// So many recordings are opened: each takes a part of the window.
const MOST: usize = 12;

#[derive(Debug)]
struct State {
    command: String,
    recordings: Recordings,
    begun: Instant,
    /// Those that the window has not taken yet.
    files: Vec<PathBuf>,
    /// How many have appeared.
    count: usize,
    /// How the command has ended, once it has.
    ended: Option<String>,
    is_closing: bool,
    ctx: Option<egui::Context>,
}

impl Session {
    /// `command` is what runs, as a person typed it.
    pub fn new(command: impl Into<String>, recordings: Recordings) -> Self {
        Self(Arc::new(Mutex::new(State {
            command: command.into(),
            recordings,
            begun: Instant::now(),
            files: Vec::new(),
            count: 0,
            ended: None,
            is_closing: false,
            ctx: None,
        })))
    }

    /// A process of the command has begun to record to this file: its header is there.
    pub fn join(&self, file: PathBuf) {
        self.change(|state| {
            state.count += 1;
            if state.count <= MOST {
                state.files.push(file);
            }
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
        self.state().count > 0
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

    /// Whether its recordings are removed with the window.
    pub(crate) fn is_temporary(&self) -> bool {
        self.state().recordings == Recordings::Temporary
    }

    /// What becomes of its recordings, and whether all can be seen, in sentences.
    pub(crate) fn about_recordings(&self) -> String {
        let state = self.state();
        let mut text = match &state.recordings {
            Recordings::Temporary => "What it records is removed when this window is closed; Save \
                                      as… in the menu Trace keeps a copy."
                .to_owned(),
            Recordings::KeptIn(folder) => format!("What it records is in `{}`.", folder.display()),
        };
        if let Some(more) = state.count.checked_sub(MOST).filter(|more| *more > 0) {
            text.push_str(&format!(
                " {} recordings have begun: the first {MOST} are shown, {more} are not.",
                time::count(state.count as u64)
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_recordings_are_opened_and_the_others_counted() {
        let session = Session::new("app", Recordings::KeptIn("/traces".into()));
        for number in 0..MOST + 2 {
            session.join(format!("/traces/app-{number}.tscope").into());
        }
        assert_eq!(session.take_files().len(), MOST);
        assert_eq!(session.take_files(), [""; 0].map(PathBuf::from));
        let about = session.about_recordings();
        assert!(about.contains("`/traces`") && about.contains("2 are not"), "{about}");
        assert!(!session.is_temporary());
    }
}
