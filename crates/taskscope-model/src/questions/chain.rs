//! What led to a poll, and what to that, link by link.
//!
//! A poll was woken in a poll of another task, which was woken in turn; or its task was spawned in one. The chain
//! ends at a wake by a driver or a thread, at a spawn by none, and where nothing is recorded.

use crate::causality::Cause;
use crate::store::polls::WakerKind;
use crate::trace::Trace;
use crate::types::{PollIx, WakeAt};

/// A link of the chain: see [`links`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// A poll.
    pub poll: PollIx,
    /// What scheduled its task for it. [`Trace::wake`](crate::Trace::wake) has who called the waker.
    pub cause: Cause,
    /// The poll in which that was done (in which the waker was called, or the task spawned), where it was
    /// one: the next link. A waker that a task's end called has the last poll of that.
    pub by: Option<PollIx>,
}

/// What led to a poll, and so on, back in time. Each link costs a few microseconds, and is found when it is asked for.
pub fn links(trace: &Trace, poll: PollIx) -> impl Iterator<Item = Link> {
    let first = link(trace, poll);
    std::iter::successors(Some(first), |last| {
        let by = last.by?;
        // Only a damaged recording has causes that come later, or at the same time. The chain ends there, so that
        // it cannot run in a ring.
        let (start, begun) = (trace.polls.start(last.poll), trace.polls.start(by));
        (begun < start).then(|| link(trace, by))
    })
}

fn link(trace: &Trace, poll: PollIx) -> Link {
    let cause = trace.cause(poll);
    let by = match cause {
        Cause::Unknown => None,
        Cause::Spawned { time, by } => by.and_then(|parent| {
            let polls = trace.task_polls(parent);
            let last = polls.get(polls.begun_at(time).checked_sub(1)?)?;
            (trace.polls.end(last) >= time).then_some(last)
        }),
        Cause::Woken(wake) => match wake.0 {
            WakeAt::Led(led) => {
                let row = trace.polls.row(led);
                (row.flags.waker() == WakerKind::Poll).then_some(PollIx(row.waker))
            }
            WakeAt::More(_) | WakeAt::Pending(_) => None,
        },
    };
    Link { poll, cause, by }
}
