//! A trace that is open: what was read, what is selected in it, and where it lies on the shared
//! axis of time.
//!
//! The trace itself is a snapshot that never changes. While its file is still being read or
//! still grows, a newer snapshot takes its place; indices of tasks, polls and lanes mean the
//! same in both. `revision` counts the snapshots, so that what was worked out for an earlier one
//! can be told from what holds now.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use egui::Color32;
use serde::{Deserialize, Serialize};
use taskscope_model::findings::{Finding, affected, findings};
use taskscope_model::questions::compare::{TraceFigures, figures};
use taskscope_model::questions::{Activity, Stage};
use taskscope_model::{LaneIx, PlaceIx, StateTimes, TaskIx, TaskTimes, Trace};

use crate::following::Following;
use crate::jobs::{self, Jobs, Question, Snapshot};
use crate::marks::MarkList;
use crate::prepared::{self, ColourBy, Prepared};
use crate::search::Search;
use crate::theme::Palette;
use crate::way::Ways;

/// Names an open trace for as long as the window is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
pub(crate) struct TraceId(pub(crate) u32);

/// A trace as it was read, before it has a place in the window.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) trace: Arc<Trace>,
    pub(crate) prepared: Arc<Prepared>,
    /// How long its tasks were in each state, where that is quickly worked out.
    pub(crate) times: Option<Arc<TaskTimes>>,
    /// What the trace is called: its file's name.
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    /// What to look for in it, in a sentence.
    pub(crate) look_for: Option<String>,
    /// Whether there is more in its file, which is being read.
    pub(crate) is_part: bool,
}

impl Loaded {
    /// Works out what the window needs of a trace: see [`Prepared`] for what that costs.
    pub(crate) fn new(
        trace: impl Into<Arc<Trace>>,
        name: impl Into<String>,
        path: Option<PathBuf>,
    ) -> Self {
        jobs::now(Self::prepare(trace, name, path))
    }

    /// The same with pauses.
    pub(crate) async fn prepare(
        trace: impl Into<Arc<Trace>>,
        name: impl Into<String>,
        path: Option<PathBuf>,
    ) -> Self {
        let trace = trace.into();
        let prepared = Arc::new(Prepared::new(&trace).await);
        let times = match trace.poll_count() < FEW_POLLS {
            true => Some(Arc::new(prepared::times(&trace).await)),
            false => None,
        };
        Self { trace, prepared, times, name: name.into(), path, look_for: None, is_part: false }
    }
}

/// Something that is wrong in the recorded program, and who had to wait because of it.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) finding: Finding,
    pub(crate) affected: Vec<TaskIx>,
}

async fn found(trace: &Trace, activity: Option<&Activity>) -> Vec<Found> {
    let mut found = Vec::new();
    for finding in findings(trace).await {
        // A note is worth knowing; nobody is looked for.
        let affected = match finding.is_alarm() {
            true => affected(trace, activity, &finding).await,
            false => Vec::new(),
        };
        found.push(Found { finding, affected });
    }
    found
}

/// The times of the tasks of fewer polls come with the trace. (A few milliseconds.)
const FEW_POLLS: u64 = 200_000;

/// An open trace.
#[derive(Debug)]
pub(crate) struct OpenTrace {
    pub(crate) id: TraceId,
    trace: Arc<Trace>,
    /// Which snapshot of the trace that is; see the top of this file.
    pub(crate) revision: u64,
    prepared: Arc<Prepared>,
    /// Of which snapshot that is.
    pub(crate) prepared_revision: u64,
    /// The same for a newer snapshot, while it is worked out.
    newer: Question<(), Arc<Prepared>>,
    times: Question<(), Arc<TaskTimes>>,
    /// What questions about all tasks lean on, once one of them is asked.
    activity: Question<(), Arc<Activity>>,
    wants_activity: Cell<bool>,
    /// What scenes lean on, once one is shown.
    stage: Question<(), Arc<Stage>>,
    wants_stage: Cell<bool>,
    /// What is wrong in the program, once it has been read to its end.
    findings: Question<(), Arc<Vec<Found>>>,
    wants_findings: Cell<bool>,
    /// What is searched for in it.
    pub(crate) search: Search,
    /// Its figures by spawn place, once it is compared with another.
    figures: Question<(), Arc<TraceFigures>>,
    wants_figures: Cell<bool>,
    pub(crate) name: String,
    pub(crate) path: Option<PathBuf>,
    /// What to look for, until it is closed.
    pub(crate) look_for: Option<String>,
    /// Whether there is more in its file, which is being read.
    pub(crate) is_part: bool,
    /// What becomes of a file that is followed, or was to its end.
    pub(crate) following: Option<Following>,
    /// The moment that coincides with those of the other traces, in nanoseconds of its clock.
    pub(crate) anchor: f64,
    /// What is added to its time to get the time of the shared axis, in nanoseconds.
    pub(crate) offset: f64,
    pub(crate) selected: Option<TaskIx>,
    /// Counts the selections that lists of tasks should bring into sight.
    pub(crate) selections: u64,
    pub(crate) colour_by: ColourBy,
    /// A lane that a lesson speaks of.
    pub(crate) lit: Option<LaneIx>,
    /// What somebody wrote about it.
    pub(crate) marks: MarkList,
    /// What held polls up.
    pub(crate) ways: Ways,
    /// Whether what the program said is written out below the lanes, as lessons want it.
    pub(crate) writes_messages: bool,
    /// Whether a lesson asks how the selected task goes on: its path is drawn up to the playhead.
    pub(crate) guesses: bool,
}

