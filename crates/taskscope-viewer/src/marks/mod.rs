//! Marks: moments and stretches of a trace that somebody has written something about.
//!
//! A mark is a time, the task that was selected, and a text. Times are counted from the start of the
//! trace, as in links, and tasks are named by Tokio's id: both mean the same whenever the file is
//! opened. The list is kept in the order of time. `store` keeps it beside the trace, in the form that
//! `file` describes; `panel` lists it, `go` adds to it and goes to its marks, `export` copies it.

mod export;
mod file;
mod go;
mod panel;
mod store;

use std::path::Path;

use taskscope_model::{Nanos, TaskId};

pub(crate) use export::beside;
pub(crate) use panel::MarksPanel;
pub(crate) use store::{Kept, path_beside};

use crate::jobs::Jobs;
use store::Store;

/// Names a mark for as long as its trace is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct MarkId(u32);

/// A moment or a stretch of a trace, and what somebody wrote about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) id: MarkId,
    /// In nanoseconds from the start of the trace.
    pub(crate) start: Nanos,
    /// The same as the start, if it is a moment.
    pub(crate) end: Nanos,
    /// The task that was selected.
    pub(crate) task: Option<TaskId>,
    pub(crate) text: String,
}

impl Mark {
    /// Whether it is more than a moment.
    pub(crate) fn is_stretch(&self) -> bool {
        self.end > self.start
    }
}

/// The marks of a trace.
#[derive(Debug, Default)]
pub(crate) struct MarkList {
    /// By time.
    marks: Vec<Mark>,
    next_id: u32,
    /// The one that was added or gone to last.
    current: Option<MarkId>,
    /// Where they are kept; nowhere for a trace without a file.
    store: Option<Store>,
}

impl MarkList {
    /// The marks of the trace in this file, which are read at the first [`refresh`](Self::refresh).
    pub(crate) fn of(trace: Option<&Path>) -> Self {
        let mut list = Self::default();
        list.store = trace.map(Store::beside);
        list
    }

    /// All of them, by time.
    pub(crate) fn all(&self) -> &[Mark] {
        &self.marks
    }

    /// The one with this name, unless it was deleted.
    pub(crate) fn get(&self, id: MarkId) -> Option<&Mark> {
        self.marks.iter().find(|mark| mark.id == id)
    }

    /// The one that was added or gone to last.
    pub(crate) fn current(&self) -> Option<MarkId> {
        self.current
    }

    fn insert(
        &mut self,
        (start, end): (Nanos, Nanos),
        task: Option<TaskId>,
        text: String,
    ) -> MarkId {
        let id = MarkId(self.next_id);
        self.next_id += 1;
        let at = self.marks.partition_point(|mark| (mark.start, mark.end) <= (start, end));
        self.marks.insert(at, Mark { id, start, end, task, text });
        id
    }

    /// Adds one without a text.
    pub(crate) fn add(&mut self, times: (Nanos, Nanos), task: Option<TaskId>) -> MarkId {
        let id = self.insert(times, task, String::new());
        self.current = Some(id);
        self.has_changed();
        id
    }

    /// Writes something else about a mark.
    pub(crate) fn set_text(&mut self, id: MarkId, text: String) {
        if let Some(mark) = self.marks.iter_mut().find(|mark| mark.id == id)
            && mark.text != text
        {
            mark.text = text;
            self.has_changed();
        }
    }

    /// Deletes a mark.
    pub(crate) fn remove(&mut self, id: MarkId) {
        let count = self.marks.len();
        self.marks.retain(|mark| mark.id != id);
        if self.marks.len() < count {
            self.has_changed();
        }
    }

    /// The mark after a moment, or before it. Of several at one moment none is passed over: while the
    /// playhead is at the current one, its neighbour comes next.
    fn next(&self, moment: Nanos, forward: bool) -> Option<&Mark> {
        let here = self
            .marks
            .iter()
            .position(|mark| Some(mark.id) == self.current && mark.start == moment);
        let next = match (here, forward) {
            (Some(here), true) => Some(here + 1),
            (Some(here), false) => here.checked_sub(1),
            (None, true) => Some(self.marks.partition_point(|mark| mark.start <= moment)),
            (None, false) => self.marks.partition_point(|mark| mark.start < moment).checked_sub(1),
        };
        self.marks.get(next?)
    }

    fn has_changed(&mut self) {
        if let Some(store) = &mut self.store {
            store.has_changed();
        }
    }

    /// Reads what was kept, and keeps what has changed. Called once a frame; gives back what went
    /// wrong since the last call, to be said once.
    pub(crate) fn refresh(&mut self, jobs: &Jobs) -> Option<String> {
        let store = self.store.as_mut()?;
        let found = store.read(jobs);
        for of in found {
            self.insert((of.start_ns, of.end_ns), of.task.map(TaskId), of.text);
        }
        let store = self.store.as_mut()?;
        store.write(jobs, || file::bytes(&self.marks));
        store.take_news()
    }

    /// Why they are not kept, if that is so.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.store.as_ref()?.problem()
    }

    /// Whether the trace has a file, beside which they are kept.
    pub(crate) fn has_file(&self) -> bool {
        self.store.is_some()
    }

    /// Waits until what has changed last is kept, before the trace is closed.
    ///
    /// # Errors
    /// Why it could not be kept, in a sentence.
    pub(crate) fn finish(&mut self) -> Result<(), String> {
        match &mut self.store {
            Some(store) => store.finish(|| file::bytes(&self.marks)),
            None => Ok(()),
        }
    }

    /// What a copy of the trace gets beside it.
    pub(crate) fn to_copy(&self) -> Kept {
        match &self.store {
            Some(store) => store.to_copy(&self.marks),
            None => Kept::Nothing,
        }
    }

    /// The trace lies in another file now, with these bytes beside it.
    pub(crate) fn moved_to(&mut self, trace: &Path, copied: Option<Vec<u8>>) {
        if let Some(store) = &mut self.store {
            store.moved_to(trace, copied, &self.marks);
        }
    }
}

impl Drop for MarkList {
    /// The window is closed: what was typed last may not be kept yet. There is nobody left to whom
    /// an error could be said.
    fn drop(&mut self) {
        let _ = self.finish();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_marks_are_passed_in_the_order_of_time_also_those_at_one_moment() {
        let mut list = MarkList::default();
        let times = [(70, 90), (5, 5), (70, 70), (5, 5), (30, 40)];
        for at in times {
            list.add(at, None);
        }
        let sorted: Vec<_> = list.all().iter().map(|mark| (mark.start, mark.end)).collect();
        assert_eq!(sorted, [(5, 5), (5, 5), (30, 40), (70, 70), (70, 90)]);
        for forward in [true, false] {
            list.current = None;
            let (mut moment, mut passed) = (if forward { 0 } else { 100 }, Vec::new());
            while let Some(mark) = list.next(moment, forward) {
                passed.push(mark.id);
                (moment, list.current) = (mark.start, Some(mark.id));
            }
            let mut all: Vec<_> = list.all().iter().map(|mark| mark.id).collect();
            if !forward {
                all.reverse();
            }
            assert_eq!(passed, all);
        }
    }
}
