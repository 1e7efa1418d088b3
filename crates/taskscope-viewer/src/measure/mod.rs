//! Figures of a stretch of time, or of a moment: what is marked, else what is in view.

mod bars;
mod instant;
mod longest;
mod range;
mod shares;

use std::ops::Range;

use egui::{RichText, Ui};
use taskscope_model::questions::{RangeSums, range as sums_of};
use taskscope_model::{Nanos, PollIx};

pub(crate) use instant::InstantPanel;
pub(crate) use longest::{LongestPanel, meanwhile};
pub(crate) use range::RangePanel;

use crate::command::TraceCommand;
use crate::context::Context;
use crate::jobs::Question;
use crate::time;

/// The sums of a stretch of time, asked for whenever that changes.
#[derive(Debug, Default)]
struct Sums {
    question: Question<Range<Nanos>, RangeSums>,
}

impl Sums {
    /// The last ones there are, and of which stretch.
    fn get(&mut self, cx: &Context<'_>, times: Range<Nanos>) -> Option<(Range<Nanos>, &RangeSums)> {
        let (trace, activity) = (cx.open.trace_for_jobs(), cx.open.activity_for_jobs());
        let asked = times.clone();
        let work = || async move { sums_of(&trace, activity.as_deref(), asked, false).await };
        let answer = self.question.ask(cx.jobs, cx.open.snapshot(), &times, work)?;
        Some((answer.key.clone(), &answer.value))
    }
}

/// The stretch that panels speak of: what is marked, else what is in view.
fn stretch(cx: &Context<'_>) -> Range<Nanos> {
    let (start, end) = match cx.measured {
        Some((a, b)) => (a.min(b), a.max(b)),
        None => (cx.view.start(), cx.view.end()),
    };
    start.floor().max(0.0) as Nanos..end.ceil().max(0.0) as Nanos
}

/// The title of a panel, and of which stretch it speaks.
fn title(ui: &mut Ui, cx: &Context<'_>, words: &str, times: &Range<Nanos>) {
    ui.horizontal_wrapped(|ui| {
        ui.label(RichText::new(words).size(15.0));
        let which = if cx.measured.is_some() { "what is marked" } else { "what is in view" };
        let length = time::duration((times.end - times.start) as f64);
        ui.weak(format!("{which}, {length} (drag over the lanes to mark)"));
    });
    ui.separator();
}

/// Goes to a poll: its task is selected, and it can be seen with what was before it.
fn go_to(cx: &Context<'_>, poll: PollIx, since: Nanos) {
    let of = cx.trace().poll(poll);
    cx.select(Some(of.task));
    let (start, end) = (since as f64, of.end as f64);
    let margin = 0.3 * (end - start).max(1_000.0);
    cx.send(TraceCommand::Show(start - margin, end - start + 2.0 * margin));
    cx.send(TraceCommand::MovePlayhead(of.start as f64));
}
