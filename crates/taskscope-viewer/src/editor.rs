//! Opens a place in the recorded program's source, in the editor that a person has named.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use taskscope_model::Place;

/// The variable that names the editor: a command, in which `{file}`, `{line}` and `{column}` stand for the place; without
/// any of them `FILE:LINE` follows it.
pub(crate) const VARIABLE: &str = "TASKSCOPE_EDITOR";

/// What a place is called in a terminal: `src/server.rs:40`.
pub(crate) fn location(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

/// The editor that was named, if one was.
pub(crate) fn named() -> Option<String> {
    std::env::var(VARIABLE).ok().filter(|command| !command.trim().is_empty())
}

/// Opens a place in `editor`. The trace lies at `trace`: a path of the source that does not begin at a root is looked for from
/// there up, as it is in a program that records beside its source.
pub(crate) fn open(editor: &str, place: &Place, trace: Option<&Path>) -> Result<(), String> {
    let words = words(editor, &find(&place.file, trace), place)?;
    let [program, arguments @ ..] = &words[..] else {
        return Err(format!("{VARIABLE} names no command"));
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn();
    let child = child
        .map_err(|error| format!("cannot start `{program}`, which {VARIABLE} names: {error}"))?;
    // It is waited for aside, so that none is left over when it ends before this.
    std::thread::spawn(move || {
        let mut child = child;
        let _ = child.wait();
    });
    Ok(())
}

/// The command with the place in it.
fn words(editor: &str, file: &Path, place: &Place) -> Result<Vec<String>, String> {
    let words = shell_words::split(editor)
        .map_err(|error| format!("{VARIABLE} cannot be read: {error}; quotes come in pairs"))?;
    let has_place = words.iter().any(|word| word.contains("{file}"));
    let file = file.to_string_lossy();
    let fill = |word: String| {
        word.replace("{file}", &file)
            .replace("{line}", &place.line.to_string())
            .replace("{column}", &place.column.to_string())
    };
    let mut words: Vec<String> = words.into_iter().map(fill).collect();
    if !has_place {
        words.push(format!("{file}:{}", place.line));
    }
    Ok(words)
}

/// Where a file of the source is, as far as that can be told.
fn find(file: &str, trace: Option<&Path>) -> PathBuf {
    let file = Path::new(file);
    let folders = trace.into_iter().flat_map(Path::ancestors).skip(1);
    let here = std::iter::once(Path::new("")).chain(folders);
    let candidates = here.map(|folder| folder.join(file));
    let known = file.is_relative().then(|| candidates.into_iter().find(|path| path.exists()));
    known.flatten().unwrap_or_else(|| file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str) -> Place {
        Place { file: file.into(), line: 40, column: 9 }
    }

    #[test]
    fn the_place_stands_where_the_command_says_or_behind_it() {
        let words = |editor: &str| words(editor, Path::new("src/a b.rs"), &place("")).unwrap();
        assert_eq!(words("code -g"), ["code", "-g", "src/a b.rs:40"]);
        assert_eq!(words("vim +{line} {file}"), ["vim", "+40", "src/a b.rs"]);
        assert_eq!(words("'my editor' {file}:{line}:{column}"), ["my editor", "src/a b.rs:40:9"]);
    }

    #[test]
    fn quotes_without_an_end_are_an_error() {
        assert!(words("'vim", Path::new("a"), &place("")).unwrap_err().contains(VARIABLE));
    }

    #[test]
    fn a_file_is_looked_for_from_the_trace_up() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("src")).unwrap();
        std::fs::create_dir_all(folder.path().join("out")).unwrap();
        let source = folder.path().join("src/server-of-this-test.rs");
        std::fs::write(&source, "").unwrap();
        let trace = folder.path().join("out/a.tscope");
        assert_eq!(find("src/server-of-this-test.rs", Some(&trace)), source);
        assert_eq!(find("src/nowhere.rs", Some(&trace)), Path::new("src/nowhere.rs"));
    }

    #[test]
    fn an_editor_that_is_not_there_is_named() {
        let error = open("no-such-editor-anywhere", &place("a.rs"), None).unwrap_err();
        assert!(error.contains("no-such-editor-anywhere"), "{error}");
    }
}
