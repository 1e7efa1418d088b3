//! Polls, as they come in the order of time.
//!
//! A poll gets its row when it begins, at the end of its lane and of its task. What is known only later
//! changes rows that stand already: when it ended, if another block says so, and what `drops` says.

use taskscope_format::{Nanos, TaskId};

use super::batch::{GOES_ON, Item};
use super::replay::{Occupant, OpenPoll, Replay, Stream, Undescribed};
use crate::store::polls::{Flags, NONE, NewPoll, RawEnd};
use crate::store::task_polls::STRIDE;
use crate::trace::Trace;
use crate::types::{Hot, LaneIx, LaneKind, Moment, PollIx, TaskIx};

impl Replay {
    #[inline]
    pub(crate) fn poll_start(&mut self, stream: usize, time: Nanos, item: &Item) {
        let task = self.task(TaskId(item.what));
        if self.streams[stream].parked_since.is_some() {
            // A worker that polls is not parked, whether or not it said so.
            self.unpark(stream, time);
        }
        if item.has(Item::NEXT_BATCH) {
            self.next_batch(stream);
        }
        if item.has(Item::SILENCE) {
            self.silence(stream);
        }
        let worker = self.streams[stream].worker;
        let lane = worker.unwrap_or_else(|| self.own_lane(stream));
        self.lane_of_gap(stream, lane);
        if item.has(Item::FROM_SPAN) && self.hot[task.get()].polls == 0 {
            self.note_undescribed(stream, task, lane);
        }
        if self.hot[task.get()].has(Hot::DROPPED) {
            self.restore_drop_bracket(task);
        }

        let end = (item.duration != GOES_ON).then(|| item.time + Nanos::from(item.duration));
        let end = end.map(|end| end.max(time));
        let how = end.map_or(Some(RawEnd::Open), |_| Self::raw_end(item.result()));
        let Stream { thread, moment, .. } = self.streams[stream];
        let mut flags = Flags::default();
        flags.set_if(item.has(Item::BUDGET), Flags::BUDGET);
        flags.set_if(item.has(Item::FROM_SPAN), Flags::FROM_SPAN);
        flags.set_if(item.has(Item::KEPT_WAKER), Flags::KEPT_WAKER);
        flags.set_if(end.is_none(), Flags::GOES_ON);
        flags.set_if(how.is_none(), Flags::GONE);
        flags.set_end(how.unwrap_or(RawEnd::Pending));
        let mut poll = NewPoll {
            start: time,
            duration: end.map_or(0, |end| end - time),
            task: task.0,
            before: NONE,
            delay: 0,
            waker: NONE,
            flags,
        };
        let depth = if how.is_some() { self.depth_on(lane, thread.0, time) } else { 0 };
        let Some(ix) = self.spot(lane, depth, time) else { return };
        if how.is_some() {
            self.join_task(ix, lane, moment, &mut poll);
            let until = end.unwrap_or(Nanos::MAX);
            self.occupants[lane.get()].push(Occupant { poll: ix, thread: thread.0, until });
        }
        self.trace.polls.put(ix, &poll);
        let (on_worker, goes_on) = (worker == Some(lane), end.is_none());
        let open = OpenPoll { poll: ix, task, lane, on_worker, goes_on };
        self.streams[stream].open.push(open);
        if let Some(since) = self.streams[stream].scheduled.take() {
            self.trace.polls.annotate(ix).set_scheduled(ix.slot(), since);
        }
        if item.time < time {
            self.trace.polls.flags_mut(ix).set(Flags::BEFORE);
            self.trace.before.push((ix, item.time));
        }
        if self.hot[task.get()].has(Hot::ENDED) {
            self.polled_after_end(&open, poll.before);
        }
    }

    /// Gives a new poll what its task knows of it, and its task what is known of the poll.
    #[inline]
    pub(super) fn join_task(
        &mut self,
        ix: PollIx,
        lane: LaneIx,
        moment: Moment,
        poll: &mut NewPoll,
    ) {
        let trace = &mut self.trace;
        let task = poll.task as usize;
        let hot = &mut self.hot[task];
        poll.before = hot.last;
        if hot.last_lane != lane
            && hot.last != NONE
            && hot.has(Hot::HOPS)
            // To another worker of its runtime. Where no runtime of Tokio's polls it, to another
            // thread.
            && trace.worker_runtime(hot.last_lane) == trace.worker_runtime(lane)
        {
            poll.flags.set(Flags::HOP);
            self.hops_of[task] += 1;
            trace.hops.push(ix);
            trace.hop_count += 1;
        }
        if let Some(wake) = hot.pending() {
            poll.waker = wake.waker;
            poll.flags.set(wake.flags.of_wake());
            poll.delay = poll.start.saturating_sub(wake.time);
            hot.set_pending(None);
        }
        let goes_on = poll.flags.has(Flags::GOES_ON);
        if !goes_on {
            hot.add_time(poll.duration);
        }
        hot.last_start = poll.start;
        hot.last_duration = u32::try_from(poll.duration).unwrap_or(Hot::LONG);
        let kept_waker = poll.flags.has(Flags::KEPT_WAKER);
        hot.set(Hot::WAITING, kept_waker && !goes_on && poll.flags.end() == RawEnd::Pending);
        hot.last_lane = lane;
        hot.moment = moment;
        hot.last = ix.0;
        let number = hot.polls;
        hot.polls += 1;
        trace.poll_count += 1;
        if hot.has(Hot::BLOCK_ON) {
            self.block_on_lanes.insert(lane);
        }
        let is_marked = number > 0 && (number as usize).is_multiple_of(STRIDE);
        if (is_marked || number == 0)
            && let Some(of) = trace.tasks.get_mut(task)
        {
            if is_marked {
                if self.lets_go.is_none() {
                    of.marks.push(ix.0);
                }
            } else if of.runtime.is_none() {
                of.runtime = match trace.lanes[lane.get()].kind {
                    LaneKind::Worker { runtime, .. } => Some(runtime),
                    LaneKind::Thread(_) => None,
                };
            }
        }
    }

