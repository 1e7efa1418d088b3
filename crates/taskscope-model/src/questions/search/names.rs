//! The names of all tasks as one text, to search in.
//!
//! To put a name together for each task and search in it takes longer than a person who types
//! waits. The text is made once for a trace; to search a million names in
//! it takes some milliseconds.

use std::collections::HashSet;

use taskscope_format::TaskId;

use crate::questions::pause;
use crate::trace::Trace;
use crate::types::{PlaceIx, TaskIx};

/// Stands between names, which have no such sign.
const BETWEEN: char = '\n';

/// All names in lower case.
#[derive(Debug)]
pub struct Names {
    text: String,
    /// Where each task's name begins in the text.
    starts: Vec<usize>,
}

impl Names {
    /// Puts the names of all tasks of a trace together.
    pub async fn new(trace: &Trace) -> Self {
        let mut names = Self { text: String::new(), starts: Vec::new() };
        for task in (0..trace.tasks().len()).map(|task| TaskIx(task as u32)) {
            names.starts.push(names.text.len());
            names.push(&trace.task_name(task));
            if is_time_to_pause(task.get()) {
                pause().await;
            }
        }
        names
    }

    fn push(&mut self, name: &str) {
        let from = self.text.len();
        match name.is_ascii() && !name.contains(BETWEEN) {
            // The usual case, without a text of its own.
            true => {
                self.text.push_str(name);
                self.text[from..].make_ascii_lowercase();
            }
            false => self.text.push_str(&name.to_lowercase().replace(BETWEEN, " ")),
        }
        self.text.push(BETWEEN);
    }

    /// Which tasks have `text`, in lower case, in their name or spawn place, or as their id. Tasks that
    /// are newer than the names are not among them.
    pub(super) async fn find(&self, trace: &Trace, text: &str) -> Vec<bool> {
        let mut is_found = vec![false; self.starts.len()];
        let mut at = 0;
        while let Some(found) = self.text.get(at..).and_then(|names| names.find(text)) {
            let task = self.starts.partition_point(|&start| start <= at + found).saturating_sub(1);
            if let Some(is_found) = is_found.get_mut(task) {
                *is_found = true;
            }
            at = self.starts.get(task + 1).copied().unwrap_or(self.text.len());
            if is_time_to_pause(task) {
                pause().await;
            }
        }
        let id = parse_id(text);
        let in_place = |place: usize| {
            let place = trace.place(PlaceIx(place as u32));
            format!("{}:{}", place.file, place.line).to_lowercase().contains(text)
        };
        let places: HashSet<usize> =
            (0..trace.places().len()).filter(|&place| in_place(place)).collect();
        for (number, is_found) in is_found.iter_mut().enumerate() {
            let task = trace.task(TaskIx(number as u32));
            let by_place = task.place.is_some_and(|place| places.contains(&place.get()));
            *is_found |= by_place || Some(task.id) == id;
            if is_time_to_pause(number) {
                pause().await;
            }
        }
        is_found
    }
}

fn is_time_to_pause(turn: usize) -> bool {
    turn % 4096 == 4095
}

/// A task's id as it is displayed.
pub(super) fn parse_id(text: &str) -> Option<TaskId> {
    let wrapped = text.strip_prefix('f').and_then(|number| number.parse::<u64>().ok());
    let id = match wrapped {
        Some(number) => TaskId(number.checked_add(TaskId::WRAPPED)?),
        None => TaskId(text.parse().ok()?),
    };
    // Not `+7` and `007`, which are other words.
    (id.to_string() == text).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_displayed() {
        for id in [TaskId(7), TaskId(TaskId::WRAPPED + 12)] {
            assert_eq!(parse_id(&id.to_string()), Some(id));
        }
        for other in ["007", "+7", "seven", "f", ""] {
            assert_eq!(parse_id(other), None, "{other}");
        }
    }
}
