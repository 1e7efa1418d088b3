//! Two traces that are compared: which, and a stretch of each beside the other.

use std::collections::HashSet;
use std::ops::Range;

use taskscope_model::{Nanos, TaskIx, Trace};

use super::{Member, PanelId, PanelKind, Workspace};
use crate::context::Other;
use crate::open_trace::{OpenTrace, TraceId};
use crate::panels::Panels;

/// A stretch of a trace's time, and the task that it is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) trace: TraceId,
    pub(crate) task: TaskIx,
    /// In the time of the trace.
    pub(crate) times: Range<Nanos>,
}

/// One of several traces with its panels, and the one that it is compared with: the first; and that with the second.
pub(super) fn of_several<'a>(
    members: &'a mut [Member],
    labels: &'a [(TraceId, String)],
    id: TraceId,
) -> Option<(&'a OpenTrace, &'a mut Panels, Option<Other<'a>>)> {
    let position = members.iter().position(|member| member.open.id == id)?;
    let (before, rest) = members.split_at_mut(position);
    let (member, after) = rest.split_first_mut()?;
    let (other, is_first) = match before.first() {
        Some(first) => (Some(&first.open), true),
        None => (after.first().map(|next| &next.open), false),
    };
    let label = |of: &OpenTrace| Some(&*labels.iter().find(|(id, _)| *id == of.id)?.1);
    let other = other.and_then(|open| Some(Other { open, label: label(open)?, is_first }));
    Some((&member.open, &mut member.panels, other))
}

/// The files of the source in which the first tasks were spawned.
fn spawn_files(trace: &Trace) -> HashSet<&str> {
    /// The others are most often from the same places.
    const MOST_TASKS: usize = 10_000;
    let places: HashSet<_> = trace.tasks().take(MOST_TASKS).filter_map(|task| task.place).collect();
    places.into_iter().map(|place| &*trace.place(place).file).collect()
}

impl Workspace {
    /// Opens what compares the first two traces, where nobody has moved panels: if they seem to be recordings of one program,
    /// since tasks were spawned in a file of the same name. Two programs side by side are seldom compared.
    pub(crate) fn open_comparison(&mut self) {
        let [first, second, ..] = &self.members[..] else { return };
        let files = [first, second].map(|member| spawn_files(member.open.trace()));
        if !files[0].is_disjoint(&files[1]) {
            let trace = second.open.id;
            self.layout.open_at_first(PanelId { trace, kind: PanelKind::Comparison });
        }
    }

    /// Shows what compares the first trace with this one, or closes it if it can be seen.
    pub(crate) fn toggle_comparison(&mut self, id: TraceId) {
        let ids = self.ids();
        // The first has nothing before it, and is compared with the second.
        let of = if ids.first() == Some(&id) { ids.get(1).copied() } else { Some(id) };
        if let Some(trace) = of {
            self.toggle(trace, PanelKind::Comparison);
        }
        // The same comparison is not shown twice.
        if let Some(&trace) = ids.first() {
            self.layout.close(PanelId { trace, kind: PanelKind::Comparison });
        }
    }

    /// Selects the tasks of some stretches, lets the stretches begin at the same place of the axis, and shows and marks
    /// the longest of them. The first stays where it is, and so do the traces that are not among them.
    pub(crate) fn show_beside(&mut self, stretches: &[Stretch]) {
        let of = |id: TraceId| stretches.iter().find(|stretch| stretch.trace == id);
        let Some(first) = stretches.first() else { return };
        let Some(member) = self.member(first.trace) else { return };
        let start = first.times.start as f64 + member.open.offset;
        for member in &mut self.members {
            if let Some(stretch) = of(member.open.id) {
                member.open.select(Some(stretch.task));
            }
        }
        if stretches.len() > 1 {
            (self.wall_clock, self.anchor) = (None, start);
            for member in &mut self.members {
                member.open.anchor = match of(member.open.id) {
                    Some(stretch) => stretch.times.start as f64,
                    None => start - member.open.offset,
                };
            }
            self.align();
        }
        let lengths = stretches.iter().map(|of| of.times.end - of.times.start);
        let length = lengths.max().unwrap_or(0) as f64;
        let margin = 0.3 * length.max(1_000.0);
        self.clock.view.show(start - margin, length + 2.0 * margin);
        self.clock.measured = Some((start, start + length));
        self.clock.replay.pause();
        self.clock.replay.seek(start);
    }
}