impl OpenTrace {
    /// A trace whose clock is the shared axis, with nothing selected.
    pub(crate) fn new(id: TraceId, loaded: Loaded) -> Self {
        let Loaded { trace, prepared, times, name, path, look_for, is_part } = loaded;
        Self {
            id,
            anchor: trace.span().start as f64,
            offset: 0.0,
            colour_by: prepared.colour_by(),
            trace,
            revision: 0,
            prepared,
            prepared_revision: 0,
            newer: Question::default(),
            activity: Question::aside(),
            wants_activity: Cell::new(false),
            stage: Question::default(),
            wants_stage: Cell::new(false),
            findings: Question::aside(),
            wants_findings: Cell::new(false),
            figures: Question::aside(),
            wants_figures: Cell::new(false),
            times: times.map_or_else(Question::aside, |times| Question::answered(0, (), times)),
            search: Search::default(),
            name,
            marks: MarkList::of(path.as_deref()),
            path,
            look_for,
            is_part,
            following: None,
            selected: None,
            selections: 0,
            lit: None,
            ways: Ways::default(),
            writes_messages: false,
            guesses: false,
        }
    }

    pub(crate) fn trace(&self) -> &Trace {
        &self.trace
    }

    pub(crate) fn prepared(&self) -> &Prepared {
        &self.prepared
    }

    /// The trace, for a job that may outlive it here.
    pub(crate) fn trace_for_jobs(&self) -> Arc<Trace> {
        self.trace.clone()
    }

    /// A newer snapshot of the trace takes the place of this one, which is given back.
    pub(crate) fn replace(&mut self, newer: Arc<Trace>) -> Arc<Trace> {
        // One that is aligned at its start remains so, if something earlier was found.
        if self.anchor == self.trace.span().start as f64 {
            self.anchor = newer.span().start as f64;
        }
        self.revision += 1;
        std::mem::replace(&mut self.trace, newer)
    }

    /// A trace of another file takes the place of this one.
    pub(crate) fn begin_again(&mut self, loaded: Loaded) -> Arc<Trace> {
        (self.selected, self.prepared) = (None, loaded.prepared);
        self.anchor = loaded.trace.span().start as f64;
        self.revision += 1;
        self.prepared_revision = self.revision;
        self.newer = Question::default();
        self.stage = Question::default();
        self.findings = Question::aside();
        self.search = Search::default();
        self.ways = Ways::default();
        // Marks stay: they lie beside the file, whatever is recorded into it.
        self.figures = Question::aside();
        self.times = match loaded.times {
            Some(times) => Question::answered(self.revision, (), times),
            None => Question::aside(),
        };
        std::mem::replace(&mut self.trace, loaded.trace)
    }

