//! A lesson beside everything else: its text, the program's source, a question, and what to do next.
//!
//! A lesson has the traces that it is about open in the window, like any others. A step says where to look, and that is carried out
//! like what a person does: the playhead, the view, the pace, the selection. So whoever follows a lesson can look
//! elsewhere at any time, and the next step goes on from there.

mod again;
mod go;
mod panel;
mod runs;
mod source;
mod text;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use taskscope_lesson::{Lesson, Traces, Words};
use taskscope_model::Trace;

use crate::open_trace::TraceId;
use again::Again;
pub(crate) use panel::Around;
use runs::Runs;

/// A lesson that the window can open.
#[derive(Clone, Debug)]
pub struct LessonEntry {
    /// Its number, if it is one of those that come with taskscope.
    pub number: Option<u32>,
    /// Its text and steps.
    pub lesson: Arc<Lesson>,
    /// The program's source.
    pub source: Option<Arc<str>>,
    /// The traces: what the lesson calls each, what its file is called, and the trace.
    pub traces: Vec<(String, String, Arc<Trace>)>,
    /// What can be chosen for another run of its program.
    pub parameters: Vec<LessonParameter>,
}

/// Something that can be chosen for a run of a lesson's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonParameter {
    /// Its name.
    pub name: String,
    /// What it is, in a few words.
    pub about: String,
    /// What it was in the lesson's own run.
    pub usual: u64,
    /// The least and the most that it can be.
    pub range: (u64, u64),
}

/// Opens the lesson with this number.
///
/// Its traces are read when it is opened; says why if they cannot be.
pub type OpenLesson = Arc<dyn Fn(u32) -> Result<LessonEntry, String> + Send + Sync>;

/// Runs the program of the lesson with this number with these values, and returns the files with its traces, or says why it
/// couldn't.
///
/// Called on a thread of its own.
pub type RunLesson =
    Arc<dyn Fn(u32, &BTreeMap<String, u64>) -> Result<Vec<PathBuf>, String> + Send + Sync>;

/// A lesson in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LessonTitle {
    /// Its number.
    pub number: u32,
    /// What it is called.
    pub title: String,
    /// What it shows, in a sentence.
    pub summary: String,
}

/// The lessons that the window offers.
#[derive(Clone)]
pub struct Lessons {
    /// Their titles, in the order in which they are listed.
    pub titles: Vec<LessonTitle>,
    /// How to open one of them.
    pub open: OpenLesson,
    /// How to run the program of one of them again.
    pub run: Option<RunLesson>,
    /// The words around lessons.
    pub words: Arc<Words>,
}

/// The lesson that is open, and how far it is.
pub(crate) struct Course {
    pub(crate) entry: LessonEntry,
    words: Arc<Words>,
    /// The step that is shown, from 0.
    step: usize,
    /// Its traces by the names that it gives them, as they are open.
    open: Vec<(String, TraceId)>,
    traces: Traces,
    /// What was answered to the question of a step.
    answers: HashMap<usize, usize>,
    again: Again,
    runs: Runs,
    /// Whether the source is to be scrolled to the lit lines.
    scroll: bool,
}

impl Course {
    pub(crate) fn new(entry: LessonEntry, words: Arc<Words>) -> Self {
        let named = entry.traces.iter().map(|(name, _, trace)| (name.clone(), trace.clone()));
        Self {
            traces: Traces::new(named),
            again: Again::new(&entry.parameters),
            runs: Runs::default(),
            entry,
            words,
            step: 0,
            open: Vec::new(),
            answers: HashMap::new(),
            scroll: true,
        }
    }

    /// Its traces are open under these numbers.
    pub(crate) fn set_open(&mut self, open: Vec<(String, TraceId)>) {
        self.open = open;
    }

    fn step(&self) -> Option<&taskscope_lesson::Step> {
        self.entry.lesson.steps.get(self.step)
    }

    /// Goes to another step; whether there is one.
    pub(crate) fn turn(&mut self, forward: bool) -> bool {
        let last = self.entry.lesson.steps.len().saturating_sub(1);
        let to = if forward { self.step + 1 } else { self.step.wrapping_sub(1) };
        let is_there = to <= last;
        if is_there {
            self.step = to;
            self.scroll = true;
        }
        is_there
    }

    /// An answer to the question of this step was chosen.
    pub(crate) fn answer(&mut self, answer: usize) {
        self.answers.entry(self.step).or_insert(answer);
    }
}