    /// A poll of a task that has ended: the one before is not its last.
    #[cold]
    fn polled_after_end(&mut self, open: &OpenPoll, before: u32) {
        if self.hot[open.task.get()].last != open.poll.0 {
            return;
        }
        if before != NONE {
            let before = PollIx(before);
            self.trace.polls.flags_mut(before).clear(Flags::LAST);
        }
        self.mark_last(open.task);
        if !open.goes_on {
            self.ended_already(open);
        }
    }

    /// Spans show a task of which no spawn was read.
    #[cold]
    fn note_undescribed(&mut self, stream: usize, task: TaskIx, lane: LaneIx) {
        if !self.described.contains(&task) {
            let is_nested = !self.streams[stream].open.is_empty();
            self.undescribed.push(Undescribed { task, lane, is_nested });
        }
    }

    pub(crate) fn poll_end(&mut self, stream: usize, time: Nanos, item: &Item) {
        let Some(open) = self.streams[stream].open.pop() else { return };
        if !open.goes_on {
            return;
        }
        match Self::raw_end(item.result()) {
            Some(how) => self.finish_poll(&open, time, how, item.has(Item::KEPT_WAKER)),
            None => {
                self.finish_poll(&open, time, RawEnd::Pending, false);
                self.take_off(open.poll);
            }
        }
        let moment = self.streams[stream].moment;
        let hot = &mut self.hot[open.task.get()];
        if hot.last == open.poll.0 {
            hot.moment = moment;
        }
    }

    fn spot(&mut self, lane: LaneIx, depth: u8, start: Nanos) -> Option<PollIx> {
        let levels = &mut self.trace.lanes[lane.get()].levels;
        if levels.len() <= usize::from(depth) {
            levels.resize_with(usize::from(depth) + 1, Default::default);
        }
        let list = &mut levels[usize::from(depth)].chunks;
        let ix = self.trace.polls.spot(list, (lane, depth), start);
        self.is_full |= ix.is_none();
        ix
    }

    /// How many polls a new one on a lane lies within, and what occupies the lane no longer.
    ///
    /// Where another thread polls on a lane, that thread is the worker now, and what the thread before
    /// it still polls has left the lane, even if nothing says so (hooks alone do not record that a poll
    /// calls `block_in_place`).
    fn depth_on(&mut self, lane: LaneIx, thread: u32, start: Nanos) -> u8 {
        // As many levels of nesting as a depth can tell apart.
        const LEVELS: usize = u8::MAX as usize + 1;

        let occupants = &mut self.occupants[lane.get()];
        while let Some(last) = occupants.last_mut() {
            if last.until > start {
                if last.thread == thread {
                    break;
                }
                last.until = start;
                self.trace.gave_away(last.poll, start);
            }
            occupants.pop();
        }
        occupants.truncate(LEVELS - 1);
        occupants.len() as u8
    }

    /// Writes down how a poll ended.
    #[inline]
    pub(crate) fn finish_poll(
        &mut self,
        open: &OpenPoll,
        end: Nanos,
        how: RawEnd,
        kept_waker: bool,
    ) {
        let ix = open.poll;
        let slot = ix.slot();
        let chunk = self.trace.polls.change(ix);
        let duration = end.saturating_sub(chunk.start(slot));
        chunk.set_duration(slot, duration);
        let flags = &mut chunk.rows[slot].flags;
        flags.set_end(how);
        flags.clear(Flags::GOES_ON);
        if kept_waker {
            flags.set(Flags::KEPT_WAKER);
        }
        if flags.has(Flags::GAVE_AWAY) {
            self.trace.settle_left(ix);
        }
        let hot = &mut self.hot[open.task.get()];
        hot.add_time(duration);
        if hot.last == ix.0 {
            hot.last_duration = u32::try_from(duration).unwrap_or(Hot::LONG);
            hot.set(Hot::WAITING, kept_waker && how == RawEnd::Pending);
        }
        let has_ended = hot.has(Hot::ENDED);
        self.leave(open, end);
        if has_ended {
            self.ended_already(open);
        }
    }

    /// It occupies its lane no longer.
    fn leave(&mut self, open: &OpenPoll, end: Nanos) {
        let occupants = &mut self.occupants[open.lane.get()];
        if let Some(known) = occupants.iter_mut().rev().find(|one| one.poll == open.poll) {
            known.until = known.until.min(end);
        }
    }
}

impl Trace {
    /// The thread of a poll has stopped being its worker.
    pub(crate) fn gave_away(&mut self, ix: PollIx, time: Nanos) {
        self.polls.set_left(ix, time);
        if !self.polls.row(ix).flags.has(Flags::GOES_ON) {
            self.settle_left(ix);
        }
    }

    /// A poll that had ended before another thread polled on its lane has not given its worker away.
    pub(crate) fn settle_left(&mut self, ix: PollIx) {
        let slot = ix.slot();
        let chunk = self.polls.change(ix);
        if chunk.occupied(slot) >= chunk.duration(slot) {
            chunk.rows[slot].flags.clear(Flags::GAVE_AWAY);
        }
    }
}
