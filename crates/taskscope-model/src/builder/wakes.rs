//! Wakes, as they come in the order of time.

use std::sync::Arc;

use taskscope_format::{Nanos, TaskId};

use super::batch::Item;
use super::replay::Replay;
use crate::store::polls::{Flags, NONE, WakerKind};
use crate::types::{Hot, LaneIx, MoreWake, PendingWake, PollIx, TaskIx};
use crate::yields::{AT_ONCE, Candidate};

impl Replay {
    #[inline]
    pub(crate) fn wake(&mut self, stream: usize, time: Nanos, item: &Item) {
        let task = self.task(TaskId(item.what));
        if item.has(Item::SILENCE) {
            self.silence(stream);
        }
        let of_stream = &self.streams[stream];
        let mut flags = Flags::default();
        if item.has(Item::BY_REF) {
            flags.set(Flags::BY_REF);
        }
        let (open, worker, thread) = (of_stream.open.last(), of_stream.worker, of_stream.thread);
        let (kind, waker, lane) = match (open, worker) {
            (Some(open), _) => (WakerKind::Poll, open.poll.0, Some(open.lane)),
            (None, Some(lane)) => (WakerKind::Driver, lane.0.into(), Some(lane)),
            (None, None) => (WakerKind::Thread, thread.0, None),
        };
        flags.set_waker(kind);
        match worker {
            None if lane.is_some() => flags.set(Flags::WAKER_NO_WORKER),
            Some(other) if lane != worker => {
                flags.set(Flags::WAKER_ODD);
                Arc::make_mut(&mut self.trace.odd_wakers).insert((task.0, time), other);
            }
            _ => {}
        }
        let by_itself = open.is_some_and(|open| open.task == task);
        if kind == WakerKind::Driver {
            let candidate = self.candidate(stream, task, time, LaneIx(waker as u16));
            self.habits.prefetch(&self.hot[task.get()]);
            self.streams[stream].batch.add(candidate);
        }
        let wake = PendingWake { time, waker, flags };
        let trace = &mut self.trace;
        trace.wake_count += 1;
        let hot = &mut self.hot[task.get()];
        hot.wakes = hot.wakes.saturating_add(1);
        if hot.is_woken() {
            self.one_more_wake(task, wake);
            return;
        }
        let last = PollIx(hot.last);
        if time <= hot.last_start && hot.last != NONE {
            // At one time with the poll that it led to.
            let chunk = trace.polls.change(last);
            let row = &mut chunk.rows[last.slot()];
            if row.flags.waker() == WakerKind::None {
                row.waker = waker;
                row.flags.set(flags.of_wake());
                chunk.set_delay(last.slot(), 0);
                return;
            }
        }
        hot.set_pending(Some(wake));
        if by_itself && hot.last != NONE {
            let goes_on = trace.polls.row(last).flags.has(Flags::GOES_ON);
            if goes_on || time <= trace.polls.end(last) {
                trace.polls.flags_mut(last).set(Flags::SELF_WOKEN);
            }
        }
    }

    /// A wake of a task that was going to be polled anyway.
    pub(super) fn one_more_wake(&mut self, task: TaskIx, wake: PendingWake) {
        let trace = &mut self.trace;
        let at = trace.more_wakes.len() as u32;
        let last = self.hot[task.get()].last;
        let before = if last == NONE {
            let Some(of) = trace.tasks.get_mut(task.get()) else { return };
            std::mem::replace(&mut of.last_early, at)
        } else {
            let last = PollIx(last);
            let before = trace.polls.chunk(last.chunk()).last_more_wake(last.slot());
            trace.polls.annotate(last).set_last_more_wake(last.slot(), at);
            before.unwrap_or(NONE)
        };
        let PendingWake { time, waker, flags } = wake;
        let order = trace.more_wakes.last().map_or(time, |last| last.order.max(time));
        if order > time {
            trace.late_times.push(time);
        }
        trace.more_wakes.push(MoreWake { time, order, task: task.0, before, waker, flags });
    }

    /// What speaks for a wake by a worker's being that of a yield: see [`crate::yields`].
    #[inline]
    fn candidate(
        &self,
        stream: usize,
        task: TaskIx,
        time: Nanos,
        lane: LaneIx,
    ) -> Option<Candidate> {
        let hot = &self.hot[task.get()];
        let end = hot.last_end();
        let is_first = !hot.is_woken() && hot.last != NONE;
        if !is_first || !hot.has(Hot::WAITING) || time < end {
            return None;
        }
        let records_parks = self.notices_parks || self.trace.records_parks(lane);
        Some(Candidate {
            poll: PollIx(hot.last),
            end,
            task,
            is_next: self.streams[stream].moment.is_same(hot.moment, records_parks),
            at_once: time - end < AT_ONCE,
            records_parks,
        })
    }
}
