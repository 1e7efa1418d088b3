//! Whether more threads polled at once than there are processors.

use super::{Finding, Kind, Severity, duration, plural};
use crate::trace::Trace;
use crate::types::{LaneIx, Poll, PollIx};
use taskscope_format::meta;

/// At so many moments of a poll it is looked how many threads poll.
const MOMENTS: u64 = 16;
/// At so many of them there must be too many.
const PART: usize = 4;
/// So many long polls in a crowd are worth a word.
const AGAIN: usize = 3;

/// How many processors there are.
pub(super) struct Crowd {
    /// `None` where that was not recorded.
    processors: Option<usize>,
}

impl Crowd {
    pub(super) fn new(trace: &Trace) -> Self {
        let recorded = trace.info().get(meta::PROCESSORS).and_then(|number| number.parse().ok());
        Self { processors: recorded.filter(|&processors| processors > 0) }
    }

    /// Whether, for a quarter of it or more, more threads polled than there are processors.
    pub(super) fn is_around(&self, trace: &Trace, poll: &Poll) -> bool {
        let Some(processors) = self.processors else { return false };
        let crowded = polling(trace, poll).filter(|&threads| threads > processors);
        crowded.count() >= PART
    }
}

/// How many threads polled at some moments while a poll lasted, itself among them.
fn polling(trace: &Trace, poll: &Poll) -> impl Iterator<Item = usize> {
    let lanes = || (0..trace.lanes().len() as u16).map(LaneIx);
    let moments = (1..=MOMENTS).map(|number| poll.start + poll.duration() * number / (MOMENTS + 1));
    moments.map(move |moment| lanes().filter(|&lane| trace.poll_at(lane, moment).is_some()).count())
}

/// Says so where long polls were in a crowd.
pub(super) fn few_processors(trace: &Trace, crowd: &Crowd, polls: &[PollIx]) -> Option<Finding> {
    let processors = crowd.processors.filter(|_| polls.len() >= AGAIN)?;
    let &longest = polls.iter().max_by_key(|&&poll| trace.poll(poll).duration())?;
    let poll = trace.poll(longest);
    let most = polls.iter().flat_map(|&poll| polling(trace, &trace.poll(poll)).collect::<Vec<_>>());
    let most = most.max().unwrap_or(0);
    let workers: usize = trace.runtimes().iter().map(|runtime| runtime.workers.len()).sum();
    let evidence = format!(
        "{} on {}: up to {} polled at once. {} of {} or longer fell into such times, the longest of {}.",
        plural(workers as u64, "worker"),
        plural(processors as u64, "processor"),
        plural(most as u64, "thread"),
        plural(polls.len() as u64, "poll"),
        duration(super::survey::LONG),
        duration(poll.duration()),
    );
    Some(Finding {
        kind: Kind::FewProcessors,
        severity: Severity::Note,
        // Who had a processor is not recorded.
        certain: false,
        task: Some(poll.task),
        poll: Some(longest),
        place: None,
        lane: Some(poll.lane),
        times: poll.start..poll.end,
        evidence,
        affected: Vec::new(),
        cost: polls.iter().map(|&poll| trace.poll(poll).duration()).sum(),
    })
}
