//! `taskscope lesson`: lists and opens lessons, records their traces, checks and begins new ones.

mod args;
mod new;
mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use taskscope_lesson::{Lesson, Words};
use taskscope_lessons::{LESSONS, Shipped};
use taskscope_model::Trace;
use taskscope_viewer::{
    LessonEntry, LessonParameter, LessonTitle, Lessons, Options, RenderOptions,
};

use crate::error::Error;
use crate::{output, view};

pub(crate) use args::LessonArgs;
use args::{LessonCommand, What};

pub(crate) fn run(args: &LessonArgs) -> Result<(), Error> {
    match &args.command {
        Some(LessonCommand::New(args)) => return new::run(args),
        Some(LessonCommand::Check { folder }) => return check(folder),
        Some(LessonCommand::Record(args)) => return record::run(args),
        None => {}
    }
    let language = args.language.clone().unwrap_or_else(users_language);
    let lessons = offered(Some(&language));
    let entry = match &args.lesson {
        None => return output::print(&list(&lessons)),
        Some(What::Number(number)) => shipped(find(*number)?, &language)?,
        Some(What::Folder(folder)) => from_folder(folder, &language)?,
    };
    if let Some(out) = &args.picture {
        return picture(args, entry, lessons, out);
    }
    let (lesson, lessons) = (Some(entry), Some(lessons));
    view::window(Options { lesson, lessons, present: args.present, ..Options::default() })
}

/// A picture of a step.
fn picture(
    args: &LessonArgs,
    entry: LessonEntry,
    lessons: Lessons,
    out: &Path,
) -> Result<(), Error> {
    let options =
        RenderOptions { size: args.size, theme: args.theme.into(), ..RenderOptions::default() };
    let png = taskscope_viewer::render_lesson(entry, lessons, args.step, args.present, &options)
        .map_err(|source| Error::Draw { path: out.to_owned(), source })?;
    std::fs::write(out, png).map_err(|source| Error::Write { path: out.to_owned(), source })?;
    output::print(&format!("picture written to {}\n", out.display()))
}

fn find(number: u32) -> Result<&'static Shipped, Error> {
    taskscope_lessons::find(number).ok_or(Error::NoLesson { number })
}

/// The language that the user's environment asks for; English, if there are no words for it.
fn users_language() -> String {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let asked = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(set).unwrap_or_default();
    let known = Words::languages().find(|language| asked.starts_with(language));
    known.unwrap_or("en").to_owned()
}

/// The lessons that come with taskscope, for the window.
pub(crate) fn offered(language: Option<&str>) -> Lessons {
    let language = language.map_or_else(users_language, str::to_owned);
    let titles = LESSONS.iter().filter_map(|of| {
        let lesson = Lesson::parse(text(of, &language)).ok()?;
        Some(LessonTitle { number: of.number, title: lesson.title, summary: lesson.summary })
    });
    let words = Words::of(&language).or_else(|| Words::of("en"));
    let words = words.unwrap_or_else(|| unreachable!("English words are tested"));
    let titles = titles.collect();
    let open = move |number| {
        let entry = find(number).and_then(|of| shipped(of, &language));
        entry.map_err(|error| error.to_string())
    };
    // Without `tokio_unstable` there is nothing that could be recorded.
    let run = cfg!(tokio_unstable).then(|| Arc::new(record::elsewhere) as _);
    Lessons { titles, open: Arc::new(open), run, words: Arc::new(words) }
}

/// The text of a lesson in a language, or in English.
fn text(of: &'static Shipped, language: &str) -> &'static str {
    let in_language = of.texts.iter().find(|(known, _)| *known == language);
    in_language.or(of.texts.first()).map_or("", |(_, text)| text)
}

/// A lesson that comes with taskscope.
fn shipped(of: &'static Shipped, language: &str) -> Result<LessonEntry, Error> {
    let path = PathBuf::from(of.folder);
    let wrong = |fault: String| Error::Lesson { path: path.clone(), fault };
    let lesson = Lesson::parse(text(of, language)).map_err(|problem| wrong(problem.to_string()))?;
    let trace = |(name, file): &(String, String)| {
        let bytes = of.traces.iter().find(|(known, _)| known == file);
        let (_, bytes) = bytes.ok_or_else(|| wrong(format!("it has no trace {file}")))?;
        let trace =
            Trace::from_bytes(bytes).map_err(|source| Error::Open { path: file.into(), source })?;
        Ok((name.clone(), file.clone(), Arc::new(trace)))
    };
    let traces = lesson.traces.iter().map(trace).collect::<Result<_, Error>>()?;
    let parameter = |parameter: &taskscope_lessons::Parameter| LessonParameter {
        name: parameter.name.to_owned(),
        about: parameter.about.to_owned(),
        usual: lesson.parameters.get(parameter.name).copied().unwrap_or(parameter.usual),
        range: parameter.range,
    };
    Ok(LessonEntry {
        number: Some(of.number),
        source: Some(of.source.into()),
        traces,
        parameters: of.program.parameters.iter().map(parameter).collect(),
        lesson: Arc::new(lesson),
    })
}

/// A lesson that somebody has written.
fn from_folder(folder: &Path, language: &str) -> Result<LessonEntry, Error> {
    let read = |path: PathBuf| {
        std::fs::read_to_string(&path).map_err(|source| Error::Read { path, source })
    };
    let translation = folder.join(format!("lesson.{language}.md"));
    let path = if translation.exists() { translation } else { folder.join("lesson.md") };
    let lesson = Lesson::parse(&read(path.clone())?)
        .map_err(|problem| Error::Lesson { path: folder.to_owned(), fault: problem.to_string() })?;
    let source = lesson.source.as_ref().map(|file| read(folder.join(file))).transpose()?;
    let trace = |(name, file): &(String, String)| {
        Ok((name.clone(), file.clone(), Arc::new(crate::trace::open(&folder.join(file))?)))
    };
    let traces = lesson.traces.iter().map(trace).collect::<Result<_, Error>>()?;
    Ok(LessonEntry {
        number: None,
        source: source.map(Into::into),
        traces,
        parameters: Vec::new(),
        lesson: Arc::new(lesson),
    })
}

fn list(lessons: &Lessons) -> String {
    let entry = |of: &LessonTitle| format!("{:>2}  {}\n    {}\n", of.number, of.title, of.summary);
    let entries: String = lessons.titles.iter().map(entry).collect();
    format!("{entries}\n`taskscope lesson NUMBER` opens one\n")
}

/// Says what is wrong with a lesson.
fn check(folder: &Path) -> Result<(), Error> {
    let faults = taskscope_lesson::check(folder);
    for fault in &faults {
        output::print(&format!("{fault}\n"))?;
    }
    match faults.len() {
        0 => output::print("nothing is wrong with the lesson\n"),
        count => Err(Error::FaultyLesson { count }),
    }
}
