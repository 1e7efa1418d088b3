//! Opening a file of which there is an index.

use std::path::Path;
use std::time::Duration;

use egui::vec2;
use taskscope_model::Trace;

use super::{BenchError, SIZE, close, opening};
use crate::Options;
use crate::app::App;
use crate::headless::Headless;
use crate::index_cache::IndexCache;
use crate::jobs::Mode;
use crate::recent::Recent;

/// An index of a file among the temporary files, which goes with this.
pub(super) struct Indexed {
    folder: tempfile::TempDir,
    indexes: IndexCache,
}

impl Indexed {
    /// Writes it; `None` where it cannot be.
    pub(super) fn new(path: &Path, trace: &Trace) -> Option<Self> {
        let folder = tempfile::tempdir().ok()?;
        let indexes = IndexCache::new(folder.path().to_owned());
        indexes.keep_now(path, trace).then_some(Self { folder, indexes })
    }

    /// Opens the file in a new window, and gives the time until all of it is there; `None` if it was not
    /// the index that was read.
    pub(super) fn open(self, path: &Path) -> Result<Option<Duration>, BenchError> {
        let ctx = egui::Context::default();
        let options = Options { indexes: Some(self.indexes), ..Options::default() };
        let app = App::new(&ctx, options, Recent::default(), Mode::of_this_machine());
        let mut window = Headless::new(ctx, app, vec2(SIZE[0], SIZE[1]), 1.0);
        let opened = opening::open(&mut window, path)?;
        close(window, opened.trace);
        // One that is of no use is removed.
        let is_there = std::fs::read_dir(self.folder.path())?.next().is_some();
        Ok(is_there.then_some(opened.whole))
    }
}
