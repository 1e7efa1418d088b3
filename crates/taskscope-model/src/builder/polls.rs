//! Polls and wakes, as they come in the order of time.
//!
//! A poll gets its row when it begins, at the end of its lane and of its task. Three things are known
//! only later, and change rows that stand already:
//!
//! - Tokio enters a task's span once more to drop the future, whether it returned or was aborted.
//!   Where hooks show what is a poll, the recorder leaves that out; elsewhere it is the last bracket of
//!   every task that has ended. (The end itself may be recorded later, and on another thread: something
//!   can outlive the task and hold on to its span. Where events were dropped this may take off one too
//!   many.)
//! - A runtime that shuts down ends its tasks on one thread, while others may still take them out of
//!   their queues, and find nothing to poll. The recorder knows that where the task has a span; where
//!   only hooks report it, a bracket that begins after the end and is left pending is none. (One that
//!   began before the end may well be a poll: a bracket can last longer than its poll, in which time
//!   another worker takes up the task.)
//! - A bracket from a span doesn't know that its poll was the last; the task's end does.

use taskscope_format::{EndKind, Nanos, TaskId};

use super::batch::{GOES_ON, Item};
use super::replay::{Occupant, OpenPoll, Replay, Stream, Undescribed};
use crate::store::polls::{Flags, NONE, NewPoll, RawEnd, WakerKind};
use crate::store::task_polls::STRIDE;
use crate::trace::Trace;
use crate::types::{Hot, LaneIx, LaneKind, Moment, MoreWake, PendingWake, PollIx, TaskIx};
use crate::yields::{AT_ONCE, Candidate};

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
            self.trace.polls.change(ix).set_scheduled(ix.slot(), since);
        }
        if item.time < time {
            self.trace.polls.change(ix).rows[ix.slot()].flags.set(Flags::BEFORE);
            self.trace.before.push((ix, item.time));
        }
        if self.hot[task.get()].has(Hot::ENDED) {
            self.polled_after_end(&open, poll.before);
        }
    }

    /// Gives a new poll what its task knows of it, and its task what is known of the poll.
    #[inline]
    fn join_task(&mut self, ix: PollIx, lane: LaneIx, moment: Moment, poll: &mut NewPoll) {
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
            if let Some(of) = trace.tasks.get_mut(task) {
                of.hops += 1;
            }
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
                of.marks.get_or_insert_default().push(ix.0);
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
            self.trace.polls.change(before).rows[before.slot()].flags.clear(Flags::LAST);
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

    /// The poll belongs to a task that has ended.
    #[cold]
    fn ended_already(&mut self, open: &OpenPoll) {
        let row = *self.trace.polls.row(open.poll);
        let start = self.trace.polls.start(open.poll);
        let Some(end) = self.trace.tasks[open.task.get()].end else { return };
        let is_late = !row.flags.has(Flags::FROM_SPAN)
            && row.flags.end() == RawEnd::Pending
            && end.time <= start;
        if is_late {
            self.take_off(open.poll);
        } else if row.flags.has(Flags::FROM_SPAN) {
            self.take_off_drop(open.task);
        }
    }

    /// A task has ended: a bracket that began at that very moment is late.
    pub(crate) fn take_off_late(&mut self, task: TaskIx, end: Nanos) {
        let last = self.hot[task.get()].last;
        if last == NONE {
            return;
        }
        let ix = PollIx(last);
        let flags = self.trace.polls.row(ix).flags;
        let is_late = !flags.has(Flags::FROM_SPAN)
            && !flags.has(Flags::GOES_ON)
            && flags.end() == RawEnd::Pending
            && end <= self.trace.polls.start(ix);
        if is_late {
            self.take_off(ix);
        }
    }

    /// The last bracket of a task that has ended and that spans report held its drop.
    pub(crate) fn take_off_drop(&mut self, task: TaskIx) {
        let last = self.hot[task.get()].last;
        if last == NONE || self.drop_brackets.contains_key(&task) {
            return;
        }
        let ix = PollIx(last);
        if self.trace.polls.row(ix).flags.has(Flags::FROM_SPAN) {
            self.drop_brackets.insert(task, ix);
            self.hot[task.get()].set(Hot::DROPPED, true);
            self.take_off(ix);
        }
    }

    /// Another bracket comes behind the one that was taken for the drop: that was a poll.
    #[cold]
    fn restore_drop_bracket(&mut self, task: TaskIx) {
        self.hot[task.get()].set(Hot::DROPPED, false);
        let Some(ix) = self.drop_brackets.remove(&task) else { return };
        let slot = ix.slot();
        let chunk = self.trace.polls.change(ix);
        let lane = chunk.lane;
        let mut poll = NewPoll {
            start: chunk.start(slot),
            duration: chunk.duration(slot),
            task: task.0,
            before: NONE,
            delay: 0,
            waker: NONE,
            flags: chunk.rows[slot].flags,
        };
        poll.flags.clear(Flags::GONE);
        let moment = self.hot[task.get()].moment;
        self.join_task(ix, lane, moment, &mut poll);
        let chunk = self.trace.polls.change(ix);
        chunk.set_delay(slot, poll.delay);
        let row = &mut chunk.rows[slot];
        (row.before, row.waker, row.flags) = (poll.before, poll.waker, poll.flags);
    }

    /// Takes a bracket that was no poll off its task and its lane. It is the last of its task, or
    /// has been taken off already.
    fn take_off(&mut self, ix: PollIx) {
        let slot = ix.slot();
        let chunk = self.trace.polls.change(ix);
        let was_gone = chunk.rows[slot].flags.has(Flags::GONE);
        let row = &mut chunk.rows[slot];
        row.flags.set(Flags::GONE);
        let (task, before) = (TaskIx(row.task), row.before);
        let wake =
            (row.flags.waker() != WakerKind::None).then(|| chunk.start(slot)).and_then(|start| {
                let time = start - chunk.delay(slot)?;
                let row = &mut chunk.rows[slot];
                let mut flags = Flags::default();
                flags.set(row.flags.of_wake());
                row.flags.set_waker(WakerKind::None);
                Some(PendingWake { time, waker: row.waker, flags })
            });
        let (duration, hopped) = (chunk.duration(slot), chunk.rows[slot].flags.has(Flags::HOP));
        chunk.rows[slot].flags.clear(Flags::HOP | Flags::LAST);
        let hot = &mut self.hot[task.get()];
        hot.busy = hot.busy.saturating_sub(duration);
        if was_gone {
            return;
        }
        hot.polls -= 1;
        self.trace.poll_count -= 1;
        if hot.last != ix.0 {
            // Only where a file has polls of a task within one another.
            self.take_out(ix, before, task);
            return;
        }
        hot.last = before;
        if (hot.polls as usize).is_multiple_of(STRIDE)
            && let Some(of) = self.trace.tasks.get_mut(task.get())
            && let Some(marks) = &mut of.marks
        {
            marks.pop_if(|mark| *mark == ix.0);
        }
        if hopped && let Some(of) = self.trace.tasks.get_mut(task.get()) {
            of.hops -= 1;
        }
        self.trace.hop_count -= u64::from(hopped);
        let next = hot.pending();
        hot.set_pending(wake.or(next));
        self.recall_last(task, duration);
        if wake.is_some()
            && let Some(next) = next
        {
            // What came behind the bracket is not the first wake any more.
            self.one_more_wake(task, next);
        }
        if before != NONE && self.hot[task.get()].has(Hot::ENDED) {
            self.mark_last(task);
        }
    }

    /// Takes a poll from between others of its task.
    #[cold]
    fn take_out(&mut self, ix: PollIx, before: u32, task: TaskIx) {
        let polls = &mut self.trace.polls;
        let last = self.hot[task.get()].last;
        let behind = polls.back_from(last).find(|other| polls.row(*other).before == ix.0);
        if let Some(behind) = behind {
            polls.change(behind).rows[behind.slot()].before = before;
        }
        let all: Vec<PollIx> = polls.back_from(last).collect();
        if let Some(of) = self.trace.tasks.get_mut(task.get()) {
            let marks = all.iter().rev().step_by(STRIDE).skip(1).map(|poll| poll.0);
            of.marks = Some(Box::new(marks.collect()));
        }
    }

    /// A poll of a task was taken off, of this length: what is known of its last is that of another
    /// now.
    fn recall_last(&mut self, task: TaskIx, duration: Nanos) {
        let polls = &self.trace.polls;
        let hot = &mut self.hot[task.get()];
        let in_32_bits = |duration: Nanos| u32::try_from(duration).unwrap_or(Hot::LONG);
        if in_32_bits(duration) >= hot.longest {
            let durations = polls.back_from(hot.last).map(|poll| in_32_bits(polls.duration(poll)));
            hot.longest = durations.max().unwrap_or(0);
        }
        if let Some(last) = polls.back_from(hot.last).next() {
            let chunk = polls.chunk(last.chunk());
            let flags = chunk.rows[last.slot()].flags;
            hot.last_start = chunk.start(last.slot());
            hot.last_duration = in_32_bits(chunk.duration(last.slot()));
            hot.last_lane = chunk.lane;
            let kept_waker = flags.has(Flags::KEPT_WAKER);
            hot.set(Hot::WAITING, kept_waker && flags.end() == RawEnd::Pending);
        }
    }

    pub(crate) fn mark_last(&mut self, task: TaskIx) {
        let last = self.hot[task.get()].last;
        let kind = self.trace.tasks[task.get()].end.map(|end| end.kind);
        if last != NONE && kind != Some(EndKind::Unknown) {
            let last = PollIx(last);
            self.trace.polls.change(last).rows[last.slot()].flags.set(Flags::LAST);
        }
    }

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
                self.trace.odd_wakers.insert((task.0, time), other);
            }
            _ => {}
        }
        let by_itself = open.is_some_and(|open| open.task == task);
        if kind == WakerKind::Driver {
            let candidate = self.candidate(stream, task, time, LaneIx(waker as u16));
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
            let chunk = trace.polls.change(last);
            let ends = chunk.end(last.slot());
            let flags = &mut chunk.rows[last.slot()].flags;
            if flags.has(Flags::GOES_ON) || time <= ends {
                flags.set(Flags::SELF_WOKEN);
            }
        }
    }

    /// A wake of a task that was going to be polled anyway.
    fn one_more_wake(&mut self, task: TaskIx, wake: PendingWake) {
        let trace = &mut self.trace;
        let at = trace.more_wakes.len() as u32;
        let last = self.hot[task.get()].last;
        let before = if last == NONE {
            let Some(of) = trace.tasks.get_mut(task.get()) else { return };
            std::mem::replace(&mut of.last_early, at)
        } else {
            let last = PollIx(last);
            let before = trace.polls.chunk(last.chunk()).last_more_wake(last.slot());
            trace.polls.change(last).set_last_more_wake(last.slot(), at);
            before.unwrap_or(NONE)
        };
        let PendingWake { time, waker, flags } = wake;
        let order = trace.more_wakes.last().map_or(time, |last| last.order.max(time));
        if order > time {
            self.late_times.push(time);
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

impl Trace {
    /// The thread of a poll has stopped being its worker.
    pub(crate) fn gave_away(&mut self, ix: PollIx, time: Nanos) {
        let chunk = self.polls.change(ix);
        chunk.set_left(ix.slot(), time);
        if !chunk.rows[ix.slot()].flags.has(Flags::GOES_ON) {
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
