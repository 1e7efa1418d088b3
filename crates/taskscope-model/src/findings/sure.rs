//! What rules ask of a trace: whether anything is missing somewhere, how busy workers were, and what things are called.

use std::ops::Range;

use taskscope_format::{Nanos, meta};

use crate::spans::{Span, SpanVisit};
use crate::trace::Trace;
use crate::types::{LaneIx, TaskIx};

impl Trace {
    /// Whether no events of any thread are missing in a stretch of time.
    pub(super) fn is_whole(&self, times: &Range<Nanos>) -> bool {
        let after = self.drops().partition_point(|drop| drop.from <= times.end);
        let dropped = self.drops()[..after].iter().any(|drop| drop.until >= times.start);
        let after = self.gaps().partition_point(|gap| gap.from <= times.end);
        !dropped && !self.gaps()[..after].iter().any(|gap| gap.until >= times.start)
    }

    /// Whether none are missing from the begin of the recording to its end.
    pub(super) fn is_complete(&self) -> bool {
        self.drops().is_empty() && self.gaps().is_empty()
    }

    /// A task's name, as it stands in a sentence.
    pub(super) fn quoted(&self, task: TaskIx) -> String {
        format!("`{}`", self.task_name(task))
    }

    /// A worker's name, with its runtime where there are several.
    pub(super) fn worker_name(&self, lane: LaneIx) -> String {
        let runtime = self.worker_runtime(lane).filter(|_| self.runtimes().len() > 1);
        let name = runtime.and_then(|runtime| self.runtimes()[runtime as usize].name.clone());
        match name {
            Some(name) => format!("{} of {name}", self.lane_name(lane)),
            None => self.lane_name(lane),
        }
    }

    /// How many processors the program could use; `None` where that was not recorded.
    pub(super) fn processors(&self) -> Option<u64> {
        self.info().get(meta::PROCESSORS)?.parse().ok()
    }

    /// How many workers there are in all runtimes.
    pub(super) fn workers(&self) -> u64 {
        self.runtimes().iter().map(|of| of.workers.len() as u64).sum()
    }

    /// The program's own span in which a lane was for most of a stretch of time: the innermost.
    pub(super) fn span_in(&self, lane: LaneIx, times: Range<Nanos>) -> Option<&Span> {
        let length = times.end - times.start;
        let within = |visit: &SpanVisit| {
            visit.end.min(times.end).saturating_sub(visit.start.max(times.start))
        };
        let visits = self.lane_visits(lane, times.clone());
        let visits = visits.filter(|visit| within(visit) > length / 2);
        let innermost = visits.max_by_key(|visit| visit.depth)?;
        Some(self.span_of(innermost.span))
    }

    /// The same as a part of a sentence.
    pub(super) fn in_span(&self, lane: LaneIx, times: Range<Nanos>) -> String {
        let Some(span) = self.span_in(lane, times) else { return String::new() };
        let place = span.place.map(|place| format!(" ({})", self.place(place).short()));
        format!(", in its span `{}`{}", span.name, place.unwrap_or_default())
    }

    /// How many polls there were on some lanes in a stretch of time, and how long these took together: to a hundredth.
    pub(super) fn polled<'a>(
        &self,
        lanes: impl IntoIterator<Item = &'a LaneIx>,
        times: &Range<Nanos>,
    ) -> (u64, Nanos) {
        let step = (times.end - times.start) / 100;
        let spans = lanes.into_iter().flat_map(|&lane| self.lod_spans(lane, times.clone(), step));
        let outer = spans.filter(|span| span.depth == 0);
        outer.fold((0, 0), |(polls, busy), span| {
            let within = span.end.min(times.end).saturating_sub(span.start.max(times.start));
            (polls + u64::from(span.count), Nanos::saturating_add(busy, span.busy.min(within)))
        })
    }
}
