//! A task's one name, cut to the room there is.

use std::sync::Arc;

use egui::{Color32, FontId, Galley, Painter};
use taskscope_model::{TaskIx, Trace};

/// The name of a task in at most `room` points.
///
/// A name that does not fit loses its front, behind an ellipsis: names that differ mostly
/// differ at their end, as `connection 280` does. What stands there is a part of the name
/// in every case and never another number of the task. `None` if not even three
/// characters fit.
pub(super) fn fit_name(
    painter: &Painter,
    trace: &Trace,
    task: TaskIx,
    font: &FontId,
    colour: Color32,
    room: f32,
) -> Option<Arc<Galley>> {
    let name = trace.task_name(task);
    let layout = |text: String| painter.layout_no_wrap(text, font.clone(), colour);
    shortened(&name).map(layout).find(|galley| galley.size().x <= room)
}

/// The name, and what may stand for it where there is less and less room.
fn shortened(name: &str) -> impl Iterator<Item = String> + '_ {
    const LONGEST: usize = 16;
    const SHORTEST: usize = 3;
    let count = name.chars().count();
    // `task 42` is Tokio's id with a word for those who see it alone.
    let number = name.strip_prefix("task ").filter(|rest| rest.bytes().all(|b| b.is_ascii_digit()));
    let tail = move |length: usize| {
        let tail: String = name.chars().skip(count - length).collect();
        format!("…{}", tail.trim_start())
    };
    let tails = (SHORTEST..count.min(LONGEST + 1)).rev().map(tail);
    std::iter::once(name.to_owned())
        .chain(number.map(str::to_owned))
        .chain(tails.filter(move |_| number.is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_at_its_front() {
        let forms: Vec<_> = shortened("connection 280").collect();
        assert_eq!(forms[0], "connection 280");
        assert_eq!(forms[1], "…onnection 280");
        assert_eq!(forms.last().map(String::as_str), Some("…280"));
    }

    #[test]
    fn a_task_without_a_name_keeps_its_number() {
        assert_eq!(shortened("task 42").collect::<Vec<_>>(), ["task 42", "42"]);
    }

    #[test]
    fn short_and_odd_names_are_whole_or_nothing() {
        assert_eq!(shortened("ab").collect::<Vec<_>>(), ["ab"]);
        assert_eq!(shortened("").collect::<Vec<_>>(), [""]);
        assert_eq!(shortened("äöü€").collect::<Vec<_>>(), ["äöü€", "…öü€"]);
    }
}
