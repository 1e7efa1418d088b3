//! Opening a trace file, and saying what is wrong with it.

use std::path::Path;
use std::sync::Arc;

use taskscope_model::{FileSummary, Info, LoadError, Loader, Report, Source, Summary, Trace, meta};
use taskscope_viewer::IndexCache;
use taskscope_viewer::trace_file::{self, ReadError};

use crate::error::Error;
use crate::{human, output};

/// Opens a trace, and says on standard error what of it could not be read.
pub(crate) fn open(path: &Path) -> Result<Trace, Error> {
    let trace = load(path).map_err(|error| failure(path, error))?;
    warn(path, trace.info(), trace.report());
    Ok(trace)
}

/// Reads a file for its figures alone, and says the same of it.
pub(crate) fn summary(path: &Path) -> Result<Summary, Error> {
    let of = source(path).and_then(FileSummary::read).map_err(|error| failure(path, error))?;
    warn(path, &of.info, &of.report);
    Ok(of.summary)
}

fn failure(path: &Path, error: LoadError) -> Error {
    match error {
        LoadError::Read(source) => Error::Read { path: path.to_owned(), source },
        LoadError::Open(source) => Error::Open { path: path.to_owned(), source },
    }
}

fn warn(path: &Path, info: &Info, report: &Report) {
    let ending = info.get(meta::ENDING).and_then(|_| info.get(meta::DUMP));
    for notice in notices(path, report, ending) {
        output::notice(&notice);
    }
    if let Some(notice) = info.get(meta::NOTICE) {
        output::notice(&notice);
    }
}

/// Reads a file a part at a time: its bytes are never in memory all at once. An index of it is used,
/// if the window has left one, and none is written: who asks for figures would wait for it.
fn load(path: &Path) -> Result<Trace, LoadError> {
    if let Some(trace) = IndexCache::of_user().and_then(|indexes| indexes.find(path)) {
        return Ok(trace);
    }
    let mut loader = Loader::new(source(path)?)?;
    while !loader.step()?.is_done {}
    Ok(loader.finish())
}

fn source(path: &Path) -> Result<Arc<dyn Source>, LoadError> {
    trace_file::open(path).map_err(|error| match error {
        ReadError::Read(error) => LoadError::Read(error),
        ReadError::Open(error) => LoadError::Open(error),
    })
}

/// What a person should know before trusting the figures.
///
/// `ending` is how the process of a black box ended, if the file is one.
fn notices(path: &Path, report: &Report, ending: Option<&str>) -> Vec<String> {
    let path = path.display();
    let mut notices = Vec::new();
    if let Some(ending) = ending {
        notices.push(match ending.strip_prefix("the black box of") {
            Some(whose) => format!("{path} is the black box of{whose}"),
            None => format!("{path} is a black box: {ending}"),
        });
    } else if !report.complete {
        notices.push(format!(
            "{path} ends before its recording was finished (the program was killed or is still \
             running, or the file was cut); {} up to there were read",
            human::counted(report.records, "event")
        ));
    }
    if let Some(first) = report.damages.first() {
        let parts = report.damages.len() as u64 + report.more_damage;
        let others = match parts - 1 {
            0 => String::new(),
            others => format!(", and {others} more such"),
        };
        notices.push(format!("{path} is damaged: {first}{others}"));
    }
    if report.dropped > 0 {
        notices.push(format!(
            "the recorder dropped {} because they came faster than they could be written; counts \
             are too low by that (`taskscope summary` says where)",
            human::counted(report.dropped, "event")
        ));
    }
    notices
}

#[cfg(test)]
mod tests {
    use taskscope_model::Report;

    use super::*;

    #[test]
    fn a_whole_file_has_no_notices() {
        let report = Report { complete: true, records: 5, ..Report::default() };
        assert_eq!(notices(Path::new("a"), &report, None), Vec::<String>::new());
    }

    #[test]
    fn dropped_events_are_reported() {
        let report = Report { complete: true, dropped: 1_200, ..Report::default() };
        let [notice] = &notices(Path::new("a"), &report, None)[..] else { panic!("one notice") };
        assert!(notice.contains("dropped 1,200 events"), "{notice}");
    }
}