    /// Which snapshot the trace is.
    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot { revision: self.revision, grows: self.is_part }
    }

    /// Since when its file is followed, if it is.
    pub(crate) fn followed_since(&self) -> Option<Instant> {
        self.following.and_then(Following::is_on)
    }

    /// Takes in what is worked out, when it is there for a newer snapshot. `moment` is that of the playhead, unless the
    /// recording plays.
    pub(crate) fn refresh(&mut self, jobs: &Jobs, moment: Option<u64>) {
        let snapshot = self.snapshot();
        let activity = self.activity.answer().map(|answer| answer.value.clone());
        self.search.refresh(jobs, snapshot, &self.trace, activity, moment);
        if self.revision != self.prepared_revision {
            let trace = self.trace.clone();
            let work = || async move { Arc::new(Prepared::new(&trace).await) };
            if let Some(newer) = self.newer.ask(jobs, snapshot, &(), work) {
                self.prepared = newer.value.clone();
                self.prepared_revision = newer.revision;
            }
        }
        // Of a part that is read on, few would look at them before all is there.
        if !self.is_part || self.followed_since().is_some() {
            let trace = self.trace.clone();
            let work = || async move { Arc::new(prepared::times(&trace).await) };
            self.times.ask(jobs, snapshot, &(), work);
        }
        // Whoever looks at a trace will ask questions about all tasks.
        if (jobs.work_aside() || self.wants_activity.get()) && !self.is_part {
            let trace = self.trace.clone();
            let work = || async move { Arc::new(Activity::new(&trace).await) };
            self.activity.ask(jobs, snapshot, &(), work);
        }
        if self.wants_findings.get() && !self.is_part {
            let (trace, activity) = (self.trace.clone(), self.activity_for_jobs());
            let work = || async move { Arc::new(found(&trace, activity.as_deref()).await) };
            self.findings.ask(jobs, snapshot, &(), work);
        }
        if self.wants_figures.get() && !self.is_part {
            let (trace, times) = (self.trace.clone(), self.times_for_jobs());
            let times = times.filter(|(revision, _)| *revision == self.revision);
            let times = times.map(|(_, times)| times);
            let work = || async move { Arc::new(figures(&trace, times.as_deref()).await) };
            self.figures.ask(jobs, snapshot, &(), work);
        }
        if self.wants_stage.get() {
            let trace = self.trace.clone();
            let work = || async move { Arc::new(Stage::new(&trace).await) };
            self.stage.ask(jobs, snapshot, &(), work);
        }
    }

    /// What is wrong in the recorded program, the worst first; `None` until that is known. It is worked out once something
    /// wants it, and of a file that is read to its end.
    pub(crate) fn findings(&self) -> Option<&[Found]> {
        self.wants_findings.set(true);
        self.findings.answer().map(|answer| &answer.value[..])
    }

    /// Its figures by spawn place, and of which snapshot they are; `None` until they are known. They are added up once something
    /// wants them, and of a file that is read to its end.
    pub(crate) fn figures(&self) -> Option<(u64, &Arc<TraceFigures>)> {
        self.wants_figures.set(true);
        self.figures.answer().map(|answer| (answer.revision, &answer.value))
    }

    /// How long a task was in each state; `None` where that has not been worked out yet. A task that
    /// is newer than what was worked out has been in none.
    pub(crate) fn times(&self, task: TaskIx) -> Option<StateTimes> {
        self.times.answer().map(|answer| answer.value.get(task))
    }

    /// The times of all tasks, for a job that may outlive them here, and of which snapshot they are.
    pub(crate) fn times_for_jobs(&self) -> Option<(u64, Arc<TaskTimes>)> {
        self.times.answer().map(|answer| (answer.revision, answer.value.clone()))
    }

    /// What questions about all tasks lean on, if it is there; it may be of an earlier snapshot. It
    /// takes a second for ten million polls: where that is not done aside, it is done once a panel wants it.
    pub(crate) fn activity_for_jobs(&self) -> Option<Arc<Activity>> {
        self.wants_activity.set(true);
        self.activity.answer().map(|answer| answer.value.clone())
    }

    /// What scenes lean on, if it is there; it may be of an earlier snapshot. It is worked out once something
    /// wants it.
    pub(crate) fn stage(&self) -> Option<&Arc<Stage>> {
        self.wants_stage.set(true);
        self.stage.answer().map(|answer| &answer.value)
    }

    /// Its first and last moment on the shared axis, in nanoseconds.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        let span = self.trace.span();
        (span.start as f64 + self.offset, span.end as f64 + self.offset)
    }

    /// The trace lies in another file now, with these marks beside it.
    pub(crate) fn moved_to(&mut self, path: PathBuf, marks: Option<Vec<u8>>) {
        self.marks.moved_to(&path, marks);
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
                let colour = match self.prepared.category_of(task) {
                    Some(category) => palette.category(category),
                    None => self.place_colour(palette, self.trace().task(task).place),
                };
                palette.shade(colour, task.get())
            }
            ColourBy::Task => palette.category(task.get()),
            ColourBy::Worker => {
                let last = self.trace.task_polls(task).last();
                last.map_or(palette.weak, |last| palette.category(self.trace.poll(last).lane.get()))
            }
            ColourBy::Length => palette.length(self.trace.task(task).longest()),
        }
    }

    /// The colour of a spawn place, or of tasks whose place was not recorded.
    pub(crate) fn place_colour(&self, palette: &Palette, place: Option<PlaceIx>) -> Color32 {
        match place {
            Some(place) => palette.category(self.prepared.category(place)),
            None => palette.weak,
        }
    }

    /// Whether the polls of a task stay bright: it is selected, or nothing is and it is what is searched for.
    pub(crate) fn is_bright(&self, task: TaskIx) -> bool {
        match self.selected {
            Some(selected) => selected == task,
            None => self.search.hits().is_none_or(|hits| hits.has(task)),
        }
    }
}
