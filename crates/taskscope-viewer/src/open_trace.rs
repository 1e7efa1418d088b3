//! A trace that is open: what was read, what is selected in it, and where it lies on the shared
//! axis of time.

use std::path::PathBuf;
use std::sync::Arc;

use egui::Color32;
use taskscope_model::{PlaceIx, Poll, TaskIx, Trace};

use crate::prepared::{ColourBy, Prepared};
use crate::theme::Palette;

/// Names an open trace for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TraceId(pub(crate) u32);

/// A trace as it was read, before it has a place in the window.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) trace: Arc<Trace>,
    pub(crate) prepared: Arc<Prepared>,
    /// What the trace is called: its file's name.
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    /// What to look for in it, in a sentence.
    pub(crate) look_for: Option<String>,
}

impl Loaded {
    /// Works out what the window needs of a trace: see [`Prepared`] for what that costs.
    pub(crate) fn new(
        trace: impl Into<Arc<Trace>>,
        name: impl Into<String>,
        path: Option<PathBuf>,
    ) -> Self {
        let trace = trace.into();
        let prepared = Arc::new(Prepared::new(&trace));
        Self { trace, prepared, name: name.into(), path, look_for: None }
    }
}

/// An open trace.
#[derive(Debug)]
pub(crate) struct OpenTrace {
    pub(crate) id: TraceId,
    trace: Arc<Trace>,
    prepared: Arc<Prepared>,
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    /// What to look for, until it is closed.
    pub(crate) look_for: Option<String>,
    /// The moment that coincides with those of the other traces, in nanoseconds of its clock.
    pub(crate) anchor: f64,
    /// What is added to its time to get the time of the shared axis, in nanoseconds.
    pub(crate) offset: f64,
    pub(crate) selected: Option<TaskIx>,
    /// Counts the selections that lists of tasks should bring into sight.
    pub(crate) selections: u64,
    pub(crate) colour_by: ColourBy,
}

impl OpenTrace {
    /// A trace whose clock is the shared axis, with nothing selected.
    pub(crate) fn new(id: TraceId, loaded: Loaded) -> Self {
        let Loaded { trace, prepared, name, path, look_for } = loaded;
        Self {
            id,
            anchor: trace.span().start as f64,
            offset: 0.0,
            colour_by: prepared.colour_by(),
            trace,
            prepared,
            name,
            path,
            look_for,
            selected: None,
            selections: 0,
        }
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// Its first and last moment on the shared axis, in nanoseconds.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let span = self.trace.span();
        (span.start as f64 + self.offset, span.end as f64 + self.offset)
    }

    /// The trace lies in another file now.
    pub(crate) fn moved_to(&mut self, path: PathBuf) {
        if let Some(name) = path.file_name() {
            self.name = name.to_string_lossy().into_owned();
        }
        self.path = Some(path);
    }

    /// Selects a task, or none.
    pub(crate) fn select(&mut self, task: Option<TaskIx>) {
        self.selected = task;
        if task.is_some() {
            self.selections += 1;
        }
    }

    /// The colour of a task's polls.
    pub(crate) fn colour(&self, palette: &Palette, task: TaskIx) -> Color32 {
        match self.colour_by {
            // Tasks of one place differ in shade, so that neighbours can be told apart.
            ColourBy::Place => {
                let place = self.place_colour(palette, self.trace().task(task).place);
                palette.shade(place, task.get())
            }
            ColourBy::Task => palette.category(task.get()),
        }
    }

    /// The colour of a spawn place, or of tasks whose place was not recorded.
    pub(crate) fn place_colour(&self, palette: &Palette, place: Option<PlaceIx>) -> Color32 {
        match place {
            Some(place) => palette.category(self.prepared.category(place)),
            None => palette.weak,
        }
    }

    /// Whether a poll stays bright: nothing is selected, or its task is.
    pub(crate) fn is_bright(&self, poll: &Poll) -> bool {
        self.selected.is_none_or(|task| task == poll.task)
    }
}
