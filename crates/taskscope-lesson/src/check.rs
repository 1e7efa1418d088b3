//! What is wrong with a lesson's folder: its file, its traces, and what it claims of them.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskscope_model::Trace;

use crate::claims::Claim;
use crate::globs;
use crate::lesson::{Block, Inline, Lesson, Step};
use crate::traces::Traces;

/// Something that is wrong with a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; `None` if it is about the file as a whole.
    pub line: Option<usize>,
    /// What is wrong, and what to do about it.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.what),
            None => write!(f, "{}: {}", self.file.display(), self.what),
        }
    }
}

/// The name of a lesson's file.
const FILE: &str = "lesson.md";

/// What is wrong with the lesson in this folder, and with its translations (`lesson.LANGUAGE.md`).
pub fn check(folder: &Path) -> Vec<Fault> {
    let mut faults = Vec::new();
    let path = folder.join(FILE);
    let fault = |file: &Path, line, what: String| Fault { file: file.to_owned(), line, what };
    let lesson = match read(&path) {
        Ok(lesson) => lesson,
        Err(fault) => return vec![fault],
    };
    let mut traces = Vec::new();
    for (name, file) in &lesson.traces {
        let path = folder.join(file);
        match open(&path) {
            Ok(trace) => {
                if trace.report().dropped > 0 {
                    let what = "the recorder dropped events; record it again, with fewer at once";
                    faults.push(fault(&path, None, what.to_owned()));
                }
                traces.push((name.clone(), Arc::new(trace)));
            }
            Err(what) => faults.push(fault(&path, None, what)),
        }
    }
    if !faults.is_empty() {
        return faults;
    }
    let source = lesson.source.as_ref().map(|source| folder.join(source));
    let source_lines = match &source {
        Some(source) => match std::fs::read_to_string(source) {
            Ok(text) => Some(text.lines().count()),
            Err(error) => {
                faults.push(fault(source, None, format!("it cannot be read: {error}")));
                None
            }
        },
        None => None,
    };
    let traces = Traces::new(traces);
    faults.extend(claims(&lesson, &path, &traces, source_lines));
    for translation in translations(folder) {
        match read(&translation) {
            Ok(other) => faults.extend(differences(&lesson, &other, &translation)),
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

fn read(path: &Path) -> Result<Lesson, Fault> {
    let fault = |line, what| Fault { file: path.to_owned(), line, what };
    let text = std::fs::read_to_string(path)
        .map_err(|error| fault(None, format!("it cannot be read: {error}")))?;
    Lesson::parse(&text).map_err(|problem| fault(Some(problem.line), problem.what))
}

fn open(path: &Path) -> Result<Trace, String> {
    let file = std::fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
    Trace::from_bytes(&file).map_err(|error| format!("it is no trace: {error}"))
}

/// What of a lesson does not hold of these traces.
pub(crate) fn claims(
    lesson: &Lesson,
    path: &Path,
    traces: &Traces,
    source_lines: Option<usize>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |line: usize, what: String| {
        faults.push(Fault { file: path.to_owned(), line: Some(line), what });
    };
    let mut introduction = Vec::new();
    figures(&lesson.introduction, &mut introduction);
    for claim in introduction {
        if let Err(error) = claim.value(traces) {
            fault(1, error.to_string());
        }
    }
    for step in &lesson.steps {
        for (line, claim) in &step.claims {
            match claim.holds(traces) {
                Ok(true) => {}
                Ok(false) => {
                    fault(*line, format!("`{claim}` does not hold: {}", claim.explained(traces)))
                }
                Err(error) => fault(*line, error.to_string()),
            }
        }
        for what in step_faults(step, traces, source_lines) {
            fault(step.line, what);
        }
        let Some(question) = &step.question else { continue };
        let right: Vec<bool> = question
            .answers
            .iter()
            .map(|answer| {
                answer.claim.holds(traces).unwrap_or_else(|error| {
                    fault(question.line, error.to_string());
                    false
                })
            })
            .collect();
        let count = right.iter().filter(|right| **right).count();
        if count != 1 {
            let explained: Vec<String> =
                question.answers.iter().map(|answer| answer.claim.explained(traces)).collect();
            fault(
                question.line,
                format!("{count} answers are right, and one has to be: {}", explained.join("; ")),
            );
        }
    }
    faults
}

fn step_faults(step: &Step, traces: &Traces, source_lines: Option<usize>) -> Vec<String> {
    let mut faults = Vec::new();
    let marks = step.mark.iter().flatten();
    for moment in step.at.iter().chain(&step.until).chain(marks) {
        faults.extend(moment.find(traces).err().map(|error| error.to_string()));
    }
    let unknown = step.traces.iter().filter(|name| traces.find(Some(name)).is_err());
    faults.extend(unknown.map(|name| format!("no trace is called `{name}`, which `traces` names")));
    let trace = step.at.as_ref().and_then(|moment| moment.trace());
    if step.selects_at() && step.at.as_ref().and_then(|moment| moment.task(traces)).is_none() {
        faults.push("`select = \"at\"` needs an `at` that is about a task".to_owned());
    }
    if let Ok(named) = traces.find(trace) {
        if let Some(name) = step.select_named()
            && globs::tasks(&named.trace, name).next().is_none()
        {
            faults.push(format!("no task is called `{name}`, which `select` names"));
        }
        let lanes = || (0..named.trace.lanes().len() as u16).map(taskscope_model::LaneIx);
        if let Some(lane) = &step.lane
            && !lanes().any(|of| named.trace.lane_name(of) == *lane)
        {
            faults.push(format!("no lane is called `{lane}`, which `lane` names"));
        }
    }
    match (&step.lines, source_lines) {
        (Some(lines), Some(count)) if *lines.end() > count => {
            faults
                .push(format!("the source has {count} lines, and `lines` ends at {}", lines.end()));
        }
        (Some(_), None) => faults.push("`lines` needs a `source` in the front matter".to_owned()),
        _ => {}
    }
    let mut in_text = Vec::new();
    figures(&step.text, &mut in_text);
    if let Some(question) = &step.question {
        figures(&question.then, &mut in_text);
    }
    faults.extend(
        in_text.into_iter().filter_map(|claim| claim.value(traces).err()).map(|e| e.to_string()),
    );
    faults
}

/// The figures in a text.
fn figures<'a>(blocks: &'a [Block], found: &mut Vec<&'a Claim>) {
    let mut of = |inlines: &'a [Inline]| {
        found.extend(inlines.iter().filter_map(|inline| match inline {
            Inline::Figure(claim) => Some(claim),
            _ => None,
        }));
    };
    for block in blocks {
        match block {
            Block::Paragraph(inlines) => of(inlines),
            Block::List(items) => items.iter().for_each(|item| of(item)),
            Block::Code { .. } => {}
        }
    }
}

/// The files with translations.
fn translations(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_translation = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name != FILE && name.starts_with("lesson.") && name.ends_with(".md")
    };
    let mut found: Vec<PathBuf> = files.map(|file| file.path()).filter(is_translation).collect();
    found.sort();
    found
}

