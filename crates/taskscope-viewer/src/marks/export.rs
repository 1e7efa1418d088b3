//! Marks as text: a list in Markdown, each with a command that opens the trace there.

use std::fmt::Write;

use super::Mark;
use crate::link::{self, Spot};
use crate::open_trace::OpenTrace;
use crate::time;

/// All marks of a trace.
pub(super) fn markdown(open: &OpenTrace) -> String {
    let mut text = String::new();
    for mark in open.marks.all() {
        let _ = write!(text, "- **{}**", time::exact(mark.start));
        if let Some(more) = beside(open, mark) {
            let _ = write!(text, " ({more})");
        }
        if !mark.text.trim().is_empty() {
            // A line that begins anew would end the list.
            let _ = write!(text, " {}", mark.text.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        if let Some(path) = &open.path {
            let _ = write!(text, "\n  {}", code(&link::command(path, &spot(mark))));
        }
        text.push('\n');
    }
    text
}

/// How long a mark is, and of which task, as far as it says that.
pub(crate) fn beside(open: &OpenTrace, mark: &Mark) -> Option<String> {
    let length = mark.is_stretch().then(|| time::duration((mark.end - mark.start) as f64));
    let words: Vec<String> = length.into_iter().chain(task(open, mark)).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// What the task of a mark is called.
fn task(open: &OpenTrace, mark: &Mark) -> Option<String> {
    let id = mark.task?;
    // A file that was recorded anew may have no such task.
    let found = open.trace().find_task(id).map(|task| open.trace().task_name(task));
    Some(found.unwrap_or_else(|| format!("task {id}, which is not in this trace")))
}

fn spot(mark: &Mark) -> Spot {
    Spot {
        task: mark.task.map(|task| task.to_string()),
        at: Some(mark.start),
        range: mark.is_stretch().then_some((mark.start, mark.end)),
        find: None,
    }
}

/// A text as code, which may have backticks of its own.
fn code(text: &str) -> String {
    let longest = text.split(|of| of != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let blank = if longest > 0 { " " } else { "" };
    format!("{fence}{blank}{text}{blank}{fence}")
}

#[cfg(test)]
mod tests {
    use super::code;

    #[test]
    fn code_is_fenced_by_more_backticks_than_it_has() {
        assert_eq!(code("view a"), "`view a`");
        assert_eq!(code("view 'a``b`'"), "``` view 'a``b`' ```");
    }
}
