//! The figures of a file, without a trace of it.

use std::io;
use std::sync::Arc;

use taskscope_format::Report;

use super::Summary;
use super::sums::Sums;
use crate::builder::{self, LoadError};
use crate::source::Source;
use crate::types::Info;

/// A file in a few figures, with what else there is to say of it.
///
/// ```
/// # let file: Vec<u8> = taskscope_format::FileWriter::new(Vec::new(), 0)?.finish()?;
/// use taskscope_model::FileSummary;
///
/// let of = FileSummary::read(std::sync::Arc::new(file))?;
/// assert_eq!((of.summary.polls, of.report.complete), (0, true));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct FileSummary {
    /// The figures.
    pub summary: Summary,
    /// Facts about the whole recording.
    pub info: Info,
    /// What reading the file found out beside its events.
    pub report: Report,
}

impl FileSummary {
    /// Reads a file for its figures, as far as it reaches now. They are those of
    /// [`Trace::summary`](crate::Trace::summary), and take memory by its tasks, the things that these
    /// waited for and the texts in it, and not by its polls.
    ///
    /// # Errors
    /// [`LoadError`] if the file cannot be read, is no trace, or one of a later version.
    pub fn read(source: Arc<dyn Source>) -> Result<Self, LoadError> {
        let length = source.length()?;
        let source: Arc<dyn Source> = Arc::new(UpTo { source, length });
        let (mut trace, mut sums) = builder::add_up(&source, Sums::default())?;
        if let Some(correction) = sums.correction(&trace) {
            // Its memory is needed again.
            drop(trace);
            (trace, sums) = builder::add_up(&source, correction)?;
        }
        let summary = trace.summary_with(sums);
        Ok(Self { summary, info: trace.info, report: trace.report })
    }
}

/// The begin of a file, so that one that grows is the same when it is read once more.
struct UpTo {
    source: Arc<dyn Source>,
    length: u64,
}

impl Source for UpTo {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length.min(self.source.length()?))
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(offset)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        self.source.read_at(offset, &mut buffer[..room])
    }
}
