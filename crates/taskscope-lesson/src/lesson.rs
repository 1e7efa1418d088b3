//! A lesson, as it was read.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::claims::Claim;
use crate::moment::Moment;

/// A lesson.
#[derive(Clone, Debug, PartialEq)]
pub struct Lesson {
    /// What it is called.
    pub title: String,
    /// What it shows, in a sentence: for lists.
    pub summary: String,
    /// The program that it is about, by its name, if taskscope can run it.
    pub program: Option<String>,
    /// With which parameters its traces were recorded.
    pub parameters: BTreeMap<String, u64>,
    /// What its parameters are called in the lesson's language, where that is not the program's.
    pub labels: BTreeMap<String, String>,
    /// The file with the program's source, beside the lesson's.
    pub source: Option<String>,
    /// The traces: the name of each and its file, beside the lesson's.
    pub traces: Vec<(String, String)>,
    /// What stands before the first step.
    pub introduction: Vec<Block>,
    /// Its steps, in their order. There is at least one.
    pub steps: Vec<Step>,
}

/// A step of a lesson: where to look, and what to see there.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The line of the file on which it begins, from 1.
    pub line: usize,
    /// Its heading.
    pub title: String,
    /// What there is to read.
    pub text: Vec<Block>,
    /// Which panels to look at.
    pub show: Show,
    /// The traces of which the lanes are shown; all if there is none.
    pub traces: Vec<String>,
    /// Where to put the playhead.
    pub at: Option<Moment>,
    /// How much time to show around it, in nanoseconds; all of it for infinity.
    pub view: Option<f64>,
    /// Whether the time after the playhead is in sight, too.
    pub ahead: bool,
    /// The task to select, by its name, of several the first; `at` is the one that the moment is about.
    pub select: Option<String>,
    /// Whether playing goes from event to event of that task alone.
    pub follow: bool,
    /// How time passes.
    pub pace: Option<Pace>,
    /// Whether it plays by itself.
    pub play: Play,
    /// Where it stops playing.
    pub until: Option<Moment>,
    /// The lines of the source that are lit.
    pub lines: Option<RangeInclusive<usize>>,
    /// The lane that is lit, by its name.
    pub lane: Option<String>,
    /// The time that is marked.
    pub mark: Option<[Moment; 2]>,
    /// What must hold, with the lines on which it stands.
    pub claims: Vec<(usize, Claim)>,
    /// What there is to be answered before one goes on.
    pub question: Option<Question>,
}

/// The word for the task that the moment of a step is about.
const SELECTED_AT: &str = "at";

impl Step {
    /// Whether the task is selected that the event of `at` is about.
    pub fn selects_at(&self) -> bool {
        self.select.as_deref() == Some(SELECTED_AT)
    }

    /// The name of the task to select, if it is named.
    pub fn select_named(&self) -> Option<&str> {
        self.select.as_deref().filter(|name| *name != SELECTED_AT)
    }
}

/// Which panels a step is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Show {
    /// The stage, with the lanes below.
    Stage,
    /// The lanes alone.
    #[default]
    Lanes,
}

/// How time passes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pace {
    /// So many nanoseconds of the program in a second.
    Time(f64),
    /// So many events in a second.
    Events(f64),
    /// So many hops in a second.
    Hops(f64),
}

/// Whether a step plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Play {
    /// It stands still.
    #[default]
    Paused,
    /// It plays from where it is.
    Forward,
    /// It plays backwards.
    Backward,
}

/// A question, which the trace answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// The line of the file, from 1.
    pub line: usize,
    /// What is asked.
    pub ask: Vec<Inline>,
    /// What can be answered. Exactly one is true of the trace.
    pub answers: Vec<Answer>,
    /// What is said when it was answered.
    pub then: Vec<Block>,
}

/// An answer, and when it is right.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// What it says.
    pub text: Vec<Inline>,
    /// The claim of which the truth makes it right.
    pub claim: Claim,
}

/// A piece of text.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Some sentences.
    Paragraph(Vec<Inline>),
    /// Points.
    List(Vec<Vec<Inline>>),
    /// Code, or what a program printed.
    Code {
        /// The language, as it is named in Markdown.
        language: String,
        /// The code.
        code: String,
    },
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Plain.
    Text(String),
    /// Stressed.
    Emphasis(String),
    /// Stressed more.
    Strong(String),
    /// Code.
    Code(String),
    /// A figure of the traces: `{= claim}`.
    Figure(Claim),
}
