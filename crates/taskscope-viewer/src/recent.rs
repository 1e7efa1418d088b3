//! The files that were opened last, kept from one run to the next.

use std::path::{Path, PathBuf};

const MOST: usize = 8;

/// The list, newest first, and where it is kept.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// A text file with a path a line; `None` keeps nothing.
    file: Option<PathBuf>,
    paths: Vec<PathBuf>,
}

impl Recent {
    /// The list kept in `file`; empty where that cannot be read.
    pub(crate) fn load(file: Option<PathBuf>) -> Self {
        let text = file.as_ref().and_then(|file| std::fs::read_to_string(file).ok());
        let paths = text.iter().flat_map(|text| text.lines()).map(PathBuf::from).take(MOST);
        Self { paths: paths.collect(), file }
    }

    /// Where the list is kept by default.
    pub(crate) fn default_file() -> Option<PathBuf> {
        let folders = directories::ProjectDirs::from("", "", "taskscope")?;
        Some(folders.data_local_dir().join("recent.txt"))
    }

    /// The files that are still there.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.paths.iter().map(PathBuf::as_path).filter(|path| path.exists())
    }

    /// Puts a file at the front.
    pub(crate) fn add(&mut self, path: &Path) {
        // The list outlives the folder in which the program was started.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        self.paths.retain(|known| *known != path);
        self.paths.insert(0, path);
        self.paths.truncate(MOST);
        self.save();
    }

    /// Errors are ignored: without the list nothing is lost that a
    /// person would miss.
    fn save(&self) {
        let Some(file) = &self.file else { return };
        if let Some(folder) = file.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        let lines: String = self.paths.iter().map(|path| format!("{}\n", path.display())).collect();
        let _ = std::fs::write(file, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_comes_first_and_survives() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("state/recent.txt");
        let traces = ["a.tscope", "b.tscope"].map(|name| folder.path().join(name));
        let mut recent = Recent::load(Some(file.clone()));
        for trace in [&traces[0], &traces[1], &traces[0]] {
            std::fs::write(trace, "").unwrap();
            recent.add(trace);
        }
        let again = Recent::load(Some(file));
        assert_eq!(again.paths().collect::<Vec<_>>(), traces.iter().collect::<Vec<_>>());

        std::fs::remove_file(&traces[0]).unwrap();
        assert_eq!(again.paths().collect::<Vec<_>>(), [&traces[1]], "a missing file is not shown");
    }
}
