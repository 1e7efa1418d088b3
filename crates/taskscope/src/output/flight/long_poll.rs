//! Polls that last too long, seen by the writer thread.
//!
//! The recorded threads do nothing for it: the writer reads the blocks that come in anyway. A
//! poll that is over is found in them; one that still goes on has its start in some earlier
//! block, so the open polls of each thread are kept, and looked at each time the writer comes by.
//! That is the case in which one wants to know: a worker that is stuck records nothing any more.
//!
//! Only polls on workers count. A closure on the blocking pool may take as long as it likes, and
//! so may a worker that has given itself away with `block_in_place`.

use std::collections::HashMap;

use taskscope_format::{Event, Nanos, TaskId, ThreadId};

/// A poll that took, or takes, longer than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LongPoll {
    pub(crate) task: TaskId,
    pub(crate) lasted: Nanos,
    pub(crate) goes_on: bool,
}

#[derive(Debug, Default)]
struct Thread {
    worker: bool,
    open: Vec<Open>,
    /// Records of the newest chain that have been read.
    read: usize,
}

#[derive(Debug)]
struct Open {
    task: TaskId,
    start: Nanos,
    reported: bool,
}

#[derive(Debug)]
pub(crate) struct LongPollWatch {
    limit: Nanos,
    threads: HashMap<ThreadId, Thread>,
    found: Option<LongPoll>,
}

impl LongPollWatch {
    pub(crate) fn new(limit: Nanos) -> Self {
        Self { limit, threads: HashMap::new(), found: None }
    }

    /// Reads the newest chain of a thread; `longer` if it was there before, and has got longer.
    pub(crate) fn read<'a>(
        &mut self,
        thread: ThreadId,
        longer: bool,
        records: impl Iterator<Item = (Nanos, Event<'a>)>,
    ) {
        let state = self.threads.entry(thread).or_default();
        if !longer {
            state.read = 0;
        }
        for (time, event) in records.skip(state.read) {
            state.read += 1;
            match event {
                Event::Worker(worker) => state.worker = worker.is_some(),
                Event::PollStart { task, .. } => {
                    state.open.push(Open { task, start: time, reported: false });
                }
                Event::PollEnd { .. } => {
                    let Some(open) = state.open.pop() else { continue };
                    let lasted = time.saturating_sub(open.start);
                    if lasted > self.limit && state.worker && !open.reported {
                        self.found = Some(LongPoll { task: open.task, lasted, goes_on: false });
                    }
                }
                Event::Dropped { .. } => state.open.clear(),
                _ => {}
            }
        }
    }

    pub(crate) fn forget_thread(&mut self, thread: ThreadId) {
        self.threads.remove(&thread);
    }

    /// The last long poll that has not been reported yet, if there is one.
    pub(crate) fn look(&mut self, now: Nanos) -> Option<LongPoll> {
        for state in self.threads.values_mut().filter(|state| state.worker) {
            // The innermost: what is around it lasts as long because of it.
            let Some(open) = state.open.last_mut().filter(|open| !open.reported) else { continue };
            let lasted = now.saturating_sub(open.start);
            if lasted > self.limit {
                let task = open.task;
                // Those around it are as long, and no news either.
                state.open.iter_mut().for_each(|open| open.reported = true);
                self.found = Some(LongPoll { task, lasted, goes_on: true });
            }
        }
        self.found.take()
    }
}

#[cfg(test)]
mod tests {
    use taskscope_format::{PollResult, RuntimeId, Source};

    use super::*;

    const THREAD: ThreadId = ThreadId(1);
    const WORKER: Event<'static> = Event::Worker(Some((RuntimeId(0), 0)));
    const OVER: Event<'static> = Event::PollEnd { result: PollResult::Pending, kept_waker: false };

    fn poll(task: u64) -> Event<'static> {
        Event::PollStart { task: TaskId(task), source: Source::Hook }
    }

    #[test]
    fn a_poll_that_was_too_long_is_reported_once() {
        let mut watch = LongPollWatch::new(10);
        let short = [(0, WORKER), (1, poll(1)), (11, OVER), (20, poll(2))];
        watch.read(THREAD, false, short.into_iter());
        assert_eq!(watch.look(30), None);
        watch.read(THREAD, false, [(31, OVER)].into_iter());
        let long = LongPoll { task: TaskId(2), lasted: 11, goes_on: false };
        assert_eq!(watch.look(32), Some(long));
        assert_eq!(watch.look(99), None);
    }

    #[test]
    fn a_poll_that_goes_on_is_reported_once_and_not_again_when_it_ends() {
        let mut watch = LongPollWatch::new(10);
        let begun = [(0, WORKER), (1, poll(1)), (2, poll(2))];
        watch.read(THREAD, false, begun.into_iter());
        assert_eq!(watch.look(12), None);
        let long = LongPoll { task: TaskId(2), lasted: 11, goes_on: true };
        assert_eq!(watch.look(13), Some(long));
        let rest = [(40, OVER), (41, OVER)];
        watch.read(THREAD, true, begun.into_iter().chain(rest));
        assert_eq!(watch.look(42), None);
    }

    #[test]
    fn threads_that_are_no_workers_take_their_time() {
        let mut watch = LongPollWatch::new(10);
        let given_away = [(0, WORKER), (1, poll(1)), (2, Event::Worker(None))];
        watch.read(THREAD, false, given_away.into_iter());
        assert_eq!(watch.look(100), None);
        watch.read(ThreadId(2), false, [(0, poll(3)), (50, OVER)].into_iter());
        assert_eq!(watch.look(100), None);
    }

    #[test]
    fn where_events_were_dropped_nothing_is_known_to_be_long() {
        let mut watch = LongPollWatch::new(10);
        let lost = [(0, WORKER), (1, poll(1)), (5, Event::Dropped { count: 1, since: 4 })];
        watch.read(THREAD, false, lost.into_iter());
        assert_eq!(watch.look(100), None);
    }
}
