//! A task's one name, cut to the room there is.

use std::sync::Arc;

use egui::{Color32, FontId, Galley, Painter};
use taskscope_model::{TaskIx, Trace};

/// The name of a task in at most `room` points.
///
/// A name that does not fit loses its front, behind an ellipsis: names that differ mostly
/// differ at their end, as `connection 280` does. What stands there is a part of the name
/// in every case and never another number of the task. `None` if not even the shortest
/// part fits.
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
    shortened(&name).into_iter().map(layout).find(|galley| galley.size().x <= room)
}

/// The name, and what may stand for it where there is less and less room.
fn shortened(name: &str) -> Vec<String> {
    const LONGEST: usize = 16;
    const SHORTEST: usize = 3;
    let mut forms = vec![name.to_owned()];
    // `task 42` is Tokio's id with a word for those who see it alone.
    if let Some(number) = name.strip_prefix("task ")
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        forms.push(number.to_owned());
        return forms;
    }
    let words = name.match_indices(' ').map(|(at, _)| format!("…{}", &name[at + 1..]));
    forms.extend(words);
    if forms.len() == 1 {
        let count = name.chars().count();
        let tail = |length: usize| name.chars().skip(count - length).collect::<String>();
        let lengths = (SHORTEST..count.min(LONGEST + 1)).rev();
        forms.extend(lengths.map(|length| format!("…{}", tail(length))));
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_cut_at_its_front() {
        assert_eq!(shortened("connection 280"), ["connection 280", "…280"]);
        assert_eq!(shortened("wait for it"), ["wait for it", "…for it", "…it"]);
        assert_eq!(shortened("accept"), ["accept", "…ccept", "…cept", "…ept"]);
    }

    #[test]
    fn a_task_without_a_name_keeps_its_number() {
        assert_eq!(shortened("task 42"), ["task 42", "42"]);
    }

    #[test]
    fn short_and_odd_names_are_whole_or_nothing() {
        assert_eq!(shortened("ab"), ["ab"]);
        assert_eq!(shortened(""), [""]);
        assert_eq!(shortened("äöü€"), ["äöü€", "…öü€"]);
    }
}
