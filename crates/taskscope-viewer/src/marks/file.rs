//! The file with the marks of a trace: `FILE.notes.json`.
//!
//! ```json
//! { "version": 1, "marks": [{ "start_ns": 12000000, "end_ns": 12500000, "task": 42, "text": "…" }] }
//! ```
//!
//! Times are nanoseconds from the start of the trace, `task` is Tokio's id or `null`. A version or a
//! key that this taskscope does not know is an error, not something to pass over: what is read is
//! written again, and what was passed over would be lost then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use taskscope_model::Nanos;

use super::Mark;

const VERSION: u64 = 1;
/// A larger file has not been written by hand.
const MOST_BYTES: u64 = 16 << 20;

/// A mark as it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) start_ns: Nanos,
    pub(super) end_ns: Nanos,
    pub(super) task: Option<u64>,
    pub(super) text: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Notes {
    version: u64,
    marks: Vec<Record>,
}

/// What can be read of any version.
#[derive(Deserialize)]
struct Versioned {
    version: u64,
}

/// What a file with these marks contains.
pub(super) fn bytes(marks: &[Mark]) -> Vec<u8> {
    let record = |mark: &Mark| Record {
        start_ns: mark.start,
        end_ns: mark.end,
        task: mark.task.map(|task| task.0),
        text: mark.text.clone(),
    };
    let notes = Notes { version: VERSION, marks: marks.iter().map(record).collect() };
    // Numbers and texts can always be written.
    let mut bytes = serde_json::to_vec_pretty(&notes).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// The marks in a file with these bytes.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Record>, String> {
    let wrong = |error: serde_json::Error| format!("it is not what taskscope writes: {error}");
    let Versioned { version } = serde_json::from_slice(bytes).map_err(wrong)?;
    if version != VERSION {
        return Err(format!(
            "it has version {version}, and this taskscope reads version {VERSION}"
        ));
    }
    let Notes { marks, .. } = serde_json::from_slice(bytes).map_err(wrong)?;
    match marks.iter().position(|mark| mark.end_ns < mark.start_ns) {
        Some(at) => Err(format!("its mark number {} ends before it begins", at + 1)),
        None => Ok(marks),
    }
}

/// What a file contains; `None` if there is none.
///
/// # Errors
/// If it cannot be read, or is larger than notes are.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MOST_BYTES >> 20)));
    }
    Ok(Some(bytes))
}

/// Writes a file anew: whoever reads it finds what was there before, or all of this.
///
/// # Errors
/// If it cannot be written; what was there before is there still.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // Of a path without a folder the folder is empty, and means this one.
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".notes-");
    // Temporary files are for their owner alone; notes for whom the file was, or any new file is.
    #[cfg(unix)]
    builder.permissions({
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).map_or(fs::Permissions::from_mode(0o666), |of| of.permissions())
    });
    // Its own words name a file that nobody knows, another each time.
    let unnamed = |error: io::Error| io::Error::from(error.kind());
    let mut temporary = builder.tempfile_in(folder.unwrap_or(Path::new("."))).map_err(unnamed)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// Writes a file where there is none.
///
/// # Errors
/// If there is one, or none can be written.
pub(super) fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half of it could not be read.
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use taskscope_model::TaskId;

    use super::super::MarkList;
    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            marks in prop::collection::vec((any::<u64>(), any::<u64>(), any::<Option<u64>>(), ".*"), 0..8)
        ) {
            let mut list = MarkList::default();
            for (a, b, task, text) in &marks {
                let id = list.add((*a.min(b), *a.max(b)), task.map(TaskId));
                list.set_text(id, text.clone());
            }
            let read = parse(&bytes(list.all())).unwrap();
            prop_assert_eq!(read.len(), list.all().len());
            for (of, mark) in read.iter().zip(list.all()) {
                prop_assert_eq!((of.start_ns, of.end_ns), (mark.start, mark.end));
                prop_assert_eq!(of.task, mark.task.map(|task| task.0));
                prop_assert_eq!(&of.text, &mark.text);
            }
        }
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        for (text, why) in [
            ("", "not what taskscope writes"),
            ("{\"version\":1,\"marks\":[", "not what taskscope writes"),
            ("{\"version\":2,\"marks\":{}}", "version 2"),
            ("{\"version\":1,\"marks\":[],\"more\":1}", "unknown field `more`"),
            (
                "{\"version\":1,\"marks\":[{\"start_ns\":5,\"end_ns\":4,\"task\":null,\"text\":\"\"}]}",
                "mark number 1 ends before it begins",
            ),
        ] {
            let error = parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