/// Where a translation says something else to the machine.
fn differences(lesson: &Lesson, other: &Lesson, file: &Path) -> Vec<Fault> {
    let fault = |line, what: String| Fault { file: file.to_owned(), line, what };
    if lesson.steps.len() != other.steps.len() {
        let (many, there) = (lesson.steps.len(), other.steps.len());
        return vec![fault(None, format!("it has {there} steps, and {FILE} has {many}"))];
    }
    let silent = |step: &Step| Step {
        line: 0,
        title: String::new(),
        text: Vec::new(),
        claims: step.claims.iter().map(|(_, claim)| (0, claim.clone())).collect(),
        question: None,
        ..step.clone()
    };
    let answers = |step: &Step| {
        let question = step.question.as_ref();
        question.map(|of| of.answers.iter().map(|answer| answer.claim.clone()).collect::<Vec<_>>())
    };
    let pairs = lesson.steps.iter().zip(&other.steps);
    let differs = |(step, other): &(&Step, &Step)| {
        silent(step) != silent(other) || answers(step) != answers(other)
    };
    let say = |(step, other): (&Step, &Step)| {
        let what = format!("its `step` or `question` differs from that of {FILE}:{}", step.line);
        fault(Some(other.line), what)
    };
    let mut faults: Vec<Fault> = pairs.filter(differs).map(say).collect();
    let machine = |of: &Lesson| {
        (of.program.clone(), of.parameters.clone(), of.source.clone(), of.traces.clone())
    };
    if machine(lesson) != machine(other) {
        faults.push(fault(Some(1), format!("its front matter differs from that of {FILE}")));
    }
    faults
}

impl Lesson {
    /// What of this lesson does not hold of other traces than its own, such as those of another run of its
    /// program; `file` is where it was read from.
    pub fn faults(&self, file: &Path, traces: &Traces) -> Vec<Fault> {
        claims(self, file, traces, self.source.as_ref().map(|_| usize::MAX))
    }
}
