//! A place in a trace that can be sent to somebody: a command that opens it there.

use std::path::Path;

use taskscope_model::TaskIx;

use crate::open_trace::OpenTrace;
use crate::time;
use crate::workspace::Workspace;

/// Where a window begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// The task to select: its Tokio id or its name.
    pub task: Option<String>,
    /// Where the playhead stands, in nanoseconds from the start of the trace.
    pub at: Option<u64>,
    /// What is marked and shown, in nanoseconds from the start of the trace.
    pub range: Option<(u64, u64)>,
    /// What is searched for.
    pub find: Option<String>,
}

impl Spot {
    /// Whether it says anything.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The task with this id or name; the first of several.
pub(crate) fn task(open: &OpenTrace, asked: &str) -> Option<TaskIx> {
    let trace = open.trace();
    let tasks = || (0..).map(TaskIx).zip(trace.tasks());
    let by_id = tasks().find(|(_, task)| task.id.to_string() == asked);
    let by_name = || tasks().find(|(task, _)| trace.task_name(*task) == asked);
    by_id.or_else(by_name).map(|(task, _)| task)
}

impl Workspace {
    /// Goes to a place of the active trace.
    pub(crate) fn go_to_spot(&mut self, spot: &Spot) {
        let id = self.active_id();
        let Some(member) = self.member_mut(id) else { return };
        let open = &mut member.open;
        let (origin, offset) = (open.trace().span().start as f64, open.offset);
        if let Some(find) = &spot.find {
            open.search.set(find.clone());
        }
        let task = spot.task.as_deref().and_then(|asked| task(open, asked));
        if task.is_some() {
            open.select(task);
            self.show_selected(id);
        }
        let moment = |time: u64| origin + offset + time as f64;
        if let Some((from, to)) = spot.range.filter(|(from, to)| from < to) {
            let (from, to) = (moment(from), moment(to));
            self.clock.show_and_mark(from, to);
            self.clock.replay.seek(from);
        }
        if let Some(at) = spot.at {
            self.clock.seek(moment(at));
        }
    }

    /// The command that opens the active trace where it is looked at now.
    pub(crate) fn link(&self) -> Option<String> {
        let open = self.active()?;
        let path = open.path.as_ref()?;
        let origin = open.trace().span().start as f64 + open.offset;
        let time = |moment: f64| (moment - origin).max(0.0) as u64;
        let spot = Spot {
            task: open.selected.map(|task| open.trace().task(task).id.to_string()),
            at: Some(time(self.clock.replay.playhead())),
            range: self.clock.measured.map(|(a, b)| (time(a.min(b)), time(a.max(b)))),
            find: open.search.is_on().then(|| open.search.text().trim().to_owned()),
        };
        Some(command(path, &spot))
    }
}

/// The command that opens the trace in a file there.
pub(crate) fn command(path: &Path, spot: &Spot) -> String {
    let mut words = vec!["taskscope".to_owned(), "view".to_owned()];
    words.push(path.to_string_lossy().into_owned());
    let range = spot.range.map(|(from, to)| format!("{}..{}", exact(from), exact(to)));
    for (option, value) in [
        ("--task", spot.task.clone()),
        ("--at", spot.at.map(exact)),
        ("--range", range),
        ("--find", spot.find.clone()),
    ] {
        words.extend(value.into_iter().flat_map(|value| [option.to_owned(), value]));
    }
    shell_words::join(words)
}

/// A time that is read as what it is, to the nanosecond: `12.5ms`.
fn exact(ns: u64) -> String {
    let (unit, size) = match ns {
        0..1_000 => ("ns", 1),
        1_000..1_000_000 => ("us", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let (whole, rest) = (ns / size, ns % size);
    let digits = (size as f64).log10() as usize;
    let decimals = format!("{rest:0digits$}");
    let text = match decimals.trim_end_matches('0') {
        decimals if size > 1 && !decimals.is_empty() => format!("{whole}.{decimals}{unit}"),
        _ => format!("{whole}{unit}"),
    };
    debug_assert_eq!(time::parse(&text), Some(ns));
    text
}

#[cfg(test)]
mod tests {
    use super::exact;

    #[test]
    fn times_in_links_are_exact() {
        let texts = [0, 7, 12_500, 12_000_000, 12_000_001, 3_118_074_210].map(exact);
        assert_eq!(texts, ["0ns", "7ns", "12.5us", "12ms", "12.000001ms", "3.11807421s"]);
    }
}
